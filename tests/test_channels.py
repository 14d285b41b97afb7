"""Channels: list, create or change, delete; who is public, and what a rollout does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import COURIER, ENTERPRISE, FULL, SHOP, Mock
from tests.test_access import binding, freeze, fresh, generated, new_key, stored

DENIED = {"error": "Insufficient permissions to manage channels", "status": "KO"}
MISSING = {"error": "Channel not found", "status": "KO"}
NO_BUNDLE = {"error": "Bundle not found", "status": "KO"}
OK = {"status": "ok"}
UUID = "c0ffee00-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _sound(mock: Mock) -> Iterator[None]:
    yield
    assert mock.universe.world.state.check() == []


def post(mock: Mock, name: str = "new", key: str = FULL, app: str = SHOP, **settings: Any) -> Any:
    """The answer to a channel that is made or changed."""
    return mock("POST", "/channel/", {"app_id": app, "channel": name, **settings}, key=key)


def put(mock: Mock, name: str = "new", **settings: Any) -> Any:
    """A channel as it is after a change that succeeds."""
    reply = post(mock, name, **settings)
    assert (reply.status, reply.body) == (200, OK), reply
    return get(mock, name)


def get(mock: Mock, name: str = "new", app: str = SHOP, key: str = FULL) -> Any:
    """A channel by its name."""
    return mock.get(f"/channel/?app_id={app}&channel={name}", key=key)


# List -------------------------------------------------------------------------------------------------------


def test_the_list_is_oldest_first_without_envelope(mock: Mock) -> None:
    """Channels come as an array, oldest first; one that is asked for by name comes by itself."""
    found = mock.get(f"/channel/?app_id={SHOP}")
    assert [channel["name"] for channel in found] == ["production", "beta", "staging"]
    assert [get(mock, channel["name"]) for channel in found] == found


def test_a_channel_has_the_documented_members(mock: Mock) -> None:
    """A channel with a rollout on it, as it is answered."""
    freeze(mock)
    found = get(mock, "staging")
    assert found == {
        "id": 3,
        "name": "staging",
        "app_id": SHOP,
        "created_by": "0c0ffee0-0000-4000-8000-00000000b001",
        "created_at": "2025-04-09T12:00:00Z",
        "updated_at": "2026-02-03T12:00:00Z",
        "version": {"id": 2, "name": "1.1.0"},
        "public": False,
        "disableAutoUpdateUnderNative": True,
        "disableAutoUpdate": "major",
        "updatePackage": "all",
        "allow_device_self_set": False,
        "allow_emulator": True,
        "allow_device": True,
        "allow_dev": True,
        "allow_prod": True,
        "rollout_version": 3,
        "rollout_id": found["rollout_id"],
        "rollout_version_info": {"id": 3, "name": "1.2.0"},
        "rolloutPercentageBps": 2500,
        "rolloutEnabled": True,
        "rolloutPausedAt": None,
        "rolloutPauseReason": None,
        "rolloutCacheTtlSeconds": 2_592_000,
        "autoPauseEnabled": False,
        "autoPauseWindowMinutes": 60,
        "autoPauseFailureRateBps": None,
        "autoPauseConfidence": 0.95,
        "autoPauseMinAttempts": None,
        "autoPauseMinFailures": None,
        "autoPauseAction": "pause",
        "autoPauseCooldownMinutes": 60,
        "autoPauseLastTriggeredAt": None,
        "autoPauseLastCheckedAt": None,
    }


def test_pages_neither_lose_nor_repeat(mock: Mock) -> None:
    """Pages of fifty hold each channel once, oldest first; past the last there is nothing."""
    for number in range(114):
        assert post(mock, f"c{number}").status == 200
    pages = [[one["name"] for one in mock.get(f"/channel/?app_id={SHOP}&page={page}")] for page in range(4)]
    assert [len(page) for page in pages] == [50, 50, 17, 0]
    assert [name for page in pages for name in page][3:] == [f"c{number}" for number in range(114)]


def test_an_unknown_channel_is_404_and_an_app_out_of_reach_403(mock: Mock) -> None:
    """Letters of a name count; of another's app not even that is told."""
    for name in ("Production", "nope", "production "):
        reply = mock("GET", f"/channel/?app_id={SHOP}&channel={name}")
        assert (reply.status, reply.body) == (404, MISSING)
    for app_id in (COURIER, "com.example.nowhere"):
        for reply in (
            mock("GET", f"/channel/?app_id={app_id}&channel=production"),
            mock("GET", f"/channel/?app_id={app_id}"),
            post(mock, "production", app=app_id),
            mock("DELETE", "/channel/", {"app_id": app_id, "channel": "production"}),
        ):
            assert (reply.status, reply.body) == (403, DENIED)


# Create -----------------------------------------------------------------------------------------------------


def test_a_new_channel_has_the_documented_defaults(mock: Mock) -> None:
    """A channel that says nothing is private, serves everybody and nothing yet."""
    freeze(mock)
    found = put(mock)
    assert found == {
        "id": 6,
        "name": "new",
        "app_id": SHOP,
        "created_by": "0c0ffee0-0000-4000-8000-00000000b001",
        "created_at": "2026-03-15T12:00:00Z",
        "updated_at": "2026-03-15T12:00:00Z",
        "version": None,
        "public": False,
        "disableAutoUpdateUnderNative": True,
        "disableAutoUpdate": "major",
        "updatePackage": "all",
        "allow_device_self_set": False,
        "allow_emulator": True,
        "allow_device": True,
        "allow_dev": True,
        "allow_prod": True,
        "rollout_version": None,
        "rollout_id": found["rollout_id"],
        "rollout_version_info": None,
        "rolloutPercentageBps": 0,
        "rolloutEnabled": False,
        "rolloutPausedAt": None,
        "rolloutPauseReason": None,
        "rolloutCacheTtlSeconds": 2_592_000,
        "autoPauseEnabled": False,
        "autoPauseWindowMinutes": 60,
        "autoPauseFailureRateBps": None,
        "autoPauseConfidence": 0.95,
        "autoPauseMinAttempts": None,
        "autoPauseMinFailures": None,
        "autoPauseAction": "pause",
        "autoPauseCooldownMinutes": 60,
        "autoPauseLastTriggeredAt": None,
        "autoPauseLastCheckedAt": None,
    }
    stored = mock.universe.world.state.channels[6]
    assert (stored.ios, stored.android, stored.electron) == (True, True, True)


@pytest.mark.parametrize("name", ["a", "x" * 256, "Ünï / cödé? & 🚀", "pr-1", "../..", "com.example.shop"])
def test_any_text_is_a_name(mock: Mock, name: str) -> None:
    """A channel is called as its maker likes, and found by exactly that."""
    assert post(mock, name).status == 200
    found = mock.client.get("/channel/", params={"app_id": SHOP, "channel": name}, headers={"x-api-key": FULL})
    assert found.json()["name"] == name


def test_one_name_is_one_channel(mock: Mock) -> None:
    """Posting a name again changes the channel that has it; in another app it is another channel."""
    first, second = put(mock, "new"), put(mock, "new", public=True)
    assert first["id"] == second["id"]
    assert get(mock, "production", COURIER, ENTERPRISE)["id"] == 4
    assert get(mock, "production")["id"] == 1


def test_a_channel_starts_with_a_bundle(mock: Mock) -> None:
    """A new channel may name its bundle; an unknown or deleted one makes no channel."""
    assert put(mock, "with", version="1.1.0")["version"] == {"id": 2, "name": "1.1.0"}
    before = stored(mock)
    for version in ("7.7.7", "0.9.0", "2.0.0"):
        reply = post(mock, "without", version=version)
        assert (reply.status, reply.body) == (404, NO_BUNDLE)
    assert stored(mock) == before


# Settings ---------------------------------------------------------------------------------------------------

