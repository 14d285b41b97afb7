"""Statistics: ranges, running totals, the storage base, breakdowns, the spread of bundles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.world.clock import as_datetime, day_of, micros
from mock_capgo.world.records import DailyUsage, DailyVersion
from tests.live.world import (
    DEMO,
    DEMO_ORG,
    READER,
    SUCCESSION_ORG,
    TEST_USER,
    Live,
    error,
    key,
)

APP, OTHER = "com.stats.one", "com.stats.two"
DAY_ONE = date(2024, 1, 1)
FIRST = day_of(micros(datetime(2024, 1, 1, tzinfo=UTC)))
ZERO = {"mau": 0, "storage": 0, "storage_byte_hours": 0, "bandwidth": 0, "build_time_seconds": 0}
PATHS = [f"/statistics/app/{DEMO}", f"/statistics/org/{DEMO_ORG}", "/statistics/user"]


def use(world: Live, app: str, *days: tuple[int, int, int]) -> None:
    """Figures from the first day on: mau, storage, bandwidth."""
    for at, (mau, storage, bandwidth) in enumerate(days):
        usage = DailyUsage(app_id=app, day=FIRST + at, mau=mau, storage=storage, bandwidth=bandwidth)
        world.universe.world.state.daily_usage.put(usage)


def offer(world: Live, *days: dict[str, int]) -> None:
    """Offers of bundles from the first day on."""
    for at, counts in enumerate(days):
        for name, count in counts.items():
            row = DailyVersion(app_id=APP, day=FIRST + at, version_name=name, get=count)
            world.universe.world.state.daily_versions.put(row)


def own(world: Live) -> Live:
    """An organization with two apps and nothing else."""
    org = world.organization("Stats")
    for app in (APP, OTHER):
        world.make_app(app, org, key=key(1))
    return world


@pytest.fixture
def stats(world: Live) -> Iterator[Live]:
    """The world with such an organization."""
    yield own(world)


def org_of(world: Live) -> str:
    """The organization of the app."""
    owner: str = world.get(f"/app/{APP}", key=key(1))["owner_org"]
    return owner


def chart(world: Live, start: str, end: str, more: str = "", app: str = APP) -> list[dict[str, Any]]:
    """The chart of an app."""
    points: list[dict[str, Any]] = world.get(f"/statistics/app/{app}?from={start}&to={end}{more}", key=key(1))
    return points


def column(points: list[dict[str, Any]], name: str) -> list[Any]:
    """One figure of each point."""
    return [point[name] for point in points]


def issues(world: Live, path: str, query: str) -> list[Any]:
    """What is wrong with a query."""
    reply = world("GET", f"{path}?{query}")
    found: list[Any] = reply.body["moreInfo"]["error"]["issues"]
    assert reply.status == 400
    assert reply.body == error("invalid_body", "Invalid body", {"error": {"issues": found, "name": "SchemaError"}})
    return [(issue["path"], issue["message"], issue["code"]) for issue in found]


@pytest.mark.parametrize("path", PATHS)
def test_faults_of_a_query(world: Live, path: str) -> None:
    """All of them, in one order; before any permission."""
    required = [(["from"], "from is required", "custom"), (["to"], "to is required", "custom")]
    assert issues(world, path, "") == required
    flags = [(["breakdown"], "breakdown must be true or false", "custom"),
             (["noAccumulate"], "noAccumulate must be true or false", "custom")]  # fmt: skip
    assert issues(world, path, "noAccumulate=1&breakdown=yes") == [*required, *flags]
    dates = [(["from"], "from must be a valid date", "custom"), (["to"], "to must be a valid date", "custom")]
    assert issues(world, path, "from=&to=soon&noAccumulate=&breakdown=TRUE") == [*dates, *flags]
    assert issues(world, path, "to=2024-01-01") == required[:1]


def test_bundle_usage_looks_at_the_range_alone(world: Live) -> None:
    """Neither flag is read there."""
    path = f"/statistics/app/{DEMO}/bundle_usage"
    assert [issue[0] for issue in issues(world, path, "noAccumulate=x&breakdown=y")] == [["from"], ["to"]]
    assert world("GET", f"{path}?from=2024-01-01&to=2024-01-02&noAccumulate=x&breakdown=y").status == 200


def test_who_may_look(world: Live) -> None:
    """Apps and organizations out of reach, unknown ones, and what is no id, name the caller's user."""
    days = "from=2024-01-01&to=2024-01-02"
    no_app = error("no_access_to_app", "No access to app", {"data": TEST_USER})
    no_org = error("no_access_to_organization", "No access to organization", {"data": TEST_USER})
    for app in ("com.demoadmin.app", "com.no.app", "x"):
        for more in ("", "/bundle_usage"):
            world.expect(401, no_app, "GET", f"/statistics/app/{app}{more}?{days}", key=key(1))
    for org in (SUCCESSION_ORG, "x", "00000000-0000-4000-8000-000000000000"):
        world.expect(401, no_org, "GET", f"/statistics/org/{org}?{days}", key=key(1))
    for number in (20, 24, 6, 14):
        reply = world("GET", f"/statistics/user?{days}", key=key(number))
        if number == 20:
            nothing = error("no_organizations_found", "No organizations found", {"data": TEST_USER})
            assert (reply.status, reply.body) == (401, nothing)
        else:
            assert (reply.status, reply.body) == (200, [])
    assert world.get(f"/statistics/org/{DEMO_ORG.upper()}?{days}", key=READER) == world.get(
        f"/statistics/org/{DEMO_ORG}?{days}"
    )


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2024-01-01", "2024-02-01", 31), ("2024-01-01", "2024-01-01", 0), ("2024-01-01", "2024-01-02", 1),
        ("2024-02-28", "2024-03-01", 2), ("2024-01-01T12:00:00Z", "2024-01-02T00:00:00Z", 1),
        ("2024-01-01T12:00:01Z", "2024-01-02T00:00:00Z", 0), ("2024-01-01T13:00:00Z", "2024-01-03T00:00:00Z", 1),
        ("2024-01-03", "2024-01-01", 2), ("2024-01-01T00:00:00%2B02:00", "2024-01-02T00:00:00%2B02:00", 1),
        ("1704067200000", "1704153600000", 0),
    ],
)  # fmt: skip
def test_the_days_of_a_chart(stats: Live, start: str, end: str, days: int) -> None:
    """As many as the range has when rounded, without its end, each at the time of day of its beginning."""
    reply = stats("GET", f"/statistics/app/{APP}?from={start}&to={end}", key=key(1))
    if start.isdecimal():
        # A number in a query is text: a year that there is not.
        assert reply.status == 400
        return
    parsed = datetime.fromisoformat(start.replace("%2B", "+"))
    first = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    dates = [(first + timedelta(days=at)).strftime("%Y-%m-%dT%H:%M:%S.000Z") for at in range(days)]
    assert reply.body == [{**ZERO, "date": at} for at in dates]


