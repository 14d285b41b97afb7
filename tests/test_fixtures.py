"""Fixtures: the worlds that come along, files that are read, and documents that are refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.access.permissions import PERMISSIONS, active, allowed
from mock_capgo.data import schemas_dir
from mock_capgo.world.clock import day_of, parse_time
from mock_capgo.world.fixture import FixtureError, builtin_fixtures, fixture_of, parse_fixture, read_fixture
from mock_capgo.world.records import ApiKey
from mock_capgo.world.state import State, empty_state
from tests.conftest import ACME, COURIER, ENTERPRISE, EXPIRED, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER
from tests.rich_world import NOW, RICH, again, contents, edited, load


@pytest.fixture
def world() -> State:
    """The default world."""
    return read_fixture("default").load(NOW).state


@pytest.mark.parametrize("name", builtin_fixtures())
def test_builtin_worlds_are_sound(name: str) -> None:
    """Each world that comes along loads, and keeps every rule of a state."""
    assert read_fixture(name).load(NOW).state.check() == []


def test_builtin_worlds_are_the_promised_ones() -> None:
    """The worlds that can be named are these four, and the empty one is empty."""
    assert builtin_fixtures() == ["capgo-keys", "capgo-seed", "default", "empty"]
    assert contents(read_fixture("empty").load(NOW).state) == contents(empty_state())


def key_of(state: State, value: str) -> ApiKey:
    """The API key with a value, as authentication finds it."""
    key = state.api_keys.first("digest", hashlib.sha256(value.encode()).hexdigest())
    assert key is not None
    return key


def may(state: State, value: str, permission: str, org_id: str, app_id: str | None = None) -> bool:
    """Whether the key with a value holds a permission now."""
    bindings = active(state.bindings.where("principal", key_of(state, value).rbac_id), NOW)
    return allowed(bindings, permission, org_id=org_id, app_id=app_id)


def test_default_keys_are_the_promised_ones(world: State) -> None:
    """The six keys have the ids, the owners' organizations and the powers that the documentation names."""
    keys = (FULL, READER, UPLOADER, ENTERPRISE, EXPIRED, HASHED)
    assert [key_of(world, value).id for value in keys] == [1, 2, 3, 4, 5, 6]
    for value, org_id, app_id, elsewhere in (
        (FULL, ACME, SHOP, GLOBEX),
        (HASHED, ACME, SHOP, GLOBEX),
        (EXPIRED, ACME, SHOP, GLOBEX),
        (ENTERPRISE, GLOBEX, COURIER, ACME),
    ):
        of_app = {name for name in PERMISSIONS if not name.startswith("org.")}
        assert all(may(world, value, permission, org_id, app_id) for permission in of_app)
        assert may(world, value, "org.delete", org_id)
        assert not may(world, value, "org.read", elsewhere)
    assert may(world, READER, "org.read", ACME)
    assert may(world, READER, "app.read_devices", ACME, SHOP)
    assert not may(world, READER, "app.upload_bundle", ACME, SHOP)
    assert may(world, UPLOADER, "app.upload_bundle", ACME, SHOP)
    assert not may(world, UPLOADER, "org.read", ACME)
    assert [key.id for key in world.api_keys if key.expires_at is not None and key.expires_at <= NOW] == [5]
    assert [key.id for key in world.api_keys if "org.create" in key.global_permissions] == [1]
    assert (key_of(world, HASHED).key, key_of(world, FULL).key) == (None, FULL)


def test_default_world_is_as_documented(world: State) -> None:
    """Organizations, bundles, channels and overrides of the default world have their ids, and statistics end today."""
    assert [(org.id, org.name, org.tier) for org in world.organizations] == [
        (ACME, "Acme", "standard"),
        (GLOBEX, "Globex", "enterprise"),
    ]
    assert [(bundle.id, bundle.name, bundle.deleted) for bundle in world.bundles] == [
        (1, "1.0.0", False),
        (2, "1.1.0", False),
        (3, "1.2.0", False),
        (4, "1.3.0-beta.1", False),
        (5, "0.9.0", True),
        (6, "2.0.0", False),
        (7, "2.1.0", False),
    ]
    assert [(channel.id, channel.app_id, channel.name, channel.public) for channel in world.channels] == [
        (1, SHOP, "production", True),
        (2, SHOP, "beta", False),
        (3, SHOP, "staging", False),
        (4, COURIER, "production", True),
        (5, COURIER, "electron", True),
    ]
    assert len(world.devices) == 40
    assert {device.platform for device in world.devices} == {"ios", "android", "electron"}
    assert world.overrides[SHOP, "d0000000-0000-4000-8000-000000000002"].channel_id == 2
    for app_id in (SHOP, COURIER):
        days = [usage.day for usage in world.daily_usage.where("app", app_id)]
        assert days == list(range(day_of(NOW) - 364, day_of(NOW) + 1))


def test_default_storage_adds_up(world: State) -> None:
    """The bytes that the statistics say were added are the bytes of the bundles that are there."""
    for app_id in (SHOP, COURIER):
        stored = sum(bundle.size for bundle in world.bundles.where("app", app_id) if not bundle.deleted)
        assert sum(usage.storage for usage in world.daily_usage.where("app", app_id)) == stored > 0


