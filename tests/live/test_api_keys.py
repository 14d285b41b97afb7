"""API keys: the list, one key, changing, regenerating, deleting, and what no key may do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mock_capgo.world.clock import iso_offset
from mock_capgo.world.records import DAY, SECOND
from tests.live.world import (
    DEMO,
    DEMO_ORG,
    EXPIRED,
    HASHED,
    MANAGEMENT,
    MANAGER,
    NO_ROWS,
    READER,
    SUPER,
    TEST_USER,
    UNPARSABLE,
    Live,
    database,
    error,
    key,
)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PUBLIC = ["created_at", "expires_at", "id", "name", "rbac_id", "updated_at", "user_id", "is_hashed_key"]
FULL = ["id", "created_at", "user_id", "key", "updated_at", "name", "key_hash", "expires_at", "rbac_id"]
UNMANAGED = "API key cannot manage this API key"
CREATE = error("cannot_create_apikey", "API keys cannot create other API keys")
NOT_FOUND = error("api_key_not_found", "API key not found", {"supabaseError": NO_ROWS})


def update(world: Live, body: Any, path: str = "/apikey/5", by: str = SUPER, **more: Any) -> tuple[int, Any]:
    """Status and body of an update; the request's id must be a UUID, and is taken out."""
    reply = world("PUT", path, body, key=by, **more)
    told = reply.body.get("moreInfo", {})
    if "requestId" in told:
        assert UUID.fullmatch(told.pop("requestId"))
        told["requestId"] = "…"
    return reply.status, reply.body


def refusal(code: str, message: str, **more: Any) -> dict[str, Any]:
    """A refusal of an update that names the request."""
    return error(code, message, {"requestId": "…", **more})


