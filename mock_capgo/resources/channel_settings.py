"""The settings of a channel: their names, aliases, ranges, and how they are stored (reference 22 §1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.resources.dates import parse_js_date
from mock_capgo.resources.values import INT32, MAX_SAFE_INTEGER, Fields, database_bool, is_integer, js_text, text

UPDATE_POLICIES = ("major", "minor", "patch", "version_number", "none")
PACKAGES = ("all", "zip", "delta", "zip_from_builtin", "delta_from_builtin")
ACTIONS = ("pause", "rollback", "notify")


class Unwritable(Exception):
    """The database would refuse the value; `complaint` is how it says so."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name on the wire, its alias, its column, and what it may hold."""

    name: str
    column: str
    kind: Literal["flag", "integer", "text"]
    alias: str = ""
    minimum: int = 0
    maximum: int = 0
    clears: bool = False
    """Whether null is stored; for all others null means "not sent"."""


def _flag(name: str, column: str = "", alias: str = "") -> Setting:
    return Setting(name, column or name, "flag", alias)


def _integer(name: str, alias: str, minimum: int, maximum: int, *, clears: bool = False) -> Setting:
    return Setting(name, alias, "integer", alias, minimum, maximum, clears)


FLAGS = (
    _flag("public"),
    _flag("disableAutoUpdateUnderNative", "disable_auto_update_under_native"),
    _flag("ios"),
    _flag("android"),
    _flag("electron"),
    _flag("allow_device_self_set"),
    _flag("allow_emulator"),
    _flag("allow_device"),
    _flag("allow_dev"),
    _flag("allow_prod"),
    _flag("rolloutEnabled", "rollout_enabled", "rollout_enabled"),
    _flag("autoPauseEnabled", "auto_pause_enabled", "auto_pause_enabled"),
)

# In the order in which the service checks them; the confidence is checked between the two groups.
INTEGERS_FIRST = (
    _integer("rolloutPercentageBps", "rollout_percentage_bps", 0, 10_000),
    _integer("rolloutCacheTtlSeconds", "rollout_cache_ttl_seconds", 60, 31_536_000),
    _integer("autoPauseWindowMinutes", "auto_pause_window_minutes", 1, 10_080),
    _integer("autoPauseFailureRateBps", "auto_pause_failure_rate_bps", 0, 10_000, clears=True),
)
INTEGERS_LAST = (
    _integer("autoPauseMinAttempts", "auto_pause_min_attempts", 0, MAX_SAFE_INTEGER, clears=True),
    _integer("autoPauseMinFailures", "auto_pause_min_failures", 0, MAX_SAFE_INTEGER, clears=True),
    _integer("autoPauseCooldownMinutes", "auto_pause_cooldown_minutes", 0, 10_080),
)

_ALIASES = {setting.name: setting.alias for setting in (*FLAGS, *INTEGERS_FIRST, *INTEGERS_LAST) if setting.alias} | {
    "rolloutVersion": "rollout_version",
    "rolloutPercentage": "rollout_percentage",
    "rolloutPausedAt": "rollout_paused_at",
    "rolloutPaused": "rollout_paused",
    "rolloutPauseReason": "rollout_pause_reason",
    "autoPauseConfidence": "auto_pause_confidence",
    "autoPauseAction": "auto_pause_action",
    "promoteToStable": "promote_to_stable",
    "updatePackage": "update_package",
}


_NAMES = frozenset(
    (
        *(setting.name for setting in (*FLAGS, *INTEGERS_FIRST, *INTEGERS_LAST)),
        *(name for pair in _ALIASES.items() for name in pair),
        "disableAutoUpdate",
    )
)
"""Every name that a setting may be sent under."""


def sent(params: Fields, name: str) -> Any:
    """A setting as sent; its alias counts only where the name itself is absent. None also for absent."""
    return params[name] if name in params else params.get(_ALIASES.get(name, name))


def is_sent(params: Fields, name: str) -> bool:
    """Whether a setting was sent under either name, also as null."""
    return name in params or _ALIASES.get(name, name) in params


