"""Worlds that begin with one fixture: each at its own moment, and nothing is between them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.world.clock import day_of, parse_time
from mock_capgo.world.fixture import Fixture, FixtureError, builtin_fixtures, fixture_of, read_fixture
from mock_capgo.world.records import DAY, Micros
from mock_capgo.world.state import State, held_rows
from tests.rich_world import NOW, RICH, contents

A, ZIP = "com.example.a", b"PK\x03\x04 not much of an archive"
MOMENTS = st.integers(parse_time("2001-01-01"), parse_time("2099-01-01"))


def anew(document: dict[str, Any], now: Micros) -> State:
    """The state of a document that nobody has read before."""
    return fixture_of(document, "document").load(now).state


@pytest.mark.parametrize("name", builtin_fixtures())
@settings(max_examples=20, deadline=None)
@given(first=MOMENTS, later=MOMENTS)
def test_a_later_world_is_as_if_it_were_the_first(name: str, first: Micros, later: Micros) -> None:
    """Whenever a fixture was read before, a world that begins with it now is the one that it describes now."""
    document = orjson.loads((Path(__file__).parents[2] / "fixtures" / f"{name}.json").read_bytes())
    read = fixture_of(document, name)
    read.load(first)
    assert contents(read.load(later).state) == contents(anew(document, later))


def test_worlds_of_one_fixture_share_nothing_that_changes() -> None:
    """What is written in one world is not in the next one of the same fixture."""
    fixture = fixture_of(RICH, "rich")
    before = contents(fixture.load(NOW).state)
    state = fixture.load(NOW).state
    for device in list(state.devices):
        state.remove_device(device)
    for channel in list(state.channels):
        state.channels.put(replace(channel, name=f"{channel.name}-changed"))
    state.tombstones.clear()
    state.jobs.clear()
    state.files.clear()
    state.device_store.rollout_decisions.clear()
    state.sequences["channel"] = 99
    assert contents(fixture.load(NOW).state) == before


def test_figures_of_a_day_follow_the_calendar() -> None:
    """`"from": -2` is the day before yesterday for every world, also for one that begins after midnight."""
    fixture = fixture_of(RICH, "rich")
    for now in (NOW, NOW + 3600, NOW + DAY, NOW + 400 * DAY, NOW):
        first = next(iter(fixture.load(now).state.daily_usage))
        assert (first.day, first.mau) == (day_of(now) - 2, 5)


def test_a_moment_that_leaves_the_years_is_refused_for_every_world() -> None:
    """A fixture that was read before is refused for a beginning from which one of its moments leaves the years."""
    fixture = fixture_of({**RICH, "tombstones": []}, "rich")
    fixture.load(NOW)
    with pytest.raises(FixtureError) as refused:
        fixture.load(parse_time("1000-01-01T01:00:00Z"))
    assert refused.value.pointer in ("/devices/0/updated_at", "/usage/0/from", "/active_devices/0/period")
    assert "outside of the years" in refused.value.reason
    assert fixture.load(NOW).state.check() == []


def test_what_worlds_share_counts_once() -> None:
    """A hundred worlds of one fixture hold little more than one."""
    fixture = fixture_of(RICH, "rich")
    states = [fixture.load(NOW).state for _ in range(100)]
    alone, together = held_rows(states[:1]), held_rows(states)
    assert together - alone == 99 * (held_rows(states[:2]) - alone) < 99 * alone


# Things that are put into a world ---------------------------------------------------------------------------


def put(state: State, **sections: Any) -> State:
    return fixture_of({"format": 1, **sections}, "request").add_to(state, NOW)


def test_what_is_put_in_takes_the_place_of_what_was_there() -> None:
    """A row of the same identity replaces the old one with its bindings, and leaves what refers to it alone."""
    state = anew(RICH, NOW)
    key, other = state.api_keys
    row = {"id": key.id, "user": "ada@example.com", "name": "new", "key": "new-key", "rbac_id": key.rbac_id}
    changed = put(state, api_keys=[{**row, "bindings": [{"role": "apikey_org_reader", "org": "Acme"}]}])
    assert [one.name for one in changed.api_keys] == [other.name, "new"]
    assert [binding.role for binding in changed.bindings.where("principal", key.rbac_id)] == ["apikey_org_reader"]
    assert [binding.role for binding in state.bindings.where("principal", key.rbac_id)] != ["apikey_org_reader"]
    member = next(iter(state.members))
    demoted = put(state, members=[{"id": member.id, "org": "Acme", "user": member.user_id, "role": "org_member"}])
    assert [b.role for b in demoted.bindings.where("principal", member.user_id)] == ["org_member"]
    for made in (changed, demoted):
        assert made.check() == []


def test_public_channels_are_unique_with_those_that_are_there() -> None:
    """A second public channel for a platform is refused also where the first one is in the world already."""
    channel = {"app_id": A, "name": "second", "public": True}
    with pytest.raises(FixtureError, match="/channels/0/public"):
        put(anew(RICH, NOW), channels=[channel])
    first = {"id": 1, "app_id": A, "name": "production", "public": False}
    assert put(anew(RICH, NOW), channels=[first, channel]).check() == []


def test_figures_are_put_over_those_of_the_day() -> None:
    """A number that is told again is the new one; what the day counted beside it stays."""
    state = anew(RICH, NOW)
    changed = put(state, usage=[{"app_id": A, "from": 0, "mau": [99], "get": [3]}])
    today = changed.daily_usage[A, day_of(NOW)]
    assert (today.mau, today.get) == (99, 3)
    yesterdays = [(row.day, row.mau, row.storage) for row in state.daily_usage][:2]
    assert [(row.day, row.mau, row.storage) for row in changed.daily_usage][:2] == yesterdays


@pytest.mark.parametrize(
    ("sections", "pointer"),
    [
        ({"apps": [{"app_id": A, "org": "Other", "name": "A"}]}, "/apps/0/org"),
        ({"bundles": [{"id": 1, "app_id": "com.example.b", "name": "1"}]}, "/bundles/0/app_id"),
        ({"devices": [{"app_id": A, "device_id": "x"}, {"app_id": A, "device_id": "X"}]}, "/devices/1/device_id"),
        ({"channels": [{"app_id": A, "name": "beta"}]}, "/channels/0/name"),
        ({"users": [{"email": "ada@example.com"}]}, "/users/0/email"),
        ({"files": [{"path": "orgs/o/apps/a/1.zip", "file": "/etc/hostname"}]}, "/files/0/file"),
        ({"files": [{"path": "orgs/o/apps/a/1.zip", "base64": "?"}]}, "/files/0/base64"),
        ({"bundles": [{"app_id": A, "name": "9", "archive": {"file": "x.zip"}}]}, "/bundles/0/archive/file"),
    ],
)
def test_a_row_that_does_not_fit_is_pointed_at(sections: dict[str, Any], pointer: str) -> None:
    """What cannot be put into a world is refused with the place of its row, and the world is as it was."""
    state = anew(RICH, NOW)
    before = contents(state)
    with pytest.raises(FixtureError) as refused:
        put(state, **sections)
    assert refused.value.pointer == pointer
    assert contents(state) == before


# Bytes ------------------------------------------------------------------------------------------------------


def with_archive(archive: dict[str, str], **more: Any) -> dict[str, Any]:
    return {**RICH, "bundles": [*RICH["bundles"], {"app_id": A, "name": "2.0.0", "archive": archive, **more}]}


def stored(state: State) -> tuple[Any, bytes]:
    bundle = state.bundles.first("name", (A, "2.0.0"))
    assert bundle is not None
    return bundle, state.files[bundle.r2_path or ""].data


def test_a_bundle_comes_with_its_bytes(tmp_path: Path) -> None:
    """An archive in base64, or in a file beside the fixture, is stored, measured and summed as an upload would be."""
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "2.zip").write_bytes(ZIP)
    path = tmp_path / "world.json"
    path.write_bytes(orjson.dumps(with_archive({"file": "bundles/2.zip"})))
    inline = fixture_of(with_archive({"base64": base64.b64encode(ZIP).decode()}), "inline")
    for fixture in (read_fixture(path), inline):
        bundle, data = stored(fixture.load(NOW).state)
        assert data == ZIP
        assert (bundle.size, bundle.storage_provider) == (len(ZIP), "r2")
        assert bundle.checksum == hashlib.sha256(ZIP).hexdigest()
        assert bundle.r2_path == f"orgs/{bundle.owner_org}/apps/{A}/2.0.0.zip"


def test_what_a_bundle_says_of_its_bytes_is_kept() -> None:
    """A test may want a checksum that is wrong, or another place."""
    archive = {"base64": base64.b64encode(ZIP).decode()}
    bundle, data = stored(anew(with_archive(archive, checksum="wrong", r2_path="elsewhere.zip"), NOW))
    assert (bundle.checksum, bundle.r2_path, data) == ("wrong", "elsewhere.zip", ZIP)


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A file that cannot be read is a refusal with its place, not a bundle without bytes."""
    fixture = Fixture("world.json", with_archive({"file": "nowhere.zip"}), tmp_path)
    with pytest.raises(FixtureError, match=r"/bundles/2/archive/file: cannot be read"):
        fixture.load(NOW)
