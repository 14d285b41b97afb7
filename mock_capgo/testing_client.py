"""What a world offers a test, over HTTP: clock, faults, journal, state. `mock_capgo.testing` puts them together.

Belongs here: calls of the control API, and their answers as Python values. Nothing here needs the server to be in
this process; nothing but the standard library is imported.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

LONGEST_WAIT = 30.0
"""Seconds that one call waits for a request; longer waits are several calls."""


class MockCapgoError(Exception):
    """The mock refused what a test asked of it; the text has its reason. `status` is 0 when nobody answered."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Control:
    """The control routes of one world, or of a whole server.

    Each call has a connection of its own: any thread may call, and nothing is left open between tests.
    """

    def __init__(self, url: str, token: str = "", timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.timeout = timeout
        self._address = urlsplit(self.url)

    def __call__(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON of an answer, None for an empty one. Raises MockCapgoError with the reason of a refusal."""
        status, raw = self._exchange(method, f"{path}?{urlencode(query)}" if query else path, body)
        try:
            parsed = json.loads(raw) if raw else None
        except ValueError:
            parsed = None
        if status >= 400:
            reason = parsed.get("error") if isinstance(parsed, dict) else None
            raise MockCapgoError(str(reason or f"{method} {self.url}{path} was answered with {status}"), status)
        return parsed

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        https = self._address.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        headers = {"content-type": "application/json", "connection": "close"}
        if self.token:
            headers["x-mock-token"] = self.token
        sent = None if body is None else json.dumps(body).encode()
        with closing(kind(self._address.hostname or "", self._address.port, timeout=self.timeout)) as connection:
            try:
                connection.request(method, self._address.path + path, sent, headers)
                answered = connection.getresponse()
                return answered.status, answered.read()
            except (OSError, http.client.HTTPException) as error:
                raise MockCapgoError(f"{self.url} does not answer: {error or type(error).__name__}") from error


class WorldClock:
    """The clock of a world. Each method that changes it returns the new time."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def now(self) -> datetime:
        """The world's time."""
        return _datetime(self._control("GET", "/clock")["now"])

    def freeze(self, at: datetime | str | None = None) -> datetime:
        """Stop, now or at a moment."""
        return self._change(freeze=True, set=moment_text(at))

    def set(self, at: datetime | str) -> datetime:
        """Jump to a moment; a frozen clock stays frozen."""
        return self._change(set=moment_text(at))

    def advance(self, by: float | timedelta) -> datetime:
        """Jump forward by seconds, without waiting for them."""
        return self._change(advance=by.total_seconds() if isinstance(by, timedelta) else by)

    def rate(self, rate: float) -> datetime:
        """Run at so many seconds in a second: 1 is usual, 0 is frozen."""
        return self._change(rate=rate)

    def _change(self, **wanted: Any) -> datetime:
        sent = {name: value for name, value in wanted.items() if value is not None}
        return _datetime(self._control("POST", "/clock", sent)["now"])


@dataclass(frozen=True)
class Fault:
    """A rule of a world. As a context manager it is removed at the end of the block."""

    id: str
    rule: dict[str, Any]
    faults: Faults

    def remove(self) -> None:
        """Remove the rule; it may be gone already."""
        self.faults.remove(self.id)

    @property
    def fired(self) -> int:
        """How often it fired until now; 0 when it is gone."""
        return next((int(rule["fired"]) for rule in self.faults.list() if rule["id"] == self.id), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """What goes wrong in a world. The first rule that fires counts."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, **rule: Any) -> Fault:
        """Add a rule: `add(operation="listChannels", status=503, times=1)`.

        docs/faults.md lists what a rule may say. Python keeps `from` to itself: write `from_`. Raises MockCapgoError.
        """
        if "from_" in rule:
            rule["from"] = rule.pop("from_")
        for name in ("from", "until"):
            if name in rule:
                rule[name] = moment_text(rule[name])
        added = self._control("POST", "/faults", rule)
        return Fault(added["id"], rule, self)

    def list(self) -> list[dict[str, Any]]:
        """The rules, with how often each was matched (`seen`) and did something (`fired`)."""
        rules: list[dict[str, Any]] = self._control("GET", "/faults")["faults"]
        return rules

    def remove(self, fault_id: str) -> None:
        """Remove one rule; it may be gone already."""
        try:
            self._control("DELETE", f"/faults/{quote(fault_id, safe='')}")
        except MockCapgoError as error:
            if error.status != 404:
                raise

    def clear(self) -> None:
        """Remove every rule."""
        self._control("DELETE", "/faults")


@dataclass(frozen=True)
class Entry:
    """One request of the journal and its answer. `at` is the world's time; secrets are not in here."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    operation: str | None
    key: str | None
    status: int
    refusal: str | None
    reason: str | None
    fault: str | None
    duration_ms: float
    request_headers: dict[str, str]
    request_body: str | None
    response_body: str | None

    @property
    def sent(self) -> Any:
        """The JSON that the request carried, None for none. Raises ValueError when it was no JSON."""
        return None if self.request_body is None else json.loads(self.request_body)

    @property
    def answered(self) -> Any:
        """The JSON of the answer, None for none. Raises ValueError when a long one was cut."""
        return None if self.response_body is None else json.loads(self.response_body)

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        parts = [
            f"#{self.number} {self.at:%H:%M:%S}.{self.at.microsecond // 1000:03d} {self.method} {self.path}{query}"
        ]
        parts.append(f"-> {self.status or 'no answer'} {self.refusal or ''}".rstrip())
        parts += [f"{name} {value}" for name, value in (("key", self.key), ("fault", self.fault)) if value]
        return "  ".join([*parts, f"{self.duration_ms:.1f} ms"])


class Journal:
    """What came in and what went out. A match is fields of an entry: `operation="listChannels", status=200`;

    `*` in a value stands for anything.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def entries(self, **match: Any) -> list[Entry]:
        """The entries that match, oldest first. Raises MockCapgoError for a field that there is not."""
        return [_entry(row) for row in self._control("GET", "/journal", query={"limit": 1_000_000, **match})["entries"]]

    def wait_for(self, *, timeout: float = 10.0, after: int = 0, **match: Any) -> Entry:
        """The first matching entry with a number over `after`, waiting for it. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while True:
            left = max(0.0, end - time.monotonic())
            query = {**match, "after": after, "timeout": min(left, self._control.timeout / 2, LONGEST_WAIT)}
            found = self._control("GET", "/journal/next", query=query)
            if found is not None:
                return _entry(found)
            if time.monotonic() >= end:
                raise TimeoutError(f"no request like {match or 'any'} in {timeout} s; the journal has:\n{self.text()}")

    def verify(self, *expected: Mapping[str, Any], in_order: bool = False, **match: Any) -> None:
        """Hold the journal to what is expected. Raises AssertionError with the difference.

        One expectation as arguments, `verify(operation="createApp", count=1)`, or several as dicts. `count`,
        `at_least` and `at_most` count; without them, at least one request is expected.
        """
        wanted = [dict(one) for one in expected] + ([match] if match or not expected else [])
        verdict = self._control("POST", "/verify", {"expect": wanted, "in_order": in_order})
        if not verdict["verified"]:
            raise AssertionError("\n".join([*verdict["differences"], "the journal has:", self.text()]))

    def har(self) -> dict[str, Any]:
        """The journal as an HTTP archive, for any viewer of those."""
        archive: dict[str, Any] = self._control("GET", "/journal.har")
        return archive

    def clear(self) -> None:
        """Forget every entry."""
        self._control("DELETE", "/journal")

    def text(self, last: int = 50) -> str:
        """The last entries for people: a line each, and the bodies of what was refused."""
        shown = self._control("GET", "/journal", query={"limit": last})
        hidden = shown["matched"] - len(shown["entries"]) + shown["dropped"]
        lines = [f"({hidden} earlier requests are not shown)"] if hidden else []
        for entry in map(_entry, shown["entries"]):
            lines.append(str(entry))
            if not 200 <= entry.status < 400:
                told = (("why", entry.reason), ("sent", entry.request_body), ("answered", entry.response_body))
                lines += [f"    {name}: {_short(value)}" for name, value in told if value]
        return "\n".join(lines) or "(no request)"


class WorldState:
    """The whole of a world as one document, in the format of a fixture."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def export(self) -> dict[str, Any]:
        """The world as a fixture."""
        document: dict[str, Any] = self._control("GET", "/state")
        return document

    def replace(self, document: Mapping[str, Any]) -> None:
        """Put another world in the place of this one. Raises MockCapgoError, and changes nothing then."""
        self._control("PUT", "/state", dict(document))


def moment_text(at: datetime | str | None) -> str | None:
    """A moment as the control API takes it; a datetime without a zone is UTC."""
    return at.isoformat() if isinstance(at, datetime) else at


def _datetime(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry(row: Mapping[str, Any]) -> Entry:
    given = {name: row[name] for name in Entry.__dataclass_fields__ if name in row}
    given["at"] = _datetime(row["at"])
    request, response = row["request"], row["response"]
    return Entry(
        **given,
        request_headers=request["headers"],
        request_body=request["body"],
        response_body=response["body"],
    )


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
