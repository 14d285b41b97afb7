"""The channel that a device sets for itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from mock_capgo.device_api import legacy
from mock_capgo.device_api.answers import Reply
from mock_capgo.world.records import SECOND
from tests.device_api.conftest import APP, DEVICE, Bench, device, said_by

LOCAL, LEGACY = "8.1.0", "7.30.0"
OK = {"status": "ok"}
CANNOT = {"error": "cannot_override", "message": "Cannot change device override current channel don't allow it"}
NOT_FOUND = {"error": "channel_not_found", "message": "Cannot find channel"}


def _post(bench: Bench, channel: str | None, plugin: str = LEGACY, device_id: str = DEVICE, **more: Any) -> Reply:
    headers = more.pop("headers", None)
    body = said_by(device_id, plugin_version=plugin, channel=channel, **more)
    return bench.send("POST", "/channel_self", body, headers=headers)


def _put(bench: Bench, plugin: str = LEGACY, **more: Any) -> Any:
    return bench.send("PUT", "/channel_self", said_by(plugin_version=plugin, **more)).body


def _delete(bench: Bench, plugin: str = LEGACY, device_id: str = DEVICE) -> Reply:
    query = {**said_by(device_id, plugin_version=plugin), "is_prod": "true", "is_emulator": "false"}
    return bench.send("DELETE", "/channel_self", query=urlencode(query))


def _list(bench: Bench, headers: dict[str, str] | None = None, **more: str) -> Reply:
    return bench.send("GET", "/channel_self", query=urlencode({"app_id": APP, "platform": "ios", **more}),
                      headers=headers)  # fmt: skip


@pytest.fixture
def house(bench: Bench) -> Bench:
    """A public channel and three others, one of them closed to devices."""
    bench.channel("public", bench.bundle("1.0.0"), allow_device_self_set=True)
    bench.channel("open", bench.bundle("1.1.0"), public=False, allow_device_self_set=True)
    bench.channel("other", None, public=False, allow_device_self_set=True)
    bench.channel("closed", None, public=False)
    return bench


# Local plugins --------------------------------------------------------------------------------------------


def test_a_local_plugin_is_only_told_whether_it_may(house: Bench) -> None:
    """Setting stores nothing but the device's record; updates go by what the device says itself."""
    assert _post(house, "open", LOCAL).body == {"status": "ok", "allowSet": True}
    assert not house.state.device_store.self_set
    assert house.stored() is not None
    assert house.check().body["version"] == "1.0.0"
    assert house.check(defaultChannel="open").body["version"] == "1.1.0"


def test_a_local_plugin_is_told_what_it_says(house: Bench) -> None:
    """Getting echoes the device's own channel, else its default, else a name that need not exist."""
    assert _put(house, LOCAL) == {"channel": "production", "status": "default"}
    assert _put(house, LOCAL, defaultChannel="x") == {"channel": "x", "status": "default"}
    assert _put(house, LOCAL, defaultChannel="x", channel="y") == {
        "channel": "y", "status": "override", "allowSet": True,
    }  # fmt: skip


def test_a_local_plugin_lets_go_of_nothing(house: Bench) -> None:
    """Unsetting always succeeds, and leaves an override of the API where it is."""
    house.force(house.state.channels[2])
    assert _delete(house, LOCAL).body == OK
    assert (APP, DEVICE) in house.state.overrides


# Legacy plugins -------------------------------------------------------------------------------------------


def test_a_legacy_plugin_is_remembered(house: Bench) -> None:
    """What it sets is kept, told, followed by its updates, and let go of again."""
    assert _put(house) == {"channel": "public", "status": "default"}
    assert _post(house, "open").body == OK
    assert _put(house, defaultChannel="closed") == {"channel": "open", "status": "override", "allowSet": True}
    assert house.check(plugin_version=LEGACY).body["version"] == "1.1.0"
    assert _post(house, "other").body == OK
    assert _delete(house).body == OK
    assert _delete(house).body == CANNOT
    assert house.check(plugin_version=LEGACY).body["version"] == "1.0.0"


