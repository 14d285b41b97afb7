"""The world's clock: the only place that reads the machine's time. All else asks a `Clock`.

A clock is an anchor on the machine's monotonic clock, the world's time at that anchor, and a rate.
Frozen is rate 0. Times are `Micros` (UTC).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from mock_capgo.world.records import DAY, SECOND, Day, Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that can be set, frozen and run at a rate."""

    def __init__(self, now: Micros | None = None, rate: float = 1.0) -> None:
        self.rate = rate
        self._anchor_ns = time.monotonic_ns()
        self._at_anchor = wall_clock() if now is None else now

    def now(self) -> Micros:
        """The world's time."""
        return self._at_anchor + int((time.monotonic_ns() - self._anchor_ns) * self.rate) // 1000

    def set(self, now: Micros, rate: float | None = None) -> None:
        """Jump to `now`, and from there run at `rate` (unchanged when None; 0 freezes)."""
        self._at_anchor, self._anchor_ns = now, time.monotonic_ns()
        if rate is not None:
            self.rate = rate

    def advance(self, seconds: float) -> None:
        """Jump forward by `seconds`, at once."""
        self.set(self.now() + int(seconds * SECOND))


def wall_clock() -> Micros:
    """The machine's time, for worlds that were not told when they are."""
    return time.time_ns() // 1000


def day_of(at: Micros) -> Day:
    """The UTC day that holds `at`."""
    return at // DAY


@lru_cache(maxsize=4096)
def as_datetime(at: Micros) -> datetime:
    """`at` as an aware datetime. Raises OverflowError outside of the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=at)


def parse_time(text: str) -> Micros:
    """An ISO 8601 time or date as Micros; UTC where it names no offset. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return micros(parsed)


def micros(moment: datetime) -> Micros:
    """An aware datetime as Micros."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=8192)
def day_text(day: Day) -> str:
    """`2024-01-31`."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def iso_offset(at: Micros) -> str:
    """`2026-07-24T19:50:56.1234+00:00`: as PostgREST writes times, trailing zeros of the fraction dropped."""
    return f"{_second(at // SECOND)}{_fraction(at)}+00:00"


def iso_millis(at: Micros) -> str:
    """`2026-07-24T19:50:56.123Z`: as JavaScript's `toISOString` writes times."""
    return f"{_second(at // SECOND)}.{at % SECOND // 1000:03d}Z"


def iso_seconds(at: Micros) -> str:
    """`2024-01-01T00:00:00Z`: as the documentation writes times."""
    return f"{_second(at // SECOND)}Z"


def postgres_text(at: Micros) -> str:
    """`2026-07-24 19:50:56.123456+00`: as PostgreSQL prints times."""
    return f"{_second(at // SECOND).replace('T', ' ')}{_fraction(at)}+00"


def written(at: Micros | None, time: Callable[[Micros], str]) -> str | None:
    """A moment as `time` writes it; None where it has not come."""
    return None if at is None else time(at)


@lru_cache(maxsize=8192)
def _second(second: int) -> str:
    """Date and time of a second; years have four digits, which `strftime` does not promise."""
    return as_datetime(second * SECOND).replace(tzinfo=None).isoformat()


def _fraction(at: Micros) -> str:
    micro = at % SECOND
    return f".{micro:06d}".rstrip("0") if micro else ""