SETTINGS: dict[str, list[Any]] = {
    "disableAutoUpdateUnderNative": [False, True],
    "disableAutoUpdate": ["major", "minor", "patch", "metadata", "none"],
    "updatePackage": ["all", "zip", "delta", "zip_from_builtin", "delta_from_builtin"],
    "allow_device_self_set": [True, False],
    "allow_emulator": [False, True],
    "allow_device": [False, True],
    "allow_dev": [False, True],
    "allow_prod": [False, True],
    "rolloutPercentageBps": [0, 1, 10_000],
    "rolloutEnabled": [True, False],
    "rolloutPauseReason": ["Too slow", "", None],
    "rolloutCacheTtlSeconds": [60, 31_536_000],
    "autoPauseEnabled": [True, False],
    "autoPauseWindowMinutes": [1, 10_080],
    "autoPauseFailureRateBps": [0, 10_000, None],
    "autoPauseConfidence": [0.5, 0.9999, 0.0001],
    "autoPauseMinAttempts": [0, 2**31 - 1, None],
    "autoPauseMinFailures": [0, 2**31 - 1, None],
    "autoPauseAction": ["rollback", "notify", "pause"],
    "autoPauseCooldownMinutes": [0, 10_080],
}
ALIASES = {
    "updatePackage": "update_package",
    "rolloutPercentageBps": "rollout_percentage_bps",
    "rolloutEnabled": "rollout_enabled",
    "rolloutPauseReason": "rollout_pause_reason",
    "rolloutCacheTtlSeconds": "rollout_cache_ttl_seconds",
    "autoPauseEnabled": "auto_pause_enabled",
    "autoPauseWindowMinutes": "auto_pause_window_minutes",
    "autoPauseFailureRateBps": "auto_pause_failure_rate_bps",
    "autoPauseConfidence": "auto_pause_confidence",
    "autoPauseMinAttempts": "auto_pause_min_attempts",
    "autoPauseMinFailures": "auto_pause_min_failures",
    "autoPauseAction": "auto_pause_action",
    "autoPauseCooldownMinutes": "auto_pause_cooldown_minutes",
}
OUT_OF_RANGE: dict[str, list[Any]] = {
    "public": ["yes", 1, "true"],
    "ios": ["no", 0],
    "disableAutoUpdateUnderNative": ["true", 0],
    "disableAutoUpdate": ["always", "", "Major", True],
    "updatePackage": ["tar", ""],
    "rolloutPercentageBps": [-1, 10_001, 1.5, "5"],
    "rolloutPercentage": [-0.1, 100.1, "5"],
    "rolloutEnabled": ["true"],
    "rolloutPausedAt": ["yesterday", "2026-02-30T00:00:00Z", 5],
    "rolloutPauseReason": [5, ["x"]],
    "rolloutCacheTtlSeconds": [59, 31_536_001],
    "autoPauseWindowMinutes": [0, 10_081],
    "autoPauseFailureRateBps": [-1, 10_001],
    "autoPauseConfidence": [0, 1, -0.5, "0.9"],
    "autoPauseMinAttempts": [-1, 2**31],
    "autoPauseMinFailures": [-1, 2**31],
    "autoPauseAction": ["explode", ""],
    "autoPauseCooldownMinutes": [-1, 10_081],
    "rollback": ["yes"],
    "promoteToStable": [1],
    "version": [5, True, ["1.0.0"]],
    "rolloutVersion": [0, -1, 1.5, True],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SETTINGS.items() for value in values])
def test_every_setting_is_kept(mock: Mock, name: str, value: Any) -> None:
    """A setting is answered as it was written, on a new channel and on an old one, and nothing else changes."""
    assert put(mock, "new", **{name: value})[name] == value
    before = get(mock, "production")
    after = put(mock, "production", **{name: value})
    assert after == {**before, name: value, "updated_at": after["updated_at"]}


@pytest.mark.parametrize("name", ALIASES)
def test_the_other_spelling_of_a_setting(mock: Mock, name: str) -> None:
    """A name in snake case does the same, unless the setting was also sent in camel case."""
    alias, (first, second) = ALIASES[name], SETTINGS[name][:2]
    assert put(mock, **{alias: first})[name] == first
    assert put(mock, **{alias: first, name: second})[name] == second


