"""Channels: settings and aliases, the order of checks, rollouts, public ones, pages, deletion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.world import (
    CRASHED,
    DEMO,
    NO_ROWS,
    TEST2_ORG,
    TEST_USER,
    Live,
    error,
    key,
    no_access,
)

APP = "com.channels.app"
OK = {"status": "ok"}


def prepare(world: Live) -> Live:
    """An app with four bundles."""
    world.make_app(APP)
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        world.make_bundle(APP, version)
    return world


@pytest.fixture
def app(world: Live) -> Iterator[Live]:
    """The world with an app of four bundles."""
    yield prepare(world)


def post(world: Live, channel: Any = "c", **changes: Any) -> tuple[int, Any]:
    """Status and body of an upsert."""
    reply = world("POST", "/channel", {"app_id": APP, "channel": channel, **changes})
    return reply.status, reply.body


def refused(code: str, message: str, **more: Any) -> tuple[int, Any]:
    """What an upsert that is refused answers."""
    return 400, error(code, message, more)


CRASH = (500, CRASHED)
NOT_FOUND = refused("cannot_find_version", "Cannot find version")


def test_a_new_channel(app: Live) -> None:
    """All its defaults, in the order of the service."""
    assert post(app) == (200, OK)
    row = app.channel(APP, "c")
    assert list(row.items()) == list({
        "id": row["id"], "created_at": row["created_at"], "name": "c", "app_id": APP, "created_by": TEST_USER,
        "updated_at": row["created_at"], "public": False, "allow_device_self_set": False, "allow_emulator": True,
        "allow_device": True, "allow_dev": True, "allow_prod": True, "rollout_version": None,
        "rollout_id": row["rollout_id"], "rollout_version_info": None, "version": None,
        "disableAutoUpdateUnderNative": True, "disableAutoUpdate": "major", "rolloutPercentageBps": 0,
        "rolloutEnabled": False, "rolloutPausedAt": None, "rolloutPauseReason": None,
        "rolloutCacheTtlSeconds": 2592000, "autoPauseEnabled": False, "autoPauseWindowMinutes": 60,
        "autoPauseFailureRateBps": None, "autoPauseConfidence": 0.95, "autoPauseMinAttempts": None,
        "autoPauseMinFailures": None, "autoPauseAction": "pause", "autoPauseCooldownMinutes": 60,
        "autoPauseLastTriggeredAt": None, "autoPauseLastCheckedAt": None,
    }.items())  # fmt: skip
    assert app.get(f"/channel?app_id={APP}") == [row]


def test_a_new_channel_with_a_bundle_tells_its_number(app: Live) -> None:
    """Only then, and only when it is new."""
    status, body = post(app, version="1.0.0", public=True)
    assert (status, body) == (200, {"status": "ok", "id": app.channel(APP, "c")["id"], "public": True})
    assert post(app, version="1.1.0") == (200, OK)
    for number, nothing in enumerate((None, "", "builtin", "unknown", 0, False)):
        assert post(app, f"n{number}", version=nothing) == (200, OK)
        assert app.channel(APP, f"n{number}")["version"] is None


@pytest.mark.parametrize("name", ["prod", "PROD", " a ", "<b>", "ä/ö?", "x" * 300, "5"])
def test_names(app: Live, name: str) -> None:
    """Free text, letters counting; a number is its text."""
    assert post(app, name) == (200, OK)
    (row,) = app.get(f"/channel?app_id={APP}")
    assert row["name"] == name
    assert post(app, name.swapcase() + "x") == (200, OK)
    assert len(app.get(f"/channel?app_id={APP}")) == 2
    if name == "5":
        assert post(app, 5, allow_dev=False) == (200, OK)
        assert app("GET", "/channel", {"app_id": APP, "channel": 5}).body["allow_dev"] is False


STORED: list[tuple[str, Any, str, Any]] = [
    ("public", True, "public", True),
    ("allow_device_self_set", True, "allow_device_self_set", True),
    ("allow_emulator", False, "allow_emulator", False),
    ("allow_device", False, "allow_device", False),
    ("allow_dev", "no", "allow_dev", False),
    ("allow_prod", "f", "allow_prod", False),
    ("disableAutoUpdateUnderNative", False, "disableAutoUpdateUnderNative", False),
    *[("disableAutoUpdate", value, "disableAutoUpdate", value)
      for value in ("major", "minor", "patch", "version_number", "none")],
    ("rolloutPercentage", 0, "rolloutPercentageBps", 0),
    ("rolloutPercentage", 12.345, "rolloutPercentageBps", 1235),
    ("rolloutPercentage", 33.333, "rolloutPercentageBps", 3333),
    ("rolloutPercentage", 0.005, "rolloutPercentageBps", 1),
    ("rolloutPercentage", 100, "rolloutPercentageBps", 10000),
    ("rolloutPercentageBps", 7.0, "rolloutPercentageBps", 7),
    ("rolloutPercentageBps", 10000, "rolloutPercentageBps", 10000),
    ("rolloutEnabled", True, "rolloutEnabled", True),
    ("rolloutCacheTtlSeconds", 60, "rolloutCacheTtlSeconds", 60),
    ("rolloutCacheTtlSeconds", 31536000, "rolloutCacheTtlSeconds", 31536000),
    ("rolloutPauseReason", "why", "rolloutPauseReason", "why"),
    ("autoPauseEnabled", True, "autoPauseEnabled", True),
    ("autoPauseWindowMinutes", 1, "autoPauseWindowMinutes", 1),
    ("autoPauseWindowMinutes", 10080, "autoPauseWindowMinutes", 10080),
    ("autoPauseFailureRateBps", 0, "autoPauseFailureRateBps", 0),
    ("autoPauseFailureRateBps", 10000, "autoPauseFailureRateBps", 10000),
    ("autoPauseConfidence", 0.5, "autoPauseConfidence", 0.5),
    ("autoPauseConfidence", 0.12344, "autoPauseConfidence", 0.1234),
    ("autoPauseMinAttempts", 0, "autoPauseMinAttempts", 0),
    ("autoPauseMinAttempts", 2147483647, "autoPauseMinAttempts", 2147483647),
    ("autoPauseMinFailures", 3, "autoPauseMinFailures", 3),
    ("autoPauseAction", "rollback", "autoPauseAction", "rollback"),
    ("autoPauseAction", "notify", "autoPauseAction", "notify"),
    ("autoPauseCooldownMinutes", 0, "autoPauseCooldownMinutes", 0),
    ("autoPauseCooldownMinutes", 10080, "autoPauseCooldownMinutes", 10080),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "field", "stored"), STORED)
def test_a_setting(app: Live, name: str, sent: Any, field: str, stored: Any) -> None:
    """As it reads back from a new channel and from one that is changed; the others stay."""
    assert post(app, "new", **{name: sent}) == (200, OK)
    assert app.channel(APP, "new")[field] == stored
    post(app)
    before = app.channel(APP, "c")
    app.later(1)
    assert post(app, **{name: sent}) == (200, OK)
    after = app.channel(APP, "c")
    assert after == {**before, field: stored, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


KEEPING = [
    "public", "allow_dev", "disableAutoUpdate", "rolloutPercentage", "rolloutPercentageBps", "rolloutEnabled",
    "rolloutPaused", "rolloutCacheTtlSeconds", "autoPauseEnabled", "autoPauseWindowMinutes", "autoPauseConfidence",
    "autoPauseAction", "autoPauseCooldownMinutes",
]  # fmt: skip
FULL = {
    "public": True, "allow_dev": False, "disableAutoUpdate": "none", "rolloutPercentageBps": 5, "rolloutEnabled": True,
    "rolloutCacheTtlSeconds": 99, "autoPauseEnabled": True, "autoPauseWindowMinutes": 9, "autoPauseConfidence": 0.9,
    "autoPauseAction": "notify", "autoPauseCooldownMinutes": 3, "autoPauseFailureRateBps": 4,
    "autoPauseMinAttempts": 5, "autoPauseMinFailures": 6,
}  # fmt: skip


def test_null_is_as_if_not_sent(app: Live) -> None:
    """But for three settings that it clears."""
    before = app.set_channel(APP, "c", **FULL)
    after = app.set_channel(APP, "c", **dict.fromkeys(KEEPING))
    assert after == {**before, "updated_at": after["updated_at"]}
    cleared = dict.fromkeys(("autoPauseFailureRateBps", "autoPauseMinAttempts", "autoPauseMinFailures"))
    last = app.set_channel(APP, "c", **cleared)
    assert last == {**after, **cleared, "updated_at": last["updated_at"]}


ALIASES: list[tuple[str, str, Any, Any, str]] = [
    ("rolloutPercentageBps", "rollout_percentage_bps", 11, 22, "rolloutPercentageBps"),
    ("rolloutEnabled", "rollout_enabled", True, False, "rolloutEnabled"),
    ("rolloutCacheTtlSeconds", "rollout_cache_ttl_seconds", 61, 62, "rolloutCacheTtlSeconds"),
    ("rolloutPauseReason", "rollout_pause_reason", "a", "b", "rolloutPauseReason"),
    ("autoPauseEnabled", "auto_pause_enabled", True, False, "autoPauseEnabled"),
    ("autoPauseWindowMinutes", "auto_pause_window_minutes", 1, 2, "autoPauseWindowMinutes"),
    ("autoPauseFailureRateBps", "auto_pause_failure_rate_bps", 1, 2, "autoPauseFailureRateBps"),
    ("autoPauseConfidence", "auto_pause_confidence", 0.1, 0.2, "autoPauseConfidence"),
    ("autoPauseMinAttempts", "auto_pause_min_attempts", 1, 2, "autoPauseMinAttempts"),
    ("autoPauseMinFailures", "auto_pause_min_failures", 1, 2, "autoPauseMinFailures"),
    ("autoPauseAction", "auto_pause_action", "notify", "rollback", "autoPauseAction"),
    ("autoPauseCooldownMinutes", "auto_pause_cooldown_minutes", 1, 2, "autoPauseCooldownMinutes"),
]


@pytest.mark.parametrize(("name", "alias", "value", "other", "field"), ALIASES)
def test_an_alias_counts_where_the_name_is_absent(
    app: Live, name: str, alias: str, value: Any, other: Any, field: str
) -> None:
    """Where the name is there it wins, also as null."""
    fresh = app.set_channel(APP, "c")[field]
    assert app.set_channel(APP, "c", **{name: value, alias: other})[field] == value
    assert app.set_channel(APP, "c", **{alias: other})[field] == other
    app.set_channel(APP, "d", **{name: None, alias: other})
    assert app.channel(APP, "d")[field] == fresh


@pytest.mark.parametrize("name", ["disable_auto_update", "disable_auto_update_under_native", "update_package"])
def test_what_has_no_alias(app: Live, name: str) -> None:
    """Unknown members are ignored."""
    before = app.set_channel(APP, "c")
    after = app.set_channel(APP, "c", **{name: False})
    assert after == {**before, "updated_at": after["updated_at"]}


def out_of_range(field: str, value: Any, least: int, most: int) -> tuple[int, Any]:
    """The refusal of a number."""
    message = f"{field} must be an integer between {least} and {most}"
    return refused("invalid_rollout_config", message, field=field, value=value, min=least, max=most)


RANGES = [
    ("rolloutPercentageBps", 0, 10000), ("rolloutCacheTtlSeconds", 60, 31536000), ("autoPauseWindowMinutes", 1, 10080),
    ("autoPauseFailureRateBps", 0, 10000), ("autoPauseMinAttempts", 0, 9007199254740991),
    ("autoPauseMinFailures", 0, 9007199254740991), ("autoPauseCooldownMinutes", 0, 10080),
]  # fmt: skip


@pytest.mark.parametrize(("field", "least", "most"), RANGES)
@pytest.mark.parametrize("new", [True, False])
def test_numbers_out_of_range(app: Live, field: str, least: int, most: int, new: bool) -> None:
    """Below, above, not whole, not a number; of a new channel as of an old one."""
    if not new:
        post(app)
    wrong: list[Any] = [least - 1, least + 0.5, str(least), True, [least], {}, ""]
    for value in [*wrong, most + 1 if most < 2**53 - 1 else 2**60]:
        assert post(app, **{field: value}) == out_of_range(field, value, least, most)
    snake = "".join("_" + c.lower() if c.isupper() else c for c in field)
    assert post(app, **{snake: least - 1}) == out_of_range(field, least - 1, least, most)


PERCENTAGE = "Rollout percentage must be between 0 and 100"
CONFIDENCE = "Auto-pause confidence must be greater than 0 and less than 1"
ACTION = "Auto-pause action must be pause, rollback, or notify"
FAULTS: list[tuple[dict[str, Any], tuple[int, Any]]] = [
    ({"rolloutPercentage": 101}, refused("invalid_rollout_percentage", PERCENTAGE, rolloutPercentage=101)),
    ({"rolloutPercentageBps": -1}, out_of_range("rolloutPercentageBps", -1, 0, 10000)),
    ({"rolloutCacheTtlSeconds": 59}, out_of_range("rolloutCacheTtlSeconds", 59, 60, 31536000)),
    ({"autoPauseWindowMinutes": 0}, out_of_range("autoPauseWindowMinutes", 0, 1, 10080)),
    ({"autoPauseFailureRateBps": "5"}, out_of_range("autoPauseFailureRateBps", "5", 0, 10000)),
    ({"autoPauseConfidence": 1}, refused("invalid_auto_pause_confidence", CONFIDENCE, autoPauseConfidence=1)),
    ({"autoPauseMinAttempts": -1}, out_of_range("autoPauseMinAttempts", -1, 0, 9007199254740991)),
    ({"autoPauseMinFailures": 0.5}, out_of_range("autoPauseMinFailures", 0.5, 0, 9007199254740991)),
    ({"autoPauseCooldownMinutes": 10081}, out_of_range("autoPauseCooldownMinutes", 10081, 0, 10080)),
    ({"autoPauseAction": "stop"}, refused("invalid_auto_pause_action", ACTION, autoPauseAction="stop")),
]
_SHARED = Live()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sets(st.integers(0, len(FAULTS) - 1), min_size=1), st.booleans(), st.booleans(), st.randoms())
def test_of_several_faults_the_first_is_told(chosen: set[int], new: bool, acts: bool, random: Any) -> None:
    """In the service's order, whatever the order of the body and what comes after; and nothing is stored."""
    world = prepare(_SHARED.back())
    if not new:
        post(world)
    order = list(chosen)
    random.shuffle(order)
    body: dict[str, Any] = {"disableAutoUpdate": "bad"} | (
        {"rolloutVersion": "9.9.9", "rollback": True} if acts else {}
    )
    for number in order:
        body |= FAULTS[number][0]
    before = world.get(f"/channel?app_id={APP}")
    assert post(world, **body) == FAULTS[min(chosen)][1]
    assert world.get(f"/channel?app_id={APP}") == before


