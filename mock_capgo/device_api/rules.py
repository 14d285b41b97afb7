"""The rules of an update check, in the order in which the service asks them: the first that hits answers (30 §3).

Belongs here: one row for each way in which a device is told that there is no update, with the values that were
compared. To add one: a row at its place. Does not belong here: where the values come from
(`mock_capgo.device_api.context`), or how an outcome is written and what it changes (`updates`).

In a row V is the channel's bundle, N the device's native version, D the bundle name that the device reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mock_capgo.device_api.context import DROPPED_MAJOR, Context
from mock_capgo.device_api.versions import Version, at_least, parse

Kind = Literal["up_to_date", "blocked", "failed"]
Values = Callable[[Context], dict[str, Any]]

LAST_WITHOUT_LONG_KEY_IDS = "8.40.7"
FIRST_WITH_BUILTIN = "6.2.0"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `kind` None: the answer has none. `stat` None: nothing is noted, and the device is not written.

    `details` are the answer's further fields; `counts` whether the device counts as active by now;
    `message` None leaves it out.
    """

    name: str
    code: str
    message: str | Callable[[Context], str] | None
    kind: Kind | None
    stat: str | None
    hits: Callable[[Context], bool]
    compared: Values
    details: Values = lambda _: {}
    counts: bool = True
    status: int = 200


def _nothing(_: Context) -> dict[str, Any]:
    return {}


def _old_name(c: Context) -> dict[str, Any]:
    return {"version": c.bundle_name, "old": c.said.version_name}


def _old_native(c: Context) -> dict[str, Any]:
    return {"version": c.bundle_name, "old": c.said.version_build}


def _major(c: Context) -> dict[str, Any]:
    return {"major": True, **_old_native(c)}


def _versions(c: Context) -> dict[str, Any]:
    return {"policy": c.channel.disable_auto_update, "bundle": c.bundle_name, "native": str(c.native)}


def _departs(c: Context, policy: str, parts: int) -> bool:
    """Whether a policy is on and V differs from N, up or down, in the first `parts` numbers."""
    if c.channel.disable_auto_update != policy:
        return False
    mine = c.bundle_version
    return mine is not None and _core(mine)[:parts] != _core(c.native)[:parts]


def _core(version: Version) -> tuple[int, int, int]:
    return version.precedence[0]


def _raises_major(c: Context) -> bool:
    if c.channel.disable_auto_update != "major":
        return False
    mine = c.bundle_version
    return mine is not None and mine.major > c.native.major


def _key_mismatch(c: Context) -> bool:
    mine = c.bundle.key_id if c.bundle else None
    if not c.said.key_id or not mine or c.said.key_id == mine:
        return False
    last = parse(LAST_WITHOUT_LONG_KEY_IDS)
    return last is not None and c.plugin > last


def _keys(c: Context) -> dict[str, Any]:
    return {"deviceKeyId": c.said.key_id, "bundleKeyId": c.bundle.key_id if c.bundle else None}


def _is_missing(c: Context) -> bool:
    return c.bundle is not None and c.address is None and not c.files


def _has_no_url(c: Context) -> bool:
    bundle = c.bundle
    if bundle is None or not bundle.external_url:
        return c.address is None and not c.files
    return not bundle.external_url.startswith(("http://", "https://"))


def _closed_platform(platform: str) -> tuple[Callable[[Context], bool], Values]:
    return (
        lambda c: c.said.platform == platform and not getattr(c.channel, platform),
        lambda c: {"platform": c.said.platform, f"channel.{platform}": getattr(c.channel, platform)},
    )


def _closed_flag(flag: str, said: str, value: bool) -> tuple[Callable[[Context], bool], Values]:
    return (
        lambda c: getattr(c.said, said) is value and not getattr(c.channel, flag),
        lambda c: {said: getattr(c.said, said), f"channel.{flag}": getattr(c.channel, flag)},
    )


def _minimum(c: Context) -> str | None:
    return c.bundle.min_update_version if c.bundle else None


def _asks_for_minimum(c: Context) -> bool:
    return c.channel.disable_auto_update == "version_number" and c.bundle is not None


