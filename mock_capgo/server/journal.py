"""The journal of a universe: what came in and what went out, without secrets, bounded in bytes.

Belongs here: keeping, finding and waiting for entries. Does not belong here: what was decided
(`mock_capgo.server.dispatch`), how entries are asked for over HTTP (`mock_capgo.control`).

Secrets are taken out when an entry is made, not when it is shown: what is never kept cannot leak. An entry is kept
as one piece of bytes: as a record it is some twenty objects, which take three times the memory, and through which the
garbage collector looks again and again.
"""

from __future__ import annotations

import asyncio
import marshal
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_capgo.request import Request
from mock_capgo.world.clock import iso_millis
from mock_capgo.world.records import Micros

if TYPE_CHECKING:
    from mock_capgo.server.dispatch import Answer

REDACTED = "[redacted]"
DEFAULT_CAPACITY = 4 * 1024 * 1024
"""Bytes of entries that a journal keeps."""
BODY_KEPT = 16 * 1024
"""Bytes of a body that an entry keeps."""
_PIECE_OVERHEAD = 48
"""Bytes that Python adds to a piece of bytes in a queue."""

_SECRET_HEADERS = frozenset({"authorization", "x-api-key", "capgkey", "cookie", "x-mock-token"})
_SECRET_MEMBERS = re.compile(rb'"(key|key_hash|secret)"\s*:\s*"[^"]*"')
_KEY_IN_PATH = re.compile(r"(/apikey/)(?![0-9]+/?$)[^/]+")


@dataclass(slots=True)
class Entry:
    """One request and its answer. `at` is the world's time; `duration` is in seconds."""

    number: int
    at: Micros
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes
    duration: float
    operation: str | None = None
    key: str | None = None
    refusal: str | None = None
    reason: str | None = None
    fault: str | None = None
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The entry as the control API shows it."""
        return {
            "number": self.number,
            "at": iso_millis(self.at),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "operation": self.operation,
            "key": self.key,
            "status": self.status,
            "refusal": self.refusal,
            "reason": self.reason,
            "fault": self.fault,
            "duration_ms": round(self.duration * 1000, 3),
            "request": {"headers": self.headers, "body": _text(self.body)},
            "response": {"body": _text(self.answer)},
        }


class Journal:
    """The last entries, as many as fit into `capacity` bytes; `dropped` counts those that no longer do."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self.capacity = capacity
        self.dropped = 0
        self._kept: deque[bytes] = deque()
        self._bytes = 0
        self._number = 0
        self._waiting: list[tuple[Callable[[Entry], bool], asyncio.Future[Entry]]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(*marshal.loads(piece)) for piece in list(self._kept))  # noqa: S302 - made by `record`

    def record(self, request: Request, answered: Answer, at: Micros, duration: float, fault: str | None) -> None:
        """Keep one exchange: `at` the world's time, `duration` in seconds, `fault` the rule that fired.

        The request is over: its secrets are blanked in its own headers.
        """
        self._number += 1
        path, query = without_credentials(request)
        headers = request.headers
        for name in _SECRET_HEADERS.intersection(headers):
            headers[name] = REDACTED
        body, answer = request.body[:BODY_KEPT], answered.body[:BODY_KEPT]
        if body:
            body = without_secrets(body)
        if answered.secret or answered.status >= 400:  # a refusal may repeat what was sent
            answer = without_secrets(answer)
        piece = marshal.dumps(
            (
                self._number,
                at,
                request.method,
                path,
                query,
                headers,
                body,
                answered.status,
                answer,
                duration,
                answered.operation,
                answered.key,
                answered.refusal,
                answered.reason,
                fault,
                answered.headers,
            )
        )
        self._kept.append(piece)
        self._bytes += len(piece) + _PIECE_OVERHEAD
        while self._bytes > self.capacity and self._kept:
            self._bytes -= len(self._kept.popleft()) + _PIECE_OVERHEAD
            self.dropped += 1
        if self._waiting:
            self._wake(Entry(*marshal.loads(piece)))  # noqa: S302 - just made

    def clear(self) -> None:
        """Forget every entry. Numbers go on, so that a reader notices."""
        self._kept.clear()
        self._bytes = self.dropped = 0

    def find(self, matches: Callable[[Entry], bool]) -> list[Entry]:
        """The entries that match, oldest first."""
        return [entry for entry in self if matches(entry)]

    async def next(self, matches: Callable[[Entry], bool], after: int, timeout: float) -> Entry | None:
        """The first matching entry with a number over `after`, waiting up to `timeout` seconds for it."""
        for entry in self:
            if entry.number > after and matches(entry):
                return entry
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        waiting = (matches, future)
        self._waiting.append(waiting)
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return None
        finally:
            self._waiting.remove(waiting)

    def _wake(self, entry: Entry) -> None:
        for matches, future in self._waiting:
            if not future.done() and matches(entry):
                future.set_result(entry)


def without_credentials(request: Request) -> tuple[str, str]:
    """The path and the query of a request, without the key that it was sent with or that stands in it."""
    path, query = request.path, request.query_string.decode("latin-1")
    if "/apikey/" in path:
        path = _KEY_IN_PATH.sub(rf"\1{REDACTED}", path)
    for name in _SECRET_HEADERS.intersection(request.headers):
        credential = request.headers[name]
        if credential and (credential in path or credential in query):
            path, query = path.replace(credential, REDACTED), query.replace(credential, REDACTED)
    return path, query


def without_secrets(body: bytes) -> bytes:
    """A JSON body with the values of keys and secrets blanked."""
    if b'"key' not in body and b'"secret' not in body:
        return body
    return _SECRET_MEMBERS.sub(rb'"\1":"[redacted]"', body)


def _text(body: bytes) -> str | None:
    return body.decode("utf-8", "replace") if body else None