def test_recorded_worlds_have_the_recorded_numbers() -> None:
    """The worlds of the recordings start at their own time, and count on from where the service did."""
    seed, keys = read_fixture("capgo-seed").load(NOW), read_fixture("capgo-keys").load(NOW)
    assert seed.seeded_at == keys.seeded_at == parse_time("2026-11-23T22:38:04.580613+00:00")
    names = ("api_key", "bundle", "member", "audit_log")
    assert [seed.state.sequences[name] for name in names] == [114, 17, 20, 62]
    assert [keys.state.sequences[name] for name in names] == [142, 25, 25, 108]
    assert key_of(seed.state, "test-hashed-apikey-for-auth-test").id == 100
    assert {key.id for key in keys.state.api_keys if key.global_permissions} == {114, 116, 131, 132, 133}
    expired = [b for b in keys.state.bindings if b.expires_at is not None and b.expires_at <= (keys.seeded_at or 0)]
    assert [binding.role for binding in expired] == ["org_admin", "org_super_admin"]


def test_ten_thousand_devices_load_in_no_time() -> None:
    """A large world is read in well under half a second."""
    device = {"app_id": "com.example.a", "platform": "android", "version_name": "1.0.0", "os_version": "14"}
    devices = [{**device, "device_id": f"{n * 7919 % 10_007:032x}", "updated_at": f"now-{n}m"} for n in range(10_000)]
    text = orjson.dumps({**RICH, "devices": devices})
    begun = time.process_time()
    state = parse_fixture(text, "large").load(NOW).state
    assert time.process_time() - begun < 0.5
    assert len(state.devices) == 10_000
    assert state.check() == []


