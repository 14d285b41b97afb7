"""Statistics over HTTP: whose figures they are, which days, running totals, and the spread over bundles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.world.clock import day_of, day_text
from tests.conftest import ACME, COURIER, ENTERPRISE, FULL, GLOBEX, READER, SHOP, UPLOADER, Mock
from tests.test_access import NOBODY, NOW, binding, freeze, fresh, generated, new_key

BAD = {"status": "Invalid body", "error": "Invalid date format or missing parameters"}
NO_APP = {"status": "You can't access this app", "error": "Insufficient permissions to access statistics"}
NO_ORG = {
    "status": "You can't access this organization",
    "error": "Insufficient permissions to access organization statistics",
}
TODAY = day_of(NOW)
ROUTES = [
    f"/statistics/app/{SHOP}/",
    f"/statistics/app/{SHOP}/bundle_usage",
    f"/statistics/org/{ACME}/",
    "/statistics/user/",
]


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def days(first: int, last: int) -> str:
    """A range of days, counted from today."""
    return f"from={day_text(TODAY + first)}&to={day_text(TODAY + last)}"


def series(mock: Mock, path: str, first: int, last: int, more: str = "", key: str = FULL) -> Any:
    """A chart over days counted from today."""
    return mock.get(f"{path}?{days(first, last)}{more}", key=key)


@pytest.fixture
def small(tmp_path: Path) -> Mock:
    """A world with figures that can be added up by hand: the example of the reference, and a second app."""
    document = {
        "format": 1,
        "users": [{"email": "ada@example.com"}],
        "organizations": [{"id": ACME, "name": "Acme", "created_by": "ada@example.com"}],
        "members": [{"org": "Acme", "user": "ada@example.com", "role": "org_super_admin"}],
        "api_keys": [
            {"user": "ada@example.com", "name": "all", "key": FULL, "bindings": [{"role": "org_admin", "org": "Acme"}]},
            {
                "user": "ada@example.com",
                "name": "one",
                "key": UPLOADER,
                "bindings": [{"role": "app_reader", "app": "com.example.a"}],
            },
            {"user": "ada@example.com", "name": "none", "key": "nothing"},
        ],
        "apps": [{"app_id": f"com.example.{name}", "org": "Acme", "name": name} for name in "ab"],
        "bundles": [
            {"app_id": "com.example.a", "name": "1.0.0", "size": 1000},
            {"app_id": "com.example.a", "name": "1.0.1", "size": 5000, "deleted": True},
            {"app_id": "com.example.b", "name": "1.0.0", "size": 7},
        ],
        "usage": [
            {
                "app_id": "com.example.a",
                "from": -3,
                "mau": [5, 7, 0],
                "storage": [100, -20, 50],
                "bandwidth": [1, 2, 4],
            },
            {"app_id": "com.example.b", "from": -2, "mau": [10, 1], "bandwidth": [100, 0]},
        ],
        "version_usage": [
            {"app_id": "com.example.a", "version_name": "1.0.0", "from": -3, "get": [3, 0, 1]},
            {"app_id": "com.example.a", "version_name": "1.0.1", "from": -3, "get": [2, 0, 1]},
            {"app_id": "com.example.a", "version_name": "1.0.2", "from": -1, "get": [1, 0]},
            {"app_id": "com.example.a", "version_name": "idle", "from": -3, "get": [0, 0, 0]},
        ],
    }
    file = tmp_path / "figures.json"
    file.write_text(json.dumps(document))
    mock = Mock(limits="off", fixture=str(file))
    freeze(mock)
    return mock


def points(found: Any, *names: str) -> dict[str, list[int]]:
    """The columns of a chart."""
    return {name: [point[name] for point in found] for name in names or ("mau", "storage", "bandwidth")}


# The arithmetic ---------------------------------------------------------------------------------------------


def test_running_totals(small: Mock) -> None:
    """Days add up from the first one on, which starts at what is stored now without the later changes."""
    found = series(small, "/statistics/app/com.example.a/", -3, 0)
    assert [point["date"] for point in found] == [day_text(TODAY + day) for day in (-3, -2, -1)]
    assert points(found) == {"mau": [5, 12, 12], "storage": [970, 950, 1000], "bandwidth": [1, 3, 7]}
    assert found[0] == {"date": "2026-03-12", "mau": 5, "storage": 970, "bandwidth": 1}


def test_each_day_on_its_own(small: Mock) -> None:
    """With `noAccumulate` every day has its own figures, storage changes among them."""
    found = series(small, "/statistics/app/com.example.a/", -3, 0, "&noAccumulate=true")
    assert points(found) == {"mau": [5, 7, 0], "storage": [970, -20, 50], "bandwidth": [1, 2, 4]}
    assert series(small, "/statistics/app/com.example.a/", -3, 0, "&noAccumulate=false") == series(
        small, "/statistics/app/com.example.a/", -3, 0
    )


def test_an_organization_is_the_sum_of_its_apps(small: Mock) -> None:
    """The chart of an organization adds its apps up; so does the chart of a key that reads them all."""
    found = series(small, f"/statistics/org/{ACME}/", -3, 0, "&noAccumulate=true")
    assert points(found) == {"mau": [5, 17, 1], "storage": [977, -20, 50], "bandwidth": [1, 102, 4]}
    assert series(small, "/statistics/user/", -3, 0, "&noAccumulate=true") == found
    assert points(series(small, f"/statistics/org/{ACME}/", -3, 0), "mau") == {"mau": [5, 22, 23]}


def test_a_breakdown(small: Mock) -> None:
    """With `breakdown` every app has its own days, ordered by app and then by day, without the storage of before."""
    found = series(small, f"/statistics/org/{ACME}/", -3, 0, "&breakdown=true&noAccumulate=true")
    assert [(point["app_id"], point["date"], point["mau"], point["storage"]) for point in found] == [
        ("com.example.a", "2026-03-12", 5, 100),
        ("com.example.a", "2026-03-13", 7, -20),
        ("com.example.a", "2026-03-14", 0, 50),
        ("com.example.b", "2026-03-12", 0, 0),
        ("com.example.b", "2026-03-13", 10, 0),
        ("com.example.b", "2026-03-14", 1, 0),
    ]
    assert series(small, f"/statistics/org/{ACME}/", -3, 0, "&breakdown=false") == series(
        small, f"/statistics/org/{ACME}/", -3, 0
    )


def test_a_key_adds_up_what_it_reads(small: Mock) -> None:
    """A key on one app sees that app's figures, a key on nothing has no organization."""
    one = series(small, "/statistics/user/", -3, 0, key=UPLOADER)
    assert one == series(small, "/statistics/app/com.example.a/", -3, 0)
    reply = small("GET", f"/statistics/user/?{days(-3, 0)}", key="nothing")
    assert (reply.status, reply.body) == (403, dict.fromkeys(("status", "error"), "No organizations found"))


