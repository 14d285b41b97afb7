"""Where parameters are read from, and how a body that does not fit is refused."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.live.world import (
    CRASHED,
    DEMO,
    DEMO_ORG,
    INVALID_JSON,
    SUPER,
    UNPARSABLE,
    Live,
    error,
    key,
)

BODY_OR_QUERY = [
    ("POST", "/organization"), ("PUT", "/organization"), ("DELETE", "/organization"),
    ("POST", "/organization/members"), ("DELETE", "/organization/members"),
    ("POST", "/webhooks"), ("PUT", "/webhooks"), ("DELETE", "/webhooks"), ("POST", "/webhooks/test"),
    ("POST", "/webhooks/deliveries/retry"), ("POST", "/app"), ("PUT", f"/app/{DEMO}"),
    ("POST", "/bundle"), ("PUT", "/bundle"), ("DELETE", "/bundle"), ("POST", "/bundle/metadata"),
    ("DELETE", "/channel"), ("DELETE", "/device"),
]  # fmt: skip
NOTHING = [b"", b"{}", b"[]", b"null", b"0", b"17", b"1.5", b"true", b"false", b'""', b"{", b"not json", b" "]


@pytest.mark.parametrize(("method", "path"), BODY_OR_QUERY)
@pytest.mark.parametrize("raw", NOTHING)
def test_nothing_to_read_is_refused(world: Live, method: str, path: str, raw: bytes) -> None:
    """A body that is empty, holds no member, or does not parse while there is no query."""
    world.expect(400, INVALID_JSON, method, path, raw=raw)
    slashed = world(method, f"{path}/", raw=raw)
    assert (slashed.status, slashed.body) == (400, INVALID_JSON)


@pytest.mark.parametrize(("method", "path"), BODY_OR_QUERY)
def test_a_body_of_text_or_items_is_looked_at(world: Live, method: str, path: str) -> None:
    """Text and lists that are not empty reach the checks, as values without members."""
    for raw, received in ((b'"text"', "string"), (b"[1]", "array")):
        reply = world(method, path, raw=raw)
        assert reply.status in (400, 401)
        assert reply.body != INVALID_JSON
        if path.startswith(("/organization", "/webhooks")) and (method, path) != ("DELETE", "/organization"):
            issue = {
                "expected": "object", "code": "invalid_type", "path": [],
                "message": f"Invalid input: expected object, received {received}",
            }  # fmt: skip
            more = {"error": {"issues": [issue], "name": "SchemaError"}}
            assert reply.body == error("invalid_body", "Invalid body", more)


@pytest.mark.parametrize("raw", [b"{}", b"null", b"[]"])
def test_an_empty_body_hides_the_query(world: Live, raw: bytes) -> None:
    """A body that parses is all that is read."""
    world.expect(400, INVALID_JSON, "DELETE", f"/organization?orgId={DEMO_ORG}", raw=raw)
    world.expect(400, INVALID_JSON, "DELETE", f"/bundle?app_id={DEMO}", raw=raw)


def test_a_body_hides_the_query_for_every_method(world: Live) -> None:
    """Also for GET: what the body does not have is missing."""
    reply = world("GET", f"/organization/members?orgId={DEMO_ORG}", {"other": 1})
    assert reply.body["moreInfo"]["error"]["issues"][0]["path"] == ["orgId"]
    assert world("GET", "/organization/members?orgId=x", {"orgId": DEMO_ORG}).status == 200


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b"[]", b"5"])
def test_get_may_be_empty(world: Live, raw: bytes) -> None:
    """GET without parameters reaches its checks; a body that holds nothing hides its query."""
    assert isinstance(world("GET", "/organization", raw=raw).body, list)
    assert isinstance(world("GET", f"/app?org_id={DEMO_ORG}", raw=raw).body, list)
    missing = error("missing_app_id", "Missing app_id", {"body": {}})
    world.expect(400, missing, "GET", "/bundle", raw=raw)


def test_the_first_of_two_query_values_counts(world: Live) -> None:
    """Names may repeat."""
    assert len(world.get(f"/organization/members?orgId={DEMO_ORG}&orgId=x")) == 3
    denied = error("cannot_access_organization", "You can't access this organization", {"orgId": "x"})
    world.expect(400, denied, "GET", f"/organization/members?orgId=x&orgId={DEMO_ORG}")


def test_writes_take_the_query(world: Live) -> None:
    """Every method reads its query where there is no body, or one that does not parse."""
    made = world.ok("POST", "/organization?name=From%20query&intent=both", key=key(1))
    org = made["id"]
    world.ok("PUT", f"/organization?orgId={org}&name=Also%20from%20query", raw=b"{", key=key(1))
    world.ok("POST", f"/app?app_id=com.from.query&name=Q&owner_org={org}", key=key(1))
    world.ok("PUT", "/app/com.from.query?retention=100", key=key(1))
    query = "app_id=com.from.query&version=1.0.0&external_url=https://x.example/y&checksum=c"
    bundle = world.ok("POST", f"/bundle?{query}", key=key(1))["bundle"]["id"]
    world.ok("POST", f"/bundle/metadata?app_id=com.from.query&version_id={bundle}&link=l", key=key(1))
    world.ok("DELETE", "/bundle?app_id=com.from.query&version=1.0.0", key=key(1))
    app = world.get("/app/com.from.query", key=key(1))
    assert (app["retention"], app["name"]) == (100, "Q")
    assert world.get(f"/organization?orgId={org}", key=key(1))["name"] == "Also from query"
    world.ok("DELETE", f"/organization?orgId={org}", key=key(1))


@pytest.mark.parametrize("path", ["/channel", "/device"])
@pytest.mark.parametrize("raw", [b"", b"{", b"not json", b"app_id=com.demo.app"])
def test_two_writes_take_json_alone(world: Live, path: str, raw: bytes) -> None:
    """The query is never read, and an empty object goes on to the checks."""
    query = f"{path}?app_id={DEMO}&channel=c&device_id=d"
    world.expect(400, UNPARSABLE, "POST", query, raw=raw)
    assert world("POST", query, {}).body["error"] in ("missing_app_id", "missing_device_id_or_app_id")


@pytest.mark.parametrize("path", ["/apikey", "/apikey/5"])
@pytest.mark.parametrize("raw", [b"", b"{", b"x"])
def test_keys_are_changed_by_json_alone(world: Live, path: str, raw: bytes) -> None:
    """No query, and no request id in this refusal."""
    world.expect(400, UNPARSABLE, "PUT", f"{path}?name=n&id=5", raw=raw)


def test_a_key_update_of_null_is_a_crash(world: Live, sane: Live) -> None:
    """`null` has no members to ask for; numbers and lists are objects without any."""
    world.expect(500, CRASHED, "PUT", "/apikey/5", raw=b"null")
    for raw in (b"[]", b"5", b'"x"', b"true"):
        reply = world("PUT", "/apikey", raw=raw)
        assert (reply.status, reply.body["error"]) == (400, "api_key_id_required")
    assert sane("PUT", "/apikey/5", raw=b"null").body["error"] == "no_valid_fields_provided_for_update"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=latin1", ""])
def test_the_content_type_is_not_looked_at(world: Live, kind: str) -> None:
    """JSON is JSON whatever it is called."""
    raw = b'{"name": "Renamed"}'
    assert world("PUT", f"/app/{DEMO}", raw=raw, headers={"content-type": kind}).body["name"] == "Renamed"


@pytest.mark.parametrize("raw", [b'"text"', b"[1]"])
def test_checks_echo_the_body_as_it_came(world: Live, raw: bytes) -> None:
    """Whatever JSON it is."""
    echoed = "text" if raw == b'"text"' else [1]
    for method, path in (("POST", "/app"), ("DELETE", "/bundle"), ("DELETE", "/channel"), ("POST", "/channel")):
        world.expect(400, error("missing_app_id", "Missing app_id", {"body": echoed}), method, path, raw=raw)


# Validation ---------------------------------------------------------------------------------------------

REQUIRED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "POST /organization": [("name", {"name": "Acme"})],
    "PUT /organization": [("orgId", {"orgId": DEMO_ORG})],
    "POST /organization/members": [
        ("orgId", {"orgId": DEMO_ORG}),
        ("email", {"email": "a@b.co"}),
        ("invite_type", {"invite_type": "read"}),
    ],
    "DELETE /organization/members": [("orgId", {"orgId": DEMO_ORG}), ("email", {"email": "a@b.co"})],
    "POST /webhooks": [
        ("orgId", {"orgId": DEMO_ORG}),
        ("name", {"name": "n"}),
        ("url", {"url": "https://x.example"}),
        ("events", {"events": ["apps"]}),
    ],
    "PUT /webhooks": [("orgId", {"orgId": DEMO_ORG}), ("webhookId", {"webhookId": "w"})],
    "DELETE /webhooks": [("orgId", {"orgId": DEMO_ORG}), ("webhookId", {"webhookId": "w"})],
    "POST /webhooks/test": [("orgId", {"orgId": DEMO_ORG}), ("webhookId", {"webhookId": "w"})],
    "POST /webhooks/deliveries/retry": [("orgId", {"orgId": DEMO_ORG}), ("deliveryId", {"deliveryId": "d"})],
}
SUBSETS = [
    (route, missing)
    for route, fields in REQUIRED.items()
    for size in range(1, len(fields) + 1)
    for missing in combinations([name for name, _ in fields], size)
]


def issues(world: Live, route: str, body: Any, **more: Any) -> list[Any]:
    """The issues of a body that does not fit."""
    method, path = route.split()
    reply = world(method, path, body, **more)
    assert (reply.status, reply.body["error"], reply.body["message"]) == (400, "invalid_body", "Invalid body")
    told = reply.body["moreInfo"]["error"]
    assert told["name"] == "SchemaError"
    found: list[Any] = told["issues"]
    return found


@pytest.mark.parametrize(("route", "missing"), SUBSETS)
def test_everything_that_is_missing_is_told_in_schema_order(world: Live, route: str, missing: tuple[str, ...]) -> None:
    """Whichever fields are absent, and whatever unknown ones are there."""
    body: dict[str, Any] = {"unknown": 1}
    for name, given in reversed(REQUIRED[route]):
        if name not in missing:
            body |= given
    found = issues(world, route, body)
    assert [issue["path"] for issue in found] == [[name] for name in missing]
    for issue in found:
        name = issue["path"][0]
        expected = {"events": "array"}.get(name, "string")
        if name == "invite_type":
            assert issue["code"] == "invalid_value"
        else:
            assert issue == {
                "expected": expected, "code": "invalid_type", "path": [name],
                "message": f"Invalid input: expected {expected}, received undefined",
            }  # fmt: skip


JSON_TYPES = [(None, "null"), (True, "boolean"), (5, "number"), ("x", "string"), ([1], "array"), ({"a": 1}, "object")]


@pytest.mark.parametrize(("value", "kind"), JSON_TYPES)
def test_wrong_types_are_named(world: Live, value: Any, kind: str) -> None:
    """Each field tells what was expected and what came."""
    fields = {
        "name": "string", "logo": "string", "require_apikey_expiration": "boolean",
        "max_apikey_expiration_days": "number", "enforce_hashed_api_keys": "boolean", "enforcing_2fa": "boolean",
        "required_encryption_key": "string", "password_policy_config": "object", "website": "string",
    }  # fmt: skip
    nullable = {"max_apikey_expiration_days", "required_encryption_key", "password_policy_config", "website"}
    for name, expected in fields.items():
        if kind == expected or (value is None and name in nullable):
            continue
        found = issues(world, "PUT /organization", {"orgId": DEMO_ORG, name: value})
        message = f"Invalid input: expected {expected}, received {kind}"
        assert found == [{"expected": expected, "code": "invalid_type", "path": [name], "message": message}]


def test_all_faults_of_a_new_organization(world: Live) -> None:
    """In schema order, whatever the order of the body."""
    body = {"intent": "x", "website": None, "estimatedMau": -1, "email": "bad", "name": "ab"}
    found = issues(world, "POST /organization", body)
    assert [(issue["path"][0], issue["code"]) for issue in found] == [
        ("name", "too_small"),
        ("email", "invalid_format"),
        ("estimatedMau", "too_small"),
        ("website", "invalid_type"),
        ("intent", "invalid_value"),
    ]
    assert found[0] == {
        "origin": "string", "code": "too_small", "minimum": 3, "inclusive": True, "path": ["name"],
        "message": "Too small: expected string to have >=3 characters",
    }  # fmt: skip
    assert found[4]["values"] == ["ota", "builder", "both", "exploring", "unknown"]


@pytest.mark.parametrize(
    ("value", "issue"),
    [
        (1.5, {"expected": "int", "format": "safeint", "code": "invalid_type",
               "message": "Invalid input: expected int, received number"}),
        (-1, {"origin": "number", "code": "too_small", "minimum": 0, "inclusive": True,
              "message": "Too small: expected number to be >=0"}),
        (1_000_001, {"code": "custom", "message": "a value <= 1000000"}),
        ("5", {"expected": "number", "code": "invalid_type",
               "message": "Invalid input: expected number, received string"}),
        (None, {"expected": "number", "code": "invalid_type",
                "message": "Invalid input: expected number, received null"}),
    ],
)  # fmt: skip
def test_the_expected_devices(world: Live, value: Any, issue: dict[str, Any]) -> None:
    """A whole number from 0 to a million."""
    assert issues(world, "POST /organization", {"name": "Acme", "estimatedMau": value}) == [
        {**issue, "path": ["estimatedMau"]}
    ]


@pytest.mark.parametrize("value", ["", "a", "a@b", "a@b.c", "a b@c.de", ".a@b.co", "a..b@c.de", "a@-b.co", "a@b.co "])
def test_no_address(world: Live, value: str) -> None:
    """Addresses are checked the same way wherever one is taken."""
    for route, body in (
        ("POST /organization", {"name": "Acme", "email": value}),
        ("PUT /organization", {"orgId": DEMO_ORG, "management_email": value}),
        ("POST /organization/members", {"orgId": DEMO_ORG, "email": value, "invite_type": "read"}),
        ("DELETE /organization/members", {"orgId": DEMO_ORG, "email": value}),
    ):
        (issue,) = issues(world, route, body)
        assert (issue["code"], issue["format"], issue["message"]) == (
            "invalid_format",
            "email",
            "Invalid email address",
        )


@pytest.mark.parametrize(
    ("policy", "paths"),
    [
        ({}, ["enabled", "min_length", "require_uppercase", "require_number", "require_special"]),
        ({"enabled": 1, "min_length": "6"},
         ["enabled", "min_length", "require_uppercase", "require_number", "require_special"]),
        ({"min_length": 5}, ["min_length"]),
        ({"min_length": 73}, ["min_length"]),
        ({"min_length": 6.5}, ["min_length"]),
        ({"require_special": None}, ["require_special"]),
    ],
)  # fmt: skip
def test_a_password_policy_is_whole(world: Live, policy: dict[str, Any], paths: list[str]) -> None:
    """Every member is required, and the length is a whole number from 6 to 72."""
    if len(paths) == 1:
        good = {"enabled": True, "min_length": 8, "require_uppercase": True, "require_number": True}
        policy = {**good, "require_special": True, **policy}
    found = issues(world, "PUT /organization", {"orgId": DEMO_ORG, "password_policy_config": policy})
    assert [issue["path"] for issue in found] == [["password_policy_config", name] for name in paths]


def test_a_page_of_organizations_is_a_number_and_no_text(world: Live) -> None:
    """So the query can name none, and a body can."""
    (issue,) = issues(world, "GET /organization?page=0", None)
    assert (issue["path"], issue["expected"]) == (["page"], "number")
    assert len(world("GET", "/organization", {"page": 0}).body) > 1
    assert world("GET", "/organization", {"page": 1}).body == []


@pytest.mark.parametrize("value", ["", " 1", "ten", "1,0", "0x10", "--1", None, True, [], {}])
@pytest.mark.parametrize("path", ["/organization/audit", "/webhooks", "/webhooks/deliveries"])
def test_other_pages_are_numbers_or_numeric_text(world: Live, path: str, value: Any) -> None:
    """Anything else is one issue about the page."""
    found = issues(world, f"GET {path}", {"orgId": DEMO_ORG, "webhookId": "w", "page": value})
    assert [issue["path"] for issue in found] == [["page"]]


@pytest.mark.parametrize(
    ("method", "code", "message"),
    [
        ("DELETE", "missing_app_id", "Missing app_id"),
        ("POST", "missing_device_id_or_app_id", "Missing device_id or app_id"),
    ],
)
def test_a_device_id_is_lowered_while_it_is_read(world: Live, method: str, code: str, message: str) -> None:
    """So the body that a refusal echoes has it in lower case."""
    body = {"device_id": "ABC-Def"}
    world.expect(400, error(code, message, {"body": {"device_id": "abc-def"}}), method, "/device", body, key=SUPER)
