"""The audit log: what is in it after each kind of change, and its pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.world import (
    ADMIN,
    CRASHED,
    CRON_ORG,
    DEMO,
    DEMO_ORG,
    SUPER,
    TEST2,
    TEST_USER,
    Live,
    error,
    key,
)

FIELDS = [
    "id", "created_at", "table_name", "record_id", "operation", "user_id", "org_id", "old_record", "new_record",
    "changed_fields", "actor_type", "actor_user_id", "actor_user_email", "actor_apikey_id", "actor_apikey_name",
]  # fmt: skip


def since(world: Live, org: str, last: int, by: str = SUPER) -> list[tuple[Any, ...]]:
    """What was written after a row, oldest first: operation, table, record, who."""
    rows = sorted((row for row in world.audit(org, by, limit=100) if row["id"] > last), key=lambda row: int(row["id"]))
    return [(row["operation"], row["table_name"], row["record_id"], row["actor_type"]) for row in rows]


def last(world: Live, org: str, by: str = SUPER) -> int:
    """The number of the newest row."""
    return max(int(row["id"]) for row in world.audit(org, by, limit=100))


def test_a_page(world: Live) -> None:
    """Rows newest first with exactly these fields, beside the total, page and limit in force."""
    page = world.get(f"/organization/audit?orgId={DEMO_ORG}")
    assert list(page) == ["data", "total", "page", "limit"]
    assert (page["page"], page["limit"]) == (0, 50)
    assert all(list(row) == FIELDS for row in page["data"])
    times = [row["created_at"] for row in page["data"]]
    assert times == sorted(times, reverse=True)
    assert page == world.get(f"/organization/audit?orgId={DEMO_ORG.upper()}")


@pytest.mark.parametrize(
    ("sent", "page", "limit"),
    [
        ({"limit": "1"}, 0, 1), ({"limit": "1e1"}, 0, 10), ({"limit": 2}, 0, 2), ({"limit": "500"}, 0, 100),
        ({"limit": 100}, 0, 100), ({"limit": 101}, 0, 100), ({"page": "0", "limit": "3.0"}, 0, 3),
        ({"page": "1", "limit": "1"}, 1, 1), ({"page": "+1", "limit": ".2e1"}, 1, 2), ({"limit": 0}, 0, 0),
        ({"page": 3, "limit": "0"}, 3, 0),
    ],
)  # fmt: skip
def test_pages_and_limits(world: Live, sent: dict[str, Any], page: int, limit: int) -> None:
    """Numbers or numeric text; a limit of 0 gives no rows and the true total."""
    answer = world.ok("GET", "/organization/audit", {"orgId": DEMO_ORG, **sent})
    everything = world.get(f"/organization/audit?orgId={DEMO_ORG}&limit=100")
    assert (answer["page"], answer["limit"], answer["total"]) == (page, limit, everything["total"])
    assert answer["data"] == everything["data"][page * limit : page * limit + limit]


def test_beyond_the_end(world: Live) -> None:
    """A page that starts at the total is empty, one that starts beyond it an error of the database."""
    total = world.get(f"/organization/audit?orgId={CRON_ORG}")["total"]
    at_the_end = world.get(f"/organization/audit?orgId={CRON_ORG}&page={total}&limit=1")
    assert (at_the_end["data"], at_the_end["total"]) == ([], total)
    out_of_range = {
        "code": "PGRST103",
        "details": f"An offset of {total + 1} was requested, but there are only {total} rows.",
        "hint": None,
        "message": "Requested range not satisfiable",
    }
    refusal = error("cannot_get_audit_logs", "Cannot get audit logs", {"error": out_of_range})
    world.expect(400, refusal, "GET", f"/organization/audit?orgId={CRON_ORG}&page={total + 1}&limit=1")


_SHARED = Live()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 30), st.integers(0, 130))
def test_any_page_is_a_window_of_the_whole(page: int, limit: int) -> None:
    """Whatever page and limit: the window, or the error of a window that begins beyond the end."""
    world = _SHARED.back()
    everything = world.get(f"/organization/audit?orgId={DEMO_ORG}&limit=100")
    total, shown = everything["total"], min(limit, 100)
    assert total <= 100
    reply = world("GET", f"/organization/audit?orgId={DEMO_ORG}&page={page}&limit={limit}")
    if shown and page * shown > total:
        assert (reply.status, reply.body["error"]) == (400, "cannot_get_audit_logs")
    else:
        assert reply.body["data"] == everything["data"][page * shown : (page + 1) * shown]
        assert (reply.body["total"], reply.body["limit"]) == (total, shown)


def test_filters(world: Live) -> None:
    """Exact and unvalidated."""
    rows = world.audit(DEMO_ORG, limit=100)
    for name, field in (("tableName", "table_name"), ("operation", "operation")):
        for value in ("apps", "channels", "INSERT", "DELETE", "insert", "nonsense"):
            page = world.get(f"/organization/audit?orgId={DEMO_ORG}&limit=100&{name}={value}")
            assert page["data"] == [row for row in rows if row[field] == value]
            assert page["total"] == len(page["data"])


@pytest.mark.parametrize("org", ["x", "", " ", DEMO_ORG[:-1]])
def test_what_is_no_id(world: Live, sane: Live, org: str) -> None:
    """A crash for any key; without faults it is an organization out of reach."""
    for by in (SUPER, key(10)):
        world.expect(500, CRASHED, "GET", "/organization/audit", {"orgId": org, "limit": 1}, key=by)
        denied = error("invalid_org_id", "You can't access this organization", {"org_id": org})
        sane.expect(400, denied, "GET", "/organization/audit", {"orgId": org, "limit": 1}, key=by)


def test_the_order_of_checks(world: Live) -> None:
    """Body, organization, expiring keys, then the right to read the log."""
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": True}, key=key(1))
    denied = error("invalid_org_id", "You can't access this organization", {"org_id": DEMO_ORG})
    path = f"/organization/audit?orgId={DEMO_ORG}"
    assert world("GET", f"{path}&page=x", key=key(10)).body["error"] == "invalid_body"
    world.expect(400, denied, "GET", path, key=key(24))
    assert world("GET", path, key=key(6)).body["error"] == "org_requires_expiring_key"
    assert world("GET", path, key=key(19)).status == 200


def test_rows_are_kept_for_thirty_days(world: Live) -> None:
    """Then they are purged."""
    world.ok("PUT", "/organization", {"orgId": CRON_ORG, "name": "Dated"})
    world.later(29 * 86_400)
    assert world.audit(CRON_ORG)[0]["new_record"]["name"] == "Dated"
    world.later(86_401)
    assert world.audit(CRON_ORG) == []


# What each change leaves --------------------------------------------------------------------------------


def test_an_apps_life(world: Live) -> None:
    """Created by the service's own credentials, changed and deleted by the key."""
    start = last(world, DEMO_ORG)
    world.make_app("com.audit.app")
    world.ok("PUT", "/app/com.audit.app", {"retention": 10})
    world.ok("DELETE", "/app/com.audit.app")
    assert since(world, DEMO_ORG, start) == [
        ("INSERT", "apps", "com.audit.app", "system"),
        ("UPDATE", "apps", "com.audit.app", "apikey"),
        ("DELETE", "apps", "com.audit.app", "apikey"),
    ]
    rows = [row for row in world.audit(DEMO_ORG) if row["id"] > start]
    by_operation = {row["operation"]: row for row in rows}
    assert by_operation["UPDATE"]["changed_fields"] == ["retention", "updated_at"]
    assert by_operation["INSERT"]["old_record"] is None
    assert by_operation["DELETE"]["new_record"] is None
    assert by_operation["INSERT"]["user_id"] is None


