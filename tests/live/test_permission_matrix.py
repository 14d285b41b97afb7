"""Who may do what: every operation by every key, against the roles' listing and the refusal of each operation."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.live.world import DEMO, DEMO_ORG, NO_ROWS, SUCCESSION_ORG, TEST_USER, Live, error, key, no_access

LISTING = """
org.read | SA AD BI KM ME
org.create_app | SA AD BI ME
org.read_members | SA AD ME
org.update_settings | SA AD
org.invite_user | SA AD
org.update_user_roles | SA AD
org.read_audit | SA AD
org.manage_apikeys | SA AD KM
org.delete | SA
app.read | SA AD aA aD aU aR aP
app.read_bundles | SA AD aA aD aU aR aP
app.read_channels | SA AD aA aD aU aR
app.read_devices | SA AD aA aD aU aR
app.upload_bundle | SA AD aA aD aU aP
app.create_channel | SA AD aA aD aP
app.manage_devices | SA AD aA aD
app.update_settings | SA AD aA
app.delete | SA
bundle.delete | SA aA
channel.read | SA AD aA aD aU aR cA cD cU cR cP
channel.promote_bundle | SA AD aA aD aU cA cD cU cP
channel.manage_forced_devices | SA AD aA aD cA cD
channel.update_settings | SA AD aA cA
channel.delete | SA aA cA cP
"""
HOLDERS = {line.split(" | ")[0]: set(line.split(" | ")[1].split()) for line in LISTING.strip().splitlines()}

# The place of a key in `capgo-keys`: the roles that it holds on the demo organization, app or a channel there.
KEYS: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("SA", "org"),),
    2: (("AD", "org"),),
    3: (("AD", "org"),),
    4: (("BI", "org"),),
    5: (("KM", "org"),),
    6: (("ME", "org"),),
    7: (("aA", "app"),),
    8: (("aD", "app"),),
    9: (("aU", "app"),),
    10: (("aR", "app"),),
    11: (("aP", "app"),),
    12: (("aP", "app"),),
    13: (("aN", "app"),),
    14: (("cA", "no_access"),),
    15: (("cD", "no_access"),),
    16: (("cU", "no_access"),),
    17: (("cR", "no_access"),),
    19: (("SA", "org"),),
    20: (),
    21: (("aR", "app"),),
    22: (("AD", "org"),),
    23: (("AD", "org"),),
    24: (),
    25: (("SA", "org"),),
    26: (),
    27: (),
    28: (("aR", "app"), ("cA", "production")),
}
OWNER = {23: "c591b04e-cf29-4945-b9a0-776d0672061a"}
ID = {number: 113 + number for number in KEYS}
CHANNELS = {"no_access": 2, "production": 1, "electron_only": 5}


def may(number: int, permission: str, channel: str | None = None) -> bool:
    """Whether the key of that number holds a permission, on the demo organization, its app, or a channel of it."""
    reach = {"org"} | ({"app"} if not permission.startswith("org.") else set())
    reach |= {channel} if channel is not None else set()
    return any(role in HOLDERS[permission] and scope in reach for role, scope in KEYS[number])


class Operation(NamedTuple):
    """A call, the permission that it needs (of a channel: on which), and its refusal."""

    name: str
    method: str
    path: str
    body: Any
    permission: str
    channel: str | None
    status: int
    refusal: dict[str, Any]


ORG_ID = {"org_id": DEMO_ORG}
NO_ACCESS_ORG = "You can't access this organization"
OF_ORG = error("cannot_access_organization", NO_ACCESS_ORG, {"orgId": DEMO_ORG})
MEMBERS = f"/organization/members?orgId={DEMO_ORG}"
RANGE = "from=2020-01-01&to=2020-01-03"
BUNDLE = {"app_id": DEMO, "version": "5.0.0", "external_url": "https://x.example/y.zip", "checksum": "c"}
NAMED = {"app_id": DEMO, "channel": "no_access"}
NOT_READABLE = error("invalid_org_id", NO_ACCESS_ORG, ORG_ID)
NO_APP = "You can't access this app"

OPERATIONS = [
    Operation(
        "read organization", "GET", f"/organization?orgId={DEMO_ORG}", None, "org.read", None, 400, NOT_READABLE
    ),
    Operation(
        "update organization", "PUT", "/organization", {"orgId": DEMO_ORG, "name": "Renamed"}, "org.update_settings",
        None, 400, OF_ORG,
    ),
    Operation(
        "delete organization", "DELETE", f"/organization?orgId={DEMO_ORG}", None, "org.delete", None, 403,
        error("invalid_org_id", "You can't delete this organization", ORG_ID),
    ),
    Operation("list members", "GET", MEMBERS, None, "org.read_members", None, 400, OF_ORG),
    Operation(
        "invite", "POST", "/organization/members",
        {"orgId": DEMO_ORG, "email": "nonmember@capgo.app", "invite_type": "org_member"}, "org.invite_user", None, 400,
        OF_ORG,
    ),
    Operation(
        "remove member", "DELETE", f"{MEMBERS}&email=test2@capgo.app", None, "org.update_user_roles", None, 400, OF_ORG
    ),
    Operation(
        "read audit", "GET", f"/organization/audit?orgId={DEMO_ORG}", None, "org.read_audit", None, 400, NOT_READABLE
    ),
    Operation(
        "list apps of organization", "GET", f"/app?org_id={DEMO_ORG}", None, "org.read", None, 400,
        error(
            "user_does_not_have_access_to_this_organization", "You do not have access to this organization", ORG_ID
        ),
    ),
    Operation(
        "create app", "POST", "/app", {"app_id": "com.new.app", "name": "New", "owner_org": DEMO_ORG},
        "org.create_app", None, 403, error("cannot_access_organization", NO_ACCESS_ORG, ORG_ID),
    ),
    Operation("read app", "GET", f"/app/{DEMO}", None, "app.read", None, 401, no_access(app_id=DEMO)),
    Operation(
        "update app", "PUT", f"/app/{DEMO}", {"name": "Renamed"}, "app.update_settings", None, 401,
        no_access(app_id=DEMO),
    ),
    Operation(
        "delete app", "DELETE", f"/app/{DEMO}", None, "app.delete", None, 400,
        error("cannot_delete_app", NO_APP, {"app_id": DEMO}),
    ),
    Operation(
        "list bundles", "GET", f"/bundle?app_id={DEMO}", None, "app.read_bundles", None, 400,
        error("cannot_get_bundle", NO_APP, {"app_id": DEMO}),
    ),
    Operation(
        "create bundle", "POST", "/bundle", BUNDLE, "app.upload_bundle", None, 400,
        error("cannot_create_bundle", NO_APP, {"app_id": DEMO}),
    ),
    Operation(
        "delete bundle", "DELETE", f"/bundle?app_id={DEMO}&version=1.359.0", None, "bundle.delete", None, 400,
        error("cannot_delete_bundle", NO_APP, {"app_id": DEMO}),
    ),
    Operation(
        "list channels", "GET", f"/channel?app_id={DEMO}", None, "app.read_channels", None, 400, no_access(app_id=DEMO)
    ),
    Operation(
        "read channel", "GET", f"/channel?app_id={DEMO}&channel=no_access", None, "app.read_channels", None, 400,
        no_access(app_id=DEMO),
    ),
    Operation(
        "create channel", "POST", "/channel", {"app_id": DEMO, "channel": "new"}, "app.create_channel", None, 400,
        no_access(app_id=DEMO),
    ),
    Operation(
        "update channel", "POST", "/channel", {**NAMED, "allow_dev": False}, "channel.update_settings", "no_access",
        400, no_access(**NAMED),
    ),
    Operation(
        "update public channel", "POST", "/channel", {"app_id": DEMO, "channel": "production", "allow_dev": False},
        "channel.update_settings", "production", 400, no_access(app_id=DEMO, channel="production"),
    ),
    Operation(
        "list devices", "GET", f"/device?app_id={DEMO}", None, "app.read_devices", None, 400, no_access(app_id=DEMO)
    ),
    Operation(
        "unlink device", "DELETE", f"/device?app_id={DEMO}&device_id=d", None, "app.manage_devices", None, 400,
        no_access(app_id=DEMO),
    ),
    Operation(
        "name a device without channel", "POST", "/device", {"app_id": DEMO, "device_id": "d"}, "app.manage_devices",
        None, 400, no_access(app_id=DEMO),
    ),
    Operation(
        "app statistics", "GET", f"/statistics/app/{DEMO}?{RANGE}", None, "app.read", None, 401,
        error("no_access_to_app", "No access to app", {"data": TEST_USER}),
    ),
    Operation(
        "bundle usage", "GET", f"/statistics/app/{DEMO}/bundle_usage?{RANGE}", None, "app.read", None, 401,
        error("no_access_to_app", "No access to app", {"data": TEST_USER}),
    ),
    Operation(
        "organization statistics", "GET", f"/statistics/org/{DEMO_ORG}?{RANGE}", None, "org.read", None, 401,
        error("no_access_to_organization", "No access to organization", {"data": TEST_USER}),
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_permission_decides(world: Live, operation: Operation, number: int) -> None:
    """Whoever holds the permission is served; everybody else gets that operation's own refusal."""
    reply = world(operation.method, operation.path, operation.body, key=key(number))
    refusal = operation.refusal
    if "data" in refusal["moreInfo"]:
        refusal = {**refusal, "moreInfo": {"data": OWNER.get(number, TEST_USER)}}
    if may(number, operation.permission, operation.channel):
        assert reply.status == 200, reply
    else:
        assert (reply.status, reply.body) == (operation.status, refusal)


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("channel", ["no_access", "production"])
def test_promotion_needs_its_permission_on_the_channel(world: Live, channel: str, number: int) -> None:
    """A bundle is set to a channel by who may promote on it, and a preview key has that on its own channels alone."""
    body = {"app_id": DEMO, "version_id": 6, "channel_id": CHANNELS[channel]}
    reply = world("PUT", "/bundle", body, key=key(number))
    if may(number, "channel.promote_bundle", channel):
        assert reply.body == {"status": "success", "message": f"Bundle 1.360.0 set to channel {channel}"}
    else:
        assert (reply.status, reply.body) == (400, no_access(app_id=DEMO, channel_id=CHANNELS[channel]))


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("channel", ["no_access", "electron_only"])
def test_a_channel_is_deleted_by_who_sees_it_and_may(world: Live, channel: str, number: int) -> None:
    """Deleting needs `channel.delete`; to a key that does not see the channel there is none."""
    reply = world("DELETE", f"/channel?app_id={DEMO}&channel={channel}", key=key(number))
    if not (may(number, "app.read") or may(number, "channel.read", channel)):
        missing = error("cannot_find_channel", "Cannot find channel", {"supabaseError": NO_ROWS})
        assert (reply.status, reply.body) == (400, missing)
    elif not may(number, "channel.delete", channel):
        assert (reply.status, reply.body) == (400, no_access(app_id=DEMO, channel_id=CHANNELS[channel]))
    elif KEYS[number] == (("cA", "no_access"),):
        # The other keys that are bound to the channel are in its way.
        assert reply.body["error"] == "cannot_delete_channel"
    else:
        assert (reply.status, reply.body) == (200, {"status": "ok"})


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("channel", ["no_access", "electron_only", "production"])
def test_a_channel_is_forced_on_a_device_by_who_may(world: Live, channel: str, number: int) -> None:
    """Forcing: not found for who does not see the channel, refused to who may not, and never a public one."""
    body = {"app_id": DEMO, "device_id": f"device-{number}", "channel": channel}
    reply = world("POST", "/device", body, key=key(number))
    if not (may(number, "app.read") or may(number, "channel.read", channel)):
        assert (reply.status, reply.body) == (
            404,
            error("channel_not_found", "Cannot find channel", {"dbError": NO_ROWS}),
        )
    elif not may(number, "channel.manage_forced_devices", channel):
        refusal = error(
            "cannot_access_channel", "You can't manage forced devices for this channel",
            {"app_id": DEMO, "channel": channel},
        )  # fmt: skip
        assert (reply.status, reply.body) == (400, refusal)
    elif channel == "production":
        public = error("public_channel_override", "Cannot set channel override for public channel")
        assert (reply.status, reply.body) == (400, public)
    else:
        assert (reply.status, reply.body) == (200, {"status": "ok"})


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize(
    ("channel", "settings"),
    [
        ("no_access", {"version": "1.0.0"}),
        ("no_access", {"version": None}),
        ("production", {"rolloutVersion": "1.0.1"}),
        ("production", {"rollback": True}),
        ("production", {"promoteToStable": True}),
    ],
)
def test_a_bundle_of_an_existing_channel_needs_both_permissions(
    world: Live, channel: str, settings: dict[str, Any], number: int
) -> None:
    """Who may not change the channel's settings is refused in those words, before anything about bundles is said."""
    reply = world("POST", "/channel", {"app_id": DEMO, "channel": channel, **settings}, key=key(number))
    if not may(number, "channel.update_settings", channel):
        assert (reply.status, reply.body) == (400, no_access(app_id=DEMO, channel=channel))
    elif "promoteToStable" in settings:
        more = {"app_id": DEMO, "channel": "production"}
        missing = error("missing_rollout_version", "Cannot promote without a rollout version", more)
        assert (reply.status, reply.body) == (400, missing)
    else:
        assert (reply.status, reply.body) == (200, {"status": "ok"})


