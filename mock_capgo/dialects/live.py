"""The live dialect: what the running service answers (reference, column L).

Belongs here: where parameters are read, the error envelope, and a formatter for the value of each
operation. Field order is the service's where it is stable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from mock_capgo import errors
from mock_capgo.dialects import Body, Dialect, live_admin
from mock_capgo.errors import Refusal
from mock_capgo.operations import Operation
from mock_capgo.quirks import LIVE, LIVE_WITHOUT_FAULTS, Quirk
from mock_capgo.request import Request
from mock_capgo.resources.api_keys import ShownKey
from mock_capgo.resources.bundles import Promotion
from mock_capgo.resources.channels import ShownChannel, Upsert
from mock_capgo.resources.devices import DevicePage, SeenDevice
from mock_capgo.resources.members import ListedMember
from mock_capgo.resources.statistics import Breakdown, BundleUsage, Point
from mock_capgo.world.clock import iso_millis, iso_offset, postgres_text, written
from mock_capgo.world.records import App, Bundle, Organization
from mock_capgo.world.rows import as_row

_STORAGE_URL = "https://storage.mock-capgo.invalid/images/"

_ORGANIZATION = (
    "id", "created_by", "created_at", "updated_at", "logo", "name", "management_email", "customer_id", "website",
)  # fmt: skip


def dialect(*, faults: bool = True) -> Dialect:
    """The live dialect; `faults` False leaves out the quirks that look like mistakes of the service."""
    quirks = LIVE if faults else LIVE_WITHOUT_FAULTS
    return Dialect(
        name="live",
        quirks=quirks,
        checks_input_first=False,
        read=lambda operation, request, _: read(operation, request, quirks),
        success=SUCCESS,
        failure=failure,
    )


def read(operation: Operation, request: Request, quirks: frozenset[Quirk]) -> Any:
    """The parameters, from body or query as the route does it. Raises INVALID_JSON.

    A device id is lowered while it is read, so refusals repeat it in lower case (reference 20 §0).
    """
    sent = _read(operation, request, quirks)
    if isinstance(sent, dict) and isinstance(sent.get("device_id"), str):
        sent["device_id"] = sent["device_id"].lower()
    return sent


def _read(operation: Operation, request: Request, quirks: frozenset[Quirk]) -> Any:
    if operation.live_input == "none":
        return {}
    if operation.live_input == "query":
        return _query(request)
    try:
        sent: Any = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        if operation.live_input == "json":
            raise Refusal(errors.INVALID_JSON, {"e": {}}) from None
        sent = _query(request)
    if operation.live_input == "json":
        return sent
    empty = not isinstance(sent, (dict, list, str)) or not sent
    if not empty:
        return sent
    lenient = ("GET",) if Quirk.HEAD_WITHOUT_QUERY_IS_REFUSED in quirks else ("GET", "HEAD")
    if request.method in lenient:
        return {}
    raise Refusal(errors.INVALID_JSON)


def failure(refusal: Refusal) -> tuple[int, Body]:
    """The live envelope. Only the 404 of an unknown route has no `moreInfo`."""
    error = refusal.error
    body: dict[str, Any] = {"error": error.code, "message": refusal.message()}
    if error is not errors.NOT_FOUND:
        body["moreInfo"] = refusal.more_info
    return error.status, body


def _query(request: Request) -> dict[str, str]:
    params: dict[str, str] = {}
    for name, value in request.query():
        params.setdefault(name, value)
    return params


def signed(path: str | None) -> str | None:
    """An image as shown: addresses as they are, a stored path as the address it is signed into."""
    return path if not path or "://" in path else f"{_STORAGE_URL}{path}?token=mock"


def organization(value: Organization) -> Body:
    """The nine fields that GET shows."""
    row = as_row(value)
    row["logo"] = signed(row["logo"])
    return {name: row[name] for name in _ORGANIZATION}


def _organization_updated(value: Organization) -> Body:
    row = as_row(value)
    row["logo"] = signed(row["logo"])
    for name in row:
        at = getattr(value, name)
        if name.endswith("_at") and at is not None:
            row[name] = iso_millis(at)
    return {"status": "Organization updated", "id": value.id, "data": row}


def _member(value: ListedMember) -> Body:
    return {
        "uid": value.uid,
        "email": value.email,
        "image_url": signed(value.image_url) or "",
        "role": value.role,
        "is_tmp": value.pending,
    }


def _public_key(value: ShownKey) -> Body:
    key = value.key
    row: dict[str, Any] = {
        "created_at": iso_offset(key.created_at),
        "expires_at": written(key.expires_at, iso_offset),
        "id": key.id,
        "name": key.name,
        "rbac_id": key.rbac_id,
        "updated_at": iso_offset(key.updated_at),
        "user_id": key.user_id,
        "is_hashed_key": key.key_hash is not None,
    }
    if value.shows_permissions:
        row["global_permissions"] = list(key.global_permissions)
    return row


def _full_key(value: ShownKey, time: Callable[[int], str]) -> dict[str, Any]:
    key = value.key
    return {
        "id": key.id,
        "created_at": time(key.created_at),
        "user_id": key.user_id,
        "key": value.value,
        "updated_at": time(key.updated_at),
        "name": key.name,
        "key_hash": key.key_hash,
        "expires_at": written(key.expires_at, time),
        "rbac_id": key.rbac_id,
    }


def _created_key(value: ShownKey) -> Body:
    return {**_full_key(value, postgres_text), "global_permissions": list(value.key.global_permissions)}


def _updated_key(value: ShownKey) -> Body:
    if value.value is None:
        return _public_key(value)
    return {**_full_key(value, iso_offset), "is_hashed_key": value.key.key_hash is not None}


def app(value: App) -> Body:
    """The whole row, the icon as an address."""
    row = as_row(value)
    row["icon_url"] = signed(row["icon_url"])
    return row


def _created_app(value: App) -> Body:
    # This route goes through the SQL driver: its big integers are text and its times end in milliseconds.
    row = app(value)
    for name in ("created_at", "build_timeout_updated_at"):
        row[name] = iso_millis(getattr(value, name))
    for name in (
        "retention", "channel_device_count", "manifest_bundle_count", "rollout_channel_count", "build_timeout_seconds",
    ):  # fmt: skip
        row[name] = str(row[name])
    return row


def channel(value: ShownChannel, time: Callable[[int], str] = iso_offset) -> Body:
    """A channel as read, with the names of its bundles; `time` writes its moments."""
    row = value.channel
    return {
        "id": row.id,
        "created_at": time(row.created_at),
        "name": row.name,
        "app_id": row.app_id,
        "created_by": row.created_by,
        "updated_at": time(row.updated_at),
        "public": row.public,
        "allow_device_self_set": row.allow_device_self_set,
        "allow_emulator": row.allow_emulator,
        "allow_device": row.allow_device,
        "allow_dev": row.allow_dev,
        "allow_prod": row.allow_prod,
        "rollout_version": row.rollout_version,
        "rollout_id": row.rollout_id,
        "rollout_version_info": _version(row.rollout_version, value.rollout_version_name),
        "version": _version(row.version, value.version_name),
        "disableAutoUpdateUnderNative": row.disable_auto_update_under_native,
        "disableAutoUpdate": row.disable_auto_update,
        "rolloutPercentageBps": row.rollout_percentage_bps,
        "rolloutEnabled": row.rollout_enabled,
        "rolloutPausedAt": written(row.rollout_paused_at, time),
        "rolloutPauseReason": row.rollout_pause_reason,
        "rolloutCacheTtlSeconds": row.rollout_cache_ttl_seconds,
        "autoPauseEnabled": row.auto_pause_enabled,
        "autoPauseWindowMinutes": row.auto_pause_window_minutes,
        "autoPauseFailureRateBps": row.auto_pause_failure_rate_bps,
        "autoPauseConfidence": row.auto_pause_confidence,
        "autoPauseMinAttempts": row.auto_pause_min_attempts,
        "autoPauseMinFailures": row.auto_pause_min_failures,
        "autoPauseAction": row.auto_pause_action,
        "autoPauseCooldownMinutes": row.auto_pause_cooldown_minutes,
        "autoPauseLastTriggeredAt": written(row.auto_pause_last_triggered_at, time),
        "autoPauseLastCheckedAt": written(row.auto_pause_last_checked_at, time),
    }


def _version(version: int | None, name: str | None) -> Body:
    return None if version is None else {"id": version, "name": name}


def _upserted(value: Upsert) -> Body:
    if value.created_with_version:
        return {"status": "ok", "id": value.channel.id, "public": value.channel.public}
    return {"status": "ok"}


def device(value: SeenDevice) -> Body:
    """A device; `channel` only where one is forced on it."""
    row = value.device
    shown = {
        "updated_at": iso_millis(row.updated_at),
        "device_id": row.device_id,
        "custom_id": row.custom_id,
        "is_prod": row.is_prod,
        "is_emulator": row.is_emulator,
        "install_source": row.install_source,
        "version_name": row.version_name,
        "version": value.version,
        "app_id": row.app_id,
        "platform": row.platform,
        "plugin_version": row.plugin_version,
        "os_version": row.os_version,
        "version_build": row.version_build,
        "key_id": row.key_id,
        "country_code": row.country_code,
    }
    if value.channel is not None:
        shown["channel"] = value.channel
    return shown


def devices(value: SeenDevice | DevicePage) -> Body:
    """One device, or a page of them."""
    if isinstance(value, SeenDevice):
        return device(value)
    page: dict[str, Any] = {"data": [device(one) for one in value.devices]}
    if value.next_cursor is not None:
        page["nextCursor"] = value.next_cursor
    page["hasMore"] = value.next_cursor is not None
    return page


def promotion(value: Promotion) -> Body:
    """Which bundle went where."""
    return {"status": "success", "message": f"Bundle {value.bundle.name} set to channel {value.channel.name}"}


def _bundle_created(value: Bundle) -> Body:
    return {"status": "success", "bundle": as_row(value)}


def _point(value: Point) -> Body:
    return {
        "mau": value.mau,
        "storage": value.storage,
        "storage_byte_hours": value.storage_byte_hours,
        "bandwidth": value.bandwidth,
        "build_time_seconds": value.build_time_seconds,
        "date": iso_millis(value.at),
    }


def _statistics(value: list[Point] | Breakdown) -> Body:
    if isinstance(value, Breakdown):
        by_app = [{"app_id": app_id, **_point(point)} for app_id, point in value.by_app]
        return {"global": [_point(point) for point in value.overall], "byApp": by_app}
    return [_point(point) for point in value]


def _bundle_usage(value: BundleUsage) -> Body:
    datasets = [
        {"label": dataset.label, "data": dataset.data, "metaCounts": dataset.meta_counts} for dataset in value.datasets
    ]
    return {"labels": value.labels, "datasets": datasets}


def ok(_: Any) -> tuple[int, Body]:
    """`{"status": "ok"}`."""
    return 200, {"status": "ok"}


def answer(formatter: Callable[[Any], Body], status: int = 200) -> Callable[[Any], tuple[int, Body]]:
    """The answer with one value."""
    return lambda value: (status, formatter(value))


def one_or_many(formatter: Callable[[Any], Body]) -> Callable[[Any], tuple[int, Body]]:
    """A bare object for one, a bare array for many."""
    return lambda value: (200, formatted(formatter, value))


def formatted(formatter: Callable[[Any], Body], value: Any) -> Body:
    """One value, or each of many."""
    return [formatter(one) for one in value] if isinstance(value, list) else formatter(value)


SUCCESS: dict[str, Callable[[Any], tuple[int, Body]]] = {
    "getHealth": ok,
    "postHealth": ok,
    "postKo": ok,
    "getOrganizations": one_or_many(organization),
    "createOrganization": answer(lambda value: {"id": value.id}),
    "updateOrganization": answer(_organization_updated),
    "deleteOrganization": ok,
    "listOrganizationMembers": one_or_many(_member),
    "upsertOrganizationMember": ok,
    "deleteOrganizationMember": ok,
    "getAuditLogs": answer(live_admin.audit_page),
    "listApiKeys": one_or_many(_public_key),
    "getApiKey": answer(_public_key),
    "createApiKey": answer(_created_key),
    "updateApiKey": answer(_updated_key),
    "updateApiKeyByBody": answer(_updated_key),
    "deleteApiKey": ok,
    "listApps": one_or_many(app),
    "getApp": answer(app),
    "createApp": answer(_created_app),
    "updateApp": answer(app),
    "deleteApp": ok,
    "listBundles": one_or_many(as_row),
    "createBundle": answer(_bundle_created),
    "setBundleChannel": answer(promotion),
    "updateBundleMetadata": ok,
    "deleteBundle": ok,
    "listChannels": one_or_many(channel),
    "upsertChannel": answer(_upserted),
    "deleteChannel": ok,
    "getDevices": answer(devices),
    "linkDevice": ok,
    "deleteDeviceOverride": ok,
    "getAppStatistics": answer(_statistics),
    "getOrganizationStatistics": answer(_statistics),
    "getUserStatistics": answer(_statistics),
    "getAppBundleUsage": answer(_bundle_usage),
    **live_admin.SUCCESS,
}