def test_days_to_come_are_dropped(stats: Live) -> None:
    """Today is shown, tomorrow is not."""
    today = as_datetime(stats.universe.world.clock.now()).date()
    for start, end, days in ((-2, 5, 3), (0, 1, 1), (1, 9, 0), (-1, 0, 1)):
        points = chart(stats, str(today + timedelta(start)), str(today + timedelta(end)))
        assert len(points) == days


def test_running_totals(stats: Live) -> None:
    """The reference's example: storage begins with what was there before, in both modes."""
    use(stats, APP, (5, 100, 10), (7, -20, 0), (0, 50, 5))
    number = stats.make_bundle(APP, "1.0.0", key=key(1))
    state = stats.universe.world.state
    state.bundles.put(replace(state.bundles[number], size=1000))
    daily = chart(stats, "2024-01-01", "2024-01-04", "&noAccumulate=true")
    assert (column(daily, "storage"), column(daily, "mau")) == ([970, -20, 50], [5, 7, 0])
    total = chart(stats, "2024-01-01", "2024-01-04")
    assert total == chart(stats, "2024-01-01", "2024-01-04", "&noAccumulate=false&breakdown=true")
    assert (column(total, "storage"), column(total, "mau"), column(total, "bandwidth")) == (
        [970, 950, 1000], [5, 12, 12], [10, 10, 15]
    )  # fmt: skip
    assert list(total[0]) == ["mau", "storage", "storage_byte_hours", "bandwidth", "build_time_seconds", "date"]
    stats.ok("DELETE", f"/bundle?app_id={APP}", key=key(1))
    assert column(chart(stats, "2024-01-01", "2024-01-04"), "storage") == [0, -20, 30]


FIGURES = st.lists(st.tuples(st.integers(0, 50), st.integers(-300, 300), st.integers(0, 99)), max_size=8)
_SHARED = Live()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(FIGURES, FIGURES, st.integers(0, 5), st.integers(0, 8))
def test_charts_add_up(one: Any, two: Any, skip: int, days: int) -> None:
    """For any figures and range: the model of one app, the sum of the organization's, and their breakdown."""
    world = own(_SHARED.back())
    use(world, APP, *one)
    use(world, OTHER, *two)
    start, end = DAY_ONE + timedelta(skip), DAY_ONE + timedelta(skip + days)
    padded = [list(rows[skip:]) + [(0, 0, 0)] * 20 for rows in (one, two)]
    window = [rows[:days] for rows in padded]
    for at, app in enumerate((APP, OTHER)):
        points = chart(world, str(start), str(end), "&noAccumulate=true", app)
        assert column(points, "mau") == [row[0] for row in window[at]]
        if days:
            base = max(0, -sum(row[1] for row in window[at]) + window[at][0][1])
            assert column(points, "storage") == [base, *(row[1] for row in window[at][1:])]
        running = chart(world, str(start), str(end), "", app)
        for name in ("mau", "storage", "bandwidth"):
            assert column(running, name) == list(accumulate(column(points, name)))
    org = org_of(world)
    broken = world.get(f"/statistics/org/{org}?from={start}&to={end}&breakdown=true&noAccumulate=true", key=key(1))
    assert list(broken) == ["global", "byApp"]
    assert [(point["app_id"], point["date"][:10]) for point in broken["byApp"]] == [
        (app, str(start + timedelta(day))) for app in (APP, OTHER) for day in range(days)
    ]
    for name, at in (("mau", 0), ("storage", 1), ("bandwidth", 2)):
        assert column(broken["byApp"], name) == [row[at] for rows in window for row in rows]
    assert column(broken["global"], "mau") == [a[0] + b[0] for a, b in zip(*window, strict=True)]


