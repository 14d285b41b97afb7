"""The arithmetic of statistics: days, running totals, the storage base, shares in percent (reference 24 §3, §4).

Belongs here: pure functions from daily figures to what a chart shows, and the values that they return. Does not
belong here: whose figures they are and who may see them (`mock_capgo.resources.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import NamedTuple

from mock_capgo.world.clock import day_of, day_text
from mock_capgo.world.records import DAY, DailyVersion, Day, Micros

Figures = tuple[int, int, int, int]
"""One day of one or more apps: mau, storage, bandwidth, build_time_seconds."""

NOTHING: Figures = (0, 0, 0, 0)
SOURCE_ROWS = 1000
"""Of `DailyVersion` no more are read for one answer, the oldest: the database layer's limit (24 §4)."""


class Point(NamedTuple):
    """One day of a chart. A tuple, since a breakdown of many apps makes hundreds of thousands of them."""

    at: Micros
    mau: int
    storage: int
    storage_byte_hours: int
    bandwidth: int
    build_time_seconds: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The chart of an organization, and the days of each of its apps: by app id, then by day."""

    overall: list[Point]
    by_app: list[tuple[str, Point]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One bundle name: its share of each day in percent, and the counts that it was made from."""

    label: str
    data: list[float]
    meta_counts: list[int]


@dataclass(frozen=True, slots=True)
class BundleUsage:
    """How the update offers of each day spread over bundle names. Labels are days as `2024-01-31`."""

    labels: list[str]
    datasets: list[Dataset]


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a chart: `days` from the day of `start` on, of which the first `shown` are not in the future.

    A reversed span (`to` before `from`) has days, and no figure belongs to any of them (24 §3).
    """

    start: Micros
    days: int
    shown: int
    reversed: bool

    def counted(self) -> range:
        """The days whose figures count: whole UTC days, whatever the time of day of `start`."""
        first = day_of(self.start)
        return range(first, first if self.reversed else first + self.days)


def span(start: Micros, end: Micros, now: Micros) -> Span:
    """The days from `start` to `end`, which is exclusive, rounded to whole days."""
    days = (2 * abs(end - start) + DAY) // (2 * DAY)
    return Span(start, days, max(0, min(days, day_of(now) - day_of(start) + 1)), end < start)


def storage_base(stored: int, days: Span, figures: dict[Day, Figures]) -> int:
    """What the first day's storage is set to: what is stored now without the later changes, never below zero."""
    counted = days.counted()
    later = sum(figures[day][1] for day in figures if day in counted[1:])
    return max(0, stored - later)


def series(days: Span, figures: dict[Day, Figures], base: int | None, *, running: bool) -> list[Point]:
    """The points of a chart, days in the future left out; `base` replaces the storage of the first day.

    `running` adds up: every point then holds the total since the first day.
    """
    if not days.shown:
        return []
    table = [figures.get(day, NOTHING) for day in days.counted()[: days.shown]] or [NOTHING] * days.shown
    if base is not None:
        mau, _, bandwidth, seconds = table[0]
        table[0] = (mau, base, bandwidth, seconds)
    columns: Iterable[Iterable[int]] = zip(*table, strict=True)
    if running:
        columns = map(accumulate, columns)
    mau_column, storage_column, bandwidth_column, seconds_column = columns
    # The service fills storage_byte_hours from a table that no operation of the API writes.
    return list(
        map(
            Point,
            range(days.start, days.start + days.shown * DAY, DAY),
            mau_column,
            storage_column,
            [0] * days.shown,
            bandwidth_column,
            seconds_column,
        )
    )


def bundle_usage(rows: Iterable[DailyVersion], days: range, today: Day) -> BundleUsage:
    """How offers spread over bundle names on each of `days`."""
    # Sorting keeps the given order within a day, which decides the order of names that appear together.
    read = sorted((row for row in rows if row.day in days), key=lambda row: row.day)[:SOURCE_ROWS]
    counts: dict[str, list[int]] = {}
    for row in read:
        counts.setdefault(row.version_name, [0] * len(days))[row.day - days.start] += row.get
    counts = {name: column for name, column in counts.items() if any(count > 0 for count in column)}
    by_day = fill_gaps(list(map(list, zip(*counts.values(), strict=True))), today - days.start)
    shares = [share(day) for day in by_day]
    return BundleUsage(
        labels=[day_text(day) for day in days],
        datasets=[
            Dataset(name, [_percent(tenths[at]) for tenths in shares], [day[at] for day in by_day])
            for at, name in enumerate(counts)
        ],
    )


def fill_gaps(by_day: list[list[int]], today: int) -> list[list[int]]:
    """The counts of each day; a day without any takes over those of the day before, the day at `today` does not."""
    filled: list[list[int]] = []
    for at, counts in enumerate(by_day):
        gap = at > 0 and at != today and sum(counts) == 0
        filled.append(filled[-1] if gap else counts)
    return filled


def share(counts: Sequence[int]) -> list[int]:
    """The share of each count in tenths of a percent, 1000 in all; all zero where there is nothing to share.

    What rounding down leaves over goes to the largest remainders, the earlier count first among equals.
    """
    total = sum(counts)
    if total <= 0:
        return [0] * len(counts)
    parts = [divmod(count * 1000, total) for count in counts]
    tenths = [whole for whole, _ in parts]
    neediest = sorted(range(len(parts)), key=lambda at: -parts[at][1])
    for at in neediest[: 1000 - sum(tenths)]:
        tenths[at] += 1
    return tenths


def added(parts: Iterable[Iterable[tuple[Day, Figures]]]) -> dict[Day, Figures]:
    """Figures by day, added up over apps."""
    total: dict[Day, Figures] = {}
    for day, figures in chain.from_iterable(parts):
        before = total.get(day)
        if before is None:
            total[day] = figures
        else:
            total[day] = (
                before[0] + figures[0],
                before[1] + figures[1],
                before[2] + figures[2],
                before[3] + figures[3],
            )
    return total


def _percent(tenths: int) -> float:
    # Whole numbers are written without a fraction, as JavaScript writes them.
    return tenths // 10 if tenths % 10 == 0 else tenths / 10
