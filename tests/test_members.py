"""Members of an organization: list, invite, remove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import ACME, ENTERPRISE, FULL, GLOBEX, HASHED, READER, Mock
from tests.test_access import NOBODY, binding, new_key, stored

DENIED = {"error": "Insufficient permissions to manage members", "status": "KO"}
EXISTS = {"error": "Member already exists in organization", "status": "KO"}
MISSING = {"error": "Member not found", "status": "KO"}
LAST = {"error": "Cannot remove the last admin from the organization", "status": "KO"}
NEW = "new.member@example.com"
ROLES = ("read", "upload", "write", "admin", "super_admin")


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def members(mock: Mock, org: str = ACME, key: str = FULL) -> dict[str, str]:
    """Role by address."""
    found = mock.get(f"/organization/members/?orgId={org}", key=key)["data"]
    return {member["email"]: member["role"] for member in found}


def invite(mock: Mock, email: str, role: str = "read", key: str = FULL, org: str = ACME) -> Any:
    """The answer to an invitation."""
    return mock("POST", "/organization/members/", {"orgId": org, "email": email, "role": role}, key=key)


def remove(mock: Mock, email: str, key: str = FULL, org: str = ACME) -> Any:
    """The answer to a removal."""
    return mock("DELETE", "/organization/members/", {"orgId": org, "email": email}, key=key)


def test_the_list_has_members_and_open_invitations(mock: Mock) -> None:
    """Members come with the role that they were given, who has not accepted yet with `invite_` in front."""
    assert members(mock) == {
        "dev@example.com": "super_admin",
        "mia@example.com": "admin",
        "sam@example.com": "write",
        "jonas@example.com": "read",
        "lee@example.com": "invite_read",
        "kim@example.com": "invite_read",
    }
    assert members(mock, GLOBEX, ENTERPRISE) == {
        "noor@example.com": "super_admin",
        "jonas@example.com": "admin",
        "lee@example.com": "upload",
    }


def test_a_member_has_four_members(mock: Mock) -> None:
    """A line of the list is uid, address, picture and role."""
    first = mock.get(f"/organization/members/?orgId={ACME}")["data"][0]
    uid = "0c0ffee0-0000-4000-8000-00000000b001"
    assert first == {"uid": uid, "email": "dev@example.com", "image_url": None, "role": "super_admin"}


@pytest.mark.parametrize("role", ROLES)
def test_an_invitation_keeps_its_role(mock: Mock, role: str) -> None:
    """Every role comes back as it was given, in the answer and in the list, marked as an invitation."""
    reply = invite(mock, NEW, role)
    uid = "0c0ffee0-0000-4000-8000-00000000b009"
    shown = {"uid": uid, "email": NEW, "image_url": None, "role": f"invite_{role}"}
    assert (reply.status, reply.body) == (200, {"status": "OK", "data": shown})
    assert shown in mock.get(f"/organization/members/?orgId={ACME}")["data"]


def test_an_invited_member_holds_no_rights_yet(mock: Mock) -> None:
    """An invitation neither counts as a super admin nor lets anybody in."""
    invite(mock, NEW, "super_admin")
    reply = remove(mock, "dev@example.com")
    assert (reply.status, reply.body) == (400, LAST)


@pytest.mark.parametrize("email", ["dev@example.com", "sam@example.com", "lee@example.com", "kim@example.com"])
@pytest.mark.parametrize("role", ["read", "super_admin"])
def test_nobody_is_invited_twice(mock: Mock, email: str, role: str) -> None:
    """A member, an invited user and an invited address are refused, and keep what they have."""
    before = stored(mock)
    reply = invite(mock, email, role)
    assert (reply.status, reply.body) == (400, EXISTS)
    assert stored(mock) == before


def test_an_address_without_account_is_404(mock: Mock) -> None:
    """Somebody who has no account cannot be invited, and letters of an address count."""
    for email in ("stranger@example.com", "Dev@example.com"):
        reply = invite(mock, email)
        assert (reply.status, reply.body) == (404, MISSING)


@pytest.mark.parametrize("email", ["", "x", "a@b", "a b@example.com", "a@example.com\n", "@example.com", None, 5])
def test_an_address_must_be_one(mock: Mock, email: Any) -> None:
    """The documented sentence answers whatever is no address, on both operations."""
    for reply in (invite(mock, email), remove(mock, email)):
        assert (reply.status, reply.body) == (400, {"error": "Invalid email format", "status": "KO"})


@pytest.mark.parametrize("role", ["owner", "org_admin", "invite_read", "", "Read", None, 1])
def test_a_role_must_be_one(mock: Mock, role: Any) -> None:
    """Five roles can be given, and no other spelling of them."""
    reply = invite(mock, NEW, role)
    assert (reply.status, reply.body) == (400, {"error": "Invalid role specified", "status": "KO"})


def test_nobody_gives_more_than_they_have(mock: Mock) -> None:
    """An admin invites up to admins, and no super admin."""
    admin = new_key(mock, binding("org_admin"))
    reply = invite(mock, NEW, "super_admin", admin)
    assert (reply.status, reply.body) == (403, DENIED)
    assert invite(mock, NEW, "admin", admin).status == 200


def test_removal(mock: Mock) -> None:
    """A removed member, or invited user, leaves the list, and is unknown afterwards."""
    for email in ("sam@example.com", "lee@example.com"):
        reply = remove(mock, email)
        assert (reply.status, reply.body) == (200, {"status": "OK"})
        assert email not in members(mock)
        reply = remove(mock, email)
        assert (reply.status, reply.body) == (404, MISSING)
    assert "lee@example.com" in members(mock, GLOBEX, ENTERPRISE), "another organization is another matter"


def test_removal_by_query(mock: Mock) -> None:
    """A DELETE without a body says in its query what the body would say."""
    assert mock.ok("DELETE", f"/organization/members/?orgId={ACME}&email=sam@example.com") == {"status": "OK"}
    assert "sam@example.com" not in members(mock)


def test_who_is_no_member_is_404(mock: Mock) -> None:
    """A user of elsewhere, an address without account and an invited address are no members."""
    for email in ("noor@example.com", "nobody@example.com", "kim@example.com"):
        reply = remove(mock, email)
        assert (reply.status, reply.body) == (404, MISSING)


def test_the_last_super_admin_stays(mock: Mock) -> None:
    """The only super admin cannot be removed, and the organization stays as it is."""
    before = stored(mock)
    for key in (FULL, HASHED):
        reply = remove(mock, "dev@example.com", key)
        assert (reply.status, reply.body) == (400, LAST)
    assert stored(mock) == before


def test_who_ranks_higher_stays(mock: Mock) -> None:
    """An admin removes admins, and no super admin."""
    admin = new_key(mock, binding("org_admin"))
    reply = remove(mock, "dev@example.com", admin)
    assert (reply.status, reply.body) == (403, DENIED)
    assert remove(mock, "mia@example.com", admin).status == 200


def test_the_keys_of_a_removed_member_lose_the_organization(mock: Mock) -> None:
    """A removed user's keys still authenticate, and hold nothing there any more, bindings on apps included."""
    noor = mock.ok("POST", "/apikey/", {"name": "k", "bindings": [binding("org_admin", GLOBEX)]}, key=ENTERPRISE)
    state = mock.universe.world.state
    second = next(user for user in state.users if user.email == "jonas@example.com")
    key = state.api_keys[noor["apikey"]["id"]]
    state.api_keys.put(replace(key, user_id=second.id))
    assert mock("GET", f"/organization/?orgId={GLOBEX}", key=key.key).status == 200
    assert remove(mock, "jonas@example.com", ENTERPRISE, GLOBEX).status == 200
    assert mock("GET", f"/organization/?orgId={GLOBEX}", key=key.key).status == 403
    assert mock.get("/organization/", key=key.key) == {"data": []}


