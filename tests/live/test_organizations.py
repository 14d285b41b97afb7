"""Organizations: create, read, update, delete, and what else changes with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.world.records import DAY
from tests.live.world import (
    ADMIN,
    CRASHED,
    CRON_ORG,
    DEMO,
    DEMO_ORG,
    HASHED,
    QUEUE_ORG,
    SUPER,
    TEST2,
    TEST2_ORG,
    TEST_USER,
    Live,
    error,
    key,
    no_access,
)

NINE = ["id", "created_by", "created_at", "updated_at", "logo", "name", "management_email", "customer_id", "website"]
TWENTY_TWO = [
    "id", "created_by", "created_at", "updated_at", "logo", "name", "management_email", "customer_id",
    "stats_updated_at", "last_stats_updated_at", "enforcing_2fa", "email_preferences", "password_policy_config",
    "enforce_hashed_api_keys", "require_apikey_expiration", "max_apikey_expiration_days", "enforce_encrypted_bundles",
    "required_encryption_key", "has_usage_credits", "website", "stats_refresh_requested_at", "onboarding",
]  # fmt: skip
NOT_READABLE = "You can't access this organization"
DENIED = error("permission_denied", "Permission denied: org.create")
BAD_SITE = error("invalid_body", "Invalid body", {"error": "website_must_be_a_valid_url"})


def update(world: Live, org: str = CRON_ORG, **changes: Any) -> dict[str, Any]:
    """The organization after an update."""
    answer: dict[str, Any] = world.ok("PUT", "/organization", {"orgId": org, **changes})
    assert list(answer) == ["status", "id", "data"]
    assert (answer["status"], answer["id"]) == ("Organization updated", org)
    assert list(answer["data"]) == TWENTY_TWO
    data: dict[str, Any] = answer["data"]
    return data


def test_reading(world: Live) -> None:
    """A bare object of nine fields by id, in letters of any case; a bare list without, also for an empty id."""
    one = world.get(f"/organization?orgId={DEMO_ORG}")
    assert list(one) == NINE
    assert one == world.get(f"/organization?orgId={DEMO_ORG.upper()}")
    listed = world.get("/organization")
    assert one in listed
    assert listed == world.get("/organization?orgId=") == world("GET", "/organization", {"orgId": ""}).body
    assert [row["id"] for row in world.get("/organization", key=key(24))] == ["5eed0000-0000-4000-8000-00000000aa01"]


@pytest.mark.parametrize("org", ["x", "00000000-0000-4000-8000-000000000000", f"%20{DEMO_ORG}", DEMO_ORG[:-1]])
def test_an_unreadable_organization(world: Live, org: str) -> None:
    """Unknown, malformed and foreign ids are refused in one way by each route."""
    sent = org.replace("%20", " ")
    read = error("invalid_org_id", NOT_READABLE, {"org_id": sent})
    of_org = error("cannot_access_organization", NOT_READABLE, {"orgId": sent})
    deleted = error("invalid_org_id", "You can't delete this organization", {"org_id": sent})
    world.expect(400, read, "GET", f"/organization?orgId={org}")
    world.expect(400, of_org, "PUT", "/organization", {"orgId": sent, "name": "n"})
    world.expect(400, of_org, "GET", f"/organization/members?orgId={org}")
    world.expect(403, deleted, "DELETE", f"/organization?orgId={org}")
    foreign = error("invalid_org_id", NOT_READABLE, {"org_id": TEST2_ORG})
    world.expect(400, foreign, "GET", f"/organization?orgId={TEST2_ORG}", key=key(1))


# Creating -----------------------------------------------------------------------------------------------


def test_a_new_organization(world: Live) -> None:
    """It belongs to the key's owner, and the creating key alone may do everything in it."""
    org = world.organization("Acme", email="billing@acme.example", website="acme.example", intent="ota")
    row = world.get(f"/organization?orgId={org}", key=key(1))
    assert row == {
        "id": org, "created_by": TEST_USER, "created_at": row["created_at"], "updated_at": row["created_at"],
        "logo": None, "name": "Acme", "management_email": "billing@acme.example", "customer_id": f"pending_{org}",
        "website": "https://acme.example/",
    }  # fmt: skip
    members = world.get(f"/organization/members?orgId={org}", key=key(1))
    assert [(row["uid"], row["role"], row["is_tmp"]) for row in members] == [(TEST_USER, "org_super_admin", False)]
    for other in (SUPER, HASHED, key(2), key(3), key(25)):
        assert world("GET", f"/organization?orgId={org}", key=other).status == 400
    rows = world.audit(org, key=key(1))
    assert sorted((row["operation"], row["table_name"]) for row in rows) == [
        ("INSERT", "org_users"),
        ("INSERT", "orgs"),
    ]
    assert {row["actor_apikey_id"] for row in rows} == {114}
    data = world.ok("PUT", "/organization", {"orgId": org}, key=key(1))["data"]
    assert data["onboarding"] == {"intent": "ota"}
    assert set(data["email_preferences"].values()) == {True}
    assert len(data["email_preferences"]) == 11


