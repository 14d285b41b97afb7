"""Roles and what they may do. One of the three tables (reference 00, section 3).

Belongs here: the roles with their rank and scope, the permissions with the roles that hold them, and the
check itself. Does not belong here: how a request is authenticated (`mock_capgo.access.keys`), and what a
refusal says (`mock_capgo.errors`).

A principal is judged by its own bindings only: a key never by those of its owner. A binding on an
organization reaches its apps and channels through the role's own permissions; a role of one scope type
never contains a role of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mock_capgo.world.records import Binding, Micros, ScopeType


class Role(NamedTuple):
    """`rank` decides who may assign or remove whom; some roles are given by the system only."""

    name: str
    rank: int
    scope: ScopeType
    assignable: bool = True


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("org_super_admin", 95, "org"),
        Role("org_admin", 90, "org"),
        Role("org_billing_admin", 80, "org"),
        Role("apikey_manager", 78, "org"),
        Role("org_member", 75, "org"),
        Role("apikey_org_reader", 10, "org", assignable=False),
        Role("app_admin", 70, "app"),
        Role("app_preview", 69, "app"),
        Role("app_developer", 68, "app"),
        Role("app_uploader", 66, "app"),
        Role("app_reader", 65, "app"),
        Role("app_notifications", 64, "app"),
        Role("channel_preview", 68, "channel", assignable=False),
        Role("channel_admin", 60, "channel"),
        Role("channel_developer", 58, "channel"),
        Role("channel_uploader", 57, "channel"),
        Role("channel_reader", 55, "channel"),
    )
}

_READS = (
    "org.read", "org.read_members", "app.read", "app.read_bundles", "app.read_channels", "app.read_logs",
    "app.read_devices", "app.read_audit", "channel.read", "channel.read_history", "channel.read_forced_devices",
    "channel.read_audit",
)  # fmt: skip
_UPLOADS = (*_READS, "app.upload_bundle", "channel.promote_bundle")
_WRITES = (
    *_UPLOADS, "org.create_app", "app.create_channel", "app.manage_devices", "app.build_native",
    "app.manage_notifications", "app.update_settings", "channel.rollback_bundle", "channel.manage_forced_devices",
    "channel.update_settings",
)  # fmt: skip
MODES: dict[str, tuple[str, ...] | None] = {"read": _READS, "upload": _UPLOADS, "write": _WRITES, "all": None}
"""What a key's mode stands for in the documented dialect, None for every permission (documented-dialect.md)."""


def mode_role(mode: str) -> str:
    """The role that stands for a mode; nobody can assign it."""
    return f"mode_{mode}"


for _mode in MODES:
    ROLES[mode_role(_mode)] = Role(mode_role(_mode), 95 if _mode == "all" else 75, "org", assignable=False)

_SHORT = {
    "SA": "org_super_admin", "AD": "org_admin", "BI": "org_billing_admin", "KM": "apikey_manager",
    "ME": "org_member", "KR": "apikey_org_reader",
    "aA": "app_admin", "aP": "app_preview", "aD": "app_developer", "aU": "app_uploader", "aR": "app_reader",
    "aN": "app_notifications",
    "cP": "channel_preview", "cA": "channel_admin", "cD": "channel_developer", "cU": "channel_uploader",
    "cR": "channel_reader",
}  # fmt: skip

# The effective listing: what a role inherits inside its own scope type is already written out.
_HOLDERS = {
    "org.read": "SA AD BI KM ME KR",
    "org.create_app": "SA AD BI ME",
    "org.read_members": "SA AD ME",
    "org.update_settings": "SA AD",
    "org.invite_user": "SA AD",
    "org.update_user_roles": "SA AD",
    "org.read_audit": "SA AD",
    "org.manage_apikeys": "SA AD KM",
    "org.read_billing": "SA AD BI",
    "org.read_invoices": "SA AD BI",
    "org.read_billing_audit": "SA AD BI",
    "org.update_billing": "SA BI",
    "org.delete": "SA",
    "app.read": "SA AD aA aD aU aR aP",
    "app.read_bundles": "SA AD aA aD aU aR aP",
    "app.read_channels": "SA AD aA aD aU aR",
    "app.read_logs": "SA AD aA aD aU aR",
    "app.read_devices": "SA AD aA aD aU aR",
    "app.read_audit": "SA AD aA aD aU aR",
    "app.upload_bundle": "SA AD aA aD aU aP",
    "app.create_channel": "SA AD aA aD aP",
    "app.manage_devices": "SA AD aA aD",
    "app.build_native": "SA AD aA aD",
    "app.manage_notifications": "SA AD aA aD aN",
    "app.update_settings": "SA AD aA",
    "app.update_user_roles": "SA AD aA",
    "app.delete": "SA",
    "app.transfer": "SA",
    "bundle.delete": "SA aA",
    "channel.read": "SA AD aA aD aU aR cA cD cU cR cP",
    "channel.promote_bundle": "SA AD aA aD aU cA cD cU cP",
    "channel.read_history": "SA AD aA aD aU aR cA cD cR",
    "channel.read_forced_devices": "SA AD aA aD aU aR cA cD cR",
    "channel.read_audit": "SA AD aA aD aU aR cA cD cR",
    "channel.rollback_bundle": "SA AD aA aD cA cD",
    "channel.manage_forced_devices": "SA AD aA aD cA cD",
    "channel.update_settings": "SA AD aA cA",
    "channel.delete": "SA aA cA cP",
}

PERMISSIONS: dict[str, frozenset[str]] = {
    permission: frozenset(
        [
            *(_SHORT[short] for short in holders.split()),
            *(mode_role(mode) for mode, granted in MODES.items() if granted is None or permission in granted),
        ]
    )
    for permission, holders in _HOLDERS.items()
}
"""Permission -> the names of the roles that hold it."""

ORG_ADMINS = frozenset({"org_admin", "org_super_admin"})
"""An active organization-scoped binding to one of these makes a global `org.create` effective."""


def active(bindings: Iterable[Binding], now: Micros) -> list[Binding]:
    """The bindings that have not expired."""
    return [binding for binding in bindings if binding.expires_at is None or binding.expires_at > now]


def allowed(
    bindings: Iterable[Binding],
    permission: str,
    *,
    org_id: str,
    app_id: str | None = None,
    channel_id: int | None = None,
) -> bool:
    """Whether active `bindings` grant `permission` on an organization, or an app or channel in it.

    The caller names the parents too: a binding on them may hold the permission. Raises KeyError for an
    unknown permission.
    """
    holders = PERMISSIONS[permission]
    for binding in bindings:
        if binding.role not in holders or binding.org_id != org_id:
            continue
        if binding.scope_type == "org":
            return True
        if binding.scope_type == "app" and app_id is not None and binding.app_id == app_id:
            return True
        if binding.scope_type == "channel" and channel_id is not None and binding.channel_id == channel_id:
            return True
    return False


def rank(bindings: Iterable[Binding], org_id: str) -> int:
    """The highest rank that organization-scoped `bindings` give in an organization; 0 for none."""
    return max(
        (ROLES[binding.role].rank for binding in bindings if binding.scope_type == "org" and binding.org_id == org_id),
        default=0,
    )