def test_the_list(world: Live) -> None:
    """All keys of the owner whose organizations the caller manages: itself and expired ones too, never a value."""
    rows = world.get("/apikey")
    assert all(list(row) == [*PUBLIC, "global_permissions"] for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert {4, 5, 6, 7, 100, 101, 102, 114, 131} <= set(by_id)
    assert {row["user_id"] for row in rows} == {TEST_USER}
    assert by_id[100]["is_hashed_key"] is True
    assert by_id[114]["global_permissions"] == ["org.create"]
    assert (133 in by_id, 137 in by_id) == (False, False)
    assert 137 in {row["id"] for row in world.get("/apikey", key=key(24))}
    assert [row["id"] for row in world.get("/apikey", key=MANAGER)] == [112, 113]


def test_one_key(world: Live) -> None:
    """By number or by plain value; a hashed key by number only."""
    row = world.get("/apikey/5")
    assert list(row) == [*PUBLIC, "global_permissions"]
    assert row == world.get(f"/apikey/{READER}") == world.get("/apikey/0005")
    assert world.get(f"/apikey/{EXPIRED}")["id"] == 102
    assert world.get("/apikey/6")["id"] == 6
    assert world.get("/apikey/100")["is_hashed_key"] is True
    missing = error("failed_to_get_apikey", "Failed to get API key", {"supabaseError": NO_ROWS})
    for wanted in (HASHED, "999999", "9", "12345678-1234-4234-8234-123456789012", "abcdefgh", READER.upper()):
        world.expect(404, missing, "GET", f"/apikey/{wanted}")


@pytest.mark.parametrize("wanted", ["abc", "abcdefg", "abcd%20efgh", "a" * 257, "abcdefgh!", "-5"])
def test_what_is_no_id(world: Live, wanted: str) -> None:
    """Neither digits nor a token of eight to 256 characters; each operation has its words."""
    wanted = wanted.replace("%20", " ")
    get = error("invalid_id_format", "API key ID must be a numeric ID, UUID key, or legacy key token")
    world.expect(400, get, "GET", f"/apikey/{wanted}")
    world.expect(400, error("invalid_id_format", "API key ID must be a valid UUID or number"), "DELETE",
                 f"/apikey/{wanted}")  # fmt: skip
    bad = refusal("invalid_id_format", "API key ID must be a valid UUID or number")
    assert update(world, {"name": "n"}, f"/apikey/{wanted}") == (400, bad)
    assert update(world, {"name": "n", "id": wanted}, "/apikey") == (400, bad)


def test_beyond_the_database(world: Live) -> None:
    """A number that no id can be is not found, in the database's own words."""
    beyond = database("22003", 'value "9223372036854775808" is out of range for type bigint')
    world.expect(404, error("api_key_not_found", "API key not found", {"supabaseError": beyond}), "DELETE",
                 "/apikey/9223372036854775808")  # fmt: skip
    world.expect(404, NOT_FOUND, "DELETE", "/apikey/9223372036854775807")


@pytest.mark.parametrize("value", [SUPER, key(1), key(10), key(20), MANAGER])
@pytest.mark.parametrize("raw", [b"", b"{", b"null", b'{"name": "n", "bindings": []}'])
def test_no_key_makes_keys(world: Live, value: str, raw: bytes) -> None:
    """However powerful; the body is not looked at."""
    world.expect(400, CREATE, "POST", "/apikey", key=value, raw=raw)


BINDING = {"role_name": "app_reader", "scope_type": "app", "org_id": DEMO_ORG, "app_id": "a"}
ORDER: list[tuple[dict[str, Any], int, dict[str, Any]]] = [
    ({"bindings": "x"}, 400, refusal("invalid_bindings", "bindings must be an array")),
    ({"global_permissions": "x"}, 400,
     refusal("invalid_global_permissions", "global_permissions must be an array")),
    ({"expires_at": "never"}, 400, error("invalid_expiration_date", "Invalid expiration date format")),
    ({"name": 5}, 400, refusal("name_must_be_a_string", "Name must be a string")),
    ({"regenerate": "yes"}, 400, refusal("regenerate_must_be_boolean", "regenerate must be a boolean")),
]  # fmt: skip


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_an_updates_faults_in_order(world: Live, first: int) -> None:
    """Whatever key is meant, and whatever else is wrong after it."""
    body: dict[str, Any] = {}
    for fault, _, _ in reversed(ORDER[first:]):
        body |= fault
    for path in ("/apikey/5", "/apikey/999999", "/apikey/6"):
        assert update(world, body, path) == ORDER[first][1:]


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (5, "Each binding must be an object"),
        ({**BINDING, "role_name": ""}, "Each binding must have a role_name"),
        ({**BINDING, "role_name": 5}, "Each binding must have a role_name"),
        ({**BINDING, "scope_type": "user"}, "Each binding must have a valid scope_type (org, app, channel)"),
        ({**BINDING, "org_id": None}, "Each binding must have an org_id"),
        ({**BINDING, "app_id": 5}, "app_id must be a string when provided"),
        ({**BINDING, "channel_id": True}, "channel_id must be a string or number when provided"),
        ({**BINDING, "channel_id": []}, "channel_id must be a string or number when provided"),
    ],
)
def test_bindings_of_a_wrong_shape(world: Live, element: Any, message: str) -> None:
    """The first fault of the first such binding; without the request's id."""
    assert update(world, {"bindings": [BINDING, element, 7]}) == (400, error("invalid_bindings", message))
    required = refusal("bindings_required", "API key bindings are required")
    assert update(world, {"bindings": []}) == (400, required)


def test_global_permissions_of_a_wrong_kind(world: Live) -> None:
    """Only one exists; the one that does not is echoed."""
    unsupported = refusal(
        "invalid_global_permissions", "Unsupported API key global permission", permission="org.delete"
    )
    assert update(world, {"global_permissions": ["org.create", "org.delete"]}) == (400, unsupported)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("", "Invalid expiration date format"),
        ("soon", "Invalid expiration date format"),
        ({}, "Invalid expiration date format"),
        (0, "Expiration date must be in the future"),
        ("2020-01-01", "Expiration date must be in the future"),
        ("2026-02-30", "Expiration date must be in the future"),
        ("1 Jan 2020", "Expiration date must be in the future"),
    ],
)
def test_dates_that_do_not_do(world: Live, sent: Any, message: str) -> None:
    """What no date is, and what is past."""
    assert update(world, {"expires_at": sent}) == (400, error("invalid_expiration_date", message))


