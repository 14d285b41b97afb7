"""`mock-capgo serve` as a process of its own: what it prints, what it answers over a socket, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_capgo import __version__
from mock_capgo.server.openapi import bundled
from tests.conftest import ACME, EXPIRED, FULL, HASHED, SHOP
from tests.oracle import Oracle

ROOT = Path(__file__).resolve().parent.parent
ENDS_WITHIN = 2.5
"""Seconds: one for requests that are still being served, the rest for a slow machine."""


@dataclass
class Serving:
    """A server process, and its first line."""

    process: subprocess.Popen[bytes]
    first: Any
    url: str = ""
    address: tuple[str, int] = field(default=("", 0))

    def __post_init__(self) -> None:
        self.url = self.first["url"]
        parts = urlsplit(self.url)
        self.address = (parts.hostname or "", parts.port or 0)

    def line(self) -> str:
        """The next line of what it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answered = connection.getresponse()
            return answered.status, {name.lower(): value for name, value in answered.getheaders()}, answered.read()
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """Send bytes as they are, and give what comes back before the connection ends or falls silent."""
        with socket.create_connection(self.address, timeout=0.5) as connection:
            connection.sendall(sent)
            received = b""
            try:
                while part := connection.recv(65_536):
                    received += part
            except TimeoutError:
                pass
            return received

    def stop(self, name: int = signal.SIGTERM) -> tuple[int, float, bytes, bytes]:
        """End it with a signal: status, seconds, and the rest of what it printed."""
        started = time.monotonic()
        self.process.send_signal(name)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - started, out, err