def test_to_choose_the_public_channel_is_to_choose_none(house: Bench) -> None:
    """The public channel of the device's platform is not stored but takes away what was."""
    _post(house, "open")
    assert _post(house, "public").body == OK
    assert not house.state.device_store.self_set
    house.change(house.state.channels[1], android=False)
    _post(house, "public", device_id=device(2))
    assert house.state.device_store.self_set == {(APP, device(2)): 1}


def test_choosing_the_same_channel_again(house: Bench) -> None:
    """A channel that is chosen already is fine, and the device is not recorded for it."""
    _post(house, "open", version_os="14")
    assert _post(house, "open", version_os="15").body == OK
    assert house.stored().os_version == "14"  # type: ignore[union-attr]


def test_a_channel_that_holds_its_devices(house: Bench) -> None:
    """From a channel that is closed to devices by now, none gets away by itself."""
    _post(house, "open")
    house.change(house.state.channels[2], allow_device_self_set=False)
    assert _post(house, "absent").body == CANNOT
    assert _delete(house).body == CANNOT
    assert _put(house) == {"channel": "open", "status": "override", "allowSet": False}


@pytest.mark.parametrize("plugin", [LOCAL, LEGACY])
def test_channels_that_cannot_be_chosen(house: Bench, plugin: str) -> None:
    """A missing channel, a closed one and a closed public one are three refusals with status 200."""
    asked = {"channel": "absent", "app_id": APP}
    assert _post(house, "absent", plugin).body == {**NOT_FOUND, **asked}
    closed = _post(house, "closed", plugin)
    assert (closed.status, closed.body["error"], closed.body["channel"]) == (
        200, "channel_self_set_not_allowed", "closed",
    )  # fmt: skip
    house.change(house.state.channels[1], allow_device_self_set=False)
    assert _post(house, "public", plugin).body["error"] == "public_channel_self_set_not_allowed"
    assert house.stored() is None


@pytest.mark.parametrize("flag", ["ios", "android", "electron", "allow_prod", "allow_dev", "allow_device"])
def test_choosing_looks_at_no_other_flag(house: Bench, flag: str) -> None:
    """A channel that will refuse the device may be chosen all the same."""
    house.change(house.state.channels[2], **{flag: False})
    assert _post(house, "open").body == OK


def test_the_default_of_a_legacy_plugin(house: Bench) -> None:
    """A named default is found by its name alone; without one the public channel of the platform is told."""
    house.change(house.state.channels[1], ios=False)
    assert _put(house, defaultChannel="closed") == {"channel": "closed", "status": "default"}
    assert _put(house, defaultChannel="absent") == NOT_FOUND
    assert _put(house, platform="ios") == NOT_FOUND
    assert _put(house, "abc") == {"channel": "public", "status": "default"}


def test_an_empty_channel_is_missing(house: Bench) -> None:
    """Setting no channel is refused before the app is looked at."""
    missing = {"error": "missing_channel", "message": "Cannot find channel in body"}
    assert _post(house, "").body == missing
    assert _post(house, None, app_id="com.nowhere.app").body == missing


def test_an_app_without_plan_records_the_device(house: Bench) -> None:
    """Without plan every operation is a 429 that records the device, but for the list."""
    house.pay()
    assert _list(house, device_id=DEVICE).status == 429
    assert house.stored() is None
    assert _post(house, "open").status == 429
    assert house.stored() is not None


# The API's overrides --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("plugin", "reaches"), [(LEGACY, True), ("0.0.0", True), (LOCAL, False), (None, False)])
def test_an_override_reaches_the_store_of_legacy_plugins(house: Bench, plugin: str | None, reaches: bool) -> None:
    """A forced channel is told at once to devices that were last seen with a legacy plugin, and to no others."""
    if plugin is not None:
        house.check(plugin_version=plugin)
    legacy.force(house.state, APP, DEVICE, 4)
    assert (house.state.device_store.self_set.get((APP, DEVICE)) == 4) is reaches


@pytest.mark.parametrize(("plugin", "goes"), [(LEGACY, True), ("0.0.0", True), (LOCAL, False), (None, True)])
def test_the_end_of_an_override_reaches_the_store_too(house: Bench, plugin: str | None, goes: bool) -> None:
    """Taking the override back empties the store, but for a device that uses a newer plugin by now."""
    house.state.device_store.self_set[APP, DEVICE] = 4
    if plugin is not None:
        house.check(plugin_version=plugin)
    legacy.release(house.state, APP, DEVICE)
    assert ((APP, DEVICE) not in house.state.device_store.self_set) is goes


