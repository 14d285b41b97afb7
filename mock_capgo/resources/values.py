"""The values of JavaScript and PostgreSQL, as far as the API shows them.

Belongs here: when a value counts as missing, as text, as a number; formats that several resources share
(app ids, versions, e-mail addresses, web addresses). Each rule names its source in the reference.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

APP_ID = re.compile(r"[a-z0-9]+(\.[\w-]+)+", re.IGNORECASE | re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
SEMVER = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
EMAIL = re.compile(r"(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}")
INT32 = 2**31 - 1
INT64 = 2**63 - 1
MAX_SAFE_INTEGER = 2**53 - 1

_TAG = re.compile(r"<[^>]*>")
_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_TRUE = {"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"}
_FALSE = {"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"}

Fields = dict[str, Any]


def fields(params: Any) -> Fields:
    """The members of a JSON value: none, where it is no object (JavaScript answers undefined)."""
    return params if isinstance(params, dict) else {}


def truthy(value: Any) -> bool:
    """JavaScript's truth: empty text and zero are false, empty lists and objects are true."""
    return value is not None and value is not False and value != "" and not (_is_number(value) and value == 0)


def text(value: Any) -> str | None:
    """A stored value that was not sent as text: the database keeps its text, of a list its JSON (reference 20 §0)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        # A nest too deep to be written is what nobody stores; as text it has an end.
        with contextlib.suppress(orjson.JSONEncodeError):
            return orjson.dumps(value).decode()
    return js_text(value)


def js_text(value: Any) -> str:
    """JavaScript's `String(value)` for JSON values."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, list):
        # JavaScript joins the items' texts; a deep nest of lists is as much text as its innermost item.
        flat = list(value)
        while any(isinstance(item, list) for item in flat):
            flat = [inner for item in flat for inner in (item or [None] if isinstance(item, list) else [item])]
        return ",".join("" if item is None else js_text(item) for item in flat)
    if isinstance(value, dict):
        return "[object Object]"
    return str(value)


def parse_int(value: Any) -> int | None:
    """JavaScript's `parseInt`: the leading digits; None where it would be NaN."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value)
    match = _INTEGER.match(str(value))
    return int(match[1]) if match else None


def is_integer(value: Any) -> bool:
    """JavaScript's `Number.isInteger`: `2.0` is one, True is not."""
    return _is_number(value) and float(value).is_integer()


def database_id(value: Any) -> int | str | None:
    """A value compared with a bigint column: its number, or the database's complaint as text."""
    if isinstance(value, (bool, dict, list)):
        return f'invalid input syntax for type bigint: "{js_text(value)}"'
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    sent = js_text(value)
    if re.fullmatch(r"\s*[+-]?[0-9]+\s*", sent, re.ASCII):
        number = int(sent)
        return number if abs(number) <= INT64 else f'value "{sent}" is out of range for type bigint'
    return f'invalid input syntax for type bigint: "{sent}"'


def database_bool(value: Any) -> bool | None:
    """A value written to a boolean column, cast as PostgreSQL does; None where it cannot be."""
    if isinstance(value, bool):
        return value
    sent = js_text(value).strip().lower()
    return True if sent in _TRUE else False if sent in _FALSE else None


def stripped(value: str) -> str:
    """Text as the service stores names: without `<tags>`, trimmed (reference 10, Object)."""
    return _TAG.sub("", value).strip()


def is_app_id(value: Any) -> bool:
    """Whether a value is a reverse-domain app id (reference 20 §0)."""
    return isinstance(value, str) and APP_ID.fullmatch(value) is not None


def is_uuid(value: Any) -> bool:
    """Whether a value is shaped like a UUID."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def is_semver(value: str) -> bool:
    """Whether text is a version by semver 2.0.0, nothing around it (reference 21 §3)."""
    return SEMVER.fullmatch(value) is not None


def image_path(value: str) -> str:
    """An icon or logo as stored: a storage address is reduced to its path, other addresses are kept.

    Reference 20 §1 (icon rule) and 10 (logo).
    """
    value = value.strip()
    if "://" in value:
        marker = "/storage/v1/object/"
        if marker not in value or "/images/" not in value:
            return value
        value = urlsplit(value).path.split("/images/", 1)[1]
    value = value.removeprefix("/")
    return value.removeprefix("images/").removeprefix("/")


_QUERY = "/%:@!$&'()*+,;=|[]~\\^?{}`"


def website(value: str) -> str | None:
    """A web address as stored: `https://` added where no scheme is, written as browsers write it.

    None for a blank one. Raises ValueError for what is no http(s) address, or carries a user (reference 10).
    """
    value = value.strip()
    if not value:
        return None
    if not re.match(r"[a-z][a-z0-9+.-]*:", value, re.IGNORECASE) or re.match(r"[^/:]+:[0-9]", value):
        value = "https://" + value
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(value)
    host = parts.hostname.lower()
    if not host.isascii():
        # What is no domain name for Python's codec may be one for a browser: it is kept as it is then.
        with contextlib.suppress(UnicodeError):
            host = host.encode("idna").decode()
    if not re.fullmatch(r"[^\s<>\"{}|\\^`%#?@/\[\]]+", host) and not parts.netloc.startswith("["):
        raise ValueError(value)
    default = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != default:
        netloc += f":{parts.port}"
    # What a browser leaves as it is differs between path and query (URL standard, percent-encode sets).
    path = quote(_without_dots(parts.path), safe="/%:@!$&'()*+,;=|[]~\\^") or "/"
    before_fragment, _, _ = value.partition("#")
    query = f"?{quote(parts.query, safe=_QUERY)}" if "?" in before_fragment else ""
    fragment = f"#{quote(parts.fragment, safe=_QUERY)}" if parts.fragment else ""
    return f"{parts.scheme.lower()}://{netloc}{path}{query}{fragment}"


def _without_dots(path: str) -> str:
    """A path without its `.` and `..` segments."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
