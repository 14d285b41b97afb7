"""A fleet of simulated devices: what it does to a mock, and that statistics agree with it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from math import sqrt
from typing import Any

import pytest

from mock_capgo import cli
from mock_capgo.simulator import Fleet, FleetError
from tests.conftest import FULL, SHOP
from tests.serving import serving

DEVICES = 1000


@pytest.fixture
def url() -> Iterator[str]:
    """A mock of one's own, in its own process."""
    with serving("--limits", "off") as started:
        yield started["url"]


def _call(url: str, method: str, path: str, body: Any = None) -> Any:
    raw = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, raw, {"authorization": FULL}, method=method)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as answered:  # noqa: S310
        return json.loads(answered.read())


def _fleet(url: str, **more: Any) -> Fleet:
    settings: dict[str, Any] = {"version_build": "1.0.0", "version_name": "1.1.0", "install_rate": 1, "fail_rate": 0}
    return Fleet(SHOP, DEVICES, url, default_channel="rollout", **(settings | more))


def test_a_rollout_reaches_the_share_that_it_names(url: str) -> None:
    """From 0 to 10 to 100 percent: the shares lie within the binomial bounds, and bundle usage agrees with them."""
    channel = {"app_id": SHOP, "channel": "rollout"}
    _call(url, "POST", "/channel/", {**channel, "version": "1.1.0", "allow_device_self_set": True})
    _call(url, "POST", "/channel/", {**channel, "rolloutVersion": "1.2.0", "rolloutEnabled": True})
    today = _call(url, "GET", "/_mock/info")["now"][:10]
    before = _offered(url, today)

    fleet = _fleet(url)
    offered = {}
    for percentage in (0, 10, 100):
        _call(url, "POST", "/channel/", {**channel, "rolloutPercentage": percentage})
        summary = fleet.run()
        assert summary.errors == 0
        offered[percentage] = summary.offers["1.2.0"]
    reached = {0: 0, 10: offered[10], 100: offered[10] + offered[100]}
    for percentage, seen in reached.items():
        share = percentage / 100
        spread = 4 * sqrt(DEVICES * share * (1 - share))
        assert abs(seen - DEVICES * share) <= spread, f"{percentage} %: {seen} of {DEVICES}"
    assert _offered(url, today) - before == reached[100]


def _offered(url: str, day: str) -> int:
    """How often 1.2.0 was offered on a day, by the share and the total that the statistics tell."""
    state = _call(url, "GET", "/_mock/state")
    for run in state["version_usage"]:
        if run["app_id"] == SHOP and run["version_name"] == "1.2.0" and run.get("get"):
            return int(run["get"][-1])
    return 0


def test_a_fleet_is_seen_where_devices_are_seen(url: str) -> None:
    """Every device that checked in is in the device list, on the bundle that it installed."""
    fleet = _fleet(url, version_name="1.0.0", platforms=("ios", "android", "electron"))
    fleet.default_channel = ""
    summary = fleet.run()
    assert summary.installs == summary.offers["1.2.0"] == DEVICES
    assert summary.running == {"1.2.0": DEVICES}
    info = _call(url, "GET", "/_mock/info")
    assert info["counts"]["devices"] == 40 + DEVICES
    one = _call(url, "GET", f"/device/?app_id={SHOP}&device_id={fleet.devices[0].device_id}")
    assert one["version_name"] == "1.2.0"


def test_fleets_of_one_seed_are_the_same_fleet() -> None:
    """Ids and platforms follow from the seed alone."""
    one, other = (Fleet(SHOP, 20, seed=5) for _ in range(2))
    assert one.devices == other.devices
    assert one.devices != Fleet(SHOP, 20, seed=6).devices


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"url": "http://192.0.2.1:80"}, "--allow-remote"),
        ({"platforms": ("windows",)}, "windows"),
        ({"install_rate": 0.9, "fail_rate": 0.2}, "rates"),
        ({"count": 0}, "at least one"),
    ],
)
def test_a_fleet_that_makes_no_sense_does_not_start(wrong: dict[str, Any], reason: str) -> None:
    """What is wrong is said before the first request."""
    with pytest.raises(FleetError, match=reason):
        Fleet(**{"app_id": SHOP, "count": 5, **wrong})


def test_the_command_says_when_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, and what to do."""
    assert cli.main(["devices", "--app", SHOP, "--count", "2", "--url", "http://127.0.0.1:1"]) == 2
    assert "mock-capgo serve" in capsys.readouterr().err