@pytest.mark.parametrize("value", [-1, 100.01, "5", True, [], {}, ""])
def test_percentages_out_of_range(app: Live, value: Any) -> None:
    """A number from 0 to 100."""
    assert post(app, rollout_percentage=value) == refused(
        "invalid_rollout_percentage", PERCENTAGE, rolloutPercentage=value
    )


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.1, "0.5", True, []])
def test_confidences_out_of_range(app: Live, value: Any) -> None:
    """A number between 0 and 1, neither of them."""
    assert post(app, autoPauseConfidence=value) == refused(
        "invalid_auto_pause_confidence", CONFIDENCE, autoPauseConfidence=value
    )


@pytest.mark.parametrize(
    "changes",
    [{"disableAutoUpdate": "metadata"}, {"disableAutoUpdate": "bad"}, {"autoPauseAction": ""}, {"public": "maybe"},
     {"allow_dev": 5}, {"rolloutPausedAt": "never"}, {"autoPauseMinAttempts": 2**31},
     {"autoPauseConfidence": 0.99999}, {"autoPauseConfidence": 0.00001}],
)  # fmt: skip
def test_what_the_database_refuses_is_a_crash(world: Live, sane: Live, changes: dict[str, Any]) -> None:
    """Of a new channel with a bundle it is told in words; without faults it is a fault of the body."""
    prepare(world)
    assert post(world, **changes) == CRASH
    status, body = post(world, version="1.0.0", **changes)
    assert (status, body["error"], body["message"]) == (
        400, "cannot_set_bundle_to_channel", "Cannot set bundle to channel"
    )  # fmt: skip
    assert world.get(f"/channel?app_id={APP}") == []
    post(world)
    assert post(world, version="1.0.0", **changes) == CRASH
    assert world.channel(APP, "c")["version"] is None
    prepare(sane)
    assert post(sane, **changes)[1]["error"] == "invalid_body"


