"""The operations. One of the three tables: routing, authentication, the OpenAPI documents and the tests read it.

Belongs here: a row for each operation. To add one: a row here, a handler in `mock_capgo.resources`, its
schemas in `schemas/`, a formatter in each dialect that has it, and tests. `tests/test_operations.py` holds
the table and the OpenAPI documents equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mock_capgo.call import Call
from mock_capgo.resources import (
    api_keys,
    apps,
    audit,
    bundles,
    channels,
    devices,
    health,
    members,
    organizations,
    statistics,
    webhooks,
)

Handler = Callable[[Call], Any]
LiveInput = Literal["body_or_query", "json", "query", "none"]
Tag = Literal[
    "health", "organizations", "members", "apps", "api-keys", "channels", "devices", "bundles", "statistics",
    "webhooks", "audit",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    `permission` is the one that decides, None where authentication is enough; `live_rule` names the live
    header rule (reference 00 §2), None where no key is needed; `live_input` says where the live service
    reads parameters; `cors` whether its answers carry CORS headers there; `documented` whether the
    operation exists in the documented dialect; `secret` whether its bodies may hold a value that nobody else
    is to see; `follows_from` the tables from which alone, with the caller and what was sent, its answer follows: it is
    kept until one of them changes.
    """

    id: str
    method: str
    path: str
    tag: Tag
    handler: Handler
    permission: str | None
    live_rule: Literal["K", "A"] | None
    live_input: LiveInput = "body_or_query"
    cors: bool = True
    documented: bool = True
    secret: bool = False
    follows_from: tuple[str, ...] = ()


# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation("getHealth", "GET", "/ok", "health", health.get_ok, None, None, "none"),
    Operation("postHealth", "POST", "/ok", "health", health.ok, None, None, "none"),
    Operation("postKo", "POST", "/ko", "health", health.ko, None, None, "none", documented=False),
    # Organizations (reference 10)
    Operation(
        "getOrganizations", "GET", "/organization", "organizations", organizations.get_organizations, "org.read", "K"
    ),
    Operation(
        "createOrganization", "POST", "/organization", "organizations", organizations.create_organization,
        "org.create", "A",
    ),
    Operation(
        "updateOrganization", "PUT", "/organization", "organizations", organizations.update_organization,
        "org.update_settings", "A",
    ),
    Operation(
        "deleteOrganization", "DELETE", "/organization", "organizations", organizations.delete_organization,
        "org.delete", "K",
    ),
    # Members (reference 11)
    Operation(
        "listOrganizationMembers", "GET", "/organization/members", "members", members.list_members,
        "org.read_members", "K",
    ),
    Operation(
        "upsertOrganizationMember", "POST", "/organization/members", "members", members.invite_member,
        "org.invite_user", "K",
    ),
    Operation(
        "deleteOrganizationMember", "DELETE", "/organization/members", "members", members.remove_member,
        "org.update_user_roles", "A",
    ),
    # Audit log (reference 13)
    Operation(
        "getAuditLogs", "GET", "/organization/audit", "audit", audit.get_audit_logs, "org.read_audit", "A",
        documented=False,
    ),
    # API keys (reference 12)
    Operation("listApiKeys", "GET", "/apikey", "api-keys", api_keys.list_api_keys, "org.manage_apikeys", "A", "none"),
    Operation(
        "createApiKey", "POST", "/apikey", "api-keys", api_keys.create_api_key, "org.manage_apikeys", "A", "json",
        secret=True,
    ),
    Operation(
        "updateApiKeyByBody", "PUT", "/apikey", "api-keys", api_keys.update_api_key, "org.manage_apikeys", "A", "json",
        secret=True,
    ),
    Operation("getApiKey", "GET", "/apikey/{id}", "api-keys", api_keys.get_api_key, "org.manage_apikeys", "A", "none"),
    Operation(
        "updateApiKey", "PUT", "/apikey/{id}", "api-keys", api_keys.update_api_key, "org.manage_apikeys", "A", "json",
        secret=True,
    ),
    Operation(
        "deleteApiKey", "DELETE", "/apikey/{id}", "api-keys", api_keys.delete_api_key, "org.manage_apikeys", "A",
        "none",
    ),
    # Apps (reference 20)
    Operation(
        "listApps", "GET", "/app", "apps", apps.list_apps, "org.read", "K", follows_from=("apps", "organizations")
    ),
    Operation("createApp", "POST", "/app", "apps", apps.create_app, "org.create_app", "A"),
    Operation(
        "getApp", "GET", "/app/{appId}", "apps", apps.get_app, "app.read", "K", "none", follows_from=("apps",)
    ),
    Operation("updateApp", "PUT", "/app/{appId}", "apps", apps.update_app, "app.update_settings", "K"),
    Operation("deleteApp", "DELETE", "/app/{appId}", "apps", apps.delete_app, "app.delete", "K", "none"),
    # Bundles (reference 21)
    Operation(
        "listBundles", "GET", "/bundle", "bundles", bundles.list_bundles, "app.read_bundles", "K", cors=False,
        follows_from=("apps", "bundles"),
    ),
    Operation(
        "createBundle", "POST", "/bundle", "bundles", bundles.create_bundle, "app.upload_bundle", "K", cors=False
    ),
    Operation(
        "setBundleChannel", "PUT", "/bundle", "bundles", bundles.set_bundle_channel, "channel.promote_bundle", "K",
        cors=False,
    ),
    Operation(
        "deleteBundle", "DELETE", "/bundle", "bundles", bundles.delete_bundle, "bundle.delete", "K", cors=False
    ),
    Operation(
        "updateBundleMetadata", "POST", "/bundle/metadata", "bundles", bundles.update_bundle_metadata,
        "app.upload_bundle", "K", cors=False,
    ),
    # Channels (reference 22)
    Operation(
        "listChannels", "GET", "/channel", "channels", channels.list_channels, "app.read_channels", "K", cors=False,
        follows_from=("apps", "bundles", "channels"),
    ),
    Operation(
        "upsertChannel", "POST", "/channel", "channels", channels.upsert_channel, "channel.update_settings", "K",
        "json", cors=False,
    ),
    Operation(
        "deleteChannel", "DELETE", "/channel", "channels", channels.delete_channel, "channel.delete", "K", cors=False
    ),
    # Devices (reference 23)
    Operation(
        "getDevices", "GET", "/device", "devices", devices.get_devices, "app.read_devices", "K", cors=False
    ),
    Operation(
        "linkDevice", "POST", "/device", "devices", devices.link_device, "channel.manage_forced_devices", "K", "json",
        cors=False,
    ),
    Operation(
        "deleteDeviceOverride", "DELETE", "/device", "devices", devices.delete_device_override, "app.manage_devices",
        "K", cors=False,
    ),
    # Statistics (reference 24)
    Operation(
        "getAppStatistics", "GET", "/statistics/app/{appId}", "statistics", statistics.get_app_statistics,
        "app.read", "A", "query",
    ),
    Operation(
        "getAppBundleUsage", "GET", "/statistics/app/{appId}/bundle_usage", "statistics",
        statistics.get_app_bundle_usage, "app.read", "A", "query",
    ),
    Operation(
        "getOrganizationStatistics", "GET", "/statistics/org/{orgId}", "statistics",
        statistics.get_organization_statistics, "org.read", "A", "query",
    ),
    Operation(
        "getUserStatistics", "GET", "/statistics/user", "statistics", statistics.get_user_statistics, None, "A",
        "query",
    ),
    # Webhooks (reference 13)
    Operation(
        "getWebhooks", "GET", "/webhooks", "webhooks", webhooks.list_or_get_webhooks, "org.update_settings", "A",
        cors=False, documented=False,
    ),
    Operation(
        "createWebhook", "POST", "/webhooks", "webhooks", webhooks.create_webhook, "org.update_settings", "A",
        cors=False, documented=False, secret=True,
    ),
    Operation(
        "updateWebhook", "PUT", "/webhooks", "webhooks", webhooks.update_webhook, "org.update_settings", "A",
        cors=False, documented=False,
    ),
    Operation(
        "deleteWebhook", "DELETE", "/webhooks", "webhooks", webhooks.delete_webhook, "org.update_settings", "A",
        cors=False, documented=False,
    ),
    Operation(
        "testWebhook", "POST", "/webhooks/test", "webhooks", webhooks.test_webhook, "org.update_settings", "A",
        cors=False, documented=False,
    ),
    Operation(
        "listDeliveries", "GET", "/webhooks/deliveries", "webhooks", webhooks.list_deliveries, "org.update_settings",
        "A", cors=False, documented=False,
    ),
    Operation(
        "retryDelivery", "POST", "/webhooks/deliveries/retry", "webhooks", webhooks.retry_delivery,
        "org.update_settings", "A", cors=False, documented=False,
    ),
)
# fmt: on

BY_ID = {operation.id: operation for operation in OPERATIONS}
