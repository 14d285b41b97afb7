"""Apps: the list, one app, creating, changing, deleting, and what its bundles and channels note on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.world import (
    ADMIN,
    DEMO,
    DEMO_ADMIN,
    DEMO_ORG,
    DEVELOPER,
    NO_ROWS,
    READER,
    TEST2,
    TEST2_ORG,
    TEST2_USER,
    TEST_USER,
    Live,
    database,
    error,
    key,
    no_access,
)

APP = "com.life.app"
COLUMNS = [
    "created_at", "app_id", "icon_url", "user_id", "name", "last_version", "updated_at", "id", "retention",
    "owner_org", "default_upload_channel", "transfer_history", "channel_device_count", "manifest_bundle_count",
    "expose_metadata", "allow_preview", "allow_device_custom_id", "need_onboarding", "existing_app", "ios_store_url",
    "android_store_url", "stats_updated_at", "stats_refresh_requested_at", "build_timeout_seconds",
    "build_timeout_updated_at", "block_provider_infra_requests", "rollout_channel_count",
    "rollout_paused_version_names", "created_from_onboarding", "onboarding_completed_at",
]  # fmt: skip
BAD_IDS = ["app", "app_name", ".com.a", "com.a.", "com..a", "com.a.b+", "com-x.a", "c_m.a", "com.a b", " com.a",
           "com.a ", "com.\u00e4", "com.a\n", "1", "."]  # fmt: skip
GOOD_IDS = ["com.x.product-name", "a.b", "1.2", "A.B_c", "com.-", "com._", "COM.Held.Upper", "x.y.z.w.v"]


def new(**changes: Any) -> dict[str, Any]:
    """The body of a new app."""
    return {"app_id": APP, "name": "Life", "owner_org": DEMO_ORG, **changes}


def invalid_id(app_id: Any) -> dict[str, Any]:
    """The refusal of what is no app id."""
    return error("invalid_app_id", "App ID must be a reverse domain string", {"app_id": app_id})


@pytest.mark.parametrize("app_id", GOOD_IDS)
def test_app_ids(world: Live, app_id: str) -> None:
    """Letters are kept and count."""
    assert world.ok("POST", "/app", new(app_id=app_id))["app_id"] == app_id
    assert world.get(f"/app/{app_id}")["app_id"] == app_id
    other = app_id.swapcase()
    if other != app_id:
        world.expect(401, no_access(app_id=other), "GET", f"/app/{other}")
        world.ok("POST", "/app", new(app_id=other))


@pytest.mark.parametrize("app_id", [*BAD_IDS, 7, True, ["com.a"], {"a": 1}])
def test_what_is_no_app_id(world: Live, app_id: Any) -> None:
    """Refused by every operation that takes one, with the value as it was sent."""
    body = {"app_id": app_id, "version": "1.0.0", "external_url": "https://x", "checksum": "c", "version_id": 1,
            "channel_id": 1, "channel": "c", "device_id": "d", "name": "n", "owner_org": DEMO_ORG}  # fmt: skip
    for method, path in (
        ("POST", "/app"), ("GET", "/bundle"), ("POST", "/bundle"), ("PUT", "/bundle"), ("POST", "/bundle/metadata"),
        ("DELETE", "/bundle"), ("GET", "/channel"), ("POST", "/channel"), ("DELETE", "/channel"), ("GET", "/device"),
        ("POST", "/device"), ("DELETE", "/device"),
    ):  # fmt: skip
        world.expect(400, invalid_id(app_id), method, path, body)


@pytest.mark.parametrize("app_id", ["app", "com.a.", ".com.a", "com.a.b+"])
def test_what_is_no_app_id_in_a_path(world: Live, app_id: str) -> None:
    """The same words, but for statistics, which do not look."""
    for method, body in (("GET", None), ("PUT", {"name": "n"}), ("DELETE", None)):
        world.expect(400, invalid_id(app_id), method, f"/app/{app_id}", body, key=key(20))
    nobody = error("no_access_to_app", "No access to app", {"data": TEST_USER})
    world.expect(401, nobody, "GET", f"/statistics/app/{app_id}?from=2024-01-01&to=2024-01-02")


@pytest.mark.parametrize("empty", [None, "", 0, False])
def test_what_an_app_needs(world: Live, empty: Any) -> None:
    """Id, name, organization, in this order; what is empty is missing, and the body is echoed."""
    for name, code, message in (
        ("app_id", "missing_app_id", "Missing app_id"),
        ("name", "missing_name", "Missing name"),
        ("owner_org", "missing_owner_org", "Missing owner_org"),
    ):
        body = new(**{name: empty})
        world.expect(400, error(code, message, {"body": body}), "POST", "/app", body)
        del body[name]
        world.expect(400, error(code, message, {"body": body}), "POST", "/app", body, key=key(20))


def test_a_new_app(world: Live) -> None:
    """The answer writes times and big numbers in another way than reading does."""
    made = world.ok("POST", "/app", new(name=" <b>Life</b> "))
    assert list(made) == COLUMNS
    read = world.get(f"/app/{APP}")
    numbers = ("retention", "channel_device_count", "manifest_bundle_count", "rollout_channel_count",
               "build_timeout_seconds")  # fmt: skip
    assert {name: made[name] for name in numbers} == {name: str(read[name]) for name in numbers}
    for name in ("created_at", "build_timeout_updated_at"):
        assert made[name].endswith("Z")
        assert read[name].endswith("+00:00")
        assert made[name][:19] == read[name][:19]
    same = set(COLUMNS) - set(numbers) - {"created_at", "build_timeout_updated_at"}
    assert {name: made[name] for name in same} == {name: read[name] for name in same}
    assert read == {
        "created_at": read["created_at"], "app_id": APP, "icon_url": "", "user_id": TEST_USER, "name": "Life",
        "last_version": None, "updated_at": None, "id": read["id"], "retention": 2592000, "owner_org": DEMO_ORG,
        "default_upload_channel": "dev", "transfer_history": [], "channel_device_count": 0, "manifest_bundle_count": 0,
        "expose_metadata": False, "allow_preview": False, "allow_device_custom_id": True, "need_onboarding": False,
        "existing_app": False, "ios_store_url": None, "android_store_url": None, "stats_updated_at": None,
        "stats_refresh_requested_at": None, "build_timeout_seconds": 900, "block_provider_infra_requests": True,
        "build_timeout_updated_at": read["created_at"], "rollout_channel_count": 0, "rollout_paused_version_names": [],
        "created_from_onboarding": False, "onboarding_completed_at": None,
    }  # fmt: skip
    assert world.get(f"/channel?app_id={APP}") == []
    nothing = error("cannot_get_bundle", "Cannot get bundle", {"supabaseError": None})
    world.expect(400, nothing, "GET", f"/bundle?app_id={APP}")


def test_whose_app_it_is(world: Live) -> None:
    """That of the organization's creator, whoever's key made it; an id in capitals is the same organization."""
    assert world.ok("POST", "/app", new(owner_org=TEST2_ORG.upper()))["user_id"] == TEST2_USER
    assert world.get(f"/app/{APP}", key=TEST2)["owner_org"] == TEST2_ORG


@pytest.mark.parametrize("value", [DEVELOPER, READER, key(6), key(4)])
def test_a_limited_key_does_not_reach_the_app_it_made(world: Live, value: str) -> None:
    """No binding comes with an app."""
    world.ok("POST", "/app", new(), key=value)
    world.expect(401, no_access(app_id=APP), "GET", f"/app/{APP}", key=value)
    assert world.get(f"/app/{APP}")["app_id"] == APP


@pytest.mark.parametrize("org", ["x", "00000000-0000-4000-8000-000000000000", TEST2_ORG, 5])
def test_an_organization_out_of_reach(world: Live, org: Any) -> None:
    """Before it is asked whether the id is taken."""
    denied = error("cannot_access_organization", "You can't access this organization", {"org_id": org})
    world.expect(403, denied, "POST", "/app", new(app_id=DEMO, owner_org=org), key=key(1))


@pytest.mark.parametrize("app_id", [DEMO, DEMO_ADMIN])
def test_a_taken_id(world: Live, app_id: str) -> None:
    """Taken anywhere, also where the caller cannot look; free at once after a deletion, also elsewhere."""
    taken = error(
        "app_id_already_exists", "App ID already exists",
        {"app_id": app_id, "constraint": "apps_pkey", "detail": f"Key (app_id)=({app_id}) already exists."},
    )  # fmt: skip
    world.expect(409, taken, "POST", "/app", new(app_id=app_id))
    world.ok("DELETE", f"/app/{app_id}", key=ADMIN)
    world.ok("POST", "/app", new(app_id=app_id, owner_org=TEST2_ORG))


def test_onboarding(world: Live) -> None:
    """It is noted how the app came to be, and when onboarding was done."""
    made = world.ok("POST", "/app", new(need_onboarding=True, existing_app=True, ios_store_url="i"))
    assert (made["need_onboarding"], made["created_from_onboarding"], made["existing_app"], made["ios_store_url"]) == (
        True, True, True, "i"
    )  # fmt: skip
    done = world.ok("PUT", f"/app/{APP}", {"need_onboarding": False})
    assert (done["need_onboarding"], done["created_from_onboarding"]) == (False, True)
    assert done["onboarding_completed_at"] is not None


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": " <i>New</i> name "}, {"name": "New name"}),
    ({"name": 42}, {"name": "42"}),
    ({"name": ""}, {"name": ""}),
    ({"name": None}, {"name": None}),
    ({"icon": "https://cdn.example/i.png"}, {"icon_url": "https://cdn.example/i.png"}),
    ({"icon": ""}, {"icon_url": ""}),
    ({"retention": 0}, {"retention": 0}),
    ({"retention": "10"}, {"retention": 10}),
    ({"retention": 63113903}, {"retention": 63113903}),
    ({"expose_metadata": True}, {"expose_metadata": True}),
    ({"expose_metadata": "yes"}, {"expose_metadata": True}),
    ({"allow_device_custom_id": "off"}, {"allow_device_custom_id": False}),
    ({"block_provider_infra_requests": "F"}, {"block_provider_infra_requests": False}),
    ({"existing_app": "1"}, {"existing_app": True}),
    ({"ios_store_url": "https://i", "android_store_url": None}, {"ios_store_url": "https://i"}),
    ({"name": "n", "app_id": "x.y", "owner_org": "o", "default_upload_channel": "c", "unknown": 1}, {"name": "n"}),
]


@pytest.mark.parametrize(("sent", "stored"), CHANGES)
def test_a_change(world: Live, sent: dict[str, Any], stored: dict[str, Any]) -> None:
    """What was sent and known is stored, everything else stays; the app notes the time."""
    before = world.get(f"/app/{DEMO}")
    after = world.ok("PUT", f"/app/{DEMO}", sent)
    assert after == {**before, **stored, "updated_at": after["updated_at"]} == world.get(f"/app/{DEMO}")
    assert after["updated_at"] > before["updated_at"]


BAD_CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"retention": 63113904}, error("retention_to_big", "Retention cannot be bigger than 63113903 (2 years)",
                                    {"retention": 63113904})),
    ({"retention": "99999999"}, error("retention_to_big", "Retention cannot be bigger than 63113903 (2 years)",
                                      {"retention": "99999999"})),
    ({"retention": -1}, error("retention_to_small", "Retention cannot be smaller than 0", {"retention": -1})),
    ({"retention": 1.5}, error("cannot_update_app", "Cannot update app", {
        "supabaseError": database("22P02", 'invalid input syntax for type bigint: "1.5"')})),
    ({"retention": "x"}, error("cannot_update_app", "Cannot update app", {
        "supabaseError": database("22P02", 'invalid input syntax for type bigint: "x"')})),
    ({"retention": 63113903.5}, error("cannot_update_app", "Cannot update app", {
        "supabaseError": database("22P02", 'invalid input syntax for type bigint: "63113903.5"')})),
    ({"expose_metadata": "maybe"}, error("cannot_update_app", "Cannot update app", {
        "supabaseError": database("22P02", 'invalid input syntax for type boolean: "maybe"')})),
    ({"unknown": 1}, error("cannot_update_app", "Cannot update app", {"supabaseError": NO_ROWS})),
    ({"app_id": "com.other.app"}, error("cannot_update_app", "Cannot update app", {"supabaseError": NO_ROWS})),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "refusal"), BAD_CHANGES)
def test_a_change_that_is_refused(world: Live, sent: dict[str, Any], refusal: dict[str, Any]) -> None:
    """Bounds first, then what the database says; nothing is stored of it."""
    before = world.get(f"/app/{DEMO}")
    world.expect(400, refusal, "PUT", f"/app/{DEMO}", sent)
    if "unknown" not in sent and "app_id" not in sent:
        world.expect(400, refusal, "PUT", f"/app/{DEMO}", {"name": "Other", **sent})
    assert world.get(f"/app/{DEMO}") == before
    world.expect(401, no_access(app_id=DEMO), "PUT", f"/app/{DEMO}", sent, key=READER)


def test_the_list(world: Live) -> None:
    """What the key reads, of one organization if asked, in pages of any size."""
    for number in range(7):
        world.make_app(f"com.list.n{number}")
    mine = world.get(f"/app?org_id={DEMO_ORG}")
    assert {row["owner_org"] for row in mine} == {DEMO_ORG}
    assert len(mine) == 8
    assert [row["app_id"] for row in mine] == [row["app_id"] for row in world.get(f"/app?org_id={DEMO_ORG.upper()}")]
    pages = [world.get(f"/app?org_id={DEMO_ORG}&limit=3&page={page}") for page in range(4)]
    assert [len(page) for page in pages] == [3, 3, 2, 0]
    assert [row for page in pages for row in page] == mine
    assert world.get("/app?limit=0") == world.get("/app?page=1") == []
    assert world.get("/app?limit=2x&page=") == world.get("/app?limit=2")
    assert world("GET", "/app", {"limit": 2, "page": 0}).body == world.get("/app?limit=2")
    assert all(list(row) == COLUMNS for row in mine)


@pytest.mark.parametrize("query", ["page=-1", "limit=-1", "limit=-5&page=2"])
def test_pages_before_the_first(world: Live, query: str) -> None:
    """The organization is looked at before the page."""
    reply = world("GET", f"/app?{query}")
    assert (reply.status, reply.body["error"], reply.body["message"]) == (400, "cannot_get_apps", "Cannot get apps")
    denied = error(
        "user_does_not_have_access_to_this_organization", "You do not have access to this organization", {"org_id": "x"}
    )
    world.expect(400, denied, "GET", f"/app?org_id=x&{query}")


def test_an_apps_end(world: Live) -> None:
    """Everything in it goes at once; a second deletion is refused like a missing right."""
    app = world.make_app(APP)
    world.make_bundle(app, "1.0.0")
    world.set_channel(app, "c", version="1.0.0")
    world.ok("POST", "/device", {"app_id": app, "device_id": "d", "channel": "c"})
    assert world.ok("DELETE", f"/app/{app}") == {"status": "ok"}
    world.expect(400, error("cannot_delete_app", "You can't access this app", {"app_id": app}), "DELETE", f"/app/{app}")
    world.expect(401, no_access(app_id=app), "GET", f"/app/{app}")
    world.make_app(app)
    assert world.get(f"/channel?app_id={app}") == []
    assert world("GET", f"/bundle?app_id={app}").body["error"] == "cannot_get_bundle"
    world.make_bundle(app, "1.0.0")


@pytest.mark.parametrize("again", [False, True])
def test_the_devices_of_a_deleted_app(world: Live, again: bool) -> None:
    """They are gone with the queue; a new app of the same name keeps those that it finds."""
    before = world.get(f"/device?app_id={DEMO}")["data"]
    world.ok("DELETE", f"/app/{DEMO}")
    if not again:
        world.later(60)
    world.make_app(DEMO)
    after = world.get(f"/device?app_id={DEMO}")["data"]
    if again:
        assert [row["device_id"] for row in after] == [row["device_id"] for row in before]
        assert {row["version"] for row in after} == {None}
    else:
        assert after == []


def test_bindings_of_a_deleted_app(world: Live) -> None:
    """A key that was limited to it holds nothing on its successor."""
    world.ok("DELETE", f"/app/{DEMO}")
    world.make_app(DEMO)
    for number in (7, 10, 11, 14):
        world.expect(401, no_access(app_id=DEMO), "GET", f"/app/{DEMO}", key=key(number))
    assert world.get(f"/app/{DEMO}", key=key(2))["app_id"] == DEMO


def test_last_version_is_written_by_a_queue(world: Live) -> None:
    """Some seconds after a bundle; deleting the bundle does not take it back."""
    app = world.make_app(APP)
    world.make_bundle(app, "1.0.0")
    assert world.get(f"/app/{app}")["last_version"] is None
    world.later(11)
    assert world.get(f"/app/{app}")["last_version"] == "1.0.0"
    world.make_bundle(app, "0.9.0")
    world.ok("DELETE", "/bundle", {"app_id": app, "version": "0.9.0"})
    world.later(11)
    assert world.get(f"/app/{app}")["last_version"] == "0.9.0"


def test_what_touches_an_app(world: Live) -> None:
    """Channels that come, go or roll out do; other settings of a channel, and promotions, do not."""
    app = world.make_app(APP)
    number = world.make_bundle(app, "1.0.0")
    world.make_bundle(app, "1.1.0")
    world.later(20)

    def touched(method: str, path: str, body: dict[str, Any]) -> bool:
        before = world.get(f"/app/{app}")["updated_at"]
        world.later(1)
        world.ok(method, path, {"app_id": app, **body})
        return bool(world.get(f"/app/{app}")["updated_at"] != before)

    assert touched("POST", "/channel", {"channel": "c"})
    assert touched("POST", "/channel", {"channel": "d", "version": "1.0.0", "public": True})
    assert not touched("POST", "/channel", {"channel": "c", "allow_dev": False})
    assert not touched("PUT", "/bundle", {"version_id": number, "channel_id": world.channel(app, "c")["id"]})
    assert touched("POST", "/channel", {"channel": "c", "rolloutVersion": "1.1.0"})
    assert touched("POST", "/channel", {"channel": "c", "rolloutPercentage": 5})
    assert touched("POST", "/channel", {"channel": "c", "rolloutEnabled": True})
    assert touched("POST", "/channel", {"channel": "c", "rolloutPaused": True})
    assert touched("POST", "/channel", {"channel": "c", "rollback": True})
    assert touched("DELETE", "/channel", {"channel": "c"})


def test_rollouts_are_counted_on_the_app(world: Live) -> None:
    """Those that run, and by name those that are paused."""
    app = world.make_app(APP)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.make_bundle(app, version)

    def counted() -> tuple[int, list[str]]:
        row = world.get(f"/app/{app}")
        return row["rollout_channel_count"], row["rollout_paused_version_names"]

    for name, target in (("a", "1.1.0"), ("b", "1.2.0")):
        world.set_channel(app, name, version="1.0.0")
        world.set_channel(app, name, rolloutVersion=target, rolloutPercentage=10)
    assert counted() == (0, [])
    world.set_channel(app, "a", rolloutEnabled=True)
    world.set_channel(app, "b", rolloutEnabled=True)
    assert counted() == (2, [])
    world.set_channel(app, "b", rolloutPaused=True)
    assert counted() == (1, ["1.2.0"])
    world.set_channel(app, "a", rolloutPercentage=0)
    assert counted() == (0, ["1.2.0"])
    world.set_channel(app, "b", rolloutPaused=False)
    assert counted() == (1, [])
    world.ok("DELETE", f"/channel?app_id={app}&channel=b")
    assert counted() == (0, [])