NO_FIELDS = (
    "No valid fields provided for update. Provide name, expires_at, bindings, global_permissions, or regenerate."
)


@pytest.mark.parametrize("body", [{}, {"regenerate": False}, {"other": 1}, {"hashed": True}, []])
def test_an_update_without_a_known_field(world: Live, body: Any) -> None:
    """`regenerate: false` alone asks for nothing."""
    assert update(world, body) == (400, refusal("no_valid_fields_provided_for_update", NO_FIELDS))
    required = refusal("api_key_id_required", "API key ID is required")
    assert update(world, body, "/apikey") == (400, required)


def test_whose_key_it_is(world: Live) -> None:
    """Not found, itself, permissions, out of reach: in this order."""
    missing = refusal("api_key_not_found_or_access_denied", "API key not found or access denied", supabaseError=NO_ROWS)
    both = {"name": "n", "bindings": [BINDING]}
    for path in ("/apikey/9", "/apikey/999999"):
        assert update(world, both, path) == (404, missing)
    itself = refusal("cannot_update_apikey", "API keys cannot update themselves", apikeyId=6)
    assert update(world, both, "/apikey/6") == (401, itself)
    assert update(world, both, f"/apikey/{SUPER}") == (401, itself)
    permissions = refusal("cannot_update_apikey", "API keys cannot update API key permissions", apikeyId=6)
    assert update(world, both) == (401, permissions)
    assert update(world, {"global_permissions": []}, "/apikey/137") == (401, permissions)
    unmanaged = refusal("cannot_update_apikey", UNMANAGED, apikeyId=6)
    assert update(world, {"name": "n"}, "/apikey/137") == (401, unmanaged)
    assert update(world, {"name": "n"}, "/apikey/133") == (401, unmanaged)


@pytest.mark.parametrize("name", ["New name", " spaces ", "<b>tags</b>", "test app uploader"])
def test_a_new_name(world: Live, name: str) -> None:
    """Stored as sent; names need not differ. The answer has no global permissions, since none were sent."""
    before = world.get("/apikey/5")
    status, row = update(world, {"name": name, "unknown": 1})
    assert (status, list(row), row["name"]) == (200, PUBLIC, name)
    assert row["updated_at"] > before["updated_at"]
    assert world.get("/apikey/5") == {**before, "name": name, "updated_at": row["updated_at"]}


def test_an_empty_name(world: Live) -> None:
    """It is made of the number."""
    assert update(world, {"name": ""})[1]["name"] == "Apikey 5"


def test_which_id_counts(world: Live) -> None:
    """The path's before the body's; numbers and text alike."""
    assert update(world, {"id": 4, "name": "By path"})[1]["id"] == 5
    assert update(world, {"id": 4, "name": "By body"}, "/apikey")[1]["id"] == 4
    assert update(world, {"id": "4", "name": "By body"}, "/apikey/")[1]["id"] == 4
    assert update(world, {"id": READER, "name": "By value"}, "/apikey")[1]["id"] == 5


def test_regenerating_a_plain_key(world: Live) -> None:
    """The new value is in this answer; what the key may do stays."""
    before = world.get("/apikey/5")
    status, row = update(world, {"regenerate": True, "name": "Renewed"})
    assert (status, list(row)) == (200, [*FULL, "is_hashed_key"])
    assert UUID.fullmatch(row["key"])
    assert (row["key_hash"], row["is_hashed_key"], row["name"], row["rbac_id"]) == (
        None, False, "Renewed", before["rbac_id"]
    )  # fmt: skip
    assert world("GET", f"/app/{DEMO}", key=READER).status == 401
    assert world("GET", f"/app/{DEMO}", key=row["key"]).status == 200
    assert world.get(f"/apikey/{row['key']}")["id"] == 5