@pytest.mark.parametrize("name", [..., None, ""])
def test_a_channel_without_a_name(app: Live, name: Any) -> None:
    """A crash, or with a bundle an error of the database."""
    body = {"app_id": APP} | ({} if name is ... else {"channel": name})
    app.expect(500, CRASHED, "POST", "/channel", body)
    reply = app("POST", "/channel", {**body, "version": "1.0.0"})
    assert (reply.status, reply.body["error"]) == (400, "cannot_set_bundle_to_channel")
    assert app.get(f"/channel?app_id={APP}") == []


def test_an_unknown_bundle(world: Live, sane: Live) -> None:
    """400 for a new channel, a crash for an old one; a deleted bundle is unknown."""
    prepare(world)
    world.ok("DELETE", f"/bundle?app_id={APP}&version=1.3.0")
    post(world, "old", version="1.0.0")
    for version in ("9.9.9", "1.3.0", "x", 5, True):
        assert post(world, "new", version=version) == (400, error("cannot_find_version", "Cannot find version"))
        assert post(world, "old", version=version) == CRASH
        assert post(world, "old", rolloutVersion=version) == CRASH
        assert post(world, "old", version=version, rolloutPercentage=101) == CRASH
    assert [row["name"] for row in world.get(f"/channel?app_id={APP}")] == ["old"]
    prepare(sane)
    post(sane, "old", version="1.0.0")
    assert post(sane, "old", version="9.9.9") == NOT_FOUND
    assert post(sane, "old", rolloutVersion="9.9.9") == NOT_FOUND


