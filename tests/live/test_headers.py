"""Paths, methods, and what every answer carries."""

from __future__ import annotations

import re

import pytest

from mock_capgo.operations import OPERATIONS
from tests.conftest import Mock
from tests.live.world import DEMO_ORG, INVALID_JSON, SUPER, Live, error

NOT_FOUND = {"error": "not_found", "message": "Not found"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "script-src 'none'; style-src 'none'; img-src 'none'; connect-src 'none'; upgrade-insecure-requests"
)
GOOD_ORIGINS = [
    "https://capgo.app", "https://preprod.capgo.app", "https://development.capgo.app", "https://console.capgo.app",
    "https://console.preprod.capgo.app", "https://console.development.capgo.app", "http://localhost",
    "http://localhost:5173", "https://localhost:3000", "http://127.0.0.1:1", "https://127.0.0.1", "http://[::1]:9",
    "capacitor://localhost", "ionic://localhost", "localhost://localhost",
]  # fmt: skip
BAD_ORIGINS = [
    "http://capgo.app", "https://evil.example", "https://capgo.app.evil.example", "https://xcapgo.app", "null", "*",
    "https://www.capgo.app", "https://preprod.console.capgo.app", "capacitor://other", "http://localhost.evil.example",
    "https://capgo.app:8443", "http://localhost:", "file://", "https://CAPGO.app.",
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/organization"), ("PUT", "/app"), ("DELETE", "/app"), ("POST", "/app/com.demo.app"),
        ("GET", "/nowhere"), ("GET", "/"), ("GET", "/Organization"), ("GET", "/organization//"), ("GET", "//app"),
        ("DELETE", "/apikey"), ("POST", "/apikey/5"), ("GET", "/bundle/metadata"), ("GET", "/webhooks/test"),
        ("GET", "/ko"), ("POST", "/statistics/user"), ("GET", "/statistics"), ("GET", "/statistics/app"),
        ("PUT", "/channel"), ("PUT", "/device"), ("GET", "/apikey/5/x"), ("TRACE", "/app"), ("GET", "/app/a/b/c"),
    ],
)  # fmt: skip
def test_an_unknown_route_is_not_found(world: Live, method: str, path: str) -> None:
    """Also a known path with another method, with or without a key, and without `moreInfo`."""
    for value in (SUPER, None, "wrong"):
        world.expect(404, NOT_FOUND, method, path, key=value)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_a_trailing_slash_makes_no_difference(world: Live, operation: object) -> None:
    """Both are served alike."""
    method, path = operation.method, re.sub(r"\{\w+\}", "a.b", operation.path)  # type: ignore[attr-defined]
    without, slashed = world(method, path, key=None), world(method, f"{path}/", key=None)
    assert (without.status, without.body) == (slashed.status, slashed.body)
    assert without.status != 404


def test_health(world: Live) -> None:
    """No key is needed to ask."""
    for method in ("GET", "POST"):
        world.expect(200, {"status": "ok"}, method, "/ok", key=None)
    world.expect(500, error("unknown_error", "KO"), "POST", "/ko", key=None)


def test_a_bad_version_header_is_refused_by_health_alone(world: Live) -> None:
    """Other routes do not read it."""
    headers = {"capgo_api": "no version"}
    reply = world("GET", "/ok", key=None, headers=headers)
    assert (reply.status, reply.body["error"]) == (400, "invalid_capgo_api_version")
    assert world("POST", "/ok", key=None, headers=headers).status == 200
    assert world("GET", "/app", headers=headers).status == 200


def test_head_is_get_without_the_body(live: Mock) -> None:
    """Status and headers are those of GET, over HTTP too."""
    for path in (f"/organization?orgId={DEMO_ORG}", "/app?limit=1", "/app/com.demo.app", "/apikey/5", "/ok"):
        head, get = live("HEAD", path, key=SUPER), live("GET", path, key=SUPER)
        assert (head.status, head.body) == (get.status, None) == (200, None)
        assert head.headers["content-type"] == "application/json"
    assert live("HEAD", "/nowhere", key=None).status == 404
    assert live("HEAD", "/app/com.demo.app", key=None).status == 401