def test_the_spread_over_bundles(small: Mock) -> None:
    """Shares of a day are percents with one decimal; a day without any takes over those of the day before."""
    found = small.get(f"/statistics/app/com.example.a/bundle_usage?{days(-3, 0)}")
    assert found == {
        "labels": ["2026-03-12", "2026-03-13", "2026-03-14", "2026-03-15"],
        "datasets": [
            {"label": "1.0.0", "data": [60, 60, 33.4, 0]},
            {"label": "1.0.1", "data": [40, 40, 33.3, 0]},
            {"label": "1.0.2", "data": [0, 0, 33.3, 0]},
        ],
    }
    empty = small.get(f"/statistics/app/com.example.b/bundle_usage?{days(-1, 0)}")
    assert empty == {"labels": ["2026-03-14", "2026-03-15"], "datasets": []}


# The days ---------------------------------------------------------------------------------------------------


def test_the_last_day_is_not_in_a_chart_and_is_in_a_spread(mock: Mock) -> None:
    """`to` ends a chart before that day; a spread over bundles holds it. One day alone is none, or one."""
    freeze(mock)
    chart = mock.get(f"/statistics/app/{SHOP}/?from=2024-01-01&to=2024-02-01")
    assert [chart[0]["date"], chart[-1]["date"], len(chart)] == ["2024-01-01", "2024-01-31", 31]
    spread = mock.get(f"/statistics/app/{SHOP}/bundle_usage?from=2024-01-01&to=2024-02-01")
    assert [spread["labels"][0], spread["labels"][-1], len(spread["labels"])] == ["2024-01-01", "2024-02-01", 32]
    assert series(mock, f"/statistics/app/{SHOP}/", 0, 0) == []
    assert mock.get(f"/statistics/app/{SHOP}/bundle_usage?{days(0, 0)}")["labels"] == ["2026-03-15"]


