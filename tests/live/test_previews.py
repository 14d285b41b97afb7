"""Keys with the role `app_preview`: their own bundles and channels, and nobody else's."""

from __future__ import annotations

from typing import Any

from tests.conftest import Reply
from tests.live.world import (
    DEMO,
    NO_ROWS,
    Live,
    database,
    error,
    key,
    no_access,
)

MINE, OTHER, DEVELOPER = key(11), key(12), key(8)
RBAC_IDS = {11: 124, 12: 125}
OK = {"status": "ok"}
FOREIGN = error("cannot_set_bundle_to_channel", "Cannot set bundle to channel", {
    "error": "PREVIEW_APIKEY_CAN_ONLY_PROMOTE_OWN_BUNDLE"
})  # fmt: skip


def bundle(world: Live, version: str, by: str = MINE) -> int:
    """A new bundle's id."""
    return world.make_bundle(DEMO, version, key=by)


def post(world: Live, channel: str, by: str = MINE, **more: Any) -> Reply:
    """The answer to an upsert."""
    return world("POST", "/channel", {"app_id": DEMO, "channel": channel, **more}, key=by)


def promote(world: Live, version: int, channel: int, by: str = MINE) -> Reply:
    """The answer to a promotion."""
    return world("PUT", "/bundle", {"app_id": DEMO, "version_id": version, "channel_id": channel}, key=by)


def delete(world: Live, channel: str, by: str = MINE, **more: Any) -> Reply:
    """The answer to a deletion."""
    return world("DELETE", "/channel", {"app_id": DEMO, "channel": channel, **more}, key=by)


def describe(world: Live, version: int, by: str = MINE) -> Reply:
    """The answer to a change of metadata."""
    return world("POST", "/bundle/metadata", {"app_id": DEMO, "version_id": version, "comment": "c"}, key=by)


def number(world: Live, channel: str) -> int:
    """A channel's id."""
    found: int = world.channel(DEMO, channel)["id"]
    return found


def test_whose_bundle_it_is(world: Live) -> None:
    """The key is noted on bundles of preview keys alone."""
    rbac = {one: world.get(f"/apikey/{at}")["rbac_id"] for one, at in RBAC_IDS.items()}
    for version, by, owner in (("7.0.0", MINE, rbac[11]), ("7.0.1", OTHER, rbac[12]), ("7.0.2", DEVELOPER, None)):
        bundle(world, version, by)
        row = next(row for row in world.get(f"/bundle?app_id={DEMO}", key=MINE) if row["name"] == version)
        assert row["created_by_apikey_rbac_id"] == owner


def test_a_preview_channel(world: Live) -> None:
    """Made by the key, and then its own: to promote and to delete, but neither to list nor to configure."""
    first, second = bundle(world, "7.0.0"), bundle(world, "7.0.1")
    assert post(world, "pr-0").body == OK
    made = post(world, "pr-1", version="7.0.0")
    mine = number(world, "pr-1")
    assert (made.status, made.body) == (200, {"status": "ok", "id": mine, "public": False})
    denied = no_access(app_id=DEMO, channel="pr-1")
    for change in ({"allow_dev": False}, {"version": "7.0.1"}, {"rolloutVersion": "7.0.1"}, {"rollback": True}, {}):
        assert (post(world, "pr-1", **change).status, post(world, "pr-1", **change).body) == (400, denied)
    world.expect(400, no_access(app_id=DEMO), "GET", f"/channel?app_id={DEMO}&channel=pr-1", key=MINE)
    assert promote(world, second, mine).body == {"status": "success", "message": "Bundle 7.0.1 set to channel pr-1"}
    assert promote(world, first, mine, by=OTHER).body == no_access(app_id=DEMO, channel_id=mine)
    assert delete(world, "pr-1", by=OTHER).body == no_access(app_id=DEMO, channel_id=mine)
    assert delete(world, "pr-1").body == OK
    missing = error("cannot_find_channel", "Cannot find channel", {"supabaseError": NO_ROWS})
    assert delete(world, "pr-1").body == missing
    assert {row["name"] for row in world.get(f"/bundle?app_id={DEMO}")} >= {"7.0.0", "7.0.1"}


def test_only_its_own_bundles(world: Live) -> None:
    """Others' are neither promoted nor put on a new channel, and no channel is left behind."""
    foreign, shared = bundle(world, "7.0.0", OTHER), bundle(world, "7.0.1", DEVELOPER)
    post(world, "pr")
    for other in (foreign, shared, 3):
        reply = promote(world, other, number(world, "pr"))
        assert (reply.status, reply.body) == (400, FOREIGN)
    for version in ("7.0.0", "7.0.1", "1.0.0"):
        assert post(world, "new", version=version).body == FOREIGN
    assert post(world, "new", version="9.9.9").body == error("cannot_find_version", "Cannot find version")
    assert "new" not in {row["name"] for row in world.get(f"/channel?app_id={DEMO}")}


