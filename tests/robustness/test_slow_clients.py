"""Slow and idle clients: others are served beside them, and in the end they are let go."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import FULL
from tests.control.hub import Process, process

IDLE = 500
TIMEOUT = 1
"""Seconds that the server of most tests waits for a client."""
LATE = 6
"""Seconds after which it is overdue also on a slow machine."""
HEAD = f"host: x\r\nauthorization: {FULL}\r\n"
SLOW = pytest.mark.skipif("MOCK_CAPGO_FUZZ" not in os.environ, reason="waits for the timeout itself: with make fuzz")


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with process("--limits", "off", "--client-timeout", str(TIMEOUT)) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _in_the_end(server: Process) -> Iterator[None]:
    """Nothing that a slow client does is a failure of the server, and nothing is left of it that has to be ended."""
    yield
    _, printed = server.stop()
    assert [line for line in printed.splitlines() if json.loads(line)["event"] != "request"] == []


@pytest.fixture
def crowd(server: Process) -> Iterator[list[socket.socket]]:
    """Idle connections, half of them in the middle of a header."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < IDLE * 2:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE * 4, hard), hard))
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(server.connect()) for _ in range(IDLE)]
        for connection in made[::2]:
            connection.sendall(b"GET /app HTTP/1.1\r\nhost: x\r\nx-slow: ")
        yield made


def test_others_are_served_beside_an_idle_crowd(server: Process, crowd: list[socket.socket]) -> None:
    """Five hundred connections that say nothing, or never end their header, slow nobody down, and are all let go."""
    spans = []
    for _ in range(50):
        began = time.perf_counter()
        assert server("GET", "/app", key=FULL).status == 200
        spans.append(time.perf_counter() - began)
    assert sorted(spans)[25] < 0.1
    for connection in crowd:
        connection.settimeout(LATE)
        assert until_closed(connection) == b""


def test_slow_senders_are_served_in_the_end(server: Process) -> None:
    """A body that comes in drops is a body, and others are served between the drops."""
    body = b'{"app_id":"com.example.shop","channel":"slow"}'
    with server.connect() as connection:
        head = f"POST /channel HTTP/1.1\r\nhost: x\r\nauthorization: {FULL}\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        for byte in body:
            connection.sendall(bytes([byte]))
            assert server("GET", "/ok").status == 200
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_slow_reader_does_not_hold_others_up(server: Process) -> None:
    """Clients that ask much and read nothing do not keep others from their answers, and the memory stays small."""
    ask = f"GET /channel?app_id=com.example.shop HTTP/1.1\r\nhost: x\r\nauthorization: {FULL}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(server.connect())
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.sendall(ask * 2000)
        began = time.perf_counter()
        for _ in range(20):
            assert server("GET", "/ok").status == 200
        assert time.perf_counter() - began < 10


def until_closed(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes the connection. Raises TimeoutError when it does not."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        ("", 0),
        ("GET /app HTTP/1.1\r\nhost: x\r\nx-slow: ", 0),
        ("POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n", 0),
        ("POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf", 0),
        ("POST /channel HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", 0),
        ("POST /_mock/nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf", 1),
        ("GET /ok HTTP/1.1\r\nhost: x\r\n\r\n", 1),
        ("GET /ok HTTP/1.1\r\nhost: x\r\n\r\n\r\n", 1),
        ("GET /ok HTTP/1.1\r\nhost: x\r\n\r\nGET /ok HTTP/1.1\r\nhost: x\r\nx-slow: ", 1),
    ],
    ids=[
        "nothing", "half a header", "no body", "half a body", "some chunks", "half a body that nobody wants",
        "idle after an answer", "a line end after an answer", "half a header after an answer",
    ],
)  # fmt: skip
def test_a_timeout_frees_them(server: Process, said: str, answers: int) -> None:
    """A connection on which nothing more comes is closed after a while, whatever it has said so far, and no sooner."""
    began = time.monotonic()
    with server.connect(timeout=LATE) as connection:
        connection.sendall(said.encode())
        assert until_closed(connection).count(b"HTTP/1.1 ") == answers
    assert time.monotonic() - began > TIMEOUT * 0.8


def test_a_header_is_due_as_a_whole(server: Process) -> None:
    """Who sends a header letter by letter, without an end, is not heard out."""
    with server.connect() as connection, pytest.raises(OSError, match="."):
        connection.sendall(b"GET /app HTTP/1.1\r\nx-slow: ")
        for _ in range(LATE * 10):
            time.sleep(0.1)
            connection.sendall(b"x")


def test_a_body_may_take_its_time(server: Process) -> None:
    """A body is waited for as long as pieces of it come."""
    body = b'{"app_id":"com.example.shop","channel":"slow-body"}'
    with server.connect() as connection:
        connection.sendall(f"POST /channel HTTP/1.1\r\n{HEAD}content-length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 6):
            time.sleep(TIMEOUT * 0.3)
            connection.sendall(body[start : start + 6])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("effect", [{"latency": 2.5 * TIMEOUT}, {"drip": {"bytes": 200, "seconds": TIMEOUT}}])
@pytest.mark.parametrize(
    ("half", "rest"),
    [(f"GET /app HTTP/1.1\r\n{HEAD}", "\r\n"), (f"POST /ok HTTP/1.1\r\n{HEAD}content-length: 2\r\n\r\n{{", "}")],
    ids=["header", "body"],
)
def test_a_late_answer_is_no_slow_client(server: Process, effect: dict[str, Any], half: str, rest: str) -> None:
    """Who waits for an answer that the server owes is not cut off, also with half of the next request sent."""
    assert server("POST", "/_mock/faults", {**effect, "path": "/app", "times": 1}).status == 201
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(f"GET /app HTTP/1.1\r\n{HEAD}\r\n{half}".encode())
        received = b""
        while not received.endswith(b"]}"):
            part = connection.recv(65536)
            assert part, "cut off"
            received += part
        assert time.monotonic() - began > 2 * TIMEOUT
        connection.sendall(rest.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_long_poll_is_no_slow_client(server: Process) -> None:
    """Who waits for something to happen gets an answer when nothing did."""
    began = time.monotonic()
    assert server("GET", f"/_mock/journal/next?path=/never&timeout={2.5 * TIMEOUT}").status == 204
    assert time.monotonic() - began > 2 * TIMEOUT


def test_a_slow_reader_gets_everything(server: Process) -> None:
    """Who reads slower than the server writes gets every answer, however long that takes."""
    asked = 1000
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        connection.settimeout(LATE)
        connection.connect((server.host, server.port))
        connection.sendall(f"GET /channel?app_id=com.example.shop HTTP/1.1\r\n{HEAD}\r\n".encode() * asked)
        received, until = bytearray(), time.monotonic() + 3 * TIMEOUT
        while part := connection.recv(65536):
            received += part
            time.sleep(0.1 if time.monotonic() < until else 0)
        assert received.count(b"HTTP/1.1 200") == asked
        assert received.endswith(b"]")


def test_no_timeout() -> None:
    """With a timeout of 0 the server waits for as long as it takes."""
    with process("--client-timeout", "0") as server, server.connect() as connection:
        connection.sendall(b"GET /ok HTTP/1.1\r\nhost: x\r\n")
        time.sleep(1.5)
        connection.sendall(b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@SLOW
def test_ten_seconds() -> None:
    """Unless it is told otherwise, the server waits ten seconds for a header."""
    with process() as server, server.connect(timeout=15) as connection:
        began = time.monotonic()
        assert until_closed(connection) == b""
        assert 9 < time.monotonic() - began < 13
