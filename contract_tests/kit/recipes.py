"""A valid call of each operation about the things of a scene: with full rights it has to succeed.

Belongs here: the least that each operation takes, by dialect. Generated members are laid over a recipe by the layers;
`UNFIT` names those whose rules cross members, which no schema says, so that a generated value may be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.reading import rows
from contract_tests.kit.scene import HOOK_URL, Scene, days

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
        "deleteWebhook",
        "retryDelivery",
    }
)
"""Operations after which a scene is no longer what it was."""

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
    """The values of a valid call; None where there is nothing that it could be about, and `scene.lacks` says why."""
    try:
        return _RECIPES[name](scene)
    except NotHere as missing:
        scene.lacks = str(missing)
    except (KeyError, IndexError):
        scene.lacks = "the target has nothing that it could be asked about"
    return None


def needed(name: str, scene: Scene) -> Values:
    """The values of a valid call. Raises NotHere."""
    values = recipe(name, scene)
    if values is None:
        raise NotHere(scene.lacks)
    return values


def expected(name: str, scene: Scene) -> bool:
    """Whether a recipe must succeed. A live key cannot make keys, whatever it may do else."""
    if name == "createOrganization" and not scene.session.profile.full.may_create_organizations:
        return False
    return not (name == "createApiKey" and not scene.session.documented) and name != "postKo"


def _app(scene: Scene) -> str:
    if scene.app is None:
        raise KeyError("app")
    return scene.app


def _key(scene: Scene) -> int:
    if scene.key is None:
        raise NotHere("it takes a key of the run's own, and here keys cannot make keys")
    return scene.key


def _known_key(scene: Scene) -> int:
    """One to look at: that may be anybody's."""
    return scene.key or int(rows(scene.session.must("listApiKeys"))[0]["id"])


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
        raise NotHere("the profile names nobody to invite")
    # Who is a member cannot be invited: whatever an earlier call left is taken back first.
    place = {"orgId": scene.house(), "email": email}
    scene.session.ask("deleteOrganizationMember", place)
    return {**place, **({"role": "read"} if scene.session.documented else {"invite_type": "read"})}


def _leaving(scene: Scene) -> Values:
    values = _member(scene)
    scene.session.must("upsertOrganizationMember", values)
    return {"orgId": values["orgId"], "email": values["email"]}


def _founding(scene: Scene) -> Values:
    if not scene.session.guard.sandbox:
        scene.house()
    return {"name": scene.session.fresh("org")}


def _doomed(scene: Scene) -> Values:
    # No key of the live seed may create an organization: there the only one there is has to go.
    only = scene.session.guard.sandbox and not scene.session.profile.full.may_create_organizations
    return {"orgId": scene.org if only else scene.found()}


def _delivery(scene: Scene) -> Values:
    tried = scene.try_hook()
    failed = rows(scene.session.must("listDeliveries", {**_hook(scene), "status": "failed"}))
    if tried not in [row.get("id") for row in failed]:
        raise NotHere("the target has no failed delivery")
    return {"orgId": scene.org, "deliveryId": tried}


def _hook(scene: Scene) -> Values:
    return {"orgId": scene.org, "webhookId": scene.hook()}


_RECIPES: dict[str, Callable[[Scene], Values]] = {
    "getHealth": lambda scene: {},
    "postKo": lambda scene: {},
    "postHealth": lambda scene: {},
    "getOrganizations": lambda scene: {"orgId": scene.org} if scene.org else {},
    "createOrganization": _founding,
    "updateOrganization": lambda scene: {"orgId": scene.house(), "name": scene.session.fresh("org")},
    "deleteOrganization": _doomed,
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
    "getApiKey": lambda scene: {"id": _known_key(scene)},
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
    "createWebhook": lambda scene: {
        "orgId": scene.org, "name": scene.session.fresh("hook"), "url": HOOK_URL, "events": ["orgs"],
    },
    "updateWebhook": lambda scene: {**_hook(scene), "name": scene.session.fresh("hook")},
    "deleteWebhook": lambda scene: {"orgId": scene.org, "webhookId": scene.add_hook()},
    "testWebhook": _hook,
    "listDeliveries": _hook,
    "retryDelivery": _delivery,
}  # fmt: skip
