"""The fixture format: what is written comes back, and what a hand leaves out is made up."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.access.permissions import active
from mock_capgo.data import schemas_dir
from mock_capgo.world.clock import day_of, iso_offset, parse_time
from mock_capgo.world.fixture import builtin_fixtures, dump, fixture_of, read_fixture
from mock_capgo.world.fixture.format import SECTIONS, SEQUENCES, day, moment
from mock_capgo.world.records import DAY, EMAIL_PREFERENCES, MINUTE, SECOND, DailyUsage, DailyVersion
from mock_capgo.world.state import TABLES
from tests.conftest import ACME, ENTERPRISE, GLOBEX, SHOP, Mock
from tests.rich_world import NOW, RICH, again, contents, load

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", builtin_fixtures())
def test_export_of_a_builtin_world_is_that_world(name: str) -> None:
    """What is written and read again is the same: records, their order, sequences, queue and tombstones."""
    state = read_fixture(name).load(NOW).state
    assert contents(again(state)) == contents(state)


def test_export_covers_every_section() -> None:
    """A world with a row in every section survives its export; the format has no section that it leaves out."""
    state = load(RICH)
    assert state.check() == []
    assert not [name for name in TABLES if not len(getattr(state, name))]
    assert contents(again(state)) == contents(state)
    properties = orjson.loads((schemas_dir() / "fixture.json").read_bytes())["$defs"]["Fixture"]["properties"]
    assert properties.keys() - {"$schema", "description"} == dump(state, NOW).keys()


# What a field is changed to where not every value of its type will do.
OTHER: dict[str, Any] = {
    "tier": "enterprise", "role": "org_admin", "documented_role": "write", "platform": "electron", "mode": "all",
    "status": "failed", "operation": "DELETE", "table_name": "orgs", "actor_type": "apikey", "events": ("orgs",),
    "disable_auto_update": "version_number", "update_package": "zip", "auto_pause_action": "notify",
    "auto_pause_confidence": 0.5, "delivery_version": "standard", "global_permissions": ("org.create",),
    "onboarding": {"intent": "both"}, "email_preferences": dict.fromkeys(EMAIL_PREFERENCES, False),
    "password_policy_config": {
        "enabled": True, "min_length": 8, "require_uppercase": True, "require_number": True, "require_special": True
    },
    "org_id": GLOBEX, "user_id": GLOBEX, "actor_user_id": GLOBEX, "created_by_apikey_rbac_id": GLOBEX,
    "rollout_id": GLOBEX, "future_uuid": GLOBEX,
    "native_packages": [{"name": "x"}], "manifest": [{"name": "x"}], "transfer_history": [{"from": "x"}],
    "request_payload": {"x": 1}, "response_headers": {"x": "1"}, "old_record": {"x": 1}, "new_record": {"x": 2},
    "changed_fields": ["x"],
}  # fmt: skip
# What a row is found by is not changed: other rows refer to it.
IDENTITY = {"id", "rbac_id", "app_id", "device_id", "customer_id", "email", "key", "key_hash"}
REFERENCES = {"org", "user", "channel", "bundle", "webhook"}


def other(name: str, declared: str, value: Any) -> Any:
    """A value that a field of a record may have and does not have now."""
    if name in OTHER:
        return OTHER[name]
    if declared.startswith("Micros"):
        return NOW - 5 * DAY + 1
    if declared.startswith("bool"):
        return not value
    if declared.startswith("int"):
        return (value or 0) + 1
    return ("x",) if declared.startswith("tuple") else f"{value or ''}x"


def changeable() -> list[tuple[str, str, str]]:
    """Section, name and declared type of every field that can be changed on its own."""
    return [
        (section, item.name, str(item.type))
        for section, described in SECTIONS.items()
        for item in fields(described.record)
        for column in described.columns.values()
        if item.name == column.field and item.name not in IDENTITY and column.kind not in REFERENCES
    ]


@pytest.mark.parametrize(("section", "name", "declared"), changeable())
def test_every_field_survives_its_export(section: str, name: str, declared: str) -> None:
    """A field that is not as it is by default is neither lost on the way nor refused."""
    state = load(RICH)
    table = getattr(state, section)
    record = next(iter(table))
    changed = replace(record, **{name: other(name, declared, getattr(record, name))})
    assert changed != record
    table.put(changed)
    assert contents(again(state)) == contents(state)


def test_a_world_that_was_worked_in_is_exported_as_it_is(mock: Mock) -> None:
    """What requests leave behind, queue and audit rows included, is written and read again."""
    made = mock.ok("POST", "/organization/", {"name": "Fresh"})["id"]
    mock.ok("POST", "/app/", {"app_id": "com.example.fresh", "name": "Fresh", "owner_org": made})
    bundle = {"app_id": SHOP, "version": "2.0.0", "external_url": "https://cdn.example.com/2.zip", "checksum": "c"}
    mock.ok("POST", "/bundle/", bundle)
    mock.ok("POST", "/channel/", {"app_id": SHOP, "channel": "nightly", "version": "2.0.0", "public": True})
    mock.ok("POST", "/device/", {"app_id": SHOP, "device_id": "D-NEW", "channel": "beta"})
    mock.ok("POST", "/organization/members/", {"orgId": ACME, "email": "new.member@example.com", "role": "write"})
    grant = {"role_name": "channel_reader", "scope_type": "channel", "org_id": ACME, "app_id": SHOP, "channel_id": 2}
    mock.ok("POST", "/apikey/", {"name": "made", "bindings": [grant], "hashed": True})
    mock.ok("DELETE", "/app/com.example.fresh/")
    mock.ok("DELETE", "/app/com.example.courier/", key=ENTERPRISE)
    mock.ok("DELETE", f"/organization/?orgId={made}")
    state = mock.universe.world.state
    state.schedule(mock.universe.world.now + 1, "device_count", SHOP)
    assert state.tombstones
    assert state.used_org_ids
    assert contents(again(state)) == contents(state)


def test_bindings_of_members_can_be_anything() -> None:
    """A member without a binding, with another role, or with a second role is written as such."""
    state = load(RICH)
    first, invited = (state.bindings.where("principal", user.id)[0] for user in state.users)
    state.bindings.remove(first)
    state.bindings.put(replace(invited, role="org_admin", expires_at=None, reason=None, parent=3))
    number = state.next_id("binding")
    state.bindings.put(replace(invited, id=number, role="apikey_manager"))
    assert contents(again(state)) == contents(state)


def test_sequences_are_those_of_the_code() -> None:
    """Every sequence that the code counts with can be written to a file."""
    sources = (ROOT / "mock_capgo").rglob("*.py")
    counted = {name for file in sources for name in re.findall(r'next_id\("(\w+)"\)', file.read_text(encoding="utf-8"))}
    assert counted
    assert counted <= set(SEQUENCES)


def test_rows_by_hand_get_what_they_leave_out() -> None:
    """Ids are counted in the order of the file, times are the world's start, an invitation grants nothing."""
    state = load(RICH)
    assert [bundle.id for bundle in state.bundles] == [1, 2]
    ada, bob = state.users
    assert state.organizations.first("customer", "cus_1") is not None
    [owner, invited] = state.members
    assert (owner.created_at, owner.updated_at) == (NOW, NOW)
    [granted] = [b for b in state.bindings.where("principal", ada.id) if b.scope_type == "org"]
    assert (granted.role, granted.expires_at) == ("org_super_admin", None)
    [pending, helping] = state.bindings.where("principal", bob.id)
    assert (pending.role, active([pending], NOW)) == (invited.role, [])
    assert (helping.role, helping.app_id) == ("app_developer", "com.example.a")
    key, hidden = state.api_keys
    scopes = [(b.scope_type, b.app_id, b.channel_id) for b in state.bindings.where("principal", key.rbac_id)]
    assert scopes == [("org", None, None), ("app", "com.example.a", None), ("channel", "com.example.a", 1)]
    assert (hidden.key, hidden.key_hash) == (None, hashlib.sha256(b"hidden-key").hexdigest())
    production, beta = state.channels
    assert (production.version, beta.version, beta.rollout_version) == (1, 1, 2)
    assert (production.owner_org, production.created_by) == (state.apps["com.example.a"].owner_org, ada.id)
    [device] = state.devices
    assert (device.device_id, device.updated_at) == ("d-1", NOW - 120 * MINUTE)