def test_what_a_new_organization_has_when_nothing_is_said(world: Live) -> None:
    """The owner's address, no website, an unknown intent, and the smallest plan for two weeks."""
    org = world.organization("Bare")
    data = world.ok("PUT", "/organization", {"orgId": org}, key=key(1))["data"]
    assert (data["management_email"], data["website"], data["onboarding"]) == ("test@capgo.app", None, {
        "intent": "unknown"
    })  # fmt: skip
    state = world.universe.world.state
    trial = state.subscriptions.get(f"pending_{org}")
    assert trial is not None
    assert (trial.product_id, trial.status, trial.is_good_plan) == ("prod_LQIregjtNduh4q", None, True)
    assert trial.trial_at == state.organizations[org].created_at + 15 * DAY


@pytest.mark.parametrize(
    ("devices", "product"),
    [
        (0, "prod_LQIregjtNduh4q"), (2000, "prod_LQIregjtNduh4q"), (2001, "prod_LQIs1Yucml9ChU"),
        (10_000, "prod_LQIs1Yucml9ChU"), (10_001, "prod_LQIugvJcPrxhda"), (100_001, "prod_MH5Jh6ajC9e7ZH"),
        (1_000_000, "prod_MH5Jh6ajC9e7ZH"),
    ],
)  # fmt: skip
def test_the_plan_covers_the_devices_expected(world: Live, devices: int, product: str) -> None:
    """The smallest that does."""
    org = world.organization("Planned", estimatedMau=devices)
    trial = world.universe.world.state.subscriptions.get(f"pending_{org}")
    assert trial is not None
    assert trial.product_id == product


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [(1, True), (3, True), (19, True), (2, False), (20, False), (4, False), (7, False), (14, False), (25, False)],
)
def test_who_creates_organizations(world: Live, caller: int, allowed: bool) -> None:
    """A key with the grant and, still, an administrator's binding on an organization."""
    reply = world("POST", "/organization", {"name": "Wanted"}, key=key(caller))
    assert (reply.status == 200) if allowed else ((reply.status, reply.body) == (403, DENIED))


def test_the_grant_ends_with_the_last_administrators_binding(world: Live) -> None:
    """The grant stays stored, and does nothing until there is such a binding again."""
    orgs = [world.ok("POST", "/organization", {"name": f"Org {n}"}, key=key(3))["id"] for n in range(2)]
    world.ok("DELETE", f"/organization?orgId={DEMO_ORG}", key=key(1))
    orgs.append(world.ok("POST", "/organization", {"name": "Third"}, key=key(3))["id"])
    for org in orgs:
        world.ok("DELETE", f"/organization?orgId={org}", key=key(3))
    world.expect(403, DENIED, "POST", "/organization", {"name": "Fourth"}, key=key(3))


def test_validation_comes_before_permission(world: Live) -> None:
    """Also for a key that may not create."""
    assert world("POST", "/organization", {"name": "ab"}, key=key(4)).body["error"] == "invalid_body"
    world.expect(400, BAD_SITE, "POST", "/organization", {"name": "Acme", "website": "ftp://x"}, key=key(4))
    world.expect(403, DENIED, "POST", "/organization", {"name": "Acme", "website": "x.example"}, key=key(4))