def _below_minimum(c: Context) -> bool:
    if not _asks_for_minimum(c):
        return False
    least = parse(_minimum(c) or "")
    return least is not None and least > c.native


def _minimums(c: Context) -> dict[str, Any]:
    return {**_versions(c), "min_update_version": _minimum(c)}


def _below_native(c: Context) -> bool:
    mine = c.bundle_version
    return c.channel.disable_auto_update_under_native and mine is not None and mine < c.native


def _private(c: Context) -> str:
    ask = "set to true" if c.said.default_channel else "enabled"
    which = (
        f'Please ensure your defaultChannel "{c.said.default_channel}" has'
        if c.said.default_channel
        else f'The channel "{c.channel.name}" does not allow device self-assignment. Please set a defaultChannel with'
    )
    return f'Cannot update via a private channel. {which} "Allow devices to self dissociate/associate" {ask}.'


_ON_PREMISE = "On-premise app detected"
_IOS, _ANDROID, _ELECTRON = map(_closed_platform, ("ios", "android", "electron"))
_PROD, _DEV = _closed_flag("allow_prod", "is_prod", True), _closed_flag("allow_dev", "is_prod", False)
_DEVICE = _closed_flag("allow_device", "is_emulator", False)
_EMULATOR = _closed_flag("allow_emulator", "is_emulator", True)

