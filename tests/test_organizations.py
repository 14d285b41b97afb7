"""Organizations: read, create, change, delete with all that is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.world.state import TABLES
from tests.conftest import ACME, COURIER, ENTERPRISE, FULL, GLOBEX, HASHED, READER, SHOP, Mock
from tests.test_access import NOBODY, binding, freeze, fresh, generated, new_key, stored

KO = {"status": "KO"}
TAKEN = {"error": "Organization name already in use", **KO}


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def names(mock: Mock, key: str = FULL) -> list[str]:
    """The names of the organizations that a key reads."""
    return [organization["name"] for organization in mock.get("/organization/", key=key)["data"]]


def create(mock: Mock, name: str = "Labs", **more: Any) -> str:
    """The id of a new organization."""
    found: str = mock.ok("POST", "/organization/", {"name": name, **more})["id"]
    return found


def test_one_organization(mock: Mock) -> None:
    """With `orgId` one organization is answered under `data`, with the documented members."""
    freeze(mock)
    assert mock.get(f"/organization/?orgId={ACME}") == {
        "data": {
            "id": ACME,
            "created_by": "0c0ffee0-0000-4000-8000-00000000b001",
            "created_at": "2025-02-08T12:00:00Z",
            "updated_at": "2025-02-08T12:00:00Z",
            "logo": None,
            "name": "Acme",
            "management_email": "dev@example.com",
            "customer_id": "cus_acme",
        }
    }


def test_the_list_holds_what_each_key_reads(mock: Mock) -> None:
    """Without `orgId` the same objects come as a list, of those that the key reads."""
    one = mock.get(f"/organization/?orgId={ACME}")["data"]
    assert mock.get("/organization/") == {"data": [one]}
    create(mock)
    assert names(mock) == ["Acme", "Labs"]
    assert names(mock, HASHED) == names(mock, READER) == ["Acme"]
    assert names(mock, ENTERPRISE) == ["Globex"]


def test_letter_case_of_an_id_does_not_count(mock: Mock) -> None:
    """A UUID names the same organization in either case, and is answered in lower case."""
    assert mock.get(f"/organization/?orgId={ACME.upper()}")["data"]["id"] == ACME
    assert mock.ok("PUT", "/organization/", {"orgId": ACME.upper(), "name": "A"})["data"]["id"] == ACME
    assert mock.ok("DELETE", f"/organization/?orgId={ACME.upper()}") == {"status": "ok"}


def test_unreachable_organizations_are_403(mock: Mock) -> None:
    """Of another's organization, and of one that is not there, each operation says that it is forbidden."""
    for org_id in (GLOBEX, NOBODY):
        reply = mock("GET", f"/organization/?orgId={org_id}")
        assert (reply.status, reply.body) == (403, {"error": "Forbidden", **KO})
        reply = mock("PUT", "/organization/", {"orgId": org_id, "name": "X"})
        assert (reply.status, reply.body) == (403, {"error": "Admin role required", **KO})
        reply = mock("DELETE", f"/organization/?orgId={org_id}")
        assert (reply.status, reply.body) == (403, {"error": "Forbidden", **KO})


# Create -----------------------------------------------------------------------------------------------------


def test_a_new_organization_has_the_documented_defaults(mock: Mock) -> None:
    """Whoever creates an organization pays, gets its mail, and is its super admin."""
    freeze(mock)
    answer = mock.ok("POST", "/organization/", {"name": "Labs"})
    assert answer.keys() == {"status", "id"}
    org_id = answer["id"]
    assert mock.get(f"/organization/?orgId={org_id}")["data"] == {
        "id": org_id,
        "created_by": "0c0ffee0-0000-4000-8000-00000000b001",
        "created_at": "2026-03-15T12:00:00Z",
        "updated_at": "2026-03-15T12:00:00Z",
        "logo": None,
        "name": "Labs",
        "management_email": "dev@example.com",
        "customer_id": f"pending_{org_id}",
    }
    (member,) = mock.get(f"/organization/members/?orgId={org_id}")["data"]
    assert (member["email"], member["role"]) == ("dev@example.com", "super_admin")
    assert mock.get(f"/app/?org_id={org_id}") == {"data": []}


def test_a_new_organization_takes_what_is_sent(mock: Mock) -> None:
    """Name and mail address are kept; tags and blanks around them are not."""
    org_id = create(mock, " <b>Example</b> Labs ", email="labs@example.com", estimatedMau=1000, website="example.com")
    found = mock.get(f"/organization/?orgId={org_id}")["data"]
    assert (found["name"], found["management_email"]) == ("Example Labs", "labs@example.com")
    stored = mock.universe.world.state.organizations[org_id]
    assert stored.website == "https://example.com/"
    assert stored.tier == "standard"