def test_names_are_taken_by_owner_and_stored_text(world: Live, sane: Live) -> None:
    """Any key of the same owner clashes, another owner does not, and a deleted organization frees its name."""
    org = world.organization("Acme")
    for name in ("Acme", " Acme ", "<b>Acme</b>", "A<i>cm</i>e"):
        world.expect(500, CRASHED, "POST", "/organization", {"name": name}, key=key(3))
    world.organization("ACME")
    world.ok("DELETE", f"/organization?orgId={org}", key=key(1))
    world.organization("Acme")
    sane.organization("Acme")
    reply = sane("POST", "/organization", {"name": "Acme"}, key=key(3))
    assert (reply.status, reply.body["error"]) == (400, "cannot_create_org")


def test_a_name_of_tags_is_stored_empty(world: Live) -> None:
    """Its length is measured as sent; a second such name is taken."""
    org = world.organization("<i></i>")
    assert world.get(f"/organization?orgId={org}", key=key(1))["name"] == ""
    world.expect(500, CRASHED, "POST", "/organization", {"name": "<b></b>"}, key=key(1))


# Updating -----------------------------------------------------------------------------------------------


def test_updating_nothing(world: Live) -> None:
    """Only the id: 200 without a trace. The same value again: an audit row in which nothing changed."""
    before = world.audit(CRON_ORG)
    data = update(world)
    assert world.audit(CRON_ORG) == before
    again = update(world, name=data["name"])
    assert again == data
    (row,) = world.audit(CRON_ORG)[: len(world.audit(CRON_ORG)) - len(before)]
    assert (row["operation"], row["table_name"], row["changed_fields"]) == ("UPDATE", "orgs", None)
    assert (row["actor_type"], row["actor_apikey_id"], row["user_id"]) == ("apikey", 6, TEST_USER)


STORED: list[tuple[str, Any, Any]] = [
    ("name", "  <b>Bold</b> name ", "Bold name"),
    ("name", "x", "x"),
    ("name", "a < b", "a < b"),
    ("logo", "https://cdn.example/logo.png", "https://cdn.example/logo.png"),
    ("logo", "  https://cdn.example/<i>logo.png ", "https://cdn.example/logo.png"),
    ("logo", "", ""),
    ("management_email", "new@example.com", "new@example.com"),
    ("website", None, None),
    ("website", "", None),
    ("website", "  ", None),
    ("require_apikey_expiration", False, False),
    ("enforce_encrypted_bundles", True, True),
    ("enforcing_2fa", False, False),
    ("max_apikey_expiration_days", 1, 1),
    ("max_apikey_expiration_days", 365, 365),
    ("max_apikey_expiration_days", None, None),
    ("required_encryption_key", "k" * 20, "k" * 20),
    ("required_encryption_key", f" {'k' * 21} ", "k" * 21),
    ("required_encryption_key", "   ", None),
    ("required_encryption_key", None, None),
    ("password_policy_config", None, None),
]


@pytest.mark.parametrize(("name", "sent", "stored"), STORED)
def test_what_is_stored(world: Live, name: str, sent: Any, stored: Any) -> None:
    """Each field as it comes back, which is how it reads later."""
    before = update(world)
    after = update(world, **{name: sent})
    assert after == {**before, name: stored}
    assert update(world) == after


def test_a_policy_keeps_its_five_members(world: Live) -> None:
    """Unknown members are dropped."""
    policy = {
        "enabled": True, "min_length": 6, "require_uppercase": False, "require_number": True, "require_special": False,
    }  # fmt: skip
    assert update(world, password_policy_config={**policy, "other": 1})["password_policy_config"] == policy


SITES = [
    ("HTTPS://Capgo.App", "https://capgo.app/"),
    ("capgo.app", "https://capgo.app/"),
    ("capgo.app/x?y=1", "https://capgo.app/x?y=1"),
    ("capgo.app:8080/x", "https://capgo.app:8080/x"),
    ("http://capgo.app:80", "http://capgo.app/"),
    ("https://capgo.app:443/a", "https://capgo.app/a"),
    (" http://x.example#top ", "http://x.example/#top"),
    ("Example.com/Path", "https://example.com/Path"),
    ("https://x.example/a b", "https://x.example/a%20b"),
    # The rest of what a URL parser normalises.
    ("https://x.example/a/../b/./c", "https://x.example/b/c"),
    ("https://x.example/\u00fc", "https://x.example/%C3%BC"),
    ('https://x.example/?q="<>', "https://x.example/?q=%22%3C%3E"),
    ("https://m\u00fcnchen.example", "https://xn--mnchen-3ya.example/"),
    ("https://x.example/?", "https://x.example/?"),
]


