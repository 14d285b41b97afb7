"""The state of a world over HTTP: exported, replaced, seeded, remembered; all or nothing, always."""

from __future__ import annotations

from typing import Any

import pytest

from mock_capgo.world.fixture import fixture_of
from tests.control.hub import SHOP, Hub, World

DEVICE = "d0000000-0000-4000-8000-000000000001"


def device(number: int, **more: Any) -> dict[str, Any]:
    """A row of a fixture."""
    told = {"app_id": SHOP, "device_id": f"e0000000-0000-4000-8000-{number:012d}", "updated_at": "2026-01-01T00:00:00Z"}
    return {**told, "platform": "android", **more}


def counts(world: World) -> dict[str, int]:
    """How much of everything the world holds."""
    told: dict[str, int] = world.control("GET", "/info")["counts"]
    return told


def whole(hub: Hub, world: World) -> bool:
    """Whether no invariant of the world's state is broken."""
    problems: list[str] = hub.universes.get(world.id).world.state.check()
    return not problems


def test_an_export_is_a_valid_fixture(hub: Hub, world: World) -> None:
    """What GET gives satisfies the schema of fixtures, and loads as the same world."""
    world.make_channel("made")
    document = world.control("GET", "/state")
    state = fixture_of(document, "export").load(0).state
    assert {name: len(getattr(state, name)) for name in counts(world)} == counts(world)
    assert state.check() == []


def test_an_export_can_be_put_back(hub: Hub, world: World) -> None:
    """PUT of an export brings everything back that GET told, whatever happened in between."""
    world.control("POST", "/clock", {"freeze": True})
    world.make_channel("made")
    document = world.control("GET", "/state")
    world.ok("DELETE", "/channel", {"app_id": SHOP, "channel": "production"})
    world.control("PUT", "/state", document)
    assert world.control("GET", "/state") == document
    assert whole(hub, world)
    assert "production" in world.channels()


def test_ids_go_on_after_a_round_trip(world: World) -> None:
    """The numbers of new things after PUT are those that would have come without it."""
    document = world.control("GET", "/state")
    world.make_channel("first")
    ids = {row["name"]: row["id"] for row in world.ok("GET", f"/channel?app_id={SHOP}")}
    world.control("PUT", "/state", document)
    world.make_channel("again")
    assert {row["name"]: row["id"] for row in world.ok("GET", f"/channel?app_id={SHOP}")}["again"] == ids["first"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"format": 2}, "/format"),
        ({"format": 1, "chanels": []}, "/chanels"),
        ({"format": 1, "devices": [{"app_id": SHOP}]}, "/devices/0"),
        ({"format": 1, "devices": [device(1)]}, "/devices/0/app_id"),
        ({"format": 1, "users": [{"id": "u", "email": 5}]}, "/users/0"),
        ([], "object"),
        (None, "object"),
    ],
)
def test_a_bad_document_changes_nothing(hub: Hub, world: World, document: Any, said: str) -> None:
    """PUT of a document that is none is 400 with the pointer of the culprit, and the world is as it was."""
    world.control("POST", "/clock", {"freeze": True})
    before = world.control("GET", "/state")
    answer = hub("PUT", f"/w/{world.id}/_mock/state", document)
    assert answer.status == 400
    assert said in answer.body["error"]
    assert world.control("GET", "/state") == before


def test_a_body_that_is_no_json_is_refused(hub: Hub, world: World) -> None:
    """PUT and seed of broken JSON are 400 with what is wrong."""
    for method, path in (("PUT", "/state"), ("POST", "/seed")):
        answer = hub(method, f"/w/{world.id}/_mock{path}", raw=b'{"format": 1,')
        assert answer.status == 400
        assert "no JSON" in answer.body["error"]


def test_one_device_is_seeded(hub: Hub, world: World) -> None:
    """One device more is one device more, and everything else stays as it was."""
    before = counts(world)
    told = world.control("POST", "/seed", {"devices": [device(1, version_name="1.2.0")]})
    assert told["counts"] == {**before, "devices": before["devices"] + 1}
    path = f"/device?app_id={SHOP}&device_id={device(1)['device_id']}"
    assert world.ok("GET", path)["version_name"] == "1.2.0"
    assert whole(hub, world)


def test_a_thousand_devices_are_seeded(hub: Hub, world: World) -> None:
    """A thousand devices in one call are all there, in the order in which pages show them."""
    before = counts(world)["devices"]
    world.control("POST", "/seed", {"devices": [device(number) for number in range(1000)]})
    assert counts(world)["devices"] == before + 1000
    page = world.ok("GET", f"/device?app_id={SHOP}&limit=1000")
    ids = [row["device_id"] for row in page["data"]]
    assert ids == sorted(ids)
    assert whole(hub, world)


def test_seeding_replaces_what_is_there(hub: Hub, world: World) -> None:
    """A device that is there is replaced, also when its id is written in capitals."""
    before = counts(world)["devices"]
    row = device(1, device_id=DEVICE.upper(), version_name="9.9.9", platform="ios")
    world.control("POST", "/seed", {"devices": [row]})
    assert counts(world)["devices"] == before
    assert world.ok("GET", f"/device?app_id={SHOP}&device_id={DEVICE}")["version_name"] == "9.9.9"
    assert whole(hub, world)


