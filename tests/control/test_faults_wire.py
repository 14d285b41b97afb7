"""Faults on the wire: what a client on a socket sees of them."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import FULL
from tests.control.hub import SHOP, Process, process

HEAD = f"host: 127.0.0.1\r\nauthorization: {FULL}\r\n"


@pytest.fixture(autouse=True)
def _clean(server: Process) -> Iterator[None]:
    yield
    assert server("DELETE", "/_mock/faults").status == 200


def add(server: Process, **rule: Any) -> None:
    """Add a rule to the default world."""
    assert server("POST", "/_mock/faults", rule).status == 201


def get(server: Process, path: str, extra: str = "") -> bytes:
    """Everything that a connection gives until it ends. Raises ConnectionResetError."""
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}{extra}connection: close\r\n\r\n".encode())
        return everything(connection)


def everything(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def post_channel(server: Process, name: str) -> bytes:
    """Make a channel over a bare connection."""
    body = json.dumps({"app_id": SHOP, "channel": name}).encode()
    with server.connect() as connection:
        connection.sendall(f"POST /channel HTTP/1.1\r\n{HEAD}content-length: {len(body)}\r\n\r\n".encode() + body)
        return connection.recv(65536)


def channels(server: Process) -> set[str]:
    """The names of the shop's channels."""
    return {row["name"] for row in server("GET", f"/channel?app_id={SHOP}", key=FULL).body}


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_reset_connection(server: Process, when: str, done: bool) -> None:
    """The client sees a reset and not a byte; the write happened exactly when the reset came after the work."""
    name = f"reset-{when}"
    add(server, reset=when, method="POST", path="/channel")
    with pytest.raises(ConnectionResetError):
        post_channel(server, name)
    assert (name in channels(server)) is done
    entry = server("GET", "/_mock/journal?path=/channel&method=POST").body["entries"][-1]
    assert entry["fault"] is not None
    assert entry["status"] == (200 if done else 0)


def test_a_truncated_body(server: Process) -> None:
    """A truncated answer promises its whole length, sends the first bytes, and ends the connection."""
    whole = server("GET", f"/app/{SHOP}", key=FULL).raw
    add(server, truncate=20)
    head, _, body = get(server, f"/app/{SHOP}").partition(b"\r\n\r\n")
    assert body == whole[:20]
    assert f"content-length: {len(whole)}".encode() in head.lower()


def test_a_truncated_body_on_a_connection_that_stays(server: Process) -> None:
    """Also a client that keeps connections open is told by the end of this one."""
    add(server, truncate=0, times=1)
    with server.connect() as connection:
        connection.sendall(f"GET /app HTTP/1.1\r\n{HEAD}\r\n".encode())
        assert everything(connection).endswith(b"\r\n\r\n")


def test_a_malformed_body(server: Process) -> None:
    """A malformed answer is complete by its length, and no JSON."""
    add(server, malformed=True)
    head, _, body = get(server, "/app").partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    with pytest.raises(ValueError, match="."):
        json.loads(body)


def test_a_wrong_content_type(server: Process) -> None:
    """The wrong content type replaces the right one: there is one such header."""
    add(server, content_type="text/html")
    head = get(server, "/app").partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"content-type:") == 1
    assert b"content-type: text/html" in head


def test_a_slow_drip(server: Process) -> None:
    """A dripping answer comes in pieces, each after its pause, and is whole in the end."""
    whole = server("GET", "/app", key=FULL).raw
    size = len(whole) // 4 + 1
    add(server, drip={"bytes": size, "seconds": 0.1})
    began = time.monotonic()
    body = get(server, "/app").partition(b"\r\n\r\n")[2]
    assert body == whole
    assert time.monotonic() - began >= 0.3


def test_latency_slows_nobody_else(server: Process) -> None:
    """While one request waits two seconds, a hundred others are answered."""
    add(server, latency=2, path="/app")
    spans: list[float] = []

    def slow() -> None:
        began = time.monotonic()
        assert server("GET", "/app", key=FULL).status == 200
        spans.append(time.monotonic() - began)

    thread = threading.Thread(target=slow)
    thread.start()
    began = time.monotonic()
    for _ in range(100):
        assert server("GET", f"/app/{SHOP}", key=FULL).status == 200
    assert time.monotonic() - began < 2
    thread.join()
    assert spans[0] >= 2


def test_latency_from_a_range_is_seeded(server: Process) -> None:
    """A random wait is within its bounds, and the same for the same seed."""
    waits = []
    for _ in range(2):
        add(server, latency={"min": 0.05, "max": 0.3}, seed=3)
        began = time.monotonic()
        get(server, "/app")
        waits.append(time.monotonic() - began)
        server("DELETE", "/_mock/faults")
    assert all(0.05 <= wait < 0.6 for wait in waits)
    assert abs(waits[0] - waits[1]) < 0.15


def test_a_fault_by_header(server: Process) -> None:
    """A request may ask for its own reset, and no other request is hurt."""
    with pytest.raises(ConnectionResetError):
        get(server, "/app", 'x-mock-fault: {"reset": "after"}\r\n')
    assert get(server, "/app").startswith(b"HTTP/1.1 200")


def test_latency_is_over_when_the_client_has_gone(server: Process) -> None:
    """A client that hangs up while its answer is late does no harm: the server goes on, and logs nothing."""
    add(server, latency=0.3, path="/app")
    connection = server.connect()
    connection.sendall(f"GET /app HTTP/1.1\r\n{HEAD}\r\n".encode())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    time.sleep(0.5)
    assert server("GET", "/ok").status == 200
    assert server("GET", "/_mock/journal?path=/app").body["entries"][-1]["fault"] is not None


def test_a_reset_comes_after_the_answers_before_it(server: Process) -> None:
    """The answer to a request that came before the reset one on the same connection arrives."""
    add(server, reset="before", path="/app")
    with server.connect() as connection:
        connection.sendall(f"GET /ok HTTP/1.1\r\n{HEAD}\r\n".encode())
        answered = b""
        while not answered.endswith(b'{"status":"ok"}'):
            answered += connection.recv(65536)
        connection.sendall(f"GET /app HTTP/1.1\r\n{HEAD}\r\n".encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)


@pytest.mark.parametrize(
    "rule",
    [
        {"reset": "after"},
        {"reset": "before"},
        {"drip": {"bytes": 9, "seconds": 0}},
        {"malformed": True},
        {"truncate": 5},
    ],
)
def test_a_fault_leaves_nothing_in_the_log(rule: dict[str, Any]) -> None:
    """The server does not complain about what it was asked to do."""
    with process("--limits", "off") as server:
        add(server, **rule, path="/app")
        for more in ("", f"\r\nGET /ok HTTP/1.1\r\n{HEAD}"):  # alone, and with a request behind it
            with contextlib.suppress(ConnectionResetError):
                get(server, "/app", more)
        _, printed = server.stop()
    assert [line for line in printed.splitlines() if json.loads(line)["event"] == "log"] == []
