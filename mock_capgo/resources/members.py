"""Members of an organization: list, invite, remove (reference 11)."""

from __future__ import annotations

from dataclasses import dataclass

from mock_capgo import errors
from mock_capgo.access.permissions import ROLES, active, rank
from mock_capgo.call import Call
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import cascades
from mock_capgo.resources.common import NO_ROWS
from mock_capgo.resources.issues import Kind, check, refuse_odd_uuids
from mock_capgo.resources.organizations import add_member, refuse_unexpiring_key
from mock_capgo.world.records import DAY, Binding, Invitation, Member, Micros, User

INVITATION_LISTED: Micros = 7 * DAY
CANCELLED_RECENTLY: Micros = 3 * 3_600_000_000

_ALIASES = {
    "org_member": "org_member",
    "org_billing_admin": "org_billing_admin",
    "org_admin": "org_admin",
    "org_super_admin": "org_super_admin",
    "read": "org_member",
    "upload": "org_member",
    "write": "org_member",
    "admin": "org_admin",
    "super_admin": "org_super_admin",
    "invite_read": "org_member",
    "invite_upload": "org_member",
    "invite_write": "org_member",
    "invite_admin": "org_admin",
    "invite_super_admin": "org_super_admin",
}
_LIST = {"orgId": Kind("string")}
_INVITE = {
    "orgId": Kind("string"),
    "email": Kind("string", format="email"),
    "invite_type": Kind("string", values=tuple(_ALIASES)),
}
_REMOVE = {"orgId": Kind("string"), "email": Kind("string", format="email")}


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A line of the list: a member with its user, or an invitation to an address without account."""

    uid: str
    email: str
    image_url: str
    role: str
    pending: bool
    documented_role: str | None = None


def list_members(call: Call) -> list[ListedMember]:
    """Members, then invitations to addresses that have no account yet."""
    org_id = _organization(call, check(call.params, _LIST)["orgId"], "org.read_members")
    refuse_unexpiring_key(call, org_id)
    state = call.state
    members = [listed(member, state.users[member.user_id]) for member in state.members.where("org", org_id)]
    open_invitations = [
        _invited(invitation)
        for invitation in state.invitations.where("org", org_id)
        if invitation.cancelled_at is None and invitation.updated_at > call.now - INVITATION_LISTED
    ]
    shown = members + open_invitations
    if call.has(Quirk.ODD_UUIDS_CANNOT_BE_PARSED):
        refuse_odd_uuids(errors.CANNOT_PARSE_MEMBERS, [([at, "uid"], one.uid) for at, one in enumerate(shown)])
    return shown


def invite_member(call: Call) -> ListedMember:
    """Invite a user. Nobody's role is ever changed here, whatever "upsert" promises."""
    params = check(call.params, _INVITE)
    org_id = _organization(call, params["orgId"], "org.invite_user")
    role = _ALIASES[params["invite_type"]]
    mine = rank(call.caller.bindings, org_id)
    if mine < ROLES[role].rank or (role == "org_super_admin" and not call.may("org.update_user_roles", org_id)):
        raise _refused(errors.INVITE_NO_RIGHTS, "NO_RIGHTS")
    email = params["email"]
    user = call.state.users.first("email", email)
    if user is None:
        raise _no_account(call, org_id, email)
    if _membership(call, org_id, user.id) is not None:
        raise _refused(errors.INVITE_ALREADY_INVITED, "ALREADY_INVITED")
    documented = params["invite_type"].removeprefix("invite_")
    member = add_member(
        call,
        org_id,
        user.id,
        role,
        reason="Pending invitation",
        invited=True,
        documented=None if documented.startswith("org_") else documented,
    )
    return listed(member, user)


def remove_member(call: Call) -> None:
    """Remove a member or a pending invitation, with all that the user's keys may do in the organization."""
    params = check(call.params, _REMOVE)
    org_id = _organization(call, params["orgId"], "org.update_user_roles")
    user = call.state.users.first("email", params["email"])
    if user is None:
        raise Refusal(errors.USER_NOT_FOUND, {"error": NO_ROWS})
    member = _membership(call, org_id, user.id)
    if member is None:
        raise Refusal(errors.MEMBER_NOT_FOUND, {"orgId": params["orgId"], "email": params["email"]})
    bindings = active(call.state.bindings.where("principal", user.id), call.now)
    if rank(bindings, org_id) > rank(call.caller.bindings, org_id):
        raise Refusal(errors.MEMBER_RANKS_HIGHER, {"orgId": params["orgId"]})
    others = _other_super_admins(call, org_id, user.id)
    if _is_super_admin(bindings, org_id) and all(binding.expires_at is not None for binding in others):
        if others or not call.has(Quirk.SOLE_SUPER_ADMIN_TAKES_ORG_ALONG):
            raise Refusal(errors.LAST_SUPER_ADMIN, {"orgId": params["orgId"]})
        cascades.delete_organization(call.world, call.state.organizations[org_id], call.actor)
        return
    cascades.remove_member(call.world, member)


def listed(member: Member, user: User) -> ListedMember:
    """A membership as the list shows it."""
    return ListedMember(
        member.user_id, user.email, user.image_url, member.role, member.is_invite, member.documented_role
    )


def _invited(invitation: Invitation) -> ListedMember:
    return ListedMember(invitation.future_uuid, invitation.email, "", invitation.role, pending=True)


def _organization(call: Call, org_id: str, permission: str) -> str:
    """The id of an organization that the caller has a permission on; letters of any case."""
    if not call.may(permission, org_id.lower()):
        raise Refusal(errors.MEMBERS_OUT_OF_REACH, {"orgId": org_id})
    return org_id.lower()


def _membership(call: Call, org_id: str, user_id: str) -> Member | None:
    return next((m for m in call.state.members.where("org", org_id) if m.user_id == user_id), None)


def _no_account(call: Call, org_id: str, email: str) -> Refusal:
    for invitation in call.state.invitations.where("org", org_id):
        if invitation.email != email:
            continue
        if invitation.cancelled_at is None:
            return _refused(errors.INVITE_ALREADY_INVITED, "ALREADY_INVITED")
        if invitation.cancelled_at > call.now - CANCELLED_RECENTLY:
            return _refused(errors.INVITE_TOO_RECENT, "TOO_RECENT_INVITATION_CANCELATION")
    return _refused(errors.INVITE_NO_EMAIL, "NO_EMAIL")


def _refused(error: Error, code: str) -> Refusal:
    return Refusal(error, {"data": code})


def _is_super_admin(bindings: list[Binding], org_id: str) -> bool:
    return any(b.role == "org_super_admin" and b.scope_type == "org" and b.org_id == org_id for b in bindings)


def _other_super_admins(call: Call, org_id: str, user_id: str) -> list[Binding]:
    """Active super admins besides one user. Bindings of keys do not count."""
    return [
        binding
        for binding in active(call.state.bindings.where("org", org_id), call.now)
        if binding.role == "org_super_admin"
        and binding.scope_type == "org"
        and binding.principal_type == "user"
        and binding.principal != user_id
    ]