def test_actions_need_a_channel(app: Live) -> None:
    """A rollout target, also null; rolling back and promoting when true. After the ranges, before the database."""
    missing = refused("cannot_find_channel", "Cannot find channel", app_id=APP, channel="c")
    for action in ({"rolloutVersion": "1.0.0"}, {"rolloutVersion": None}, {"rollout_version": ""}, {"rollback": True},
                   {"promoteToStable": True}, {"promote_to_stable": True}):  # fmt: skip
        assert post(app, **action, disableAutoUpdate="bad") == missing
        assert post(app, **action, version="9.9.9") == missing
        assert post(app, **action, rolloutPercentage=101) == FAULTS[0][1]
    assert post(app, rollback=False, promoteToStable=False) == (200, OK)


# Rollouts -----------------------------------------------------------------------------------------------


def test_a_target_needs_a_stable_bundle(app: Live) -> None:
    """Stored, or sent along; clearing the target needs none."""
    post(app)
    missing = refused(
        "missing_stable_version", "Cannot set rollout target without a stable bundle", app_id=APP, channel="c"
    )
    assert post(app, rolloutVersion="1.1.0") == post(app, rolloutVersion="9.9.9") == missing
    assert post(app, rolloutVersion=None) == post(app, rolloutVersion="") == (200, OK)
    assert post(app, rolloutVersion="1.1.0", version="1.0.0") == (200, OK)
    assert post(app, rolloutVersion="1.2.0", version=None) == missing
    assert post(app, rolloutVersion="1.2.0", version="unknown") == missing
    row = app.channel(APP, "c")
    assert (row["version"]["name"], row["rollout_version_info"]["name"]) == ("1.0.0", "1.1.0")


