"""The job that stops a rollout which fails too often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.device_api.auto_pause import wilson_lower_bound
from mock_capgo.world.records import MINUTE, Channel
from tests.device_api.conftest import APP, Bench, device

TARGET = "1.1.0"


def _watched(bench: Bench, **more: Any) -> Channel:
    stable, target = bench.bundle("1.0.0"), bench.bundle(TARGET)
    told = {"auto_pause_failure_rate_bps": 2000, "auto_pause_enabled": True, **more}
    return bench.channel(
        "main", stable, rollout_version=target.id, rollout_enabled=True, rollout_percentage_bps=10_000,
        **told,
    )  # fmt: skip


def _happen(bench: Bench, installs: int, failures: int, name: str = TARGET) -> None:
    for number in range(installs):
        bench.event("set", device(number), version_name=name)
    for number in range(failures):
        bench.event("set_fail", device(number), version_name=name)


def _later(bench: Bench, channel: Channel, minutes: float = 5) -> Channel:
    """The channel after the clock has moved and somebody called."""
    bench.world.clock.advance(minutes * 60)
    bench.send("GET", "/updates")
    return bench.state.channels[channel.id]


def test_a_failing_rollout_is_paused(bench: Bench) -> None:
    """Five minutes after too many failures the rollout is paused, with the reason, and devices get the stable one."""
    channel = _watched(bench)
    _happen(bench, 5, 10)
    assert bench.state.channels[channel.id].rollout_paused_at is None
    after = _later(bench, channel)
    assert after.rollout_paused_at == after.auto_pause_last_triggered_at == after.auto_pause_last_checked_at
    assert after.rollout_pause_reason is not None
    assert "10 of 15" in after.rollout_pause_reason
    assert after.rollout_version == channel.rollout_version
    assert bench.app.rollout_paused_version_names == (TARGET,)
    assert bench.check(device(99)).body["version"] == "1.0.0"
    assert [row.table_name for row in bench.state.audit_logs] == ["channels", "apps"]


def test_a_healthy_rollout_goes_on(bench: Bench) -> None:
    """A check that finds nothing is noted on the channel, and nowhere else."""
    channel = _watched(bench)
    _happen(bench, 20, 1)
    after = _later(bench, channel)
    assert after.auto_pause_last_checked_at is not None
    assert (after.rollout_paused_at, after.rollout_pause_reason, after.updated_at) == (None, None, channel.updated_at)
    assert len(bench.state.audit_logs) == 0


def test_rolling_back(bench: Bench) -> None:
    """Rolled back, the rollout is gone and another may follow; the reason stays."""
    channel = _watched(bench, auto_pause_action="rollback")
    _happen(bench, 0, 10)
    after = _later(bench, channel)
    assert (after.rollout_version, after.rollout_enabled, after.rollout_percentage_bps) == (None, False, 0)
    assert after.rollout_id != channel.rollout_id
    assert after.rollout_pause_reason is not None
    assert after.auto_pause_last_triggered_at is not None


def test_notifying(bench: Bench) -> None:
    """Notified only, the rollout goes on; it is told again when the cooldown is over, and not before."""
    channel = _watched(bench, auto_pause_action="notify", auto_pause_cooldown_minutes=30)
    _happen(bench, 0, 10)
    first = _later(bench, channel)
    assert first.rollout_paused_at is None
    assert first.rollout_pause_reason is not None
    assert _later(bench, channel, 25).auto_pause_last_triggered_at == first.auto_pause_last_triggered_at
    again = _later(bench, channel, 5)
    assert again.auto_pause_last_triggered_at == first.auto_pause_last_triggered_at + 30 * MINUTE  # type: ignore[operator]


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_pause_enabled": False},
        {"auto_pause_failure_rate_bps": None},
        {"auto_pause_failure_rate_bps": 9000},
        {"auto_pause_min_attempts": 11},
        {"auto_pause_min_failures": 11},
        {"rollout_enabled": False},
        {"rollout_percentage_bps": 0},
        {"rollout_version": None},
        {"auto_pause_confidence": 0.999999, "auto_pause_failure_rate_bps": 3500},
    ],
)
def test_what_keeps_it_from_acting(bench: Bench, settings: dict[str, Any]) -> None:
    """Ten failures out of ten stop nothing where the settings ask for more, or there is nothing to stop."""
    channel = _watched(bench)
    bench.change(channel, **settings)
    _happen(bench, 0, 10)
    after = _later(bench, channel)
    assert after.rollout_paused_at is None
    assert after.rollout_pause_reason is None


def test_only_the_target_on_the_channel_counts(bench: Bench) -> None:
    """Failures of the stable bundle, and on other channels, are none of the rollout's."""
    channel = _watched(bench)
    bench.channel("beta", None, public=False, allow_device_self_set=True)
    _happen(bench, 0, 10, "1.0.0")
    for number in range(10):
        bench.event("set_fail", device(number), version_name=TARGET, defaultChannel="beta")
    assert _later(bench, channel).rollout_paused_at is None


def test_the_window(bench: Bench) -> None:
    """What happened before the window does not count any more."""
    channel = _watched(bench, auto_pause_window_minutes=10, auto_pause_min_failures=6)
    _happen(bench, 0, 5)
    _later(bench, channel, 15)
    _happen(bench, 0, 5)
    assert _later(bench, channel).rollout_paused_at is None
    _happen(bench, 0, 1)
    assert _later(bench, channel).rollout_paused_at is not None


def test_a_jump_of_the_clock(bench: Bench) -> None:
    """After a jump of days the run that would have seen the failures is made up for."""
    channel = _watched(bench)
    _happen(bench, 0, 10)
    after = _later(bench, channel, 3 * 24 * 60)
    assert after.rollout_paused_at is not None
    assert after.rollout_paused_at < bench.world.now - 2 * 24 * 60 * MINUTE


def test_attempts_are_kept_for_a_week(bench: Bench) -> None:
    """Nothing older than the longest window is kept, and a second has one entry."""
    _watched(bench, auto_pause_enabled=False)
    _happen(bench, 3, 2)
    (queue,) = bench.state.device_store.attempts.values()
    assert [(entry.installs, entry.failures) for entry in queue] == [(3, 2)]
    bench.world.clock.advance(8 * 86_400)
    _happen(bench, 1, 0)
    assert [(entry.installs, entry.failures) for entry in queue] == [(1, 0)]
    assert bench.state.apps[APP].rollout_channel_count == 0


@pytest.mark.parametrize(
    ("failures", "attempts", "confidence", "bound"),
    [(10, 10, 0.95, 0.7225), (5, 10, 0.95, 0.2366), (1, 100, 0.95, 0.0018), (0, 10, 0.95, 0.0), (5, 10, 0.8, 0.3123)],
)
def test_known_bounds(failures: int, attempts: int, confidence: float, bound: float) -> None:
    """The bound is Wilson's, as tables give it."""
    assert wilson_lower_bound(failures, attempts, confidence) == pytest.approx(bound, abs=5e-4)


@given(st.integers(1, 500), st.data(), st.floats(0.5, 0.999))
def test_the_bound_is_cautious(attempts: int, data: st.DataObject, confidence: float) -> None:
    """It lies between nought and the observed rate, and grows with the failures and with more of the same."""
    failures = data.draw(st.integers(0, attempts))
    bound = wilson_lower_bound(failures, attempts, confidence)
    assert -1e-12 <= bound <= failures / attempts + 1e-12
    assert bound <= wilson_lower_bound(min(failures + 1, attempts), attempts, confidence) + 1e-12
    assert bound <= wilson_lower_bound(failures * 10, attempts * 10, confidence) + 1e-12
