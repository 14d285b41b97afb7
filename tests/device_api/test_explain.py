"""Explaining a decision: it agrees with what happens, and nothing happens by it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.errors import Refusal
from mock_capgo.world.state import TABLES
from tests.device_api.conftest import APP, DEVICE, NOW, Bench, device

_FLAG = st.booleans()
_NAMES = ("1.0.0", "1.1.0", "2.0.0", "2.0.0-beta.1")


@st.composite
def benches(draw: st.DrawFn) -> Bench:
    """A world with a few bundles and channels of any kind, and maybe an override or a rollout."""
    bench = Bench(seed=draw(st.integers(0, 5)))
    bundles = [
        bench.bundle(
            name,
            external_url=draw(st.sampled_from([f"https://e/{name}.zip", "ftp://e", None])),
            r2_path=draw(st.sampled_from([None, f"orgs/o/apps/{APP}/{name}.zip"])),
            key_id=draw(st.sampled_from([None, "abcd"])),
            min_update_version=draw(st.sampled_from([None, "1.0.0", "3.0.0"])),
            manifest=draw(st.sampled_from([None, [{"file_name": "a", "file_hash": "h", "s3_path": "p/a"}]])),
            link=draw(st.sampled_from([None, "https://link"])),
        )
        for name in _NAMES
    ]
    for name in ("main", "beta", "forced"):
        bench.channel(
            name,
            draw(st.sampled_from([None, *bundles])),
            public=draw(_FLAG),
            allow_device_self_set=draw(_FLAG),
            android=draw(_FLAG),
            allow_prod=draw(_FLAG),
            allow_dev=draw(_FLAG),
            allow_device=draw(_FLAG),
            allow_emulator=draw(_FLAG),
            disable_auto_update=draw(st.sampled_from(["major", "minor", "patch", "version_number", "none"])),
            disable_auto_update_under_native=draw(_FLAG),
            rollout_version=draw(st.sampled_from([None, *(bundle.id for bundle in bundles)])),
            rollout_enabled=draw(_FLAG),
            rollout_percentage_bps=draw(st.sampled_from([0, 1, 5000, 10_000])),
            rollout_paused_at=draw(st.sampled_from([None, NOW])),
        )
    forced = bench.state.channels.first("name", (APP, "forced"))
    assert forced is not None
    if draw(_FLAG):
        bench.force(forced, counted=draw(_FLAG))
    if draw(_FLAG):
        bench.state.device_store.self_set[APP, DEVICE] = forced.id
    if draw(_FLAG):
        bench.pay(status=draw(st.sampled_from(["succeeded", "canceled"])))
    bench.set_app(expose_metadata=draw(_FLAG))
    return bench


_QUESTIONS = st.fixed_dictionaries(
    {
        "version": st.sampled_from([*_NAMES, "0.1.0", "builtin"]),
        "version_build": st.sampled_from(["1.0.0", "1.5", "2", "3.0.0"]),
        "plugin_version": st.sampled_from(["3.0.0", "4.0.0", "6.1.0", "7.30.0", "8.41.0"]),
        "platform": st.sampled_from(["ios", "android", "electron"]),
        "is_prod": st.sampled_from(["true", "false"]),
        "is_emulator": st.sampled_from(["true", "false"]),
        "default_channel": st.sampled_from(["", "main", "beta", "absent"]),
        "key_id": st.sampled_from(["", "abcd", "wxyz"]),
    }
)


def _everything(bench: Bench) -> tuple[Any, ...]:
    tables = [dict(getattr(bench.state, name).items()) for name in TABLES]
    return tables, bench.state.device_store.copy(), bench.state.sequences.copy(), bench.world.random.getstate()


def _check(bench: Bench, asked: dict[str, str]) -> Any:
    return bench.check(
        version_name=asked["version"],
        version_build=asked["version_build"],
        plugin_version=asked["plugin_version"],
        platform=asked["platform"],
        is_prod=asked["is_prod"] == "true",
        is_emulator=asked["is_emulator"] == "true",
        defaultChannel=asked["default_channel"],
        key_id=asked["key_id"],
    )


@settings(max_examples=300)
@given(benches(), st.lists(_QUESTIONS, min_size=1, max_size=4))
def test_explaining_agrees_and_changes_nothing(bench: Bench, questions: list[dict[str, str]]) -> None:
    """What is explained is what the check is then told, draws included, and explaining leaves no trace."""
    for asked in questions:
        before = _everything(bench)
        told = bench.explain(**asked)
        assert _everything(bench) == before
        reply = _check(bench, asked)
        assert told["answer"] == reply.body
        assert told["status"] == reply.status
        assert told["steps"][-1] == {**told["steps"][-1], "rule": told["rule"], "hit": True}
        assert bench.state.check() == []


def test_explaining_knows_the_next_draw(bench: Bench) -> None:
    """Of a hundred devices that a rollout draws for, each is told beforehand what it will draw."""
    stable, target = bench.bundle("1.0.0"), bench.bundle("1.1.0")
    bench.channel(
        "main", stable, rollout_version=target.id, rollout_enabled=True, rollout_percentage_bps=5000,
    )  # fmt: skip
    taken = 0
    for number in range(100):
        told = bench.explain(device_id=device(number), version="0.1.0")
        assert told["rollout"]["rule"] == "first_draw"
        assert told["rollout"]["takes_target"] == (told["bundle"] == "1.1.0")
        assert bench.check(device(number), version_name="0.1.0").body == told["answer"]
        taken += told["rollout"]["takes_target"]
    assert 0 < taken < 100


def test_what_is_left_out_comes_from_the_device(bench: Bench) -> None:
    """A device that has called is explained as it was last seen."""
    bench.channel("main", bench.bundle("1.0.0"), public=False, allow_device_self_set=True)
    bench.check(
        platform="ios", plugin_version="8.9.0", version_build="1.0.0", is_prod=False, is_emulator=True,
        defaultChannel="main", key_id="abcd",
    )  # fmt: skip
    asked = bench.explain()["asked"]
    assert asked["platform"] == "ios"
    assert asked["plugin_version"] == "8.9.0"
    assert (asked["is_prod"], asked["is_emulator"]) == (False, True)
    assert (asked["default_channel"], asked["key_id"]) == ("main", "abcd")
    assert asked["version_name"] == "1.0.0"
    assert bench.explain(default_channel="")["rule"] == "no_channel"


def test_the_steps_tell_what_was_compared(bench: Bench) -> None:
    """Every rule up to the one that hits is there, with the values that it looked at."""
    bench.channel("main", bench.bundle("2.0.0"))
    told = bench.explain(version="0.1.0", version_build="1.9.9")
    assert told["channel"] == {"id": 1, "name": "main", "found_by": "public"}
    assert told["bundle"] == "2.0.0"
    last = told["steps"][-1]
    assert last == {
        "rule": "major_policy", "hit": True, "compared": {"policy": "major", "bundle": "2.0.0", "native": "1.9.9"},
    }  # fmt: skip


def test_a_check_that_would_be_refused(bench: Bench) -> None:
    """What an update check would be refused for, explaining it is refused for too."""
    with pytest.raises(Refusal) as caught:
        bench.explain(version_build="abc")
    assert caught.value.error.code == "semver_error"
    with pytest.raises(Refusal) as caught:
        bench.explain(device_id="")
    assert caught.value.error.code == "missing_device_id"


def test_an_unknown_app_is_explained_and_not_remembered(limited: Bench) -> None:
    """Explaining apps that are not there does not count as guessing."""
    for number in range(10):
        assert limited.explain(app_id=f"com.nowhere.a{number}")["rule"] == "app_unknown"
    assert not limited.world.counters
