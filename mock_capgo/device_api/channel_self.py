"""The channel that a device sets for itself: set, get, unset, and the list to choose from (32).

Local plugins keep the channel on the device, and the service only says whether they may; for legacy ones it keeps
the channel. Belongs here: the answers and their order. Does not belong here: what an update check makes of a
channel (`mock_capgo.device_api.channels`), how often a device may ask (`mock_capgo.access.limits`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mock_capgo.call import Call
from mock_capgo.device_api import device_errors, effects, schemas
from mock_capgo.device_api.admission import has_valid_plan, provider_of
from mock_capgo.device_api.answers import Reply, failed, from_database, ok, on_premise
from mock_capgo.device_api.channels import is_legacy, public_channel, self_set, serves
from mock_capgo.device_api.check_in import CheckIn, check_in
from mock_capgo.errors import Refusal
from mock_capgo.world.records import App, Channel

DEFAULT = "production"
"""What a local plugin without any channel is told that it is on, whether or not there is one (32 §5)."""

_CANNOT_OVERRIDE = ("cannot_override", "Cannot change device override current channel don't allow it")
_NOT_FOUND = ("channel_not_found", "Cannot find channel")

Limited = Literal["set", "get", "delete", "list"]


def set_channel(call: Call) -> Reply:
    """POST: put the device on a channel, or say whether its plugin may."""
    said = check_in(call, call.params, schemas.CHANNEL_SELF)
    call.limits.refuse_device(said.app_id, None, "set", None, call.request.address())
    if not said.channel:
        return Reply({"error": "missing_channel", "message": "Cannot find channel in body"})
    return _limited(call, said, "set", _set, said.channel)


def get_channel(call: Call) -> Reply:
    """PUT: the channel that the device is on."""
    said = check_in(call, call.params, schemas.CHANNEL_SELF)
    call.limits.refuse_device(said.app_id, None, "get", None, call.request.address())
    return _limited(call, said, "get", _get)


def unset_channel(call: Call) -> Reply:
    """DELETE: take the device off the channel that it chose."""
    said = check_in(call, call.params, schemas.CHANNEL_SELF, device_errors.INVALID_QUERY)
    call.limits.refuse_device(said.app_id, None, "delete", None, call.request.address())
    return _limited(call, said, "delete", _unset)


def list_channels(call: Call) -> Reply:
    """GET: the channels that a device of this kind may choose."""
    said = check_in(call, call.params, schemas.CHANNEL_LIST, device_errors.INVALID_QUERY)
    call.limits.refuse_device(said.app_id, None, "list", None, call.request.address())
    return _limited(call, said, "list", _list)


_Act = Callable[[Call, App, CheckIn], Reply]


def _limited(call: Call, said: CheckIn, operation: Limited, act: _Act, channel: str | None = None) -> Reply:
    """Do it, unless it comes too soon after others. Counted afterwards, whatever came of it (32 §7)."""
    app = call.state.apps.get(said.app_id)
    if provider_of(call, app) is not None:
        raise Refusal(device_errors.PROVIDER_BLOCKED)
    call.limits.refuse_device(said.app_id, said.device_id, operation, channel, None)
    try:
        if app is None:
            return on_premise()
        if not has_valid_plan(call.state, app, call.now, bandwidth=False):
            if said.device_id and operation != "list":
                effects.record_device(call, app, said)
            return on_premise()
        return act(call, app, said)
    finally:
        call.limits.record_device(said.app_id, said.device_id, operation, channel, call.request.address())


def _set(call: Call, app: App, said: CheckIn) -> Reply:
    legacy = is_legacy(said.plugin_version)
    current = self_set(call.state, app.app_id, said.device_id) if legacy else None
    if current is not None and not current.allow_device_self_set:
        return failed(*_CANNOT_OVERRIDE)
    wanted = _named(call, app, said.channel)
    asked = {"channel": said.channel, "app_id": app.app_id}
    if wanted is None:
        return failed(*_NOT_FOUND, **asked)
    if not wanted.allow_device_self_set and wanted.public:
        return failed(
            "public_channel_self_set_not_allowed",
            "This channel is public and does not allow device self-assignment. Unset the channel and the device will"
            " automatically use the public channel.",
            **asked,
        )
    if not wanted.allow_device_self_set:
        message = "This channel does not allow devices to self associate"
        return failed("channel_self_set_not_allowed", message, **asked)
    if not legacy:
        effects.record_device(call, app, said)
        return ok(allowSet=True)
    key = app.app_id, said.device_id
    public = public_channel(call.state, app.app_id, said.platform)
    if public is not None and public.id == wanted.id:
        # To choose the channel of everybody is to choose none.
        call.state.device_store.self_set.pop(key, None)
    elif current is not None and current.id == wanted.id:
        return ok()
    else:
        call.state.device_store.self_set[key] = wanted.id
    effects.record_device(call, app, said)
    return ok()


def _get(call: Call, app: App, said: CheckIn) -> Reply:
    if not is_legacy(said.plugin_version):
        effects.record_device(call, app, said)
        if said.channel:
            return from_database({"channel": said.channel, "status": "override", "allowSet": True})
        return from_database({"channel": said.default_channel or DEFAULT, "status": "default"})
    current = self_set(call.state, app.app_id, said.device_id)
    if current is not None:
        effects.record_device(call, app, said)
        told = {"channel": current.name, "status": "override", "allowSet": current.allow_device_self_set}
        return from_database(told)
    # A named channel is looked up by its name alone; what it allows does not matter here (32 §5).
    named = bool(said.default_channel)
    channel = (
        _named(call, app, said.default_channel) if named else public_channel(call.state, app.app_id, said.platform)
    )
    if channel is None:
        return failed(*_NOT_FOUND)
    effects.record_device(call, app, said)
    return from_database({"channel": channel.name, "status": "default"})


def _unset(call: Call, app: App, said: CheckIn) -> Reply:
    if not is_legacy(said.plugin_version):
        effects.record_device(call, app, said)
        return ok()
    current = self_set(call.state, app.app_id, said.device_id)
    if current is None or not current.allow_device_self_set:
        return failed(*_CANNOT_OVERRIDE)
    del call.state.device_store.self_set[app.app_id, said.device_id]
    return ok()


def _list(call: Call, app: App, said: CheckIn) -> Reply:
    return from_database(
        [
            {
                "id": channel.id,
                "name": channel.name,
                "public": channel.public,
                "allow_self_set": channel.allow_device_self_set,
            }
            for channel in call.state.channels.where("app", app.app_id)
            if _is_offered(channel, said)
        ]
    )


def _is_offered(channel: Channel, said: CheckIn) -> bool:
    device = channel.allow_emulator if said.is_emulator else channel.allow_device
    build = channel.allow_prod if said.is_prod else channel.allow_dev
    return (channel.public or channel.allow_device_self_set) and serves(channel, said.platform) and device and build


def _named(call: Call, app: App, name: str) -> Channel | None:
    return call.state.channels.first("name", (app.app_id, name))
