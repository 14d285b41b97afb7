"""Validation that lists every fault: the issues of the service's schema library (reference 00 §5).

Belongs here: the few kinds of fields that organizations, members, webhooks and the audit log have, and the
issue each fault is reported as. The wording is the library's; codes and paths are the interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mock_capgo import errors
from mock_capgo.errors import Error, Refusal
from mock_capgo.resources.values import EMAIL, MAX_SAFE_INTEGER, Fields, fields

Issue = dict[str, Any]

_UUID_PATTERN = (
    r"/^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    r"|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$/"
)
_RFC_UUID = re.compile(_UUID_PATTERN[2:-2])

_EMAIL_PATTERN = (
    r"/^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$/"
)
_NUMBER_PATTERN = r"/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Kind:
    """What a field may hold. `optional`: may be absent; `nullable`: may be null."""

    expected: str
    optional: bool = False
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    integer: bool = False
    format: str = ""
    values: tuple[str, ...] = ()
    members: dict[str, Kind] = field(default_factory=dict)
    items: Kind | None = None


def check(params: Any, schema: dict[str, Kind]) -> Fields:
    """The members of `params` when they fit `schema`. Raises INVALID_BODY with every issue, in schema order."""
    if not isinstance(params, dict):
        found = [_wrong_type("object", params, [])]
    else:
        found = [issue for name, kind in schema.items() for issue in _issues(params, name, kind, [])]
    if found:
        raise Refusal(errors.INVALID_BODY, {"error": {"issues": found, "name": "SchemaError"}})
    return fields(params)


def _issues(owner: Fields, name: str, kind: Kind, path: list[Any]) -> list[Issue]:
    if name not in owner:
        if kind.optional:
            return []
        return _faults(_ABSENT, kind, [*path, name])
    if owner[name] is None and kind.nullable:
        return []
    return _faults(owner[name], kind, [*path, name])


def refuse_odd_uuids(error: Error, ids: Iterable[tuple[list[Any], str]]) -> None:
    """Raise `error` where an id that would be shown, given with its path, is no RFC 9562 UUID."""
    found = [
        {
            "origin": "string",
            "code": "invalid_format",
            "format": "uuid",
            "pattern": _UUID_PATTERN,
            "path": path,
            "message": "Invalid UUID",
        }
        for path, value in ids
        if not _RFC_UUID.fullmatch(value)
    ]
    if found:
        raise Refusal(error, {"error": {"issues": found, "name": "SchemaError"}})


class _Absent:
    """Stands for JavaScript's undefined."""


_ABSENT = _Absent()


def _faults(value: Any, kind: Kind, path: list[Any]) -> list[Issue]:
    if kind.values:
        return [] if value in kind.values else [_no_option(kind.values, path)]
    if kind.expected == "number_or_text":
        return [] if _is_numeric(value) else [_no_number(value, path)]
    if _type_of(value) != kind.expected:
        return [_wrong_type(kind.expected, value, path)]
    if kind.expected == "string":
        return _text_faults(value, kind, path)
    if kind.expected == "number":
        return _number_faults(value, kind, path)
    if kind.expected == "array":
        if kind.minimum is not None and len(value) < kind.minimum:
            return [_too_small("array", kind.minimum, path, "array to have", "items")]
        items = kind.items
        return (
            []
            if items is None
            else [issue for at, item in enumerate(value) for issue in _faults(item, items, [*path, at])]
        )
    return [issue for name, member in kind.members.items() for issue in _issues(value, name, member, path)]


def _text_faults(value: str, kind: Kind, path: list[Any]) -> list[Issue]:
    if kind.minimum is not None and len(value) < kind.minimum:
        return [_too_small("string", kind.minimum, path, "string to have", "characters")]
    if kind.format == "email" and not EMAIL.fullmatch(value):
        return [
            {
                "origin": "string",
                "code": "invalid_format",
                "format": "email",
                "pattern": _EMAIL_PATTERN,
                "path": path,
                "message": "Invalid email address",
            }
        ]
    if kind.format == "url" and not is_url(value):
        return [{"code": "invalid_format", "format": "url", "path": path, "message": "Invalid URL"}]
    return []


def _number_faults(value: float, kind: Kind, path: list[Any]) -> list[Issue]:
    if kind.integer and not (float(value).is_integer() and abs(value) <= MAX_SAFE_INTEGER):
        return [
            {
                "expected": "int",
                "format": "safeint",
                "code": "invalid_type",
                "path": path,
                "message": "Invalid input: expected int, received number",
            }
        ]
    if kind.minimum is not None and value < kind.minimum:
        return [_too_small("number", kind.minimum, path, "number to be", "")]
    if kind.maximum is not None and value > kind.maximum:
        return [{"code": "custom", "path": path, "message": f"a value <= {kind.maximum}"}]
    return []


def is_url(value: str) -> bool:
    """Whether a browser's URL parser would take the text: a scheme, and a host where the scheme needs one."""
    try:
        parts = urlsplit(value)
        return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:.", value)) and (
            bool(parts.hostname) or parts.scheme.lower() not in ("http", "https", "ftp", "ws", "wss")
        )
    except ValueError:
        return False


def _is_numeric(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return _type_of(value) == "number"


def _type_of(value: Any) -> str:
    if value is _ABSENT:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _wrong_type(expected: str, value: Any, path: list[Any]) -> Issue:
    message = f"Invalid input: expected {expected}, received {_type_of(value)}"
    return {"expected": expected, "code": "invalid_type", "path": path, "message": message}


def _too_small(origin: str, minimum: int, path: list[Any], what: str, unit: str) -> Issue:
    message = f"Too small: expected {what} >={minimum} {unit}".rstrip()
    return {
        "origin": origin,
        "code": "too_small",
        "minimum": minimum,
        "inclusive": True,
        "path": path,
        "message": message,
    }


def _no_option(values: tuple[str, ...], path: list[Any]) -> Issue:
    listed = "|".join(f'"{value}"' for value in values)
    message = f"Invalid option: expected one of {listed}"
    return {"code": "invalid_value", "values": list(values), "path": path, "message": message}


def _no_number(value: Any, path: list[Any]) -> Issue:
    as_number = _wrong_type("number", value, [])
    as_text: Issue = {
        "origin": "string",
        "code": "invalid_format",
        "format": "regex",
        "pattern": _NUMBER_PATTERN,
        "path": [],
        "message": f"Invalid string: must match pattern {_NUMBER_PATTERN}",
    }
    if not isinstance(value, str):
        as_text = _wrong_type("string", value, [])
    return {"code": "invalid_union", "errors": [[as_number], [as_text]], "path": path, "message": "Invalid input"}
