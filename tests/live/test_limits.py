"""Limits by address, by key and by device, on a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_capgo.access.limits import KEY_REQUESTS
from tests.conftest import Reply
from tests.live.world import DEMO, SUPER, UPLOADER, Live, error, key

FAILED = "too_many_failed_auth_attempts"
BY_KEY = "api_key_rate_limit_exceeded"
MOMENT = 1_800_000_000_000_000


@pytest.fixture
def limited() -> Iterator[Live]:
    """A world with limits in force, at a fixed moment."""
    mock = Live(limits="on")
    mock.universe.world.clock.set(MOMENT, 0)
    mock.universe.world.tick()
    yield mock
    mock.sound()


def fail(mock: Live, times: int, address: str = "203.0.113.1", **more: str) -> None:
    """Fail to authenticate so often."""
    for _ in range(times):
        assert mock("GET", "/app", key="wrong", headers={"cf-connecting-ip": address, **more}).status == 401


def refused(reply: Reply, reason: str | None, seconds: int, **more: object) -> None:
    """Hold an answer to a limit that ends after so many seconds."""
    resets = (MOMENT // 1000) + seconds * 1000
    told = {"reason": reason} if reason else {}
    expected = {**told, **more, "rateLimitResetAt": reply.body["moreInfo"]["rateLimitResetAt"]}
    assert reply.body == error("too_many_requests", "Too many requests", {**expected, "retryAfterSeconds": seconds})
    assert reply.status == 429
    assert reply.headers["retry-after"] == str(seconds)
    assert reply.headers["x-ratelimit-reset"] == str(-(-reply.body["moreInfo"]["rateLimitResetAt"] // 1000))
    assert reply.body["moreInfo"]["rateLimitResetAt"] >= resets


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/app"), ("POST", "/organization"), ("GET", "/apikey"), ("GET", "/webhooks")]
)
def test_twenty_failures_close_the_door_for_an_address(limited: Live, method: str, path: str) -> None:
    """The 21st request is refused on every route whatever its key and body; others are not affected."""
    fail(limited, 10)
    assert limited("GET", "/app", headers={"cf-connecting-ip": "203.0.113.1"}).status == 200
    fail(limited, 10)
    refused(limited(method, path, headers={"cf-connecting-ip": "203.0.113.1"}), FAILED, 900)
    refused(limited(method, path, key=None, headers={"cf-connecting-ip": "203.0.113.1"}), FAILED, 900)
    assert limited("GET", "/app", headers={"cf-connecting-ip": "203.0.113.2"}).status == 200
    assert limited("GET", "/app").status == 200
    assert limited("GET", "/ok", key=None, headers={"cf-connecting-ip": "203.0.113.1"}).status == 200
    assert limited("PATCH", path, headers={"cf-connecting-ip": "203.0.113.1"}).status == 404
    assert limited("OPTIONS", path, headers={"cf-connecting-ip": "203.0.113.1"}).status == 204


def test_the_door_opens_fifteen_minutes_after_the_last_failure(limited: Live) -> None:
    """Refused requests do not keep it shut."""
    address = {"cf-connecting-ip": "203.0.113.1"}
    fail(limited, 19)
    limited.later(600)
    fail(limited, 1)
    limited.later(899)
    reply = limited("GET", "/app", headers=address)
    assert (reply.status, reply.headers["retry-after"]) == (429, "1")
    limited.later(1)
    assert limited("GET", "/app", headers=address).status == 200
    fail(limited, 19)
    assert limited("GET", "/app", headers=address).status == 200


def test_failures_further_apart_than_the_window_are_forgotten(limited: Live) -> None:
    """Counting starts afresh after fifteen quiet minutes."""
    fail(limited, 19)
    limited.later(901)
    fail(limited, 19)
    assert limited("GET", "/app", headers={"cf-connecting-ip": "203.0.113.1"}).status == 200


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, True),
        ({"authorization": "Bearer x"}, True),
        ({"authorization": "expired-plain-key-for-test"}, True),
        ({"authorization": SUPER, "x-limited-key-id": "x"}, True),
        ({"authorization": SUPER, "x-limited-key-id": "999999"}, False),
        ({"authorization": SUPER, "x-limited-key-id": "133"}, False),
        ({"authorization": key(20)}, False),
    ],
)
def test_what_counts_as_a_failure(limited: Live, headers: dict[str, str], counts: bool) -> None:
    """Authentication that fails does; a subkey that does not serve, and a missing permission, do not."""
    sent = {**headers, "cf-connecting-ip": "203.0.113.9"}
    for _ in range(20):
        assert limited("GET", "/app/com.demo.app", key=None, headers=sent).status == 401
    assert (limited("GET", "/app", headers={"cf-connecting-ip": "203.0.113.9"}).status == 429) == counts


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "198.51.100.7, 10.0.0.1"},
        {"x-real-ip": "198.51.100.7"},
        {"cf-connecting-ip": "198.51.100.7", "x-forwarded-for": "1.1.1.1", "x-real-ip": "2.2.2.2"},
    ],
)
def test_where_the_address_comes_from(limited: Live, headers: dict[str, str]) -> None:
    """The edge's header, else the first that was forwarded for, else the real one."""
    for _ in range(20):
        limited("GET", "/app", key="wrong", headers=headers)
    assert limited("GET", "/app", headers={"cf-connecting-ip": "198.51.100.7"}).status == 429