def test_a_file_is_read_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is read; a name of a built-in world is never taken for a file that lies around."""
    (tmp_path / "mine.json").write_bytes(orjson.dumps(RICH))
    (tmp_path / "empty").write_bytes(orjson.dumps(RICH))
    monkeypatch.chdir(tmp_path)
    assert contents(read_fixture("mine.json").load(NOW).state) == contents(load(RICH))
    assert contents(read_fixture("empty").load(NOW).state) == contents(empty_state())


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """What is not there, is no file or is no JSON is refused with its name; an unknown name is told the known ones."""
    (tmp_path / "broken.json").write_text('{"format": 1,\n "users": [}')
    for name, reason in (
        ("defalt", "capgo-keys, capgo-seed, default, empty"),
        (str(tmp_path), "cannot be read"),
        (str(tmp_path / "broken.json"), "line 2"),
    ):
        with pytest.raises(FixtureError) as refused:
            read_fixture(name)
        assert str(refused.value).startswith(f"{name}: ")
        assert reason in refused.value.reason


def test_examples_of_the_schema_load() -> None:
    """The worlds that the schema gives as examples are worlds."""
    schema = orjson.loads((schemas_dir() / "fixture.json").read_bytes())
    examples = schema["$defs"]["Fixture"]["examples"]
    assert examples
    for example in examples:
        assert load(example).check() == []


def test_the_validator_waits_for_a_document() -> None:
    """Importing the format does not import the validator: the server starts without it."""
    script = "import sys, mock_capgo.world.fixture; print('jsonschema_rs' in sys.modules)"
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


REFUSED = [
    (edited("format", to=2), "/format", "1 was expected"),
    (edited("format", drop=True), "", "required"),
    (edited("userz", to=[]), "/userz", "no such member"),
    (edited("users", 0, "e~mail/", to=1), "/users/0/e~0mail~1", "no such member"),
    (edited("users", 1, "email", to="ada@example.com"), "/users/1/email", "earlier user"),
    (edited("users", 0, "created_at", to="yesterday"), "/users/0/created_at", "now-90d+2h"),
    (edited("users", 0, "created_at", to="2026-02-30T00:00:00Z"), "/users/0/created_at", "no such moment"),
    (edited("seeded_at", to="now"), "/seeded_at", "ISO 8601"),
    (edited("organizations", 0, "created_by", to="eve@example.com"), "/organizations/0/created_by", "no user"),
    (edited("organizations", 1, to=RICH["organizations"][0]), "/organizations/1/name", "earlier organization"),
    (edited("members", 2, to=RICH["members"][0]), "/members/2/user", "earlier row"),
    (edited("members", 0, "role", to="app_reader"), "/members/0/role", "scope app"),
    (edited("apps", 0, "org", to="Akme"), "/apps/0/org", "no organization"),
    (edited("apps", 1, to=RICH["apps"][0]), "/apps/1", "earlier app"),
    (edited("bundles", 1, "name", to="1.0.0"), "/bundles/1/name", "earlier bundle"),
    (edited("bundles", 0, "id", to=0), "/bundles/0/id", "minimum"),
    (edited("channels", 0, "version", to="9.9.9"), "/channels/0/version", "no such bundle"),
    (edited("channels", 1, "version", to=3), "/channels/1/version", "no such bundle"),
    (edited("channels", 1, "public", to=True), "/channels/1/public", "public for ios"),
    (edited("api_keys", 0, "key", drop=True), "/api_keys/0", "required"),
    (edited("api_keys", 0, "key_hash", to="0" * 64), "/api_keys/0/key", "cannot stand"),
    (edited("api_keys", 2, to=RICH["api_keys"][0]), "/api_keys/2/key", "earlier API key"),
    (edited("api_keys", 0, "bindings", 0, "role", to="boss"), "/api_keys/0/bindings/0/role", "no such role"),
    (edited("api_keys", 0, "bindings", 1, "app", to="com.x.y"), "/api_keys/0/bindings/1/app", "no app"),
    (edited("api_keys", 0, "bindings", 2, "app", drop=True), "/api_keys/0/bindings/2", "required"),
    (edited("api_keys", 0, "bindings", 0, "org", drop=True), "/api_keys/0/bindings/0", "names an organization"),
    (edited("bindings", 0, "user", to="eve@example.com"), "/bindings/0/user", "no user"),
    (edited("devices", 0, "app_id", to="com.x.y"), "/devices/0/app_id", "no app"),
    (edited("devices", 1, to=RICH["devices"][0] | {"device_id": "d-1"}), "/devices/1/device_id", "earlier device"),
    (edited("overrides", 0, "channel", to="nightly"), "/overrides/0/channel", "no such channel"),
    (edited("deliveries", 0, "webhook", to=ACME), "/deliveries/0/webhook", "no webhook"),
    (edited("tombstones", 0, "app_id", to="com.example.a"), "/tombstones/0/app_id", "is there"),
    (edited("usage", 1, to={"app_id": "com.example.a", "from": 0, "mau": [1]}), "/usage/1/mau/0", "earlier run"),
    (edited("usage", 0, "mau", 1, to=-1), "/usage/0/mau/1", "minimum"),
    (edited("usage", 0, "from", to="2026-02-30"), "/usage/0/from", "no such day"),
]


@pytest.mark.parametrize(("document", "pointer", "reason"), REFUSED, ids=[f"{case[1]} {case[2]}" for case in REFUSED])
def test_refusals_name_file_place_and_reason(document: dict[str, Any], pointer: str, reason: str) -> None:
    """A document that is no world is refused with its name, the place of the mistake, and what is wrong."""
    with pytest.raises(FixtureError) as refused:
        fixture_of(document, "my-world.json").load(NOW)
    error = refused.value
    assert (error.source, error.pointer) == ("my-world.json", pointer)
    assert reason in error.reason
    assert str(error).startswith(f"my-world.json: {pointer}: {error.reason}" if pointer else "my-world.json: ")


def test_refusals_say_how_many_more_there_are() -> None:
    """The first mistake is told, and how many more there are of its kind; not what merely follows from it."""
    document = edited("organizations", 0, "name", to="Akme")
    with pytest.raises(FixtureError) as refused:
        fixture_of(document, "d").load(NOW)
    assert (refused.value.pointer, refused.value.more) == ("/apps/0/org", 0)
    with pytest.raises(FixtureError, match=r"\(and 1 more\)$"):
        fixture_of({"format": 1, "users": [{"email": "a"}, {"email": "b"}]}, "d")


def test_refusals_keep_secrets() -> None:
    """No complaint repeats what is in the document: it may be the value of a key."""
    for document in (
        edited("api_keys", 0, "key", to=["s3cret"]),
        edited("api_keys", 0, "key_hash", to="s3cret"),
        edited("api_keys", 2, to=RICH["api_keys"][0] | {"key": "s3cret", "rbac": "s3cret"}),
        edited("api_keys", 0, to=RICH["api_keys"][0] | {"key": "s3cret", "user": "s3cret"}),
    ):
        with pytest.raises(FixtureError) as refused:
            fixture_of(document, "d").load(NOW)
        assert "s3cret" not in str(refused.value)


def test_a_refused_document_leaves_nothing_behind() -> None:
    """A document that is refused halfway is unchanged, and so is the world that another one gave before."""
    state = load(RICH)
    before = contents(state.copy())
    document = edited("jobs", 0, "due", to="2026-02-30T00:00:00Z")
    told = json.dumps(document)
    with pytest.raises(FixtureError):
        fixture_of(document, "d").load(NOW)
    assert json.dumps(document) == told
    assert contents(state) == before


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value in a document but the document itself."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for step, part in inner for found in ((*path, step), *places(part, (*path, step)))]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
ODD_TEXTS = ["now-999999999d", "9999-12-31", "0999-12-31T00:00:00Z", GLOBEX, "1.1.0"]
ODD_VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.sampled_from([*ODD_TEXTS, 1, 2, -36525])


@settings(deadline=None)
@given(st.sampled_from(places(RICH)), ODD_VALUES)
def test_a_document_is_taken_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    """Whatever stands anywhere in a document: it gives a sound world or is refused, and nothing else happens."""
    document = edited(*path, to=value)
    try:
        state = fixture_of(document, "d").load(NOW).state
    except FixtureError as error:
        assert error.reason
    else:
        assert state.check() == []
        assert contents(again(state)) == contents(state)
