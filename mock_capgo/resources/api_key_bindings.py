"""What a new API key is bound to: the shapes, the policies, and who may grant what (reference 12, POST)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mock_capgo import errors
from mock_capgo.access.permissions import ORG_ADMINS, PERMISSIONS, ROLES, rank
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.resources.values import Fields, truthy
from mock_capgo.world.records import DAY, ApiKey, Binding, Channel, Micros

_SCOPES = ("org", "app", "channel")
# A key manager who may not change users' roles may not hand these out either.
_POWERFUL = {"org_super_admin", "org_admin", "app_admin", "app_preview", "channel_admin"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A binding as asked for: names, not yet looked up."""

    role: str
    scope: str
    org_id: str
    app: str | None = None
    channel: str | int | None = None
    reason: str | None = None


def parse(value: Any, more: Fields | None = None) -> list[Wanted]:
    """The bindings of a request. Raises INVALID_BINDINGS for the first that has a wrong shape."""
    if not isinstance(value, list):
        raise Refusal(errors.INVALID_BINDINGS, more, words={"reason": "bindings must be an array"})
    return [_parse(item) for item in value]


def _parse(item: Any) -> Wanted:
    faults: list[tuple[bool, str]]
    if not isinstance(item, dict):
        raise Refusal(errors.INVALID_BINDINGS, words={"reason": "Each binding must be an object"})
    channel = item.get("channel_id")
    if isinstance(channel, float) and channel.is_integer():
        channel = int(channel)  # JSON has one kind of number
    faults = [
        (not isinstance(item.get("role_name"), str) or not item["role_name"], "Each binding must have a role_name"),
        (
            item.get("scope_type") not in _SCOPES,
            "Each binding must have a valid scope_type (org, app, channel)",
        ),
        (not isinstance(item.get("org_id"), str) or not item["org_id"], "Each binding must have an org_id"),
        (
            item.get("app_id") is not None and not isinstance(item["app_id"], str),
            "app_id must be a string when provided",
        ),
        (
            channel is not None and (isinstance(channel, bool) or not isinstance(channel, (str, int))),
            "channel_id must be a string or number when provided",
        ),
    ]
    for faulty, reason in faults:
        if faulty:
            raise Refusal(errors.INVALID_BINDINGS, words={"reason": reason})
    return Wanted(
        item["role_name"], item["scope_type"], item["org_id"].lower(), item.get("app_id"), channel, item.get("reason")
    )


def parse_global_permissions(value: Any, more: Fields | None = None) -> tuple[str, ...]:
    """The global permissions of a request; only `org.create` exists."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refusal(errors.INVALID_GLOBAL_PERMISSIONS, more, words={"reason": "global_permissions must be an array"})
    for permission in value:
        if permission != "org.create":
            raise Refusal(
                errors.INVALID_GLOBAL_PERMISSIONS,
                {**(more or {}), "permission": permission},
                words={"reason": "Unsupported API key global permission"},
            )
    return tuple(dict.fromkeys(value))


def check_mode(call: Call, params: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The apps and organizations that a key with a mode is limited to, held to what the caller manages.

    Without a list of organizations the key reaches all of its owner's, so the caller must manage each of them.
    """
    orgs = tuple(dict.fromkeys(org.lower() for org in params.get("limited_to_orgs") or ()))
    apps = tuple(dict.fromkeys(params.get("limited_to_apps") or ()))
    owned = [member.org_id for member in call.state.members.where("user", call.caller.key.user_id)]
    for org_id in orgs or owned:
        if not call.may("org.manage_apikeys", org_id):
            raise Refusal(errors.FORBIDDEN_BINDING_ORG, words={"org_id": org_id})
        # Mode `all` holds every permission: nobody gives away more than they hold.
        if params["mode"] == "all" and not all(call.may(permission, org_id) for permission in PERMISSIONS):
            raise Refusal(errors.FORBIDDEN_BINDING_ROLE, words={"role": "all"})
    for app_id in apps:
        app = call.state.apps.get(app_id)
        if app is None or app.owner_org not in (orgs or owned):
            # Whether it is there or not: an app out of reach is 403 (docs/documented-dialect.md, rule 4).
            raise Refusal(errors.BINDING_FORBIDDEN, words={"reason": "App not found in this org"})
    return apps, orgs


def makes_org_admin(wanted: Wanted) -> bool:
    """Whether a binding makes its key an administrator of an organization."""
    return wanted.scope == "org" and wanted.role in ORG_ADMINS


