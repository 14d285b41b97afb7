"""The load: wrk from the system's packages, and where it is missing a client of our own.

Belongs here: sending, counting, latencies. The same tool is used for both sides of a ratio, always.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Ask:
    """One request of a scenario."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What came of a load: requests in a second, latencies in milliseconds, and answers that were none."""

    rate: float
    p50: float
    p99: float
    requests: int
    failed: int


@cache
def wrk() -> str | None:
    """The path of wrk, None where it is not installed."""
    return shutil.which("wrk")


def run(url: str, asks: list[Ask], seconds: float, connections: int = 16) -> Load:
    """Send the requests in turn over so many connections for so long."""
    tool = wrk()
    if tool is None:
        return asyncio.run(_own_client(url, asks, seconds, connections))
    with tempfile.TemporaryDirectory(prefix="mock-capgo-bench-") as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_lua(asks))
        command = [tool, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - wrk
    return parse(done.stdout)


def parse(text: str) -> Load:
    """The figures in what wrk printed. Lines are anchored: a latency is not to be taken for a rate."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", text, re.MULTILINE)
    total = re.search(r"^\s+(\d+) requests in ", text, re.MULTILINE)
    if rate is None or total is None:
        raise RuntimeError(f"wrk printed no figures:\n{text}")
    bad = re.search(r"^\s+Non-2xx or 3xx responses: (\d+)", text, re.MULTILINE)
    errors = re.search(r"^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text, re.MULTILINE)
    failed = (int(bad[1]) if bad else 0) + (sum(map(int, errors.groups())) if errors else 0)
    return Load(float(rate[1]), _percentile(text, 50), _percentile(text, 99), int(total[1]), failed)


def _percentile(text: str, which: int) -> float:
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")


def _lua(asks: list[Ask]) -> str:
    """A script that has every request ready and sends them in turn."""
    rows = [
        f"  wrk.format({_quoted(ask.method)}, {_quoted(ask.path)}, {{{_table(ask.headers)}}}, "
        f"{_quoted(ask.body) if ask.body else 'nil'}),"
        for ask in asks
    ]
    return "\n".join(
        [
            "local made, at = {}, 0",
            "init = function(args)",
            "  made = {",
            *rows,
            "  }",
            "end",
            "request = function()",
            "  at = at % #made + 1",
            "  return made[at]",
            "end",
        ]
    )


def _quoted(text: str) -> str:
    # The escapes of JSON that may occur here are those of Lua.
    return json.dumps(text)


def _table(headers: dict[str, str]) -> str:
    return ", ".join(f"[{_quoted(name)}] = {_quoted(value)}" for name, value in headers.items())


async def _own_client(url: str, asks: list[Ask], seconds: float, connections: int) -> Load:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    raw = [_bytes(ask, f"{host}:{port}") for ask in asks]
    ends = time.perf_counter() + seconds
    spans: list[float] = []
    failed = 0

    async def client(at: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, port)
        while time.perf_counter() < ends:
            started = time.perf_counter()
            writer.write(raw[at % len(raw)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if length:
                await reader.readexactly(int(length[1]))
            spans.append(time.perf_counter() - started)
            failed += head[9:10] not in (b"2", b"3")
            at += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(connections)))
    took = time.perf_counter() - started
    spans.sort()
    middle, late = spans[len(spans) // 2], spans[min(len(spans) - 1, len(spans) * 99 // 100)]
    return Load(len(spans) / took, middle * 1000, late * 1000, len(spans), failed)


def _bytes(ask: Ask, host: str) -> bytes:
    body = ask.body.encode()
    headers = {"host": host, **ask.headers, **({"content-length": str(len(body))} if body else {})}
    lines = [f"{ask.method} {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
