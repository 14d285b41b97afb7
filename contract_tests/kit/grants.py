"""Who may do what: the kit's own transcription of the published roles and permissions, and of who asks for which.

Written from the documentation of roles, not from a server: where the two disagree, the access layer says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from contract_tests.kit.profile import Actor, Binding

Level = Literal["none", "org", "app", "channel", "global"]

_ORG = {
    "SA": "org_super_admin",
    "AD": "org_admin",
    "BI": "org_billing_admin",
    "KM": "apikey_manager",
    "ME": "org_member",
}
_APP = {"aA": "app_admin", "aP": "app_preview", "aD": "app_developer", "aU": "app_uploader", "aR": "app_reader"}
_CHANNEL = {"cA": "channel_admin", "cD": "channel_developer", "cU": "channel_uploader", "cR": "channel_reader"}
_SHORT = {**_ORG, **_APP, **_CHANNEL}

HOLDERS = {
    permission: frozenset(_SHORT[short] for short in roles.split())
    for permission, roles in {
        "org.read": "SA AD BI KM ME",
        "org.create_app": "SA AD BI ME",
        "org.read_members": "SA AD ME",
        "org.update_settings": "SA AD",
        "org.invite_user": "SA AD",
        "org.update_user_roles": "SA AD",
        "org.read_audit": "SA AD",
        "org.manage_apikeys": "SA AD KM",
        "org.delete": "SA",
        "app.read": "SA AD aA aD aU aR aP",
        "app.read_bundles": "SA AD aA aD aU aR aP",
        "app.read_channels": "SA AD aA aD aU aR",
        "app.read_devices": "SA AD aA aD aU aR",
        "app.upload_bundle": "SA AD aA aD aU aP",
        "app.create_channel": "SA AD aA aD aP",
        "app.manage_devices": "SA AD aA aD",
        "app.update_settings": "SA AD aA",
        "app.delete": "SA",
        "bundle.delete": "SA aA",
        "channel.promote_bundle": "SA AD aA aD aU cA cD cU",
        "channel.manage_forced_devices": "SA AD aA aD cA cD",
        "channel.update_settings": "SA AD aA cA",
        "channel.delete": "SA aA cA",
    }.items()
}

ASKED: dict[str, tuple[str | None, Level]] = {
    "getOrganizations": ("org.read", "org"),
    "createOrganization": ("org.create", "global"),
    "updateOrganization": ("org.update_settings", "org"),
    "deleteOrganization": ("org.delete", "org"),
    "listOrganizationMembers": ("org.read_members", "org"),
    "upsertOrganizationMember": ("org.invite_user", "org"),
    "deleteOrganizationMember": ("org.update_user_roles", "org"),
    "getAuditLogs": ("org.read_audit", "org"),
    "listApps": ("org.read", "org"),
    "createApp": ("org.create_app", "org"),
    "getApp": ("app.read", "app"),
    "updateApp": ("app.update_settings", "app"),
    "deleteApp": ("app.delete", "app"),
    "listApiKeys": ("org.manage_apikeys", "org"),
    "createApiKey": ("org.manage_apikeys", "org"),
    "getApiKey": ("org.manage_apikeys", "org"),
    "updateApiKey": ("org.manage_apikeys", "org"),
    "updateApiKeyByBody": ("org.manage_apikeys", "org"),
    "deleteApiKey": ("org.manage_apikeys", "org"),
    "listChannels": ("app.read_channels", "app"),
    "upsertChannel": ("channel.update_settings", "channel"),
    "deleteChannel": ("channel.delete", "channel"),
    "getDevices": ("app.read_devices", "app"),
    "linkDevice": ("channel.manage_forced_devices", "channel"),
    "deleteDeviceOverride": ("app.manage_devices", "app"),
    "listBundles": ("app.read_bundles", "app"),
    "createBundle": ("app.upload_bundle", "app"),
    "setBundleChannel": ("channel.promote_bundle", "channel"),
    "deleteBundle": ("bundle.delete", "app"),
    "updateBundleMetadata": ("app.upload_bundle", "app"),
    "getAppStatistics": ("app.read", "app"),
    "getAppBundleUsage": ("app.read", "app"),
    "getOrganizationStatistics": ("org.read", "org"),
    "getUserStatistics": (None, "none"),
    "getWebhooks": ("org.update_settings", "org"),
    "createWebhook": ("org.update_settings", "org"),
    "updateWebhook": ("org.update_settings", "org"),
    "deleteWebhook": ("org.update_settings", "org"),
    "testWebhook": ("org.update_settings", "org"),
    "listDeliveries": ("org.update_settings", "org"),
    "retryDelivery": ("org.update_settings", "org"),
}
"""Operation -> the permission that decides, and what it is asked about, for the calls of `recipes`."""

OPEN = frozenset({"getHealth", "postHealth", "postKo"})
"""Operations that need no key."""

ROLES: tuple[tuple[str, Literal["org", "app", "channel"]], ...] = (
    *((role, "org") for role in _ORG.values()),
    *((role, "app") for role in _APP.values()),
    *((role, "channel") for role in _CHANNEL.values()),
)


def may(actor: Actor, operation: str, *, org: str | None, app: str | None, channel: int | None) -> bool:
    """Whether an actor's bindings grant an operation about an organization, or an app or channel in it."""
    permission, level = ASKED[operation]
    if level == "global":
        return actor.may_create_organizations
    if permission is None:
        return True
    return _granted(actor.bindings, HOLDERS[permission], level, org, app, channel)


def _granted(
    bindings: Iterable[Binding],
    holders: frozenset[str],
    level: Level,
    org: str | None,
    app: str | None,
    channel: int | None,
) -> bool:
    for binding in bindings:
        if binding.role not in holders or binding.org != org:
            continue
        if binding.app is None and binding.channel is None:
            return True
        if binding.channel is None and level in ("app", "channel") and binding.app == app:
            return True
        if binding.channel is not None and level == "channel" and binding.channel == channel:
            return True
    return False
