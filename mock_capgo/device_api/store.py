"""What the device API keeps beside the tables of a state. Knows no state, no clock and no rule.

Belongs here: the records, how they are found, and copying them for a snapshot. The device records themselves, the
API's own overrides and the daily figures are tables of `mock_capgo.world.state`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from mock_capgo.world.records import Micros


class StoredDecision(NamedTuple):
    """Whether a rollout took a device, at which share, for which target, and until when it counts (30 §5)."""

    selected: bool
    percentage_bps: int
    rollout_id: str
    rollout_version: int
    expires_at: Micros


class Attempts(NamedTuple):
    """Installs and failures of one bundle on one channel within one second."""

    second: int
    installs: int
    failures: int


Key = tuple[str, int, str]
"""App id, channel id, device id."""


@dataclass(slots=True)
class DeviceStore:
    """Everything here is found by key and never changes in place, but for the queues of attempts."""

    rollout_decisions: dict[Key, StoredDecision] = field(default_factory=dict)
    self_set: dict[tuple[str, str], int] = field(default_factory=dict)
    """(app id, device id) -> channel id: what legacy plugins chose, and overrides of the API for them (32 §1)."""
    counted_in: dict[tuple[str, str], Micros] = field(default_factory=dict)
    """(app id, device id) -> start of the billing period in which the device was last counted as active."""
    attempts: dict[tuple[int, str], deque[Attempts]] = field(default_factory=dict)
    """(channel id, bundle name) -> what auto-pause looks at, oldest first (22, auto-pause job)."""
    auto_pause_tick: int | None = None
    """The number of the last run of the auto-pause job, None before the first."""

    def copy(self) -> DeviceStore:
        """An independent store with the same records."""
        return DeviceStore(
            rollout_decisions=self.rollout_decisions.copy(),
            self_set=self.self_set.copy(),
            counted_in=self.counted_in.copy(),
            attempts={key: queue.copy() for key, queue in self.attempts.items()},
            auto_pause_tick=self.auto_pause_tick,
        )

    def forget_app(self, app_id: str) -> None:
        """Drop what is kept about the devices of an app that is gone. Ids of channels never come back anyway."""
        self.rollout_decisions = {key: kept for key, kept in self.rollout_decisions.items() if key[0] != app_id}
        self.self_set = {key: kept for key, kept in self.self_set.items() if key[0] != app_id}
        self.counted_in = {key: kept for key, kept in self.counted_in.items() if key[0] != app_id}