# The list -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "asked", "offered"),
    [
        ({}, {}, True),
        ({"public": False}, {}, False),
        ({"public": False, "allow_device_self_set": True}, {}, True),
        ({"ios": False}, {}, False),
        ({"allow_prod": False}, {}, False),
        ({"allow_prod": False}, {"is_prod": "1"}, True),
        ({"allow_dev": False}, {"is_prod": "false"}, False),
        ({"allow_device": False}, {}, False),
        ({"allow_device": False}, {"is_emulator": "true"}, True),
        ({"allow_emulator": False}, {"is_emulator": "true"}, False),
        ({"allow_emulator": False}, {"is_emulator": "TRUE"}, True),
    ],
)
def test_what_is_offered(bench: Bench, flags: dict[str, bool], asked: dict[str, Any], offered: bool) -> None:
    """A channel is offered to devices that it would serve; flags of the query are true for `true` alone."""
    made = bench.channel("main", None, **flags)
    told = {"id": made.id, "name": "main", "public": made.public, "allow_self_set": made.allow_device_self_set}
    assert _list(bench, **asked).body == ([told] if offered else [])
    assert bench.stored() is None


# How often ------------------------------------------------------------------------------------------------


def test_the_same_channel_within_a_minute(limited: Bench) -> None:
    """A device may ask for one channel once a minute, whatever came of it; other channels and devices go on."""
    limited.channel("main")
    assert _post(limited, "absent").status == 200
    second = _post(limited, "absent", device_id=DEVICE.upper())
    assert (second.status, second.body["error"]) == (429, "too_many_requests")
    more = second.body["moreInfo"]
    assert (more["app_id"], more["device_id"], more["retryAfterSeconds"]) == (APP, DEVICE, 60)
    assert second.headers["Retry-After"] == "60"
    assert _post(limited, "main").status == 200
    assert _post(limited, "absent", device_id=device(2)).status == 200
    limited.world.clock.advance(60)
    assert _post(limited, "absent").status == 200


def test_five_of_an_operation_within_a_second(limited: Bench) -> None:
    """The sixth of one operation within a second is refused; refused and malformed ones do not count."""
    for _ in range(9):
        assert _post(limited, None).body["error"] == "missing_channel"
        assert limited.send("PUT", "/channel_self", said_by(platform="web")).status == 400
    for _ in range(5):
        assert limited.send("PUT", "/channel_self", said_by()).status == 200
    sixth = limited.send("PUT", "/channel_self", said_by())
    assert (sixth.status, sixth.body["moreInfo"]["retryAfterSeconds"]) == (429, 1)
    assert _delete(limited, LOCAL).status == 200
    limited.world.clock.set(limited.world.now + SECOND)
    assert limited.send("PUT", "/channel_self", said_by()).status == 200


def test_lists_count_with_a_device_only(limited: Bench) -> None:
    """Lists without a device are not limited by device."""
    assert [_list(limited).status for _ in range(9)] == [200] * 9
    assert [_list(limited, device_id=DEVICE).status for _ in range(6)] == [200] * 5 + [429]


def test_an_address_is_limited_before_the_channel_is_missed(limited: Bench) -> None:
    """A thousand calls a minute from one address for one app are enough, also for those that would be refused."""
    here = {"cf-connecting-ip": "203.0.113.7"}
    for _ in range(1000):
        assert _list(limited, here).status == 200
    refused = _post(limited, None, headers=here)
    assert refused.status == 429
    assert refused.body["moreInfo"]["reason"] == "ip_rate_limit_exceeded"
    assert _list(limited, {"cf-connecting-ip": "203.0.113.8"}).status == 200


def test_update_checks_and_events_are_not_limited(limited: Bench) -> None:
    """A device may ask for updates, and report events, as often as it likes."""
    limited.channel("main", limited.bundle("1.0.0"))
    assert {limited.check().status for _ in range(20)} == {200}
    assert {limited.event("ping").status for _ in range(20)} == {200}