# fmt: off
RULES: tuple[Rule, ...] = (
    # A. The app ------------------------------------------------------------------------------------------
    Rule(
        "guessing", "on_premise_app", None, None, None,
        lambda c: c.guessing, lambda c: {"too many unknown apps from this address": c.guessing},
        counts=False, status=429,
    ),
    Rule(
        "provider_blocked", "provider_infrastructure_request_blocked",
        "Update requests from known provider infrastructure are blocked", "blocked", None,
        lambda c: c.provider is not None, lambda c: {"provider": c.provider},
        lambda c: {"provider": c.provider}, counts=False,
    ),
    Rule(
        "app_unknown", "on_premise_app", _ON_PREMISE, None, None,
        lambda c: c.app is None, lambda c: {"app known": c.app is not None}, counts=False, status=429,
    ),
    Rule(
        "plan_invalid", "on_premise_app", _ON_PREMISE, None, "needPlanUpgrade",
        lambda c: not c.paid, lambda c: {"plan valid": c.paid}, counts=False, status=429,
    ),
    # B. The plugin ---------------------------------------------------------------------------------------
    Rule(
        "plugin_dropped", "unsupported_plugin_version",
        lambda c: f"Plugin version {c.said.plugin_version} (v4) is no longer supported."
                  " Please upgrade to v5.10.0 or later.",
        "failed", "backend_refusal",
        lambda c: c.plugin.major == DROPPED_MAJOR, lambda c: {"plugin_version": str(c.plugin)}, counts=False,
    ),
    # D. The channel --------------------------------------------------------------------------------------
    Rule(
        "no_channel", "no_channel", "no default channel or override", "failed", "NoChannelOrOverride",
        lambda c: c.resolved is None,
        lambda c: {
            "defaultChannel": c.said.default_channel, "platform": c.said.platform,
            "channel": c.resolved.channel.name if c.resolved else None,
            "found by": c.resolved.source if c.resolved else None,
        },
    ),
    # F. The bundle ---------------------------------------------------------------------------------------
    Rule(
        "bundle_missing", "no_bundle", "Cannot get bundle", "failed", "missingBundle",
        _is_missing, lambda c: {"bundle": c.bundle_name, "address": c.address, "files": len(c.files)},
    ),
    Rule(
        "key_mismatch", "key_id_mismatch",
        "Device encryption key does not match bundle encryption key. The device may have a different public key than"
        " the one used to encrypt this bundle.",
        "blocked", "keyMismatch",
        _key_mismatch, lambda c: {**_keys(c), "plugin_version": str(c.plugin)}, _keys,
    ),
    Rule(
        "up_to_date", "no_new_version_available", "No new version available", "up_to_date", "noNew",
        lambda c: c.said.version_name == c.bundle_name,
        lambda c: {"bundle": c.bundle_name, "device": c.said.version_name},
    ),
    Rule(
        "ios_closed", "disabled_platform_ios", "Cannot update, ios it's disabled", "blocked", "disablePlatformIos",
        *_IOS, _old_name,
    ),
    Rule(
        "android_closed", "disabled_platform_android", "Cannot update, android is disabled", "blocked",
        "disablePlatformAndroid", *_ANDROID, _old_name,
    ),
    Rule(
        "electron_closed", "disabled_platform_electron", "Cannot update, electron is disabled", "blocked",
        "disablePlatformElectron", *_ELECTRON, _old_name,
    ),
    Rule(
        "major_policy", "disable_auto_update_to_major", "Cannot upgrade major version", "blocked",
        "disableAutoUpdateToMajor", _raises_major, _versions, _major,
    ),
    Rule(
        "private_channel", "cannot_update_via_private_channel", _private, "blocked", "cannotUpdateViaPrivateChannel",
        lambda c: not (
            c.channel.allow_device_self_set or c.channel.public or (c.resolved and c.resolved.overridden)
        ),
        lambda c: {
            "channel.allow_device_self_set": c.channel.allow_device_self_set, "channel.public": c.channel.public,
            "overridden": bool(c.resolved and c.resolved.overridden),
        },
    ),
    Rule(
        "minor_policy", "disable_auto_update_to_minor", "Cannot upgrade minor version", "blocked",
        "disableAutoUpdateToMinor", lambda c: _departs(c, "minor", 2), _versions, _major,
    ),
    Rule(
        "patch_policy", "disable_auto_update_to_patch", "Cannot upgrade patch version", "blocked",
        "disableAutoUpdateToPatch", lambda c: _departs(c, "patch", 3), _versions, _major,
    ),
    Rule(
        "minimum_missing", "misconfigured_channel", lambda c: f"Channel {c.channel.name} is misconfigured", "failed",
        "channelMisconfigured", lambda c: _asks_for_minimum(c) and _minimum(c) is None, _minimums, _old_native,
    ),
    Rule(
        "below_minimum", "disable_auto_update_to_metadata",
        "Cannot upgrade version, min update version > current version", "blocked", "disableAutoUpdateMetadata",
        _below_minimum, _minimums, _major,
    ),
    Rule(
        "under_native", "disable_auto_update_under_native", "Cannot revert under native version", "blocked",
        "disableAutoUpdateUnderNative", _below_native,
        lambda c: {
            "channel.disable_auto_update_under_native": c.channel.disable_auto_update_under_native,
            "bundle": c.bundle_name, "native": str(c.native),
        },
        _old_name,
    ),
    Rule(
        "prod_closed", "disable_prod_build", "Cannot update, prod build is disabled", "blocked", "disableProdBuild",
        *_PROD, _old_name,
    ),
    Rule(
        "dev_closed", "disable_dev_build", "Cannot update, dev build is disabled", "blocked", "disableDevBuild",
        *_DEV, _old_name,
    ),
    Rule(
        "device_closed", "disable_device", "Cannot update, device is disabled", "blocked", "disableDevice",
        *_DEVICE, _old_name,
    ),
    Rule(
        "emulator_closed", "disable_emulator", "Cannot update, emulator is disabled", "blocked", "disableEmulator",
        *_EMULATOR, _old_name,
    ),
    Rule(
        "on_builtin", "already_on_builtin", "Already on builtin", "up_to_date", None,
        lambda c: c.bundle is None and at_least(c.plugin, FIRST_WITH_BUILTIN),
        lambda c: {"bundle": c.bundle_name, "plugin_version": str(c.plugin)},
        lambda c: {"version": c.bundle_name},
    ),
    Rule(
        "builtin_too_new", "revert_to_builtin_plugin_version_too_old",
        "revert_to_builtin used, but plugin version is too old", "failed", None,
        lambda c: c.bundle is None, lambda c: {"bundle": c.bundle_name, "plugin_version": str(c.plugin)},
    ),
    Rule(
        "no_url", "no_bundle_url", "Cannot get bundle url", "failed", "cannotGetBundle",
        _has_no_url, lambda c: {"address": c.address, "files": len(c.files)},
    ),
)
# fmt: on