def test_seeding_refers_to_what_is_there(hub: Hub, world: World) -> None:
    """A seeded channel may name a bundle of the world, and a seeded override a channel of it."""
    channel = {"id": 900, "app_id": SHOP, "name": "seeded", "created_at": "2026-01-01T00:00:00Z", "version": "1.2.0"}
    override = {"app_id": SHOP, "device_id": DEVICE, "channel": "seeded", "created_at": "2026-01-01T00:00:00Z"}
    world.control("POST", "/seed", {"channels": [channel], "overrides": [override]})
    assert "seeded" in world.channels()
    assert whole(hub, world)


def test_seeding_is_all_or_nothing(hub: Hub, world: World) -> None:
    """One wrong row among good ones is 400 with its pointer, and none of them is there."""
    before = counts(world)
    rows = [device(number) for number in range(20)]
    rows[7]["app_id"] = "com.example.nothing"
    answer = hub("POST", f"/w/{world.id}/_mock/seed", {"devices": rows})
    assert answer.status == 400
    assert answer.body["error"].endswith("/app_id: no app has this id")
    assert counts(world) == before
    assert whole(hub, world)


def test_a_refused_seed_points_at_the_row_that_was_sent(hub: Hub, world: World) -> None:
    """The pointer of a refusal counts rows as the request does, not as the whole world."""
    rows = [device(1), device(2, app_id="com.example.nothing")]
    answer = hub("POST", f"/w/{world.id}/_mock/seed", {"devices": rows})
    assert "/devices/1/app_id" in answer.body["error"]


def test_seeding_keeps_what_no_fixture_tells(hub: Hub, world: World) -> None:
    """What the world holds beside its tables survives seeding: uploaded files, for one."""
    state = hub.universes.get(world.id).world.state
    state.upload_links["token"] = ("orgs/a/b.zip", 1)
    world.control("POST", "/seed", {"devices": [device(1)]})
    assert hub.universes.get(world.id).world.state.upload_links == {"token": ("orgs/a/b.zip", 1)}


def test_a_checkpoint_is_gone_back_to(hub: Hub, world: World) -> None:
    """A world goes back to a checkpoint as often as one likes, and later writes do not touch it."""
    world.make_channel("before")
    world.control("POST", "/checkpoints/here")
    for _ in range(2):
        world.make_channel("after")
        assert "after" in world.channels()
        world.control("POST", "/checkpoints/here/restore")
        assert {"before"} <= world.channels()
        assert "after" not in world.channels()
    assert whole(hub, world)


def test_checkpoints_are_listed_replaced_and_forgotten(hub: Hub, world: World) -> None:
    """A name is taken over by the latest checkpoint, and unknown ones are 404 with those that there are."""
    assert world.control("POST", "/checkpoints/one") == {"status": "ok", "checkpoint": "one"}
    world.make_channel("made")
    world.control("POST", "/checkpoints/one")
    assert world.control("GET", "/checkpoints") == {"checkpoints": ["one"]}
    world.control("POST", "/reset")
    assert world.control("GET", "/checkpoints") == {"checkpoints": []}
    world.control("POST", "/checkpoints/two")
    world.control("DELETE", "/checkpoints/two")
    for method, path in (("POST", "/checkpoints/two/restore"), ("DELETE", "/checkpoints/two")):
        answer = hub(method, f"/w/{world.id}/_mock{path}")
        assert answer.status == 404
        assert answer.body["error"] == "there is no checkpoint two; there are none"


def test_checkpoints_are_bounded(hub: Hub, world: World) -> None:
    """After a hundred checkpoints another one is 503 with what to do; one of the hundred may still be replaced."""
    for number in range(100):
        world.control("POST", f"/checkpoints/c{number}")
    answer = hub("POST", f"/w/{world.id}/_mock/checkpoints/more")
    assert answer.status == 503
    assert "forget some" in answer.body["error"]
    assert hub("POST", f"/w/{world.id}/_mock/checkpoints/c0").status == 201


def test_a_checkpoint_gives_the_same_ids_again(world: World) -> None:
    """Identifiers that are drawn after going back are those that were drawn the first time."""
    world.control("POST", "/clock", {"freeze": True})
    world.control("POST", "/checkpoints/here")
    first = world.ok("POST", "/apikey", {"name": "later", "mode": "all"})
    world.control("POST", "/checkpoints/here/restore")
    assert world.ok("POST", "/apikey", {"name": "later", "mode": "all"}) == first


def test_reset_takes_another_fixture_at_a_moment(world: World) -> None:
    """Reset with a fixture and a moment starts that world then, and a wrong one changes nothing."""
    world.control("POST", "/reset", {"fixture": "empty", "now": "2026-01-31T12:00:00Z"})
    info = world.control("GET", "/info")
    assert info["fixture"] == "empty"
    assert info["now"].startswith("2026-01-31T12:00:0")
    answer = world.hub("POST", f"/w/{world.id}/_mock/reset", {"fixture": "/etc/passwd"})
    assert answer.status == 400
    assert world.control("GET", "/info")["fixture"] == "empty"
