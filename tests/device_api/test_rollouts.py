"""Progressive rollouts: who gets the target, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest

from mock_capgo.device_api.rollouts import ALL
from mock_capgo.world.records import SECOND, Channel
from tests.device_api.conftest import Bench, device

DEVICES = 1000
STABLE, TARGET = "1.0.0", "1.1.0"


def _rolling(bench: Bench, bps: int, **more: object) -> Channel:
    stable, target = bench.bundle(STABLE), bench.bundle(TARGET)
    return bench.channel(
        "main", stable, rollout_version=target.id, rollout_enabled=True, rollout_percentage_bps=bps, **more
    )


def _offered(bench: Bench, number: int, reports: str = "0.1.0") -> str:
    told = bench.check(device(number), version_name=reports).body
    return str(told.get("version", reports))


def _takers(bench: Bench) -> set[int]:
    return {number for number in range(DEVICES) if _offered(bench, number) == TARGET}


def _bounds(share: float, of: int) -> tuple[float, float]:
    """Where a count lies but for one time in many millions: six standard deviations of a binomial."""
    spread = 6 * sqrt(of * share * (1 - share))
    return of * share - spread, of * share + spread


@pytest.mark.parametrize("bps", [0, 1000, 10_000])
def test_the_share_of_devices(bench: Bench, bps: int) -> None:
    """A rollout takes about its share of the devices: none at 0, all at 10000 basis points."""
    _rolling(bench, bps)
    low, high = _bounds(bps / ALL, DEVICES)
    assert low <= len(_takers(bench)) <= high


def test_a_device_keeps_its_answer(bench: Bench) -> None:
    """Asked again, every device gets what it got, and nothing is drawn for it."""
    _rolling(bench, 5000)
    before = _takers(bench)
    drawn = bench.world.random.getstate()
    assert _takers(bench) == before
    assert bench.world.random.getstate() == drawn


def test_an_increase_takes_more_and_lets_none_go(bench: Bench) -> None:
    """From 20 to 50 percent: whoever had the target keeps it, and of the others as many join as make it half."""
    channel = _rolling(bench, 2000)
    before = _takers(bench)
    bench.change(channel, rollout_percentage_bps=5000)
    after = _takers(bench)
    assert before <= after
    rejected = DEVICES - len(before)
    low, high = _bounds(3 / 8, rejected)
    assert low <= len(after) - len(before) <= high
    assert _takers(bench) == after


def test_a_decrease_lets_some_go_and_takes_none(bench: Bench) -> None:
    """From 50 to 20 percent: of those that had the target two in five keep it, and nobody joins."""
    channel = _rolling(bench, 5000)
    before = _takers(bench)
    bench.change(channel, rollout_percentage_bps=2000)
    after = _takers(bench)
    assert after <= before
    low, high = _bounds(2 / 5, len(before))
    assert low <= len(after) <= high
    assert _takers(bench) == after


def test_the_chances_of_a_redraw(bench: Bench) -> None:
    """A redraw is told with its chance, rounded up to whole basis points."""
    channel = _rolling(bench, 3000)
    store = bench.state.device_store
    bench.check(version_name="0.1.0")
    (key,) = store.rollout_decisions
    stored = store.rollout_decisions[key]
    for selected, bps, rule, chance in (
        (True, 3000, "stays_selected", None),
        (True, 9000, "stays_selected", None),
        (True, 1000, "redraw_after_decrease", 3334),
        (False, 3000, "stays_rejected", None),
        (False, 10, "stays_rejected", None),
        (False, 4000, "redraw_after_increase", 1429),
        (False, 10_000, "redraw_after_increase", 10_000),
    ):
        store.rollout_decisions[key] = stored._replace(selected=selected, percentage_bps=3000)
        bench.change(channel, rollout_percentage_bps=bps)
        told = bench.explain(version="0.1.0", platform="android")["rollout"]
        assert (told["rule"], told["chance_bps"]) == (rule, chance)


def test_a_decision_lasts_as_long_as_the_channel_says(bench: Bench) -> None:
    """After its time a decision is forgotten; less than a minute is never asked for in vain."""
    channel = _rolling(bench, 5000, rollout_cache_ttl_seconds=1)
    bench.check(version_name="0.1.0")
    bench.world.clock.advance(59)
    assert bench.explain(version="0.1.0")["rollout"]["rule"] in ("stays_selected", "stays_rejected")
    bench.world.clock.advance(1)
    assert bench.explain(version="0.1.0")["rollout"]["rule"] == "first_draw"
    bench.change(channel, rollout_cache_ttl_seconds=2**40)
    bench.check(version_name="0.1.0")
    (decision,) = bench.state.device_store.rollout_decisions.values()
    assert decision.expires_at == bench.world.now + 31_536_000 * SECOND


@pytest.mark.parametrize("change", [{"rollout_id": "another"}, {"rollout_version": "stable"}])
def test_another_rollout_starts_afresh(bench: Bench, change: dict[str, str]) -> None:
    """A decision counts for its rollout and its target alone."""
    channel = _rolling(bench, 5000)
    bench.check(version_name="0.1.0")
    told = {"rollout_version": channel.version} if "rollout_version" in change else change
    bench.change(channel, **told)
    assert bench.explain(version="0.1.0")["rollout"]["rule"] == "first_draw"


def test_a_paused_rollout(bench: Bench) -> None:
    """While paused, devices on the target keep it, all others get the stable bundle, and no decision is lost."""
    channel = _rolling(bench, 10_000)
    assert _offered(bench, 1) == TARGET
    bench.change(channel, rollout_paused_at=bench.world.now)
    assert bench.check(device(1), version_name=TARGET).body["error"] == "no_new_version_available"
    assert _offered(bench, 1) == STABLE
    assert _offered(bench, 2) == STABLE
    bench.change(channel, rollout_paused_at=None)
    assert _offered(bench, 1) == TARGET
    assert _offered(bench, 2) == TARGET


def test_a_rejected_device_that_runs_the_target(bench: Bench) -> None:
    """A device that was left out goes back to the stable bundle, though it runs the target already."""
    _rolling(bench, 1)
    number = next(number for number in range(DEVICES) if _offered(bench, number) == STABLE)
    assert _offered(bench, number, TARGET) == STABLE
    fresh = DEVICES + 1
    assert bench.check(device(fresh), version_name=TARGET).body["error"] == "no_new_version_available"


def test_nobody_stays_at_zero_percent(bench: Bench) -> None:
    """At 0 percent a device on the target goes back, unless another channel of the app rolls something out."""
    channel = _rolling(bench, 0)
    assert _offered(bench, 1, TARGET) == STABLE
    other = bench.bundle("5.0.0")
    bench.channel(
        "other", bench.bundle("4.0.0"), public=False, rollout_version=other.id, rollout_enabled=True,
        rollout_percentage_bps=1,
    )  # fmt: skip
    assert bench.check(device(1), version_name=TARGET).body["error"] == "no_new_version_available"
    bench.change(channel, rollout_enabled=False)
    assert _offered(bench, 1, TARGET) == STABLE


def test_a_deleted_target(bench: Bench) -> None:
    """A target that was deleted is offered to nobody."""
    channel = _rolling(bench, 10_000)
    target = bench.state.bundles[channel.rollout_version]
    bench.state.bundles.put(replace(target, deleted=True))
    assert _offered(bench, 1) == STABLE


def test_the_same_seed_draws_the_same() -> None:
    """Two worlds with one seed take the same devices; another seed takes others."""

    def takers(seed: int) -> set[int]:
        bench = Bench(seed=seed)
        _rolling(bench, 5000)
        return _takers(bench)

    assert takers(1) == takers(1) != takers(2)