def test_somebody_removed_can_be_invited_again(mock: Mock) -> None:
    """After a removal the way in is open again, with another role."""
    remove(mock, "sam@example.com")
    assert invite(mock, "sam@example.com", "upload").status == 200
    assert members(mock)["sam@example.com"] == "invite_upload"


def test_foreign_organizations_are_403(mock: Mock) -> None:
    """The three operations refuse an organization out of reach with the same sentence."""
    for org in (GLOBEX, NOBODY):
        for reply in (
            mock("GET", f"/organization/members/?orgId={org}"),
            invite(mock, NEW, org=org),
            remove(mock, "noor@example.com", org=org),
        ):
            assert (reply.status, reply.body) == (403, DENIED)


def test_readers_read(mock: Mock) -> None:
    """A member's key lists, and neither invites nor removes."""
    assert members(mock, key=READER) == members(mock)
    for reply in (invite(mock, NEW, key=READER), remove(mock, "sam@example.com", READER)):
        assert (reply.status, reply.body) == (403, DENIED)


def test_an_open_invitation_ends_after_seven_days(mock: Mock) -> None:
    """An invited address is listed for seven days after the invitation, an invited user for as long as it takes."""
    mock.universe.world.clock.advance(6 * 86_400 - 60)
    assert "kim@example.com" in members(mock)
    mock.universe.world.clock.advance(120)
    assert "kim@example.com" not in members(mock)
    assert "lee@example.com" in members(mock)
