"""The control routes that everybody starts with: health, info, reset; and the API's own document."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mock_capgo import __version__
from mock_capgo.server.openapi import bundled
from mock_capgo.world.fixture import builtin_fixtures
from mock_capgo.world.state import TABLES
from tests.conftest import ACME, FULL, READER, SHOP, Mock
from tests.test_access import binding, freeze, resolved, stored

MOMENT = "2026-01-31T12:00:00Z"


def reset(mock: Mock, body: Any = None) -> Any:
    """The answer to a reset."""
    return mock("POST", "/_mock/reset", body, key=None)


def life(mock: Mock) -> list[Any]:
    """Calls that write, and what they answered: ids, values and times included."""
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/organization/", {"name": "Labs"}),
        ("POST", "/app/", {"app_id": "com.example.fresh", "name": "Fresh", "owner_org": ACME}),
        ("POST", "/channel/", {"app_id": "com.example.fresh", "channel": "production", "public": True}),
        ("GET", "/channel/?app_id=com.example.fresh", None),
        ("POST", "/apikey/", {"name": "k", "bindings": [binding("app_reader")]}),
        ("POST", "/apikey/", {"name": "h", "mode": "read", "hashed": True}),
        ("PUT", "/apikey/2/", {"regenerate": True}),
        ("DELETE", f"/app/{SHOP}", None),
        ("GET", "/apikey/", None),
    ]
    return [mock.ok(method, path, body) for method, path, body in calls]


def test_health(mock: Mock) -> None:
    """Health needs no key, and says which world was loaded."""
    assert mock.get("/_mock/health", key=None) == {"status": "ok", "fixture": "default"}


def test_info_counts_everything(mock: Mock) -> None:
    """Info names the version and the world, and counts what is stored, now and after a write."""
    info = mock.get("/_mock/info", key=None)
    expected = {"name": "mock-capgo", "version": __version__, "dialect": "documented", "fixture": "default"}
    assert ({**expected, "limits": "off", "seed": 0}).items() <= info.items()
    state = mock.universe.world.state
    assert info["counts"] == {table: len(getattr(state, table)) for table in TABLES}
    assert {"organizations": 2, "apps": 2, "bundles": 7, "channels": 5, "api_keys": 6}.items() <= info["counts"].items()
    mock.ok("POST", "/app/", {"app_id": "com.example.fresh", "name": "Fresh", "owner_org": ACME})
    assert mock.get("/_mock/info")["counts"]["apps"] == 3


def test_a_reset_forgets_what_was_written(mock: Mock) -> None:
    """After a reset every record is as it was, deleted ones included, and values that were replaced work again."""
    freeze(mock)
    before = stored(mock)
    life(mock)
    assert mock("GET", "/app/", key=READER).status == 401
    answer = reset(mock, {"now": "2026-03-15T12:00:00Z"})
    assert (answer.status, answer.body["status"], answer.body["fixture"]) == (200, "ok", "default")
    assert stored(mock) == before
    assert mock("GET", "/app/", key=READER).status == 200
    assert mock("GET", f"/app/{SHOP}").status == 200


def test_ids_come_again_after_a_reset(mock: Mock) -> None:
    """The same calls after a reset get the same ids, keys and times: a run can be repeated to the letter."""
    runs = []
    for _ in range(2):
        freeze(mock)
        runs.append(life(mock))
    assert runs[0] == runs[1]


def test_the_seed_decides_on_ids() -> None:
    """Two servers with one seed give the same ids; with another seed they differ."""
    runs = []
    for seed in (0, 0, 7):
        mock = Mock(limits="off", seed=seed)
        freeze(mock)
        runs.append(life(mock))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    assert runs[0][4] != runs[2][4]


@pytest.mark.parametrize("fixture", builtin_fixtures())
def test_a_reset_to_another_world(mock: Mock, fixture: str) -> None:
    """Any built-in world can be started instead, and is what later resets go back to."""
    assert reset(mock, {"fixture": fixture}).body["fixture"] == fixture
    assert mock.get("/_mock/health") == {"status": "ok", "fixture": fixture}
    counts = mock.get("/_mock/info")["counts"]
    assert (counts["organizations"] == 0) == (fixture == "empty")
    assert reset(mock).body["fixture"] == fixture
    assert mock.get("/_mock/info")["counts"] == counts


def test_an_empty_world_has_no_keys(mock: Mock) -> None:
    """In the empty world nobody is known."""
    reset(mock, {"fixture": "empty"})
    assert mock("GET", "/organization/").status == 401
    assert mock.get("/ok") == {"status": "ok"}
    reset(mock, {"fixture": "default"})
    assert mock("GET", "/organization/").status == 200


def test_a_reset_at_a_moment(mock: Mock) -> None:
    """`now` sets the clock, and times of the fixture count from there."""
    assert reset(mock, {"now": MOMENT}).body["now"] == "2026-01-31T12:00:00.000Z"
    assert mock.get("/_mock/info")["now"].startswith("2026-01-31T12:00:0")
    assert mock.get(f"/organization/?orgId={ACME}")["data"]["created_at"] == "2024-12-27T12:00:00Z"
    assert reset(mock, {"now": "2026-01-31T14:00:00+02:00"}).body["now"] == "2026-01-31T12:00:00.000Z"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"fixture": "nowhere"}', "default"),
        (b'{"fixture": "../fixtures/empty.json"}', "built-in"),
        (b'{"fixture": ""}', "built-in"),
        (b'{"fixture": 5}', "fixture"),
        (b'{"now": "yesterday"}', "2026-01-31T12:00:00Z"),
        (b'{"now": 5}', "2026-01-31T12:00:00Z"),
        (b'{"now": "0001-01-01T00:00:00Z"}', "moment"),
        (b'{"now": "9999-12-31T23:59:59Z"}', "moment"),
        (b'{"seed": 5}', "seed"),
        (b"[]", "object"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b'"default"', "object"),
    ],
    ids=str,
)
def test_a_bad_reset_changes_nothing(mock: Mock, raw: bytes, reason: str) -> None:
    """What cannot be done is refused with a reason that says what would do, and the world goes on as it is."""
    mock.ok("POST", "/app/", {"app_id": "com.example.fresh", "name": "Fresh", "owner_org": ACME})
    before, now = stored(mock), mock.universe.world.clock.now()
    reply = mock("POST", "/_mock/reset", raw=raw)
    assert reply.status == 400
    assert reason in reply.body["error"]
    assert stored(mock) == before
    assert abs(mock.universe.world.clock.now() - now) < 60_000_000
    assert mock.get("/_mock/health")["fixture"] == "default"
    assert mock("GET", "/app/com.example.fresh").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_mock/reset", 405),
        ("POST", "/_mock/health", 405),
        ("GET", "/_mock/nothing", 404),
        ("GET", "/_mock/", 404),
    ],
)
def test_an_unknown_control_route_says_where_to_look(mock: Mock, method: str, path: str, status: int) -> None:
    """A control route that is not there is refused as JSON, with a hint."""
    answered = mock.client.request(method, path)
    assert answered.status_code == status
    assert "/_mock/info" in answered.json()["error"]


def test_the_document_is_served(mock: Mock) -> None:
    """`/openapi.json` is the contract that the suite holds answers to, whole and valid."""
    document = mock.get("/openapi.json", key=None)
    assert document == bundled("documented")
    OpenAPIV31SpecValidator(document).validate()
    assert FULL not in str(document)


def test_parts_of_the_document_are_not_mixed_up(mock: Mock) -> None:
    """What two schema files call alike is two parts of the document: an app's name may be null, a key's not."""
    document = mock.get("/openapi.json", key=None)

    def name_in(schema: str) -> Any:
        return resolved(document, document["components"]["schemas"][schema]["properties"]["name"])

    assert name_in("AppSaved") == name_in("App")
    assert name_in("ApiKeyUpdateByBody") == name_in("ApiKeyUpdate")
