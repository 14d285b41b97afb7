"""The arithmetic of statistics: days, running totals, the storage base, shares in percent, dates.

Pure functions only; that the operations answer as the service does is what the recordings are for.
"""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.resources import statistics
from mock_capgo.resources.dates import parse_date, parse_js_date
from mock_capgo.resources.usage import (
    Figures,
    Point,
    Span,
    bundle_usage,
    fill_gaps,
    series,
    share,
    span,
    storage_base,
)
from mock_capgo.world.clock import Clock, day_of, day_text, iso_millis, parse_time
from mock_capgo.world.records import DAY, DailyUsage, DailyVersion, Day
from mock_capgo.world.world import World

NOW = parse_time("2026-11-23T22:57:33Z")
JANUARY_1 = parse_time("2024-01-01")
FIRST = day_of(JANUARY_1)

counts = st.integers(min_value=0, max_value=10**12)
bytes_changed = st.integers(min_value=-(10**12), max_value=10**12)
figures_by_day = st.dictionaries(
    st.integers(min_value=FIRST - 5, max_value=FIRST + 40), st.tuples(counts, bytes_changed, counts, counts)
)


def chart(days: Span, figures: dict[Day, Figures], stored: int, *, running: bool) -> list[Point]:
    """The chart of one app that stores so many bytes today."""
    return series(days, figures, storage_base(stored, days, figures), running=running)


def offers(*days: dict[str, int]) -> list[DailyVersion]:
    """Offers by bundle name, a dictionary for each day from the first on."""
    return [
        DailyVersion(app_id="com.example.shop", day=FIRST + at, version_name=name, get=count)
        for at, day in enumerate(days)
        for name, count in day.items()
    ]


def test_the_last_day_of_a_range_is_left_out() -> None:
    """From 1 January to 1 February are the 31 days of January."""
    points = chart(span(JANUARY_1, parse_time("2024-02-01"), NOW), {}, 0, running=True)
    assert [iso_millis(point.at)[:10] for point in (points[0], points[-1])] == ["2024-01-01", "2024-01-31"]
    assert len(points) == 31


@given(start=st.integers(0, NOW), length=st.integers(0, 400 * DAY))
def test_a_range_has_its_length_in_days_rounded_and_ends_today(start: int, length: int) -> None:
    """A range shows as many days as it is long, rounded to whole ones, less those after today."""
    days = span(start, start + length, NOW)
    assert abs(days.days * DAY - length) <= DAY // 2
    points = series(days, {}, 0, running=False)
    assert [point.at for point in points] == [
        start + at * DAY for at in range(days.days) if day_of(start + at * DAY) <= day_of(NOW)
    ]


def test_a_reversed_range_counts_nothing() -> None:
    """With `to` before `from` there is a point for each day of the distance, and only storage is not zero."""
    days = span(parse_time("2024-01-04"), JANUARY_1, NOW)
    points = chart(days, {FIRST + 3: (5, 5, 5, 5)}, 1000, running=True)
    assert [iso_millis(point.at) for point in points] == [
        "2024-01-04T00:00:00.000Z",
        "2024-01-05T00:00:00.000Z",
        "2024-01-06T00:00:00.000Z",
    ]
    assert [point[1:] for point in points] == [(0, 1000, 0, 0, 0)] * 3


def test_an_empty_range_has_no_points() -> None:
    """A range from a day to itself is empty."""
    assert chart(span(JANUARY_1, JANUARY_1, NOW), {FIRST: (1, 1, 1, 1)}, 10, running=True) == []


def test_the_worked_example_of_the_reference() -> None:
    """Storage starts at what is stored today without the later changes; mau starts at its own first day."""
    days = span(JANUARY_1, JANUARY_1 + 3 * DAY, NOW)
    figures: dict[Day, Figures] = {FIRST: (5, 100, 0, 0), FIRST + 1: (7, -20, 0, 0), FIRST + 2: (0, 50, 0, 0)}
    plain = chart(days, figures, 1000, running=False)
    assert [point.storage for point in plain] == [970, -20, 50]
    assert [point.mau for point in plain] == [5, 7, 0]
    running = chart(days, figures, 1000, running=True)
    assert [point.storage for point in running] == [970, 950, 1000]
    assert [point.mau for point in running] == [5, 12, 12]