def test_a_key_may_ask_so_often_a_minute(limited: Live) -> None:
    """The threshold itself is refused, again and again until a minute is silent; other keys go on."""
    limited.universe.world.counters.clear()
    for _ in range(KEY_REQUESTS - 1):
        limited.universe.limits.count_key(6)
    refused(limited("GET", "/app"), BY_KEY, 60, apikey_id=6)
    limited.later(59)
    refused(limited("POST", "/bundle", raw=b"{"), BY_KEY, 60, apikey_id=6)
    limited.later(59)
    refused(limited("GET", "/app", headers={"x-limited-key-id": "123"}), BY_KEY, 60, apikey_id=6)
    refused(limited("GET", "/app", headers={"x-limited-key-id": "999999"}), BY_KEY, 60, apikey_id=6)
    assert limited("GET", "/app", key=UPLOADER).status == 200
    limited.later(60)
    assert limited("GET", "/app").status == 200


def test_calls_behind_a_parent_count_for_the_parent(limited: Live) -> None:
    """The subkey's own budget is not touched, also when the subkey does not serve."""
    for _ in range(KEY_REQUESTS - 4):
        limited.universe.limits.count_key(6)
    limited("GET", "/app", headers={"x-limited-key-id": "123"})
    limited("GET", "/app", headers={"x-limited-key-id": "999999"})
    assert limited("GET", "/app").status == 200
    assert limited("GET", "/app").status == 429
    assert limited("GET", "/app", key=key(10)).status == 200


def test_requests_of_a_closed_address_do_not_count_for_the_key(limited: Live) -> None:
    """The address is looked at first."""
    fail(limited, 20)
    for _ in range(50):
        limited("GET", "/app", headers={"cf-connecting-ip": "203.0.113.1"})
    assert ("key", 6) not in limited.universe.world.counters


def link(mock: Live, device: str, channel: str | None = "no_access", **more: Any) -> Reply:
    """Force a channel on a device."""
    body = {"app_id": DEMO, "device_id": device} | ({} if channel is None else {"channel": channel})
    return mock("POST", "/device", body, **more)


@pytest.mark.parametrize("channel", ["no_access", "no-such-channel", "production"])
def test_the_same_channel_once_a_minute(limited: Live, channel: str) -> None:
    """Whatever came of the first, whoever asks, in whatever case, and whatever happened in between."""
    first = link(limited, "Device-1", channel).status
    assert first == {"no_access": 200, "no-such-channel": 404, "production": 400}[channel]
    refused(link(limited, "DEVICE-1", channel), None, 60, app_id=DEMO, device_id="device-1")
    assert link(limited, "device-2", channel).status == first
    assert link(limited, "device-1", "electron_only").status == 200
    assert limited("DELETE", f"/device?app_id={DEMO}&device_id=device-1").status == 200
    limited.later(58)
    reply = link(limited, "device-1", channel, key=key(1))
    assert (reply.status, reply.headers["retry-after"]) == (429, "2")
    limited.later(2)
    assert link(limited, "device-1", channel).status == first


def test_without_a_channel_there_is_no_such_limit(limited: Live) -> None:
    """Five a second are."""
    for _ in range(5):
        assert link(limited, "d", None).status == 200
    refused(link(limited, "d", None), None, 1, app_id=DEMO, device_id="d")
    limited.later(1)
    assert link(limited, "d", None).status == 200


def test_five_calls_a_second_of_each_kind(limited: Live) -> None:
    """Counted by device and kind of call from the first on, before anything is validated; lists are not counted."""
    path = f"/device?app_id={DEMO}&device_id=d"
    for _ in range(5):
        assert limited("GET", path).status == 404
    refused(limited("GET", path), None, 1, app_id=DEMO, device_id="d")
    refused(limited("GET", f"{path}&order=x"), None, 1, app_id=DEMO, device_id="d")
    for _ in range(5):
        assert limited("DELETE", path).status == 200
    assert limited("DELETE", path).status == 429
    for _ in range(6):
        assert limited("GET", f"/device?app_id={DEMO}").status == 200
    limited.later(0.5)
    assert limited("GET", path).status == 429
    limited.later(0.5)
    assert limited("GET", path).status == 404


def test_a_thousand_calls_a_minute_from_one_address(limited: Live) -> None:
    """By app and address, lists included, before the limits of a device."""
    address = {"cf-connecting-ip": "203.0.113.5"}
    for _ in range(1000):
        limited.universe.limits.record_device(DEMO, None, "get", None, "203.0.113.5")
    refused(limited("GET", f"/device?app_id={DEMO}", headers=address), "ip_rate_limit_exceeded", 60, app_id=DEMO)
    refused(limited("GET", f"/device?app_id={DEMO}&device_id=d", headers=address), "ip_rate_limit_exceeded", 60,
            app_id=DEMO)  # fmt: skip
    assert limited("GET", f"/device?app_id={DEMO}", headers={"cf-connecting-ip": "203.0.113.6"}).status == 200
    assert limited("GET", "/device?app_id=com.other.app", headers=address).status == 400
    limited.later(60)
    assert limited("GET", f"/device?app_id={DEMO}", headers=address).status == 200


def test_answers_tell_nothing_of_limits_but_when_refused(limited: Live) -> None:
    """No header of a limit is on any other answer."""
    for reply in (limited("GET", "/app"), limited("GET", "/app", key="wrong"), limited("GET", "/nowhere")):
        assert not {"retry-after", "x-ratelimit-reset", "x-ratelimit-remaining"} & set(reply.headers)
