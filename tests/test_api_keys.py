"""API keys: list, read, create, change, delete; what is kept of a secret, and when it stops working."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from mock_capgo.world.state import TABLES
from tests.conftest import ACME, COURIER, ENTERPRISE, EXPIRED, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER, Mock
from tests.test_access import NOBODY, binding, freeze, new_key, stored

INVALID_KEY = {"error": "Invalid API key", "status": "KO"}
MISSING = {"error": "API key not found", "status": "KO"}
DENIED = {"error": "Insufficient permissions to manage API keys", "status": "KO"}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def create(mock: Mock, *bindings: dict[str, Any], key: str = FULL, **more: Any) -> Any:
    """A new key as it is answered."""
    body: dict[str, Any] = {"name": "CI", **more}
    if bindings:
        body["bindings"] = list(bindings)
    return mock.ok("POST", "/apikey/", body, key=key)["apikey"]


def listed(mock: Mock, key: str = FULL) -> dict[int, Any]:
    """The keys that a key manages, by number."""
    return {found["id"]: found for found in mock.get("/apikey/", key=key)["data"]}


def works(mock: Mock, value: str) -> bool:
    """Whether a value lets its bearer in."""
    return bool(mock("GET", "/organization/", key=value).status == 200)


# Read -------------------------------------------------------------------------------------------------------


def test_the_list_has_the_owners_keys(mock: Mock) -> None:
    """Every key of the caller's owner is listed, the caller and expired ones too, and no value of any."""
    found = listed(mock)
    assert list(found) == [1, 2, 3, 5, 6]
    assert {key["key"] for key in found.values()} == {None}
    assert {number: key["mode"] for number, key in found.items()} == {
        1: "all",
        2: "read",
        3: "upload",
        5: "all",
        6: "all",
    }
    assert list(listed(mock, ENTERPRISE)) == [4]


def test_one_key(mock: Mock) -> None:
    """A key is answered under `data` with the documented members; the lists name what its bindings name."""
    freeze(mock)
    assert mock.get("/apikey/2/") == {
        "data": {
            "id": 2,
            "key": None,
            "mode": "read",
            "name": "Acme: read only",
            "created_at": "2025-09-06T12:00:00Z",
            "updated_at": "2025-09-06T12:00:00Z",
            "expires_at": None,
            "limited_to_apps": [SHOP],
            "limited_to_orgs": [ACME],
        }
    }
    assert mock.get("/apikey/5/")["data"]["expires_at"] == "2026-03-14T12:00:00Z"
    assert {**mock.get("/apikey/2/")["data"]} == listed(mock)[2]


@pytest.mark.parametrize("number", [4, 7, 999, 9_007_199_254_740_991])
def test_a_key_that_is_not_there_is_404(mock: Mock, number: int) -> None:
    """Another's key and no key at all are not found, by any operation."""
    for method, path, body in (
        ("GET", f"/apikey/{number}/", None),
        ("PUT", f"/apikey/{number}/", {"name": "x"}),
        ("PUT", "/apikey/", {"id": number, "name": "x"}),
        ("DELETE", f"/apikey/{number}/", None),
    ):
        reply = mock(method, path, body)
        assert (reply.status, reply.body) == (404, MISSING)


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-1",
        "1.0",
        "1e0",
        "x",
        "%20",
        "9007199254740992",
        "9" * 30,
        "9" * 5000,
        "%D9%A3",
        "%EF%BC%92",
        "null",
        READER,
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_key_is_found_by_its_number_only(mock: Mock, method: str, number: str) -> None:
    """What is no whole number from 1 on is refused before any key is looked for."""
    before = stored(mock)
    reply = mock(method, f"/apikey/{number}/", {"name": "x"} if method == "PUT" else None)
    assert reply.status == 400, reply
    assert stored(mock) == before


