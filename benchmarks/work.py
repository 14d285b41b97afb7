"""The rows of the budget table that are no throughput: start, memory, resets, large worlds, many worlds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from benchmarks import load
from benchmarks.fixtures import APP, KEY, ORG, device_id, world_of
from benchmarks.load import Ask
from benchmarks.report import Row
from benchmarks.scenarios import prepare
from benchmarks.servers import Server, bare, mock

_KEYED = {"authorization": KEY}
Say = Callable[[str], None]


def cold_start(rounds: int) -> Row:
    """From spawning to the first 200, beside the bare limit."""
    with bare(), mock():
        pass  # compiled, and read from the disk once
    over = []
    for _ in range(rounds):
        with bare() as limit, mock() as ours:
            over.append(ours.cold_start - limit.cold_start)
    return Row("cold start to first 200 over bare", statistics.median(over), "s", 0.20, most=True)


def memory(folder: Path, requests: int) -> list[Row]:
    """At rest, and after many requests of every kind, refused ones and those of ever new devices included."""
    with mock() as server:
        at_rest = server.resident()
    with mock("--fixture", str(world_of(folder, devices=1000, channels=50))) as server:
        prepare(server)
        asks = [
            Ask("GET", f"/app/{APP}", _KEYED),
            Ask("GET", f"/channel?app_id={APP}", _KEYED),
            Ask("GET", f"/device?app_id={APP}&device_id={device_id(7)}", _KEYED),
            Ask("GET", "/app/com.example.nothing", _KEYED),
            Ask("GET", "/app", {"authorization": "nobody"}),
        ]
        load.run(server.url, asks, 2)
        before, sent = server.resident(), 0
        while sent < requests:
            sent += load.run(server.url, asks, 5).requests
        grown = server.resident() - before
    return [
        Row("resident memory at rest", at_rest, "MB", 50, most=True),
        Row(f"  and after {sent:,} requests more", grown, "MB", 10, most=True),
    ]


def worlds(rounds: int, seconds: float) -> list[Row]:
    """Making a world of the default fixture, and the rate of a hundred beside that of one; the journal is on."""
    with mock("--limits", "off") as server:
        server.timed("POST", "/_mock/worlds", {}, 5)
        made = server.timed("POST", "/_mock/worlds", {}, 50)
        asks = [_ask_in_a_world(server) for _ in range(100)]
        ratios = []
        for _ in range(rounds):
            one = load.run(server.url, asks[:1], seconds)
            hundred = load.run(server.url, asks, seconds)
            ratios.append(hundred.rate / one.rate)
    return [
        Row("making a world of the default fixture", made * 1000, "ms", 5, most=True),
        Row("100 worlds in parallel / one", statistics.median(ratios), "", 0.9),
    ]


def _ask_in_a_world(server: Server) -> Ask:
    made = server.call("POST", "/_mock/worlds", {})
    return Ask("GET", f"/w/{made['id']}/app/com.example.shop", {"authorization": made["keys"]["admin"]})


def resets(folder: Path, devices: int) -> list[Row]:
    """Resetting a world of ten thousand objects, and one with a great many devices."""
    rows = []
    for objects, budget in ((10_000, 5), (devices, 50)):
        with mock("--fixture", str(world_of(folder, devices=objects))) as server:
            server.call("POST", "/_mock/reset")
            took = server.timed("POST", "/_mock/reset", times=9 if objects <= 10_000 else 3)
        what = "objects" if objects == 10_000 else "devices"
        rows.append(Row(f"reset of a world with {objects:,} {what}", took * 1000, "ms", budget, most=True))
    return rows


def many_devices(folder: Path, devices: int, rounds: int, seconds: float) -> list[Row]:
    """A page in the middle of a great many devices beside one of a thousand, and what they take in memory."""
    with (
        # The live dialect: the documented one knows no order.
        mock("--dialect", "live", "--limits", "off", "--fixture", str(world_of(folder, devices=1000))) as few,
        mock("--dialect", "live", "--limits", "off", "--fixture", str(world_of(folder, devices=devices))) as many,
    ):
        held = many.resident()
        plain: list[float] = []
        ordered: list[float] = []
        for _ in range(rounds):
            for order, ratios in (("", plain), ("&order=desc", ordered)):
                quick = _time_of_page(few, 1000, order, seconds)
                slow = _time_of_page(many, devices, order, seconds)
                ratios.append(slow / quick)
    return [
        Row(f"device page in the middle of {devices:,} / of 1,000", statistics.median(plain), "", 1.5, most=True),
        Row("  the same, ordered by time", statistics.median(ordered), "", 1.5, most=True),
        Row(f"memory for {devices:,} devices", held, "MB", 600 * devices / 1_000_000, most=True),
    ]


def _time_of_page(server: Server, devices: int, order: str, seconds: float) -> float:
    """Milliseconds for one page on one connection."""
    # Devices were last seen over ninety days: the one of 45 days ago is in the middle of the order by time.
    middle = server.call("GET", f"/device?app_id={APP}&device_id={device_id(45)}", None, _KEYED)
    cursor = quote(f"{middle['updated_at']}|{device_id(devices // 2)}")
    page = Ask("GET", f"/device?app_id={APP}{order}&cursor={cursor}", _KEYED)
    if len(server.call(page.method, page.path, None, _KEYED)["data"]) < 50:
        raise RuntimeError(f"GET {page.path} is no page in the middle")
    return load.run(server.url, [page], seconds, 1).p50


def statistics_of_a_year(folder: Path, apps: int) -> Row:
    """The statistics of a year of an organization with so many apps."""
    with mock("--fixture", str(world_of(folder, apps=apps, days=364)), "--limits", "off") as server:
        now = server.call("GET", "/_mock/clock")["now"][:10]
        since = f"{int(now[:4]) - 1}{now[4:]}"
        path = f"/statistics/org/{ORG}?from={since}&to={now}"
        spans = load.run(server.url, [Ask("GET", path, _KEYED)], 3, 1)
        if spans.failed:
            raise RuntimeError(f"GET {path} was refused")
    return Row(f"statistics of a year, {apps:,} apps", spans.p50, "ms", 50, most=True)
