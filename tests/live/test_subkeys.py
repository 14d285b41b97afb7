"""`x-limited-key-id`: which keys may stand in for the key that was sent, and what they then decide."""

from __future__ import annotations

import pytest

from tests.conftest import Reply
from tests.live.world import (
    DEMO,
    DEMO_ORG,
    HASHED,
    NO_ROWS,
    SUCCESSION_ORG,
    SUPER,
    TEST2,
    TEST_USER,
    Live,
    error,
    key,
    no_access,
)

SYNTAX = error("invalid_subkey", "Invalid x-limited-key-id")
INVALID = error("invalid_subkey", "Invalid subkey")
UNLIMITED = error("invalid_subkey", "Invalid subkey, no limited apps or orgs")


def behind(world: Live, subkey: object, method: str, path: str, body: object = None, parent: str = SUPER) -> Reply:
    """The answer to a call by a subkey."""
    return world(method, path, body, key=parent, headers={"x-limited-key-id": str(subkey)})


@pytest.mark.parametrize("value", ["", "0", "05", "-5", "+5", "5 ", " 5", "5.0", "1e3", "abc", "9007199254740992", "٥"])
@pytest.mark.parametrize("path", ["/app", f"/organization/audit?orgId={DEMO_ORG}"])
def test_the_id_is_a_positive_safe_integer(world: Live, value: str, path: str) -> None:
    """Anything else is refused before the key is looked up."""
    for parent in (SUPER, "no such key" if path == "/app" else key(999)):
        reply = behind(world, value, "GET", path, parent=parent)
        assert (reply.status, reply.body) == (401, SYNTAX)


def test_without_a_key_the_rules_differ(world: Live) -> None:
    """Rule K looks at the id first, rule A has nothing to look at without a credential."""
    headers = {"x-limited-key-id": "x"}
    world.expect(401, SYNTAX, "GET", "/app", key=None, headers=headers)
    nothing = error("no_jwt_apikey_or_subkey", "No JWT, apikey or subkey provided")
    world.expect(401, nothing, "GET", "/apikey", key=None, headers=headers)
    world.expect(401, error("no_key_provided", "No key provided"), "GET", "/app", key=None, headers={
        "x-limited-key-id": "5"
    })  # fmt: skip


@pytest.mark.parametrize(
    ("subkey", "refusal"),
    [
        (999999, INVALID),
        (9007199254740991, INVALID),
        (9, INVALID),  # another owner's
        (136, INVALID),
        (102, INVALID),  # expired
        (101, INVALID),
        (133, UNLIMITED),  # its only binding has expired
        (131, INVALID),  # limited, since its owner is in other organizations too, but hashed
        (100, INVALID),
    ],
)
def test_a_subkey_that_does_not_serve(world: Live, subkey: int, refusal: dict[str, object]) -> None:
    """Unknown, foreign and expired keys, and those that are not limited."""
    for path in ("/app", f"/organization/audit?orgId={DEMO_ORG}"):
        reply = behind(world, subkey, "GET", path)
        assert (reply.status, reply.body) == (401, refusal)


def test_super_admin_of_all_that_the_owner_has_is_not_limited() -> None:
    """Before there were other organizations, the owner's super admin keys reached everything: plain or hashed."""
    seed = Live(fixture="capgo-seed")
    for subkey in (6, 100):
        assert behind(seed, subkey, "GET", "/app").body == UNLIMITED


@pytest.mark.parametrize("parent", [SUPER, key(1), key(10), key(13), key(20)])
def test_the_subkey_decides_and_its_parent_does_not(world: Live, parent: str) -> None:
    """Behind any key of the same owner, weak or strong, a subkey may what it may."""
    assert behind(world, 123, "GET", f"/app/{DEMO}", parent=parent).status == 200
    refused = behind(world, 123, "PUT", f"/app/{DEMO}", {"name": "n"}, parent=parent)
    assert (refused.status, refused.body) == (401, no_access(app_id=DEMO))
    assert behind(world, 120, "PUT", f"/app/{DEMO}", {"name": "By a subkey"}, parent=parent).status == 200
    assert behind(world, 119, "GET", "/app", parent=parent).body == []


def test_the_audit_log_names_the_subkey(world: Live) -> None:
    """What a subkey does is done by the subkey."""
    behind(world, 120, "PUT", f"/app/{DEMO}", {"name": "By a subkey"})
    row = world.audit(DEMO_ORG)[0]
    assert (row["actor_type"], row["actor_apikey_id"], row["actor_apikey_name"]) == ("apikey", 120, "keys app admin")
    assert row["user_id"] == TEST_USER


