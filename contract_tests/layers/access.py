"""Access: each operation with each credential. Who must not get in does not, who may does, and nobody sees a neighbour.

What a key may do is worked out from its roles by the kit's own table (`kit.grants`); keys with every role are made
where keys can make keys, else the profile's are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract_tests.kit.checks import Check
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.grants import ASKED, OPEN, ROLES, may
from contract_tests.kit.profile import Actor, Binding
from contract_tests.kit.reading import one, rows
from contract_tests.kit.recipes import SPOILS, expected, needed, recipe
from contract_tests.kit.scene import Scene, difference
from contract_tests.kit.session import Session
from contract_tests.kit.wire import NOBODY, Credential
from contract_tests.layers import neighbours
from contract_tests.layers.neighbours import FILTERED
from contract_tests.layers.subkeys import subkeys

_KEY_BY_NUMBER = frozenset({"getApiKey", "updateApiKey", "updateApiKeyByBody", "deleteApiKey"})
_FEW = frozenset({"org_member", "app_reader", "app_uploader"})


def checks(contract: Contract) -> Iterator[Check]:
    """Two checks for each operation: without a valid key, and with each kind of right."""
    for operation in contract.operations.values():
        if operation.id in OPEN or operation.id not in ASKED:
            continue
        taken: dict[str, Any] = {"operation": operation.id, "writes": operation.writes}
        yield Check("access", f"{operation.id}-without-key", _bound(_without, operation.id), cost=22, **taken)
        yield Check("access", f"{operation.id}-by-role", _bound(_by_role, operation.id), cost=60, **taken)
    yield from neighbours.checks()
    yield Check("access", "health-is-open", _health, cost=4)
    yield Check("access", "subkeys", subkeys, cost=60, dialects=("live",))
    yield Check("access", "keys-are-limited", _limited, cost=30, writes=True, dialects=("documented",))


def _bound(ask: Any, name: str) -> Any:
    return lambda session, effort: ask(session, effort, name)


def _without(session: Session, effort: Effort, name: str) -> None:
    """No key, an unknown one, a malformed one, an expired one, one in the wrong place: 401, and nothing changes."""
    scene = Scene.set(session)
    values = needed(name, scene)
    writes = session.operation(name).writes
    before = scene.look() if writes else {}
    secret = session.me.secret or ""
    who = [
        NOBODY,
        Credential("unknown key", "0badc0de-0000-4000-8000-000000000000"),
        Credential("malformed key", "not-a-key"),
        Credential("key with a scheme", f"Bearer {secret}"),
        Credential("key cut short", secret[:-1]),
        Credential("key with more behind it", f"{secret}0"),
        Credential("key in another case", secret.upper() if secret != secret.upper() else secret.lower()),
        *(actor.credential for actor in session.profile.others if not actor.valid),
    ]
    for credential in who:
        if credential.secret == secret:
            continue
        with session.attempt():
            answer = session.ask(name, values, credential)
            session.demand(
                answer.status == 401, "credential-required", f"answered {answer.status} to: {credential.name}"
            )
            if writes and session.guard.sandbox:
                changed = difference(before, scene.look())
                session.demand(not changed, "refusal-harmless", f"a call without a valid key changed: {changed}")
    if writes and not session.guard.sandbox:
        with session.attempt():
            changed = difference(before, scene.look())
            session.demand(not changed, "refusal-harmless", f"calls without a valid key changed: {changed}", name)


def _by_role(session: Session, effort: Effort, name: str) -> None:
    """Each role gets what the table of roles says, the neighbour nothing."""
    scene = Scene.set(session)
    needed(name, scene)
    actors = _actors(session, scene, effort)
    for actor in actors:
        with session.attempt():
            if name in SPOILS and scene.own:
                # A cell that is let in takes what the next one needs.
                scene = _again(session, scene, name)
            values = recipe(name, scene)
            if values is not None:
                _cell(session, scene, name, values, actor)


def _again(session: Session, scene: Scene, name: str) -> Scene:
    with session.quietly():
        if name in ("deleteChannel", "deleteBundle", "deleteApp", "deleteApiKey"):
            if session.ask("getApp", {"appId": scene.app}).status != 200:
                return Scene.make(session)
            if name == "deleteChannel":
                scene.add_channel(str(scene.channel["name"]), version="1.0.0")
            if name == "deleteBundle":
                scene.add_bundle(f"2.0.{session.fresh('v').rsplit(' ', 1)[-1]}")
            if name in ("deleteChannel", "deleteBundle"):
                scene.reread()
            if name == "deleteApiKey" and session.ask("getApiKey", {"id": scene.key}).status != 200:
                scene.make_key()
    return scene


def _cell(session: Session, scene: Scene, name: str, values: dict[str, Any], actor: Actor) -> None:
    allowed = may(actor, name, org=values.get("orgId", scene.org), app=scene.app, channel=scene.channel.get("id"))
    if allowed and name == "deleteApp" and not session.guard.sandbox:
        # A key whose only app is gone is out of everybody's reach: the run could not take it away again.
        return
    writes = session.operation(name).writes
    before = scene.look() if writes and not allowed and session.guard.sandbox else {}
    answer = session.ask(name, values, actor.credential)
    if allowed:
        if expected(name, scene) and _simple(session, name, actor):
            session.demand(answer.status < 300, "permission-suffices", f"{actor.name} was answered {answer.status}")
        return
    if name in FILTERED and answer.status == 200 and not values.keys() & {"org_id", "orgId"}:
        return
    asked = ASKED[name][0]
    session.demand(
        answer.status >= 400, "permission-required", f"{actor.name} lacks {asked} and was answered {answer.status}"
    )
    if session.documented:
        # A neighbour manages keys of its own; somebody else's is one that it does not have.
        neighbour = actor is session.profile.foreign and name in _KEY_BY_NUMBER
        said = f"{actor.name} lacks {asked}: {answer.status} where {404 if neighbour else 403} is documented"
        session.demand(answer.status == (404 if neighbour else 403), "permission-required", said)
    if before:
        changed = difference(before, scene.look())
        session.demand(not changed, "refusal-harmless", f"refused to {actor.name}, and yet changed: {changed}")


def _simple(session: Session, name: str, actor: Actor) -> bool:
    """Whether only the permission decides: some operations ask for more than one thing, or about the caller."""
    if name in ("createOrganization", "deleteOrganization") and actor.name != "full":
        return False
    if name in ("createApiKey", "upsertOrganizationMember", "deleteOrganizationMember"):
        return "org_super_admin" in {binding.role for binding in actor.bindings}
    if name in _KEY_BY_NUMBER and not session.documented:
        return actor.name == "full"
    # A preview key acts on what it made itself.
    return not (
        name in ("setBundleChannel", "updateBundleMetadata")
        and "app_preview" in {binding.role for binding in actor.bindings}
    )


def _actors(session: Session, scene: Scene, effort: Effort) -> list[Actor]:
    found = [actor for actor in session.profile.others if actor.valid]
    if session.profile.foreign is not None:
        found.append(session.profile.foreign)
    if not (session.documented and session.may_write()):
        return found
    everything = session.guard.sandbox or effort.deep
    for role, scope in ROLES:
        if not everything and role not in _FEW:
            continue
        body = session.must(
            "createApiKey", {"name": session.fresh(f"key {role}"), "bindings": [scene.binding(role, scope)]}
        )
        secret = one(body).get("key")
        session.keep_secret(secret)
        binding = Binding(
            role,
            str(scene.org),
            None if scope == "org" else scene.app,
            scene.channel["id"] if scope == "channel" else None,
        )
        found.append(Actor(Credential(f"a key with {role}", secret), (binding,)))
    return found


def _health(session: Session, effort: Effort) -> None:
    """Health needs no key and minds none."""
    for name in ("getHealth", "postHealth"):
        for who in (NOBODY, Credential("unknown key", "0badc0de-0000-4000-8000-000000000000")):
            with session.attempt():
                answer = session.ask(name, None, who)
                session.demand(answer.status == 200, "valid-accepted", f"{name} answered {answer.status} to {who.name}")


def _limited(session: Session, effort: Effort) -> None:
    """A key with a mode does what the mode says, in the apps that it is limited to."""
    scene, other = Scene.make(session), Scene.make(session)
    for mode, writes in (("read", False), ("upload", True), ("all", True)):
        with session.attempt():
            values = {
                "name": session.fresh("key"),
                "mode": mode,
                "limited_to_apps": [scene.app],
                "limited_to_orgs": [scene.org],
            }
            secret = one(session.must("createApiKey", values)).get("key")
            session.keep_secret(secret)
            who = Credential(f"a key with mode {mode}", secret)
            session.must("getApp", {"appId": scene.app}, who)
            listed = {row["app_id"] for row in rows(session.must("listApps", who=who))}
            session.demand(
                listed == {scene.app}, "permission-required", f"{who.name} is shown the apps {sorted(listed)}"
            )
            beyond = session.ask("getApp", {"appId": other.app}, who)
            session.demand(beyond.status == 403, "permission-required", f"{who.name} reached an app beyond its limits")
            bundle = {
                "version": f"4.0.{mode == 'all':d}",
                "external_url": "https://cdn.example.com/x.zip",
                "checksum": "x",
            }
            answer = session.ask("createBundle", {"app_id": scene.app, **bundle}, who)
            rule = "permission-suffices" if writes else "permission-required"
            session.demand((answer.status == 200) == writes, rule, f"{who.name} was answered {answer.status}")