@pytest.mark.parametrize(("sent", "stored"), SITES)
def test_a_website_is_stored_as_a_url_parser_writes_it(world: Live, sent: str, stored: str) -> None:
    """With a scheme, in the normal form, which is its own."""
    assert update(world, website=sent)["website"] == stored
    assert update(world, website=stored)["website"] == stored


@pytest.mark.parametrize(
    "site",
    ["ftp://x.example", "mailto:a@b.co", "javascript:alert(1)", "https://u:p@x.example", "https://u@x.example",
     "http://", "https://x.example:99999", "foo bar.example", "https://", "data:text/plain,x"],
)  # fmt: skip
def test_no_website(world: Live, site: str) -> None:
    """Other schemes, user names, and what is no address."""
    world.expect(400, BAD_SITE, "PUT", "/organization", {"orgId": CRON_ORG, "website": site})


FAULTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"enforcing_2fa": True},
        error("requires_2fa_to_enforce_2fa", "You must enable 2FA before enforcing it for your organization"),
    ),
    (
        {"max_apikey_expiration_days": 0},
        error("invalid_max_expiration_days", "Maximum expiration days must be between 1 and 365"),
    ),
    (
        {"required_encryption_key": "short"},
        error("invalid_required_encryption_key", "Encryption key fingerprint must be 20 or 21 characters"),
    ),
    ({"name": "<b> </b>"}, error("invalid_body", "Invalid body", {"error": "sanitized_name_empty"})),
    ({"website": "ftp://x"}, BAD_SITE),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_faults_are_found_in_order(world: Live, first: int) -> None:
    """Of several faults the first in the service's order is told, whatever the order of the body; nothing is stored."""
    body: dict[str, Any] = {"management_email": "changed@example.com"}
    for fault, _ in reversed(FAULTS[first:]):
        body |= fault
    before = update(world)
    world.expect(400, FAULTS[first][1], "PUT", "/organization", {**body, "orgId": CRON_ORG})
    assert update(world) == before


@pytest.mark.parametrize("days", [0, 366, -1, 1.5, 100000])
def test_days_out_of_range(world: Live, days: float) -> None:
    """A whole number from 1 to 365."""
    world.expect(400, FAULTS[1][1], "PUT", "/organization", {"orgId": CRON_ORG, "max_apikey_expiration_days": days})


@pytest.mark.parametrize("length", [1, 19, 22, 100])
def test_fingerprints_of_a_wrong_length(world: Live, length: int) -> None:
    """20 or 21 characters."""
    body = {"orgId": CRON_ORG, "required_encryption_key": "k" * length}
    world.expect(400, FAULTS[2][1], "PUT", "/organization", body)


def test_renaming_to_a_taken_name(world: Live) -> None:
    """Taken by another organization of the same creator; its own name is free to it."""
    first, second = update(world, CRON_ORG, name="Twin"), update(world, QUEUE_ORG)
    violated = 'duplicate key value violates unique constraint "unique_name_created_by"'
    refusal = error("cannot_update_org", "Cannot update org", {"error": violated})
    world.expect(400, refusal, "PUT", "/organization", {"orgId": QUEUE_ORG, "name": "<i>Twin</i> ", "website": "x.y"})
    assert update(world, QUEUE_ORG) == second
    assert update(world, CRON_ORG, name="Twin") == first


def test_updated_at_stays(world: Live) -> None:
    """There is no trigger for it."""
    before = update(world)
    world.later(100)
    after = update(world, name="Later")
    assert after["updated_at"] == before["updated_at"] == before["created_at"]