@pytest.mark.parametrize("key", [READER, UPLOADER])
def test_managing_keys_is_a_right(mock: Mock, key: str) -> None:
    """A key without `org.manage_apikeys` hears the documented sentence from every operation, also about itself."""
    for method, path, body in (
        ("GET", "/apikey/", None),
        ("GET", "/apikey/2/", None),
        ("POST", "/apikey/", {"name": "x", "mode": "read"}),
        ("PUT", "/apikey/3/", {"name": "x"}),
        ("PUT", "/apikey/", {"id": 3, "name": "x"}),
        ("DELETE", "/apikey/3/", None),
    ):
        reply = mock(method, path, body, key=key)
        assert (reply.status, reply.body) == (403, DENIED)


def test_a_manager_of_one_organization_manages_keys_of_that_one(mock: Mock) -> None:
    """A key that is also bound elsewhere is not listed, and is refused to who manages one of the two."""
    mine = mock.ok("POST", "/organization/", {"name": "Labs"})["id"]
    both = create(mock, binding("org_member"), binding("org_member", mine))
    manager = new_key(mock, binding("apikey_manager"))
    assert both["id"] in listed(mock)
    assert both["id"] not in listed(mock, manager)
    assert 1 not in listed(mock, manager)
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert mock(method, f"/apikey/{both['id']}/", body, key=manager).status == 403


# Create -----------------------------------------------------------------------------------------------------


def test_a_new_key(mock: Mock) -> None:
    """The answer holds the value, a version 4 UUID; the key works at once, and the value is not seen again."""
    freeze(mock)
    made = create(mock, binding("app_developer"))
    assert made == {
        "id": 7,
        "key": made["key"],
        "mode": "write",
        "name": "CI",
        "created_at": "2026-03-15T12:00:00Z",
        "updated_at": "2026-03-15T12:00:00Z",
        "expires_at": None,
        "limited_to_apps": [SHOP],
        "limited_to_orgs": [ACME],
    }
    assert UUID4.fullmatch(made["key"])
    assert works(mock, made["key"])
    assert mock.get("/apikey/7/")["data"] == listed(mock)[7] == {**made, "key": None}


def test_names_of_keys_may_repeat(mock: Mock) -> None:
    """Two keys may have one name; they have two values and two numbers."""
    first, second = create(mock, mode="read"), create(mock, mode="read")
    assert first["name"] == second["name"]
    assert (first["id"], first["key"]) != (second["id"], second["key"])


def test_only_the_hash_of_a_hashed_key_is_kept(mock: Mock) -> None:
    """Of a hashed key the world keeps the SHA-256; its value is in one answer and nowhere else."""
    made = create(mock, binding("org_member"), hashed=True)
    value = made["key"]
    assert works(mock, value)
    state = mock.universe.world.state
    stored = state.api_keys[made["id"]]
    assert stored.key is None
    assert stored.key_hash == hashlib.sha256(value.encode()).hexdigest()
    for table in TABLES:
        assert value not in str(list(getattr(state, table))), table
    assert value not in str(mock.get("/apikey/")) + str(mock.get(f"/apikey/{made['id']}/"))
    assert not works(mock, stored.key_hash)


def test_the_value_of_the_seeded_hashed_key_is_nowhere(mock: Mock) -> None:
    """Also a key that came with the fixture is kept as its hash."""
    stored = mock.universe.world.state.api_keys[6]
    assert (stored.key, stored.key_hash) == (None, hashlib.sha256(HASHED.encode()).hexdigest())
    assert all(HASHED not in str(list(getattr(mock.universe.world.state, table))) for table in TABLES)


@pytest.mark.parametrize("mode", ["read", "upload", "write", "all"])
def test_a_mode_comes_back(mock: Mock, mode: str) -> None:
    """A key with a mode is shown with it, and with the limits that it was given."""
    limits: dict[str, Any] = {"limited_to_apps": [SHOP], "limited_to_orgs": [ACME]}
    assert {"mode": mode, **limits}.items() <= create(mock, mode=mode, **limits).items()
    assert create(mock, mode=mode, limited_to_orgs=[ACME, ACME])["limited_to_orgs"] == [ACME]


def test_a_mode_without_limits_is_shown_without_limits(mock: Mock) -> None:
    """Empty lists say that a key with a mode is limited to nothing in particular."""
    made = create(mock, mode="read")
    assert (made["limited_to_apps"], made["limited_to_orgs"]) == ([], [])


