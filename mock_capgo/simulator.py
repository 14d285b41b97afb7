"""A fleet of simulated devices: they check in, download, report installs or failures, and check in again.

Belongs here: what a device does, at which rates, and the summary. A fleet talks HTTP like any device, so that
it fills the same statistics and drives the same rollouts. It talks to loopback only unless told otherwise.
"""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from mock_capgo.control.guard import is_loopback

WORKERS = 8
TIMEOUT = 30.0
"""Seconds that a device waits for an answer."""


class FleetError(Exception):
    """The fleet cannot start, or nobody answers it; the text says what to do."""


@dataclass
class SimulatedDevice:
    """One device: what it says of itself, and the bundle that it runs."""

    device_id: str
    platform: str
    version_name: str
    offered: str | None = None


@dataclass
class Summary:
    """What came of a run: how often each thing happened, and which bundle how many devices run."""

    check_ins: int = 0
    offers: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    downloads: int = 0
    downloaded_bytes: int = 0
    installs: int = 0
    failures: int = 0
    errors: int = 0
    running: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in shown.items()}


@dataclass
class Fleet:
    """A fleet of `count` devices of one app.

    `duration` and `interval` are seconds: each device checks in every `interval` for `duration`, and once
    when that is 0. `install_rate` and `fail_rate` are shares of the devices that were offered a bundle; the
    rest downloads it and waits. Ids, platforms and luck follow from `seed`.
    """

    app_id: str
    count: int = 100
    url: str = "http://127.0.0.1:8787"
    platforms: tuple[str, ...] = ("ios", "android")
    duration: float = 0.0
    interval: float = 10.0
    install_rate: float = 0.95
    fail_rate: float = 0.02
    version_name: str = "builtin"
    version_build: str = "1.0.0"
    plugin_version: str = "8.41.0"
    default_channel: str = ""
    seed: int = 0
    download: bool = True
    allow_remote: bool = False

    def __post_init__(self) -> None:
        host = urlsplit(self.url).hostname or ""
        if not self.allow_remote and not is_loopback(host):
            raise FleetError(f"{host} is not this machine; say --allow-remote if you mean it, and may do it")
        unknown = set(self.platforms) - {"ios", "android", "electron"}
        if unknown or not self.platforms:
            raise FleetError(f"platforms are ios, android and electron, not {', '.join(unknown) or 'none'}")
        if not 0 <= self.install_rate <= 1 or not 0 <= self.fail_rate <= 1 - self.install_rate + 1e-9:
            raise FleetError("rates are shares: from 0 to 1, and together not over 1")
        if self.count < 1:
            raise FleetError("a fleet has at least one device")
        self._random = random.Random(self.seed)
        self.devices = [
            SimulatedDevice(
                str(UUID(int=self._random.getrandbits(128), version=4)),
                self.platforms[number % len(self.platforms)],
                self.version_name,
            )
            for number in range(self.count)
        ]

    def run(self, progress: Callable[[int, int], None] | None = None) -> Summary:
        """Let every device check in until the duration is over. Raises FleetError when nobody answers.

        `progress` is told how many check-ins are done and how many there will be about.
        """
        summary = Summary()
        started = time.monotonic()
        rounds = 1 + int(self.duration / self.interval) if self.duration else 1
        with ThreadPoolExecutor(WORKERS) as pool:
            for number in range(rounds):
                begin = time.monotonic()
                shares = [self.devices[at::WORKERS] for at in range(WORKERS)]
                luck = [random.Random(self._random.getrandbits(64)) for _ in shares]
                for part in pool.map(self._check_in_share, shares, luck):
                    _add(summary, part)
                    if progress is not None:
                        progress(summary.check_ins, rounds * self.count)
                if summary.errors == summary.check_ins:
                    raise FleetError(f"nobody answers at {self.url}: start `mock-capgo serve`, or say --url")
                if number + 1 < rounds:
                    time.sleep(max(0.0, self.interval - (time.monotonic() - begin)))
        summary.running = Counter(device.version_name for device in self.devices)
        summary.seconds = round(time.monotonic() - started, 3)
        return summary

    def _check_in_share(self, devices: list[SimulatedDevice], luck: random.Random) -> Summary:
        """One check-in of some devices, over one connection."""
        summary = Summary()
        connection = _Connection(self.url)
        for device in devices:
            summary.check_ins += 1
            try:
                self._check_in(connection, device, luck, summary)
            except (OSError, http.client.HTTPException, ValueError):
                summary.errors += 1
        connection.close()
        return summary

    def _check_in(
        self, connection: _Connection, device: SimulatedDevice, luck: random.Random, summary: Summary
    ) -> None:
        status, answered = connection.send("POST", "/updates", self._said(device))
        if status != 200 or "version" not in answered or "error" in answered:
            summary.outcomes[str(answered.get("error", status))] += 1
            return
        version = str(answered["version"])
        summary.offers[version] += 1
        device.offered = version
        if self.download:
            self._download(connection, answered, summary)
        draw = luck.random()
        if draw < self.install_rate:
            self._report(connection, device, version, "download_complete")
            self._report(connection, device, version, "set")
            device.version_name = version
            summary.installs += 1
        elif draw < self.install_rate + self.fail_rate:
            self._report(connection, device, version, "set_fail")
            summary.failures += 1

    def _download(self, connection: _Connection, answered: dict[str, Any], summary: Summary) -> None:
        """Fetch the bundle where the mock itself has it; no other address is ever asked."""
        url = str(answered.get("url", ""))
        if not url.startswith(self.url.rstrip("/") + "/"):
            return
        parts = urlsplit(url)
        size = connection.fetch(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        if size is not None:
            summary.downloads += 1
            summary.downloaded_bytes += size

    def _report(self, connection: _Connection, device: SimulatedDevice, version: str, action: str) -> None:
        event = {"action": action, "version_name": version, "old_version_name": device.version_name}
        connection.send("POST", "/stats", self._said(device) | event)

    def _said(self, device: SimulatedDevice) -> dict[str, Any]:
        return {
            "app_id": self.app_id,
            "device_id": device.device_id,
            "platform": device.platform,
            "plugin_version": self.plugin_version,
            "version_name": device.version_name,
            "version_build": self.version_build,
            "version_os": "17",
            "version_code": "1",
            "custom_id": "",
            "is_prod": True,
            "is_emulator": False,
            "defaultChannel": self.default_channel,
        }


class _Connection:
    """One kept-alive connection; opened again when the server closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)

    def send(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """A JSON call and its JSON answer."""
        status, raw = self._exchange(method, self._prefix + path, orjson.dumps(body))
        answered = orjson.loads(raw) if raw else {}
        return status, answered if isinstance(answered, dict) else {}

    def fetch(self, path: str) -> int | None:
        """The size of a file in bytes, None where there is none."""
        status, raw = self._exchange("GET", path, None)
        return len(raw) if status == 200 else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        for last in (False, True):
            try:
                self._connection.request(method, path, body, {"content-type": "application/json"} if body else {})
                answered = self._connection.getresponse()
                return answered.status, answered.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if last:
                    raise
        raise AssertionError("unreachable")


def _add(total: Summary, part: Summary) -> None:
    for name in ("check_ins", "downloads", "downloaded_bytes", "installs", "failures", "errors"):
        setattr(total, name, getattr(total, name) + getattr(part, name))
    total.offers.update(part.offers)
    total.outcomes.update(part.outcomes)


def lines(summary: Summary) -> Iterator[str]:
    """The summary for a terminal."""
    yield f"{summary.check_ins} check-ins in {summary.seconds:.1f} s, {summary.errors} without an answer"
    counted = {"offered": summary.offers, "not updated": summary.outcomes, "running": summary.running}
    for title, counter in counted.items():
        for name, number in counter.most_common():
            yield f"  {title:<12} {name:<40} {number:>8}"
    yield f"{summary.downloads} downloads ({summary.downloaded_bytes} bytes)"
    yield f"{summary.installs} installs, {summary.failures} failures"
