"""From headers to a key: the two header rules, key values, expiry, and keys that stop working."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from mock_capgo.operations import OPERATIONS
from mock_capgo.world.clock import iso_offset
from tests.live.world import (
    ADMIN,
    DEMO,
    DEMO_ORG,
    EXPIRED,
    HASHED,
    NO_ORG,
    READER,
    SUPER,
    TEST2_ORG,
    Live,
    error,
    key,
)

NO_KEY = error("no_key_provided", "No key provided")
NO_CREDENTIAL = error("no_jwt_apikey_or_subkey", "No JWT, apikey or subkey provided")
UNKNOWN = error("invalid_apikey", "Invalid apikey")
NO_JWT = error("invalid_jwt", "Invalid JWT")
RULE_K = f"/organization/members?orgId={DEMO_ORG}"
RULE_A = f"/organization/audit?orgId={DEMO_ORG}"
STRANGER = "12345678-1234-4234-8234-123456789012"

K_CASES: list[tuple[dict[str, str], Any]] = [
    ({}, NO_KEY),
    ({"x-api-key": SUPER}, NO_KEY),
    ({"authorization": ""}, NO_KEY),
    ({"capgkey": ""}, NO_KEY),
    ({"capgkey": "", "authorization": SUPER}, NO_KEY),
    ({"authorization": f"Bearer {SUPER}"}, UNKNOWN),
    ({"authorization": "Bearer e30.e30.x"}, UNKNOWN),
    ({"authorization": STRANGER}, UNKNOWN),
    ({"authorization": SUPER.upper()}, UNKNOWN),
    ({"authorization": EXPIRED}, UNKNOWN),
    ({"authorization": f" {SUPER}"}, UNKNOWN),
    ({"capgkey": STRANGER, "authorization": SUPER}, UNKNOWN),
    ({"authorization": SUPER}, None),
    ({"capgkey": SUPER}, None),
    ({"capgkey": HASHED}, None),
    ({"authorization": HASHED}, None),
    ({"capgkey": SUPER, "authorization": STRANGER}, None),
    ({"capgkey": SUPER, "x-api-key": STRANGER}, None),
]
A_CASES: list[tuple[dict[str, str], Any]] = [
    ({}, NO_CREDENTIAL),
    ({"authorization": ""}, NO_CREDENTIAL),
    ({"capgkey": ""}, NO_CREDENTIAL),
    ({"capgkey": "", "x-api-key": SUPER}, NO_CREDENTIAL),
    ({"x-api-key": ""}, NO_CREDENTIAL),
    ({"authorization": f"Bearer {SUPER}"}, NO_JWT),
    ({"authorization": HASHED}, NO_JWT),
    ({"authorization": "nonsense", "capgkey": SUPER}, NO_JWT),
    ({"authorization": STRANGER}, UNKNOWN),
    ({"authorization": STRANGER, "capgkey": SUPER, "x-api-key": SUPER}, UNKNOWN),
    ({"authorization": SUPER.upper()}, UNKNOWN),
    ({"capgkey": EXPIRED}, UNKNOWN),
    ({"x-api-key": "any text"}, UNKNOWN),
    ({"capgkey": STRANGER, "x-api-key": SUPER}, UNKNOWN),
    ({"authorization": SUPER}, None),
    ({"authorization": "", "x-api-key": SUPER}, None),
    ({"x-api-key": SUPER}, None),
    ({"x-api-key": HASHED}, None),
    ({"capgkey": HASHED}, None),
    ({"capgkey": SUPER, "x-api-key": STRANGER}, None),
    ({"authorization": SUPER, "capgkey": STRANGER, "x-api-key": STRANGER}, None),
]


@pytest.mark.parametrize(("headers", "refusal"), K_CASES)
def test_rule_k(world: Live, headers: dict[str, str], refusal: Any) -> None:
    """`capgkey` before `authorization`, whatever they look like; an empty one hides the other; no `x-api-key`."""
    reply = world("GET", RULE_K, key=None, headers=headers)
    assert (reply.status == 200) if refusal is None else ((reply.status, reply.body) == (401, refusal))


@pytest.mark.parametrize(("headers", "refusal"), A_CASES)
def test_rule_a(world: Live, headers: dict[str, str], refusal: Any) -> None:
    """A UUID in `authorization` wins, anything else there is a session; else `capgkey`, else `x-api-key`."""
    reply = world("GET", RULE_A, key=None, headers=headers)
    assert (reply.status == 200) if refusal is None else ((reply.status, reply.body) == (401, refusal))


RULES = {
    "K": """GET /organization; DELETE /organization; GET /organization/members; POST /organization/members;
        GET /app; GET /app/a.b; PUT /app/a.b; DELETE /app/a.b; GET /bundle; POST /bundle; PUT /bundle; DELETE /bundle;
        POST /bundle/metadata; GET /channel; POST /channel; DELETE /channel; GET /device; POST /device;
        DELETE /device""",
    "A": """POST /organization; PUT /organization; DELETE /organization/members; GET /organization/audit;
        GET /apikey; POST /apikey; PUT /apikey; GET /apikey/1; PUT /apikey/1; DELETE /apikey/1; POST /app;
        GET /webhooks; POST /webhooks; PUT /webhooks; DELETE /webhooks; POST /webhooks/test; GET /webhooks/deliveries;
        POST /webhooks/deliveries/retry; GET /statistics/app/a.b; GET /statistics/app/a.b/bundle_usage;
        GET /statistics/org/x; GET /statistics/user""",
}
ROUTES = [(rule, *route.split()) for rule, routes in RULES.items() for route in routes.split(";")]


@pytest.mark.parametrize(("rule", "method", "path"), ROUTES)
@pytest.mark.parametrize("raw", [b"", b"{not json", b"{}"])
def test_authentication_comes_first_on_every_route(world: Live, rule: str, method: str, path: str, raw: bytes) -> None:
    """Without a key nothing is looked at, and which header names count is a matter of the route."""
    missing = NO_KEY if rule == "K" else NO_CREDENTIAL
    world.expect(401, missing, method, path, key=None, raw=raw)
    api_key = world(method, path, key=None, raw=raw, headers={"x-api-key": SUPER})
    assert (api_key.body == NO_KEY) == (rule == "K")
    bearer = world(method, path, key=f"Bearer {SUPER}", raw=raw)
    assert (bearer.status, bearer.body) == (401, UNKNOWN if rule == "K" else NO_JWT)


def test_every_operation_has_its_rule() -> None:
    """The routes above are all that need a key."""
    assert len(ROUTES) == sum(operation.live_rule is not None for operation in OPERATIONS)


def test_a_hashed_key_is_found_by_its_value_alone(world: Live) -> None:
    """Neither the hash of a key opens anything, nor does the hash of a plain one."""
    for value in (HASHED, SUPER):
        digest = hashlib.sha256(value.encode()).hexdigest()
        world.expect(401, UNKNOWN, "GET", RULE_K, key=digest)
        world.expect(401, UNKNOWN, "GET", RULE_A, key=None, headers={"x-api-key": digest})


def test_a_key_expires_at_its_moment(world: Live) -> None:
    """Until then it works, from then on it is as unknown as any."""
    now = world.universe.world.clock.now()
    world.universe.world.clock.set(now, 0)
    soon = world.get("/apikey/5")
    assert soon["expires_at"] is None
    world.ok("PUT", "/apikey/5", {"expires_at": iso_offset(now // 1000 * 1000 + 5_000_000)})
    world.get(f"/app/{DEMO}", key=READER)
    world.later(4.9)
    world.get(f"/app/{DEMO}", key=READER)
    world.later(0.2)
    world.expect(401, UNKNOWN, "GET", f"/app/{DEMO}", key=READER)
    world.ok("PUT", "/apikey/5", {"expires_at": None})
    world.get(f"/app/{DEMO}", key=READER)
    world.universe.world.clock.set(now, 1)


def test_an_expired_binding_is_none(world: Live) -> None:
    """A key whose only binding has expired authenticates and may nothing; another binding of a key stays good."""
    assert world.get("/organization", key=key(20)) == []
    assert world.get("/app", key=key(20)) == []
    assert world.get("/organization", key=key(21)) == []
    assert [app["app_id"] for app in world.get("/app", key=key(21))] == [DEMO]


def test_a_key_is_judged_by_its_own_bindings(world: Live) -> None:
    """A key may outrank its owner: the super admin key of a mere member updates and invites."""
    world.ok("PUT", "/organization", {"orgId": TEST2_ORG, "name": "By a member's key"})
    body = {"orgId": TEST2_ORG, "email": "nonmember@capgo.app", "invite_type": "super_admin"}
    world.ok("POST", "/organization/members", body)


def test_a_deleted_key_is_unknown_at_once(world: Live) -> None:
    """So is the old value of a regenerated one, on both rules."""
    world.ok("DELETE", "/apikey/5")
    world.expect(401, UNKNOWN, "GET", RULE_K, key=READER)
    new = world.ok("PUT", "/apikey/123", {"regenerate": True})["key"]
    world.expect(401, UNKNOWN, "GET", RULE_A, key=key(10))
    assert [app["app_id"] for app in world.get("/app", key=new)] == [DEMO]


def test_unknown_organizations_are_denied_like_foreign_ones(world: Live) -> None:
    """Whether an organization exists is not told."""
    for org in (NO_ORG, DEMO_ORG):
        reply = world("GET", f"/organization?orgId={org}", key=key(24))
        denied = error("invalid_org_id", "You can't access this organization", {"org_id": org})
        assert (reply.status, reply.body) == (400, denied)
    assert world("GET", f"/organization?orgId={DEMO_ORG}", key=ADMIN).status == 200
