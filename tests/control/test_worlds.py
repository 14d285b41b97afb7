"""Worlds: made, found, isolated from each other, bounded, and gone when their time has come."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_capgo.server import universes as universes_module
from mock_capgo.world.state import ROWS_OF_AN_EMPTY_STATE, held_rows
from tests.conftest import FULL
from tests.control.hub import BASE, SHOP, Hub, World


def test_a_world_is_told_where_it_is_and_which_keys_it_has(hub: Hub) -> None:
    """A new world has an id, an address of its own, and a key of its own for each one that the fixture labels."""
    answer = hub("POST", "/_mock/worlds", {"dialect": "live", "seed": 7, "ttl": 60, "now": "2026-01-31T12:00:00Z"})
    made = answer.body
    assert answer.status == 201
    assert made["base_url"] == f"{BASE}/w/{made['id']}"
    assert made["control_url"] == f"{made['base_url']}/_mock"
    assert (made["dialect"], made["seed"], made["ttl"], made["limits"]) == ("live", 7, 60, "on")
    assert made["now"].startswith("2026-01-31T12:00:0")
    assert "admin" in made["keys"]
    assert FULL not in made["keys"].values()


def test_worlds_are_listed_and_deleted(hub: Hub) -> None:
    """A deleted world is no longer listed, and every request to it says that it is gone."""
    first, second = hub.world(), hub.world()
    assert {one["id"] for one in hub.ok("GET", "/_mock/worlds")["worlds"]} == {"default", first.id, second.id}
    hub.ok("DELETE", f"/_mock/worlds/{first.id}")
    assert {one["id"] for one in hub.ok("GET", "/_mock/worlds")["worlds"]} == {"default", second.id}
    for path in ("/app", "/_mock/info", "/openapi.json"):
        answer = first("GET", path)
        assert answer.status == 404, path
        assert f"there is no world {first.id}" in answer.body["error"]
    assert hub("DELETE", f"/_mock/worlds/{first.id}").status == 404
    assert second("GET", "/app").status == 200


def test_the_default_world_stays(hub: Hub) -> None:
    """The default world cannot be deleted, and the refusal says what to do instead."""
    answer = hub("DELETE", "/_mock/worlds/default")
    assert answer.status == 400
    assert "reset" in answer.body["error"]


def test_state_is_isolated(hub: Hub) -> None:
    """What is written in one world is in no other, and ids come as if the world were alone."""
    first, second = hub.world(), hub.world()
    first.make_channel("only-here")
    assert "only-here" in first.channels()
    assert "only-here" not in second.channels()
    assert "only-here" not in {row["name"] for row in hub.ok("GET", f"/channel?app_id={SHOP}", key=FULL)}
    second.make_channel("only-there")
    ids = [
        next(row["id"] for row in world.ok("GET", f"/channel?app_id={SHOP}") if row["name"].startswith("only"))
        for world in (first, second)
    ]
    assert ids[0] == ids[1]


def test_reset_is_isolated(hub: Hub) -> None:
    """A reset of one world leaves the others as they were, and its keys stay good."""
    first, second = hub.world(), hub.world()
    first.make_channel("made")
    second.make_channel("made")
    first.control("POST", "/reset")
    assert "made" not in first.channels()
    assert "made" in second.channels()


def test_clocks_are_isolated(hub: Hub) -> None:
    """A clock that is set or frozen in one world runs on in the others."""
    first, second = hub.world(now="2026-01-01T00:00:00Z"), hub.world(now="2026-01-01T00:00:00Z")
    first.control("POST", "/clock", {"set": "2030-01-01T00:00:00Z", "freeze": True})
    assert first.control("GET", "/clock")["frozen"] is True
    assert second.control("GET", "/clock")["frozen"] is False
    assert second.control("GET", "/clock")["now"].startswith("2026-01-01")
    assert not hub.ok("GET", "/_mock/clock")["now"].startswith("2030")


def test_faults_are_isolated(hub: Hub) -> None:
    """A fault in one world befalls nobody else."""
    first, second = hub.world(), hub.world()
    first.control("POST", "/faults", {"status": 503})
    assert first("GET", "/app").status == 503
    assert second("GET", "/app").status == 200
    assert hub("GET", "/app", key=FULL).status == 200
    assert second.control("GET", "/faults")["faults"] == []


def test_journals_are_isolated(hub: Hub) -> None:
    """A journal holds the requests of its world alone."""
    first, second = hub.world(), hub.world()
    first("GET", "/app")
    assert [entry["path"] for entry in first.control("GET", "/journal")["entries"]] == ["/app"]
    assert second.control("GET", "/journal")["entries"] == []
    assert hub.ok("GET", "/_mock/journal")["entries"] == []


def test_limits_are_isolated(hub: Hub) -> None:
    """A budget that is spent in one world is whole in the next."""
    first, second = hub.world(), hub.world()
    spent = [first("GET", "/ok").status for _ in range(3)]
    statuses = [first("GET", "/app").status for _ in range(101)]
    assert spent == [200, 200, 200]
    assert (statuses[99], statuses[100]) == (200, 429)
    assert second("GET", "/app").status == 200
    assert hub("GET", "/app", key=FULL).status == 200


def test_dialects_are_isolated(hub: Hub) -> None:
    """Two worlds of one server may speak two dialects at the same time."""
    documented, live = hub.world(dialect="documented"), hub.world(dialect="live")
    refused = documented("GET", "/app", key="nonsense"), live("GET", "/app", key="nonsense")
    assert refused[0].body["status"] == "KO"
    assert refused[1].body["error"] == "invalid_apikey"


def test_a_key_finds_its_world(hub: Hub) -> None:
    """A client that can be given nothing but a key is in the world of that key; in all three key headers."""
    world = hub.world(dialect="live", limits="off")
    world.make_channel("mine")
    for header in ("authorization", "capgkey"):
        answer = hub("GET", f"/channel?app_id={SHOP}", headers={header: world.admin})
        assert "mine" in {row["name"] for row in answer.body}, header
    documented = hub.world(limits="off")
    documented.make_channel("mine")
    answer = hub("GET", f"/channel?app_id={SHOP}", headers={"x-api-key": documented.admin})
    assert "mine" in {row["name"] for row in answer.body}


def test_a_key_made_later_finds_its_world(hub: Hub) -> None:
    """A key that was made in a world after it began leads to that world, by the API and by the control route."""
    world = hub.world(limits="off")
    world.make_channel("mine")
    value = world.control("POST", "/keys", {"role": "org_super_admin"})["key"]
    assert "mine" in {row["name"] for row in hub.ok("GET", f"/channel?app_id={SHOP}", key=value)}
    hashed = world.control("POST", "/keys", {"role": "org_super_admin", "hashed": True})["key"]
    assert "mine" in {row["name"] for row in hub.ok("GET", f"/channel?app_id={SHOP}", key=hashed)}
    made = world.ok("POST", "/apikey", {"name": "later", "mode": "all"})
    assert "mine" in {row["name"] for row in hub.ok("GET", f"/channel?app_id={SHOP}", key=made["apikey"]["key"])}


def test_a_key_of_a_deleted_world_is_a_strangers(hub: Hub) -> None:
    """When its world is gone a key is unknown, and the request is answered by the default world."""
    world = hub.world()
    assert hub("GET", "/app", key=world.admin).status == 200
    hub.ok("DELETE", f"/_mock/worlds/{world.id}")
    assert hub("GET", "/app", key=world.admin).status == 401


def test_the_path_counts_before_the_key(hub: Hub) -> None:
    """With a path prefix the key is looked for in that world alone."""
    first, second = hub.world(), hub.world()
    assert hub("GET", f"/w/{first.id}/app", key=second.admin).status == 401


def test_an_idle_world_expires(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world with a ttl is gone after so many idle seconds, and one that is used lives on."""
    idle, used, lasting = hub.world(ttl=60), hub.world(ttl=60), hub.world()
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 50)
    used("GET", "/app")
    monkeypatch.setattr(time, "monotonic", lambda: began + 100)
    there = {one["id"] for one in hub.ok("GET", "/_mock/worlds")["worlds"]}
    assert there == {"default", used.id, lasting.id}
    assert idle("GET", "/app").status == 404
    assert hub("GET", "/app", key=idle.admin).status == 401


