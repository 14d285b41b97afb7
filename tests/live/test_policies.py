"""What an organization may ask of its keys: to be hashed, and to expire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.world import (
    ADMIN,
    DEMO,
    DEMO_ORG,
    HASHED,
    READER,
    SUPER,
    TEST2,
    TEST2_ORG,
    Live,
    error,
    key,
)

UNKNOWN = error("invalid_apikey", "Invalid apikey")
EXPIRING = error(
    "org_requires_expiring_key",
    "This organization requires API keys with an expiration date. Please use a different key or update this key with"
    " an expiration date.",
)
BODY = {"orgId": DEMO_ORG, "email": "nonmember@capgo.app", "invite_type": "read"}


def ask(world: Live, by: str = SUPER, org: str = DEMO_ORG, **policy: bool) -> dict[str, Any]:
    """The organization once it asks for something."""
    data: dict[str, Any] = world.ok("PUT", "/organization", {"orgId": org, **policy}, key=by)["data"]
    return data


@pytest.mark.parametrize("value", [SUPER, READER, TEST2, ADMIN, key(2), key(6), key(10), key(14), key(25), key(28)])
def test_plain_keys_stop_where_hashed_ones_are_wanted(world: Live, value: str) -> None:
    """Whatever they are bound to in that organization, they stop everywhere; hashed ones go on."""
    ask(world, enforce_hashed_api_keys=True)
    for method, path in (
        ("GET", "/app"),
        ("GET", "/organization"),
        ("GET", "/apikey"),
        ("GET", f"/organization?orgId={TEST2_ORG}"),
    ):
        world.expect(401, UNKNOWN, method, path, key=value)
    assert world("GET", f"/app/{DEMO}", key=HASHED).status == 200
    assert world("GET", "/organization", key=HASHED).status == 200


@pytest.mark.parametrize("value", [key(20), key(24), key(26), key(27)])
def test_plain_keys_of_elsewhere_go_on(world: Live, value: str) -> None:
    """Also one whose binding there has expired."""
    ask(world, enforce_hashed_api_keys=True)
    assert world("GET", "/app", key=value).status == 200


def test_turning_it_on_disables_the_caller(world: Live) -> None:
    """The answer still comes, and the log names nobody; turning it off lets the keys in again."""
    data = ask(world, enforce_hashed_api_keys=True)
    assert data["enforce_hashed_api_keys"] is True
    world.expect(401, UNKNOWN, "GET", "/app")
    headers = {"x-api-key": HASHED}
    rows = world.ok("GET", f"/organization/audit?orgId={DEMO_ORG}", key=None, headers=headers)["data"]
    assert (rows[0]["operation"], rows[0]["changed_fields"]) == ("UPDATE", ["enforce_hashed_api_keys"])
    names = ("actor_type", "user_id", "actor_user_id", "actor_user_email", "actor_apikey_id", "actor_apikey_name")
    assert [rows[0][name] for name in names] == ["system", None, None, None, None, None]
    off = {"orgId": DEMO_ORG, "enforce_hashed_api_keys": False}
    world.ok("PUT", "/organization", off, key=None, headers=headers)
    assert world("GET", "/app").status == 200
    rows = world.audit(DEMO_ORG)
    assert (rows[0]["actor_type"], rows[0]["actor_apikey_id"]) == ("apikey", 100)


def test_a_hashed_key_that_turns_it_on_is_named(world: Live) -> None:
    """It still resolves when the log is written."""
    on = {"orgId": DEMO_ORG, "enforce_hashed_api_keys": True}
    world.ok("PUT", "/organization", on, key=None, headers={"x-api-key": HASHED})
    rows = world.ok("GET", f"/organization/audit?orgId={DEMO_ORG}", key=None, headers={"x-api-key": HASHED})["data"]
    assert (rows[0]["actor_type"], rows[0]["actor_apikey_id"]) == ("apikey", 100)


def test_a_deleted_organization_asks_nothing(world: Live) -> None:
    """Its bindings are gone, and with them what it asked."""
    org = world.ok("POST", "/organization", {"name": "Strict"}, key=None, headers={"capgkey": key(18)})["id"]
    on = {"orgId": org, "enforce_hashed_api_keys": True}
    world.ok("PUT", "/organization", on, key=None, headers={"capgkey": key(18)})
    world.ok("DELETE", f"/organization?orgId={org}", key=key(18))
    assert world("GET", "/app").status == 200


DATED: list[tuple[str, str, Any, bool]] = [
    ("GET", f"/organization?orgId={DEMO_ORG}", None, True),
    ("PUT", "/organization", {"orgId": DEMO_ORG}, True),
    ("GET", f"/organization/members?orgId={DEMO_ORG}", None, True),
    ("GET", f"/organization/audit?orgId={DEMO_ORG}", None, True),
    ("GET", f"/webhooks?orgId={DEMO_ORG}", None, True),
    ("GET", "/organization", None, False),
    ("POST", "/organization/members", BODY, False),
    ("DELETE", "/organization/members", {"orgId": DEMO_ORG, "email": "test2@capgo.app"}, False),
    ("GET", "/app", None, False),
    ("GET", f"/app?org_id={DEMO_ORG}", None, False),
    ("POST", "/app", {"app_id": "com.x.y", "name": "n", "owner_org": DEMO_ORG}, False),
    ("GET", f"/app/{DEMO}", None, False),
    ("GET", "/apikey", None, False),
    ("GET", f"/statistics/org/{DEMO_ORG}?from=2024-01-01&to=2024-01-02", None, False),
    ("DELETE", f"/organization?orgId={DEMO_ORG}", None, False),
]


@pytest.mark.parametrize(("method", "path", "body", "refused"), DATED)
def test_where_keys_must_expire(world: Live, method: str, path: str, body: Any, refused: bool) -> None:
    """A few routes look at it; a key that expires is served by all."""
    ask(world, key(1), require_apikey_expiration=True)
    for value in (SUPER, key(1)) if refused else (SUPER,):
        reply = world(method, path, body, key=value)
        assert ((reply.status, reply.body) == (401, EXPIRING)) if refused else (reply.status == 200)
    if refused:
        assert world(method, path, body, key=key(19)).status == 200


def test_permission_comes_before_the_date(world: Live) -> None:
    """Who is out of reach is told that."""
    ask(world, key(1), require_apikey_expiration=True)
    read = error("invalid_org_id", "You can't access this organization", {"org_id": DEMO_ORG})
    denied = error("cannot_access_organization", "You can't access this organization", {"orgId": DEMO_ORG})
    world.expect(400, read, "GET", f"/organization?orgId={DEMO_ORG}", key=key(24))
    world.expect(400, denied, "PUT", "/organization", {"orgId": DEMO_ORG}, key=key(6))
    world.expect(400, denied, "GET", f"/organization/members?orgId={DEMO_ORG}", key=key(4))


def test_a_date_is_enough(world: Live) -> None:
    """Another key gives it one, and it is let in."""
    ask(world, key(1), require_apikey_expiration=True)
    world.ok("PUT", "/apikey/115", {"expires_at": "2036-01-01"}, key=key(1))
    assert world.get(f"/organization?orgId={DEMO_ORG}", key=key(2))["id"] == DEMO_ORG
    world.expect(401, EXPIRING, "GET", f"/organization?orgId={DEMO_ORG}", key=key(1))


def test_two_factors_cannot_be_asked_by_a_key(world: Live) -> None:
    """Its user has no second factor; switching it off is fine."""
    refusal = error("requires_2fa_to_enforce_2fa", "You must enable 2FA before enforcing it for your organization")
    world.expect(400, refusal, "PUT", "/organization", {"orgId": DEMO_ORG, "enforcing_2fa": True})
    assert ask(world, enforcing_2fa=False)["enforcing_2fa"] is False
