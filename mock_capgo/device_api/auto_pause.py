"""The job that stops a rollout which fails too often (22, auto-pause job).

Belongs here: when it runs, the sum it does, what it changes. It runs on the world's clock: every five minutes of the
world's time, made up for at the next call.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from mock_capgo.device_api.rollouts import ALL
from mock_capgo.resources.cascades import touch_app
from mock_capgo.world.records import MINUTE, SECOND, Channel, Micros, changed
from mock_capgo.world.world import SYSTEM, World

INTERVAL: Micros = 5 * MINUTE


def run_auto_pause(world: World) -> None:
    """Do what is due. Called at the start of every call, so that no timer is needed.

    After a jump of the clock the first run that was missed is made up for, which saw all that had happened, and the
    last one; those in between saw no more and no less.
    """
    store = world.state.device_store
    due = world.now // INTERVAL
    last, store.auto_pause_tick = store.auto_pause_tick, due
    if last is None or last >= due:
        return
    for tick in sorted({last + 1, due}):
        for channel in list(world.state.channels):
            if channel.is_rolling and channel.auto_pause_enabled and channel.rollout_paused_at is None:
                _check(world, channel, tick * INTERVAL)


def wilson_lower_bound(failures: int, attempts: int, confidence: float) -> float:
    """The lowest failure rate that so few observations leave plausible: Wilson's interval, two-sided."""
    if attempts <= 0:
        return 0.0
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
    rate, spread = failures / attempts, z * z / attempts
    margin = z * sqrt(rate * (1 - rate) / attempts + spread / (4 * attempts))
    return (rate + spread / 2 - margin) / (1 + spread)


def attempts_of(world: World, channel: Channel, at: Micros) -> tuple[int, int]:
    """How often the rollout's target was installed or failed on the channel within its window, and how often failed."""
    target = world.state.bundles.get(channel.rollout_version)
    queue = world.state.device_store.attempts.get((channel.id, target.name), ()) if target else ()
    since = (at - channel.auto_pause_window_minutes * MINUTE) // SECOND
    seen = [entry for entry in queue if since <= entry.second <= at // SECOND]
    failures = sum(entry.failures for entry in seen)
    return failures + sum(entry.installs for entry in seen), failures


def _check(world: World, channel: Channel, at: Micros) -> None:
    attempts, failures = attempts_of(world, channel, at)
    checked = changed(channel, auto_pause_last_checked_at=at)
    if not _is_too_bad(channel, attempts, failures, at):
        # Nobody decided anything: the audit log is left alone.
        world.state.channels.put(checked)
        return
    reason = f"Auto-pause: {failures} of {attempts} updates failed within {channel.auto_pause_window_minutes} minutes"
    stopped = changed(checked, rollout_pause_reason=reason, auto_pause_last_triggered_at=at, updated_at=world.now)
    if channel.auto_pause_action == "pause":
        stopped = changed(stopped, rollout_paused_at=at)
    elif channel.auto_pause_action == "rollback":
        # The target changes, so it is another rollout; the reason tells what became of the last one.
        stopped = changed(
            stopped, rollout_version=None, rollout_enabled=False, rollout_percentage_bps=0, rollout_id=world.uuid()
        )
    world.update(world.state.channels, channel, stopped, SYSTEM)
    if channel.auto_pause_action != "notify":
        touch_app(world, channel.app_id, SYSTEM)


def _is_too_bad(channel: Channel, attempts: int, failures: int, at: Micros) -> bool:
    threshold, triggered = channel.auto_pause_failure_rate_bps, channel.auto_pause_last_triggered_at
    if threshold is None or failures <= 0:
        return False
    if triggered is not None and at < triggered + channel.auto_pause_cooldown_minutes * MINUTE:
        return False
    if attempts < (channel.auto_pause_min_attempts or 0) or failures < (channel.auto_pause_min_failures or 0):
        return False
    return wilson_lower_bound(failures, attempts, channel.auto_pause_confidence) * ALL >= threshold
