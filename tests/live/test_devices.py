"""Devices: the inventory in pages, one device, and the channel that is forced on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.world.records import DAY, SECOND, Device
from tests.live.world import (
    DEMO,
    DEMO_ADMIN,
    NO_ROWS,
    Live,
    error,
    key,
    no_access,
)

APP = "com.devices.app"
OK = {"status": "ok"}
NOT_FOUND = "Cannot find device"
FIELDS = {
    "updated_at", "device_id", "custom_id", "is_prod", "is_emulator", "install_source", "version_name", "version",
    "app_id", "platform", "plugin_version", "os_version", "version_build", "key_id", "country_code",
}  # fmt: skip
START = 1_700_000_000 * SECOND


def fill(world: Live, times: dict[str, int]) -> Live:
    """An app with devices, each last seen so many seconds after a moment; every third has an id of its own."""
    world.make_app(APP)
    for number, (name, seconds) in enumerate(times.items()):
        custom = f"mine-{number}" if number % 3 == 0 else ""
        seen = Device(app_id=APP, device_id=name, updated_at=START + seconds * SECOND, custom_id=custom)
        world.universe.world.state.put_device(seen)
    return world


@pytest.fixture
def app(world: Live) -> Iterator[Live]:
    """Seven devices, some seen in the same second."""
    yield fill(world, {"g": 5, "a": 9, "c": 1, "f": 5, "b": 5, "e": 2, "d": 7})


def ids(page: dict[str, Any]) -> str:
    """The devices of a page, in order."""
    return "".join(row["device_id"] for row in page["data"])


def walk(world: Live, query: str, limit: int) -> list[str]:
    """All pages, by their cursors."""
    pages, cursor = [], ""
    while True:
        page = world.get(f"/device?app_id={APP}&limit={limit}{query}{cursor}")
        pages.append(ids(page))
        assert page["hasMore"] == ("nextCursor" in page)
        if not page["hasMore"]:
            return pages
        assert page["nextCursor"].rsplit("|", 1)[1] == page["data"][-1]["device_id"]
        cursor = f"&cursor={quote(page['nextCursor'], safe='')}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcdefg"),
        ("&order=asc", "cebfgda"),
        ("&order=desc", "adbfgec"),
        ("&customIdMode=true", "dfg"),
        ("&customIdMode=false", "dfg"),
        ("&customIdMode=0", "dfg"),
        ("&customIdMode=", "abcdefg"),
        ("&updated_at=2023-11-14T22:13:25Z", "ad"),
        ("&updated_at=2023-11-14%2022:13:24&order=desc", "adbfg"),
        ("&updated_at=2023-11-14T22:13:24.999Z&order=asc", "bfgda"),
        ("&updated_at=", "abcdefg"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
def test_pages(app: Live, query: str, expected: str, limit: int) -> None:
    """By id, or by time and then by id; filters hold on every page."""
    pages = walk(app, query, limit)
    assert "".join(pages) == expected
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages[-1]) <= limit


_SHARED = Live()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.dictionaries(st.text("abc01-", min_size=1, max_size=3), st.integers(0, 3), max_size=12),
    st.integers(1, 5),
    st.sampled_from(["", "&order=asc", "&order=desc"]),
)
def test_every_device_is_on_one_page(times: dict[str, int], limit: int, order: str) -> None:
    """Whatever the times, the limit and the order: nothing twice, nothing left out."""
    world = fill(_SHARED.back(), times)
    shown: list[str] = []
    cursor = ""
    for _ in range(20):
        page = world.get(f"/device?app_id={APP}&limit={limit}{order}{cursor}")
        shown += [row["device_id"] for row in page["data"]]
        if not page["hasMore"]:
            break
        cursor = f"&cursor={quote(page['nextCursor'], safe='')}"
    sign = -1 if order.endswith("desc") else 1
    by_time = sorted(times, key=lambda name: (sign * times[name], name))
    assert shown == (by_time if order else sorted(times))


@pytest.mark.parametrize(
    ("cursor", "first"), [("zzz|c", "d"), ("|c", "a"), ("c", "a"), ("zzz|", "a"), ("2020-01-01T00:00:00Z|f", "g")]
)
def test_cursors_by_id(world: Live, sane: Live, cursor: str, first: str) -> None:
    """The time is not looked at; a cursor without one of its parts is ignored, or refused where faults are off."""
    for mock in (world, sane):
        fill(mock, dict.fromkeys("abcdefg", 1))
    query = f"/device?app_id={APP}&cursor={quote(cursor, safe='')}"
    assert ids(world.get(query))[0] == first
    if not cursor.startswith("2020"):
        assert sane("GET", query).body["error"] == "invalid_cursor"


def test_a_list_without_devices(world: Live) -> None:
    """No cursor, and no more."""
    world.make_app(APP)
    assert world.get(f"/device?app_id={APP}") == {"data": [], "hasMore": False}


def test_one_device(app: Live) -> None:
    """A bare object, in letters of any case, and list parameters are not looked at."""
    row = app.get(f"/device?app_id={APP}&device_id=A&limit=x&order=y&updated_at=z&cursor=c")
    assert set(row) == FIELDS
    assert row == next(one for one in app.get(f"/device?app_id={APP}")["data"] if one["device_id"] == "a")
    assert row["updated_at"] == "2023-11-14T22:13:29.000Z"
    for query, device in (("device_id=ZZ", "zz"), ("device_id=a&customIdMode=false", "a")):
        missing = error("device_not_found", NOT_FOUND, {"device_id": device})
        app.expect(404, missing, "GET", f"/device?app_id={APP}&{query}")
    assert app.get(f"/device?app_id={APP}&device_id=g&customIdMode=1")["custom_id"] == "mine-0"


def test_the_bundle_of_a_device(app: Live) -> None:
    """By its name, deleted ones too; none where the app has none of that name."""
    number = app.make_bundle(APP, "1.0.0")
    device = app.universe.world.state.devices.get((APP, "a"))
    assert device is not None
    for name, version in (("1.0.0", number), ("2.0.0", None), ("builtin", None)):
        app.universe.world.state.put_device(replace(device, version_name=name))
        row = app.get(f"/device?app_id={APP}&device_id=a")
        assert (row["version_name"], row["version"]) == (name, version)
    app.universe.world.state.put_device(replace(device, version_name="1.0.0"))
    app.ok("DELETE", f"/bundle?app_id={APP}&version=1.0.0")
    assert app.get(f"/device?app_id={APP}&device_id=a")["version"] == number


FAULTS = [
    ("updated_at", "2024-02-30T00:00:00Z", "invalid_updated_at", "updated_at must be a valid ISO date"),
    ("order", "up", "invalid_order", "order must be asc or desc"),
    ("limit", "0", "invalid_limit", "limit must be a positive integer"),
]


@pytest.mark.parametrize("first", range(3))
def test_list_parameters_in_order(app: Live, first: int) -> None:
    """After app and permission."""
    query = "".join(f"&{name}={value}" for name, value, _, _ in reversed(FAULTS[first:]))
    name, value, code, message = FAULTS[first]
    app.expect(400, error(code, message, {name: value}), "GET", f"/device?app_id={APP}{query}")
    app.expect(400, no_access(app_id=DEMO_ADMIN), "GET", f"/device?app_id={DEMO_ADMIN}{query}", key=key(1))


@pytest.mark.parametrize("limit", ["", "0", "-1", "1.5", "x", "NaN", "Infinity"])
def test_limits_that_do_not_do(app: Live, limit: str) -> None:
    """A positive whole number; what was sent is echoed as it was."""
    refusal = error("invalid_limit", "limit must be a positive integer", {"limit": limit})
    app.expect(400, refusal, "GET", f"/device?app_id={APP}&limit={limit}")
    assert ids(app.get(f"/device?app_id={APP}&limit=2.0")) == "ab"
    assert ids(app("GET", "/device", {"app_id": APP, "limit": 3}).body) == "abc"


@pytest.mark.parametrize(
    "moment",
    ["2024-01-01", "yesterday", "2024-01-01T00:00:00", "2024-01-01T00:00Z", "2024-13-01T00:00:00Z", "1",
     "2024-01-01T00:00:00+00:00", "2024-01-01 25:00:00", "2024-01-01T00:00:00.Z", "2023-02-29T00:00:00Z"],
)  # fmt: skip
def test_moments_that_do_not_do(app: Live, moment: str) -> None:
    """Two forms, and a day that the calendar has."""
    refusal = error("invalid_updated_at", "updated_at must be a valid ISO date", {"updated_at": moment})
    app.expect(400, refusal, "GET", f"/device?app_id={APP}&updated_at={quote(moment)}")


def link(world: Live, device: str = "d", channel: Any = "no_access", **more: Any) -> tuple[int, Any]:
    """Status and body of a forced channel."""
    reply = world("POST", "/device", {"app_id": DEMO, "device_id": device, "channel": channel, **more})
    return reply.status, reply.body


def forced(world: Live, device: str) -> str | None:
    """The channel that is forced on a device of the seed."""
    channel: str | None = world.get(f"/device?app_id={DEMO}&device_id={device}").get("channel")
    return channel


SEEDED = "00000000-0000-0000-0000-000000000000"


def test_forcing(world: Live) -> None:
    """One channel for each device, in letters of any case; taking it away twice is fine."""
    before = world.get(f"/device?app_id={DEMO}&device_id={SEEDED}")
    assert "channel" not in before
    assert link(world, SEEDED) == (200, OK)
    assert world.get(f"/device?app_id={DEMO}&device_id={SEEDED}") == {**before, "channel": "no_access"}
    assert link(world, SEEDED, "electron_only") == (200, OK)
    assert forced(world, SEEDED) == "electron_only"
    listed = world.get(f"/device?app_id={DEMO}")["data"]
    assert [row.get("channel") for row in listed if row["device_id"] == SEEDED] == ["electron_only"]
    for _ in range(2):
        assert world.ok("DELETE", f"/device?app_id={DEMO}&device_id={SEEDED.upper()}") == OK
        assert forced(world, SEEDED) is None


def test_a_device_that_was_never_seen(world: Live) -> None:
    """It may have a forced channel, and still is none."""
    assert link(world, "never-seen") == (200, OK)
    missing = error("device_not_found", NOT_FOUND, {"device_id": "never-seen"})
    world.expect(404, missing, "GET", f"/device?app_id={DEMO}&device_id=Never-Seen")
    world.expect(200, OK, "DELETE", "/device", {"app_id": DEMO, "device_id": "other"})


def test_without_a_channel_nothing_happens(world: Live) -> None:
    """Nor does what is forced change."""
    link(world, SEEDED)
    for channel in (None, ""):
        assert link(world, SEEDED, channel) == (200, OK)
    assert forced(world, SEEDED) == "no_access"


def test_what_forcing_needs(world: Live) -> None:
    """Device and app, a good app id, no version, a channel that is there, the right, and a private one."""
    for body in (
        {"app_id": DEMO},
        {"device_id": "d"},
        {"app_id": "", "device_id": "d"},
        {"app_id": DEMO, "device_id": ""},
    ):
        refusal = error("missing_device_id_or_app_id", "Missing device_id or app_id", {"body": body})
        world.expect(400, refusal, "POST", "/device", body)
    version = error("invalid_version_id", "Cannot set version to device, use channel instead")
    assert link(world, channel="nowhere", version_id=3) == (400, version)
    assert link(world, version_id=0) == (200, OK)
    missing = error("channel_not_found", "Cannot find channel", {"dbError": NO_ROWS})
    assert link(world, channel="nowhere") == link(world, channel="No_Access") == (404, missing)
    public = error("public_channel_override", "Cannot set channel override for public channel")
    assert link(world, channel="production") == (400, public)


def test_what_taking_away_needs(world: Live) -> None:
    """App, device, a good app id, the right."""
    path = "/device"
    world.expect(400, error("missing_app_id", "Missing app_id", {"body": {"x": "1"}}), "DELETE", f"{path}?x=1")
    body = {"app_id": "bad"}
    world.expect(400, error("missing_device_id", "Missing device_id", {"body": body}), "DELETE", path, body)
    invalid = error("invalid_app_id", "App ID must be a reverse domain string", {"app_id": "bad"})
    world.expect(400, invalid, "DELETE", path, {"app_id": "bad", "device_id": "d"})


def test_what_becomes_of_a_forced_channel(world: Live) -> None:
    """It stays when its channel becomes public, and goes with the channel."""
    link(world, SEEDED)
    world.ok("POST", "/channel", {"app_id": DEMO, "channel": "no_access", "public": True})
    assert forced(world, SEEDED) == "no_access"
    world.ok("DELETE", f"/channel?app_id={DEMO}&channel=no_access")
    assert forced(world, SEEDED) is None


def test_a_forced_channel_lasts_a_month(world: Live) -> None:
    """Counted from its last change: the same again does not prolong it, another channel does."""
    link(world, SEEDED)
    world.later(20 * DAY / SECOND)
    link(world, SEEDED)
    world.later(12 * DAY / SECOND)
    assert forced(world, SEEDED) is None
    link(world, SEEDED)
    world.later(20 * DAY / SECOND)
    link(world, SEEDED, "electron_only")
    world.later(20 * DAY / SECOND)
    assert forced(world, SEEDED) == "electron_only"


def test_a_channel_key_leaves_what_it_may_not_manage(world: Live) -> None:
    """An app developer takes away any; the count of forced devices follows by queue."""
    link(world, SEEDED)
    world.later(11)
    assert world.get(f"/app/{DEMO}")["channel_device_count"] == 1
    world.expect(400, no_access(app_id=DEMO), "DELETE", f"/device?app_id={DEMO}&device_id={SEEDED}", key=key(14))
    assert forced(world, SEEDED) == "no_access"
    world.expect(200, OK, "DELETE", f"/device?app_id={DEMO}&device_id={SEEDED}", key=key(8))
    world.later(11)
    assert world.get(f"/app/{DEMO}")["channel_device_count"] == 0