def test_targets_by_number_and_name(app: Live) -> None:
    """A number is a bundle's id, text its name; others' bundles are unknown."""
    post(app, version="1.0.0")
    number = next(row["id"] for row in app.get(f"/bundle?app_id={APP}") if row["name"] == "1.2.0")
    assert app.set_channel(APP, "c", rolloutVersion=number)["rollout_version"] == number
    assert post(app, rolloutVersion=str(number)) == CRASH
    assert post(app, rolloutVersion=3) == CRASH
    assert app.set_channel(APP, "c", rolloutVersion="1.0.0")["rollout_version_info"]["name"] == "1.0.0"


def test_pausing(app: Live) -> None:
    """True is now, false is not; a moment overrides both, and un-pausing forgets the reason."""
    post(app, version="1.0.0")
    app.set_channel(APP, "c", rolloutVersion="1.1.0", rolloutEnabled=True, rolloutPercentage=10)
    paused = app.set_channel(APP, "c", rolloutPaused=True, rolloutPauseReason="crashes")
    assert paused["rolloutPausedAt"] is not None
    assert paused["rolloutPauseReason"] == "crashes"
    again = app.set_channel(APP, "c", rolloutPaused=False)
    assert (again["rolloutPausedAt"], again["rolloutPauseReason"]) == (None, None)
    at = app.set_channel(APP, "c", rolloutPausedAt="2026-01-02T03:04:05.000Z", rolloutPaused=False)
    assert at["rolloutPausedAt"] == "2026-01-02T03:04:05+00:00"
    null = app.set_channel(APP, "c", rolloutPausedAt=None, rolloutPaused=True, rolloutPauseReason="kept?")
    assert (null["rolloutPausedAt"], null["rolloutPauseReason"]) == (None, None)


