"""Members: the list, invitations, removals, ranks, and the end of an organization's last super admin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_capgo.world.records import DAY, Invitation
from tests.conftest import Reply
from tests.live.world import (
    ADMIN,
    ADMIN_USER,
    DEMO,
    DEMO_ORG,
    NO_ROWS,
    SUCCESSION_ORG,
    SUPER,
    TEST2,
    TEST2_ORG,
    TEST2_USER,
    TEST_USER,
    Live,
    error,
    key,
)

NEW = "nonmember@capgo.app"
ALIASES = {
    "org_member": "org_member", "org_billing_admin": "org_billing_admin", "org_admin": "org_admin",
    "org_super_admin": "org_super_admin", "read": "org_member", "upload": "org_member", "write": "org_member",
    "admin": "org_admin", "super_admin": "org_super_admin", "invite_read": "org_member",
    "invite_upload": "org_member", "invite_write": "org_member", "invite_admin": "org_admin",
    "invite_super_admin": "org_super_admin",
}  # fmt: skip
OUT_OF_REACH = error("cannot_access_organization", "You can't access this organization", {"orgId": DEMO_ORG})


def invite(world: Live, email: str = NEW, role: str = "org_member", org: str = DEMO_ORG, by: str = SUPER) -> Reply:
    """The answer to an invitation."""
    return world("POST", "/organization/members", {"orgId": org, "email": email, "invite_type": role}, key=by)


def remove(world: Live, email: str, org: str = DEMO_ORG, by: str = SUPER) -> Reply:
    """The answer to a removal."""
    return world("DELETE", "/organization/members", {"orgId": org, "email": email}, key=by)


def members(world: Live, org: str = DEMO_ORG, by: str = SUPER) -> dict[str, tuple[str, bool]]:
    """Role and whether pending, by address."""
    rows = world.get(f"/organization/members?orgId={org}", key=by)
    return {row["email"]: (row["role"], row["is_tmp"]) for row in rows}


def refused(code: str) -> dict[str, Any]:
    """The refusal of an invitation."""
    return error("error_inviting_user_to_organization", "Error inviting user to organization", {"data": code})


def test_the_list(world: Live) -> None:
    """A bare array with exactly five fields of each member, an image never null."""
    rows = world.get(f"/organization/members?orgId={DEMO_ORG}")
    assert sorted(rows, key=lambda row: str(row["email"])) == [
        {"uid": ADMIN_USER, "email": "admin@capgo.app", "image_url": "", "role": "org_admin", "is_tmp": False},
        {"uid": TEST2_USER, "email": "test2@capgo.app", "image_url": "", "role": "org_member", "is_tmp": False},
        {"uid": TEST_USER, "email": "test@capgo.app", "image_url": "", "role": "org_super_admin", "is_tmp": False},
    ]


def test_invited_addresses_are_listed_for_seven_days(world: Live) -> None:
    """After the members, under the id that is kept for them; not when cancelled."""
    state, now = world.universe.world.state, world.universe.world.now
    open_one = Invitation(
        id="aaaaaaaa-0000-4000-8000-000000000001", org_id=DEMO_ORG, email="open@example.com", role="org_admin",
        future_uuid="bbbbbbbb-0000-4000-8000-000000000001", created_at=now, updated_at=now,
    )  # fmt: skip
    state.invitations.put(open_one)
    state.invitations.put(replace(open_one, id="aaaaaaaa-0000-4000-8000-000000000002", email="off@example.com",
                                  cancelled_at=now))  # fmt: skip
    rows = world.get(f"/organization/members?orgId={DEMO_ORG}")
    assert rows[-1] == {
        "uid": "bbbbbbbb-0000-4000-8000-000000000001", "email": "open@example.com", "image_url": "",
        "role": "org_admin", "is_tmp": True,
    }  # fmt: skip
    assert len(rows) == 4
    assert invite(world, "open@example.com").body == refused("ALREADY_INVITED")
    assert invite(world, "off@example.com").body == refused("TOO_RECENT_INVITATION_CANCELATION")
    gone = error("user_not_found", "User not found", {"error": NO_ROWS})
    assert (remove(world, "open@example.com").status, remove(world, "open@example.com").body) == (404, gone)
    world.later(3 * 3600 + 1)
    assert invite(world, "off@example.com").body == refused("NO_EMAIL")
    world.later(7 * DAY / 1_000_000)
    assert len(world.get(f"/organization/members?orgId={DEMO_ORG}")) == 3


@pytest.mark.parametrize(("sent", "stored"), ALIASES.items())
def test_an_invitation(world: Live, sent: str, stored: str) -> None:
    """Every alias of a role; the invitee is pending and may do nothing."""
    assert invite(world, role=sent).body == {"status": "ok"}
    assert members(world)[NEW] == (stored, True)
    again = invite(world, role="org_admin")
    assert (again.status, again.body) == (400, refused("ALREADY_INVITED"))
    row = world.audit(DEMO_ORG)[0]
    assert (row["table_name"], row["operation"], row["actor_apikey_id"]) == ("org_users", "INSERT", 6)
    assert (row["new_record"]["rbac_role_name"], row["new_record"]["is_invite"]) == (stored, True)


@pytest.mark.parametrize("sent", ["owner", "", "ORG_ADMIN", "invite_org_member", "apikey_manager", None, 5])
def test_no_such_role(world: Live, sent: Any) -> None:
    """The names are listed in the refusal, in their order."""
    body = {"orgId": DEMO_ORG, "email": NEW, "invite_type": sent, "role": "admin"}
    (issue,) = world("POST", "/organization/members", body).body["moreInfo"]["error"]["issues"]
    assert (issue["code"], issue["path"], issue["values"]) == (
        "invalid_value",
        ["invite_type"],
        ["org_member", "org_billing_admin", "org_admin", "org_super_admin", "read", "upload", "write", "admin",
         "super_admin", "invite_read", "invite_upload", "invite_write", "invite_admin", "invite_super_admin"],
    )  # fmt: skip


@pytest.mark.parametrize("email", ["nobody@example.com", "Nonmember@capgo.app", "NONMEMBER@CAPGO.APP"])
def test_addresses_without_account(world: Live, email: str) -> None:
    """Letters count."""
    reply = invite(world, email)
    assert (reply.status, reply.body) == (400, refused("NO_EMAIL"))


@pytest.mark.parametrize("email", ["test@capgo.app", "test2@capgo.app", "admin@capgo.app"])
def test_nobodys_role_is_changed_by_an_invitation(world: Live, email: str) -> None:
    """Who is a member stays what he is."""
    before = members(world)
    reply = invite(world, email, "super_admin")
    assert (reply.status, reply.body) == (400, refused("ALREADY_INVITED"))
    assert members(world) == before


def test_rank_is_looked_at_before_the_address(world: Live) -> None:
    """An administrator's key invites up to its own rank."""
    for email in (NEW, "nobody@example.com", "test@capgo.app"):
        assert invite(world, email, "super_admin", by=key(2)).body == refused("NO_RIGHTS")
    assert invite(world, role="admin", by=key(2)).status == 200