@given(figures=figures_by_day, length=st.integers(1, 30), stored=counts)
def test_the_default_chart_is_the_running_total_of_the_plain_one(
    figures: dict[Day, Figures], length: int, stored: int
) -> None:
    """Every figure of the accumulated chart is the sum of the plain one's figures up to that day."""
    days = span(JANUARY_1, JANUARY_1 + length * DAY, NOW)
    plain = chart(days, figures, stored, running=False)
    running = chart(days, figures, stored, running=True)
    assert [point.at for point in running] == [point.at for point in plain]
    for field in ("mau", "storage", "bandwidth", "build_time_seconds"):
        totals = list(accumulate(getattr(point, field) for point in plain))
        assert [getattr(point, field) for point in running] == totals


@given(figures=figures_by_day, length=st.integers(1, 30), stored=counts)
def test_storage_ends_at_what_is_stored_unless_it_would_have_begun_below_zero(
    figures: dict[Day, Figures], length: int, stored: int
) -> None:
    """The accumulated chart's storage ends at today's total, and its first day is never negative."""
    days = span(JANUARY_1, JANUARY_1 + length * DAY, NOW)
    points = chart(days, figures, stored, running=True)
    assert points[0].storage >= 0
    assert points[0].storage == 0 or points[-1].storage == stored


@pytest.mark.parametrize(
    ("given_counts", "percent"),
    [
        ([1, 1, 1], [33.4, 33.3, 33.3]),
        ([3, 2], [60, 40]),
        ([0, 0], [0, 0]),
        ([7], [100]),
        ([8, 88], [8.3, 91.7]),
    ],
)
def test_shares_of_a_day(given_counts: list[int], percent: list[float]) -> None:
    """A day is shared out in tenths of a percent; what rounding leaves goes to the largest remainders."""
    assert [tenths / 10 for tenths in share(given_counts)] == percent


@given(st.lists(counts, min_size=1, max_size=30))
def test_shares_add_up(given_counts: list[int]) -> None:
    """The shares of a day are 100.0 percent together, or zero where there is nothing to share."""
    tenths = share(given_counts)
    assert sum(tenths) == (1000 if any(given_counts) else 0)
    total = sum(given_counts) or 1
    assert all(abs(part * total - count * 1000) < total for part, count in zip(tenths, given_counts, strict=True))


@given(
    st.lists(st.dictionaries(st.sampled_from(["1.0.0", "1.0.1", "2.0.0"]), st.integers(0, 1000)), max_size=20),
    st.integers(-3, 25),
)
def test_every_day_of_bundle_usage_is_whole_or_empty(days: list[dict[str, int]], today: int) -> None:
    """Every day's shares are 100.0 percent together, or zero; every name was offered on some day."""
    asked = range(FIRST, FIRST + len(days))
    usage = bundle_usage(offers(*days), asked, FIRST + today)
    assert usage.labels == [day_text(day) for day in asked]
    for at in range(len(days)):
        assert round(sum(dataset.data[at] for dataset in usage.datasets), 6) in (0, 100)
    assert all(any(dataset.meta_counts) for dataset in usage.datasets)


def test_bundle_names_come_in_order_of_their_first_day() -> None:
    """Names are listed as they first appear, and those that were never offered are left out."""
    rows = offers({"1.0.1": 96}, {"1.0.0": 8, "1.0.1": 88, "0.9.0": 0})
    usage = bundle_usage(rows, range(FIRST - 2, FIRST + 2), day_of(NOW))
    assert [(dataset.label, dataset.data, dataset.meta_counts) for dataset in usage.datasets] == [
        ("1.0.1", [0, 0, 100, 91.7], [0, 0, 96, 88]),
        ("1.0.0", [0, 0, 0, 8.3], [0, 0, 0, 8]),
    ]