@pytest.mark.parametrize("name", [*sorted(SETTINGS.keys() & OUT_OF_RANGE.keys()), "public", "ios"])
def test_null_counts_as_not_sent(mock: Mock, name: str) -> None:
    """Null changes no setting, but clears those that can be empty."""
    clears = {"rolloutPauseReason", "autoPauseFailureRateBps", "autoPauseMinAttempts", "autoPauseMinFailures"}
    refused = {"disableAutoUpdate", "updatePackage", "autoPauseConfidence", "autoPauseAction"}
    before = get(mock, "production")
    nothing: dict[str, Any] = {name: None}
    reply = post(mock, "production", **nothing)
    assert reply.status == (400 if name in refused else 200)
    after = get(mock, "production")
    if name not in clears:
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in OUT_OF_RANGE.items() for value in values]
)
def test_a_setting_has_bounds(mock: Mock, name: str, value: Any) -> None:
    """A value out of range or of another type is refused, and nothing is changed or made."""
    before = stored(mock)
    for channel in ("production", "new"):
        assert post(mock, channel, **{name: value}).status == 400
    assert stored(mock) == before


@pytest.mark.parametrize("spelling", ["metadata", "version_number"])
def test_one_policy_has_two_names(mock: Mock, spelling: str) -> None:
    """The page and the OpenAPI document spell one policy differently; both are taken, one is answered."""
    assert put(mock, disableAutoUpdate=spelling)["disableAutoUpdate"] == "metadata"


def test_documented_sentences(mock: Mock) -> None:
    """A wrong policy is refused as the page says."""
    reply = post(mock, disableAutoUpdate="always")
    assert (reply.status, reply.body) == (400, {"error": "Invalid disableAutoUpdate value", "status": "KO"})


# The stable bundle ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, "", "builtin", "unknown"])
def test_a_stable_bundle_comes_and_goes(mock: Mock, nothing: str | None) -> None:
    """A version by name is set, words for none take it away, and what is not sent stays."""
    assert put(mock, "production", version="1.0.0")["version"] == {"id": 1, "name": "1.0.0"}
    assert put(mock, "production", allow_dev=False)["version"] == {"id": 1, "name": "1.0.0"}
    assert put(mock, "production", version=nothing)["version"] is None


@pytest.mark.parametrize("version", ["7.7.7", "0.9.0", "2.1.0"])
def test_an_unknown_bundle_changes_nothing(mock: Mock, version: str) -> None:
    """A bundle that is not there, deleted or of another app is 404, as stable one and as target."""
    before = stored(mock)
    for settings in ({"version": version}, {"rolloutVersion": version}, {"version": version, "allow_dev": False}):
        reply = post(mock, "production", **settings)
        assert (reply.status, reply.body) == (404, NO_BUNDLE)
    for number in (5, 7, 999):
        assert post(mock, "production", rolloutVersion=number).body == NO_BUNDLE
    assert stored(mock) == before


# Public channels --------------------------------------------------------------------------------------------


def test_a_new_public_channel_takes_over(mock: Mock) -> None:
    """Of two public channels for one platform the later one stays."""
    assert put(mock, public=True)["public"]
    assert not get(mock, "production")["public"]
    assert put(mock, "production", public=True)["public"]
    assert not get(mock)["public"]


def test_platforms_may_have_a_public_channel_each(mock: Mock) -> None:
    """Public channels without a platform in common live side by side; another app has its own."""
    put(mock, "apple", public=True, ios=True, android=False, electron=False)
    assert not get(mock, "production")["public"], "it served iOS too, and stopped being public for all"
    put(mock, "google", public=True, ios=False, android=True, electron=False)
    put(mock, "desktop", public=True, ios=False, android=False, electron=True)
    assert [get(mock, name)["public"] for name in ("apple", "google", "desktop")] == [True, True, True]
    put(mock, "google", ios=True)
    assert [get(mock, name)["public"] for name in ("apple", "google", "desktop")] == [False, True, True]
    assert get(mock, "production", COURIER, ENTERPRISE)["public"]