def command(*arguments: str) -> list[str]:
    """The command line of a server."""
    return [sys.executable, "-m", "mock_capgo", "serve", *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment of this process, from the checkout, with variables that a test adds."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@contextmanager
def serving(*arguments: str, log: str = "json", **variables: str) -> Iterator[Serving]:
    """A server on a free port, ended when the test is done."""
    process = subprocess.Popen(
        command("--port", "0", "--log", log, *arguments),
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        first = json.loads(line) if log == "json" else {"url": line.split()[-1]}
        yield Serving(process, first)
    finally:
        process.kill()
        process.communicate()


def refused(*arguments: str) -> str:
    """What a server that cannot start says; it ends with status 2 and prints nothing else."""
    ended = subprocess.run(
        command("--log", "json", *arguments), cwd=ROOT, env=environment(), capture_output=True, timeout=30, check=False
    )
    assert ended.returncode == 2, ended.stderr.decode()
    assert ended.stdout == b""
    said = ended.stderr.decode()
    assert said.startswith("mock-capgo: ")
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """A server that the tests of this module share, with limits off."""
    with serving("--limits", "off", log="json") as started:
        yield started


# What it prints ---------------------------------------------------------------------------------------------


def test_the_first_line_says_where_and_with_which_keys(server: Serving) -> None:
    """The first line is JSON: the address that was bound, the version, and every key with what it may do."""
    first = server.first
    expected = {
        "event": "started",
        "version": __version__,
        "dialect": "documented",
        "fixture": "default",
        "limits": "off",
    }
    assert expected.items() <= first.items()
    assert first["url"] == f"http://127.0.0.1:{server.address[1]}"
    assert server.address[1] > 0
    keys = {key["key"]: key for key in first["keys"]}
    assert {FULL, HASHED, EXPIRED} <= keys.keys()
    assert "org_super_admin" in keys[FULL]["role"]
    assert "expired" in keys[EXPIRED]["role"]
    for value in keys:
        status, _, _ = server.ask("GET", "/organization/", authorization=value)
        assert status == (401 if value == EXPIRED else 200)


def test_every_line_is_json() -> None:
    """Requests are logged one a line, refusals with their reason, whatever stands in their path."""
    with serving() as started:
        started.ask("GET", f"/app/{SHOP}", authorization=FULL)
        started.ask("GET", "/app/", authorization="wrong")
        started.ask("GET", "/%0a%1b%5b31m%e2%82%ac%ff")
        started.ask("POST", "/app/", b" " * (1024 * 1024 + 1), authorization=FULL)
        started.ask("POST", "/_mock/reset")
        started.raw(b"nonsense\r\n\r\n")
        status, _, out, err = started.stop()
    lines = [json.loads(line) for line in out.decode().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    seen = [(one["method"], one["path"], one["operation"], one["status"], one["refusal"]) for one in requests[:3]]
    assert seen == [
        ("GET", f"/app/{SHOP}", "getApp", 200, None),
        ("GET", "/app/", "listApps", 401, "INVALID_APIKEY"),
        ("GET", "/\n\x1b[31m€�", None, 404, "NOT_FOUND"),
    ]
    assert requests[3]["status"] == 413
    assert all(line["duration_ms"] >= 0 and line["time"].endswith("Z") for line in requests)
    assert all(json.loads(line) for line in err.decode().splitlines())
    assert status == 0


def test_the_text_log_is_for_people() -> None:
    """As text there is the address, the keys, and a line for each request, which cannot move a terminal's cursor."""
    with serving(log="text") as started:
        banner = started.line()
        while FULL not in (line := started.line()):
            banner += line
        started.ask("GET", "/%1b%5b2J%0d")
        _, _, out, _ = started.stop()
    text = banner + out.decode()
    assert "dialect documented" in text
    assert "GET" in text
    assert "\x1b" not in text
    assert "\r" not in text


def test_the_log_can_be_off() -> None:
    """Without a log a server says where it is, and then nothing."""
    with serving("--log", "off", log="text") as started:
        started.ask("GET", "/ok")
        _, _, out, err = started.stop()
    assert b"/ok" not in out
    assert err == b""


@pytest.mark.parametrize("coding", ["ascii", "latin-1", "cp1252"])
def test_a_narrow_terminal_harms_no_request(coding: str) -> None:
    """Where the log cannot be written as it is, the answer is the same."""
    with serving(log="text", PYTHONIOENCODING=coding) as started:
        status, _, body = started.ask("GET", "/%E6%A0%AA")
        assert (status, json.loads(body)["status"]) == (404, "KO")


def test_whoever_started_it_may_stop_listening() -> None:
    """A server whose output nobody reads any more goes on serving."""
    with serving() as started:
        assert started.process.stdout is not None
        started.process.stdout.close()
        for _ in range(3):
            status, _, body = started.ask("GET", "/ok")
            assert (status, json.loads(body)) == (200, {"status": "ok"})


@pytest.mark.parametrize("log", ["text", "json"])
def test_whoever_started_it_need_not_read(log: str) -> None:
    """A server whose output piles up unread goes on serving, ends as ever, and says how much it did not print."""
    path = "/" + "a" * 5000
    with serving("--limits", "off", log=log) as started:
        with closing(http.client.HTTPConnection(*started.address, timeout=2)) as connection:
            for _ in range(400):
                connection.request("GET", path)
                assert connection.getresponse().read()
        status, seconds, out, _ = started.stop()
    assert (status, seconds < ENDS_WITHIN) == (0, True)
    # communicate() reads while the server ends: what was kept comes then, whole, and the notice in the end.
    lines = out.decode().splitlines()
    printed = [line for line in lines if path in line]
    dropped = re.search(r"(\d+) lines were not printed" if log == "text" else r'"dropped".*"lines":(\d+)', lines[-1])
    assert dropped is not None, lines[-1][:200]
    assert len(printed) + int(dropped[1]) == 400
    assert all(path in line for line in lines[-5:-1])


def test_complaints_that_nobody_reads_hold_nobody_up() -> None:
    """A flood of requests that are no HTTP, each complained about to nobody, stops nothing, not even the end."""
    with serving() as started:
        for _ in range(2000):
            with socket.create_connection(started.address, timeout=2) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(ENDS_WITHIN) == 0


def test_it_serves_without_the_fast_parser() -> None:
    """Where httptools and uvloop are not to be had the server serves all the same, and says what it cannot do."""
    script = (
        "import sys; sys.modules.update(httptools=None, uvloop=None); "
        "from mock_capgo.cli import main; main(['serve', '--port', '0', '--log', 'json'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            started = Serving(process, json.loads(process.stdout.readline()))
            assert started.ask("GET", f"/app/{SHOP}", authorization=FULL)[0] == 200
            status, _, _, err = started.stop()
        finally:
            process.kill()
    assert status == 0
    assert [json.loads(line)["message"] for line in err.decode().splitlines()] == [
        "without httptools, slow clients are waited for without an end"
    ]


# Over a socket ----------------------------------------------------------------------------------------------


def test_the_document_is_the_contract(server: Serving) -> None:
    """A running server gives its contract away, and honours it."""
    status, headers, body = server.ask("GET", "/openapi.json")
    assert (status, json.loads(body)) == (200, bundled("documented"))
    oracle = Oracle("documented")
    for path in ("/organization/", "/app/", f"/channel/?app_id={SHOP}", f"/device/?app_id={SHOP}", "/apikey/"):
        status, headers, body = server.ask("GET", path, authorization=FULL)
        oracle.check("GET", path.partition("?")[0], status, headers, json.loads(body))


def test_one_connection_serves_many_requests(server: Serving) -> None:
    """A connection stays open between requests, also after a refusal."""
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.connect()
    first = connection.sock
    for path, expected in (("/ok", 200), ("/nowhere", 404), ("/app/", 401), ("/ok", 200)):
        connection.request("GET", path)
        answered = connection.getresponse()
        answered.read()
        assert answered.status == expected
        assert connection.sock is first
    connection.close()


def test_head_has_no_body(server: Serving) -> None:
    """After the headers of a HEAD comes the next answer, and not the body."""
    sent = f"HEAD /app/ HTTP/1.1\r\nHost: x\r\nauthorization: {FULL}\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\n\r\n"
    first, _, rest = server.raw(sent.encode()).partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200")
    assert rest.startswith(b"HTTP/1.1 200")
    assert rest.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("chunk", [1024 * 1024 + 1, 65_536], ids=["one chunk", "many chunks"])
def test_a_chunked_body_over_a_mebibyte_is_413(server: Serving, chunk: int) -> None:
    """A body that does not say how long it is ends where the limit is."""
    parts = [b" " * chunk] * (-(-(1024 * 1024 + 1) // chunk))
    status, _, body = server.ask("POST", "/app/", iter(parts), authorization=FULL)
    assert (status, json.loads(body)) == (413, {"error": "The body is over 1 MiB", "status": "KO"})


def test_a_body_that_announces_too_much_is_not_waited_for(server: Serving) -> None:
    """A length over the limit is refused before the body comes, and the connection ends."""
    sent = f"POST /app/ HTTP/1.1\r\nHost: x\r\nauthorization: {FULL}\r\nContent-Length: 10000000000\r\n\r\n"
    received = server.raw(sent.encode())
    assert received.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in received.lower()


def test_a_chunked_body_is_read(server: Serving) -> None:
    """A body in pieces is the same body."""
    body = json.dumps({"app_id": "com.example.chunked", "name": "x", "owner_org": ACME}).encode()
    parts = [body[at : at + 7] for at in range(0, len(body), 7)]
    status, _, answered = server.ask("POST", "/app/", iter(parts), authorization=FULL)
    assert status == 200, answered
    assert server.ask("DELETE", "/app/com.example.chunked", authorization=FULL)[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /app/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: x\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nno header\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: [\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:24]),
)
def test_what_is_no_http_does_no_harm(server: Serving, sent: bytes) -> None:
    """Broken requests and connections that break off leave the server serving, and get no 5xx."""
    received = server.raw(sent)
    assert not received.startswith(b"HTTP/1.1 5"), received[:200]
    assert server.ask("GET", "/ok")[0] == 200


def test_requests_at_once_are_served_one_by_one(server: Serving) -> None:
    """Of many connections that create the same app at once, one succeeds."""
    body = json.dumps({"app_id": "com.example.race", "name": "x", "owner_org": ACME}).encode()
    connections = [http.client.HTTPConnection(*server.address, timeout=10) for _ in range(20)]
    for connection in connections:
        connection.request("POST", "/app/", body, {"authorization": FULL})
    statuses = []
    for connection in connections:
        answered = connection.getresponse()
        answered.read()
        statuses.append(answered.status)
        connection.close()
    assert sorted(statuses) == [200] + [400] * 19


# How it ends, and how it does not begin ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(name: int) -> None:
    """A signal ends the server soon and well, also while clients keep connections open, one of them in mid-sentence."""
    with serving() as started:
        connection = http.client.HTTPConnection(*started.address, timeout=10)
        connection.request("GET", "/ok")
        connection.getresponse().read()
        half = socket.create_connection(started.address)
        half.sendall(b"POST /app/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        status, seconds, _, _ = started.stop(name)
        half.close()
        connection.close()
    assert status == 0
    assert seconds < ENDS_WITHIN


def test_a_port_in_use_is_told(server: Serving) -> None:
    """A second server on the same port ends with status 2 and a way out."""
    said = refused("--port", str(server.address[1]))
    assert str(server.address[1]) in said
    assert "--port" in said


def test_an_address_of_another_machine_is_told() -> None:
    """An address that cannot be listened on ends with status 2 and is named."""
    assert "192.0.2.1" in refused("--host", "192.0.2.1", "--port", "0")


@pytest.mark.parametrize(
    ("text", "pointer", "reason"),
    [
        (
            '{"format": 1, "apps": [{"app_id": "com.example.a", "org": "Nobody", "name": "A"}]}',
            "/apps/0/org",
            "no organization",
        ),
        ('{"format": 1, "users": [{"email": "a@example.com"}, {"email": 5}]}', "/users/1/email", ""),
        ('{"format": 1, "userz": []}', "userz", ""),
        ('{"format": 99}', "/format", ""),
        ("{}", "format", ""),
        ("[]", "", "object"),
        ('{"format": 1,', "", "JSON"),
        ("", "", "JSON"),
    ],
)
def test_a_bad_fixture_is_told_by_place(tmp_path: Path, text: str, pointer: str, reason: str) -> None:
    """A fixture that cannot be loaded ends with status 2, the file, the place in it and what is wrong there."""
    file = tmp_path / "world.json"
    file.write_text(text)
    said = refused("--fixture", str(file), "--port", "0")
    assert str(file) in said
    assert pointer in said
    assert reason in said


def test_a_fixture_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file, a folder and an unknown name end with status 2, and say which names there are."""
    assert str(tmp_path / "nowhere.json") in refused("--fixture", str(tmp_path / "nowhere.json"))
    assert str(tmp_path) in refused("--fixture", str(tmp_path))
    assert "default" in refused("--fixture", "nowhere")


def test_a_world_of_ones_own(tmp_path: Path) -> None:
    """A fixture file is served, and its keys are printed."""
    file = tmp_path / "world.json"
    row = {"user": "ada@example.com", "name": "CI", "key": "ci-key", "bindings": [{"role": "org_admin", "org": "Acme"}]}
    document = {
        "format": 1,
        "users": [{"email": "ada@example.com"}],
        "organizations": [{"name": "Acme", "created_by": "ada@example.com"}],
        "api_keys": [row],
    }
    file.write_text(json.dumps(document))
    with serving("--fixture", str(file)) as started:
        assert [key["key"] for key in started.first["keys"]] == ["ci-key"]
        status, _, body = started.ask("GET", "/organization/", authorization="ci-key")
        assert (status, [one["name"] for one in json.loads(body)["data"]]) == (200, ["Acme"])
