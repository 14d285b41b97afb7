"""Devices: the inventory, and the channel that the API forces on one (reference 23)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.device_api import legacy
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.common import MAX_ROWS, NO_ROWS, app_id_of, find_channel
from mock_capgo.resources.values import Fields, fields, is_app_id, js_text, text, truthy
from mock_capgo.world.clock import iso_offset, parse_time
from mock_capgo.world.order import after, latest_after
from mock_capgo.world.records import DAY, Device, Micros, Override

DEFAULT_LIMIT = 50
OVERRIDE_DAYS_DOCUMENTED = 90
OVERRIDE_DAYS_LIVE = 30

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z| [0-9]{2}:[0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A device with the id of its bundle and the name of the channel that is forced on it."""

    device: Device
    version: int | None
    channel: str | None


@dataclass(frozen=True, slots=True)
class DevicePage:
    """A page of the inventory; `next_cursor` only where there is more."""

    devices: list[SeenDevice]
    next_cursor: str | None


def get_devices(call: Call) -> SeenDevice | DevicePage:
    """One device by `device_id`, else a page of the inventory."""
    params = fields(call.params)
    device_id = _device_id(params)
    _limit(call, params.get("app_id"), device_id, "get")
    app_id = _app_id(call, params)
    if not call.may_app("app.read_devices", call.state.apps.get(app_id)):
        raise Refusal(errors.DEVICES_OUT_OF_REACH, {"app_id": app_id})
    only_custom = _custom_id_mode(call, params.get("customIdMode"))
    if device_id:
        device = call.state.devices.get((app_id, device_id))
        if device is None or (only_custom and not device.custom_id):
            raise Refusal(errors.DEVICE_NOT_FOUND, {"device_id": device_id})
        return _seen(call, device)
    since = _updated_since(params.get("updated_at"))
    order = params.get("order")
    if order is not None and order not in ("asc", "desc"):
        raise Refusal(errors.INVALID_ORDER, {"order": order})
    limit = _page_limit(params.get("limit"))
    found = _after_cursor(call, app_id, order, params.get("cursor"))
    wanted = (
        device
        for device in found
        if (since is None or device.updated_at > since) and (not only_custom or device.custom_id)
    )
    rows = list(islice(wanted, min(limit, MAX_ROWS) + 1))
    page, more = rows[:limit], len(rows) > limit and limit <= MAX_ROWS
    cursor = f"{iso_offset(page[-1].updated_at)}|{page[-1].device_id}" if more else None
    return DevicePage([_seen(call, device) for device in page[:MAX_ROWS]], cursor)


def link_device(call: Call) -> None:
    """Force a private channel on a device, seen or not. Without a channel nothing happens."""
    params = fields(call.params)
    device_id, channel_name = _device_id(params), text(params.get("channel"))
    _limit(call, params.get("app_id"), device_id, "set", channel_name)
    if not device_id or not truthy(params.get("app_id")):
        raise Refusal(errors.MISSING_DEVICE_OR_APP, {"body": call.params})
    if not is_app_id(params["app_id"]):
        raise Refusal(errors.DEVICES_INVALID_APP_ID, {"app_id": params["app_id"]})
    if truthy(params.get("version_id")):
        raise Refusal(errors.INVALID_VERSION_ID)
    app_id = str(params["app_id"])
    app = call.state.apps.get(app_id)
    if not channel_name:
        if not call.may_app("app.manage_devices", app):
            raise Refusal(errors.DEVICES_OUT_OF_REACH, {"app_id": app_id})
        return
    channel = find_channel(call, app_id, channel_name)
    if channel is None or not call.sees_channel(channel):
        visible = call.may_app("app.read", app)
        error = errors.DEVICE_CHANNEL_NOT_FOUND if visible else errors.DEVICE_CHANNEL_HIDDEN
        raise Refusal(error, {"dbError": NO_ROWS})
    if not call.may_channel("channel.manage_forced_devices", channel):
        raise Refusal(errors.CANNOT_ACCESS_CHANNEL, {"app_id": app_id, "channel": params["channel"]})
    if channel.public:
        raise Refusal(errors.PUBLIC_CHANNEL_OVERRIDE)
    override = live_override(call, app_id, device_id)
    if override is not None and override.channel_id == channel.id and call.has(Quirk.OVERRIDES_LAST_A_MONTH):
        # An identical override writes nothing, so it does not live any longer for it (23 §1).
        return
    call.state.overrides.put(
        Override(
            app_id=app_id,
            device_id=device_id,
            channel_id=channel.id,
            created_at=override.created_at if override else call.now,
            updated_at=call.now,
        )
    )
    legacy.force(call.state, app_id, device_id, channel.id)
    _count_later(call, app_id)


