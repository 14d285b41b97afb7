"""The process: ports, signals, and the file that is saved when it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mock_capgo.world.fixture import read_fixture
from tests.conftest import FULL
from tests.control.hub import SHOP, Process, process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def channels(server: Process) -> set[str]:
    """The names of the shop's channels."""
    return {row["name"] for row in server("GET", f"/channel?app_id={SHOP}", key=FULL).body}


def make_channel(server: Process, name: str) -> None:
    """Make a channel in the shop."""
    assert server("POST", "/channel", {"app_id": SHOP, "channel": name}, key=FULL).status == 200


def test_control_port() -> None:
    """With a port of their own the control routes are there, and nowhere else; the API is not there."""
    with process("--control-port", "0") as server:
        port = urlsplit(server.started["control_url"]).port
        assert port not in (None, server.port)
        assert server("GET", "/_mock/info", port=port).status == 200
        assert server("GET", "/_mock/info").status == 404
        assert server("GET", "/app", key=FULL).status == 200
        assert server("GET", "/app", key=FULL, port=port).status == 404
        made = server("POST", "/_mock/worlds", {}, port=port).body
        assert server("GET", "/app", key=made["keys"]["admin"]).status == 200


def test_control_port_tells_the_address_of_the_api() -> None:
    """The base URL of a world that was made on the control port is one that answers the API."""
    with process("--control-port", "0") as server:
        port = urlsplit(server.started["control_url"]).port
        made = server("POST", "/_mock/worlds", {}, port=port).body
        base = urlsplit(made["base_url"])
        assert server("GET", f"{base.path}/app", key=made["keys"]["admin"], port=base.port).status == 200


def test_control_off() -> None:
    """Without control routes nothing of them is there, also by a world's prefix."""
    with process("--control", "off") as server:
        for path in ("/_mock/info", "/_mock/health", "/w/default/_mock/info"):
            assert server("GET", path).status == 404
        assert server("GET", "/app", key=FULL).status == 200
        assert "control_url" not in server.started


def test_a_token_is_made_up_off_loopback() -> None:
    """On every interface a token guards the control routes, which the start tells; loopback asks for none."""
    with process("--host", "0.0.0.0") as server:  # noqa: S104 - for the length of this test
        token = server.started["control_token"]
        assert len(token) >= 32
        server.host = "127.0.0.1"
        assert server("GET", "/_mock/info").status == 403
        assert server("GET", "/_mock/info", x_mock_token=token).status == 200
        assert server("GET", "/_mock/health").status == 200


def test_sighup_resets(server: Process) -> None:
    """SIGHUP brings the fixture back, and the server goes on."""
    make_channel(server, "made")
    server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 5
    while "made" in channels(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "made" not in channels(server)


def test_sigterm_ends_at_once() -> None:
    """SIGTERM ends the server in good order within a second and a half, with status 0."""
    with process() as server:
        server("GET", "/ok")
        took, printed = server.stop()
        assert server.popen.returncode == 0
    assert took < 1.5
    assert "raceback" not in printed


def test_sigterm_does_not_wait_for_the_slow() -> None:
    """Neither an idle connection, nor a half sent request, nor one that waits for a fault keeps it up for long."""
    with process() as server:
        server("POST", "/_mock/faults", {"latency": 30, "path": "/app"})
        idle, half, waiting = (server.connect() for _ in range(3))
        half.sendall(b"POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
        waiting.sendall(b"GET /app HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(0.3)
        took, _ = server.stop()
        for connection in (idle, half, waiting):
            connection.close()
        assert server.popen.returncode == 0
    assert took < 2.5  # a second to drain, and the interpreter's own end


def test_sigterm_lets_a_request_finish() -> None:
    """A request that is being served when SIGTERM comes is answered."""
    with process() as server:
        server("POST", "/_mock/faults", {"latency": 0.5, "path": "/app"})
        with server.connect() as connection:
            connection.sendall(f"GET /app HTTP/1.1\r\nhost: x\r\nauthorization: {FULL}\r\n\r\n".encode())
            time.sleep(0.1)
            server.signal(signal.SIGTERM)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_it_does_not_listen_any_more_after_sigterm() -> None:
    """While it drains, it takes no new connection."""
    with process() as server:
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), timeout=1)


def test_it_saves_when_it_ends(tmp_path: Path) -> None:
    """`--save-on-exit` leaves a fixture from which the same world starts again, and nothing else in its folder."""
    file = tmp_path / "world.json"
    with process("--save-on-exit", str(file)) as server:
        make_channel(server, "kept")
        server.stop()
    assert list(tmp_path.iterdir()) == [file]
    assert read_fixture(file).load(0).state.check() == []
    with process("--fixture", str(file)) as server:
        assert "kept" in channels(server)


def test_it_saves_over_the_fixture_that_it_began_with(tmp_path: Path) -> None:
    """The same file may be the fixture and what is saved: a world that lives on from start to start."""
    file = tmp_path / "world.json"
    for number in range(2):
        arguments = ["--fixture", str(file)] if file.exists() else []
        with process(*arguments, "--save-on-exit", str(file)) as server:
            make_channel(server, f"made-{number}")
            server.stop()
    names = {row["name"] for row in json.loads(file.read_bytes())["channels"]}
    assert {"made-0", "made-1"} <= names


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """A folder that is not there is refused before the server starts, not when everything is lost."""
    file = tmp_path / "nowhere" / "world.json"
    with pytest.raises(ValueError, match="cannot be written"), process("--save-on-exit", str(file)):
        pass


def test_a_saved_file_keeps_its_mode(tmp_path: Path) -> None:
    """What is saved holds keys: no one else may read it where the file was private before."""
    file = tmp_path / "world.json"
    file.write_text("{}")
    file.chmod(0o600)
    before = os.umask(0o022)
    try:
        with process("--save-on-exit", str(file)) as server:
            server("GET", "/ok")
            server.stop()
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_signal_right_after_the_start_is_heard(tmp_path: Path) -> None:
    """As soon as the server has said that it started, SIGTERM ends it in good order."""
    file = tmp_path / "world.json"
    with process("--save-on-exit", str(file)) as server:
        server.stop()
        assert server.popen.returncode == 0
    assert file.exists()