def test_regenerating_a_hashed_key(world: Live) -> None:
    """It stays hashed, and its value is shown all the same."""
    row = update(world, {"regenerate": True}, "/apikey/100")[1]
    assert re.fullmatch("[0-9a-f]{64}", row["key_hash"])
    assert row["is_hashed_key"] is True
    assert world("GET", "/app", key=HASHED).status == 401
    assert world("GET", "/app", key=row["key"]).status == 200
    assert world("GET", "/organization/audit?orgId=" + DEMO_ORG, key=row["key"]).status == 200


def test_an_expired_key_is_managed_like_any(world: Live) -> None:
    """A later date revives it, and its old value works again."""
    assert world("GET", "/app", key=EXPIRED).status == 401
    assert update(world, {"expires_at": None}, "/apikey/102")[0] == 200
    assert world("GET", "/app", key=EXPIRED).status == 200


@pytest.mark.parametrize(
    "moment", ["2040-01-02", "2040-01-02T03:04:05Z", "2040-01-02T03:04:05.678+02:00", 2208988800000]
)
def test_an_expiry(world: Live, moment: Any) -> None:
    """Anything that is a date, shown with its offset."""
    expected = {
        "2040-01-02": "2040-01-02T00:00:00+00:00", "2040-01-02T03:04:05Z": "2040-01-02T03:04:05+00:00",
        "2040-01-02T03:04:05.678+02:00": "2040-01-02T01:04:05.678+00:00", 2208988800000: "2040-01-01T00:00:00+00:00",
    }[moment]  # fmt: skip
    assert update(world, {"expires_at": moment})[1]["expires_at"] == expected


def test_policies_of_the_targets_organizations(world: Live) -> None:
    """Only when an expiry is sent; the strictest organization decides."""
    change = {"orgId": DEMO_ORG, "require_apikey_expiration": True, "max_apikey_expiration_days": 10}
    world.ok("PUT", "/organization", change)
    required = error("expiration_required", "This organization requires API keys to have an expiration date")
    exceeds = error("expiration_exceeds_max", "API key expiration cannot exceed 10 days for this organization")
    now = world.universe.world.now
    assert update(world, {"expires_at": None}) == (400, required)
    assert update(world, {"expires_at": iso_offset(now + 11 * DAY)}) == (400, exceeds)
    assert update(world, {"expires_at": iso_offset(now + 9 * DAY)})[0] == 200
    assert update(world, {"name": "No date sent"})[0] == 200
    assert update(world, {"regenerate": True})[0] == 200


def test_rank_does_not_matter(world: Live) -> None:
    """A manager of keys renames a super admin's and deletes an administrator's."""
    assert update(world, {"name": "By a manager"}, "/apikey/114", by=key(5))[0] == 200
    assert update(world, {"regenerate": True}, "/apikey/114", by=key(2))[0] == 200
    world.ok("DELETE", "/apikey/115", key=key(5))
    assert world("GET", "/app", key=key(2)).status == 401


def test_deleting(world: Live) -> None:
    """By number or plain value; the value stops working and the second time there is no such key."""
    assert world.ok("DELETE", "/apikey/5") == {"status": "ok"}
    world.expect(404, NOT_FOUND, "DELETE", "/apikey/5")
    assert world("GET", "/app", key=READER).status == 401
    assert world.ok("DELETE", f"/apikey/{EXPIRED}") == {"status": "ok"}
    world.expect(404, NOT_FOUND, "DELETE", f"/apikey/{HASHED}")
    assert world.ok("DELETE", "/apikey/100/") == {"status": "ok"}
    assert {4, 5, 100, 102} & {row["id"] for row in world.get("/apikey")} == {4}


