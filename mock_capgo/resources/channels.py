"""Channels: list, create or change, delete (reference 22). Their settings stand in `channel_settings`."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from mock_capgo import errors
from mock_capgo.access.permissions import ROLES, active
from mock_capgo.call import Call
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import cascades
from mock_capgo.resources.channel_settings import (
    Unwritable,
    check_rollout_settings,
    is_sent,
    sent,
    written_settings,
)
from mock_capgo.resources.common import (
    NO_ROWS,
    app_id_of,
    database_error,
    find_bundle,
    find_channel,
    owns_preview_channel,
    page_window,
    preview_binding,
)
from mock_capgo.resources.values import Fields, fields, js_text, text, truthy
from mock_capgo.world.records import App, Binding, Bundle, Channel, Deployment, changed

_NO_BUNDLE = {"", "builtin", "unknown"}


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A channel with the names of its bundles."""

    channel: Channel
    version_name: str | None
    rollout_version_name: str | None


@dataclass(frozen=True, slots=True)
class Upsert:
    """What `upsertChannel` did; `created_with_version` decides what the live service tells."""

    channel: Channel
    created_with_version: bool


def list_channels(call: Call) -> ShownChannel | list[ShownChannel]:
    """One channel by `channel`, else a page of them, oldest first."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    if not call.may_app("app.read_channels", call.state.apps.get(app_id)):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, {"app_id": app_id})
    if truthy(params.get("channel")):
        channel = find_channel(call, app_id, params["channel"])
        if channel is None:
            raise Refusal(errors.CHANNEL_NOT_READ, {"supabaseError": NO_ROWS})
        return _shown(call, channel)
    try:
        window = page_window(call, params.get("page"))
    except ValueError:
        error = database_error("PGRST103", "Requested range not satisfiable")
        raise Refusal(errors.CANNOT_FIND_CHANNELS, {"supabaseError": error}) from None
    found = call.state.channels.where("app", app_id)
    found.sort(key=lambda channel: (channel.created_at, channel.id))
    return [_shown(call, channel) for channel in found[window]]


def upsert_channel(call: Call) -> Upsert:
    """Create a channel, or change one by its name; what is not sent stays as it is."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    app = call.state.apps.get(app_id)
    channel = find_channel(call, app_id, params.get("channel"))
    if app is None or (channel is None and not call.may_app("app.create_channel", app)):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, {"app_id": app_id})
    if channel is None:
        return _create(call, app, params)
    return Upsert(_update(call, channel, params), created_with_version=False)