def test_an_organization_broken_down(stats: Live) -> None:
    """A deleted app is listed with zeros once its clean-up has run, for 35 days."""
    use(stats, APP, (1, 2, 3))
    use(stats, OTHER, (4, 5, 6))
    path = f"/statistics/org/{org_of(stats)}?from=2024-01-01&to=2024-01-02&breakdown=true"
    stats.ok("DELETE", f"/app/{OTHER}", key=key(1))

    def listed() -> list[tuple[str, int]]:
        return [(point["app_id"], point["mau"]) for point in stats.get(path, key=key(1))["byApp"]]

    assert listed() == [(APP, 1)]
    stats.later(60)
    assert listed() == [(APP, 1), (OTHER, 0)]
    assert column(stats.get(path, key=key(1))["global"], "mau") == [1]
    stats.later(35 * 86_400)
    assert listed() == [(APP, 1)]
    assert stats.get(path.replace("from=2024-01-01", "from=2024-01-05"), key=key(1))["byApp"] == []


def test_a_user_sees_the_sum_of_what_the_key_reads(world: Live) -> None:
    """Every app once, whatever is bound."""
    days = "from=2024-01-01&to=2024-01-02"
    use(world, DEMO, (3, 0, 7))
    for number in (7, 10, 11, 2, 28):
        assert column(world.get(f"/statistics/user?{days}", key=key(number)), "mau") == [3]
        assert world.get(f"/statistics/user?{days}", key=key(number)) == world.get(
            f"/statistics/app/{DEMO}?{days}", key=key(number)
        )


# Bundle usage -------------------------------------------------------------------------------------------


def usage(world: Live, start: str, end: str) -> tuple[list[str], dict[str, tuple[list[Any], list[int]]]]:
    """Labels, and by bundle name shares and counts."""
    body = world.get(f"/statistics/app/{APP}/bundle_usage?from={start}&to={end}", key=key(1))
    return body["labels"], {row["label"]: (row["data"], row["metaCounts"]) for row in body["datasets"]}


def test_shares(stats: Live) -> None:
    """Tenths of a percent that make a hundred; ties go to the first."""
    offer(stats, {"1.0.0": 1, "1.1.0": 1, "1.2.0": 1}, {"1.0.0": 3, "1.1.0": 2})
    labels, found = usage(stats, "2024-01-01", "2024-01-02")
    assert labels == ["2024-01-01", "2024-01-02"]
    assert found == {
        "1.0.0": ([33.4, 60], [1, 3]), "1.1.0": ([33.3, 40], [1, 2]), "1.2.0": ([33.3, 0], [1, 0])
    }  # fmt: skip


def test_gaps_repeat_the_day_before(stats: Live) -> None:
    """Not the first day; further days without offers go on with it."""
    offer(stats, {}, {"1.0.0": 4}, {"1.0.0": 0}, {}, {"1.1.0": 1})
    _, found = usage(stats, "2024-01-01", "2024-01-06")
    assert found == {
        "1.0.0": ([0, 100, 100, 100, 0, 0], [0, 4, 4, 4, 0, 0]), "1.1.0": ([0, 0, 0, 0, 100, 100], [0, 0, 0, 0, 1, 1])
    }  # fmt: skip


def test_ranges_of_bundle_usage(stats: Live) -> None:
    """Every day to the end of the range, future ones too; backwards there are none."""
    assert usage(stats, "2024-01-01", "2024-01-01") == (["2024-01-01"], {})
    assert usage(stats, "2024-01-03", "2024-01-01") == ([], {})
    assert usage(stats, "2024-01-01T23:00:00Z", "2024-01-03T01:00:00Z")[0] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    tomorrow = as_datetime(stats.universe.world.clock.now()).date() + timedelta(1)
    assert usage(stats, str(tomorrow), str(tomorrow))[0] == [str(tomorrow)]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(st.dictionaries(st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]), st.integers(0, 30)), min_size=1, max_size=6)
)
def test_every_day_makes_a_hundred_percent(days: list[dict[str, int]]) -> None:
    """For any counts; each share is right to a tenth, and names without offers are left out."""
    world = own(_SHARED.back())
    offer(world, *days)
    _, found = usage(world, str(DAY_ONE), str(DAY_ONE + timedelta(len(days) - 1)))
    assert set(found) == {name for day in days for name, count in day.items() if count}
    for at in range(len(days)):
        counts = [meta[at] for _, meta in found.values()]
        shares = [data[at] for data, _ in found.values()]
        if sum(counts):
            assert round(sum(shares), 6) == 100
            assert all(abs(part - count * 100 / sum(counts)) < 0.1 for part, count in zip(shares, counts, strict=True))
        else:
            assert set(shares) <= {0}
