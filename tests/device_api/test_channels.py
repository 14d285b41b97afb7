"""Which channel a device is on."""

from __future__ import annotations

import pytest

from mock_capgo.quirks import DOCUMENTED, LIVE, Quirk
from mock_capgo.world.records import DAY, SECOND
from tests.device_api.conftest import APP, DEVICE, Bench

NO_CHANNEL = {"error": "no_channel", "message": "no default channel or override", "kind": "failed"}
LEGACY = "7.30.0"


def test_the_public_channel_of_the_platform(bench: Bench) -> None:
    """Without anything else a device is on the public channel that is open to its platform."""
    bench.channel("phones", bench.bundle("1.0.1"), ios=False, electron=False)
    bench.channel("desks", bench.bundle("1.0.2"), ios=False, android=False)
    assert bench.check().body["version"] == "1.0.1"
    assert bench.check(platform="electron").body["version"] == "1.0.2"
    assert bench.check(platform="ios").body == NO_CHANNEL


def test_several_public_channels(bench: Bench) -> None:
    """Where more than one public channel is open, the first by name is taken."""
    bench.channel("zulu", bench.bundle("1.0.2"))
    bench.channel("alpha", bench.bundle("1.0.1"))
    assert bench.check().body["version"] == "1.0.1"


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ({"public": True}, True),
        ({"public": False, "allow_device_self_set": True}, True),
        ({"public": False}, False),
        ({"public": True, "android": False}, False),
    ],
)
def test_a_named_channel(bench: Bench, flags: dict[str, bool], found: bool) -> None:
    """A channel by name has to be open to the platform and public or open to devices; nothing takes its place."""
    bench.channel("everybody", bench.bundle("1.0.1"))
    bench.channel("named", bench.bundle("1.0.2"), **flags)
    assert bench.check(defaultChannel="named").body.get("version") == ("1.0.2" if found else None)
    assert bench.check(defaultChannel="Named").body == NO_CHANNEL
    assert bench.check(defaultChannel="named ").body == NO_CHANNEL
    assert bench.check(defaultChannel="").body["version"] == "1.0.1"


def test_an_override_wins_over_a_named_channel(bench: Bench) -> None:
    """A forced channel is followed whatever its flags are, and whatever the device names."""
    bench.channel("everybody", bench.bundle("1.0.1"))
    forced = bench.channel("forced", bench.bundle("1.0.2"), public=False)
    bench.force(forced)
    assert bench.check(defaultChannel="everybody").body["version"] == "1.0.2"
    bench.change(forced, android=False)
    assert bench.check().body["error"] == "disabled_platform_android"


def test_an_override_that_the_app_does_not_know_of(bench: Bench) -> None:
    """Until the queue has counted an app's overrides, none of them is followed."""
    bench.channel("everybody", bench.bundle("1.0.1"))
    bench.force(bench.channel("forced", bench.bundle("1.0.2"), public=False), counted=False)
    assert bench.check().body["version"] == "1.0.1"
    bench.set_app(channel_device_count=1)
    assert bench.check().body["version"] == "1.0.2"


@pytest.mark.parametrize(("quirks", "days"), [(LIVE, 30), (DOCUMENTED, 90)])
def test_an_override_expires(quirks: frozenset[Quirk], days: int) -> None:
    """An override holds for a month, in the documented dialect for ninety days, and looking does not remove it."""
    bench = Bench(quirks=quirks)
    bench.channel("everybody", bench.bundle("1.0.1"))
    bench.force(bench.channel("forced", bench.bundle("1.0.2"), public=False))
    bench.world.clock.advance((days * DAY - 1) // SECOND)
    assert bench.check().body["version"] == "1.0.2"
    bench.world.clock.advance(2)
    assert bench.check().body["version"] == "1.0.1"
    assert bench.state.overrides.get((APP, DEVICE)) is not None


def test_what_a_legacy_plugin_chose(bench: Bench) -> None:
    """The store of legacy plugins comes first for them, and does not exist for others."""
    bench.channel("everybody", bench.bundle("1.0.1"))
    own = bench.channel("own", bench.bundle("1.0.2"), public=False)
    bench.force(bench.channel("forced", bench.bundle("1.0.3"), public=False))
    bench.state.device_store.self_set[APP, DEVICE] = own.id
    assert bench.check(plugin_version=LEGACY).body["version"] == "1.0.2"
    assert bench.check().body["version"] == "1.0.3"
    bench.state.channels.remove(own)
    assert bench.check(plugin_version=LEGACY).body["version"] == "1.0.3"


def test_a_channel_with_a_deleted_bundle(bench: Bench) -> None:
    """A channel whose bundle is gone leads nowhere: an override on it is passed over, by name it is not found."""
    bench.channel("everybody", bench.bundle("1.0.1"))
    broken = bench.channel("broken", bench.bundle("1.0.2", deleted=True), allow_device_self_set=True, public=False)
    bench.force(broken)
    assert bench.check().body["version"] == "1.0.1"
    assert bench.check(defaultChannel="broken").body == NO_CHANNEL


def test_a_channel_without_bundle(bench: Bench) -> None:
    """A channel without a bundle means the native one, and plugins before 6.2.0 cannot go back to it."""
    bench.channel("main")
    assert bench.check().body["error"] == "already_on_builtin"
    assert bench.check(plugin_version="6.1.9").body["error"] == "revert_to_builtin_plugin_version_too_old"
