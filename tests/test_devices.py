"""Devices: the inventory and its cursor, and the channel that is forced on a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.world.records import DAY, SECOND
from tests.conftest import COURIER, FULL, SHOP, Mock
from tests.test_access import NOW, binding, freeze, fresh, generated, new_key, stored

OK = {"status": "ok"}
ONE = "d0000000-0000-4000-8000-000000000001"
TWO = "d0000000-0000-4000-8000-000000000002"
NO_DEVICE = {"error": "device_not_found", "message": "Cannot find device"}
NO_CHANNEL = {"error": "channel_not_found", "message": "Cannot find channel"}
NO_APP = {"error": "cannot_access_app", "message": "You can't access this app"}


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def page(mock: Mock, query: str = "", app: str = SHOP) -> Any:
    """A page of the inventory."""
    return mock.get(f"/device/?app_id={app}{query}")


def device(mock: Mock, device_id: str = ONE) -> Any:
    """One device."""
    return mock.get(f"/device/?app_id={SHOP}&device_id={device_id}")


def link(mock: Mock, channel: str | None = "beta", device_id: str = ONE, key: str = FULL, **more: Any) -> Any:
    """The answer to a forced channel."""
    body = {"app_id": SHOP, "device_id": device_id, **({} if channel is None else {"channel": channel}), **more}
    return mock("POST", "/device/", body, key=key)


def unlink(mock: Mock, device_id: str = ONE, app: str = SHOP, key: str = FULL) -> Any:
    """The answer to the end of a forced channel."""
    return mock("DELETE", "/device/", {"app_id": app, "device_id": device_id}, key=key)


def walk(mock: Mock, query: str = "", app: str = SHOP) -> list[Any]:
    """Every device, page after page, following the cursor as it is answered."""
    found, cursor = [], ""
    while True:
        answer = page(mock, query + cursor, app)
        found += answer["data"]
        if not answer["hasMore"]:
            return found
        cursor = f"&cursor={quote(answer['nextCursor'], safe='')}"


# Read -------------------------------------------------------------------------------------------------------


def test_one_device(mock: Mock) -> None:
    """A device is answered with the documented members; without a forced channel there is no `channel`."""
    freeze(mock)
    assert device(mock) == {
        "device_id": ONE,
        "app_id": SHOP,
        "custom_id": "",
        "is_prod": True,
        "is_emulator": False,
        "version_name": "1.2.0",
        "version": 3,
        "platform": "ios",
        "plugin_version": "7.0.0",
        "os_version": "17.2",
        "version_build": "1.0.0",
        "key_id": None,
        "install_source": None,
        "country_code": None,
        "updated_at": "2026-03-15T10:00:00Z",
    }
    assert device(mock, TWO)["channel"] == "beta"


def test_letter_case_of_a_device_does_not_count(mock: Mock) -> None:
    """A device id is the same in either case, for every operation, and is answered in lower case."""
    assert device(mock, ONE.upper()) == device(mock)
    link(mock, "staging", ONE.upper())
    assert device(mock)["channel"] == "staging"
    unlink(mock, ONE.upper())
    assert "channel" not in device(mock)


def test_a_bundle_that_is_not_there_has_no_number(mock: Mock) -> None:
    """`version` numbers the app's bundle of that name, deleted ones included; the built-in one has none."""
    for found in walk(mock):
        names = {bundle.name: bundle.id for bundle in mock.universe.world.state.bundles if bundle.app_id == SHOP}
        assert found["version"] == names.get(found["version_name"])
    assert {found["version"] for found in walk(mock) if found["version_name"] == "builtin"} == {None}


def test_an_unknown_device_is_404(mock: Mock) -> None:
    """The device routes have a form of their own: a code and a sentence."""
    reply = mock("GET", f"/device/?app_id={SHOP}&device_id=nobody")
    assert (reply.status, reply.body) == (404, NO_DEVICE)
    assert mock("GET", f"/device/?app_id={SHOP}&device_id={ONE}&customIdMode=true").body == NO_DEVICE
    assert mock.get(f"/device/?app_id={SHOP}&device_id={TWO}&customIdMode=true")["custom_id"] == "ada-phone"


def test_an_app_out_of_reach_is_403(mock: Mock) -> None:
    """Another's app and no app at all are refused alike."""
    for app_id in (COURIER, "com.example.nowhere"):
        for reply in (
            mock("GET", f"/device/?app_id={app_id}"),
            mock("GET", f"/device/?app_id={app_id}&device_id={ONE}"),
            mock("POST", "/device/", {"app_id": app_id, "device_id": ONE}),
            unlink(mock, ONE, app_id),
        ):
            assert (reply.status, reply.body) == (403, NO_APP)


# Pages ------------------------------------------------------------------------------------------------------


