"""Limits: the budget by tier, the 429, a `Retry-After` that is honest to the second, and recovery after it.

In process the clock stands still and is moved, so that a second is a second. Against a server this layer uses up the
account's budget and waits in earnest: it is asked only where it is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.profile import Actor
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Answer, Credential

BUDGETS = {"standard": 100, "enterprise": 1000}
_LIVE_KEY_REQUESTS = 2000
_LIVE_FAILURES = 20
_UNKNOWN = Credential("unknown key", "0badc0de-0000-4000-8000-000000000000")


def checks(contract: Contract) -> Iterator[Check]:
    """The tiers, and what is limited together and what is not."""
    documented, live = ("documented",), ("live",)
    yield Check("limits", "tier-of-the-account", _account, cost=260, limits=True, dialects=documented)
    yield Check(
        "limits", "tier-of-the-neighbour", _neighbour, cost=1100, limits=True, sandbox=True, dialects=documented
    )
    yield Check("limits", "shared-by-keys", _shared, cost=230, limits=True, sandbox=True, dialects=documented)
    yield Check("limits", "every-operation", _everywhere, cost=160, limits=True, sandbox=True, dialects=documented)
    yield Check("limits", "requests-of-a-key", _live_key, cost=2020, limits=True, sandbox=True, dialects=live)
    yield Check("limits", "failed-authentication", _live_failures, cost=60, limits=True, sandbox=True, dialects=live)


def _ping(session: Session, who: Credential) -> Answer:
    return session.send(session.call("getOrganizations"), who, obey=False)


def _drain(session: Session, who: Credential, budget: int) -> Answer:
    """Use up a whole budget and one more; the answer to that one."""
    for number in range(1, budget + 1):
        session.begin()
        answer = _ping(session, who)
        session.demand(
            answer.status != 429 or not session.guard.sandbox, "limit-not-early",
            f"request {number} of {budget} was answered 429",
        )  # fmt: skip
        if answer.status == 429:
            # Somebody else may share the account: what is left of the budget is the server's to know.
            return answer
    answer = _ping(session, who)
    session.demand(answer.status == 429, "limit-enforced", f"request {budget + 1} was answered {answer.status}")
    return answer


def _seconds(session: Session, answer: Answer, longest: int = 60) -> int:
    value = answer.headers.get("retry-after", "")
    session.demand(value.isdecimal(), "retry-after-honest", f"Retry-After is {value!r}, no whole number of seconds")
    session.demand(
        1 <= int(value) <= longest, "retry-after-honest", f"Retry-After is {value}; the window is {longest} seconds"
    )
    return int(value)


def _recovers(session: Session, who: Credential, answer: Answer) -> None:
    seconds = _seconds(session, answer)
    if session.guard.sandbox:
        session.target.wait(seconds - 1)
        early = _ping(session, who)
        session.demand(early.status == 429, "retry-after-honest", "the limit ended a second before Retry-After said so")
        left = _seconds(session, early)
        session.demand(left == 1, "retry-after-honest", f"a second before the end Retry-After is {left}")
        session.target.wait(1)
    else:
        session.target.wait(seconds)
    again = _ping(session, who)
    session.demand(
        again.status == 200, "retry-after-honest", f"after Retry-After: {seconds} the answer is {again.status}"
    )


def _tier(session: Session, actor: Actor, tier: str) -> None:
    if tier not in BUDGETS:
        raise NotHere(f"the documentation has no tier {tier!r}")
    answer = _drain(session, actor.credential, BUDGETS[tier])
    if session.guard.sandbox:
        session.target.wait(20)
        later = _ping(session, actor.credential)
        passed = _seconds(session, answer) - _seconds(session, later)
        session.demand(passed == 20, "retry-after-honest", f"in 20 seconds Retry-After went down by {passed}")
        answer = later
    _recovers(session, actor.credential, answer)
    if session.guard.sandbox:
        session.target.wait(60)
        _drain(session, actor.credential, BUDGETS[tier])


def _account(session: Session, effort: Effort) -> None:
    _tier(session, session.profile.full, session.profile.tier)


def _neighbour(session: Session, effort: Effort) -> None:
    if session.profile.foreign is None:
        raise NotHere("the profile has no key of another organization")
    _tier(session, session.profile.foreign, session.profile.foreign_tier)


def _shared(session: Session, effort: Effort) -> None:
    """Keys of one account share its budget; a neighbour, health and refused keys are not touched by it."""
    _drain(session, session.me, BUDGETS[session.profile.tier])
    for actor in session.profile.others:
        if actor.valid and session.profile.org in {binding.org for binding in actor.bindings}:
            with session.attempt():
                answer = _ping(session, actor.credential)
                session.demand(answer.status == 429, "limit-shared", f"{actor.name} was answered {answer.status}")
    if session.profile.foreign is not None:
        with session.attempt():
            answer = _ping(session, session.profile.foreign.credential)
            session.demand(answer.status == 200, "limit-shared", f"another account was answered {answer.status}")
    for name in ("getHealth", "postHealth"):
        with session.attempt():
            answer = session.send(session.call(name), obey=False)
            session.demand(answer.status == 200, "health-unlimited", f"{name} was answered {answer.status}")
    with session.attempt():
        answer = _ping(session, _UNKNOWN)
        session.demand(answer.status == 401, "credential-required", f"an unknown key was answered {answer.status}")


def _everywhere(session: Session, effort: Effort) -> None:
    """Over the budget every operation is refused alike, and does nothing."""
    _drain(session, session.me, BUDGETS[session.profile.tier])
    for operation in session.contract.operations.values():
        if 429 not in operation.statuses:
            continue
        with session.attempt():
            somewhere = {"app_id": "dev.none", "appId": "dev.none", "id": 1, "orgId": session.profile.org}
            answer = session.send(session.call(operation.id, somewhere), obey=False)
            session.demand(answer.status == 429, "limit-enforced", f"over the budget it answered {answer.status}")
            _seconds(session, answer)
    app = session.fresh("app")
    body = {"app_id": app, "name": "Too much", "owner_org": session.profile.org}
    session.send(session.call("createApp", body), obey=False)
    session.target.wait(60)
    after = session.ask("getApp", {"appId": app})
    session.demand(after.status != 200, "limit-enforced", "what was refused for the budget was done", "createApp")


def _live_key(session: Session, effort: Effort) -> None:
    """The live service refuses request 2000 of a key within a minute of silence-free asking."""
    answer = _drain(session, session.me, _LIVE_KEY_REQUESTS - 1)
    seconds = _seconds(session, answer)
    if session.profile.foreign is not None:
        other = _ping(session, session.profile.foreign.credential)
        session.demand(other.status != 429, "limit-shared", f"another key was answered {other.status}")
    session.target.wait(seconds)
    again = _ping(session, session.me)
    session.demand(
        again.status == 200, "retry-after-honest", f"after Retry-After: {seconds} the answer is {again.status}"
    )


def _live_failures(session: Session, effort: Effort) -> None:
    """After 20 failed authentications an address is refused for 15 minutes, whatever key it sends."""

    def ask(who: Credential, address: str) -> Answer:
        call = session.call("getOrganizations")
        call.headers = {"cf-connecting-ip": address}
        return session.send(call, who, obey=False)

    for number in range(_LIVE_FAILURES):
        answer = ask(_UNKNOWN, "198.51.100.7")
        session.demand(answer.status == 401, "limit-not-early", f"failure {number + 1} was answered {answer.status}")
    answer = ask(session.me, "198.51.100.7")
    session.demand(answer.status == 429, "limit-enforced", f"after 20 failures a good key was answered {answer.status}")
    seconds = _seconds(session, answer, 900)
    for operation in session.contract.operations.values():
        if 429 in operation.statuses:
            with session.attempt():
                somewhere = {"app_id": "dev.none", "appId": "dev.none", "id": 1, "orgId": session.profile.org}
                call = session.call(operation.id, somewhere)
                call.headers = {"cf-connecting-ip": "198.51.100.7"}
                refused = session.send(call, obey=False)
                session.demand(
                    refused.status == 429, "limit-enforced", f"a refused address was answered {refused.status}"
                )
    session.demand(ask(session.me, "198.51.100.8").status == 200, "limit-shared", "another address is refused too")
    session.target.wait(seconds)
    session.demand(
        ask(session.me, "198.51.100.7").status == 200, "retry-after-honest", "the limit outlasts Retry-After"
    )
