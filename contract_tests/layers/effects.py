"""What each write does, read back at once: the least that has to be true after it succeeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session

Values = dict[str, Any]


def holds(session: Session, scene: Scene, name: str, values: Values) -> None:
    """Raise a Violation where a write that was accepted was not done."""
    effect = _EFFECTS.get(name)
    if effect is not None:
        with session.quietly():
            effect(session, scene, values)


def _names(session: Session, reading: str, values: Values, member: str) -> list[Any]:
    answer = session.ask(reading, values)
    # The live service has no empty list of bundles, it has an error in its place.
    return [row.get(member) for row in rows(answer.json_or_none())] if answer.status == 200 else []


def _there(reading: str, where: str, member: str, named: str) -> Callable[[Session, Scene, Values], None]:
    def effect(session: Session, scene: Scene, values: Values) -> None:
        got = _names(session, reading, {where: values.get(where, scene.app)}, member)
        if values[named] not in got and len(got) < 50:
            session.violate("read-your-writes", f"{values[named]!r} was accepted and is not listed")

    return effect


def _gone(reading: str, where: str, member: str, named: str) -> Callable[[Session, Scene, Values], None]:
    def effect(session: Session, scene: Scene, values: Values) -> None:
        if values.get(named) in _names(session, reading, {where: values.get(where, scene.app)}, member):
            session.violate("deletes-stay", f"{values[named]!r} was deleted and is still listed")

    return effect


def _unreadable(reading: str, named: str) -> Callable[[Session, Scene, Values], None]:
    def effect(session: Session, scene: Scene, values: Values) -> None:
        status = session.ask(reading, {named: values[named]}).status
        session.demand(status >= 400, "deletes-stay", f"what was deleted is answered {status}")

    return effect


def _promoted(session: Session, scene: Scene, values: Values) -> None:
    listed = rows(session.must("listChannels", {"app_id": values["app_id"]}))
    found = next((row for row in listed if row.get("id") == values["channel_id"]), {})
    points_to = (found.get("version") or {}).get("id")
    session.demand(points_to == values["version_id"], "read-your-writes", f"the channel points to {points_to}")


def _registered(session: Session, scene: Scene, values: Values) -> None:
    _there("listBundles", "app_id", "name", "version")(session, scene, values)
    listed = rows(session.must("listBundles", {"app_id": values["app_id"]}))
    found = next((row for row in listed if row["name"] == values["version"]), {})
    for member in ("external_url", "checksum"):
        said = f"{member} was set to {values[member]!r} and is {found.get(member)!r}"
        session.demand(found.get(member, values[member]) == values[member], "read-your-writes", said)


def _noted(session: Session, scene: Scene, values: Values) -> None:
    listed = rows(session.must("listBundles", {"app_id": values["app_id"]}))
    found = next((row for row in listed if row["id"] == values["version_id"]), {})
    for member in ("link", "comment"):
        # The documented bundle shows neither.
        if member in values and member in found:
            said = f"{member} was set to {values[member]!r} and is {found[member]!r}"
            session.demand(found[member] == values[member], "read-your-writes", said)


def _hook_gone(session: Session, scene: Scene, values: Values) -> None:
    listed = _names(session, "getWebhooks", {"orgId": values["orgId"]}, "id")
    session.demand(values["webhookId"] not in listed, "deletes-stay", "a deleted webhook is still listed")


def _key_there(session: Session, scene: Scene, values: Values) -> None:
    found = [row for row in rows(session.must("listApiKeys")) if row.get("name") == values["name"]]
    session.demand(len(found) == 1, "read-your-writes", f"the new key is listed {len(found)} times")
    if "mode" in values:
        mode = found[0].get("mode")
        session.demand(mode == values["mode"] or "bindings" in values, "read-your-writes", f"its mode is {mode!r}")


def _member_gone(session: Session, scene: Scene, values: Values) -> None:
    listed = _names(session, "listOrganizationMembers", {"orgId": values["orgId"]}, "email")
    session.demand(values["email"] not in listed, "deletes-stay", "who was removed is still listed")


def _member_there(session: Session, scene: Scene, values: Values) -> None:
    listed = _names(session, "listOrganizationMembers", {"orgId": values["orgId"]}, "email")
    session.demand(listed.count(values["email"]) == 1, "read-your-writes", "who was invited is not listed once")


def _organization_there(session: Session, scene: Scene, values: Values) -> None:
    listed = _names(session, "getOrganizations", {}, "name")
    session.demand(values["name"] in listed, "read-your-writes", "the new organization is not listed")


def _reads(reading: str, where: Callable[[Scene, Values], Values]) -> Callable[[Session, Scene, Values], None]:
    """Whatever was sent is read under the same name."""

    def effect(session: Session, scene: Scene, values: Values) -> None:
        read = one(session.must(reading, where(scene, values)))
        for sent, value in values.items():
            key = _SHOWN_AS.get(sent, sent)
            if value is None or key in _READ_OTHERWISE or key not in read:
                continue
            if not isinstance(read[key], (dict, list)) and not isinstance(value, (dict, list)):
                session.demand(
                    read[key] == value, "read-your-writes", f"{key} was set to {value!r} and is {read[key]!r}"
                )

    return effect


_SHOWN_AS = {"icon": "icon_url"}
_READ_OTHERWISE = frozenset(
    {
        "expires_at",
        "disableAutoUpdate",
        "autoPauseConfidence",
        "rolloutPauseReason",
        "app_id",
        "id",
        "rolloutPercentage",
    }
)

_EFFECTS: dict[str, Callable[[Session, Scene, Values], None]] = {
    "updateApp": _reads("getApp", lambda scene, values: {"appId": values["appId"]}),
    "createApp": _reads("getApp", lambda scene, values: {"appId": values["app_id"]}),
    "upsertChannel": _reads("listChannels", lambda scene, v: {"app_id": v["app_id"], "channel": v["channel"]}),
    "updateApiKey": _reads("getApiKey", lambda scene, values: {"id": values["id"]}),
    "updateApiKeyByBody": _reads("getApiKey", lambda scene, values: {"id": values["id"]}),
    "updateOrganization": _reads("getOrganizations", lambda scene, values: {"orgId": values["orgId"]}),
    "createBundle": _registered,
    "deleteBundle": _gone("listBundles", "app_id", "name", "version"),
    "deleteChannel": _gone("listChannels", "app_id", "name", "channel"),
    "setBundleChannel": _promoted,
    "updateBundleMetadata": _noted,
    "createWebhook": _there("getWebhooks", "orgId", "name", "name"),
    "updateWebhook": _reads("getWebhooks", lambda scene, v: {"orgId": v["orgId"], "webhookId": v["webhookId"]}),
    "deleteWebhook": _hook_gone,
    "deleteApp": _unreadable("getApp", "appId"),
    "deleteApiKey": _unreadable("getApiKey", "id"),
    "deleteOrganization": _unreadable("getOrganizations", "orgId"),
    "createApiKey": _key_there,
    "createOrganization": _organization_there,
    "upsertOrganizationMember": _member_there,
    "deleteOrganizationMember": _member_gone,
}