def test_days_to_come_are_not_in_a_chart(mock: Mock) -> None:
    """A chart ends today, on the world's clock; days that are yet to come are left out."""
    freeze(mock)
    assert [point["date"] for point in series(mock, "/statistics/user/", -1, 9)] == ["2026-03-14", "2026-03-15"]
    assert series(mock, "/statistics/user/", 1, 9) == []
    assert mock.get("/statistics/user/?from=9999-01-01&to=9999-12-31") == []
    mock.universe.world.clock.advance(2 * 86_400)
    assert len(series(mock, "/statistics/user/", -1, 9)) == 4


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-03"), ("0999-12-30", "1000-01-02")])
def test_early_years_have_four_digits(mock: Mock, path: str, first: str, last: str) -> None:
    """Any day of the calendar can be asked for, and comes back as it was written."""
    found = mock.get(f"{path}?from={first}&to={last}")
    assert (found["labels"][0] if "labels" in found else found[0]["date"]) == first


@pytest.mark.parametrize("path", ROUTES)
def test_a_range_that_nobody_needs_is_refused(mock: Mock, path: str) -> None:
    """A range of ten thousand years is a bad request, and not a long wait."""
    reply = mock("GET", f"{path}?from=0001-01-01&to=9999-12-31")
    assert (reply.status, reply.body) == (400, BAD)


def test_a_year_of_the_default_world(mock: Mock) -> None:
    """The default world has figures for a year, and running totals never fall."""
    freeze(mock)
    found = series(mock, f"/statistics/app/{SHOP}/", -364, 1)
    assert len(found) == 365
    totals = points(found)
    assert totals["mau"] == sorted(totals["mau"])
    assert totals["bandwidth"] == sorted(totals["bandwidth"])
    assert totals["mau"][-1] > 10_000
    assert totals["storage"][-1] == 2_411_724
    spread = mock.get(f"/statistics/app/{SHOP}/bundle_usage?{days(-30, 0)}")
    assert {dataset["label"] for dataset in spread["datasets"]} == {"1.0.0", "1.1.0", "1.2.0", "1.3.0-beta.1"}
    for shares in zip(*(dataset["data"] for dataset in spread["datasets"]), strict=True):
        assert round(sum(shares), 1) == 100


@generated(40)
@given(first=st.integers(-400, 5), length=st.integers(0, 60), flag=st.booleans())
def test_totals_are_the_sums_of_days(first: int, length: int, flag: bool) -> None:
    """For every range: as many points as days up to today, and running totals that add up single days."""
    mock = fresh()
    path = f"/statistics/org/{GLOBEX}/" if flag else f"/statistics/app/{COURIER}/"
    single = series(mock, path, first, first + length, "&noAccumulate=true", ENTERPRISE)
    running = series(mock, path, first, first + length, key=ENTERPRISE)
    assert len(single) == len(running) == max(0, min(length, 1 - first))
    for name in ("mau", "storage", "bandwidth"):
        assert [sum(points(single)[name][: at + 1]) for at in range(len(single))] == points(running)[name]


