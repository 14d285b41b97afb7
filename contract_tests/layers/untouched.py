"""Each write changes what it names and nothing beside it: a member or some at a time, all others compared."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session

_ALWAYS = {"updated_at"}


def only_what_is_sent(session: Session, effort: Effort) -> None:
    """An app, a channel, a key and an organization, changed bit by bit."""
    scene = Scene.make(session)
    channel: dict[str, Any] = {"app_id": scene.app, "channel": "stable"}
    _hold(session, ("getApp", {"appId": scene.app}), "updateApp", {"appId": scene.app}, (
        {"retention": 1209600}, {"name": "Changed"}, {"icon": "https://example.com/icon.png"},
        {"block_provider_infra_requests": False}, {"name": "Changed again"},
        {"name": "Whole", "icon": "https://example.com/2.png", "retention": 604800},
    ), {"icon": {"icon_url"}})  # fmt: skip
    promotion = {"app_id": scene.app, "channel_id": scene.channel["id"]}
    versions = tuple({"version_id": bundle["id"]} for bundle in reversed(scene.bundles))
    _hold(session, ("listChannels", channel), "setBundleChannel", promotion, versions, {"version_id": {"version"}})
    _hold(session, ("listChannels", channel), "upsertChannel", channel, (
        {"allow_emulator": False}, {"allow_dev": False}, {"disableAutoUpdate": "minor"}, {"public": True},
        {"disableAutoUpdateUnderNative": False}, {"version": "1.1.0"}, {"allow_device_self_set": True},
        {"autoPauseCooldownMinutes": 30}, {"version": "1.0.0"}, {"ios": True},
    ))  # fmt: skip
    if session.documented:
        key = {"id": scene.key}
        _hold(session, ("getApiKey", key), "updateApiKey", key, (
            {"name": f"{session.run_id} one"}, {"expires_at": "2099-01-01T00:00:00Z"},
            {"name": f"{session.run_id} two"}, {"expires_at": None},
        ))  # fmt: skip


def of_an_organization(session: Session, effort: Effort) -> None:
    """An organization, changed bit by bit."""
    org = {"orgId": Scene(session, session.profile.org).house()}
    _hold(session, ("getOrganizations", org), "updateOrganization", org, (
        {"logo": "https://example.com/logo.png"}, {"name": session.fresh("org")},
        {"name": session.fresh("org"), "logo": "https://example.com/2.png"},
        {"management_email": "office@example.com"}, {"name": session.fresh("org")},
    ))  # fmt: skip


def _hold(
    session: Session,
    reading: tuple[str, dict[str, Any]],
    operation: str,
    about: dict[str, Any],
    changes: tuple[dict[str, Any], ...],
    shown_as: dict[str, set[str]] | None = None,
) -> None:
    def read() -> dict[str, Any]:
        body = session.must(*reading)
        return one((rows(body) or [body])[0])

    for change in changes:
        with session.attempt():
            with session.quietly():
                before = read()
            session.must(operation, {**about, **change})
            with session.quietly():
                _compare(session, operation, change, (before, read()), shown_as or {})


def _compare(
    session: Session,
    operation: str,
    change: dict[str, Any],
    looks: tuple[dict[str, Any], dict[str, Any]],
    shown_as: dict[str, set[str]],
) -> None:
    before, after = looks
    named = {shown for sent in change for shown in shown_as.get(sent, {sent})}
    others = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} - named - _ALWAYS
    told = [after.get(name) for name in sorted(others)]
    said = f"{', '.join(change)} was sent, and {sorted(others)} changed: {told}"
    session.demand(not others, "untouched", said, operation)
    for sent, value in change.items():
        (shown,) = shown_as.get(sent, {sent})
        if shown in after and not isinstance(after[shown], dict):
            said = f"{sent} was set to {value!r} and {shown} is {after[shown]!r}"
            session.demand(after[shown] == value, "read-your-writes", said, operation)
    if operation == "setBundleChannel":
        now = (after.get("version") or {}).get("id")
        said = f"bundle {change['version_id']} was set, and it is {now}"
        session.demand(now == change["version_id"], "read-your-writes", said, operation)