def delete_channel(call: Call) -> None:
    """Delete a channel; with `delete_bundle` an app_preview key takes its own bundles along."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    name = params.get("channel")
    if not truthy(name):
        raise Refusal(errors.MISSING_CHANNEL_NAME)
    channel = find_channel(call, app_id, name)
    if params.get("delete_bundle") is True:
        _delete_preview(call, app_id, channel)
        return
    if channel is None or not call.sees_channel(channel):
        visible = call.may_app("app.read", call.state.apps.get(app_id))
        error = errors.CANNOT_FIND_CHANNEL if visible else errors.CHANNEL_HIDDEN
        raise Refusal(error, {"supabaseError": NO_ROWS})
    if not call.may_channel("channel.delete", channel):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, {"app_id": app_id, "channel_id": channel.id})
    _refuse_orphaned_rank(call, channel)
    cascades.delete_channel(call.world, channel, call.actor)


def set_stable(call: Call, channel: Channel, version: int | None) -> Channel:
    """Give a channel another stable bundle."""
    return _write(call, channel, changed(channel, version=version))


def _shown(call: Call, channel: Channel) -> ShownChannel:
    bundles = call.state.bundles
    return ShownChannel(
        channel,
        None if channel.version is None else bundles[channel.version].name,
        None if channel.rollout_version is None else bundles[channel.rollout_version].name,
    )


def _create(call: Call, app: App, params: Fields) -> Upsert:
    check_rollout_settings(params)
    if any(_actions(params)):
        raise Refusal(errors.CANNOT_FIND_CHANNEL, {"app_id": app.app_id, "channel": params.get("channel")})
    version = params.get("version")
    named = truthy(version) and js_text(version) not in _NO_BUNDLE
    name = text(params.get("channel"))
    try:
        if not name:
            raise Unwritable('null value in column "name" of relation "channels" violates not-null constraint')
        settings = written_settings(call, params)
    except Unwritable as refused:
        if named:
            raise Refusal(errors.CANNOT_SET_BUNDLE, {"error": refused.complaint}) from None
        raise _write_failed(call) from None
    channel = Channel(
        id=call.state.sequences.get("channel", 1),
        created_at=call.now,
        name=name,
        app_id=app.app_id,
        updated_at=call.now,
        owner_org=app.owner_org,
        created_by=call.caller.key.user_id,
        **settings,
    )
    bundle = _first_bundle(call, app, js_text(version)) if named else None
    channel = changed(
        channel,
        id=call.state.next_id("channel"),
        rbac_id=call.world.uuid(),
        rollout_id=call.world.uuid(),
    )
    call.world.insert(call.state.channels, channel, call.actor)
    preview = preview_binding(call, app.app_id)
    if preview is not None:
        _grant_preview(call, preview, channel)
    if channel.public:
        _demote_others(call, channel)
    cascades.touch_app(call.world, app.app_id, call.actor)
    if bundle is not None:
        updated = changed(channel, version=bundle.id)
        call.world.update(call.state.channels, channel, updated, call.actor)
        _record_deployment(call, updated)
        channel = updated
    return Upsert(channel, created_with_version=bundle is not None)


def _update(call: Call, channel: Channel, params: Fields) -> Channel:
    where = {"app_id": channel.app_id, "channel": params.get("channel")}
    if not call.may_channel("channel.update_settings", channel):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, where)
    changes: dict[str, Any] = {}
    if "version" in params:
        if not call.may_channel("channel.promote_bundle", channel):
            raise Refusal(errors.CHANNELS_OUT_OF_REACH, where)
        changes["version"] = _stable_version(call, channel, params["version"])
    check_rollout_settings(params)
    retargets, rolls_back, promotes = actions = _actions(params)
    if any(actions) and not call.may_channel("channel.promote_bundle", channel):
        raise Refusal(errors.CANNOT_PROMOTE_BUNDLE, {**where, "channelId": channel.id})
    if retargets:
        # Looked at as it was sent: `builtin` names a bundle here, although it is none.
        stable = params["version"] not in (None, "unknown") if "version" in params else channel.version is not None
        target = sent(params, "rolloutVersion")
        if truthy(target) and not stable:
            raise Refusal(errors.MISSING_STABLE_VERSION, where)
        changes["rollout_version"] = _rollout_target(call, channel, target)
    if promotes:
        # Sent together with rollback, the stored target is promoted and the request's own is not looked at.
        own = None if rolls_back else changes.get("rollout_version")
        target = own if own is not None else channel.rollout_version
        if target is None:
            raise Refusal(errors.MISSING_ROLLOUT_VERSION, where)
        changes["version"] = target
    try:
        settings = written_settings(call, params)
    except Unwritable:
        raise _write_failed(call) from None
    changes = {**settings, **changes}
    if promotes or rolls_back:
        changes.update(
            rollout_version=None,
            rollout_enabled=False,
            rollout_percentage_bps=0,
            rollout_paused_at=None,
            rollout_pause_reason=None,
        )
    return _write(call, channel, changed(channel, **changes) if changes else channel)


def _write(call: Call, old: Channel, new: Channel) -> Channel:
    """Store a changed channel with all that the database's triggers do about it."""
    if new.rollout_version != old.rollout_version:
        # A new target is a new rollout: nobody's stored decision counts any more, and it starts unpaused.
        new = changed(
            new,
            rollout_id=call.world.uuid(),
            rollout_paused_at=None,
            rollout_pause_reason=None,
            auto_pause_last_triggered_at=None,
        )
    new = changed(new, updated_at=call.now)
    call.world.update(call.state.channels, old, new, call.actor)
    if new.public and (not old.public or _platforms(new) != _platforms(old)):
        _demote_others(call, new)
    if new.version is not None and new.version != old.version:
        _record_deployment(call, new)
    if _rollout(old) != _rollout(new):
        cascades.touch_app(call.world, new.app_id, call.actor)
    return new


_rollout = attrgetter("rollout_version", "rollout_enabled", "rollout_percentage_bps", "rollout_paused_at")


def _platforms(channel: Channel) -> tuple[bool, bool, bool]:
    return channel.ios, channel.android, channel.electron


def _demote_others(call: Call, winner: Channel) -> None:
    """At most one public channel for each platform of an app: the others stop being public, completely."""
    for other in call.state.channels.where("app", winner.app_id):
        shares = any(mine and theirs for mine, theirs in zip(_platforms(winner), _platforms(other), strict=True))
        if other.id != winner.id and other.public and shares:
            demoted = changed(other, public=False, updated_at=call.now)
            call.world.update(call.state.channels, other, demoted, call.actor)


def _record_deployment(call: Call, channel: Channel) -> None:
    if channel.version is None:
        return
    call.state.deployments.put(
        Deployment(
            id=call.state.next_id("deployment"),
            channel_id=channel.id,
            app_id=channel.app_id,
            version_id=channel.version,
            deployed_at=call.now,
            created_by=call.caller.key.user_id,
            owner_org=channel.owner_org,
        )
    )


def _stable_version(call: Call, channel: Channel, version: Any) -> int | None:
    if not truthy(version) or js_text(version) in _NO_BUNDLE:
        return None
    bundle = find_bundle(call, channel.app_id, js_text(version))
    if bundle is None:
        raise _unknown_version(call)
    return bundle.id