def delete_device_override(call: Call) -> None:
    """Take the forced channel from a device; fine also when there is none. The device stays."""
    params = fields(call.params)
    device_id = _device_id(params)
    _limit(call, params.get("app_id"), device_id, "delete")
    if not truthy(params.get("app_id")):
        raise Refusal(errors.DEVICES_MISSING_APP_ID, {"body": call.params})
    if not device_id:
        raise Refusal(errors.MISSING_DEVICE_ID, {"body": call.params})
    app_id = _app_id(call, params)
    if not call.may_app("app.manage_devices", call.state.apps.get(app_id)):
        raise Refusal(errors.DEVICES_OUT_OF_REACH, {"app_id": app_id})
    override = call.state.overrides.get((app_id, device_id))
    if override is None:
        return
    if call.may_channel("channel.manage_forced_devices", call.state.channels.get(override.channel_id)):
        call.state.overrides.remove(override)
        legacy.release(call.state, app_id, device_id)
        _count_later(call, app_id)


def live_override(call: Call, app_id: str, device_id: str) -> Override | None:
    """The override of a device that has not expired; an expired one is taken away on sight."""
    override = call.state.overrides.get((app_id, device_id))
    if override is None:
        return None
    days = OVERRIDE_DAYS_LIVE if call.has(Quirk.OVERRIDES_LAST_A_MONTH) else OVERRIDE_DAYS_DOCUMENTED
    if override.updated_at + days * DAY <= call.now:
        call.state.overrides.remove(override)
        return None
    return override


def _seen(call: Call, device: Device) -> SeenDevice:
    bundle = call.state.bundles.first("name", (device.app_id, device.version_name)) if device.version_name else None
    override = live_override(call, device.app_id, device.device_id)
    channel = call.state.channels.get(override.channel_id) if override else None
    return SeenDevice(device, bundle.id if bundle else None, channel.name if channel else None)


def _after_cursor(call: Call, app_id: str, order: str | None, cursor: Any) -> Iterable[Device]:
    """The devices behind a cursor, in the order asked for; without a usable cursor all of them."""
    state = call.state
    at, _, device_id = js_text(cursor or "").partition("|")
    moment = _moment(at)
    if cursor and not call.has(Quirk.UNUSABLE_CURSOR_IS_IGNORED) and (moment is None or not device_id):
        raise Refusal(errors.INVALID_CURSOR)
    usable = bool(at and device_id)
    if order is None:
        # By device id alone: the cursor's time is not looked at (23 §3).
        ids = after(state.device_order.of(app_id), device_id if usable else None)
        return (state.devices[app_id, device_id] for device_id in ids)
    times = state.devices_by_time(app_id)
    last = (moment, device_id) if usable and moment is not None else None
    found = after(times, last) if order == "asc" else latest_after(times, last)
    return (state.devices[app_id, device_id] for _, device_id in found)


def _moment(text: str) -> Micros | None:
    """The time of a cursor. A query that was not encoded has a blank where the offset's plus was."""
    try:
        return parse_time(text.replace(" 00:00", "+00:00"))
    except ValueError:
        return None


def _device_id(params: Fields) -> str:
    value = params.get("device_id")
    return js_text(value).lower() if truthy(value) else ""


def _app_id(call: Call, params: Fields) -> str:
    return app_id_of(params, call.params, errors.DEVICES_MISSING_APP_ID, errors.DEVICES_INVALID_APP_ID)


def _custom_id_mode(call: Call, value: Any) -> bool:
    if isinstance(value, str) and not call.has(Quirk.ANY_CUSTOM_ID_MODE_IS_TRUE):
        return value == "true"
    return truthy(value)


def _updated_since(value: Any) -> Micros | None:
    if not truthy(value):
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Refusal(errors.INVALID_UPDATED_AT, {"updated_at": value})
    try:
        return parse_time(value)
    except ValueError:
        raise Refusal(errors.INVALID_UPDATED_AT, {"updated_at": value}) from None


def _page_limit(value: Any) -> int:
    if value is None:
        return DEFAULT_LIMIT
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not number.is_integer() or number <= 0 or isinstance(value, bool):
        raise Refusal(errors.INVALID_LIMIT, {"limit": value})
    return int(number)


def _limit(call: Call, app_id: Any, device_id: str, operation: str, channel: str | None = None) -> None:
    """Count this call, and refuse it when it comes too soon: before any validation (23 §6)."""
    if not call.has(Quirk.DEVICE_LIMITS) or not truthy(app_id):
        return
    call.limits.refuse_device(js_text(app_id), device_id, operation, channel, call.request.address())
    call.limits.record_device(js_text(app_id), device_id, operation, channel, call.request.address())


def _count_later(call: Call, app_id: str) -> None:
    call.state.schedule(call.now + call.world.queue_delay, "device_count", app_id)
