"""Long workflows, every answer of which is looked at."""

from __future__ import annotations

from typing import Any

from tests.live.world import (
    DEMO,
    DEMO_ORG,
    HASHED,
    NO_ROWS,
    SUPER,
    TEST_USER,
    Live,
    error,
    key,
    no_access,
)

OK = {"status": "ok"}
CREATOR, READER, MEMBER = key(1), key(10), key(6)


def test_from_an_empty_organization_to_a_finished_rollout(world: Live) -> None:  # noqa: PLR0915 - one long story
    """A release: organization, app, bundles, channel, a rollout that is paused, resumed and promoted, the clean-up."""
    org = world.organization("Release org", website="release.example")
    app = "com.release.app"
    say: dict[str, Any] = {"key": CREATOR}
    world.expect(403, error("cannot_access_organization", "You can't access this organization", {"org_id": org}),
                 "POST", "/app", {"app_id": app, "name": "Release", "owner_org": org}, key=SUPER)  # fmt: skip
    assert (
        world.ok("POST", "/app", {"app_id": app, "name": "Release", "owner_org": org}, **say)["retention"] == "2592000"
    )
    world.expect(400, error("cannot_get_bundle", "Cannot get bundle", {"supabaseError": None}), "GET",
                 f"/bundle?app_id={app}", **say)  # fmt: skip
    versions = {name: world.make_bundle(app, name, **say) for name in ("1.0.0", "1.1.0", "1.2.0")}
    assert [row["name"] for row in world.get(f"/bundle?app_id={app}", **say)] == ["1.2.0", "1.1.0", "1.0.0"]
    post: dict[str, Any] = {"app_id": app, "channel": "production"}

    def channel() -> dict[str, Any]:
        row: dict[str, Any] = world.get(f"/channel?app_id={app}&channel=production", **say)
        return row

    made = world.ok("POST", "/channel", {**post, "version": "1.0.0", "public": True}, **say)
    number = made["id"]
    assert made == {"status": "ok", "id": number, "public": True}
    first = channel()
    assert (first["version"], first["public"]) == ({"id": versions["1.0.0"], "name": "1.0.0"}, True)
    rollout = {**post, "rolloutVersion": "1.1.0", "rolloutPercentage": 5, "rolloutEnabled": True}
    world.expect(200, OK, "POST", "/channel", rollout, **say)
    second = channel()
    assert second["rollout_version_info"] == {"id": versions["1.1.0"], "name": "1.1.0"}
    assert second["rolloutPercentageBps"] == 500
    assert second["rollout_id"] != first["rollout_id"]
    assert world.get(f"/app/{app}", **say)["rollout_channel_count"] == 1
    for version in ("1.0.0", "1.1.0"):
        linked = error("cannot_delete_linked_version", "Cannot delete a bundle linked to a channel",
                       {"app_id": app, "version": version})  # fmt: skip
        world.expect(400, linked, "DELETE", f"/bundle?app_id={app}&version={version}", **say)
    world.expect(200, OK, "POST", "/channel", {**post, "rolloutPaused": True, "rolloutPauseReason": "crash"}, **say)
    assert (channel()["rolloutPauseReason"], channel()["rollout_id"]) == ("crash", second["rollout_id"])
    assert world.get(f"/app/{app}", **say)["rollout_paused_version_names"] == ["1.1.0"]
    world.expect(200, OK, "POST", "/channel", {**post, "rolloutPaused": False, "rolloutPercentage": 50}, **say)
    assert (channel()["rolloutPausedAt"], channel()["rolloutPercentageBps"]) == (None, 5000)
    world.expect(200, OK, "POST", "/channel", {**post, "promoteToStable": True}, **say)
    last = channel()
    assert (last["version"]["name"], last["rollout_version"], last["rolloutEnabled"]) == ("1.1.0", None, False)
    assert world.get(f"/app/{app}", **say)["rollout_channel_count"] == 0
    missing = error("missing_rollout_version", "Cannot promote without a rollout version", post)
    world.expect(400, missing, "POST", "/channel", {**post, "promoteToStable": True}, **say)
    done = {"status": "success", "message": "Bundle 1.2.0 set to channel production"}
    body = {"app_id": app, "version_id": versions["1.2.0"], "channel_id": number}
    world.expect(200, done, "PUT", "/bundle", body, **say)
    world.expect(200, OK, "DELETE", f"/bundle?app_id={app}", **say)
    assert [row["name"] for row in world.get(f"/bundle?app_id={app}", **say)] == ["1.2.0"]
    world.expect(
        200, OK, "POST", "/bundle/metadata", {"app_id": app, "version_id": versions["1.0.0"], "link": "l"}, **say
    )
    held = world(
        "POST", "/bundle", {"app_id": app, "version": "1.0.0", "external_url": "https://x", "checksum": "c"}, **say
    )
    assert (held.status, held.body["error"]) == (400, "cannot_create_bundle")
    world.expect(200, OK, "POST", "/channel", {"app_id": app, "channel": "beta"}, **say)
    world.expect(200, OK, "POST", "/device", {"app_id": app, "device_id": "Tester", "channel": "beta"}, **say)
    world.later(20)
    after = world.get(f"/app/{app}", **say)
    assert (after["last_version"], after["channel_device_count"]) == ("1.2.0", 1)
    world.expect(200, OK, "DELETE", f"/channel?app_id={app}&channel=beta", **say)
    rows = world.audit(org, CREATOR, limit=100)
    tables = {(row["table_name"], row["operation"]) for row in rows}
    assert tables >= {("orgs", "INSERT"), ("org_users", "INSERT"), ("apps", "INSERT"), ("apps", "UPDATE"),
                      ("app_versions", "INSERT"), ("app_versions", "UPDATE"), ("channels", "INSERT"),
                      ("channels", "UPDATE"), ("channels", "DELETE")}  # fmt: skip
    assert {row["actor_apikey_id"] for row in rows if row["actor_type"] == "apikey"} == {114}
    world.expect(200, OK, "DELETE", f"/app/{app}", **say)
    world.expect(401, no_access(app_id=app), "GET", f"/app/{app}", **say)
    world.expect(200, OK, "DELETE", f"/organization?orgId={org}", **say)
    assert org not in {row["id"] for row in world.get("/organization", **say)}
    assert world.organization("Release org") != org