@pytest.mark.parametrize("mau", [0, 1, 1_000_000])
def test_expected_devices_have_bounds(mock: Mock, mau: int) -> None:
    """`estimatedMau` runs from none to a million."""
    create(mock, estimatedMau=mau)
    for wrong in (-1, 1_000_001, 1.5, "1"):
        assert mock("POST", "/organization/", {"name": "Other", "estimatedMau": wrong}).status == 400


@pytest.mark.parametrize("website", ["ftp://example.com", "https://user:secret@example.com", "http://", "https://a b/"])
def test_a_website_must_be_one(mock: Mock, website: str) -> None:
    """An address that no browser would open without a password is refused, and nothing is made."""
    before = stored(mock)
    reply = mock("POST", "/organization/", {"name": "Labs", "website": website})
    assert reply.status == 400
    assert "website" in reply.body["error"]
    assert stored(mock) == before


@pytest.mark.parametrize("name", ["L", "Ab", "x" * 256, "Ünïcödé 株式会社 🚀"])
def test_any_name_will_do(mock: Mock, name: str) -> None:
    """A name has one character at least, and 256 at most."""
    org_id = create(mock, name)
    assert mock.get(f"/organization/?orgId={org_id}")["data"]["name"] == name


@pytest.mark.parametrize("name", ["", "<b></b>", "   "])
def test_a_name_is_required(mock: Mock, name: str) -> None:
    """A name that is missing, or of which nothing is left without tags and blanks, is refused."""
    reply = mock("POST", "/organization/", {"name": name})
    assert (reply.status, reply.body) == (400, {"error": "Name is required", **KO})
    reply = mock("PUT", "/organization/", {"orgId": ACME, "name": name})
    assert reply.status == 400
    assert "name" in reply.body["error"]
    assert names(mock) == ["Acme"]


def test_a_missing_name_has_the_documented_sentence(mock: Mock) -> None:
    """The sentence for a missing name is the one that the page shows."""
    reply = mock("POST", "/organization/", {"email": "labs@example.com"})
    assert (reply.status, reply.body) == (400, {"error": "Name is required", **KO})


def test_names_are_unique_for_each_owner(mock: Mock) -> None:
    """One owner has no two organizations of a name, with whichever key; another owner may."""
    other_key = new_key(mock, binding("org_admin"), global_permissions=["org.create"])
    stranger = new_key(mock, binding("org_admin", GLOBEX), key=ENTERPRISE, global_permissions=["org.create"])
    for name in ("Acme", " Acme ", "<i>Acme</i>"):
        for key in (FULL, other_key):
            reply = mock("POST", "/organization/", {"name": name}, key=key)
            assert (reply.status, reply.body) == (400, TAKEN)
    assert mock("POST", "/organization/", {"name": "ACME"}).status == 200
    assert mock("POST", "/organization/", {"name": "Acme"}, key=stranger).status == 200


def test_a_name_is_free_again_after_deletion(mock: Mock) -> None:
    """Deleting an organization frees its name, and never its id."""
    first = create(mock)
    assert mock("POST", "/organization/", {"name": "Labs"}).body == TAKEN
    mock.ok("DELETE", f"/organization/?orgId={first}")
    assert create(mock) != first


# Change -----------------------------------------------------------------------------------------------------


def test_an_update_answers_what_is_stored(mock: Mock) -> None:
    """The answer holds id, name and address after the change, and so does the next read."""
    body = {"orgId": ACME, "name": "Acme International", "management_email": "office@example.com"}
    shown = {"id": ACME, "name": "Acme International", "management_email": "office@example.com"}
    assert mock.ok("PUT", "/organization/", body) == {"status": "Organization updated", "data": shown}
    assert shown.items() <= mock.get(f"/organization/?orgId={ACME}")["data"].items()


def test_what_is_not_sent_stays(mock: Mock) -> None:
    """Each member of an update changes itself only; none at all changes nothing."""
    before = mock.get(f"/organization/?orgId={ACME}")["data"]
    logo = "https://example.com/logo.png"
    for body in ({}, {"name": "Other"}, {"management_email": "x@example.com"}, {"logo": logo}):
        mock.ok("PUT", "/organization/", {"orgId": ACME, **body})
        after = mock.get(f"/organization/?orgId={ACME}")["data"]
        assert {**after, "updated_at": ""} == {**before, **body, "updated_at": ""}
        before = after


def test_renaming_keeps_names_unique(mock: Mock) -> None:
    """A rename onto another organization of the same owner is refused; onto itself it is fine."""
    org_id = create(mock)
    before = stored(mock)
    assert mock("PUT", "/organization/", {"orgId": org_id, "name": "Acme"}).status == 400
    assert stored(mock) == before
    assert mock("PUT", "/organization/", {"orgId": org_id, "name": "Labs"}).status == 200


