"""Apps: list, read, create, change, delete with all that is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.world.clock import day_of, day_text
from mock_capgo.world.state import TABLES
from tests.conftest import ACME, COURIER, ENTERPRISE, FULL, GLOBEX, READER, SHOP, UPLOADER, Mock
from tests.test_access import NOBODY, binding, freeze, fresh, generated, new_key, stored

DENIED = {"error": "Insufficient permissions to manage app", "status": "KO"}
INVALID = {"error": "Invalid app configuration", "status": "KO"}
FRESH = "com.example.fresh"


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def create(mock: Mock, app_id: str = FRESH, key: str = FULL, **more: Any) -> Any:
    """The answer to a new app."""
    body = {"app_id": app_id, "name": "Fresh", "owner_org": ACME, **more}
    return mock("POST", "/app/", body, key=key)


def app_ids(mock: Mock, query: str = "", key: str = FULL) -> list[str]:
    """The ids of a page of apps."""
    return [app["app_id"] for app in mock.get(f"/app/{query}", key=key)["data"]]


def test_one_app(mock: Mock) -> None:
    """An app is answered under `data`, with the documented members."""
    freeze(mock)
    assert mock.get(f"/app/{SHOP}") == {
        "data": {
            "app_id": SHOP,
            "block_provider_infra_requests": True,
            "created_at": "2025-03-16T12:00:00Z",
            "default_upload_channel": "production",
            "icon_url": None,
            "id": "0c0ffee0-0000-4000-8000-00000000c001",
            "last_version": "1.3.0-beta.1",
            "name": "Example Shop",
            "owner_org": ACME,
            "retention": 2_592_000,
            "transfer_history": [],
            "updated_at": "2026-03-06T12:00:00Z",
            "user_id": "0c0ffee0-0000-4000-8000-00000000b001",
        }
    }
    assert mock.get("/app/")["data"] == [mock.get(f"/app/{SHOP}")["data"]]


def test_apps_out_of_reach_are_403(mock: Mock) -> None:
    """Another's app and no app at all are refused alike by each operation."""
    for app_id in (COURIER, "com.example.nowhere"):
        for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
            reply = mock(method, f"/app/{app_id}", body)
            assert (reply.status, reply.body) == (403, DENIED)


def test_letter_case_of_an_app_counts(mock: Mock) -> None:
    """Two ids that differ in case are two apps."""
    assert mock("GET", f"/app/{SHOP.upper()}").status == 403
    assert create(mock, SHOP.upper()).status == 200
    assert sorted(app_ids(mock)) == sorted([SHOP, SHOP.upper()])


# List -------------------------------------------------------------------------------------------------------


def test_the_list_by_organization(mock: Mock) -> None:
    """`org_id` leaves the apps of that organization; of another's the answer has a form of its own."""
    assert app_ids(mock, f"?org_id={ACME}") == [SHOP]
    text = "You do not have access to this organization"
    for org_id in (GLOBEX, NOBODY):
        reply = mock("GET", f"/app/?org_id={org_id}")
        assert (reply.status, reply.body) == (403, {"status": text, "error": text})