def test_pausing_a_new_target_has_no_effect(app: Live) -> None:
    """A new target starts unpaused; the same one again stays paused."""
    post(app, version="1.0.0")
    first = app.set_channel(APP, "c", rolloutVersion="1.1.0", rolloutPaused=True, rolloutPauseReason="r")
    assert (first["rolloutPausedAt"], first["rolloutPauseReason"]) == (None, None)
    paused = app.set_channel(APP, "c", rolloutPaused=True, rolloutPauseReason="r")
    same = app.set_channel(APP, "c", rolloutVersion="1.1.0")
    assert same == {**paused, "updated_at": same["updated_at"]}
    cleared = app.set_channel(APP, "c", rolloutVersion=None)
    assert (cleared["rolloutPausedAt"], cleared["rolloutPauseReason"]) == (None, None)


def test_rolling_back(app: Live) -> None:
    """Target, switch, share and pause go, whatever else is sent; a stable bundle that is sent is taken."""
    post(app, version="1.0.0")
    on = {"rolloutVersion": "1.1.0", "rolloutEnabled": True, "rolloutPercentage": 50}
    before = app.set_channel(APP, "c", **on)
    after = app.set_channel(APP, "c", rollback=True, **on, rolloutPaused=True, version="1.2.0", allow_dev=False)
    assert after["rollout_id"] != before["rollout_id"]
    assert after == {
        **before, "rollout_version": None, "rollout_version_info": None, "rolloutEnabled": False,
        "rolloutPercentageBps": 0, "rollout_id": after["rollout_id"], "updated_at": after["updated_at"],
        "version": after["version"], "allow_dev": False,
    }  # fmt: skip
    assert after["version"]["name"] == "1.2.0"
    again = app.set_channel(APP, "c", rollback=True)
    assert again["rollout_id"] == after["rollout_id"]


def test_a_member_without_a_name_asks_for_nothing(app: Live) -> None:
    """An action that has no other name is not taken for one that is called nothing."""
    post(app, version="1.0.0")
    before = app.set_channel(APP, "c", rolloutVersion="1.1.0", rolloutEnabled=True, rolloutPercentage=50)
    after = app.set_channel(APP, "c", **{"": True})
    assert after == {**before, "updated_at": after["updated_at"]}


def test_promoting(app: Live) -> None:
    """The request's own target, else the stored one, before any other bundle; with a rollback the stored one."""
    post(app, version="1.0.0")
    missing = refused("missing_rollout_version", "Cannot promote without a rollout version", app_id=APP, channel="c")
    assert post(app, promoteToStable=True) == post(app, promoteToStable=True, rollback=True) == missing
    assert post(app, promoteToStable=True, rollback=True, rolloutVersion="1.1.0") == missing
    start = app.channel(APP, "c")
    own = app.set_channel(APP, "c", promote_to_stable=True, rolloutVersion="1.1.0", version="1.3.0")
    assert (own["version"]["name"], own["rollout_version"], own["rollout_id"]) == ("1.1.0", None, start["rollout_id"])
    app.set_channel(APP, "c", rolloutVersion="1.2.0", rolloutEnabled=True, rolloutPercentage=5)
    stored = app.set_channel(APP, "c", promoteToStable=True, version="1.3.0")
    assert (stored["version"]["name"], stored["rolloutEnabled"], stored["rolloutPercentageBps"]) == ("1.2.0", False, 0)
    app.set_channel(APP, "c", rolloutVersion="1.3.0")
    both = app.set_channel(APP, "c", promoteToStable=True, rollback=True, rolloutVersion="1.0.0")
    assert (both["version"]["name"], both["rollout_version"]) == ("1.3.0", None)
    assert post(app, promoteToStable=True) == missing


