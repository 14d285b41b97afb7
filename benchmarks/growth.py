"""What work costs as it grows: devices, worlds, connections. Each point is a ratio to the smallest of its kind."""

from __future__ import annotations

from pathlib import Path

from benchmarks import load
from benchmarks.fixtures import APP, KEY, device_id, world_of
from benchmarks.load import Ask
from benchmarks.plot import Panel
from benchmarks.scenarios import prepare
from benchmarks.servers import mock

_KEYED = {"authorization": KEY}


def panels(folder: Path, seconds: float, devices: int) -> list[Panel]:
    """Three panels: requests in a second as devices, worlds and connections grow."""
    return [
        _devices(folder, seconds, devices),
        _worlds(seconds),
        _connections(folder, seconds),
    ]


def _devices(folder: Path, seconds: float, devices: int) -> Panel:
    panel = Panel("devices", "requests in a second, of the first", {"one object": [], "page in the middle": []})
    for count in (1, 1000, devices):
        with mock("--fixture", str(world_of(folder, devices=count))) as server:
            prepare(server)
            cursor = f"2026-01-01T00:00:00%2B00:00%7C{device_id(count // 2)}"
            one = load.run(server.url, [Ask("GET", f"/app/{APP}", _KEYED)], seconds)
            # Pages of ten, so that one that is full in every world is compared; of one device there is none.
            page = load.run(server.url, [Ask("GET", f"/device?app_id={APP}&limit=10&cursor={cursor}", _KEYED)], seconds)
        panel.lines["one object"].append((count, one.rate))
        if count >= 1000:
            panel.lines["page in the middle"].append((count, page.rate))
    return panel.relative()


def _worlds(seconds: float) -> Panel:
    panel = Panel("worlds", "requests in a second, of the first", {"by path": [], "by key": []})
    with mock("--limits", "off") as server:
        made: list[dict[str, object]] = []
        for count in (1, 100, 1000):
            while len(made) < count:
                made.append(server.call("POST", "/_mock/worlds", {}))
            keys = [one["keys"]["admin"] for one in made]  # type: ignore[index]
            path = [Ask("GET", f"/w/{one['id']}/app/com.example.shop", {"authorization": key})
                    for one, key in zip(made, keys, strict=True)]  # fmt: skip
            by_key = [Ask("GET", "/app/com.example.shop", {"authorization": str(key)}) for key in keys]
            panel.lines["by path"].append((count, load.run(server.url, path, seconds).rate))
            load.run(server.url, by_key, 1)
            panel.lines["by key"].append((count, load.run(server.url, by_key, seconds).rate))
    return panel.relative()


def _connections(folder: Path, seconds: float) -> Panel:
    panel = Panel("connections", "requests in a second, of the first", {"one object": []})
    with mock("--fixture", str(world_of(folder, devices=1000, channels=50))) as server:
        prepare(server)
        for count in (1, 16, 256):
            seen = load.run(server.url, [Ask("GET", f"/app/{APP}", _KEYED)], seconds, count)
            panel.lines["one object"].append((count, seen.rate))
    return panel.relative()