@pytest.mark.parametrize(
    ("sent", "electron"),
    [
        ({}, True),
        ({"ios": True}, False),
        ({"ios": True, "android": True}, True),
        ({"android": True, "electron": True}, True),
    ],
)
def test_a_public_phone_channel_is_for_phones(mock: Mock, sent: dict[str, Any], electron: bool) -> None:
    """A public channel for one of the two phones leaves Electron out, unless it is told otherwise."""
    put(mock, public=True, **sent)
    assert mock.universe.world.state.channels[6].electron == electron


@generated(40)
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "production"]),
            st.fixed_dictionaries({}, optional=dict.fromkeys(["public", "ios", "android", "electron"], st.booleans())),
        ),
        max_size=12,
    )
)
def test_a_platform_has_one_public_channel_at_most(calls: list[tuple[str, dict[str, bool]]]) -> None:
    """Whatever is written in whatever order, no two public channels of an app share a platform."""
    mock = fresh()
    for name, settings in calls:
        put(mock, name, **settings)
        public = [one for one in mock.universe.world.state.channels if one.app_id == SHOP and one.public]
        for platform in ("ios", "android", "electron"):
            assert sum(getattr(one, platform) for one in public) <= 1
        if settings.get("public"):
            assert get(mock, name)["public"]
    assert mock.universe.world.state.check() == []


# Rollouts ---------------------------------------------------------------------------------------------------


def test_a_rollout_target_by_name_or_number(mock: Mock) -> None:
    """A target is named or numbered; a new one is a new rollout, the same again is not."""
    first = put(mock, "production", rolloutVersion="1.3.0-beta.1", rolloutPercentage=12.5, rolloutEnabled=True)
    assert (first["rollout_version"], first["rollout_version_info"]) == (4, {"id": 4, "name": "1.3.0-beta.1"})
    assert (first["rolloutPercentageBps"], first["rolloutEnabled"]) == (1250, True)
    again = put(mock, "production", rolloutVersion=4)
    assert again["rollout_id"] == first["rollout_id"]
    other = put(mock, "production", rolloutVersion=1)
    assert other["rollout_id"] != first["rollout_id"]
    for nothing in (None, ""):
        put(mock, "production", rolloutVersion=4)
        assert put(mock, "production", rolloutVersion=nothing)["rollout_version"] is None


def test_a_rollout_needs_a_stable_bundle(mock: Mock) -> None:
    """There is no target where nothing is stable, and none on a channel that is only being made."""
    put(mock, "empty")
    reply = post(mock, "empty", rolloutVersion="1.2.0")
    assert reply.status == 400
    reply = post(mock, "not yet there", rolloutVersion="1.2.0", version="1.1.0")
    assert (reply.status, reply.body) == (404, MISSING)
    assert put(mock, "empty", version="1.1.0", rolloutVersion="1.2.0")["rollout_version"] == 3


def test_basis_points_win_over_percent(mock: Mock) -> None:
    """Where both spellings of the share are sent, the finer one counts."""
    assert put(mock, rolloutPercentage=50, rolloutPercentageBps=1)["rolloutPercentageBps"] == 1
    for percent, points in ((0, 0), (0.01, 1), (33.333, 3333), (100, 10_000)):
        assert put(mock, rolloutPercentage=percent)["rolloutPercentageBps"] == points


def test_pausing(mock: Mock) -> None:
    """A pause has a moment and a reason, and going on forgets both; a new target starts unpaused."""
    freeze(mock)
    paused = put(mock, "staging", rolloutPaused=True, rolloutPauseReason="Crashes")
    assert (paused["rolloutPausedAt"], paused["rolloutPauseReason"]) == ("2026-03-15T12:00:00Z", "Crashes")
    going = put(mock, "staging", rolloutPaused=False)
    assert (going["rolloutPausedAt"], going["rolloutPauseReason"]) == (None, None)
    dated = put(mock, "staging", rolloutPausedAt="2026-01-31T14:00:00+02:00", rolloutPaused=False)
    assert dated["rolloutPausedAt"] == "2026-01-31T12:00:00Z"
    assert put(mock, "staging", rolloutPausedAt=None)["rolloutPausedAt"] is None
    put(mock, "staging", rolloutPaused=True, rolloutPauseReason="Crashes")
    renewed = put(mock, "staging", rolloutVersion="1.0.0")
    assert (renewed["rolloutPausedAt"], renewed["rolloutPauseReason"]) == (None, None)