def test_a_bundle_that_others_use_is_frozen(world: Live) -> None:
    """Its metadata is; it is still promoted to the key's own channels."""
    mine, foreign = bundle(world, "7.0.0"), bundle(world, "7.0.1", OTHER)
    post(world, "pr")
    manage = database("42501", "PREVIEW_APIKEY_CAN_ONLY_MANAGE_OWN_BUNDLE")
    shared = database("42501", "PREVIEW_APIKEY_CANNOT_MUTATE_SHARED_BUNDLE")
    assert promote(world, mine, number(world, "pr")).status == 200
    assert describe(world, mine).body == OK
    refused = error("cannot_update_version_metadata", "Cannot update version metadata", {"supabaseError": manage})
    assert describe(world, foreign).body == describe(world, 3).body == refused
    assert promote(world, mine, 2, by=DEVELOPER).status == 200
    frozen = error("cannot_update_version_metadata", "Cannot update version metadata", {"supabaseError": shared})
    assert (describe(world, mine).status, describe(world, mine).body) == (400, frozen)
    assert promote(world, mine, number(world, "pr")).status == 200
    assert promote(world, 3, 2, by=DEVELOPER).status == 200
    assert describe(world, mine).body == OK
    world.ok("POST", "/channel", {"app_id": DEMO, "channel": "no_access", "rolloutVersion": "7.0.0"})
    assert describe(world, mine).body == frozen


def test_a_channel_goes_with_its_bundles(world: Live) -> None:
    """All or nothing: its own bundles, used nowhere else."""
    one, two = bundle(world, "7.0.0"), bundle(world, "7.0.1")
    for name in ("pr-1", "pr-2"):
        post(world, name)
        promote(world, one, number(world, name))
    linked = error("cannot_delete_linked_version", "Cannot delete a bundle linked to another channel")
    assert (delete(world, "pr-1", delete_bundle=True).status, delete(world, "pr-1", delete_bundle=True).body) == (
        400,
        linked,
    )
    assert number(world, "pr-1")
    promote(world, two, number(world, "pr-2"))
    assert delete(world, "pr-1", delete_bundle=True).body == OK
    names = {row["name"] for row in world.get(f"/bundle?app_id={DEMO}")}
    assert ("7.0.0" in names, "7.0.1" in names) == (False, True)
    text = str(number(world, "pr-2"))
    for by in (OTHER, DEVELOPER, key(1), key(7)):
        reply = delete(world, "pr-2", by=by, delete_bundle=True)
        assert (reply.status, reply.body) == (400, no_access(app_id=DEMO, channel_id=text))
    world.ok("PUT", "/bundle", {"app_id": DEMO, "version_id": 3, "channel_id": int(text)})
    own = error("cannot_delete_preview_bundle", "This API key can only delete its own preview bundle")
    assert (delete(world, "pr-2", delete_bundle=True).status, delete(world, "pr-2", delete_bundle=True).body) == (
        400,
        own,
    )
    assert delete(world, "pr-2").body == OK


def test_a_preview_channel_without_a_bundle(world: Live) -> None:
    """It goes as well; what is not there is not found, without details."""
    post(world, "pr")
    assert delete(world, "pr", delete_bundle=True).body == OK
    assert delete(world, "pr", delete_bundle=True).body == error("cannot_find_channel", "Cannot find channel")


def test_a_public_preview_channel(world: Live) -> None:
    """Nothing prevents it, and the others stop being public as usual."""
    assert post(world, "pr", public=True).body == OK
    public = {row["name"] for row in world.get(f"/channel?app_id={DEMO}") if row["public"]}
    assert public == {"pr"}


def test_rights_end_with_the_key(world: Live) -> None:
    """The channel stays, for those who may delete it."""
    post(world, "pr")
    world.ok("DELETE", "/apikey/124")
    assert delete(world, "pr").status == 401
    assert world.ok("DELETE", f"/channel?app_id={DEMO}&channel=pr") == OK


def test_what_else_a_preview_key_may_not(world: Live) -> None:
    """Neither delete bundles nor see devices, nor force channels on them, its own included."""
    bundle(world, "7.0.0")
    denied = error("cannot_delete_bundle", "You can't access this app", {"app_id": DEMO})
    world.expect(400, denied, "DELETE", f"/bundle?app_id={DEMO}&version=7.0.0", key=MINE)
    world.expect(400, no_access(app_id=DEMO), "GET", f"/device?app_id={DEMO}", key=MINE)
    post(world, "pr")
    reply = world("POST", "/device", {"app_id": DEMO, "device_id": "d", "channel": "pr"}, key=MINE)
    refused = error(
        "cannot_access_channel", "You can't manage forced devices for this channel", {"app_id": DEMO, "channel": "pr"}
    )
    assert (reply.status, reply.body) == (400, refused)