def test_a_bundles_life(world: Live) -> None:
    """Rows go by number, and a deletion is a change."""
    start = last(world, DEMO_ORG)
    number = str(world.make_bundle(DEMO, "6.6.6"))
    world.ok("POST", "/bundle/metadata", {"app_id": DEMO, "version_id": number, "comment": "c"})
    world.ok("DELETE", "/bundle", {"app_id": DEMO, "version": "6.6.6"})
    assert since(world, DEMO_ORG, start) == [
        ("INSERT", "app_versions", number, "apikey"),
        ("UPDATE", "app_versions", number, "apikey"),
        ("UPDATE", "app_versions", number, "apikey"),
    ]
    newest = max(world.audit(DEMO_ORG), key=lambda row: int(row["id"]))
    assert set(newest["changed_fields"]) == {"deleted", "deleted_at", "updated_at"}
    assert {"manifest", "native_packages"} & set(newest["new_record"]) == set()


def test_members_come_by_key_and_go_by_the_service(world: Live) -> None:
    """An invitation names the key, a removal nobody."""
    start = last(world, DEMO_ORG)
    body = {"orgId": DEMO_ORG, "email": "nonmember@capgo.app", "invite_type": "read"}
    world.ok("POST", "/organization/members", body)
    world.ok("DELETE", "/organization/members", {"orgId": DEMO_ORG, "email": "nonmember@capgo.app"})
    assert [(row[0], row[3]) for row in since(world, DEMO_ORG, start)] == [("INSERT", "apikey"), ("DELETE", "system")]


@pytest.mark.parametrize(
    ("by", "user", "number", "email"),
    [
        (SUPER, TEST_USER, 6, "test@capgo.app"),
        (TEST2, "6f0d1a2e-59ed-4769-b9d7-4d9615b28fe5", 9, "test2@capgo.app"),
        (ADMIN, "c591b04e-cf29-4945-b9a0-776d0672061a", 3, "admin@capgo.app"),
        (key(7), TEST_USER, 120, "test@capgo.app"),
    ],
)
def test_who_it_was(world: Live, by: str, user: str, number: int, email: str) -> None:
    """The key with its number and name, and its owner's account."""
    world.ok("PUT", f"/app/{DEMO}", {"name": "Renamed"}, key=by)
    row = max(world.audit(DEMO_ORG), key=lambda row: int(row["id"]))
    names = ("actor_type", "actor_apikey_id", "user_id", "actor_user_id", "actor_user_email")
    assert [row[name] for name in names] == ["apikey", number, user, user, email]


def test_refusals_leave_nothing(world: Live) -> None:
    """A call that was refused wrote no row."""
    start = world.audit(DEMO_ORG)
    for method, path, body in (
        ("POST", "/channel", {"app_id": DEMO, "channel": "no_access", "version": "9.9.9"}),
        ("POST", "/channel", {"app_id": DEMO, "channel": "new", "version": "9.9.9", "public": True}),
        ("POST", "/channel", {"app_id": DEMO, "channel": "new", "rolloutPercentage": 101}),
        ("DELETE", "/bundle", {"app_id": DEMO, "version": "1.0.0"}),
        ("PUT", f"/app/{DEMO}", {"retention": -1, "name": "n"}),
        ("POST", "/app", {"app_id": DEMO, "name": "n", "owner_org": DEMO_ORG}),
        ("PUT", "/organization", {"orgId": DEMO_ORG, "website": "ftp://x", "name": "n"}),
        ("POST", "/organization/members", {"orgId": DEMO_ORG, "email": "no@example.com", "invite_type": "read"}),
    ):
        assert world(method, path, body).status >= 400
    assert world.audit(DEMO_ORG) == start
