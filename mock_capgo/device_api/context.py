"""All that decides about one update check, gathered before the rules are asked (30 §3).

Belongs here: looking things up, in the order in which the service would stop. Does not belong here: the rules
(`mock_capgo.device_api.rules`), and any change: the draw of a rollout comes from the `Random` that is given, and what
it says is remembered by whoever serves the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api import admission, rollouts
from mock_capgo.device_api.channels import Asking, Resolved, is_legacy, resolve
from mock_capgo.device_api.check_in import CheckIn
from mock_capgo.device_api.rollouts import Pick
from mock_capgo.device_api.versions import Version, parse, parse_native, reads_manifest
from mock_capgo.world.records import App, Bundle, Channel

BUILTIN = "builtin"
DROPPED_MAJOR = 4
_NOTHING = Version(((0, 0, 0), True, ()), "0.0.0")


@dataclass(slots=True)
class Context:
    """One update check with everything that is known about it. `channel` and later things only where it got so far."""

    said: CheckIn
    plugin: Version
    native: Version
    guessing: bool = False
    provider: str | None = None
    app: App | None = None
    paid: bool = True
    resolved: Resolved | None = None
    pick: Pick | None = None

    @property
    def channel(self) -> Channel:
        """The device's channel. Only rules that come after its absence ask for it."""
        if self.resolved is None:
            raise AssertionError("a rule asked for the channel of a device that has none")
        return self.resolved.channel

    @property
    def bundle(self) -> Bundle | None:
        """The bundle that the channel holds ready; None for the native one."""
        return self.pick.bundle if self.pick else None

    @property
    def bundle_name(self) -> str:
        return self.bundle.name if self.bundle else BUILTIN

    @property
    def bundle_version(self) -> Version | None:
        """The bundle's name as a version. None for the native bundle, with which nothing is compared."""
        return parse(self.bundle.name) if self.bundle else None

    @property
    def files(self) -> list[Any]:
        """The bundle's files, where it can be served file by file: not from elsewhere (30 §4)."""
        bundle = self.bundle
        return list(bundle.manifest or ()) if bundle is not None and not bundle.external_url else []

    @property
    def manifest(self) -> list[Any]:
        """The files that the device is told of: old plugins do not know what to do with them (30 §4)."""
        return self.files if reads_manifest(self.plugin) else []

    @property
    def address(self) -> str | None:
        """Where the bundle lies: the address that it was registered with, else its stored path."""
        bundle = self.bundle
        return (bundle.external_url or bundle.r2_path) if bundle else None


def look_up(call: Call, said: CheckIn, random: Random) -> Context:
    """The context of a check-in. Changes nothing but the state of `random`."""
    plugin, native = parse(said.plugin_version) or _NOTHING, parse_native(said.version_build) or _NOTHING
    if admission.is_guessing(call):
        return Context(said, plugin, native, guessing=True)
    app = call.state.apps.get(said.app_id)
    provider = admission.provider_of(call, app)
    if app is None or provider is not None:
        return Context(said, plugin, native, provider=provider, app=app)
    paid = admission.has_valid_plan(call.state, app, call.now)
    if not paid or plugin.major == DROPPED_MAJOR:
        return Context(said, plugin, native, app=app, paid=paid)
    asking = Asking(said.device_id, said.platform, said.default_channel, is_legacy(said.plugin_version))
    resolved = resolve(call.state, app, asking, call.now, call.quirks)
    if resolved is None:
        return Context(said, plugin, native, app=app)
    pick = rollouts.pick(call.state, resolved.channel, said.device_id, said.version_name, call.now, random)
    return Context(said, plugin, native, app=app, resolved=resolved, pick=pick)