@pytest.mark.parametrize("number", [4, 5, 6, 7, 14, 20, 24])
def test_who_may_not_invite_is_out_of_reach(world: Live, number: int) -> None:
    """Members and managers of keys do neither invite nor remove."""
    assert invite(world, by=key(number)).body == OUT_OF_REACH
    assert remove(world, "test2@capgo.app", by=key(number)).body == OUT_OF_REACH


def test_removing(world: Live) -> None:
    """The user's rights go, and those of all of the user's keys; a second time there is nobody to remove."""
    assert world.get(f"/app/{DEMO}", key=TEST2)["app_id"] == DEMO
    assert remove(world, "test2@capgo.app").body == {"status": "ok"}
    assert "test2@capgo.app" not in members(world)
    assert world("GET", f"/app/{DEMO}", key=TEST2).status == 401
    assert world.get("/organization", key=TEST2)[0]["id"] == TEST2_ORG
    missing = error(
        "organization_member_not_found", "User is not a member of this organization",
        {"orgId": DEMO_ORG, "email": "test2@capgo.app"},
    )  # fmt: skip
    again = remove(world, "test2@capgo.app")
    assert (again.status, again.body) == (404, missing)
    row = world.audit(DEMO_ORG)[0]
    assert (row["table_name"], row["operation"], row["actor_type"], row["user_id"]) == (
        "org_users", "DELETE", "system", None
    )  # fmt: skip


