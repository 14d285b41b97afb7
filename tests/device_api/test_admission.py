"""Which apps are served at all."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from mock_capgo.device_api import admission
from mock_capgo.world.records import DAY, MINUTE, SECOND
from tests.device_api.conftest import APP, DEVICE, NOW, Bench

ON_PREMISE = {"error": "on_premise_app", "message": "On-premise app detected"}
HERE = {"x-forwarded-for": "203.0.113.7, 10.0.0.1"}


@pytest.mark.parametrize(
    ("subscription", "served", "may_set_channel"),
    [
        ({"status": "succeeded"}, True, True),
        ({"status": "succeeded", "mau_exceeded": True}, False, False),
        ({"status": "succeeded", "bandwidth_exceeded": True}, False, True),
        ({"status": "succeeded", "storage_exceeded": True}, True, True),
        ({"status": "canceled"}, False, False),
        ({"status": None}, False, False),
        ({"status": "canceled", "trial_at": NOW}, False, False),
        ({"status": "canceled", "trial_at": NOW + DAY}, True, True),
        ({"status": "canceled", "mau_exceeded": True, "trial_at": NOW + DAY}, True, True),
    ],
)
def test_plans(bench: Bench, subscription: dict[str, Any], served: bool, may_set_channel: bool) -> None:
    """A plan covers devices while it is paid and not exceeded, or on trial; the channel API looks at users alone."""
    bench.channel("main", bench.bundle("1.0.0"))
    bench.pay(**subscription)
    reply = bench.check()
    assert (reply.status == 200) is served
    assert served or reply.body == ON_PREMISE
    listed = bench.send("GET", "/channel_self", query=f"app_id={APP}&platform=ios&device_id={DEVICE}")
    assert (listed.status == 200) is may_set_channel


def test_credits_stand_in_for_a_plan(bench: Bench) -> None:
    """An organization with usage credits is served whatever its subscription says."""
    bench.pay()
    organization = next(iter(bench.state.organizations))
    bench.state.organizations.put(type(organization)(**{**_fields(organization), "has_usage_credits": True}))
    assert bench.check().status == 200


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}


def test_a_customer_without_subscription(bench: Bench) -> None:
    """Where billing was never set up everything is served."""
    bench.pay()
    bench.state.subscriptions.remove(bench.state.subscriptions["cus"])
    assert bench.check().status == 200


def test_guessing_app_ids(limited: Bench) -> None:
    """Who asks for unknown apps again and again is told nothing of known ones either, for a quarter of an hour."""
    limited.channel("main", limited.bundle("1.0.0"))
    for number in range(100):
        reply = limited.check(app_id=f"com.nowhere.a{number}", headers=HERE)
        slots = limited.world.counters["unknown-apps", "203.0.113.7"]
        if len(slots) == 5:
            break
        assert reply.body == ON_PREMISE
        assert limited.check(headers=HERE).status == 200
    assert reply.body == {"error": "on_premise_app"}
    silent = limited.check(headers=HERE)
    assert (silent.status, silent.body) == (429, {"error": "on_premise_app"})
    assert limited.check(headers={"x-real-ip": "203.0.113.8"}).status == 200
    assert limited.check().status == 200
    limited.world.clock.advance(admission.GUARD_WINDOW // SECOND)
    assert limited.check(headers=HERE).status == 200


def test_the_same_unknown_app_is_one_guess(limited: Bench) -> None:
    """Asking for one unknown app many times is no guessing."""
    for _ in range(3 * admission.GUARD_SLOTS):
        assert limited.check(app_id="com.nowhere.app", headers=HERE).body == ON_PREMISE


def test_without_limits_nobody_guesses(bench: Bench) -> None:
    """With the limits off any number of unknown apps may be asked for, and so may anybody without an address."""
    for headers in (HERE, None):
        bench.limits.enabled = headers is None
        for number in range(3 * admission.GUARD_SLOTS):
            assert bench.check(app_id=f"com.nowhere.a{number}", headers=headers).body == ON_PREMISE
    assert not bench.world.counters


def test_limits_that_are_switched_off_let_go(limited: Bench) -> None:
    """Whoever was taken for guessing is served again as soon as the limits are off."""
    for number in range(3 * admission.GUARD_SLOTS):
        limited.check(app_id=f"com.nowhere.a{number}", headers=HERE)
    assert limited.check(headers=HERE).status == 429
    limited.limits.enabled = False
    assert limited.check(headers=HERE).status == 200


def test_a_provider_is_blocked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls from ranges that are filled in are refused by each operation in its own way, unless the app wants them."""
    monkeypatch.setitem(admission.PROVIDER_RANGES, "google", (ip_network("203.0.113.0/24"),))
    bench.channel("main", bench.bundle("1.0.0"))
    told = bench.check(headers=HERE).body
    assert told["error"] == "provider_infrastructure_request_blocked"
    assert told["provider"] == "google"
    assert told["kind"] == "blocked"
    stats = bench.send("POST", "/stats", [{"app_id": APP}], headers=HERE)
    assert (stats.status, set(stats.body)) == (429, {"error", "message"})
    query = f"app_id={APP}&platform=ios"
    listed = bench.send("GET", "/channel_self", query=query, headers=HERE)
    assert (listed.status, listed.body["moreInfo"]) == (429, {})
    bench.set_app(block_provider_infra_requests=False)
    assert bench.check(headers=HERE).body["version"] == "1.0.0"
    assert bench.send("GET", "/channel_self", query=query, headers=HERE).status == 200
    assert bench.check(headers={"x-real-ip": "no address"}).status == 200


def test_nothing_is_blocked_by_default() -> None:
    """No ranges come with the mock."""
    assert set(admission.PROVIDER_RANGES.values()) == {()}
    assert admission.GUARD_WINDOW == 15 * MINUTE