@pytest.mark.parametrize(
    ("role", "mode"),
    [
        ("org_super_admin", "all"),
        ("org_admin", "all"),
        ("app_admin", "all"),
        ("app_developer", "write"),
        ("channel_admin", "write"),
        ("app_uploader", "upload"),
        ("app_reader", "read"),
        ("org_member", "read"),
        ("org_billing_admin", "read"),
        ("app_notifications", "read"),
    ],
)
def test_the_nearest_mode_is_shown(mock: Mock, role: str, mode: str) -> None:
    """A key with bindings is shown with the mode that says most nearly what it may do."""
    assert create(mock, binding(role))["mode"] == mode


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "read"},
        {"name": "", "mode": "read"},
        {"name": "x"},
        {"name": "x", "mode": "admin"},
        {"name": "x", "mode": None},
        {"name": "x", "bindings": []},
        {"name": "x", "bindings": [binding("app_reader") | {"scope_type": "org"}]},
        {"name": "x", "bindings": [binding("org_member") | {"scope_type": "app", "app_id": SHOP}]},
        {"name": "x", "bindings": [{"role_name": "app_reader", "scope_type": "app", "org_id": ACME}]},
        {"name": "x", "bindings": [binding("channel_reader") | {"channel_id": None}]},
        {"name": "x", "bindings": [binding("org_member"), binding("org_admin")]},
        {"name": "x", "bindings": [binding("org_member") | {"role_name": "apikey_org_reader"}]},
        {"name": "x", "bindings": [binding("org_member") | {"role_name": "nobody"}]},
        {"name": "x", "mode": "read", "expires_at": "yesterday"},
        {"name": "x", "mode": "read", "expires_at": "2030-02-30T00:00:00Z"},
        {"name": "x", "mode": "read", "expires_at": "2030-01-01"},
        {"name": "x", "mode": "read", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "mode": "read", "hashed": "yes"},
        {"name": "x", "mode": "read", "global_permissions": ["org.delete"]},
        {"name": "x", "mode": "read", "user_id": NOBODY},
    ],
    ids=lambda body: orjson.dumps(body).decode()[:60],
)
def test_a_key_that_makes_no_sense_is_400(mock: Mock, body: dict[str, Any]) -> None:
    """Nothing is made of a request without name or rights, with a role elsewhere than it belongs, or past its end."""
    before = stored(mock)
    assert mock("POST", "/apikey/", body).status == 400
    assert stored(mock) == before


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (binding("org_admin", GLOBEX), 403),
        (binding("org_member", NOBODY), 403),
        (binding("app_reader", GLOBEX, COURIER), 403),
        (binding("app_reader", app=COURIER), 404),
        (binding("app_reader", app="com.example.nowhere"), 404),
        (binding("channel_reader", channel=999), 404),
        (binding("channel_reader", channel=4), 404),
    ],
)
def test_a_binding_out_of_reach_is_refused(mock: Mock, wanted: dict[str, Any], status: int) -> None:
    """A role on another's organization is forbidden, one on a thing that is not there is not found; nothing is made."""
    before = stored(mock)
    reply = mock("POST", "/apikey/", {"name": "x", "bindings": [binding("org_member"), wanted]})
    assert reply.status == status, reply
    assert stored(mock) == before


@pytest.mark.parametrize("lists", [{"limited_to_orgs": [GLOBEX]}, {"limited_to_apps": [COURIER]}])
def test_a_mode_reaches_no_further_than_its_maker(mock: Mock, lists: dict[str, list[str]]) -> None:
    """A key cannot be limited to what its maker does not manage."""
    assert mock("POST", "/apikey/", {"name": "x", "mode": "all", **lists}).status == 403