def test_the_list_is_by_id(mock: Mock) -> None:
    """Devices come by id, fifty a page; the cursor is there exactly when there is more."""
    answer = page(mock)
    ids = [found["device_id"] for found in answer["data"]]
    stored = sorted(one.device_id for one in mock.universe.world.state.devices if one.app_id == SHOP)
    assert ids == stored[:50]
    assert answer["hasMore"] == (len(stored) > 50)
    first = page(mock, "&limit=1")
    assert (first["hasMore"], "nextCursor" in first) == (True, True)
    assert page(mock, f"&limit={len(stored)}").keys() == {"data", "hasMore"}


@pytest.mark.parametrize("limit", [1, 2, 7, 50, 1000])
def test_pages_neither_lose_nor_repeat(mock: Mock, limit: int) -> None:
    """Following the cursor visits every device once, whatever the size of a page."""
    everything = page(mock, "&limit=1000")["data"]
    assert walk(mock, f"&limit={limit}") == everything


def test_an_empty_app_has_an_empty_page(mock: Mock) -> None:
    """Without devices there is an empty list and nothing more."""
    mock.ok(
        "POST",
        "/app/",
        {"app_id": "com.example.fresh", "name": "F", "owner_org": "0c0ffee0-0000-4000-8000-00000000a001"},
    )
    assert page(mock, app="com.example.fresh") == {"data": [], "hasMore": False}


def test_custom_id_mode(mock: Mock) -> None:
    """`customIdMode=true` leaves the devices that call themselves something, also across pages."""
    everything = walk(mock)
    custom = [found for found in everything if found["custom_id"]]
    assert 0 < len(custom) < len(everything)
    assert walk(mock, "&customIdMode=true&limit=1") == custom
    assert walk(mock, "&customIdMode=false") == everything


def test_a_cursor_may_be_sent_raw(mock: Mock) -> None:
    """A cursor that was pasted into the query without encoding goes on from the same place."""
    first = page(mock, "&limit=2")
    raw = mock.client.get(f"/device/?app_id={SHOP}&limit=2&cursor={first['nextCursor']}", headers={"x-api-key": FULL})
    encoded = page(mock, f"&limit=2&cursor={quote(first['nextCursor'], safe='')}")
    assert raw.json() == encoded
    assert encoded["data"] == page(mock, "&limit=4")["data"][2:]


def test_the_documented_cursor(mock: Mock) -> None:
    """A cursor as the documentation writes it is taken: a time, a bar, a device."""
    after = page(mock, f"&cursor=2024-01-01T00:00:00Z|{ONE}")["data"]
    assert after == page(mock)["data"][1:]


@pytest.mark.parametrize(
    "cursor",
    ["x", "|", f"|{ONE}", "2024-01-01T00:00:00Z|", "2024-01-01T00:00:00Z", f"yesterday|{ONE}", ONE, "a|b|c", "%00|x"],
)
def test_a_cursor_that_no_page_gave_is_refused(mock: Mock, cursor: str) -> None:
    """A cursor is taken as it was answered, or not at all: the first page never comes again by mistake."""
    reply = mock("GET", f"/device/?app_id={SHOP}&cursor={cursor}")
    assert reply.status == 400
    assert "cursor" in str(reply.body)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1.5", "customIdMode=1", "order=asc"]
)
def test_pages_have_bounds(mock: Mock, query: str) -> None:
    """Sizes out of range, other words for true, and undocumented parameters are refused."""
    assert mock("GET", f"/device/?app_id={SHOP}&{query}").status == 400


@generated(40)
@given(
    ids=st.sets(st.text("abcdef0123", min_size=1, max_size=4), min_size=3, max_size=20),
    late=st.lists(st.text("abcdef0123", min_size=1, max_size=4), max_size=8),
    gone=st.integers(0, 100),
    limit=st.integers(1, 6),
)
def test_a_cursor_is_stable(ids: set[str], late: list[str], gone: int, limit: int) -> None:
    """Devices that come, report or go between two pages make no other device appear twice or get lost."""
    mock = fresh()
    state = mock.universe.world.state
    state.remove_devices(SHOP)
    template = next(iter(state.devices))
    for name in ids:
        state.put_device(replace(template, app_id=SHOP, device_id=name))
    found: list[str] = []
    cursor = ""
    for turn in range(100):
        answer = page(mock, f"&limit={limit}{cursor}")
        found += [one["device_id"] for one in answer["data"]]
        if not answer["hasMore"]:
            break
        if turn < len(late):
            state.put_device(replace(template, app_id=SHOP, device_id=late[turn], updated_at=NOW + turn))
        if turn == gone % 3 and (there := state.devices.get((SHOP, found[-1]))):
            state.remove_device(there)
        cursor = f"&cursor={quote(answer['nextCursor'], safe='')}"
    assert len(found) == len(set(found))
    assert found == sorted(found)
    assert ids <= set(found)


