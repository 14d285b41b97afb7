"""Update checks: what a device is given, and what the check leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from mock_capgo.device_api.answers import DATABASE_HEADERS
from mock_capgo.device_api.effects import billing_period
from mock_capgo.world.clock import day_of, parse_time
from mock_capgo.world.records import Channel, DailyUsage
from tests.device_api.conftest import APP, DEVICE, NOW, ORG, Bench, device

DAY_OF_NOW = day_of(NOW)
FILES = "http://mock.example/files/read/attachments"


def _today(bench: Bench) -> DailyUsage:
    row = bench.state.daily_usage.get((APP, day_of(bench.world.now)))
    assert row is not None
    return row


def _counts(bench: Bench, name: str) -> tuple[int, int, int, int] | None:
    row = bench.state.daily_versions.get((APP, DAY_OF_NOW, name))
    return None if row is None else (row.get, row.fail, row.install, row.uninstall)


# What is given --------------------------------------------------------------------------------------------


def test_a_bundle_from_elsewhere(bench: Bench) -> None:
    """A registered address is given as it is, with an empty session key where nothing is encrypted."""
    bench.channel("main", bench.bundle("1.0.0", checksum=None))
    reply = bench.check()
    assert reply.status == 200
    assert reply.headers == DATABASE_HEADERS
    assert list(reply.body.items()) == [
        ("version", "1.0.0"),
        ("url", "https://cdn.example.com/1.0.0.zip"),
        ("session_key", ""),
        ("checksum", None),
    ]


def test_a_stored_bundle(bench: Bench) -> None:
    """A stored bundle is given an address of this server, with the device's id in lower case."""
    path = f"orgs/{ORG}/apps/{APP}/1.0.0.zip"
    bench.channel("main", bench.bundle("1.0.0", external_url=None, r2_path=path, session_key="aXY=:a2V5"))
    told = bench.check(DEVICE.upper()).body
    assert told["url"] == f"{FILES}/{path}?key=c0&device_id={DEVICE}"
    assert told["session_key"] == "aXY=:a2V5"


ENTRIES = [
    {"file_name": "index.html", "file_hash": "h1", "s3_path": "orgs/o/apps/a/delta/h1_index.html", "file_size": 7}
]


@pytest.mark.parametrize(("plugin", "given"), [("8.0.0", True), ("7.0.35", True), ("7.0.34", False)])
def test_a_bundle_file_by_file(bench: Bench, plugin: str, given: bool) -> None:
    """Plugins that can read it get the list of files; the others are told of no archive, and of no files either."""
    made = bench.bundle("1.0.0", external_url=None, manifest=ENTRIES)
    bench.channel("main", made)
    told = bench.check(plugin_version=plugin).body
    assert told["url"] == "https://404.capgo.app/no.zip"
    if not given:
        assert "manifest" not in told
        return
    assert told["manifest"] == [
        {
            "file_name": "index.html",
            "file_hash": "h1",
            "download_url": f"{FILES}/orgs/o/apps/a/delta/h1_index.html?key={made.id}&device_id={DEVICE}",
        }
    ]


def test_a_bundle_from_elsewhere_has_no_files(bench: Bench) -> None:
    """The list of files is not given for a registered address."""
    bench.channel("main", bench.bundle("1.0.0", manifest=ENTRIES))
    assert "manifest" not in bench.check().body


@pytest.mark.parametrize(
    ("exposed", "plugin", "link", "shown"),
    [
        (True, "8.35.0", "https://notes", {"link": "https://notes", "comment": "why"}),
        (True, "8.35.0", "", {"comment": "why"}),
        (True, "8.34.9", "https://notes", {}),
        (False, "8.35.0", "https://notes", {}),
    ],
)
def test_link_and_comment(bench: Bench, exposed: bool, plugin: str, link: str, shown: dict[str, str]) -> None:
    """Link and comment are given where the app shows them, they say something, and the plugin is new enough."""
    bench.set_app(expose_metadata=exposed)
    bench.channel("main", bench.bundle("1.0.0", link=link, comment="why"))
    told = bench.check(plugin_version=plugin).body
    assert {name: told[name] for name in ("link", "comment") if name in told} == shown


