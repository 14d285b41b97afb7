"""The table of rules: every row can answer, and an earlier row answers before a later one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from mock_capgo.device_api.channels import Resolved
from mock_capgo.device_api.check_in import CheckIn
from mock_capgo.device_api.context import Context
from mock_capgo.device_api.decision import SERVED, decide, trace
from mock_capgo.device_api.rollouts import Pick
from mock_capgo.device_api.rules import RULES
from mock_capgo.device_api.updates import body
from mock_capgo.device_api.versions import Version, parse, parse_native
from mock_capgo.world.records import App, Bundle, Channel
from tests.device_api.conftest import APP, DEVICE, NOW, ORG

_APP = App(created_at=NOW, app_id=APP, id="app", owner_org=ORG)
_SAID = CheckIn(
    app_id=APP,
    device_id=DEVICE,
    platform="android",
    version_name="1.0.0",
    version_build="1.0.0",
    version_os="14",
    plugin_version="8.41.0",
    is_prod=True,
    is_emulator=False,
)
_BUNDLE = Bundle(
    id=1, created_at=NOW, updated_at=NOW, app_id=APP, owner_org=ORG, name="1.1.0", external_url="https://e/1.1.0.zip"
)
_CHANNEL = Channel(id=1, created_at=NOW, updated_at=NOW, name="main", app_id=APP, owner_org=ORG, version=1, public=True)

Change = dict[str, Any]

# What makes each rule hit, on top of a check that is served: changes of the context, of what the device said, of
# the channel, of the bundle. None in the place of the bundle is the native one.
HITS: dict[str, dict[str, Any]] = {
    "guessing": {"context": {"guessing": True}},
    "provider_blocked": {"context": {"provider": "google"}},
    "app_unknown": {"context": {"app": None}},
    "plan_invalid": {"context": {"paid": False}},
    "plugin_dropped": {"said": {"plugin_version": "4.15.3"}},
    "no_channel": {"context": {"resolved": None}},
    "bundle_missing": {"bundle": {"external_url": None}},
    "key_mismatch": {"said": {"key_id": "abcd"}, "bundle": {"key_id": "wxyz"}},
    "up_to_date": {"said": {"version_name": "1.1.0"}},
    "ios_closed": {"said": {"platform": "ios"}, "channel": {"ios": False}},
    "android_closed": {"said": {"platform": "android"}, "channel": {"android": False}},
    "electron_closed": {"said": {"platform": "electron"}, "channel": {"electron": False}},
    "major_policy": {"said": {"version_build": "0.9.0"}, "channel": {"disable_auto_update": "major"}},
    "private_channel": {"channel": {"public": False}},
    "minor_policy": {"said": {"version_build": "0.9.0"}, "channel": {"disable_auto_update": "minor"}},
    "patch_policy": {"said": {"version_build": "0.9.0"}, "channel": {"disable_auto_update": "patch"}},
    "minimum_missing": {"channel": {"disable_auto_update": "version_number"}},
    "below_minimum": {
        "channel": {"disable_auto_update": "version_number"}, "bundle": {"min_update_version": "7.0.0"},
    },
    "under_native": {
        "said": {"version_build": "1.2.0"},
        "channel": {"disable_auto_update_under_native": True, "disable_auto_update": "none"},
    },
    "prod_closed": {"said": {"is_prod": True}, "channel": {"allow_prod": False}},
    "dev_closed": {"said": {"is_prod": False}, "channel": {"allow_dev": False}},
    "device_closed": {"said": {"is_emulator": False}, "channel": {"allow_device": False}},
    "emulator_closed": {"said": {"is_emulator": True}, "channel": {"allow_emulator": False}},
    "on_builtin": {"native": True, "said": {"plugin_version": "8.41.0"}},
    "builtin_too_new": {"native": True, "said": {"plugin_version": "6.1.9"}},
    "no_url": {"bundle": {"external_url": "ftp://e/1.1.0.zip"}},
}  # fmt: skip


def _version(text: str) -> Version:
    version = parse_native(text)
    assert version is not None
    return version


def _context(*names: str) -> Context:
    """A check that is served but for the rules named."""
    said, channel, bundle, native = _SAID, _CHANNEL, _BUNDLE, False
    changes: Change = {}
    for name in names:
        hit = HITS[name]
        said = replace(said, **hit.get("said", {}))
        channel = replace(channel, **hit.get("channel", {}))
        bundle = replace(bundle, **hit.get("bundle", {}))
        native = native or hit.get("native", False)
        changes |= hit.get("context", {})
    plugin = parse(said.plugin_version)
    assert plugin is not None
    made = Context(
        said,
        plugin,
        _version(said.version_build),
        app=_APP,
        resolved=Resolved(channel, "public"),
        pick=Pick(None if native else bundle, "no_rollout_in_app"),
    )
    return replace(made, **changes)


_SKIP_BUILTIN = {
    "bundle_missing", "key_mismatch", "up_to_date", "major_policy", "minor_policy", "patch_policy",
    "minimum_missing", "below_minimum", "under_native",
}  # fmt: skip


def _both_hit(one: str, two: str) -> bool:
    """Whether two rules can hit at once: they do not want the same thing to be different."""
    if (HITS[two].get("native") and one in _SKIP_BUILTIN) or (one, two) == ("minimum_missing", "below_minimum"):
        return False
    return all(
        HITS[one].get(part, {}).get(name, value) == value
        for part in ("said", "channel", "bundle", "context")
        for name, value in HITS[two].get(part, {}).items()
    )


def test_every_rule_has_its_case() -> None:
    """The cases below are one for each row of the table, in its order."""
    assert list(HITS) == [rule.name for rule in RULES]


def test_a_check_that_no_rule_hits_is_served() -> None:
    """What no rule refuses gets the bundle, after all rules were asked."""
    decision = decide(_context())
    assert decision.rule == SERVED
    assert decision.bundle == _BUNDLE
    assert decision.stat == "get"
    assert [step.rule for step in trace(_context())] == [*HITS, SERVED]


@pytest.mark.parametrize("name", HITS)
def test_every_rule_answers(name: str) -> None:
    """Each rule is what answers where it alone hits, and the trace ends with it and the values that it compared."""
    context = _context(name)
    assert decide(context).rule == name
    steps = trace(context)
    assert steps[-1].rule == name
    assert steps[-1].hit
    assert steps[-1].compared
    assert not any(step.hit for step in steps[:-1])


@pytest.mark.parametrize(("earlier", "later"), [pair for pair in combinations(HITS, 2) if _both_hit(*pair)])
def test_the_earlier_rule_answers(earlier: str, later: str) -> None:
    """Where two rules hit, the one that stands first answers."""
    assert decide(_context(earlier, later)).rule == earlier


@pytest.mark.parametrize("name", sorted(_SKIP_BUILTIN))
def test_the_native_bundle_is_compared_with_nothing(name: str) -> None:
    """Rules about a bundle let the native one pass, those about builds and devices do not."""
    assert decide(_context(name, "on_builtin")).rule == "on_builtin"
    assert decide(_context(name, "prod_closed", "on_builtin")).rule == "prod_closed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("guessing", {"error": "on_premise_app"}),
        (
            "provider_blocked",
            {
                "error": "provider_infrastructure_request_blocked",
                "message": "Update requests from known provider infrastructure are blocked",
                "provider": "google",
                "kind": "blocked",
            },
        ),
        ("app_unknown", {"error": "on_premise_app", "message": "On-premise app detected"}),
        (
            "major_policy",
            {
                "error": "disable_auto_update_to_major",
                "message": "Cannot upgrade major version",
                "major": True,
                "version": "1.1.0",
                "old": "0.9.0",
                "kind": "blocked",
            },
        ),
        (
            "minimum_missing",
            {
                "error": "misconfigured_channel",
                "message": "Channel main is misconfigured",
                "version": "1.1.0",
                "old": "1.0.0",
                "kind": "failed",
            },
        ),
        ("no_url", {"error": "no_bundle_url", "message": "Cannot get bundle url", "kind": "failed"}),
        (
            "on_builtin",
            {
                "error": "already_on_builtin",
                "message": "Already on builtin",
                "version": "builtin",
                "kind": "up_to_date",
            },
        ),
    ],
)
def test_how_an_outcome_is_written(name: str, expected: Change) -> None:
    """Details stand between the message and the kind, which comes last where there is one."""
    context = _context(name)
    told = body("", context, decide(context))
    assert told == expected
    assert list(told) == list(expected)


def test_a_private_channel_is_named_in_its_refusal() -> None:
    """A device on a closed channel that nobody forced on it is told which setting stands in the way."""
    context = _context("private_channel")
    assert 'The channel "main" does not allow' in str(decide(context).message)
    named = replace(context, said=replace(context.said, default_channel="beta"))
    assert 'your defaultChannel "beta" has' in str(decide(named).message)


def test_a_forced_channel_may_be_private() -> None:
    """An override serves from a channel that is neither public nor open to devices."""
    context = _context("private_channel")
    assert decide(replace(context, resolved=Resolved(context.channel, "override"))).rule == SERVED


@pytest.mark.parametrize(
    ("plugin", "served"), [("7.99.0", True), ("8.40.7", True), ("8.40.8-beta.1", False), ("8.40.8", False)]
)
def test_from_which_plugin_on_keys_are_compared(plugin: str, served: bool) -> None:
    """Another key is refused to plugins after 8.40.7 alone."""
    version = parse(plugin)
    assert version is not None
    assert (decide(replace(_context("key_mismatch"), plugin=version)).rule == SERVED) is served


@pytest.mark.parametrize(("least", "served"), [("1.0.0-rc.1", True), ("1.0.0", True), ("1.0.1", False)])
def test_the_least_native_version(least: str, served: bool) -> None:
    """A bundle's least native version may be the device's own."""
    context = _context("below_minimum")
    bundle = replace(_BUNDLE, min_update_version=least)
    assert (decide(replace(context, pick=Pick(bundle, "no_rollout_in_app"))).rule == SERVED) is served


@pytest.mark.parametrize(
    ("policy", "native", "served"),
    [
        ("major", "1.9.9", False), ("major", "2.0.0", True), ("major", "3.0.0", True),
        ("minor", "1.9.9", False), ("minor", "2.0.0", False), ("minor", "2.3.9", True), ("minor", "3.0.0", False),
        ("patch", "2.3.4", True), ("patch", "2.3.5", False), ("patch", "2.3.4-beta", True),
        ("none", "1.0.0", True), ("none", "9.0.0", True),
    ],
)  # fmt: skip
def test_policies_compare_with_the_native_version(policy: str, native: str, served: bool) -> None:
    """Major only forbids to go up; minor and patch forbid any difference, and the running bundle plays no part."""
    channel = replace(_CHANNEL, disable_auto_update=policy, disable_auto_update_under_native=False)
    context = replace(
        _context(),
        said=replace(_SAID, version_build=native, version_name="0.0.1"),
        native=_version(native),
        resolved=Resolved(channel, "public"),
        pick=Pick(replace(_BUNDLE, name="2.3.4"), "no_rollout_in_app"),
    )
    assert (decide(context).rule == SERVED) is served