def test_what_is_not_deleted(world: Live) -> None:
    """Others' keys are not found, itself and what is out of reach are refused."""
    world.expect(404, NOT_FOUND, "DELETE", "/apikey/9")
    itself = error("cannot_delete_apikey", "API keys cannot delete themselves", {"apikeyId": 6})
    world.expect(401, itself, "DELETE", "/apikey/6")
    world.expect(401, itself, "DELETE", f"/apikey/{SUPER}")
    for target in (133, 137, 139, 140):
        world.expect(401, error("cannot_delete_apikey", UNMANAGED, {"apikeyId": 6}), "DELETE", f"/apikey/{target}")
        world.expect(401, error("cannot_get_apikey", UNMANAGED, {"apikeyId": 6}), "GET", f"/apikey/{target}")


def test_a_key_of_two_organizations_needs_both(world: Live) -> None:
    """Key 138 is bound in three; whoever manages one of them does not reach it."""
    for manager, number in ((SUPER, 6), (key(24), 137), (key(27), 140)):
        world.expect(
            401, error("cannot_get_apikey", UNMANAGED, {"apikeyId": number}), "GET", "/apikey/138", key=manager
        )
    assert {114, 137, 140} <= {row["id"] for row in world.get("/apikey", key=key(25))}
    made = world.organization("Own")
    world.expect(401, error("cannot_get_apikey", UNMANAGED, {"apikeyId": 115}), "GET", "/apikey/114", key=key(2))
    world.ok("DELETE", f"/organization?orgId={made}", key=key(1))
    assert world.get("/apikey/114", key=key(2))["id"] == 114


def test_a_key_whose_channel_is_gone_is_nobodys(world: Live) -> None:
    """It has no binding left to be managed by, and still authenticates."""
    assert world.get("/apikey/128")["id"] == 128
    world.ok("DELETE", f"/channel?app_id={DEMO}&channel=no_access")
    world.expect(401, error("cannot_get_apikey", UNMANAGED, {"apikeyId": 6}), "GET", "/apikey/128")
    assert 128 not in {row["id"] for row in world.get("/apikey")}
    assert world.get("/app", key=key(15)) == []


def test_two_keys_of_one_organization_manage_each_other(world: Live) -> None:
    """The manager's key the super admin's, and the other way round."""
    assert update(world, {"name": "a"}, "/apikey/112", by=MANAGER)[0] == 200
    assert update(world, {"name": "b"}, "/apikey/113", by=MANAGEMENT)[0] == 200
    world.ok("DELETE", "/apikey/112", key=MANAGER)
    assert world("GET", "/apikey", key=MANAGEMENT).status == 401


def test_keys_are_not_audited(world: Live) -> None:
    """Neither changes nor deletions."""
    before = world.audit(DEMO_ORG)
    update(world, {"name": "x"})
    world.ok("DELETE", "/apikey/4")
    assert world.audit(DEMO_ORG) == before


def test_the_body_is_looked_at_after_the_right(world: Live) -> None:
    """Who may not manage keys is told so, whatever the body."""
    denied = refusal(
        "cannot_update_apikey", "API key management requires RBAC org role management permission", apikeyId=123
    )
    for raw in (b"", b"{", b"null", b'{"bindings": 5}'):
        assert update(world, None, raw=raw, by=key(10)) == (401, denied)
    world.expect(400, UNPARSABLE, "PUT", "/apikey/5", raw=b"{")


def test_an_expiry_within_the_second(world: Live) -> None:
    """A date is in the future until it has passed."""
    world.universe.world.clock.set(2_000_000_000 * SECOND, 0)
    message = "Expiration date must be in the future"
    at = iso_offset(2_000_000_000 * SECOND)
    assert update(world, {"expires_at": at}) == (400, error("invalid_expiration_date", message))
    assert update(world, {"expires_at": iso_offset(2_000_000_001 * SECOND)})[0] == 200
