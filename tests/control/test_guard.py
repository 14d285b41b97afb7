"""Who may use the control routes, and the header that explains a refusal."""

from __future__ import annotations

import pytest

from tests.conftest import FULL, READER
from tests.control.hub import SHOP, Hub

INFO = "/_mock/info"


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "localhost", "[::1]:8787", "mock.localhost:1"])
def test_a_loopback_name_is_fine(hub: Hub, host: str) -> None:
    """Every name of this machine reaches the control routes."""
    assert hub("GET", INFO, headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8787", "127.0.0.1.evil.example.com", "10.0.0.1"]
)
def test_a_foreign_host_is_refused(hub: Hub, host: str) -> None:
    """A name that somebody pointed at this machine does not reach the control routes of any world (DNS rebinding)."""
    world = hub.world()
    for path in (INFO, f"/w/{world.id}{INFO}", "/_mock/worlds"):
        answer = hub("GET", path, headers={"host": host})
        assert answer.status == 403
        assert "loopback" in answer.body["error"]
    assert hub("POST", "/_mock/reset", {}, headers={"host": host}).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://10.0.0.1", "null", "https://capgo.app"])
def test_a_foreign_page_is_refused(hub: Hub, origin: str) -> None:
    """A page from anywhere else can neither read nor change anything."""
    for method, path in (("GET", INFO), ("POST", "/_mock/reset"), ("GET", "/_mock/health")):
        assert hub(method, path, headers={"origin": origin}).status == 403


def test_a_page_of_this_machine_is_fine(hub: Hub) -> None:
    """A page that this machine serves may use the control routes."""
    assert hub("GET", INFO, headers={"origin": "http://localhost:3000"}).status == 200


def test_health_is_open(hub: Hub) -> None:
    """A probe asks for health by whatever name it has."""
    assert hub("GET", "/_mock/health", headers={"host": "mock-capgo"}).status == 200
    locked = Hub(host="0.0.0.0", control_token="secret")  # noqa: S104 - nothing listens
    assert locked("GET", "/_mock/health").status == 200


def test_a_token_is_asked_for(hub: Hub) -> None:
    """With a token every control route asks for it, by any name, and the API does not."""
    locked = Hub(host="0.0.0.0", control_token="secret")  # noqa: S104 - nothing listens
    named = {"host": "mock-capgo:8787"}
    for headers in ({}, {"x-mock-token": "wrong"}, {"x-mock-token": ""}, {"x-mock-token": "sécret"}):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in {**named, **headers}.items()]
        answer = locked.client.request("GET", INFO, headers=raw)
        assert answer.status_code == 403, headers
        assert "secret" not in answer.text
    assert locked("GET", INFO, headers={**named, "x-mock-token": "secret"}).status == 200
    assert locked("GET", "/app", key=FULL, headers=named).status == 200


def test_a_token_on_loopback(hub: Hub) -> None:
    """A token that was chosen is asked for on loopback too."""
    locked = Hub(control_token="secret")
    assert locked("GET", INFO).status == 403
    assert locked("GET", INFO, headers={"x-mock-token": "secret"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": ""},
        {"host": "a b"},
        pytest.param({"host": "[::1"}),
        pytest.param({"origin": "http://[::1"}),
    ],
)
def test_a_strange_header_is_no_crash(hub: Hub, headers: dict[str, str]) -> None:
    """A host or origin that is none is refused, not a failure of the server."""
    assert hub("GET", INFO, headers=headers).status in (200, 403)


def test_an_unknown_control_route_says_so(hub: Hub) -> None:
    """An unknown route, or another method than a route has, is told by name."""
    assert hub("GET", "/_mock/nothing").body["error"].startswith("there is no GET /_mock/nothing")
    assert hub("PATCH", "/_mock/state").body["error"].startswith("there is no PATCH /_mock/state")


def test_control_routes_are_not_in_the_document(hub: Hub) -> None:
    """The API's OpenAPI document knows nothing of control routes."""
    assert not [path for path in hub.ok("GET", "/openapi.json")["paths"] if "_mock" in path]


def test_control_off() -> None:
    """Without control routes their paths are unknown as any, and the API is there."""
    hub = Hub(control="off")
    assert hub("GET", INFO).status == 404
    assert hub("POST", "/_mock/reset", {}).status == 404
    assert hub("GET", "/app", key=FULL).status == 200


def test_control_calls_are_not_limited(hub: Hub) -> None:
    """A thousand control calls leave the budget whole."""
    assert {hub("GET", INFO).status for _ in range(300)} == {200}
    assert hub("GET", "/app", key=FULL).status == 200


def test_a_refusal_is_explained_where_it_is_wanted(hub: Hub) -> None:
    """`x-mock-reason` names the rule, the operation and what the key holds: in a world that explains, or on request."""
    body = {"app_id": SHOP, "channel": "made"}
    assert "x-mock-reason" not in hub("POST", "/channel", body, key=READER).headers
    asked = hub("POST", "/channel", body, key=READER, headers={"x-mock-explain": "1"}).headers["x-mock-reason"]
    for part in ("upsertChannel", "channel.update_settings", "key 2", "app_reader"):
        assert part in asked
    explaining = hub.world(explain=True)
    answer = explaining("POST", "/channel", body, key=explaining.keys["reader"])
    assert answer.headers["x-mock-reason"] == explaining.control("GET", "/journal")["entries"][0]["reason"]
    assert "x-mock-reason" not in explaining("GET", "/app").headers


def test_an_unknown_path_is_explained(hub: Hub) -> None:
    """For a path that is no operation the reason says so."""
    reason = hub("GET", "/nothing", key=FULL, headers={"x-mock-explain": "1"}).headers["x-mock-reason"]
    assert "no operation" in reason