def test_a_day_without_offers_repeats_the_day_before() -> None:
    """Gaps take over the day before them, one after the other; the first day and today stay empty."""
    assert fill_gaps([[0], [2], [0], [0], [1], [0], [0]], today=5) == [[0], [2], [2], [2], [1], [0], [0]]


def test_bundle_usage_reads_a_thousand_rows_at_most() -> None:
    """Of long ranges with many names the latest days are lost."""
    rows = offers(*({f"1.0.{name}": 1 for name in range(100)} for _ in range(12)))
    usage = bundle_usage(rows, range(FIRST, FIRST + 12), FIRST + 11)
    assert [sum(dataset.meta_counts[at] for dataset in usage.datasets) for at in (9, 11)] == [100, 0]


def test_kept_totals_follow_every_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """An organization's totals are those of its rows at the moment of the call, however many calls there were."""
    monkeypatch.setattr(statistics, "MANY_ROWS", 0)
    world = World(clock=Clock(NOW, rate=0))
    usage = world.state.daily_usage
    days = span(JANUARY_1, JANUARY_1 + DAY, NOW)

    def total(*app_ids: str) -> int:
        figures = statistics.organization_figures(world, "an organization", list(app_ids), days)
        return figures.get(FIRST, (0, 0, 0, 0))[0]

    assert total("a") == 0
    usage.put(DailyUsage(app_id="a", day=FIRST, mau=1))
    assert total("a") == 1
    usage.put(DailyUsage(app_id="a", day=FIRST, mau=2))
    usage.put(DailyUsage(app_id="b", day=FIRST, mau=10))
    assert (total("a"), total("a", "b"), total("a", "b")) == (2, 12, 12)
    before = world.snapshot()
    usage.remove(usage["a", FIRST])
    assert total("a", "b") == 10
    world.restore(before)
    assert total("a", "b") == 12


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", "2024-01-31T00:00:00.000Z"),
        ("2024-01", "2024-01-01T00:00:00.000Z"),
        ("2024", "2024-01-01T00:00:00.000Z"),
        ("2026-02-30", "2026-03-02T00:00:00.000Z"),
        ("2024-01-01T12:30", "2024-01-01T12:30:00.000Z"),
        ("2024-01-01T12:30:00.123456+02:00", "2024-01-01T10:30:00.123Z"),
        ("2024-01-01T24:00:00Z", "2024-01-02T00:00:00.000Z"),
        ("1", "2001-01-01T00:00:00.000Z"),
        ("Jan 1 2024", "2024-01-01T00:00:00.000Z"),
        ("Mon Jan 01 2024 00:00:00 GMT+0200 (CEST)", "2023-12-31T22:00:00.000Z"),
        ("1/2/24", "2024-01-02T00:00:00.000Z"),
        ("2024-01-01 1:30 PM", "2024-01-01T13:30:00.000Z"),
        ("2024-01-01 EST", "2024-01-01T05:00:00.000Z"),
    ],
)
def test_dates_are_read_as_javascript_reads_them(text: str, moment: str) -> None:
    """Text is the moment that `new Date(text)` makes of it where the local time is UTC."""
    found = parse_date(text)
    assert found is not None
    assert iso_millis(found) == moment


@pytest.mark.parametrize(
    "text", ["", "abc", "2024-13-01", "2026-02-32", "2024-01-01T25:00", "13", "12:30", "x2024", "+010000-01-01"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    """Text that `new Date()` finds invalid is no date, nor is one after the year 9999."""
    assert parse_date(text) is None


@given(st.text() | st.from_regex(r"[0-9TZ:+. /-]{0,30}", fullmatch=True))
def test_any_text_is_a_date_or_none(text: str) -> None:
    """No text is too odd to be read."""
    found = parse_date(text)
    assert found is None or iso_millis(found)


@pytest.mark.parametrize(("value", "moment"), [(0, 0), (1.9, 1000), (None, 0), (True, 1000), ([], None), ({}, None)])
def test_json_values_as_dates(value: object, moment: int | None) -> None:
    """Numbers are milliseconds, null and booleans are numbers, all else is its text."""
    assert parse_js_date(value) == moment
