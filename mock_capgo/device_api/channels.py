"""Which channel a device is on (30 §3 D). Looks, and changes nothing.

Belongs here: overrides, a named channel, the public channel of a platform. Does not belong here: which of a
channel's two bundles a device gets (`mock_capgo.device_api.rollouts`), or the device setting its channel.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from mock_capgo.device_api.versions import keeps_own_channel
from mock_capgo.quirks import Quirk
from mock_capgo.resources.devices import OVERRIDE_DAYS_DOCUMENTED, OVERRIDE_DAYS_LIVE
from mock_capgo.world.records import DAY, App, Channel, Micros
from mock_capgo.world.state import State

Source = Literal["self-set", "override", "defaultChannel", "public"]


class Resolved(NamedTuple):
    """A channel, and why it is this one."""

    channel: Channel
    source: Source

    @property
    def overridden(self) -> bool:
        """Whether the channel was forced on the device: then its platform and public flags did not matter."""
        return self.source in ("self-set", "override")


class Asking(NamedTuple):
    """What decides a device's channel; `legacy` follows from its plugin's version."""

    device_id: str
    platform: str
    default_channel: str
    legacy: bool


def is_legacy(plugin_version: str) -> bool:
    """Whether the service keeps the channel that a device chose, because its plugin cannot (32 §1)."""
    return not keeps_own_channel(plugin_version)


def resolve(
    state: State, app: App, asking: Asking, now: Micros, quirks: Collection[Quirk], *, falls_back: bool = False
) -> Resolved | None:
    """The channel of a device. `falls_back` goes on to the public one where the named one does not fit (31 §4)."""
    stored = self_set(state, app.app_id, asking.device_id) if asking.legacy else None
    if stored is not None and has_bundle(state, stored):
        return Resolved(stored, "self-set")
    forced = override(state, app, asking.device_id, now, quirks)
    if forced is not None and has_bundle(state, forced):
        return Resolved(forced, "override")
    if asking.default_channel:
        named = state.channels.first("name", (app.app_id, asking.default_channel))
        if named is not None and _may_be_named(named, asking.platform) and has_bundle(state, named):
            return Resolved(named, "defaultChannel")
        if not falls_back:
            return None
    public = public_channel(state, app.app_id, asking.platform)
    return None if public is None else Resolved(public, "public")


def self_set(state: State, app_id: str, device_id: str) -> Channel | None:
    """The channel that the service keeps for a device of a legacy plugin."""
    channel_id = state.device_store.self_set.get((app_id, device_id))
    channel = None if channel_id is None else state.channels.get(channel_id)
    return channel if channel is not None and channel.app_id == app_id else None


def override(state: State, app: App, device_id: str, now: Micros, quirks: Collection[Quirk]) -> Channel | None:
    """The channel that the API forces on a device, once the app's own count knows of any override.

    That count is written by the queue: until it ran, an override is shown and not followed (30 §3 D).
    """
    if app.channel_device_count <= 0:
        return None
    forced = state.overrides.get((app.app_id, device_id))
    if forced is None:
        return None
    days = OVERRIDE_DAYS_LIVE if Quirk.OVERRIDES_LAST_A_MONTH in quirks else OVERRIDE_DAYS_DOCUMENTED
    expired = forced.updated_at + days * DAY <= now
    return None if expired else state.channels.get(forced.channel_id)


def public_channel(state: State, app_id: str, platform: str) -> Channel | None:
    """The channel for everybody on a platform: the first by name, then by id, where there are several."""
    found = [
        channel
        for channel in state.channels.where("public", app_id)
        if serves(channel, platform) and has_bundle(state, channel)
    ]
    return min(found, key=lambda channel: (channel.name, channel.id)) if found else None


def serves(channel: Channel, platform: str) -> bool:
    """Whether a channel is open to a platform; to none but the three that it has flags for."""
    return bool(getattr(channel, platform)) if platform in ("ios", "android", "electron") else False


def has_bundle(state: State, channel: Channel) -> bool:
    """Whether a channel can be followed: without a bundle it leads to the native one, with a deleted one nowhere."""
    return channel.version is None or not state.bundles[channel.version].deleted


def _may_be_named(channel: Channel, platform: str) -> bool:
    return serves(channel, platform) and (channel.public or channel.allow_device_self_set)
