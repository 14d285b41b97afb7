"""The short way of an answer past uvicorn's `send`: on the wire it is the long way's, byte for byte."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_capgo.server import one_write
from mock_capgo.testing import MockCapgo
from tests.conftest import FULL

HEAD = f"HTTP/1.1\r\nhost: x\r\nx-request-id: one\r\nauthorization: {FULL}\r\n"
REQUESTS = {
    "an object": f"GET /app/com.example.shop {HEAD}\r\n",
    "a list": f"GET /channel?app_id=com.example.shop {HEAD}\r\n",
    "a refusal": f"GET /app/com.example.nothing {HEAD}\r\n",
    "a reason": f"GET /app/com.example.nothing {HEAD}x-mock-explain: 1\r\n\r\n",
    "an unknown route": f"GET /nothing {HEAD}\r\n",
    "a head": f"HEAD /app {HEAD}\r\n",
    "a preflight": f"OPTIONS /app {HEAD}origin: http://localhost:1\r\n\r\n",
    "an old client": f"GET /ok {HEAD}\r\n".replace("1.1", "1.0"),
    "a last request": f"GET /ok {HEAD}connection: close\r\n\r\n",
    "a body": f"POST /channel {HEAD}content-length: 2\r\n\r\n{{}}",
    "a body that is announced": f"POST /channel {HEAD}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{{}}",
    "too much": f"POST /channel {HEAD}content-length: 2000000\r\n\r\n",
    "a device": f"POST /updates {HEAD}content-length: 2\r\n\r\n{{}}",
    "a file": f"GET /files/config {HEAD}\r\n",
    "a pipeline": f"GET /ok {HEAD}\r\nGET /nothing {HEAD}\r\nGET /ok {HEAD}connection: close\r\n\r\n",
}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with MockCapgo(limits="off") as capgo:
        parts = urlsplit(capgo.base_url)
        yield parts.hostname or "", parts.port or 0


def answered(address: tuple[str, int], request: str, answers: int) -> bytes:
    """What comes back for a request, the clock's time left out."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(request.encode())
        told = b""
        while told.count(b"\r\n\r\n") < answers and (piece := connection.recv(65536)):
            told += piece
        connection.settimeout(0.05)
        try:
            while piece := connection.recv(65536):
                told += piece
        except TimeoutError:
            pass
    return re.sub(rb"date: [^\r]*", b"date: now", told)


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_are_one_on_the_wire(address: tuple[str, int], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked, the short way writes what uvicorn writes, and leaves the connection as it does."""
    request = REQUESTS[name]
    answers = request.count(" HTTP/1.")
    short = answered(address, request, answers)
    monkeypatch.setattr(one_write, "uvicorn_http", None)
    assert short == answered(address, request, answers)
    assert short.startswith(b"HTTP/1.")


def test_the_short_way_is_taken(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uvicorn serves with httptools, an ordinary answer goes out in one write: or all of this shows nothing."""
    taken = []
    original = one_write.write

    def write(*arguments: Any) -> bool:
        taken.append(original(*arguments))
        return taken[-1]

    monkeypatch.setattr(one_write, "write", write)
    answered(address, REQUESTS["an object"], 1)
    assert taken == [one_write.uvicorn_http is not None]


class _Flow:
    write_paused = False


class _Cycle:
    """A cycle as `write` finds it; nothing may be written to it."""

    keep_alive = True
    disconnected = response_started = False
    default_headers: tuple[tuple[bytes, bytes], ...] = ()
    flow = _Flow()

    async def send(self, _: Any) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    "change",
    [
        {"keep_alive": False},
        {"disconnected": True},
        {"response_started": True},
        {"default_headers": ((b"x", b"a\r\nset-cookie: b"),)},
    ],
    ids=str,
)
def test_what_is_not_plain_goes_the_long_way(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The last answer of a connection, a client that is gone, a started answer, and a value with a line end in it."""

    class Http:
        RequestResponseCycle = _Cycle
        STATUS_LINE = {200: b"HTTP/1.1 200 OK\r\n"}

    monkeypatch.setattr(one_write, "uvicorn_http", Http)
    cycle = _Cycle()
    for name, value in change.items():
        setattr(cycle, name, value)
    assert not one_write.write(cycle.send, 200, [(b"a", b"b")], b"{}")