def test_a_subkey_manages_keys_as_itself(world: Live) -> None:
    """Refusals name the subkey; it may delete its own parent, and not itself."""
    reply = behind(world, 118, "DELETE", "/apikey/118", parent=key(2))
    itself = error("cannot_delete_apikey", "API keys cannot delete themselves", {"apikeyId": 118})
    assert (reply.status, reply.body) == (401, itself)
    reply = behind(world, 123, "GET", "/apikey")
    message = "API key management requires RBAC org role management permission"
    assert (reply.status, reply.body) == (401, error("cannot_list_apikeys", message, {"apikeyId": 123}))
    assert behind(world, 118, "DELETE", "/apikey/115", parent=key(2)).status == 200
    world.expect(401, error("invalid_apikey", "Invalid apikey"), "GET", "/app", key=key(2))


@pytest.mark.parametrize(
    ("parent", "subkey", "refusal"),
    [
        (key(10), 115, error("no_permission", "App-scoped API keys cannot manage organization webhooks")),
        (key(1), 123, error("no_permission", "App-scoped API keys cannot manage organization webhooks")),
        (key(24), 115, error("invalid_org_id", "You can't access this organization")),
        (key(1), 137, error("invalid_org_id", "You can't access this organization")),
        (key(1), 119, error("no_permission", "You need admin access to manage webhooks")),
        (key(6), 115, None),  # the parent need not be an administrator
        (key(1), 115, None),
    ],
)
def test_webhooks_look_at_both(world: Live, parent: str, subkey: int, refusal: dict[str, object] | None) -> None:
    """Scope and organization are checked for the parent, then for the subkey; administration for the subkey alone."""
    reply = behind(world, subkey, "GET", f"/webhooks?orgId={DEMO_ORG}", parent=parent)
    if refusal is None:
        assert (reply.status, reply.body) == (200, [])
    else:
        assert (reply.status, reply.body) == (400, {**refusal, "moreInfo": {"org_id": DEMO_ORG}})


def test_a_webhook_needs_two_dated_keys(world: Live) -> None:
    """Where keys must expire, neither parent nor subkey may be one that does not."""
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": True}, key=key(1))
    for parent, subkey, good in ((key(1), 132, False), (key(19), 115, False), (key(19), 132, True)):
        reply = behind(world, subkey, "GET", f"/webhooks?orgId={DEMO_ORG}", parent=parent)
        if good:
            assert (reply.status, reply.body) == (200, [])
        else:
            assert (reply.status, reply.body["error"]) == (401, "org_requires_expiring_key")


def test_the_expiry_policy_looks_at_the_subkey(world: Live) -> None:
    """Elsewhere the key that decides is the one that has to expire."""
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": True}, key=key(1))
    path = f"/organization?orgId={DEMO_ORG}"
    assert behind(world, 132, "GET", path, parent=key(1)).status == 200
    assert behind(world, 115, "GET", path, parent=key(19)).body["error"] == "org_requires_expiring_key"


def test_a_plain_subkey_where_keys_must_be_hashed_may_nothing(world: Live) -> None:
    """It is taken behind a hashed parent, and then holds no permission anywhere."""
    world.ok("PUT", "/organization", {"orgId": SUCCESSION_ORG, "enforce_hashed_api_keys": True}, key=key(24))
    reply = behind(world, 138, "GET", f"/organization?orgId={DEMO_ORG}", parent=HASHED)
    denied = error("invalid_org_id", "You can't access this organization", {"org_id": DEMO_ORG})
    assert (reply.status, reply.body) == (400, denied)
    assert behind(world, 138, "GET", "/app", parent=HASHED).body == []
    assert behind(world, 138, "GET", "/app", parent=key(25)).body == error("invalid_apikey", "Invalid apikey")


def test_a_subkey_with_the_grant_creates_organizations(world: Live) -> None:
    """The grant of the parent is not looked at, in either direction."""
    denied = behind(world, 115, "POST", "/organization", {"name": "By subkey"}, parent=key(1))
    assert (denied.status, denied.body) == (403, error("permission_denied", "Permission denied: org.create"))
    made = behind(world, 116, "POST", "/organization", {"name": "By subkey"}, parent=key(10))
    assert made.status == 200
    assert world.get(f"/organization?orgId={made.body['id']}", key=key(3))["created_by"] == TEST_USER
    assert world("GET", f"/organization?orgId={made.body['id']}", key=key(10)).status == 400


def test_channels_are_seen_by_the_subkey(world: Live) -> None:
    """A channel-scoped subkey acts on its channel and sees no other."""
    reply = behind(world, 127, "DELETE", f"/channel?app_id={DEMO}&channel=production")
    missing = error("cannot_find_channel", "Cannot find channel", {"supabaseError": NO_ROWS})
    assert (reply.status, reply.body) == (400, missing)
    body = {"app_id": DEMO, "channel": "no_access", "allow_dev": False}
    assert behind(world, 127, "POST", "/channel", body).body == {"status": "ok"}
    assert world.channel(DEMO, "no_access")["allow_dev"] is False


def test_a_foreign_parent_has_no_such_subkey(world: Live) -> None:
    """Subkeys belong to the same owner."""
    reply = behind(world, 123, "GET", "/app", parent=TEST2)
    assert (reply.status, reply.body) == (401, INVALID)