def check_policy_of(call: Call, org_ids: set[str], expires_at: Micros | None) -> None:
    """Hold an expiry to what organizations ask for."""
    for org_id in sorted(org_ids):
        organization = call.state.organizations.get(org_id)
        if organization is None:
            continue
        if organization.require_apikey_expiration and expires_at is None:
            raise Refusal(errors.EXPIRATION_REQUIRED)
        days = organization.max_apikey_expiration_days
        if days is not None and expires_at is not None and expires_at > call.now + days * DAY:
            raise Refusal(errors.EXPIRATION_EXCEEDS_MAX, words={"days": days})


def check_grants(call: Call, wanted: list[Wanted]) -> list[Binding]:
    """The bindings, looked up and held to what the caller may grant. Raises before anything is written."""
    checked: list[Binding] = []
    for binding in wanted:
        if binding.role in _POWERFUL and not call.may("org.update_user_roles", binding.org_id):
            raise Refusal(errors.FORBIDDEN_BINDING_ROLE, words={"role": binding.role})
        if not call.may("org.manage_apikeys", binding.org_id):
            raise Refusal(errors.FORBIDDEN_BINDING_ORG, words={"org_id": binding.org_id})
    for binding in wanted:
        found = _look_up(call, binding)
        if any(_same_target(found, other) for other in checked):
            raise Refusal(errors.BINDING_TWICE)
        checked.append(found)
    return checked


def grant(call: Call, key: ApiKey, bindings: list[Binding]) -> None:
    """Store a new key's bindings."""
    for binding in bindings:
        call.state.bindings.put(
            Binding(
                id=call.state.next_id("binding"),
                principal_type="apikey",
                principal=key.rbac_id,
                role=binding.role,
                scope_type=binding.scope_type,
                org_id=binding.org_id,
                app_id=binding.app_id,
                channel_id=binding.channel_id,
                reason=binding.reason,
            )
        )


def nearest_mode(bindings: Iterable[Binding]) -> str:
    """The documented mode that says most nearly what bindings allow."""
    roles = {binding.role for binding in bindings}
    if roles & ORG_ADMINS or "app_admin" in roles:
        return "all"
    if roles & {"app_developer", "channel_admin", "channel_developer", "apikey_manager"}:
        return "write"
    return "upload" if roles & {"app_uploader", "app_preview", "channel_uploader", "channel_preview"} else "read"


def _look_up(call: Call, wanted: Wanted) -> Binding:
    role = ROLES.get(wanted.role)
    if role is None:
        raise Refusal(errors.BINDING_NOT_FOUND, words={"reason": "Role not found"})
    if not role.assignable:
        raise Refusal(errors.BINDING_FORBIDDEN, words={"reason": "Role is not assignable"})
    if role.scope != wanted.scope:
        raise Refusal(errors.BINDING_INVALID, words={"reason": "Role scope_type does not match binding scope"})
    if role.rank > rank(call.caller.bindings, wanted.org_id):
        raise Refusal(
            errors.BINDING_FORBIDDEN, words={"reason": "Cannot assign a role with higher privileges than your own"}
        )
    app_id = channel_id = None
    if wanted.scope in ("app", "channel"):
        app_id = _app(call, wanted)
    if wanted.scope == "channel":
        channel_id = _channel(call, wanted, app_id or "").id
    return Binding(
        id=0,
        principal_type="apikey",
        principal="",
        role=role.name,
        scope_type=role.scope,
        org_id=wanted.org_id,
        app_id=app_id,
        channel_id=channel_id,
        reason=wanted.reason,
    )


def _app(call: Call, wanted: Wanted) -> str:
    """An app by its record id; its public id is taken too, which the documented lists name."""
    if not truthy(wanted.app) or (wanted.scope == "channel" and not truthy(wanted.channel)):
        missing = (
            "app_id required for app scope"
            if wanted.scope == "app"
            else ("app_id and channel_id required for channel scope")
        )
        raise Refusal(errors.BINDING_INVALID, words={"reason": missing})
    app = call.state.apps.first("record_id", wanted.app) or call.state.apps.get(wanted.app)
    if app is None or app.owner_org != wanted.org_id:
        raise Refusal(errors.BINDING_NOT_FOUND, words={"reason": "App not found in this org"})
    return app.app_id


def _channel(call: Call, wanted: Wanted, app_id: str) -> Channel:
    sent = str(wanted.channel)
    found = call.state.channels.get(int(sent)) if sent.isdecimal() else call.state.channels.first("rbac_id", sent)
    if found is None or found.app_id != app_id:
        raise Refusal(errors.BINDING_NOT_FOUND, words={"reason": "Channel not found in this app/org"})
    return found


def _same_target(one: Binding, other: Binding) -> bool:
    return (one.scope_type, one.org_id, one.app_id, one.channel_id) == (
        other.scope_type,
        other.org_id,
        other.app_id,
        other.channel_id,
    )
