"""The journal over HTTP: find, wait for, verify, export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo import __version__
from mock_capgo.control.http import ControlError, read_object, reply, typed
from mock_capgo.server.headers import ALWAYS
from mock_capgo.server.journal import Entry
from mock_capgo.server.universe import Universe
from mock_capgo.world.clock import as_datetime

LONGEST_WAIT = 60.0
"""Seconds that `next` waits at the most."""
DEFAULT_WAIT = 10.0
_FIELDS = ("operation", "method", "path", "status", "key", "refusal", "fault", "query", "body")
_PAGING = ("after", "limit", "timeout")

Matches = Callable[[Entry], bool]


async def show(request: Request, universe: Universe) -> Response:
    """The entries that match the query, oldest first; `limit` keeps the last ones."""
    query = dict(request.query_params)
    after, limit = _number(query, "after", 0), _number(query, "limit", 1000)
    matches = matcher(query)
    found = universe.journal.find(lambda entry: entry.number > after and matches(entry))
    shown = found[-limit:] if limit else []
    return reply(
        {
            "entries": [entry.as_json() for entry in shown],
            "matched": len(found),
            "dropped": universe.journal.dropped,
        }
    )


async def clear(_: Request, universe: Universe) -> Response:
    """Forget every entry."""
    universe.journal.clear()
    return reply({"status": "ok"})


async def wait(request: Request, universe: Universe) -> Response:
    """The next matching request after `after`, waiting for it; 204 when none came in `timeout` seconds."""
    query = dict(request.query_params)
    timeout = min(_seconds(query), LONGEST_WAIT)
    entry = await universe.journal.next(matcher(query), _number(query, "after", 0), timeout)
    return Response(status_code=204) if entry is None else reply(entry.as_json())


async def har(request: Request, universe: Universe) -> Response:
    """The journal as an HTTP archive 1.2, for any viewer of those."""
    prefix = f"/w/{universe.id}" if request.url.path.startswith("/w/") else ""
    entries = [_har_entry(entry, prefix) for entry in universe.journal]
    creator = {"name": "mock-capgo", "version": __version__}
    return reply({"log": {"version": "1.2", "creator": creator, "entries": entries}})


async def verify(request: Request, universe: Universe) -> Response:
    """Whether the journal holds what is expected.

    `{"expect": [{<fields to match>, "count"?: n, "at_least"?: n, "at_most"?: n}], "in_order"?: bool}`; without a
    count, at least one. The answer says in words where it differs.
    """
    wanted = await read_object(request, {"expect", "in_order"})
    expected = wanted.get("expect")
    if not isinstance(expected, list) or not all(isinstance(one, dict) for one in expected):
        raise ControlError(400, "expect: a list of objects is expected")
    differences = [difference for one in expected for difference in _counted(universe, one)]
    if wanted.get("in_order") and not differences:
        differences = _ordered(universe, expected)
    return reply({"verified": not differences, "differences": differences})


def matcher(wanted: dict[str, Any]) -> Matches:
    """Whether an entry has these fields; `*` in text stands for anything. Raises ControlError."""
    for name in wanted:
        if name not in (*_FIELDS, *_PAGING, "count", "at_least", "at_most"):
            raise ControlError(400, f"{name}: there is no such field; there are {', '.join(_FIELDS)}")
    fields = {name: str(value) for name, value in wanted.items() if name in _FIELDS}
    return lambda entry: all(fnmatchcase(_value(entry, name), pattern) for name, pattern in fields.items())


def _value(entry: Entry, name: str) -> str:
    value = getattr(entry, name)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _counted(universe: Universe, expected: dict[str, Any]) -> list[str]:
    count = len(universe.journal.find(matcher(expected)))
    least, most = _bounds(expected)
    if count >= least and (most is None or count <= most):
        return []
    if least == most and "at_most" not in expected:
        wanted = f"exactly {most}"
    else:
        bounds = [f"at least {least}"] if least or most is None else []
        wanted = ", ".join(bounds if most is None else [*bounds, f"at most {most}"])
    return [f"{_named(expected)}: {wanted} expected, {count} seen; {_seen(universe)}"]


def _bounds(expected: dict[str, Any]) -> tuple[int, int | None]:
    """How often a request is expected, at least and at most (None: any number)."""
    for name in ("count", "at_least", "at_most"):
        if name in expected and expected[name] is None:
            raise ControlError(400, f"{name}: a whole number is expected; leave it out for any")
    given = {name: typed(expected, name, int, "a whole number") for name in ("count", "at_least", "at_most")}
    if given["count"] is not None:
        return given["count"], given["count"]
    least = given["at_least"]
    return (0 if given["at_most"] is not None else 1) if least is None else least, given["at_most"]


def _ordered(universe: Universe, expected: list[dict[str, Any]]) -> list[str]:
    """Whether the expectations can be met one after the other."""
    entries, at = list(universe.journal), 0
    for number, one in enumerate(expected):
        if _bounds(one)[1] == 0:
            continue
        matches = matcher(one)
        while at < len(entries) and not matches(entries[at]):
            at += 1
        if at == len(entries):
            before = f" after {_named(expected[number - 1])}" if number else ""
            return [f"{_named(one)}: not seen{before}; {_seen(universe)}"]
        at += 1
    return []


def _named(expected: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in expected.items() if name in _FIELDS) or "any request"


def _seen(universe: Universe) -> str:
    last = [f"{entry.method} {entry.path} {entry.status}" for entry in list(universe.journal)[-5:]]
    return f"the last requests were {'; '.join(last)}" if last else "there was no request at all"


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise ControlError(400, f"{name}: a whole number is expected")
    return int(text)


def _seconds(query: dict[str, str]) -> float:
    try:
        return max(0.0, float(query.get("timeout", DEFAULT_WAIT)))
    except ValueError:
        raise ControlError(400, "timeout: a number of seconds is expected") from None


def _har_entry(entry: Entry, prefix: str) -> dict[str, Any]:
    started = as_datetime(entry.at) - timedelta(seconds=entry.duration)
    query = f"?{entry.query}" if entry.query else ""
    sent, answered = entry.body.decode("utf-8", "replace"), entry.answer.decode("utf-8", "replace")
    host = entry.headers.get("host", "localhost")
    return {
        "startedDateTime": started.isoformat(),
        "time": entry.duration * 1000,
        "request": {
            "method": entry.method,
            "url": f"http://{host}{prefix}{entry.path}{query}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": name, "value": value} for name, value in entry.headers.items()],
            "queryString": [
                {"name": name, "value": value} for name, value in parse_qsl(entry.query, keep_blank_values=True)
            ],
            **({"postData": {"mimeType": "application/json", "text": sent}} if sent else {}),
            "headersSize": -1,
            "bodySize": len(entry.body),
        },
        "response": {
            "status": entry.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                {"name": name.decode("latin-1"), "value": value.decode("latin-1")}
                for name, value in (*ALWAYS, *entry.answer_headers)
            ],
            "content": {"size": len(entry.answer), "mimeType": "application/json", "text": answered},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(entry.answer),
        },
        "cache": {},
        "timings": {"send": 0, "wait": entry.duration * 1000, "receive": 0},
    }