def test_pages_neither_lose_nor_repeat(mock: Mock) -> None:
    """Pages have fifty apps unless told otherwise, and together they hold each app once."""
    for number in range(119):
        assert create(mock, f"com.example.app{number}").status == 200
    everything = app_ids(mock, "?limit=1000")
    assert len(everything) == len(set(everything)) == 120
    for limit in (7, 50, 119, 120, 121):
        pages = -(-120 // limit)
        found = [app_ids(mock, f"?limit={limit}&page={page}") for page in (*range(pages), pages, pages + 5)]
        assert [app for page in found for app in page] == everything
        assert all(len(page) == limit for page in found[: 120 // limit])
    assert [len(app_ids(mock, f"?page={page}")) for page in range(4)] == [50, 50, 20, 0]


@pytest.mark.parametrize("query", ["page=-1", "page=1.5", "page=x", "page=", "limit=0", "limit=1001", "limit=-1"])
def test_pages_have_bounds(mock: Mock, query: str) -> None:
    """A page before the first one and an empty or endless page are refused."""
    assert mock("GET", f"/app/?{query}").status == 400


def test_a_page_far_away_is_empty(mock: Mock) -> None:
    """Any page that is a number can be asked for."""
    assert app_ids(mock, "?page=9007199254740991&limit=1000") == []


# Create -----------------------------------------------------------------------------------------------------


def test_a_new_app_has_the_documented_defaults(mock: Mock) -> None:
    """The answer is the app, and the same once more under `data`; it starts empty."""
    freeze(mock)
    answer = create(mock, icon="https://example.com/icon.png").body
    data = answer.pop("data")
    assert answer == data
    assert data == {
        "app_id": FRESH,
        "block_provider_infra_requests": True,
        "created_at": "2026-03-15T12:00:00Z",
        "default_upload_channel": "dev",
        "icon_url": "https://example.com/icon.png",
        "id": data["id"],
        "last_version": None,
        "name": "Fresh",
        "owner_org": ACME,
        "retention": 2_592_000,
        "transfer_history": [],
        "updated_at": None,
        "user_id": "0c0ffee0-0000-4000-8000-00000000b001",
    }
    assert mock.get(f"/app/{FRESH}")["data"] == data
    assert mock.get(f"/bundle/?app_id={FRESH}") == {"data": []}
    assert mock.get(f"/channel/?app_id={FRESH}") == []
    assert mock.get(f"/device/?app_id={FRESH}") == {"data": [], "hasMore": False}


def test_app_ids_are_unique_everywhere(mock: Mock) -> None:
    """An app id that anybody has is taken, and the app that has it stays as it is."""
    before = stored(mock)
    for app_id in (SHOP, COURIER):
        reply = create(mock, app_id)
        assert (reply.status, reply.body) == (400, {"error": "Custom ID already in use", "status": "KO"})
    assert stored(mock) == before


def test_an_app_needs_an_organization_that_may_be_used(mock: Mock) -> None:
    """No app is made in another's organization, in none, or without the permission."""
    for org_id in (GLOBEX, NOBODY):
        reply = create(mock, owner_org=org_id)
        assert (reply.status, reply.body) == (403, DENIED)
    reply = create(mock, key=UPLOADER)
    assert (reply.status, reply.body) == (403, DENIED)
    assert app_ids(mock) == [SHOP]


APP_ID = st.from_regex(r"[A-Za-z0-9]{1,8}(\.[A-Za-z0-9_-]{1,8}){1,4}", fullmatch=True)
NOT_APP_ID = st.one_of(
    st.sampled_from(
        ["app", "app_name", ".com.a", "com.a.", "com..a", "com.a.b+", "c-m.a", "com.a b", "", "com.ä", "a."]
    ),
    st.text(max_size=12).filter(lambda text: "." not in text),
    APP_ID.map(lambda text: text + "\n"),
    APP_ID.map(lambda text: "_" + text),
    st.just("com." + "x" * 253),
)


@generated(40)
@given(app_id=APP_ID)
def test_any_reverse_domain_is_an_app_id(app_id: str) -> None:
    """Two or more parts between dots make an app id: it can be made, read and deleted."""
    mock = fresh()
    assert create(mock, app_id).status == 200
    assert mock.get(f"/app/{app_id}")["data"]["app_id"] == app_id
    assert mock.ok("DELETE", f"/app/{app_id}") == {"status": "ok"}


@generated(60)
@given(app_id=NOT_APP_ID)
def test_nothing_else_is_an_app_id(app_id: str) -> None:
    """Whatever is no reverse domain is refused with the documented sentence."""
    mock = fresh()
    reply = create(mock, app_id)
    assert (reply.status, reply.body) == (400, INVALID)
    assert app_ids(mock) == [SHOP]


@pytest.mark.parametrize("name", ["com", ".com.a", "com..a", "com.a.b+", "c-m.a", "com.%C3%A4", "com.a%00b"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_with_another_id_is_400(mock: Mock, method: str, name: str) -> None:
    """What cannot be an app id is refused in the path as it is in a body."""
    reply = mock(method, f"/app/{name}", {"name": "x"} if method == "PUT" else None)
    assert (reply.status, reply.body) == (400, INVALID)


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": None}, {"name": 5}, {"icon": "x"}, {"icon": None}, {"owner_org": "x"}, {"id": 1}]
)
def test_a_wrong_configuration_is_400(mock: Mock, change: dict[str, Any]) -> None:
    """Every fault of a new app has the one documented sentence, but an unknown member is named."""
    reply = create(mock, **change)
    assert reply.status == 400
    assert reply.body == (INVALID if "id" not in change else {"error": "Unknown field: id", "status": "KO"})


# Change -----------------------------------------------------------------------------------------------------


def test_an_update_is_kept(mock: Mock) -> None:
    """Every member of an update is answered as it is stored, as itself and under `data`."""
    body = {"name": "New", "retention": 1, "block_provider_infra_requests": False}
    answer = mock.ok("PUT", f"/app/{SHOP}", {**body, "icon": "https://example.com/i.png"})
    data = answer.pop("data")
    assert answer == data == mock.get(f"/app/{SHOP}")["data"]
    assert ({**body, "icon_url": "https://example.com/i.png"}).items() <= data.items()


def test_what_is_not_sent_stays(mock: Mock) -> None:
    """An update changes what it names and the time of the last change; an empty one is fine."""
    freeze(mock)
    before = mock.get(f"/app/{SHOP}")["data"]
    for body in ({}, {"name": "Other"}, {"retention": 63_113_903}, {"block_provider_infra_requests": False}):
        mock.universe.world.clock.advance(10)
        after = mock.ok("PUT", f"/app/{SHOP}", body)["data"]
        assert {**before, **body, "updated_at": after["updated_at"]} == after
        assert after["updated_at"] >= before["updated_at"]
        before = after


@pytest.mark.parametrize(
    "body",
    [
        {"retention": 0},
        {"retention": 63_113_904},
        {"retention": "10"},
        {"retention": 1.5},
        {"name": None},
        {"icon": ""},
    ],
)
def test_an_update_has_bounds(mock: Mock, body: dict[str, Any]) -> None:
    """Retention runs from a second to two years; null clears nothing."""
    before = stored(mock)
    reply = mock("PUT", f"/app/{SHOP}", body)
    assert (reply.status, reply.body) == (400, INVALID)
    assert stored(mock) == before


@pytest.mark.parametrize("member", ["app_id", "owner_org", "default_upload_channel", "last_version", "id"])
def test_the_rest_of_an_app_cannot_be_changed(mock: Mock, member: str) -> None:
    """Members that no update has are refused by name."""
    reply = mock("PUT", f"/app/{SHOP}", {"name": "x", member: "com.example.x"})
    assert (reply.status, reply.body) == (400, {"error": f"Unknown field: {member}", "status": "KO"})


def test_a_new_bundle_is_the_last_version(mock: Mock) -> None:
    """`last_version` names the bundle that was made last."""
    body = {"app_id": SHOP, "external_url": "https://example.com/a.zip", "checksum": "x"}
    for version in ("9.0.0", "2.0.0"):
        mock.ok("POST", "/bundle/", {**body, "version": version})
        assert mock.get(f"/app/{SHOP}")["data"]["last_version"] == version


# Delete -----------------------------------------------------------------------------------------------------


def test_deletion_takes_everything_along(mock: Mock) -> None:
    """Bundles, channels, overrides, bindings and in the end devices and figures of the app go, and no others."""
    courier = {path: mock.get(path, key=ENTERPRISE) for path in _paths(COURIER)}
    key = new_key(mock, binding("app_admin"), binding("channel_admin"))
    assert mock.ok("DELETE", f"/app/{SHOP}") == {"status": "ok"}
    for path in _paths(SHOP):
        assert mock("GET", path).status == 403, path
        assert mock("GET", path, key=READER).status == 403, path
    assert app_ids(mock) == app_ids(mock, key=key) == []
    assert {path: mock.get(path, key=ENTERPRISE) for path in _paths(COURIER)} == courier
    mock.universe.world.clock.advance(60)
    mock.get("/app/")
    state = mock.universe.world.state
    for table in set(TABLES) - {"audit_logs"}:
        assert [row for row in getattr(state, table) if SHOP in str(row)] == [], table


def test_a_second_deletion_is_403(mock: Mock) -> None:
    """What is deleted is out of reach."""
    mock.ok("DELETE", f"/app/{SHOP}")
    reply = mock("DELETE", f"/app/{SHOP}")
    assert (reply.status, reply.body) == (403, DENIED)


@pytest.mark.parametrize("seconds", [0, 5, 3600])
def test_a_deleted_app_id_is_free_and_the_new_app_is_new(mock: Mock, seconds: int) -> None:
    """An app that takes the id of a deleted one starts empty: nothing of the old one shows through, now or later."""
    old = mock.get(f"/app/{SHOP}")["data"]
    mock.ok("DELETE", f"/app/{SHOP}")
    mock.universe.world.clock.advance(seconds)
    assert create(mock, SHOP).status == 200
    for _ in range(2):
        assert mock.get(f"/app/{SHOP}")["data"]["id"] != old["id"]
        assert mock.get(f"/bundle/?app_id={SHOP}") == {"data": []}
        assert mock.get(f"/channel/?app_id={SHOP}") == []
        assert mock.get(f"/device/?app_id={SHOP}") == {"data": [], "hasMore": False}
        today = day_of(mock.universe.world.now)
        series = mock.get(f"/statistics/app/{SHOP}?{_range(today - 30, today)}")
        assert {(point["mau"], point["storage"], point["bandwidth"]) for point in series} == {(0, 0, 0)}
        assert mock("GET", f"/app/{SHOP}", key=UPLOADER).status == 403, (
            "a binding on the old app is none on the new one"
        )
        mock.universe.world.clock.advance(60)


def _range(first: int, last: int) -> str:
    return f"from={day_text(first)}&to={day_text(last)}"


def _paths(app_id: str) -> list[str]:
    return [
        f"/app/{app_id}",
        f"/bundle/?app_id={app_id}",
        f"/channel/?app_id={app_id}",
        f"/device/?app_id={app_id}",
        f"/statistics/app/{app_id}?from=2024-01-01&to=2024-01-02",
        f"/statistics/app/{app_id}/bundle_usage?from=2024-01-01&to=2024-01-02",
    ]