def _rollout_target(call: Call, channel: Channel, target: Any) -> int | None:
    if not truthy(target):
        return None
    bundle: Bundle | None
    if isinstance(target, (int, float)) and not isinstance(target, bool):
        bundle = call.state.bundles.get(target)
        if bundle is not None and (bundle.deleted or bundle.app_id != channel.app_id):
            bundle = None
    else:
        bundle = find_bundle(call, channel.app_id, js_text(target))
    if bundle is None:
        raise _unknown_version(call)
    return bundle.id


def _actions(params: Fields) -> tuple[bool, bool, bool]:
    """Whether a target is set, which null does too and clears it, and whether to roll back and to promote (22 §3)."""
    return is_sent(params, "rolloutVersion"), params.get("rollback") is True, sent(params, "promoteToStable") is True


def _unknown_version(call: Call) -> Refusal:
    error: Error = (
        errors.CHANNEL_VERSION_UNKNOWN if call.has(Quirk.UNKNOWN_VERSION_CRASHES) else errors.CANNOT_FIND_VERSION
    )
    return Refusal(error)


def _write_failed(call: Call) -> Refusal:
    if call.has(Quirk.CHANNEL_WRITE_CRASHES):
        return Refusal(errors.CHANNEL_WRITE_FAILED)
    return Refusal(errors.UNFIT_VALUE, words={"reason": "Invalid channel settings"})


def _first_bundle(call: Call, app: App, name: str) -> Bundle:
    """The bundle that a new channel starts with. An app_preview key owns the channel, and may set its own bundles."""
    preview = preview_binding(call, app.app_id)
    if preview is None and not call.may_app("channel.promote_bundle", app):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, {"app_id": app.app_id})
    bundle = find_bundle(call, app.app_id, name)
    if bundle is None:
        raise Refusal(errors.CANNOT_FIND_VERSION)
    if preview is not None and bundle.created_by_apikey_rbac_id != call.caller.key.rbac_id:
        raise Refusal(errors.CANNOT_SET_BUNDLE, {"error": "PREVIEW_APIKEY_CAN_ONLY_PROMOTE_OWN_BUNDLE"})
    return bundle


def _grant_preview(call: Call, parent: Binding, channel: Channel) -> None:
    """The channel that an app_preview key makes is its own: to read, promote and delete (22 §5)."""
    call.state.bindings.put(
        Binding(
            id=call.state.next_id("binding"),
            principal_type="apikey",
            principal=parent.principal,
            role="channel_preview",
            scope_type="channel",
            org_id=channel.owner_org,
            app_id=channel.app_id,
            channel_id=channel.id,
            parent=parent.id,
        )
    )


def _refuse_orphaned_rank(call: Call, channel: Channel) -> None:
    """A key whose only say is its binding on the channel loses it first, and then lacks the rank for the rest.

    Seen on the live service with channel_admin keys; with no other key bound there the deletion succeeds (22 §4).
    """
    outside = [binding for binding in call.caller.bindings if binding.channel_id != channel.id]
    mine = max(
        (ROLES[b.role].rank for b in outside if b.org_id == channel.owner_org and _reaches(b, channel)), default=0
    )
    others = [
        binding
        for binding in active(call.state.bindings.where("channel", channel.id), call.now)
        if binding.principal != call.caller.key.rbac_id
    ]
    if others and mine == 0:
        error = database_error("P0001", "Admins cannot elevate privileges!")
        raise Refusal(errors.CANNOT_DELETE_CHANNEL, {"supabaseError": error})


def _reaches(binding: Binding, channel: Channel) -> bool:
    return binding.scope_type == "org" or (binding.scope_type == "app" and binding.app_id == channel.app_id)


def _delete_preview(call: Call, app_id: str, channel: Channel | None) -> None:
    """Delete a preview channel together with its bundles: all, or nothing (22 §4)."""
    if channel is None:
        raise Refusal(errors.CANNOT_FIND_CHANNEL)
    if not owns_preview_channel(call, channel.id):
        raise Refusal(errors.CHANNELS_OUT_OF_REACH, {"app_id": app_id, "channel_id": str(channel.id)})
    versions = {version for version in (channel.version, channel.rollout_version) if version is not None}
    bundles = [call.state.bundles[version] for version in sorted(versions)]
    bundles = [bundle for bundle in bundles if not bundle.deleted]
    if any(bundle.created_by_apikey_rbac_id != call.caller.key.rbac_id for bundle in bundles):
        raise Refusal(errors.PREVIEW_BUNDLE_FOREIGN)
    elsewhere = {
        version
        for other in call.state.channels.where("app", app_id)
        if other.id != channel.id
        for version in (other.version, other.rollout_version)
    }
    if any(bundle.id in elsewhere for bundle in bundles):
        raise Refusal(errors.PREVIEW_BUNDLE_LINKED)
    cascades.delete_channel(call.world, channel, call.actor)
    for bundle in bundles:
        gone = changed(bundle, deleted=True, deleted_at=call.now, updated_at=call.now)
        call.world.update(call.state.bundles, bundle, gone, call.actor)