STEPS = st.lists(
    st.one_of(
        st.builds(lambda v: {"rolloutVersion": v}, st.sampled_from(["1.0.0", "1.1.0", "1.2.0", None, ""])),
        st.builds(lambda v: {"version": v}, st.sampled_from(["1.0.0", "1.1.0", None, "builtin"])),
        st.sampled_from([
            {"rollback": True}, {"promoteToStable": True}, {"rolloutEnabled": True}, {"rolloutPercentage": 7},
            {"rolloutPaused": True}, {"allow_dev": False}, {"rollback": False},
            {"promoteToStable": True, "rolloutVersion": "1.2.0"}, {"rolloutVersion": "1.1.0", "rolloutPaused": True},
        ]),
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=50, deadline=None, derandomize=True)
@given(STEPS)
def test_a_rollouts_id_changes_with_its_target_alone(steps: list[dict[str, Any]]) -> None:
    """In any order of changes: another target, or none any more, is another rollout that is not paused."""
    world = prepare(_SHARED.back())
    post(world, version="1.0.0")
    before = world.channel(APP, "c")
    for step in steps:
        status, _ = post(world, **step)
        after = world.channel(APP, "c")
        if status != 200:
            assert after == before
            continue
        changed = after["rollout_version"] != before["rollout_version"]
        assert (after["rollout_id"] != before["rollout_id"]) == changed
        if changed:
            assert (after["rolloutPausedAt"], after["rolloutPauseReason"]) == (None, None)
        assert (after["rollout_version"] is None) == (after["rollout_version_info"] is None)
        before = after
    world.sound()


# Public channels ----------------------------------------------------------------------------------------

PLATFORMS = ("ios", "android", "electron")
WRITES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.fixed_dictionaries({}, optional={"public": st.booleans(), **{name: st.booleans() for name in PLATFORMS}}),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WRITES)
def test_one_public_channel_for_each_platform(writes: list[tuple[str, dict[str, bool]]]) -> None:
    """After any writes, against a model of the rule: who becomes public pushes the others off, and completely."""
    world = _SHARED.back()
    world.make_app(APP)
    model: dict[str, dict[str, bool]] = {}
    for name, sent in writes:
        assert post(world, name, **sent) == (200, OK)
        mine = model.setdefault(name, {"public": False, "ios": True, "android": True, "electron": True})
        was = dict(mine)
        mine |= sent
        if "electron" not in sent and sent.get("public") is True and sent.get("ios") != sent.get("android"):
            mine["electron"] = False
        if mine["public"] and mine != was:
            for other, its in model.items():
                if other != name and any(mine[platform] and its[platform] for platform in PLATFORMS):
                    its["public"] = False
        shown = {row["name"]: row["public"] for row in world.get(f"/channel?app_id={APP}")}
        assert shown == {one: settings["public"] for one, settings in model.items()}
        for platform in PLATFORMS:
            assert sum(one["public"] and one[platform] for one in model.values()) <= 1


@pytest.mark.parametrize(
    ("sent", "electron"),
    [
        ({"public": True}, True),
        ({"public": True, "ios": True}, False),
        ({"public": True, "android": False}, False),
        ({"public": True, "ios": True, "android": False}, False),
        ({"public": True, "ios": True, "android": True}, True),
        ({"public": True, "ios": False, "android": False}, True),
        ({"public": True, "ios": True, "electron": True}, True),
        ({"public": False, "ios": True}, True),
        ({"ios": True}, True),
        ({"public": True, "ios": "yes", "android": "yes"}, True),
    ],
)
def test_electron_is_inferred(app: Live, sent: dict[str, Any], electron: bool) -> None:
    """A public channel for one phone and not the other is none for computers, unless that is said."""
    for name in ("new", "old"):
        if name == "old":
            post(app, name)
        assert post(app, name, **sent) == (200, OK)
        found = app.universe.world.state.channels.first("name", (APP, name))
        assert found is not None
        assert found.electron is electron