# Delete -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["query", "body"])
def test_deletion_takes_the_id_from_query_or_body(mock: Mock, form: str) -> None:
    """`orgId` may stand in the query or in a JSON body, as scripts in the wild have both."""
    org_id = create(mock)
    reply = (
        mock("DELETE", f"/organization/?orgId={org_id}")
        if form == "query"
        else mock("DELETE", "/organization/", {"orgId": org_id})
    )
    assert (reply.status, reply.body) == (200, {"status": "ok"})
    assert mock("GET", f"/organization/?orgId={org_id}").status == 403


def test_deletion_takes_everything_along(mock: Mock) -> None:
    """Apps, bundles, channels, overrides, members and bindings of the organization go, and nothing of another."""
    globex = {path: mock.get(path, key=ENTERPRISE) for path in _paths(GLOBEX, COURIER)}
    mock.ok("DELETE", f"/organization/?orgId={ACME}")
    for path in _paths(ACME, SHOP):
        assert mock("GET", path).status == 403, path
    assert {path: mock.get(path, key=ENTERPRISE) for path in _paths(GLOBEX, COURIER)} == globex
    mock.universe.world.clock.advance(60)
    mock.get("/organization/")
    state = mock.universe.world.state
    keeps = {"audit_logs", "subscriptions", "users", "api_keys"}
    for table in set(TABLES) - keeps:
        left = [row for row in getattr(state, table) if ACME in str(row) or SHOP in str(row)]
        assert left == [], table


def test_keys_outlive_their_organization(mock: Mock) -> None:
    """A key without its organization still authenticates, and sees nothing."""
    mock.ok("DELETE", f"/organization/?orgId={ACME}")
    for key in (FULL, READER, HASHED):
        assert mock.get("/organization/", key=key) == {"data": []}
        assert mock.get("/app/", key=key) == {"data": []}


def test_a_second_deletion_is_403(mock: Mock) -> None:
    """What is deleted is out of reach, as if it had never been there."""
    org_id = create(mock)
    mock.ok("DELETE", f"/organization/?orgId={org_id}")
    reply = mock("DELETE", f"/organization/?orgId={org_id}")
    assert (reply.status, reply.body) == (403, {"error": "Forbidden", **KO})


def test_app_ids_of_a_deleted_organization_are_free(mock: Mock) -> None:
    """Another organization may take an app id as soon as its owner is gone."""
    mock.ok("DELETE", f"/organization/?orgId={ACME}")
    app = {"app_id": SHOP, "name": "Taken over", "owner_org": GLOBEX}
    assert mock.ok("POST", "/app/", app, key=ENTERPRISE)["owner_org"] == GLOBEX


@generated(30)
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(["create", "rename", "delete"]), st.integers(0, 3), st.sampled_from(["Ann", "Ben", "Cal"])
        ),
        max_size=15,
    )
)
def test_names_stay_unique_whatever_is_called(calls: list[tuple[str, int, str]]) -> None:
    """No sequence of creating, renaming and deleting leads to two organizations of one name."""
    mock = fresh()
    model: dict[str, str] = {}
    for verb, which, name in calls:
        org_id = list(model)[which % len(model)] if model else NOBODY
        if verb == "create":
            reply = mock("POST", "/organization/", {"name": name})
            assert (reply.status == 200) == (name not in model.values())
            if reply.status == 200:
                model[reply.body["id"]] = name
        elif verb == "rename":
            reply = mock("PUT", "/organization/", {"orgId": org_id, "name": name})
            free = name not in [other for one, other in model.items() if one != org_id]
            assert reply.status == (403 if org_id not in model else 200 if free else 400)
            if reply.status == 200:
                model[org_id] = name
        else:
            reply = mock("DELETE", f"/organization/?orgId={org_id}")
            assert reply.status == (200 if model.pop(org_id, None) else 403)
    assert names(mock)[1:] == list(model.values())
    assert mock.universe.world.state.check() == []


def _paths(org_id: str, app_id: str) -> list[str]:
    return [
        f"/organization/?orgId={org_id}",
        f"/organization/members/?orgId={org_id}",
        f"/app/?org_id={org_id}",
        f"/app/{app_id}",
        f"/bundle/?app_id={app_id}",
        f"/channel/?app_id={app_id}",
        f"/device/?app_id={app_id}",
        f"/statistics/app/{app_id}?from=2024-01-01&to=2024-01-02",
        f"/statistics/org/{org_id}?from=2024-01-01&to=2024-01-02",
    ]