def test_an_update_is_audited(world: Live) -> None:
    """With both records and the names of what changed, sorted as the database sorts keys."""
    update(world, website="x.example", name="Audited", enforce_encrypted_bundles=True)
    row = world.audit(CRON_ORG)[0]
    assert row["changed_fields"] == ["name", "website", "enforce_encrypted_bundles"]
    assert (row["record_id"], row["org_id"], row["operation"]) == (CRON_ORG, CRON_ORG, "UPDATE")
    assert (row["old_record"]["name"], row["new_record"]["name"]) == ("Cron App Test Org", "Audited")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.permutations(FAULTS), st.integers(1, len(FAULTS)))
def test_any_mixture_of_faults_tells_the_first(faults: list[Any], size: int) -> None:
    """The order of checks does not depend on the order of the body."""
    world = _SHARED.back()
    chosen = faults[:size]
    body: dict[str, Any] = {"orgId": CRON_ORG}
    for fault, _ in chosen:
        body |= fault
    first = min((FAULTS.index(fault) for fault in chosen), default=0)
    world.expect(400, FAULTS[first][1], "PUT", "/organization", body)


_SHARED = Live()


# Deleting -----------------------------------------------------------------------------------------------


def test_deleting_needs_an_id(world: Live) -> None:
    """Other parameters than the id are not enough; an empty one is none."""
    missing = error("missing_org_id", "Missing orgId")
    world.expect(400, missing, "DELETE", "/organization?name=x")
    world.expect(400, missing, "DELETE", "/organization?orgId=")
    world.expect(400, missing, "DELETE", "/organization", {"orgId": None})


def test_everything_in_an_organization_goes_with_it(world: Live) -> None:
    """Apps, channels, overrides, bindings and webhooks; keys and users survive."""
    org = world.organization("Doomed")
    creator = key(1)
    world.make_app("com.doomed.app", org, key=creator)
    world.make_bundle("com.doomed.app", "1.0.0", key=creator)
    world.ok("POST", "/channel", {"app_id": "com.doomed.app", "channel": "c", "version": "1.0.0"}, key=creator)
    world.ok("POST", "/device", {"app_id": "com.doomed.app", "device_id": "d", "channel": "c"}, key=creator)
    hook = {"orgId": org, "name": "h", "url": "https://x.example", "events": ["apps"]}
    world("POST", "/webhooks", hook, key=creator)
    body = {"orgId": org, "email": "admin@capgo.app", "invite_type": "org_admin"}
    world.ok("POST", "/organization/members", body, key=creator)
    assert world.ok("DELETE", f"/organization?orgId={org}", key=creator) == {"status": "ok"}
    gone = error("invalid_org_id", NOT_READABLE, {"org_id": org})
    of_org = error("cannot_access_organization", NOT_READABLE, {"orgId": org})
    denied = error("invalid_org_id", "You can't delete this organization", {"org_id": org})
    world.expect(403, denied, "DELETE", f"/organization?orgId={org}", key=creator)
    world.expect(400, gone, "GET", f"/organization?orgId={org}", key=creator)
    world.expect(400, gone, "GET", f"/organization/audit?orgId={org}", key=creator)
    world.expect(400, gone, "GET", f"/webhooks?orgId={org}", key=creator)
    world.expect(400, of_org, "GET", f"/organization/members?orgId={org}", key=creator)
    world.expect(400, of_org, "PUT", "/organization", {"orgId": org, "name": "Back"}, key=creator)
    world.expect(401, no_access(app_id="com.doomed.app"), "GET", "/app/com.doomed.app", key=creator)
    assert org not in {row["id"] for row in world.get("/organization", key=creator)}
    world.make_app("com.doomed.app")
    assert world.get("/channel?app_id=com.doomed.app") == []


def test_keys_of_a_deleted_organization_live_on(world: Live) -> None:
    """They authenticate, and hold what they hold elsewhere."""
    world.ok("DELETE", f"/organization?orgId={DEMO_ORG}", key=key(1))
    assert world.get("/app", key=key(10)) == []
    assert world.get("/organization", key=key(2)) == []
    assert {row["id"] for row in world.get("/organization", key=ADMIN)} == {"22dbad8a-b885-4309-9b3b-a09f8460fb6d"}
    assert {row["id"] for row in world.get("/organization", key=TEST2)} == {TEST2_ORG}
    world.expect(401, no_access(app_id=DEMO), "GET", f"/app/{DEMO}")