def test_a_team_changes(world: Live) -> None:
    """Invitations, ranks, keys that are renamed, renewed and deleted, and an organization that wants other keys."""
    members = f"/organization/members?orgId={DEMO_ORG}"

    def team() -> dict[str, tuple[str, bool]]:
        return {row["email"]: (row["role"], row["is_tmp"]) for row in world.get(members, key=CREATOR)}

    def invite(role: str, by: str) -> Any:
        body = {"orgId": DEMO_ORG, "email": "nonmember@capgo.app", "invite_type": role}
        return world("POST", "/organization/members", body, key=by).body

    def refused(code: str) -> Any:
        return error("error_inviting_user_to_organization", "Error inviting user to organization", {"data": code})

    denied = error("cannot_access_organization", "You can't access this organization", {"orgId": DEMO_ORG})
    assert len(team()) == 3
    assert invite("read", MEMBER) == denied
    assert invite("super_admin", key(2)) == refused("NO_RIGHTS")
    assert invite("admin", key(2)) == OK
    assert team()["nonmember@capgo.app"] == ("org_admin", True)
    assert invite("read", CREATOR) == refused("ALREADY_INVITED")
    higher = world("DELETE", f"{members}&email=test@capgo.app", key=key(2))
    assert (higher.status, higher.body["error"]) == (403, "cannot_delete_higher_priority_role")
    world.expect(200, OK, "DELETE", f"{members}&email=nonmember@capgo.app", key=key(2))
    assert len(team()) == 3
    assert world.get("/organization", key=key(23))[0]["id"] == DEMO_ORG
    world.expect(200, OK, "DELETE", f"{members}&email=admin@capgo.app", key=CREATOR)
    assert world.get("/organization", key=key(23)) == []
    listed = {row["id"]: row for row in world.get("/apikey", key=key(5))}
    assert {114, 118, 123} <= set(listed)
    renamed = world.ok("PUT", "/apikey/123", {"name": "Reader of the team"}, key=key(5))
    assert renamed["name"] == "Reader of the team"
    renewed = world.ok("PUT", "/apikey/123", {"regenerate": True}, key=key(2))
    world.expect(401, error("invalid_apikey", "Invalid apikey"), "GET", f"/app/{DEMO}", key=READER)
    assert world.get(f"/app/{DEMO}", key=renewed["key"])["app_id"] == DEMO
    itself = error("cannot_delete_apikey", "API keys cannot delete themselves", {"apikeyId": 118})
    world.expect(401, itself, "DELETE", "/apikey/118", key=key(5))
    world.expect(200, OK, "DELETE", f"/apikey/{renewed['key']}", key=key(5))
    gone = error("api_key_not_found", "API key not found", {"supabaseError": NO_ROWS})
    world.expect(404, gone, "DELETE", "/apikey/123", key=key(5))
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "max_apikey_expiration_days": 30}, key=CREATOR)
    exceeds = error("expiration_exceeds_max", "API key expiration cannot exceed 30 days for this organization")
    world.expect(400, exceeds, "PUT", "/apikey/122", {"expires_at": "2099-01-01"}, key=key(2))
    strict = world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": True}, key=CREATOR)
    assert strict["data"]["require_apikey_expiration"] is True
    assert world("GET", members, key=CREATOR).body["error"] == "org_requires_expiring_key"
    assert len(world.get(members, key=key(19))) == 2
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": False}, key=key(19))
    hashed = {"orgId": DEMO_ORG, "enforce_hashed_api_keys": True}
    assert world.ok("PUT", "/organization", hashed, key=CREATOR)["data"]["enforce_hashed_api_keys"] is True
    for value in (CREATOR, key(2), key(5), MEMBER, key(7), SUPER, key(19)):
        world.expect(401, error("invalid_apikey", "Invalid apikey"), "GET", "/app", key=value)
    assert DEMO in {row["app_id"] for row in world.get("/app", key=HASHED)}
    headers = {"capgkey": HASHED}
    log = world.ok("GET", f"/organization/audit?orgId={DEMO_ORG}&limit=1", key=None, headers=headers)["data"]
    assert (log[0]["actor_type"], log[0]["changed_fields"]) == ("system", ["enforce_hashed_api_keys"])
    back = {"orgId": DEMO_ORG, "enforce_hashed_api_keys": False}
    assert world.ok("PUT", "/organization", back, key=None, headers=headers)["status"] == "Organization updated"
    assert world.get("/organization", key=MEMBER)[0]["id"] == DEMO_ORG