def test_removing_who_was_only_invited(world: Live) -> None:
    """The invitation is taken back, and another may follow; being back gives the keys nothing."""
    invite(world)
    assert remove(world, NEW).status == 200
    assert NEW not in members(world)
    assert invite(world, role="admin").status == 200
    remove(world, "test2@capgo.app")
    invite(world, "test2@capgo.app", "super_admin")
    assert world("GET", f"/app/{DEMO}", key=TEST2).status == 401


def test_ranks(world: Live) -> None:
    """Nobody removes who stands above; a pending super admin stands nowhere yet."""
    above = error(
        "cannot_delete_higher_priority_role", "Cannot delete a member with a role higher than your own",
        {"orgId": DEMO_ORG},
    )  # fmt: skip
    reply = remove(world, "test@capgo.app", by=key(2))
    assert (reply.status, reply.body) == (403, above)
    invite(world, role="super_admin")
    assert remove(world, NEW, by=key(2)).status == 200
    assert remove(world, "admin@capgo.app", by=key(2)).status == 200
    assert remove(world, "test2@capgo.app", by=key(2)).status == 200


def test_a_key_may_remove_its_own_owner(world: Live) -> None:
    """And then holds nothing there any more; the organization lives on under another super admin."""
    assert remove(world, "test@capgo.app", org=TEST2_ORG).status == 200
    assert world("GET", f"/organization?orgId={TEST2_ORG}").status == 400
    assert members(world, TEST2_ORG, by=TEST2) == {"test2@capgo.app": ("org_super_admin", False)}


@pytest.mark.parametrize("pending", [False, True])
def test_the_last_super_admin_takes_the_organization_along(world: Live, sane: Live, pending: bool) -> None:
    """A pending one is no successor. Whoever switches faults off is told that this cannot be done."""
    for mock in (world, sane):
        if pending:
            invite(mock, role="super_admin")
        reply = remove(mock, "test@capgo.app", by=key(1))
        if mock is world:
            assert (reply.status, reply.body) == (200, {"status": "ok"})
            assert mock("GET", f"/organization?orgId={DEMO_ORG}", key=ADMIN).status == 400
            assert mock("GET", f"/app/{DEMO}", key=key(10)).status == 401
        else:
            last = error(
                "CANNOT_REMOVE_LAST_SUPER_ADMIN", "Cannot remove the last super admin from the organization",
                {"orgId": DEMO_ORG},
            )  # fmt: skip
            assert (reply.status, reply.body) == (400, last)
            assert DEMO_ORG in {row["id"] for row in mock.get("/organization", key=ADMIN)}


def test_an_expiring_successor_prevents_it(world: Live) -> None:
    """Until he is removed himself; then the organization goes with the last one."""
    last = error(
        "CANNOT_REMOVE_LAST_SUPER_ADMIN", "Cannot remove the last super admin from the organization",
        {"orgId": SUCCESSION_ORG},
    )  # fmt: skip
    above = "cannot_delete_higher_priority_role"
    reply = remove(world, "test@capgo.app", SUCCESSION_ORG, by=key(24))
    assert (reply.status, reply.body) == (400, last)
    assert remove(world, NEW, SUCCESSION_ORG, by=key(25)).body["error"] == above
    assert remove(world, NEW, SUCCESSION_ORG, by=key(24)).status == 200
    assert remove(world, "admin@capgo.app", SUCCESSION_ORG, by=key(24)).status == 200
    assert remove(world, "test@capgo.app", SUCCESSION_ORG, by=key(24)).status == 200
    assert world("GET", f"/organization?orgId={SUCCESSION_ORG}", key=key(24)).status == 400


def test_the_organizations_id_in_upper_case(world: Live) -> None:
    """It is the same organization, and is echoed as it was sent."""
    upper = DEMO_ORG.upper()
    assert invite(world, org=upper).status == 200
    assert len(members(world, upper)) == 4
    reply = remove(world, "apikey-management@capgo.app", org=upper)
    assert reply.body["moreInfo"] == {"orgId": upper, "email": "apikey-management@capgo.app"}
    assert remove(world, NEW, org=upper).status == 200