def test_rolling_back(mock: Mock) -> None:
    """A rollback keeps the stable bundle and forgets the rollout; null and false do nothing."""
    for value in (None, False):
        assert put(mock, "staging", rollback=value)["rollout_version"] == 3
    after = put(mock, "staging", rollback=True, rolloutEnabled=True, rolloutPercentage=80)
    assert after["version"] == {"id": 2, "name": "1.1.0"}
    assert (after["rollout_version"], after["rolloutEnabled"], after["rolloutPercentageBps"]) == (None, False, 0)


def test_promoting(mock: Mock) -> None:
    """Promotion makes the target the stable bundle and ends the rollout; without a target there is none."""
    after = put(mock, "staging", promoteToStable=True)
    assert after["version"] == {"id": 3, "name": "1.2.0"}
    assert (after["rollout_version"], after["rolloutEnabled"], after["rolloutPercentageBps"]) == (None, False, 0)
    assert post(mock, "staging", promoteToStable=True).status == 400
    assert put(mock, "staging", promoteToStable=False, promote_to_stable=True)["version"]["id"] == 3


# Rights and deletion ----------------------------------------------------------------------------------------


def test_a_channel_role_changes_its_channel(mock: Mock) -> None:
    """A channel admin changes the channel of its binding and no other, and makes none."""
    key = new_key(mock, binding("channel_admin", channel=2))
    assert post(mock, "beta", key, allow_dev=False).status == 200
    for name in ("production", "new"):
        assert post(mock, name, key, allow_dev=False).body == DENIED


@pytest.mark.parametrize("name", ["beta", "production", "staging"])
def test_deletion(mock: Mock, name: str) -> None:
    """A deleted channel takes overrides and bindings on it along, and leaves the bundles; its name is free."""
    number = get(mock, name)["id"]
    key = new_key(mock, binding("channel_reader", channel=number))
    bundles = mock.get(f"/bundle/?app_id={SHOP}")
    assert mock.ok("DELETE", "/channel/", {"app_id": SHOP, "channel": name}) == OK
    reply = mock("GET", f"/channel/?app_id={SHOP}&channel={name}")
    assert (reply.status, reply.body) == (404, MISSING)
    devices = mock.get(f"/device/?app_id={SHOP}&limit=1000")["data"]
    assert name not in {device.get("channel") for device in devices}
    assert mock.get(f"/bundle/?app_id={SHOP}") == bundles
    state = mock.universe.world.state
    for table in (state.overrides, state.deployments, state.bindings):
        assert all(row.channel_id != number for row in table)
    assert mock("GET", "/organization/", key=key).status == 200
    again = mock("DELETE", "/channel/", {"app_id": SHOP, "channel": name})
    assert (again.status, again.body) == (404, MISSING)
    assert put(mock, name)["id"] != number


def test_deletion_by_query(mock: Mock) -> None:
    """A DELETE without a body says in its query what the body would say."""
    assert mock.ok("DELETE", f"/channel/?app_id={SHOP}&channel=beta") == OK
    assert [one["name"] for one in mock.get(f"/channel/?app_id={SHOP}")] == ["production", "staging"]


@pytest.mark.parametrize("value", [True, "true"])
def test_only_its_maker_deletes_a_preview_with_its_bundle(mock: Mock, value: Any) -> None:
    """`delete_bundle` is for the preview key that made the channel; others are refused and nothing goes."""
    before = stored(mock)
    body = {"app_id": SHOP, "channel": "beta", "delete_bundle": value}
    reply = mock("DELETE", "/channel/", body)
    assert reply.status == (403 if value is True else 400)
    assert stored(mock) == before
    assert mock("DELETE", "/channel/", {**body, "delete_bundle": False}).status == 200