def test_pull_requests_beside_a_release(world: Live) -> None:
    """Two preview keys and a developer in one app, with webhooks listening."""
    one, two, developer = key(11), key(12), key(8)
    hook = {"orgId": DEMO_ORG, "name": "ci", "url": "https://ci.example/hook", "events": ["app_versions", "channels"]}
    webhook = world("POST", "/webhooks", hook, key=CREATOR).body["webhook"]["id"]

    def post(by: str, channel: str, **more: Any) -> tuple[int, Any]:
        reply = world("POST", "/channel", {"app_id": DEMO, "channel": channel, **more}, key=by)
        return reply.status, reply.body

    def number(channel: str) -> int:
        found: int = world.channel(DEMO, channel)["id"]
        return found

    def promote(by: str, version: int, channel: int) -> tuple[int, Any]:
        body = {"app_id": DEMO, "version_id": version, "channel_id": channel}
        reply = world("PUT", "/bundle", body, key=by)
        return reply.status, reply.body

    first, second = world.make_bundle(DEMO, "9.0.0-pr.1", key=one), world.make_bundle(DEMO, "9.0.0-pr.2", key=two)
    release = world.make_bundle(DEMO, "9.0.0", key=developer)
    status, body = post(one, "pr-1", version="9.0.0-pr.1")
    assert (status, body) == (200, {"status": "ok", "id": number("pr-1"), "public": False})
    assert post(two, "pr-2") == (200, OK)
    assert promote(two, second, number("pr-2"))[0] == 200
    foreign = error("cannot_set_bundle_to_channel", "Cannot set bundle to channel",
                    {"error": "PREVIEW_APIKEY_CAN_ONLY_PROMOTE_OWN_BUNDLE"})  # fmt: skip
    assert promote(two, first, number("pr-2")) == (400, foreign)
    assert promote(two, release, number("pr-2")) == (400, foreign)
    assert promote(two, second, number("pr-1")) == (400, no_access(app_id=DEMO, channel_id=number("pr-1")))
    assert promote(two, second, 1) == (400, no_access(app_id=DEMO, channel_id=1))
    assert post(two, "pr-1", allow_dev=False) == (400, no_access(app_id=DEMO, channel="pr-1"))
    assert post(developer, "pr-1", allow_dev=False) == (400, no_access(app_id=DEMO, channel="pr-1"))
    device = {"app_id": DEMO, "device_id": "tester", "channel": "pr-1"}
    assert world("POST", "/device", device, key=one).body["error"] == "cannot_access_channel"
    assert world("POST", "/device", device, key=developer).body == OK
    assert promote(developer, release, 1) == (
        200, {"status": "success", "message": "Bundle 9.0.0 set to channel production"}
    )  # fmt: skip
    assert promote(developer, first, 2)[0] == 200
    comment = {"app_id": DEMO, "version_id": first, "comment": "merged"}
    assert world("POST", "/bundle/metadata", comment, key=one).body["error"] == "cannot_update_version_metadata"
    assert world("POST", "/bundle/metadata", comment, key=developer).body == OK
    gone = {"app_id": DEMO, "channel": "pr-1", "delete_bundle": True}
    linked = error("cannot_delete_linked_version", "Cannot delete a bundle linked to another channel")
    world.expect(400, linked, "DELETE", "/channel", gone, key=one)
    assert promote(developer, 5, 2)[0] == 200
    world.expect(200, OK, "DELETE", "/channel", gone, key=one)
    assert "9.0.0-pr.1" not in {row["name"] for row in world.get(f"/bundle?app_id={DEMO}", key=two)}
    world.expect(200, OK, "DELETE", "/channel", {**gone, "channel": "pr-2"}, key=two)
    assert [row["name"] for row in world.get(f"/channel?app_id={DEMO}")] == [
        "production", "no_access", "two_default", "electron_only"
    ]  # fmt: skip
    assert len(world.universe.world.state.overrides) == 0
    page = world.get(f"/webhooks/deliveries?orgId={DEMO_ORG}&webhookId={webhook}", key=CREATOR)
    events = {row["event_type"] for row in page["deliveries"]}
    assert events == {
        "app_versions.INSERT",
        "app_versions.UPDATE",
        "channels.INSERT",
        "channels.UPDATE",
        "channels.DELETE",
    }
    names = {row["request_payload"]["data"]["actor_apikey_name"] for row in page["deliveries"]}
    assert names == {"keys preview", "keys preview two", "keys app developer"}
    assert {row["request_payload"]["data"]["actor_user_id"] for row in page["deliveries"]} == {TEST_USER}
    assert page["pagination"]["total"] == len(page["deliveries"])
