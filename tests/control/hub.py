"""A server in process with its worlds, and one in a process of its own, for what only a socket shows."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from mock_capgo.server.app import create_app
from mock_capgo.settings import Settings

BASE = "http://127.0.0.1:8787"
SHOP = "com.example.shop"
START_SECONDS = 30


@dataclass
class Answer:
    """Status, JSON body (or text), headers by lower-case name."""

    status: int
    body: Any
    headers: dict[str, str]
    raw: bytes


class Hub:
    """A server in process. `path` may be absolute, to reach a world by its address."""

    def __init__(self, **settings: Any) -> None:
        self.app = create_app(Settings(**settings))
        self.universes = self.app.state.universes
        self.client = TestClient(self.app, base_url=BASE)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = key
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        answered = self.client.request(method, path, content=content, headers=sent)
        return Answer(answered.status_code, _parsed(answered.content), dict(answered.headers), answered.content)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a call that succeeds."""
        answer = self(method, path, body, **more)
        assert answer.status < 300, answer
        return answer.body

    def world(self, **options: Any) -> World:
        """Make a world."""
        return World(self, self.ok("POST", "/_mock/worlds", options))


class World:
    """One world of a hub, reached by its path."""

    def __init__(self, hub: Hub, made: dict[str, Any]) -> None:
        self.hub = hub
        self.made = made
        self.id: str = made["id"]
        self.keys: dict[str, str] = made["keys"]
        self.admin = self.keys.get("admin", "")

    def __call__(self, method: str, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Answer:
        return self.hub(method, f"/w/{self.id}{path}", body, key=self.admin if key is None else key, **more)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a call that succeeds."""
        answer = self(method, path, body, **more)
        assert answer.status < 300, answer
        return answer.body

    def control(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a control call on this world that succeeds."""
        return self.hub.ok(method, f"/w/{self.id}/_mock{path}", body, **more)

    def channels(self) -> set[str]:
        """The names of the shop's channels."""
        return {channel["name"] for channel in self.ok("GET", f"/channel?app_id={SHOP}")}

    def make_channel(self, name: str) -> None:
        """Make a channel in the shop."""
        self.ok("POST", "/channel", {"app_id": SHOP, "channel": name})


class Process:
    """`mock-capgo serve` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_CAPGO_")}
        command = [sys.executable, "-m", "mock_capgo", "serve", "--port", "0", "--log", "json", *arguments]
        self.popen = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.popen.stdout is not None
        first = self.popen.stdout.readline()
        if not first.startswith('{"event":"started"'):
            told = first + self.popen.communicate()[0]
            raise ValueError(f"the server did not start: {told}")
        self.started: dict[str, Any] = json.loads(first)
        self._printed: list[str] = []
        # A pipe that nobody reads fills up, and what is printed then is lost.
        self._reader = threading.Thread(target=self._printed.extend, args=(self.popen.stdout,), daemon=True)
        self._reader.start()
        parts = urlsplit(self.started["url"])
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 0

    def __call__(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, port: int | None = None, **more: str
    ) -> Answer:
        """One request on a connection of its own."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if key is not None:
            headers["authorization"] = key
        with closing(http.client.HTTPConnection(self.host, port or self.port, timeout=START_SECONDS)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answered = connection.getresponse()
            raw = answered.read()
            named = {name.lower(): value for name, value in answered.getheaders()}
            return Answer(answered.status, _parsed(raw), named, raw)

    def connect(self, timeout: float = 10) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def signal(self, which: int) -> None:
        self.popen.send_signal(which)

    def stop(self) -> tuple[float, str]:
        """End it by SIGTERM: the seconds that it took, and everything that it printed after its first line."""
        began = time.monotonic()
        self.popen.send_signal(signal.SIGTERM)
        self.popen.wait(START_SECONDS)
        took = time.monotonic() - began
        self.close()
        return took, "".join(self._printed)

    def close(self) -> None:
        """Be sure that it is gone."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self._reader.join()
        if self.popen.stdout:
            self.popen.stdout.close()


@contextmanager
def process(*arguments: str) -> Iterator[Process]:
    """A server that is surely gone at the end."""
    server = Process(*arguments)
    try:
        yield server
    finally:
        server.close()


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw
