"""`python -m benchmarks.soak`: ten minutes at full load, every kind of request; memory and latency have to stay flat.

The load is the same all the time, reads, writes and refusals, in the default world and in ones that come and go. What
grows by design is the state: so writes are made to the same things over and over, and the world is reset each slice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.fixtures import APP, KEY, device_id, world_of
from benchmarks.load import Ask
from benchmarks.scenarios import prepare, update_check
from benchmarks.servers import Server, bare, mock

SLICES = 20
MEMORY_LIMIT = 10.0
"""Megabytes from the end of the first quarter, when journals are full, to the end."""
LATENCY_LIMIT = 1.5
"""The p99 of the last quarter over that of the first one, each beside the bare limit's in the same slice."""

_KEYED = {"authorization": KEY}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Slice:
    """One slice of the run."""

    seconds: float
    rate: float
    p50: float
    p99: float
    failed: int
    resident: float
    bare_p99: float


def main() -> int:
    """Run, print, and fail where something is not flat."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--out", default="build/benchmarks")
    options = parser.parse_args()
    length = max(1.0, options.seconds / SLICES)
    with tempfile.TemporaryDirectory(prefix="mock-capgo-soak-") as temporary:
        fixture = world_of(Path(temporary), devices=1000, channels=50)
        with bare() as limit, mock("--fixture", str(fixture)) as server:
            slices = _run(server, limit, length)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "soak.json").write_text(json.dumps([asdict(one) for one in slices], indent=2))
    return _judge(slices)


def _run(server: Server, limit: Server, length: float) -> list[Slice]:
    slices: list[Slice] = []
    began = time.perf_counter()
    for number in range(SLICES):
        server.call("POST", "/_mock/reset", {})
        prepare(server)
        made = [server.call("POST", "/_mock/worlds", {"ttl": 60}) for _ in range(5)]
        beside = load.run(limit.url, [Ask("GET", "/object")], length / 5)
        seen = load.run(server.url, _asks(made, number), length * 4 / 5)
        for one in made:
            server.call("DELETE", f"/_mock/worlds/{one['id']}")
        at = time.perf_counter() - began
        slices.append(Slice(at, seen.rate, seen.p50, seen.p99, seen.failed, server.resident(), beside.p99))
        print(_line(slices[-1]), file=sys.stderr, flush=True)
    return slices


def _asks(worlds: list[dict[str, object]], number: int) -> list[Ask]:
    """A mixture of everything. Each slice has devices and addresses of its own, which nothing may remember for ever."""
    asks = [Ask("GET", f"/app/{APP}", _KEYED) for _ in range(20)]
    for one in range(40):
        body = json.dumps({"app_id": APP, "channel": f"channel-{one}", "version": "1.2.0"})
        asks += [
            Ask("GET", f"/channel?app_id={APP}&channel=channel-{one}", _KEYED),
            Ask("GET", f"/device?app_id={APP}&device_id={device_id(one)}", _KEYED),
            Ask(
                "POST", "/updates", {**_JSON, "x-forwarded-for": f"10.1.{number}.{one}"}, json.dumps(update_check(one))
            ),
            Ask("POST", "/channel", {**_KEYED, **_JSON}, body) if one % 10 == 0 else Ask("GET", "/ok"),
        ]
    asks.append(Ask("GET", f"/channel?app_id={APP}", _KEYED))
    for world in worlds:
        keys = world["keys"]
        assert isinstance(keys, dict)  # noqa: S101 - as the mock tells it
        asks.append(Ask("GET", f"/w/{world['id']}/ok", {"authorization": keys["admin"]}))
    return asks


def _judge(slices: list[Slice]) -> int:
    quarter = max(1, len(slices) // 4)
    first, last = slices[1 : 1 + quarter] or slices, slices[-quarter:]
    memory = last[-1].resident - first[-1].resident
    early = statistics.median(one.p99 / one.bare_p99 for one in first)
    late = statistics.median(one.p99 / one.bare_p99 for one in last)
    failed = sum(one.failed for one in slices)
    print(
        "| at | requests/s | p50 ms | p99 ms | failed | memory MB | bare p99 ms |\n|---:|---:|---:|---:|---:|---:|---:|"
    )
    for one in slices:
        print(_line(one))
    print(f"\nmemory grew by {memory:.1f} MB (limit {MEMORY_LIMIT}), p99 {late / early:.2f} of the beginning's "
          f"(limit {LATENCY_LIMIT}), {failed} answers failed")  # fmt: skip
    return 0 if memory <= MEMORY_LIMIT and late <= early * LATENCY_LIMIT and not failed else 1


def _line(one: Slice) -> str:
    cells = (f"{one.seconds:.0f} s", f"{one.rate:,.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}", str(one.failed))
    return f"| {' | '.join(cells)} | {one.resident:.1f} | {one.bare_p99:.2f} |"


if __name__ == "__main__":
    sys.exit(main())
