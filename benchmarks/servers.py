"""Starting and stopping what is measured, and reading its memory. One process for each server."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
"""A world of a million devices takes its time to load."""


class Server:
    """A server in a process of its own."""

    def __init__(self, *command: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_CAPGO_")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        started = time.perf_counter()
        self.process = subprocess.Popen(  # noqa: S603 - our own servers
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        self.url = self._address()
        parts = urlsplit(self.url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._until_it_answers()
        self.cold_start = time.perf_counter() - started

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One request; the JSON of the answer. Raises RuntimeError for anything but success."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=START_SECONDS)
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, payload, {"content-type": "application/json", **(headers or {})})
            answered = connection.getresponse()
            raw = answered.read()
        finally:
            connection.close()
        if answered.status >= 300:
            raise RuntimeError(f"{method} {path}: {answered.status} {raw[:300]!r}")
        return json.loads(raw) if raw else None

    def raw(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """The bytes that a GET is answered with."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().read()
        finally:
            connection.close()

    def timed(self, method: str, path: str, body: Any = None, times: int = 5) -> float:
        """The median of some calls, in seconds, on one connection."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=START_SECONDS)
        payload = None if body is None else json.dumps(body).encode()
        spans = []
        with contextlib.closing(connection):
            for _ in range(times):
                started = time.perf_counter()
                connection.request(method, path, payload, {"content-type": "application/json"})
                answered = connection.getresponse()
                raw = answered.read()
                spans.append(time.perf_counter() - started)
                if answered.status >= 300:
                    raise RuntimeError(f"{method} {path}: {answered.status} {raw[:300]!r}")
        return sorted(spans)[len(spans) // 2]

    def resident(self) -> float:
        """Megabytes of resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def _address(self) -> str:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for above
        for line in self.process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                return found[0]
        raise RuntimeError(f"the server ended with status {self.process.wait()} before it listened")

    def _until_it_answers(self) -> None:
        """A connection waits in the backlog until the loop runs: the first answer is the first moment it serves."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/object" if "bare" in str(self.process.args) else "/ok")
            connection.getresponse().read()


@contextlib.contextmanager
def bare(*arguments: str) -> Iterator[Server]:
    """The bare limit."""
    yield from _running(Server("-m", "benchmarks.bare", *arguments))


@contextlib.contextmanager
def mock(*arguments: str) -> Iterator[Server]:
    """The mock, everything on but the log line for each request."""
    yield from _running(Server("-m", "mock_capgo", "serve", "--port", "0", "--log", "off", *arguments))


def _running(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.stop()
