"""Device events: what is taken in, counted and recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mock_capgo.quirks import LIVE, LIVE_WITHOUT_FAULTS, Quirk
from mock_capgo.world.clock import day_of
from tests.device_api.conftest import APP, DEVICE, NOW, Bench, device, said_by

OK = {"status": "ok"}


def _counts(bench: Bench) -> dict[str, tuple[int, int, int, int]]:
    rows = bench.state.daily_versions.where("app", APP)
    return {row.version_name: (row.get, row.fail, row.install, row.uninstall) for row in rows}


def _mau(bench: Bench) -> int:
    row = bench.state.daily_usage.get((APP, day_of(NOW)))
    return row.mau if row else 0


@pytest.fixture
def bundled(bench: Bench) -> Bench:
    """A world with two bundles, and a public channel on the first."""
    bench.channel("main", bench.bundle("1.0.0"))
    bench.bundle("0.9.0")
    return bench


def test_an_install(bundled: Bench) -> None:
    """A set bundle counts as installed, and what it replaces as uninstalled, also when that is deleted by now."""
    bundled.bundle("0.8.0", deleted=True)
    bundled.bundle("unknown", deleted=True)
    assert bundled.event("set", old_version_name="0.9.0").body == OK
    bundled.event("set", old_version_name="0.8.0")
    bundled.event("set", old_version_name="1.0.0")
    bundled.event("set", old_version_name="0.0.7")
    bundled.event("set", old_version_name="unknown")
    assert _counts(bundled) == {"1.0.0": (0, 0, 5, 0), "0.9.0": (0, 0, 0, 1), "0.8.0": (0, 0, 0, 1)}
    assert _mau(bundled) == 1


def test_a_failure(bundled: Bench) -> None:
    """A failure counts for the bundle, that of a file of it too, and does not touch the device."""
    bundled.event("set_fail")
    bundled.event("download_manifest_file_fail", version_name="1.0.0:main.js")
    assert _counts(bundled) == {"1.0.0": (0, 2, 0, 0)}
    assert bundled.stored() is None


@pytest.mark.parametrize("said", [{"is_prod": False}, {"is_emulator": True}])
def test_who_does_not_count(bundled: Bench, said: dict[str, Any]) -> None:
    """Installs and failures of emulators and development builds do not count; the devices do."""
    bundled.event("set", **said)
    bundled.event("set_fail", **said)
    assert _counts(bundled) == {}
    assert _mau(bundled) == 1
    assert bundled.stored() is not None


def test_other_events(bundled: Bench) -> None:
    """What is neither an install nor a failure brings the device up to date, and counts for no bundle."""
    assert bundled.event("app_moved_to_foreground", version_build="3", version_os="15").body == OK
    stored = bundled.stored()
    assert stored is not None
    assert (stored.version_build, stored.os_version, stored.version_name) == ("3.0.0", "15", "1.0.0")
    assert _counts(bundled) == {}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("1.0.0", True), ("1.0.0:a/b.js", True), ("9.9.9", False), ("", False), (":x", False), ("unknown", False),
        ("builtin", True),
    ],
)  # fmt: skip
def test_the_bundle_of_an_event(bundled: Bench, name: str, found: bool) -> None:
    """The name up to a colon has to be a bundle of the app; `builtin` is the bundle of the native version."""
    reply = bundled.event("ping", version_name=name)
    assert reply.status == 200
    if found:
        assert reply.body == OK
    else:
        assert reply.body == {
            "error": "version_not_found", "message": "Version not found", "app_id": APP, "version_name": name,
        }  # fmt: skip
        assert _mau(bundled) == 0


def test_deleted_and_placeholder_bundles(bundled: Bench) -> None:
    """A deleted bundle is not found; a placeholder is, where an old deleted row of its name is left, and counts not."""
    bundled.bundle("0.7.0", deleted=True)
    bundled.bundle("unknown", deleted=True)
    assert bundled.event("set", version_name="0.7.0").body["error"] == "version_not_found"
    assert bundled.event("set", version_name="unknown").body == OK
    assert _counts(bundled) == {}


@pytest.mark.parametrize("quirks", [LIVE, LIVE_WITHOUT_FAULTS])
def test_builtin_without_native_version(bundled: Bench, quirks: frozenset[Quirk]) -> None:
    """Where no native version is sent, the name `builtin` stays, and is no bundle."""
    bundled.quirks = quirks
    assert bundled.event("ping", version_name="builtin", version_build=None).body["version_name"] == "builtin"


@pytest.mark.parametrize(
    ("plugin", "logged"),
    [
        ("7.16.9", False), ("7.17.0", True), ("6.14.24", False), ("6.14.25", True), ("5.99.0", False), ("8.0.0", True),
        ("abc", False), (None, False),
    ],
)  # fmt: skip
def test_downloads_that_older_plugins_say_failed(bundled: Bench, plugin: str | None, logged: bool) -> None:
    """Older plugins report a failed download where there was none: the device is active, and nothing else counts."""
    assert bundled.event("download_fail", plugin_version=plugin).body == OK
    assert _counts(bundled) == ({"1.0.0": (0, 1, 0, 0)} if logged else {})
    missing = bundled.event("download_fail", plugin_version=plugin, version_name="9.9.9").body
    assert missing == OK or (logged and missing["error"] == "version_not_found")
    assert _mau(bundled) == 1


def test_any_platform_counts_and_the_known_ones_are_kept(bundled: Bench) -> None:
    """An event from another platform counts, but such a device is not kept."""
    assert bundled.event("set", platform="web").body == OK
    assert _counts(bundled) == {"1.0.0": (0, 0, 1, 0)}
    assert bundled.stored() is None


def test_the_channel_of_an_install(bundled: Bench) -> None:
    """An install counts for the device's channel, and for the public one where the named one does not fit."""
    beta = bundled.channel("beta", bundled.bundle("1.1.0"), public=False, allow_device_self_set=True)
    bundled.event("set", defaultChannel="beta", channel="main")
    bundled.event("set", device(2), defaultChannel="absent", channel="beta")
    bundled.event("set", device(3), platform="electron")
    noted = {channel_id: sum(entry.installs for entry in queue)
             for (channel_id, _), queue in bundled.state.device_store.attempts.items()}  # fmt: skip
    assert noted == {beta.id: 1, 1: 2}