def test_builtin_reports_the_native_version(bench: Bench) -> None:
    """A device on its native bundle is up to date with a bundle of its native version."""
    bench.channel("main", bench.bundle("2.0.0"))
    assert bench.check(version_name="builtin", version_build="v2").body["error"] == "no_new_version_available"
    assert bench.check(version_name="unknown", version_build="2").body["version"] == "2.0.0"


def test_defaults_of_what_is_null(bench: Bench) -> None:
    """Without its two flags a device counts as a real one with a store build."""
    bench.channel("main", bench.bundle("1.0.0"), allow_dev=False, allow_emulator=False)
    assert "url" in bench.check(is_prod=None, is_emulator=None).body
    assert bench.check(is_prod=False).body["error"] == "disable_dev_build"
    assert bench.check(is_emulator=True).body["error"] == "disable_emulator"


# The device's record --------------------------------------------------------------------------------------


def test_a_first_check_in(bench: Bench) -> None:
    """A device that was never seen gets a record of what it said, tidied."""
    bench.check(
        DEVICE.upper(), custom_id=" user-7 ", install_source="App_Store ", key_id="abcd", version_build="1",
        defaultChannel="beta", headers={"cf-ipcountry": "de"},
    )  # fmt: skip
    stored = bench.stored()
    assert stored is not None
    assert (stored.device_id, stored.custom_id, stored.install_source) == (DEVICE, "user-7", "app_store")
    assert (stored.version_build, stored.version_name, stored.os_version) == ("1.0.0", "0.9.0", "14")
    assert (stored.key_id, stored.default_channel, stored.country_code) == ("abcd", "beta", "DE")
    assert stored.updated_at == NOW
    assert bench.state.check() == []


def test_what_is_kept_and_what_is_not(bench: Bench) -> None:
    """Ids and origin are kept where they are not sent again; the channel is not, since the device keeps that."""
    bench.check(custom_id="a", install_source="s", key_id="k", defaultChannel="beta", headers={"cf-ipcountry": "FR"})
    bench.world.clock.advance(1)
    bench.check(custom_id="", version_os=None, headers={"cf-ipcountry": "T1"})
    stored = bench.stored()
    assert stored is not None
    assert (stored.custom_id, stored.install_source, stored.key_id, stored.country_code) == ("a", "s", "k", "FR")
    assert (stored.default_channel, stored.os_version) == (None, "")
    assert stored.updated_at == NOW + 1_000_000


def test_nothing_new_is_not_written(bench: Bench) -> None:
    """A check-in that says the same again leaves the record as it is, its time too."""
    bench.check()
    before = bench.stored()
    bench.world.clock.advance(60)
    bench.check()
    assert bench.stored() is before


def test_the_record_runs_ahead(bench: Bench) -> None:
    """A device that is given a bundle is recorded with it; one that is refused with what it runs."""
    channel = bench.channel("main", bench.bundle("1.1.0"))
    bench.check()
    assert bench.stored().version_name == "1.1.0"  # type: ignore[union-attr]
    bench.change(channel, allow_prod=False)
    bench.check()
    assert bench.stored().version_name == "0.9.0"  # type: ignore[union-attr]


def test_an_app_without_custom_ids(bench: Bench) -> None:
    """Where an app takes no custom ids, one that was stored before stays."""
    bench.check(custom_id="old")
    bench.set_app(allow_device_custom_id=False)
    bench.check(custom_id="new")
    bench.check(device(2), custom_id="new")
    assert bench.stored().custom_id == "old"  # type: ignore[union-attr]
    assert bench.stored(device(2)).custom_id == ""  # type: ignore[union-attr]