@pytest.mark.parametrize("number", KEYS)
def test_metadata_needs_upload_and_a_preview_key_its_own_bundle(world: Live, number: int) -> None:
    """Metadata is changed by who may upload; a preview key that may, still not that of others' bundles."""
    reply = world("POST", "/bundle/metadata", {"app_id": DEMO, "version_id": 3, "link": "l"}, key=key(number))
    if not may(number, "app.upload_bundle"):
        denied = error("cannot_update_bundle_metadata", "You can't update metadata for this app", {"app_id": DEMO})
        assert (reply.status, reply.body) == (400, denied)
    elif KEYS[number] == (("aP", "app"),):
        assert reply.body["error"] == "cannot_update_version_metadata"
        assert reply.body["moreInfo"]["supabaseError"]["message"] == "PREVIEW_APIKEY_CAN_ONLY_MANAGE_OWN_BUNDLE"
    else:
        assert (reply.status, reply.body) == (200, {"status": "ok"})


@pytest.mark.parametrize("number", KEYS)
def test_webhooks_are_guarded_in_four_steps(world: Live, number: int) -> None:
    """Scope first, then the organization, then the administrator."""
    reply = world("GET", f"/webhooks?orgId={DEMO_ORG}", key=key(number))
    if any(scope != "org" for _, scope in KEYS[number]):
        scoped = error("no_permission", "App-scoped API keys cannot manage organization webhooks", ORG_ID)
        assert (reply.status, reply.body) == (400, scoped)
    elif not may(number, "org.read"):
        assert (reply.status, reply.body) == (400, NOT_READABLE)
    elif not may(number, "org.update_settings"):
        needed = error("no_permission", "You need admin access to manage webhooks", ORG_ID)
        assert (reply.status, reply.body) == (400, needed)
    else:
        assert (reply.status, reply.body) == (200, [])