def test_nobody_makes_a_key_above_themselves(mock: Mock) -> None:
    """An admin's key makes no super admin, a key manager's key no admin; up to themselves they may."""
    admin, manager = new_key(mock, binding("org_admin")), new_key(mock, binding("apikey_manager"))
    for key, role, status in [
        (admin, "org_super_admin", 403),
        (admin, "org_admin", 200),
        (manager, "org_admin", 403),
        (manager, "app_admin", 403),
        (manager, "channel_admin", 403),
        (manager, "apikey_manager", 200),
        (manager, "app_developer", 200),
    ]:
        body = {"name": "x", "bindings": [binding(role)]}
        assert mock("POST", "/apikey/", body, key=key).status == status, role


@pytest.mark.parametrize(
    "role",
    [
        "org_admin",
        "apikey_manager",
    ],
)
@pytest.mark.parametrize("limits", [{}, {"limited_to_orgs": [ACME]}, {"limited_to_apps": [SHOP]}], ids=str)
def test_nobody_makes_a_mode_above_themselves(mock: Mock, role: str, limits: dict[str, list[str]]) -> None:
    """The mode `all` deletes organizations and apps, which only a super admin may."""
    body = {"name": "x", "mode": "all", **limits}
    assert mock("POST", "/apikey/", body, key=new_key(mock, binding(role))).status == 403


def test_a_mode_is_not_made_by_who_manages_less_than_it_reaches(mock: Mock) -> None:
    """A mode without limits reaches all organizations of its owner, so its maker has to manage them all."""
    mine = mock.ok("POST", "/organization/", {"name": "Labs"})["id"]
    for mode in ("read", "all"):
        assert mock("POST", "/apikey/", {"name": "x", "mode": mode}, key=HASHED).status == 403
        key = new_key(mock, key=HASHED, mode=mode, limited_to_orgs=[ACME])
        assert mock("GET", f"/organization/?orgId={mine}", key=key).status == 403
        key = new_key(mock, mode=mode)
        assert mock("GET", f"/organization/?orgId={mine}", key=key).status == 200


def test_bindings_take_both_ids_of_an_app_and_a_channel(mock: Mock) -> None:
    """An app may be named by its public id or its UUID, a channel by its number or its text."""
    for app in (SHOP, "0c0ffee0-0000-4000-8000-00000000c001"):
        assert mock("GET", f"/app/{SHOP}", key=new_key(mock, binding("app_reader", app=app))).status == 200
    for channel in (1, "1", mock.universe.world.state.channels[1].rbac_id):
        wanted = binding("channel_developer") | {"channel_id": channel}
        body = {"app_id": SHOP, "version_id": 1, "channel_id": 1}
        assert mock("PUT", "/bundle/", body, key=new_key(mock, wanted)).status == 200


def test_a_whole_number_may_have_a_point(mock: Mock) -> None:
    """JSON has one kind of number: a channel that is numbered 1.0 is number 1."""
    wanted = binding("channel_developer") | {"channel_id": 1.0}
    body = {"app_id": SHOP, "version_id": 2.0, "channel_id": 1.0}
    assert mock("PUT", "/bundle/", body, key=new_key(mock, wanted)).status == 200


# Change -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["path", "body"])
def test_an_update_is_kept(mock: Mock, by: str) -> None:
    """Name and end of life change one by one, by the number in the path or in the body; null ends no more."""
    freeze(mock)
    before = listed(mock)[2]
    for change in ({"name": "Renamed"}, {"expires_at": "2030-01-01T00:00:00Z"}, {"expires_at": None}):
        mock.universe.world.clock.advance(10)
        answer = (
            mock.ok("PUT", "/apikey/2/", change) if by == "path" else mock.ok("PUT", "/apikey/", {"id": 2, **change})
        )
        after = listed(mock)[2]
        assert answer == {"apikey": after}
        assert after == {**before, **change, "updated_at": after["updated_at"]}
        assert after["updated_at"] > before["updated_at"]
        before = after
    assert works(mock, READER)


def test_an_end_of_life_is_answered_in_utc(mock: Mock) -> None:
    """A moment with another offset is the same moment, written as all times are."""
    answer = mock.ok("PUT", "/apikey/2/", {"expires_at": "2030-01-01T01:30:00.9+01:30"})
    assert answer["apikey"]["expires_at"] == "2030-01-01T00:00:00Z"