@pytest.mark.parametrize("path", ["/organization", "/app", "/bundle", "/channel", "/device", "/webhooks"])
def test_head_without_a_query_is_refused(world: Live, sane: Live, path: str) -> None:
    """Only GET may be empty where body or query are read; whoever switches faults off gets what GET says."""
    assert world("HEAD", path).status == 400
    assert world("GET", path).body != INVALID_JSON
    assert sane("HEAD", path).status == sane("GET", path).status
    assert world("HEAD", "/apikey").status == 200


@pytest.mark.parametrize("sent", ["abc", "A-b_c=1", "x" * 255])
def test_a_request_id_is_echoed(world: Live, sent: str) -> None:
    """Up to 255 word characters, hyphens and equal signs, on any answer."""
    for path, value in (("/app", SUPER), ("/app", None), ("/nowhere", None)):
        assert world("GET", path, key=value, headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 256, "a b", "a.b", "ä", "a/b", "a\n"])
def test_an_odd_request_id_is_replaced(world: Live, sent: str) -> None:
    """By the edge's, else by a new one."""
    headers = {"x-request-id": sent}
    assert UUID.fullmatch(world("GET", "/ok", headers=headers).headers["x-request-id"])
    edge = world("GET", "/ok", headers={**headers, "cf-ray": "8f00-AMS"})
    assert edge.headers["x-request-id"] == "8f00-AMS"


@pytest.mark.parametrize("origin", GOOD_ORIGINS)
def test_an_allowed_origin_is_echoed(world: Live, origin: str) -> None:
    """On the routes of pages, whatever the answer."""
    for path, value in (("/organization", SUPER), ("/apikey", None), ("/app", "wrong"), ("/nowhere", None)):
        headers = world("GET", path, key=value, headers={"origin": origin}).headers
        assert (headers["vary"], headers["access-control-allow-origin"]) == ("Origin", origin)
        assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_another_origin_is_not(world: Live, origin: str) -> None:
    """There is never a `*`; the request is served all the same."""
    reply = world("GET", "/organization", headers={"origin": origin})
    assert (reply.status, reply.headers["vary"]) == (200, "Origin")
    assert "access-control-allow-origin" not in reply.headers
    preflight = world("OPTIONS", "/organization", key=None, headers={"origin": origin})
    assert preflight.status == 204
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("path", ["/bundle", "/channel", "/device", "/webhooks", "/webhooks/deliveries"])
def test_routes_of_servers_have_no_cors_headers(world: Live, path: str) -> None:
    """But their preflight has."""
    origin = {"origin": "https://capgo.app"}
    headers = world("GET", path, headers=origin).headers
    assert not {"vary", "access-control-allow-origin"} & set(headers)
    preflight = world("OPTIONS", path, key=None, headers=origin).headers
    assert preflight["access-control-allow-origin"] == "https://capgo.app"


@pytest.mark.parametrize("path", ["/organization", "/webhooks", "/nowhere", "/statistics/user", "/x//y"])
def test_a_preflight_is_answered_anywhere(live: Mock, path: str) -> None:
    """Without a key, on any path."""
    reply = live("OPTIONS", path, key=None, headers={"origin": "http://localhost:3"})
    assert (reply.status, reply.body) == (204, None)
    assert reply.headers["access-control-allow-methods"] == "POST,GET,PUT,PATCH,DELETE,OPTIONS"
    assert reply.headers["access-control-allow-headers"] == (
        "Content-Type,Authorization,X-Capgo-Spoof-Admin-Authorization,capgkey,capgo_api,x-api-key,x-limited-key-id,"
        "apisecret,apikey,x-client-info"
    )
    assert reply.headers["vary"] == "Origin, Access-Control-Request-Headers"


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("GET", "/app", SUPER),
        ("GET", "/app", None),
        ("GET", "/nowhere", None),
        ("POST", "/ko", None),
        ("GET", "/ok", None),
    ],
)
def test_every_answer_carries_the_same(live: Mock, method: str, path: str, value: str | None) -> None:
    """Where it was served, that it loads nothing, and JSON without a charset."""
    headers = live(method, path, key=value).headers
    assert headers["x-worker-source"].endswith("-12.201.7")
    assert headers["content-security-policy"] == POLICY
    assert headers["content-type"] == "application/json"