def test_a_file_is_repeatable() -> None:
    """What a file leaves to be made up is the same each time, and moves with time alone."""
    assert contents(load(RICH)) == contents(load(RICH))
    names = [name for name in TABLES if name not in ("daily_usage", "daily_versions")]
    today, tomorrow = load(RICH), load(RICH, NOW + DAY)
    assert [list(getattr(today, name).keys()) for name in names] == [
        list(getattr(tomorrow, name).keys()) for name in names
    ]


def test_sequences_go_on_after_the_highest_number() -> None:
    """A sequence goes on where the file says, but never with a number that is taken."""
    apps: dict[str, Any] = {key: RICH[key] for key in ("format", "users", "organizations", "apps")}
    bundles = [{"app_id": "com.example.a", "name": "1.0.0", "id": 7}, {"app_id": "com.example.a", "name": "2.0.0"}]
    assert list(load({**apps, "bundles": bundles}).bundles.keys()) == [7, 8]
    told = load({**apps, "bundles": bundles, "sequences": {"bundle": 20, "channel": 3}})
    assert list(told.bundles.keys()) == [7, 20]
    assert told.sequences == {"bundle": 21, "channel": 3}
    assert load({**apps, "bundles": bundles, "sequences": {"bundle": 2}}).sequences["bundle"] == 9


