"""What a device has to send, field by field, and the issue for each fault (30 §2, 31 §1, 32 §2).

Belongs here: the rules of single fields and their order, which is the order of the issues. Every field makes one
issue at most, but for `metadata`. Does not belong here: what is checked before the fields are
(`mock_capgo.device_api.check_in`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mock_capgo.device_api.actions import ACTIONS
from mock_capgo.device_api.versions import parse
from mock_capgo.resources.values import Fields, is_app_id, is_uuid

MAX_DEVICE_ID = 36
MAX_CUSTOM_ID = 36
MAX_INSTALL_SOURCE = 64
MAX_KEY_ID = 20
MAX_METADATA_FIELDS = 30
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 2048

PLATFORMS = ("ios", "android", "electron")

Issue = dict[str, Any]
Rule = Callable[[Fields], list[Issue]]
_Check = Callable[[Any], str | None]
"""A complaint about a value, None where it is fine."""

_ABSENT: Any = object()
_ACTIONS = frozenset(ACTIONS)


def issues(rules: tuple[Rule, ...], sent: Fields) -> list[Issue]:
    """Every fault, in the order of the rules."""
    found: list[Issue] = []
    for rule in rules:
        found += rule(sent)
    return found


def is_too_long(text: str, limit: int) -> bool:
    """Whether text has more than `limit` characters as JavaScript counts them: those of a pair count twice."""
    if text.isascii():
        return len(text) > limit
    return len(text) + sum(ord(letter) > 0xFFFF for letter in text) > limit


def _issue(path: str, message: str) -> Issue:
    return {"message": message, "path": [path], "code": "custom"}


def _field(name: str, check: _Check) -> Rule:
    def rule(sent: Fields) -> list[Issue]:
        complaint = check(sent.get(name, _ABSENT))
        return [] if complaint is None else [_issue(name, complaint)]

    return rule


def _text(name: str, label: str, more: _Check | None = None, *, may_be_empty: bool = True) -> Rule:
    """Text that has to be there."""

    def check(value: Any) -> str | None:
        if value is _ABSENT or (value == "" and not may_be_empty):
            return f"{label} is required"
        if not isinstance(value, str):
            return f"{label} must be a string"
        return more(value) if more else None

    return _field(name, check)


def _optional(name: str, limit: int | None = None) -> Rule:
    """Text that may be left out, but not be null."""

    def check(value: Any) -> str | None:
        if value is _ABSENT:
            return None
        if not isinstance(value, str):
            return f"{name} must be a string"
        if limit is not None and is_too_long(value, limit):
            return f"String must contain at most {limit} character(s)"
        return None

    return _field(name, check)


def _flag(name: str) -> Rule:
    # Absent and null have their default by now.
    return _field(name, lambda value: None if isinstance(value, bool) else f"{name} must be a boolean")


def _app_id(value: str) -> str | None:
    return None if is_app_id(value) else "App ID must be a reverse domain string"


def _device_id(value: str) -> str | None:
    if is_too_long(value, MAX_DEVICE_ID):
        return f"String must contain at most {MAX_DEVICE_ID} character(s)"
    return None if is_uuid(value) else "Device ID must be a valid UUID string"


def _device_platform(value: Any) -> str | None:
    if value is _ABSENT:
        return "Platform is required"
    known = isinstance(value, str) and value in PLATFORMS
    return None if known else "Platform is not supported or invalid"


def _plugin_version(value: Any) -> str | None:
    if value is _ABSENT:
        return "plugin_version is required"
    return None if isinstance(value, str) and parse(value) else "Plugin version is invalid"


def _action(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    if not isinstance(value, str):
        return "action must be a string"
    return None if value in _ACTIONS else f"action must be one of: {', '.join(ACTIONS)}"


def _action_is_there(value: Any) -> str | None:
    return "action is required" if value is _ABSENT else None


def _metadata(sent: Fields) -> list[Issue]:
    metadata = sent.get("metadata", _ABSENT)
    if metadata is _ABSENT:
        return []
    if not isinstance(metadata, dict):
        return [_issue("metadata", "metadata must be an object with string values")]
    if len(metadata) > MAX_METADATA_FIELDS:
        return [_issue("metadata", f"metadata must contain at most {MAX_METADATA_FIELDS} fields")]
    found = []
    for key, value in metadata.items():
        complaint = None
        if is_too_long(key, MAX_METADATA_KEY):
            complaint = f"metadata keys must contain at most {MAX_METADATA_KEY} characters"
        elif not isinstance(value, str):
            complaint = "metadata values must be strings"
        elif is_too_long(value, MAX_METADATA_VALUE):
            complaint = f"metadata values must contain at most {MAX_METADATA_VALUE} characters"
        if complaint is not None:
            found.append(_issue(f"metadata.{key}", complaint))
    return found


_IDS = (_text("app_id", "App ID", _app_id), _text("device_id", "Device ID", _device_id))
_FLAGS = (_flag("is_emulator"), _flag("is_prod"))
_PLATFORM = _field("platform", _device_platform)
_INSTALL_SOURCE = _optional("install_source", MAX_INSTALL_SOURCE)
_KEY_ID = _optional("key_id", MAX_KEY_ID)


@dataclass(frozen=True, slots=True)
class Shape:
    """What one operation takes. The three flags tell where operations differ before the fields are looked at.

    `names_device` False asks for no device id; `dies_on_ids` is the service's own parser, which lower-cases
    whatever stands as device id; `builtin_needs_build` leaves the version name `builtin` alone where no native
    version was sent to take its place.
    """

    rules: tuple[Rule, ...]
    names_device: bool = True
    dies_on_ids: bool = True
    builtin_needs_build: bool = False


_UPDATE: tuple[Rule, ...] = (
    *_IDS,
    _text("version_name", "Version name", may_be_empty=False),
    _text("version_build", "Version build", may_be_empty=False),
    *_FLAGS,
    _PLATFORM,
    _field("plugin_version", _plugin_version),
    _optional("defaultChannel"),
    _INSTALL_SOURCE,
    _KEY_ID,
)
_STATS: tuple[Rule, ...] = (
    *_IDS,
    # Not held to the known platforms here: an event of any platform counts.
    _text("platform", "Platform"),
    _text("version_name", "Version name"),
    _text("version_os", "Version OS"),
    *_FLAGS,
    _optional("defaultChannel"),
    _optional("channel"),
    _optional("old_version_name"),
    _optional("version_code"),
    _optional("plugin_version"),
    _INSTALL_SOURCE,
    _optional("custom_id", MAX_CUSTOM_ID),
    _KEY_ID,
    _field("action", _action),
    _metadata,
    _optional("version_build"),
)
_CHANNEL_SELF: tuple[Rule, ...] = (
    *_IDS,
    _text("version_name", "Version name"),
    _text("version_build", "Version build"),
    *_FLAGS,
    _PLATFORM,
    _optional("defaultChannel"),
    _optional("channel"),
    _optional("plugin_version"),
    _INSTALL_SOURCE,
    _KEY_ID,
)

UPDATE = Shape(_UPDATE)
STATS = Shape(_STATS, dies_on_ids=False, builtin_needs_build=True)
STATS_WITH_ACTION = Shape((*_STATS, _field("action", _action_is_there)), dies_on_ids=False, builtin_needs_build=True)
CHANNEL_SELF = Shape(_CHANNEL_SELF)
CHANNEL_LIST = Shape((_IDS[0], *_FLAGS, _PLATFORM, _KEY_ID), names_device=False)
