"""A valid call of each operation about the things of a scene: with full rights it has to succeed.

Belongs here: the least that each operation takes, by dialect. Generated members are laid over a recipe by the layers;
`UNFIT` names those whose rules cross members, which no schema says, so that a generated value may be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract_tests.kit.reading import one
from contract_tests.kit.scene import Scene, days

Values = dict[str, Any]

SPOILS = frozenset(
    {
        "deleteOrganization",
        "upsertOrganizationMember",
        "deleteOrganizationMember",
        "deleteApp",
        "deleteApiKey",
        "deleteChannel",
        "deleteBundle",
        "updateOrganization",
        "createOrganization",
    }
)
"""Operations after which a scene is no longer what it was."""

SANDBOX_ONLY = frozenset(
    {
        "createOrganization",
        "updateOrganization",
        "deleteOrganization",
        "upsertOrganizationMember",
        "deleteOrganizationMember",
        "createWebhook",
        "updateWebhook",
        "deleteWebhook",
        "testWebhook",
        "retryDelivery",
    }
)
"""Operations about the organization itself, which on somebody's server is not the run's."""

UNFIT = frozenset(
    {
        "rolloutVersion",
        "rollout_version",
        "mode",
        "rollback",
        "promoteToStable",
        "promote_to_stable",
        "rolloutPausedAt",
        "rollout_paused_at",
        "cursor",
        "version_id",
        "channel_id",
        "delete_bundle",
        "bindings",
        "limited_to_apps",
        "limited_to_orgs",
        "global_permissions",
        "expires_at",
        "website",
        "device_id",
        "channel",
        "version",
        "breakdown",
        "page",
        "email",
        "regenerate",
        "key_id",
        "enforcing_2fa",
        "password_policy_config",
        "updatePackage",
        "ios_store_url",
        "android_store_url",
        "events",
        "url",
        "eventTypes",
    }
)


def recipe(name: str, scene: Scene) -> Values | None:
    """The values of a valid call, None where the scene has nothing that it could be about."""
    if name not in _RECIPES:
        return None
    if name in SANDBOX_ONLY and not scene.session.guard.sandbox:
        return None
    try:
        return _RECIPES[name](scene)
    except (KeyError, IndexError):
        return None


def expected(name: str, scene: Scene) -> bool:
    """Whether a recipe must succeed. A live key cannot make keys, whatever it may do else."""
    if name == "createOrganization" and not scene.session.profile.full.may_create_organizations:
        return False
    return not (name == "createApiKey" and not scene.session.documented) and name not in ("postKo", "testWebhook")


def _app(scene: Scene) -> str:
    if scene.app is None:
        raise KeyError("app")
    return scene.app


def _key(scene: Scene) -> int:
    if scene.key is None:
        raise KeyError("key")
    return scene.key


def _spare(scene: Scene) -> dict[str, Any]:
    return next(
        row for row in reversed(scene.bundles) if row["name"] != (scene.channel.get("version") or {}).get("name")
    )


def _range(scene: Scene) -> Values:
    first, last = days(6)
    return {"from": first, "to": last}


def _member(scene: Scene) -> Values:
    email = scene.session.profile.invitee
    if email is None:
        raise KeyError("invitee")
    # Who is a member cannot be invited: whatever an earlier call left is taken back first.
    scene.session.ask("deleteOrganizationMember", {"orgId": scene.org, "email": email})
    role = {"role": "read"} if scene.session.documented else {"invite_type": "read"}
    return {"orgId": scene.org, "email": email, **role}


def _leaving(scene: Scene) -> Values:
    values = _member(scene)
    scene.session.must("upsertOrganizationMember", values)
    return {"orgId": scene.org, "email": values["email"]}


def _created_org(scene: Scene) -> Values:
    if scene.session.documented:
        return {"orgId": one(scene.session.must("createOrganization", {"name": scene.session.fresh("org")}))["id"]}
    return {"orgId": scene.org}


_RECIPES: dict[str, Callable[[Scene], Values]] = {
    "getHealth": lambda scene: {},
    "postHealth": lambda scene: {},
    "getOrganizations": lambda scene: {"orgId": scene.org} if scene.org else {},
    "createOrganization": lambda scene: {"name": scene.session.fresh("org")},
    "updateOrganization": lambda scene: {"orgId": scene.org, "name": scene.session.fresh("org")},
    "deleteOrganization": _created_org,
    "listOrganizationMembers": lambda scene: {"orgId": scene.org},
    "upsertOrganizationMember": _member,
    "deleteOrganizationMember": _leaving,
    "getAuditLogs": lambda scene: {"orgId": scene.org},
    "listApps": lambda scene: {"org_id": scene.org} if scene.org else {},
    "createApp": lambda scene: {"app_id": scene.session.fresh("app"), "name": "New", "owner_org": scene.org},
    "getApp": lambda scene: {"appId": _app(scene)},
    "updateApp": lambda scene: {"appId": _app(scene), "name": "Renamed"},
    "deleteApp": lambda scene: {"appId": _app(scene)},
    "listApiKeys": lambda scene: {},
    "createApiKey": lambda scene: {
        "name": scene.session.fresh("key"),
        "bindings": [scene.binding("org_member", "org")],
    },
    "getApiKey": lambda scene: {"id": _key(scene)},
    "updateApiKey": lambda scene: {"id": _key(scene), "name": f"{scene.session.run_id} renamed"},
    "updateApiKeyByBody": lambda scene: {"id": _key(scene), "name": f"{scene.session.run_id} renamed"},
    "deleteApiKey": lambda scene: {"id": _key(scene)},
    "listChannels": lambda scene: {"app_id": _app(scene)},
    "upsertChannel": lambda scene: {"app_id": _app(scene), "channel": scene.channel["name"], "allow_dev": False},
    "deleteChannel": lambda scene: {"app_id": _app(scene), "channel": scene.channel["name"]},
    "getDevices": lambda scene: {"app_id": _app(scene)},
    "linkDevice": lambda scene: {
        "app_id": _app(scene), "device_id": scene.device, "channel": scene.channel["name"],
    },
    "deleteDeviceOverride": lambda scene: {"app_id": _app(scene), "device_id": scene.device},
    "listBundles": lambda scene: {"app_id": _app(scene)},
    "createBundle": lambda scene: {
        "app_id": _app(scene),
        "version": f"3.{scene.session.fresh('v').rsplit(' ', 1)[-1]}.0",
        "external_url": "https://cdn.example.com/new.zip",
        "checksum": "c0ffee",
    },
    "setBundleChannel": lambda scene: {
        "app_id": _app(scene), "version_id": _spare(scene)["id"], "channel_id": scene.channel["id"],
    },
    "deleteBundle": lambda scene: {"app_id": _app(scene), "version": _spare(scene)["name"]},
    "updateBundleMetadata": lambda scene: {
        "app_id": _app(scene), "version_id": scene.bundles[0]["id"], "comment": "noted",
    },
    "getAppStatistics": lambda scene: {"appId": _app(scene), **_range(scene)},
    "getAppBundleUsage": lambda scene: {"appId": _app(scene), **_range(scene)},
    "getOrganizationStatistics": lambda scene: {"orgId": scene.org, **_range(scene)},
    "getUserStatistics": _range,
    "getWebhooks": lambda scene: {"orgId": scene.org},
}  # fmt: skip