def test_an_expired_key_can_be_revived(mock: Mock) -> None:
    """A key with a later end of life works again, with its old value."""
    assert not works(mock, EXPIRED)
    mock.ok("PUT", "/apikey/5/", {"expires_at": "2099-01-01T00:00:00Z"})
    assert works(mock, EXPIRED)


@pytest.mark.parametrize("number", [2, 6])
def test_a_regenerated_key_has_one_value(mock: Mock, number: int) -> None:
    """The new value works and is shown once, the old one stops at once; a hashed key stays hashed."""
    old = {2: READER, 6: HASHED}[number]
    value = mock.ok("PUT", f"/apikey/{number}/", {"regenerate": True})["apikey"]["key"]
    assert UUID4.fullmatch(value)
    assert works(mock, value)
    assert mock("GET", "/organization/", key=old).body == INVALID_KEY
    assert listed(mock)[number]["key"] is None
    stored = mock.universe.world.state.api_keys[number]
    digest = hashlib.sha256(value.encode()).hexdigest()
    assert (stored.key, stored.key_hash) == ((value, None) if number == 2 else (None, digest))


def test_a_key_cannot_change_or_delete_itself(mock: Mock) -> None:
    """Whoever holds a key cannot prolong, replace or remove it with itself; with a sibling they can."""
    for method, body in (("PUT", {"name": "x"}), ("PUT", {"regenerate": True}), ("DELETE", None)):
        assert mock(method, "/apikey/1/", body).status == 403
        assert mock(method, "/apikey/6/", body, key=HASHED).status == 403
    assert mock("PUT", "/apikey/1/", {"name": "x"}, key=HASHED).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"regenerate": False},
        {"regenerate": "true"},
        {"name": None},
        {"name": ""},
        {"expires_at": "x"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"mode": "all"},
        {"bindings": [binding("org_admin")]},
        {"key": "mine"},
    ],
    ids=str,
)
def test_an_update_that_makes_no_sense_is_400(mock: Mock, body: dict[str, Any]) -> None:
    """What a key may do is not changed by a key, and nothing is changed by a request that asks for nothing."""
    before = stored(mock)
    assert mock("PUT", "/apikey/2/", body).status == 400
    assert mock("PUT", "/apikey/", {"id": 2, **body}).status == 400
    assert stored(mock) == before


def test_an_update_by_body_needs_the_number(mock: Mock) -> None:
    """Without a path the body says which key is meant."""
    reply = mock("PUT", "/apikey/", {"name": "x"})
    assert (reply.status, reply.body) == (400, {"error": "id is required", "status": "KO"})


# Delete -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "value"), [(2, READER), (6, HASHED)])
def test_a_deleted_key_stops_at_once(mock: Mock, number: int, value: str) -> None:
    """Deleting a key takes its bindings along, and its value is unknown from then on."""
    assert works(mock, value)
    assert mock.ok("DELETE", f"/apikey/{number}/") == {"success": True}
    assert mock("GET", "/organization/", key=value).body == INVALID_KEY
    assert number not in listed(mock)
    state = mock.universe.world.state
    known = {key.rbac_id for key in state.api_keys} | {user.id for user in state.users}
    assert all(row.principal in known for row in state.bindings)
    assert mock("DELETE", f"/apikey/{number}/").body == MISSING


def test_numbers_of_deleted_keys_do_not_come_back(mock: Mock) -> None:
    """The number of a deleted key is not given to the next one."""
    first = create(mock, mode="read")["id"]
    mock.ok("DELETE", f"/apikey/{first}/")
    assert create(mock, mode="read")["id"] == first + 1


def test_a_key_whose_last_binding_went_holds_nothing(mock: Mock) -> None:
    """A key on a channel that was deleted still authenticates, and may do nothing."""
    key = new_key(mock, binding("channel_admin", channel=2))
    mock.ok("DELETE", "/channel/", {"app_id": SHOP, "channel": "beta"})
    assert works(mock, key)
    assert mock("POST", "/channel/", {"app_id": SHOP, "channel": "beta"}, key=key).status == 403