def check_rollout_settings(params: Fields) -> None:
    """Refuse rollout and auto-pause settings that are out of range, in the service's order (22 §3, 7 to 11)."""
    if _NAMES.isdisjoint(params):
        return  # as most calls: they move a channel to a bundle
    percentage = sent(params, "rolloutPercentage")
    if percentage is not None and not (_is_number(percentage) and 0 <= percentage <= 100):
        raise Refusal(errors.INVALID_ROLLOUT_PERCENTAGE, {"rolloutPercentage": percentage})
    for setting in INTEGERS_FIRST:
        _check_integer(params, setting)
    confidence = sent(params, "autoPauseConfidence")
    if confidence is not None and not (_is_number(confidence) and 0 < confidence < 1):
        raise Refusal(errors.INVALID_CONFIDENCE, {"autoPauseConfidence": confidence})
    for setting in INTEGERS_LAST:
        _check_integer(params, setting)
    action = sent(params, "autoPauseAction")
    # Empty text passes here and fails in the database.
    if action not in (None, "", *ACTIONS):
        raise Refusal(errors.INVALID_AUTO_PAUSE_ACTION, {"autoPauseAction": action})


def written_settings(call: Call, params: Fields) -> dict[str, Any]:
    """The columns to write. Raises Unwritable for what the database refuses."""
    written: dict[str, Any] = {}
    if _NAMES.isdisjoint(params):
        return written
    for setting in FLAGS:
        value = sent(params, setting.name)
        if value is not None:
            stored = database_bool(value)
            if stored is None:
                raise Unwritable(f'invalid input syntax for type boolean: "{js_text(value)}"')
            written[setting.column] = stored
    for setting in (*INTEGERS_FIRST, *INTEGERS_LAST):
        value = sent(params, setting.name)
        if value is not None:
            if value > INT32:
                raise Unwritable(f'value "{js_text(value)}" is out of range for type integer')
            written[setting.column] = int(value)
        elif setting.clears and is_sent(params, setting.name):
            written[setting.column] = None
    percentage = sent(params, "rolloutPercentage")
    if percentage is not None and sent(params, "rolloutPercentageBps") is None:
        written["rollout_percentage_bps"] = int(percentage * 100 + 0.5)
    confidence = sent(params, "autoPauseConfidence")
    if confidence is not None:
        written["auto_pause_confidence"] = stored = round(confidence, 4)
        if not 0 < stored < 1:
            # Held to the bounds as sent, the column is held to them as rounded (22 §1).
            raise Unwritable('new row for relation "channels" violates check constraint on auto_pause_confidence')
    written.update(_enumerations(params))
    written.update(_pause(call, params))
    if "electron" not in written and written.get("public") is True and not _same(params, "ios", "android"):
        # A public channel for one of the two phones is taken to be for that phone alone (22 §3, Semantics).
        written["electron"] = False
    return written


def _same(params: Fields, one: str, other: str) -> bool:
    """JavaScript's `===` of two members: null is not "not sent", 1 is not true, and no two objects are one."""
    mine, theirs = params.get(one, ...), params.get(other, ...)
    return type(mine) is type(theirs) and mine == theirs and not isinstance(mine, (list, dict))


def _enumerations(params: Fields) -> Fields:
    written: Fields = {}
    policy = params.get("disableAutoUpdate")
    if policy is not None:
        if policy not in UPDATE_POLICIES:
            raise Unwritable(f'invalid input value for enum disable_update: "{js_text(policy)}"')
        written["disable_auto_update"] = policy
    action = sent(params, "autoPauseAction")
    if action is not None:
        if action not in ACTIONS:
            raise Unwritable('new row violates check constraint "channels_auto_pause_action_check"')
        written["auto_pause_action"] = action
    package = sent(params, "updatePackage")
    if package in PACKAGES:
        written["update_package"] = package
    return written


def _pause(call: Call, params: Fields) -> Fields:
    """When the rollout was paused, and why; un-pausing forgets the reason."""
    written: Fields = {}
    if is_sent(params, "rolloutPauseReason"):
        written["rollout_pause_reason"] = text(sent(params, "rolloutPauseReason"))
    if is_sent(params, "rolloutPausedAt"):
        moment = sent(params, "rolloutPausedAt")
        stored = None if moment in (None, "") else parse_js_date(moment)
        if moment not in (None, "") and stored is None:
            raise Unwritable(f'invalid input syntax for type timestamp with time zone: "{js_text(moment)}"')
        written["rollout_paused_at"] = stored
    elif sent(params, "rolloutPaused") is not None:
        written["rollout_paused_at"] = call.now // 1000 * 1000 if sent(params, "rolloutPaused") is True else None
    if "rollout_paused_at" in written and written["rollout_paused_at"] is None:
        written["rollout_pause_reason"] = None
    return written


def _check_integer(params: Fields, setting: Setting) -> None:
    value = sent(params, setting.name)
    if value is None or (is_integer(value) and setting.minimum <= value <= setting.maximum):
        return
    bounds = {"field": setting.name, "value": value, "min": setting.minimum, "max": setting.maximum}
    raise Refusal(errors.INVALID_ROLLOUT_CONFIG, bounds, words=bounds)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