def test_unknown_apps_and_invalid_plans(bundled: Bench) -> None:
    """One event of an unknown app is a 429; without plan the device is recorded and the request refused."""
    assert bundled.event("ping", app_id="com.nowhere.app").status == 429
    bundled.pay()
    reply = bundled.event("ping")
    assert (reply.status, reply.body["error"]) == (429, "on_premise_app")
    assert bundled.stored() is not None
    assert _mau(bundled) == 0
    batch = bundled.send("POST", "/stats", [{}, {"app_id": APP}])
    assert batch.status == 400


@pytest.mark.parametrize("event", [None, 5, "text", {}, {"app_id": 5}, {"app_id": ""}, [], [[]]])
def test_events_without_an_app(bench: Bench, event: Any) -> None:
    """The app id is looked at before all else, in whatever was sent."""
    reply = bench.send("POST", "/stats", [event] if isinstance(event, list) else event)
    assert (reply.status, reply.body) == (
        400, {"error": "invalid_app_id", "message": "App ID is required", "moreInfo": {}},
    )  # fmt: skip


# Batches --------------------------------------------------------------------------------------------------


def _event(**said: Any) -> dict[str, Any]:
    return {**said_by(version_name="1.0.0"), "action": "ping", **said}


def test_an_empty_batch(bench: Bench) -> None:
    """No events are fine."""
    assert bench.send("POST", "/stats", []).body == {"status": "ok", "results": []}


@pytest.mark.parametrize(
    ("second", "code", "message"),
    [
        ({"app_id": "com.other.app"}, "mixed_app_ids", "All events in a batch must have the same app_id"),
        ({"app_id": "bad"}, "invalid_app_id", "App ID must be a reverse domain string"),
        ({"app_id": None}, "invalid_app_id", "App ID is required"),
        (None, "invalid_app_id", "App ID is required"),
        (7, "invalid_app_id", "App ID is required"),
    ],
)
def test_a_batch_of_several_apps(bundled: Bench, second: Any, code: str, message: str) -> None:
    """All events belong to the app of the first one, or none is taken in; that is told with status 200."""
    batch = [_event(), second, {"app_id": "also bad"}]
    reply = bundled.send("POST", "/stats", batch)
    assert (reply.status, reply.body) == (200, {"error": code, "message": message})
    assert _mau(bundled) == 0


def test_events_of_a_batch_fail_one_by_one(bundled: Bench) -> None:
    """Each event has its own result, and only one that found no bundle tells more."""
    batch = [
        _event(action="set"),
        _event(version_name="8.8.8"),
        _event(device_id="zz"),
        _event(device_id=None),
        _event(version_build="abc"),
        _event(device_id=5),
        _event(version_build=5),
    ]
    results = bundled.send("POST", "/stats", batch).body["results"]
    assert [result["index"] for result in results] == list(range(len(batch)))
    assert [result.get("error", "ok") for result in results] == [
        "ok", "version_not_found", "invalid_json_body", "missing_device_id", "semver_error", "invalid_json_body",
        "processing_error",
    ]  # fmt: skip
    assert [index for index, result in enumerate(results) if "moreInfo" in result] == [1]
    assert results[1]["moreInfo"] == {"app_id": APP, "version_name": "8.8.8"}
    assert _counts(bundled) == {"1.0.0": (0, 0, 1, 0)}


def test_a_batch_of_an_unknown_app(bench: Bench) -> None:
    """Every event of an unknown app is told so, with status 200."""
    batch = [_event(app_id="com.nowhere.app"), _event(app_id="com.nowhere.app", device_id="zz")]
    reply = bench.send("POST", "/stats", batch)
    assert reply.status == 200
    assert [result["error"] for result in reply.body["results"]] == ["on_premise_app", "invalid_json_body"]


def test_a_batch_without_plan(bundled: Bench) -> None:
    """A plan that does not cover it refuses the whole batch."""
    bundled.pay()
    reply = bundled.send("POST", "/stats", [_event(), _event(device_id=device(2))])
    assert (reply.status, reply.body["error"]) == (429, "on_premise_app")
    assert bundled.stored(DEVICE) is not None
    assert bundled.stored(device(2)) is None