@pytest.mark.parametrize("number", KEYS)
def test_keys_are_managed_by_keys_with_the_right_in_any_organization(world: Live, number: int) -> None:
    """The management right of one organization is enough to be listened to; without any it is 401 everywhere."""
    elsewhere = {24, 25, 26, 27}
    message = "API key management requires RBAC org role management permission"
    for method, path, body, code in (
        ("GET", "/apikey", None, "cannot_list_apikeys"),
        ("GET", "/apikey/6", None, "cannot_get_apikey"),
        ("PUT", "/apikey/6", {"name": "n"}, "cannot_update_apikey"),
        ("PUT", "/apikey", {"id": 6, "name": "n"}, "cannot_update_apikey"),
        ("DELETE", "/apikey/6", None, "cannot_delete_apikey"),
    ):
        reply = world(method, path, body, key=key(number))
        if may(number, "org.manage_apikeys") or number in elsewhere:
            assert reply.body != error(code, message, {"apikeyId": ID[number]})
        else:
            more = reply.body["moreInfo"]
            assert ("requestId" in more) == (method == "PUT")
            assert (reply.status, reply.body) == (401, error(code, message, {**more, "apikeyId": ID[number]}))
        assert reply.body is None or not isinstance(reply.body, dict) or "key" not in reply.body