def test_relative_moments_count_from_the_seeding() -> None:
    """A world that says when it was seeded is the same whenever it is loaded; else it begins when it is loaded."""
    user = {"email": "ada@example.com", "created_at": "now-1d+2h"}
    fixed = fixture_of({"format": 1, "seeded_at": "2026-01-31T12:00:00Z", "users": [user]}, "fixed").load(NOW)
    assert fixed.seeded_at == parse_time("2026-01-31T12:00:00Z")
    assert next(iter(fixed.state.users)).created_at == parse_time("2026-01-30T14:00:00Z")
    floating = fixture_of({"format": 1, "users": [user]}, "floating").load(NOW)
    assert floating.seeded_at is None
    assert next(iter(floating.state.users)).created_at == NOW - 22 * 60 * MINUTE


@given(st.lists(st.tuples(st.sampled_from("smhd"), st.integers(-99_999, 99_999)), max_size=4))
def test_steps_of_a_relative_moment_add_up(steps: list[tuple[str, int]]) -> None:
    """`now` with steps is the seeding and all the steps, whatever their order."""
    units = {"s": SECOND, "m": MINUTE, "h": 60 * MINUTE, "d": DAY}
    text = "now" + "".join(f"{number:+d}{unit}" for unit, number in steps)
    assert moment(text, NOW) == NOW + sum(number * units[unit] for unit, number in steps)


@given(st.integers(parse_time("1000-01-01"), parse_time("9900-01-01") - 1))
def test_moments_are_read_as_they_are_written(at: int) -> None:
    """Every moment survives being written, to the microsecond."""
    assert moment(iso_offset(at), NOW) == at


def test_days_are_dates_or_offsets() -> None:
    """A day is a date, or counts from the UTC date of the seeding."""
    assert day("2026-03-15", NOW) == day(0, NOW) == day_of(NOW)
    assert day("2026-03-10", NOW) == day(-5, NOW)


@settings(deadline=None)
@given(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(20_000, 20_012)), st.integers(0, 3), max_size=20),
    st.dictionaries(st.tuples(st.sampled_from("xy"), st.integers(20_000, 20_012)), st.integers(0, 3), max_size=20),
)
def test_statistics_survive_as_columns(usage: dict[Any, int], versions: dict[Any, int]) -> None:
    """Daily records with any gaps and any zeros come back from their columns."""
    apps = [{"app_id": f"com.example.{name}", "org": "Acme"} for name in "ab"]
    state = load({**{key: RICH[key] for key in ("format", "users", "organizations")}, "apps": apps})
    for (name, at), number in usage.items():
        state.daily_usage.put(DailyUsage(app_id=f"com.example.{name}", day=at, storage=-number, get=number))
    for (name, at), number in versions.items():
        state.daily_versions.put(DailyVersion(app_id="com.example.a", day=at, version_name=name, fail=number))
    copy = again(state)
    assert dict(copy.daily_usage.items()) == dict(state.daily_usage.items())
    assert dict(copy.daily_versions.items()) == dict(state.daily_versions.items())


def test_runs_complete_each_other() -> None:
    """A run covers its longest column, ends others in zeros, and may add to the days of another run."""
    runs = [
        {"app_id": "com.example.a", "from": -2, "mau": [5, 0, 7], "get": [1]},
        {"app_id": "com.example.a", "from": -1, "storage": [100]},
    ]
    usage = list(load({**RICH, "usage": runs}).daily_usage)
    assert [(u.mau, u.get, u.storage) for u in usage] == [(5, 1, 0), (0, 0, 100), (7, 0, 0)]
