"""Slow and idle clients: others are served beside them, and in the end they are let go."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from tests.conftest import FULL
from tests.control.hub import Process, process

IDLE = 500
PATIENCE = 15
"""Seconds after which a connection on which nothing happens is to be closed."""
SLOW = pytest.mark.skipif("MOCK_CAPGO_FUZZ" not in os.environ, reason="waits for timeouts: with make fuzz")


@pytest.fixture
def server() -> Iterator[Process]:
    with process("--limits", "off") as running:
        yield running


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
    """Five hundred connections that say nothing, or never end their header, slow nobody down."""
    spans = []
    for _ in range(50):
        began = time.perf_counter()
        assert server("GET", "/app", key=FULL).status == 200
        spans.append(time.perf_counter() - began)
    assert sorted(spans)[25] < 0.1
    assert len(crowd) == IDLE


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


@SLOW
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", marks=pytest.mark.xfail(reason="nothing closes a connection that never said anything")),
        pytest.param(
            b"GET /app HTTP/1.1\r\nhost: x\r\nx-slow: ", marks=pytest.mark.xfail(reason="no timeout for headers")
        ),
        pytest.param(
            b"POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf",
            marks=pytest.mark.xfail(reason="no timeout for bodies"),
        ),
        b"GET /ok HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["nothing", "half a header", "half a body", "idle after an answer"],
)
def test_a_timeout_frees_them(server: Process, said: bytes) -> None:
    """A connection on which nothing more comes is closed after a while, whatever it has said so far."""
    with server.connect(timeout=PATIENCE) as connection:
        connection.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(65536):
                pass