def _no_bundle(bench: Bench) -> Channel:
    return bench.channel("main")


@pytest.mark.parametrize(
    ("prepare", "said", "written"),
    [
        (lambda bench: None, {}, True),
        (lambda bench: None, {"plugin_version": "4.1.0"}, True),
        (lambda bench: bench.pay(), {}, True),
        (_no_bundle, {}, False),
        (_no_bundle, {"plugin_version": "5.0.0"}, False),
        (lambda bench: None, {"app_id": "com.nowhere.app"}, False),
        (lambda bench: None, {"platform": "web"}, False),
    ],
)
def test_when_a_device_is_recorded(bench: Bench, prepare: Any, said: dict[str, Any], written: bool) -> None:
    """Outcomes that note something record the device: not the native bundle, unknown apps and malformed checks."""
    prepare(bench)
    bench.check(**said)
    assert (bench.stored() is not None) is written
    assert len(bench.state.devices) == written


# The figures ----------------------------------------------------------------------------------------------


def test_an_offer_counts(bench: Bench) -> None:
    """A bundle that is offered counts as one get; its bytes count when they are downloaded."""
    bench.channel("main", bench.bundle("1.0.0", size=500))
    bench.check()
    bench.check()
    assert (_today(bench).mau, _today(bench).get, _today(bench).bandwidth) == (1, 2, 0)
    assert _counts(bench, "1.0.0") == (2, 0, 0, 0)


def test_a_check_that_is_refused_counts_as_activity(bench: Bench) -> None:
    """A device without channel is active all the same; one of a dropped plugin, or without plan, is not."""
    bench.check()
    bench.check(device(2), plugin_version="4.0.0")
    assert _today(bench).mau == 1
    assert _counts(bench, "1.0.0") is None
    bench.pay()
    bench.check(device(3))
    assert _today(bench).mau == 1


def test_a_device_counts_once_in_a_billing_period(bench: Bench) -> None:
    """The first day in the subscription's month counts, and the next month counts anew."""
    start, end = parse_time("2026-03-05T00:00:00Z"), parse_time("2026-04-05T00:00:00Z")
    bench.pay(status="succeeded", subscription_anchor_start=start, subscription_anchor_end=end)
    for text in ("2026-03-10T12:00:00Z", "2026-04-04T23:59:59Z", "2026-04-05T00:00:00Z", "2026-05-01T00:00:00Z"):
        bench.world.clock.set(parse_time(text))
        bench.check()
    counted = {row.day: row.mau for row in bench.state.daily_usage if row.mau}
    assert counted == {day_of(NOW): 1, day_of(parse_time("2026-04-05T00:00:00Z")): 1}


def test_without_subscription_the_month_counts(bench: Bench) -> None:
    """Where nobody pays, a period is a calendar month."""
    for text in ("2026-03-31T23:00:00Z", "2026-04-01T01:00:00Z", "2026-04-30T01:00:00Z"):
        bench.world.clock.set(parse_time(text))
        bench.check()
    assert sum(row.mau for row in bench.state.daily_usage) == 2
    assert billing_period(bench.state, bench.app, NOW) == parse_time("2026-03-01T00:00:00Z")


def test_a_deleted_app_is_forgotten(bench: Bench) -> None:
    """The store keeps nothing about an app that is gone."""
    channel = bench.channel("main", bench.bundle("1.0.0"), allow_device_self_set=True)
    bench.bundle("1.1.0")
    bench.change(channel, rollout_version=2, rollout_enabled=True, rollout_percentage_bps=5000)
    bench.check()
    store = bench.state.device_store
    store.self_set[APP, DEVICE] = channel.id
    assert store.rollout_decisions
    assert store.counted_in
    twin = store.copy()
    store.forget_app(APP)
    assert not (store.rollout_decisions or store.counted_in or store.self_set)
    assert twin.self_set
    assert twin.rollout_decisions
