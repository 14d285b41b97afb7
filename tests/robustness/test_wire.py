"""Raw bytes on a socket: whatever comes, the server answers in HTTP or closes, says nothing of itself, and lives on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
from collections.abc import Iterator

import pytest

from tests.conftest import FULL
from tests.control.hub import Process, process

MUTATIONS = int(os.environ.get("MOCK_CAPGO_FUZZ", "300")) // 100 * 5
HEAD = f"host: 127.0.0.1\r\nauthorization: {FULL}\r\n".encode()
POST = b"POST /channel HTTP/1.1\r\n" + HEAD
GOOD = b'{"app_id":"com.example.shop","channel":"made"}'

_CASES: dict[str, bytes] = {
    "nothing": b"",
    "a line end": b"\r\n",
    "noise": bytes(range(256)) * 8,
    "zeros": b"\x00" * 4096,
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /ok\r\n",
    "an unknown version": b"GET /ok HTTP/9.9\r\n" + HEAD + b"\r\n",
    "an unknown method": b"BREW /ok HTTP/1.1\r\n" + HEAD + b"\r\n",
    "no host": b"GET /ok HTTP/1.1\r\n\r\n",
    "a header without a name": b"GET /ok HTTP/1.1\r\n: x\r\n\r\n",
    "a header without a colon": b"GET /ok HTTP/1.1\r\nhost\r\n\r\n",
    "a folded header": b"GET /ok HTTP/1.1\r\nx: a\r\n b\r\n\r\n",
    "a zero in a header": b"GET /ok HTTP/1.1\r\nx: a\x00b\r\n\r\n",
    "bytes over 127 in a header": b"GET /app HTTP/1.1\r\nauthorization: \xff\xfe\r\nx-request-id: \xe9\r\n\r\n",
    "a header flood": b"GET /app HTTP/1.1\r\n" + HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
    "one long header": b"GET /app HTTP/1.1\r\n" + HEAD + b"x: " + b"y" * 300_000 + b"\r\n\r\n",
    "a long path": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "many segments": b"GET " + b"/a" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a long query": b"GET /app?" + b"a=b&" * 15_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a path of bad UTF-8": b"GET /app/%ff%fe HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a zero in the path": b"GET /app/%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a way up": b"GET /../../etc/passwd HTTP/1.1\r\n" + HEAD + b"\r\n",
    "an absolute address": b"GET http://evil.example.com/app HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n",
    "CONNECT": b"CONNECT evil.example.com:443 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "an upgrade": b"GET /app HTTP/1.1\r\n" + HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n"
                  b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "a negative length": POST + b"content-length: -1\r\n\r\n",
    "an absurd length": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "a great length": POST + b"content-length: 4000000000\r\n\r\n",
    "a length that is none": POST + b"content-length: many\r\n\r\n",
    "two lengths": POST + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
    "length and chunks": POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of absurd size": POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n",
    "a chunk of no size": POST + b"transfer-encoding: chunked\r\n\r\nxyz\r\nx\r\n",
    "two megabytes": POST + b"content-length: 2000000\r\n\r\n" + b"x" * 2_000_000,
    "two megabytes in chunks": POST + b"transfer-encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n",
    "broken JSON": POST + b'content-length: 8\r\n\r\n{"app_id',
    "bad UTF-8": POST + b'content-length: 12\r\n\r\n{"a":"\xc3\x28\xff"}',
    "deep JSON": POST + b"content-length: 100000\r\n\r\n" + b"[" * 100_000,
    "an unknown world": b"GET /w/x HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a world without a path": b"GET /w/default HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a world of no name": b"GET /w/ HTTP/1.1\r\n" + HEAD + b"\r\n",
}  # fmt: skip


@pytest.fixture(scope="module", params=["documented", "live"])
def server(request: pytest.FixtureRequest) -> Iterator[Process]:
    # Without quirks: the live dialect imitates failures of the service, which must not hide those of the mock.
    with process("--limits", "off", "--dialect", request.param, "--quirks", "off") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _in_the_end(server: Process) -> Iterator[None]:
    """When every test is done, the server has logged no failure of its own."""
    yield
    _, printed = server.stop()
    failures = [line for line in printed.splitlines() if json.loads(line).get("traceback")]
    assert failures == []


def talk(server: Process, raw: bytes, *, half_closed: bool = False) -> bytes:
    """Send bytes and read until the server stops talking."""
    answered = b""
    with server.connect(timeout=1.5) as connection, contextlib.suppress(OSError):
        connection.sendall(raw)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.4)
        while part := connection.recv(65536):
            answered += part
    return answered


def judge(answered: bytes) -> list[int]:
    """The statuses of what came back. It is HTTP, no failure of the server, and tells nothing of its inside."""
    assert answered == b"" or answered.startswith(b"HTTP/1.1 "), answered[:200]
    assert b"Traceback" not in answered
    assert b'File "' not in answered
    return [int(status) for status in re.findall(rb"(?:^|\r\n\r\n|[\]}\"])HTTP/1\.1 (\d{3})", answered)]


@pytest.mark.parametrize("half_closed", [False, True], ids=["open", "half-closed"])
@pytest.mark.parametrize("name", _CASES)
def test_raw_bytes(server: Process, name: str, half_closed: bool) -> None:
    """Bytes that are no good request get a refusal or a closed connection, and the next client is served."""
    statuses = judge(talk(server, _CASES[name], half_closed=half_closed))
    assert all(status < 500 for status in statuses), statuses
    assert server("GET", "/ok").status == 200


@pytest.mark.parametrize(
    "start", [b"GET /", b"GET /ok HTTP/1.1\r\nx: ", b"GET /ok HTTP/1.1\r\nhost: x\r\n\r\nGET /ok?"]
)
def test_a_header_without_an_end_is_refused(server: Process, start: bytes) -> None:
    """A header, or an address, is kept up to a mebibyte: then the client is refused, however fast it goes on."""
    with server.connect(timeout=5) as connection, pytest.raises(OSError, match="."):
        connection.sendall(start)
        for _ in range(256):
            connection.sendall(b"x" * 65536)
        connection.recv(65536)
        connection.sendall(b"x")
    assert server("GET", "/ok").status == 200


def test_pipelined_requests_are_answered_in_order(server: Process) -> None:
    """Fifty requests in one piece get fifty answers, in their order."""
    paths = [b"/ok" if number % 2 else b"/nothing" for number in range(50)]
    raw = b"".join(b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n" for path in paths)
    assert judge(talk(server, raw)) == [200 if path == b"/ok" else 404 for path in paths]


def test_a_pipelined_write_is_seen_by_the_read_behind_it(server: Process) -> None:
    """Of two requests in one piece the second one sees what the first one wrote."""
    write = POST + b"content-length: %d\r\n\r\n" % len(GOOD) + GOOD
    read = b"GET /channel?app_id=com.example.shop&channel=made HTTP/1.1\r\n" + HEAD + b"\r\n"
    assert judge(talk(server, write + read)) == [200, 200]


def test_a_request_in_single_bytes(server: Process) -> None:
    """A request that comes byte by byte is a request."""
    with server.connect() as connection:
        for byte in b"GET /ok HTTP/1.1\r\nhost: x\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_client_that_hangs_up_in_the_middle_writes_nothing(server: Process) -> None:
    """A body that never came whole is not acted upon."""
    body = b'{"app_id":"com.example.shop","channel":"half"}'
    talk(server, POST + b"content-length: %d\r\n\r\n" % (len(body) + 10) + body, half_closed=True)
    names = {row["name"] for row in server("GET", "/channel?app_id=com.example.shop", key=FULL).body}
    assert "half" not in names


@pytest.mark.parametrize("seed", range(3))
def test_mutated_requests(server: Process, seed: int) -> None:
    """Good requests with bytes changed, cut, doubled or inserted bring nothing down."""
    chance = random.Random(seed)
    one = POST + b"content-length: %d\r\n\r\n" % len(GOOD) + GOOD
    good = [
        one,
        one + b"GET /ok HTTP/1.1\r\n" + HEAD + b"\r\n" + one,
        b"GET /app HTTP/1.1\r\n" + HEAD + b"\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(GOOD) + GOOD + b"\r\n0\r\n\r\n",
    ]
    for _ in range(MUTATIONS):
        raw = bytearray(chance.choice(good))
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(len(raw))
            change = chance.randrange(4)
            if change == 0:
                raw[at] = chance.randrange(256)
            elif change == 1:
                del raw[at : at + chance.choice((1, 4))]
            elif change == 2:
                raw[at:at] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 9))))
            else:
                raw[at:at] = raw[at : at + 20]
            if not raw:
                raw = bytearray(b"\r\n")
        statuses = judge(talk_once(server, bytes(raw)))
        assert all(status < 500 for status in statuses), bytes(raw)
    assert server("GET", "/ok").status == 200


def talk_once(server: Process, raw: bytes) -> bytes:
    """Send bytes, close the writing side, read what comes at once."""
    with server.connect(timeout=0.15) as connection, contextlib.suppress(OSError):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536)
    return b""