@generated(30)
@given(first=st.integers(-30, 0), length=st.integers(0, 30))
def test_a_breakdown_adds_up(first: int, length: int) -> None:
    """The apps of a breakdown add up to the chart of their organization, storage aside."""
    mock = fresh()
    mock.ok("POST", "/app/", {"app_id": "com.example.a", "name": "A", "owner_org": ACME})
    whole = points(series(mock, f"/statistics/org/{ACME}/", first, first + length))
    parts = series(mock, f"/statistics/org/{ACME}/", first, first + length, "&breakdown=true")
    for name in ("mau", "bandwidth"):
        by_day: dict[str, int] = {}
        for point in parts:
            by_day[point["date"]] = by_day.get(point["date"], 0) + point[name]
        assert list(by_day.values()) == whole[name]


# Refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "query",
    ["", "from=2024-01-01", "to=2024-01-01", "from=&to=", "from=x&to=2024-01-02", "from=2024-02-30&to=2024-03-02"]
    + [
        "from=2024-1-1&to=2024-1-2",
        "from=2024-01-01T00:00:00Z&to=2024-01-02",
        "from=1&to=2",
        "from=0000-01-01&to=0000-01-02",
    ]
    + [
        "from=2024-01-01&to=2024-01-02&x=1",
        "from=2024-01-01&from=2024-01-01&to=2024-01-02",
        "from=20240101&to=20240102",
    ],
)
def test_a_bad_range_is_400(mock: Mock, path: str, query: str) -> None:
    """A day is written as `2024-01-31` and exists; both are there, once, and nothing else is."""
    reply = mock("GET", f"{path}?{query}")
    assert (reply.status, reply.body) == (400, BAD)


@pytest.mark.parametrize("flag", ["1", "yes", "TRUE", "", "null"])
@pytest.mark.parametrize("name", ["noAccumulate", "breakdown"])
def test_a_flag_is_true_or_false(mock: Mock, name: str, flag: str) -> None:
    """Other words for true are refused."""
    reply = mock("GET", f"/statistics/org/{ACME}/?{days(-1, 0)}&{name}={flag}")
    assert (reply.status, reply.body) == (400, BAD)


def test_foreign_figures_are_403(mock: Mock) -> None:
    """Another's figures and those of nobody are refused alike, in the form of these routes."""
    for app_id in (COURIER, "com.example.nowhere"):
        for path in (f"/statistics/app/{app_id}/", f"/statistics/app/{app_id}/bundle_usage"):
            reply = mock("GET", f"{path}?{days(-1, 0)}")
            assert (reply.status, reply.body) == (403, NO_APP)
    for org_id in (GLOBEX, NOBODY):
        reply = mock("GET", f"/statistics/org/{org_id}/?{days(-1, 0)}")
        assert (reply.status, reply.body) == (403, NO_ORG)


def test_an_organization_role_sees_all_apps_of_it(mock: Mock) -> None:
    """Whoever reads the organization sees its total, also of apps that the key does not read."""
    freeze(mock)
    key = new_key(mock, binding("org_billing_admin"))
    assert series(mock, f"/statistics/org/{ACME}/", -9, 0, key=key) == series(mock, f"/statistics/org/{ACME}/", -9, 0)
    assert mock("GET", f"/statistics/app/{SHOP}/?{days(-9, 0)}", key=key).body == NO_APP
    assert series(mock, "/statistics/user/", -9, 0, key=key) == []
    assert series(mock, "/statistics/user/", -9, 0, key=READER) == series(mock, f"/statistics/app/{SHOP}/", -9, 0)


def test_a_deleted_app_stays_in_the_breakdown_for_a_while(mock: Mock) -> None:
    """An app that was deleted is listed with nothing but zeros for thirty-five days."""
    freeze(mock)
    mock.ok("POST", "/app/", {"app_id": "com.example.a", "name": "A", "owner_org": ACME})
    mock.ok("DELETE", f"/app/{SHOP}")
    for seconds, listed in [(60, True), (34 * 86_400, True), (86_400, False)]:
        mock.universe.world.clock.advance(seconds)
        found = series(mock, f"/statistics/org/{ACME}/", -3, 0, "&breakdown=true")
        assert {point["app_id"] for point in found} == {"com.example.a"} | ({SHOP} if listed else set())
        assert {point["mau"] for point in found} == {0}