# Forced channels --------------------------------------------------------------------------------------------


def test_a_forced_channel_is_shown(mock: Mock) -> None:
    """A device has one forced channel: a second one takes the place of the first."""
    for channel in ("beta", "staging", "staging", "beta"):
        reply = link(mock, channel)
        assert (reply.status, reply.body) == (200, OK)
        assert device(mock)["channel"] == channel
        assert page(mock)["data"][0]["channel"] == channel
    assert sum(one.device_id == ONE for one in mock.universe.world.state.overrides) == 1


def test_a_device_may_be_told_before_it_is_seen(mock: Mock) -> None:
    """A channel can be forced on a device that never reported; that does not make it appear."""
    assert link(mock, device_id="never-seen").status == 200
    reply = mock("GET", f"/device/?app_id={SHOP}&device_id=never-seen")
    assert (reply.status, reply.body) == (404, NO_DEVICE)
    assert unlink(mock, "never-seen").body == OK


@pytest.mark.parametrize("channel", ["nope", "Beta", "electron"])
def test_an_unknown_channel_is_404(mock: Mock, channel: str) -> None:
    """A channel is named exactly, and belongs to the app."""
    before = stored(mock)
    reply = link(mock, channel)
    assert (reply.status, reply.body) == (404, NO_CHANNEL)
    assert stored(mock) == before


def test_a_public_channel_cannot_be_forced(mock: Mock) -> None:
    """Devices get the public channel anyway; forcing it is refused with the documented code."""
    reply = link(mock, "production")
    message = "Cannot set channel override for public channel"
    assert (reply.status, reply.body) == (400, {"error": "public_channel_override", "message": message})


@pytest.mark.parametrize("version_id", [3, "3", 0, None])
def test_a_bundle_cannot_be_forced(mock: Mock, version_id: Any) -> None:
    """`version_id` is refused with the documented code, whatever it holds."""
    reply = link(mock, version_id=version_id)
    message = "Cannot set version to device, use channel instead"
    assert (reply.status, reply.body) == (400, {"error": "invalid_version_id", "message": message})


def test_without_a_channel_nothing_happens(mock: Mock) -> None:
    """A link that names no channel is fine and changes nothing."""
    before = stored(mock)
    assert link(mock, None).body == OK
    assert stored(mock) == before


def test_the_end_of_a_forced_channel(mock: Mock) -> None:
    """Taking it away works any number of times, and leaves the device itself alone."""
    before = {name: value for name, value in device(mock, TWO).items() if name != "channel"}
    for device_id in (TWO, TWO, "nobody"):
        reply = unlink(mock, device_id)
        assert (reply.status, reply.body) == (200, OK)
    assert device(mock, TWO) == before


def test_the_end_by_query(mock: Mock) -> None:
    """A DELETE without a body says in its query what the body would say."""
    assert mock.ok("DELETE", f"/device/?app_id={SHOP}&device_id={TWO}") == OK
    assert "channel" not in device(mock, TWO)


def test_a_forced_channel_lasts_ninety_days(mock: Mock) -> None:
    """An override ends ninety days after it was last written; writing it again starts over."""
    freeze(mock)
    clock = mock.universe.world.clock
    link(mock)
    clock.set(NOW + 80 * DAY)
    assert device(mock)["channel"] == "beta"
    link(mock)
    clock.set(NOW + 170 * DAY - SECOND)
    assert device(mock)["channel"] == "beta"
    clock.set(NOW + 170 * DAY)
    assert "channel" not in device(mock)
    assert "channel" not in page(mock)["data"][0]


def test_a_forced_channel_survives_becoming_public(mock: Mock) -> None:
    """An override stays when its channel becomes public, and goes with the channel."""
    mock.ok("POST", "/channel/", {"app_id": SHOP, "channel": "beta", "public": True})
    assert device(mock, TWO)["channel"] == "beta"
    mock.ok("DELETE", "/channel/", {"app_id": SHOP, "channel": "beta"})
    assert "channel" not in device(mock, TWO)


def test_rights(mock: Mock) -> None:
    """A developer forces channels and takes them away, an uploader neither; a channel's admin on that channel only."""
    developer, uploader = new_key(mock, binding("app_developer")), new_key(mock, binding("app_uploader"))
    admin = new_key(mock, binding("channel_admin", channel=2))
    assert link(mock, key=developer).status == 200
    assert unlink(mock, key=developer).status == 200
    assert link(mock, key=uploader).status == 403
    assert unlink(mock, key=uploader).body == NO_APP
    assert link(mock, key=admin).status == 200
    assert link(mock, "staging", key=admin).status == 403
    assert unlink(mock, key=admin).status == 403