@pytest.mark.parametrize("number", KEYS)
def test_lists_show_what_a_key_reads(world: Live, number: int) -> None:
    """Organizations by organization bindings that read, apps by `app.read`; nobody is refused, some see nothing."""
    organizations = {row["id"] for row in world.get("/organization", key=key(number))}
    assert (DEMO_ORG in organizations) == may(number, "org.read")
    assert (SUCCESSION_ORG in organizations) == (number in {24, 25})
    apps = {row["app_id"] for row in world.get("/app", key=key(number))}
    assert (DEMO in apps) == may(number, "app.read")


@pytest.mark.parametrize("number", KEYS)
@pytest.mark.parametrize("app_id", ["com.demoadmin.app", "com.no.app"])
def test_a_missing_app_and_a_foreign_one_look_alike(world: Live, app_id: str, number: int) -> None:
    """No key of `test` reaches the admin's app, and none can tell it from one that does not exist."""
    body = {"app_id": app_id, "version_id": 1, "channel_id": 1}
    missing = error("cannot_find_channel", "Cannot find channel", {"supabaseError": NO_ROWS})
    statistics = error("no_access_to_app", "No access to app", {"data": OWNER.get(number, TEST_USER)})
    for status, expected, method, path, sent in (
        (401, no_access(app_id=app_id), "GET", f"/app/{app_id}", None),
        (401, no_access(app_id=app_id), "PUT", f"/app/{app_id}", {"name": "n"}),
        (400, error("cannot_delete_app", NO_APP, {"app_id": app_id}), "DELETE", f"/app/{app_id}", None),
        (400, error("cannot_get_bundle", NO_APP, {"app_id": app_id}), "GET", f"/bundle?app_id={app_id}", None),
        (400, no_access(app_id=app_id, channel_id=1), "PUT", "/bundle", body),
        (400, no_access(app_id=app_id), "GET", f"/channel?app_id={app_id}", None),
        (400, no_access(app_id=app_id), "POST", "/channel", {"app_id": app_id, "channel": "c"}),
        (400, missing, "DELETE", f"/channel?app_id={app_id}&channel=c", None),
        (400, no_access(app_id=app_id), "GET", f"/device?app_id={app_id}", None),
        (401, statistics, "GET", f"/statistics/app/{app_id}?{RANGE}", None),
    ):
        world.expect(status, expected, method, path, sent, key=key(number))