# Pages, reading, deleting -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 50, 51, 102])
def test_pages(world: Live, sane: Live, count: int) -> None:
    """Oldest first; later pages hold all that is left, and past the end there is nothing."""
    for mock in (world, sane):
        mock.make_app(APP)
        names = [f"c{number}" for number in range(count)]
        for name in names:
            post(mock, name)
        for page in range(4):
            size = 50 if mock is sane or page == 0 else 1000
            shown = [row["name"] for row in mock.get(f"/channel?app_id={APP}&page={page}")]
            assert shown == names[50 * page : 50 * page + size]


def test_reading_one_that_is_not_there(app: Live) -> None:
    """In the words of a bundle."""
    missing = error("cannot_find_version", "Cannot find version", {"supabaseError": NO_ROWS})
    post(app, "Prod")
    for name in ("prod", "Prod ", "production"):
        app.expect(400, missing, "GET", "/channel", {"app_id": APP, "channel": name})


def test_deleting(app: Live) -> None:
    """The overrides to it go, the bundles stay, and the second time it is not found. Public ones too."""
    post(app, version="1.0.0", public=True)
    post(app, "d", version="1.1.0")
    app.ok("POST", "/device", {"app_id": APP, "device_id": "x", "channel": "d"})
    missing = error("cannot_find_channel", "Cannot find channel", {"supabaseError": NO_ROWS})
    for name in ("c", "d"):
        app.expect(200, OK, "DELETE", f"/channel?app_id={APP}&channel={name}")
        app.expect(400, missing, "DELETE", f"/channel?app_id={APP}&channel={name}")
    assert len(app.universe.world.state.overrides) == 0
    assert len(app.get(f"/bundle?app_id={APP}")) == 4
    nameless = error("missing_channel_name", "You must provide a channel name")
    for sent in ({"app_id": APP}, {"app_id": APP, "channel": ""}, {"app_id": APP, "channel": None}):
        app.expect(400, nameless, "DELETE", "/channel", sent)


def test_a_channel_admin_and_the_other_keys_of_its_channel(world: Live) -> None:
    """Other bindings are in its way, and once they are gone, they are not."""
    blocked = {"code": "P0001", "details": None, "hint": None, "message": "Admins cannot elevate privileges!"}
    path = f"/channel?app_id={DEMO}&channel=no_access"
    refusal = error("cannot_delete_channel", "Cannot delete channel", {"supabaseError": blocked})
    world.expect(400, refusal, "DELETE", path, key=key(14))
    for number in (128, 129):
        world.ok("DELETE", f"/apikey/{number}")
    world.expect(400, refusal, "DELETE", path, key=key(14))
    world.ok("DELETE", "/apikey/130")
    world.expect(200, OK, "DELETE", path, key=key(14))


def test_delete_bundle_is_json_true(world: Live) -> None:
    """For any other key than the one that made the channel it is refused; anything else is plain deletion."""
    prepare(world)
    number = world.set_channel(APP, "c")["id"]
    world.expect(400, no_access(app_id=APP, channel_id=str(number)), "DELETE", "/channel",
                 {"app_id": APP, "channel": "c", "delete_bundle": True})  # fmt: skip
    world.expect(400, error("cannot_find_channel", "Cannot find channel"), "DELETE", "/channel",
                 {"app_id": APP, "channel": "x", "delete_bundle": True})  # fmt: skip
    for value in (False, "true", 1, None):
        post(world, "d")
        world.expect(200, OK, "DELETE", "/channel", {"app_id": APP, "channel": "d", "delete_bundle": value})
    world.expect(200, OK, "DELETE", f"/channel?app_id={APP}&channel=c&delete_bundle=true")


def test_who_made_it(world: Live) -> None:
    """The user of the key, for good, whoever changes it later."""
    world.make_app(APP, TEST2_ORG)
    assert world.set_channel(APP, "c")["created_by"] == TEST_USER
    world.ok(
        "POST",
        "/channel",
        {"app_id": APP, "channel": "c", "created_by": "x"},
        key="ac4d9a98-ec25-4af8-933c-2aae4aa52b85",
    )
    assert world.channel(APP, "c")["created_by"] == TEST_USER
