"""Subkeys: behind `x-limited-key-id` a key may do what the named key may do, and not a thing more."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.explore import Effort
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Credential

HEADER = "x-limited-key-id"
_UNKNOWN = 2**40


def subkeys(session: Session, effort: Effort) -> None:
    """The full key, behind each of the others, is answered as that one is; behind none, not at all."""
    named = [actor for actor in session.profile.others if actor.valid and actor.number is not None]
    if not named:
        raise NotHere("the profile tells the number of no other key")
    place: dict[str, Any] = {"app_id": session.profile.app}
    org = {"orgId": session.profile.org}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getApp", {"appId": session.profile.app}), ("listBundles", place), ("listChannels", place),
        ("getDevices", place), ("getAuditLogs", org), ("listOrganizationMembers", org), ("listApiKeys", {}),
    ]  # fmt: skip
    if session.guard.sandbox:
        calls += [
            ("updateApp", {"appId": session.profile.app, "name": "Subkey"}),
            ("upsertChannel", {**place, "channel": "production", "allow_dev": True}),
            ("updateBundleMetadata", {**place, "version_id": 3, "comment": "noted"}),
        ]
    for actor in named:
        for name, values in calls:
            with session.attempt():
                alone = session.ask(name, values, actor.credential)
                behind = _behind(session, name, values, str(actor.number))
                said = f"behind the key {actor.name!r} it was answered {behind}, and that key alone {alone.status}"
                session.demand(behind == alone.status, "subkeys", said)
    for number in (str(_UNKNOWN), "0", "abc"):
        with session.attempt():
            status = _behind(session, *calls[0], number)
            session.demand(status == 401, "subkeys", f"behind {number!r}, which names no key, it was answered {status}")


def _behind(session: Session, name: str, values: dict[str, Any], number: str) -> int:
    call = session.call(name, values)
    call.headers = {HEADER: number}
    me = session.me
    return session.send(call, Credential(f"full, behind key {number}", me.secret, me.header)).status