def test_an_expired_world_is_gone_before_anybody_lists(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world whose time has passed answers no request, whether or not a world was made or listed since."""
    idle = hub.world(ttl=60)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 100)
    assert idle("GET", "/app").status == 404


def test_a_control_call_keeps_a_world_alive(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world whose journal is read is in use."""
    world = hub.world(ttl=60)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 50)
    world.control("GET", "/journal")
    monkeypatch.setattr(time, "monotonic", lambda: began + 100)
    assert world.id in {one["id"] for one in hub.ok("GET", "/_mock/worlds")["worlds"]}


def test_the_number_of_worlds_is_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is full says so with 503 and what to do, and takes a world again when one is gone."""
    monkeypatch.setattr(universes_module, "MAX_UNIVERSES", 2)
    first, _ = hub.world(), hub.world()
    answer = hub("POST", "/_mock/worlds", {})
    assert answer.status == 503
    assert answer.body["error"] == "there are 2 worlds already: delete some, or give them a ttl"
    hub.ok("DELETE", f"/_mock/worlds/{first.id}")
    assert hub("POST", "/_mock/worlds", {}).status == 201


def test_the_memory_of_worlds_is_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that would take all worlds over the number of records is refused with 503 and the reason."""
    there = held_rows([hub.universes.default.world.state])
    limit = there + 2 * ROWS_OF_AN_EMPTY_STATE - 1
    monkeypatch.setattr(universes_module, "MAX_RECORDS", limit)
    assert hub("POST", "/_mock/worlds", {}).status == 201
    answer = hub("POST", "/_mock/worlds", {})
    assert answer.status == 503
    assert f"{limit} records" in answer.body["error"]
    assert hub("POST", "/_mock/worlds", {"fixture": "empty"}).status == 503
    document = {"format": 1, "users": [{"email": f"user{number}@example.com"} for number in range(200)]}
    assert hub("POST", "/_mock/worlds", {"fixture": document}).status == 503


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dialect": "klingon"}, "dialect"),
        ({"limits": "maybe"}, "limits"),
        ({"ttl": "long"}, "ttl"),
        pytest.param({"ttl": -1}, "ttl"),
        ({"seed": 1.5}, "seed"),
        ({"now": "yesterday"}, "now"),
        ({"fixture": "nothing"}, "no built-in fixture"),
        ({"fixture": "../../etc/passwd"}, "no built-in fixture"),
        ({"fixture": {"format": 2}}, "/format"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_world_that_cannot_be_made_is_refused_with_the_reason(hub: Hub, options: dict, said: str) -> None:
    """A wrong option is 400 with its name, and no world is made."""
    answer = hub("POST", "/_mock/worlds", options)
    assert answer.status == 400
    assert said in answer.body["error"]
    assert len(hub.universes) == 1


def test_a_hundred_worlds_at_once(hub: Hub) -> None:
    """A hundred worlds that are written to in turn each end with exactly what was written to them."""
    worlds = [hub.world(limits="off") for _ in range(100)]
    before = worlds[0].channels()

    def write(number: int, world: World) -> None:
        # A client of its own: the worlds are what is shared.
        twin = World(_sharing(hub), world.made)
        for step in range(3):
            twin.make_channel(f"w{number}-{step}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100), worlds))
    for number, world in enumerate(worlds):
        assert world.channels() - before == {f"w{number}-{step}" for step in range(3)}
        assert hub.universes.get(world.id).world.state.check() == []


def test_a_world_may_start_from_a_fixture_in_the_request(hub: Hub) -> None:
    """An exported world can be handed to a new one, whose keys are fresh again."""
    world = hub.world(limits="off")
    world.make_channel("kept")
    exported = world.control("GET", "/state")
    twin = hub.world(fixture=exported, limits="off")
    assert twin.keys["admin"] != world.admin
    assert "kept" in {row["name"] for row in twin.ok("GET", f"/channel?app_id={SHOP}", key=twin.keys["admin"])}


def test_an_export_keeps_the_labels_of_keys(hub: Hub) -> None:
    """A test that asks for the admin key finds it also in a world made from an export of another."""
    twin = hub.world(fixture=hub.world().control("GET", "/state"))
    assert "admin" in twin.keys


def test_the_same_seed_gives_the_same_ids_and_other_keys(hub: Hub) -> None:
    """Two worlds of one seed and moment make the same identifiers, and never share a key that they began with."""
    first, second = (hub.world(seed=5, now="2026-01-01T00:00:00Z", limits="off") for _ in range(2))
    for world in (first, second):
        world.control("POST", "/clock", {"set": "2026-01-01T00:00:00Z", "freeze": True})
    body = {"app_id": "com.example.new", "name": "New", "owner_org": "0c0ffee0-0000-4000-8000-00000000a001"}
    assert first.ok("POST", "/app", body) == second.ok("POST", "/app", body)
    assert not set(first.keys.values()) & set(second.keys.values())


def _sharing(hub: Hub) -> Hub:
    from starlette.testclient import TestClient  # noqa: PLC0415 - only here

    twin = object.__new__(Hub)
    twin.__dict__.update(hub.__dict__ | {"client": TestClient(hub.app, base_url=BASE)})
    return twin


@pytest.mark.parametrize(
    ("forwarded", "scheme"), [("https", "https"), ("http", "http"), ("ftp", "http"), (None, "http")]
)
def test_addresses_are_told_as_a_proxy_saw_them(hub: Hub, forwarded: str | None, scheme: str) -> None:
    """Behind a proxy that speaks TLS, addresses of worlds and of bundles are such as work for the client."""
    headers = {"x-forwarded-proto": forwarded} if forwarded else {}
    world = hub("POST", "/_mock/worlds", {"limits": "off"}, headers=headers).body
    assert world["base_url"].startswith(f"{scheme}://")
    document = {"bundles": [{"app_id": SHOP, "name": "1.2.1", "archive": {"base64": ""}}]}
    channel = {"app_id": SHOP, "name": "own", "version": "1.2.1", "allow_device_self_set": True}
    assert hub("POST", f"/w/{world['id']}/_mock/seed", {**document, "channels": [channel]}).status == 200
    check = {
        "app_id": SHOP, "device_id": "d9000000-0000-4000-8000-000000000001", "platform": "ios", "version_name": "1.0.0",
        "version_build": "1.0.0", "version_os": "17", "plugin_version": "7.0.0", "defaultChannel": "own",
    }  # fmt: skip
    offer = hub("POST", f"/w/{world['id']}/updates", check, headers=headers).body
    assert offer["url"].startswith(f"{scheme}://")
