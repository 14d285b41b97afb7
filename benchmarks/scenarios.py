"""What is sent to the mock, and to the bare limit beside it: the throughput rows of the budget table."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load
from benchmarks.fixtures import APP, KEY, device_id, world_of
from benchmarks.load import Ask, Load
from benchmarks.servers import Server, bare, mock

# The budget of an enterprise account is 1000 requests a minute, and everything is to be counted. A world in which
# a minute takes 30 ms counts every request and refuses none.
FAST_CLOCK = 2000
_KEYED = {"authorization": KEY}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Scenario:
    """A row: what the mock is asked, what the bare limit is asked, and the budget of the ratio."""

    name: str
    budget: float
    asks: list[Ask]
    bare: list[Ask]


@dataclass
class Rounds:
    """The loads of each round, side by side."""

    mock: list[Load] = field(default_factory=list)
    bare: list[Load] = field(default_factory=list)

    def ratio(self, figure: Callable[[Load], float]) -> float:
        """The median of the ratios within a round."""
        return statistics.median(figure(ours) / figure(limit) for ours, limit in zip(self.mock, self.bare, strict=True))

    def median(self, side: str, figure: Callable[[Load], float]) -> float:
        """The median of one side."""
        return statistics.median(figure(one) for one in getattr(self, side))

    def failed(self) -> int:
        """Answers that were none, on both sides: there must not be any."""
        return sum(one.failed for one in (*self.mock, *self.bare))


def scenarios() -> list[Scenario]:
    """The rows, for the world that `world_of(devices=1000, channels=50)` makes."""
    one = Ask("GET", f"/app/{APP}", _KEYED)
    fifty = Ask("GET", f"/channel?app_id={APP}", _KEYED)
    names = [f"made-{number}" for number in range(50)]
    made = [
        ask
        for name in names
        for ask in (
            Ask("POST", "/channel", {**_KEYED, **_JSON}, json.dumps({"app_id": APP, "channel": name})),
            Ask("GET", f"/channel?app_id={APP}&channel={name}", _KEYED),
        )
    ]
    check = [Ask("POST", "/updates", _JSON, json.dumps(update_check(number))) for number in range(100)]
    bare_one, bare_bytes = Ask("GET", "/object", _KEYED), Ask("GET", "/bytes", _KEYED)
    bare_post = Ask("POST", "/object", {**_KEYED, **_JSON}, made[0].body)
    return [
        Scenario("authenticated GET of one object", 0.75, [one], [bare_one]),
        Scenario("list of 50 channels", 0.60, [fifty], [bare_bytes]),
        Scenario("POST channel + GET it back", 0.50, made, [bare_post, bare_one]),
        Scenario("POST /updates, known device", 0.50, check, [Ask("POST", "/object", _JSON, check[0].body)]),
    ]


def update_check(number: int) -> dict[str, object]:
    """The update check of one of the devices of the generated world."""
    return {
        "app_id": APP,
        "device_id": device_id(number),
        "platform": "android",
        "version_name": "1.1.0",
        "version_build": "1.0.0",
        "version_os": "14",
        "plugin_version": "7.0.0",
        "is_emulator": False,
        "is_prod": True,
    }


def measure(folder: Path, rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Rounds | None]:
    """Run every row in interleaved rounds; None for a row whose operation is not there."""
    fixture = world_of(folder, devices=1000, channels=50)
    found: dict[str, Rounds | None] = {}
    with ExitStack() as stack:
        ours = stack.enter_context(mock("--fixture", str(fixture)))
        prepare(ours)
        told, constant = folder / "object.json", folder / "list.json"
        told.write_bytes(ours.raw(f"/app/{APP}", _KEYED))
        constant.write_bytes(ours.raw(f"/channel?app_id={APP}", _KEYED))
        limit = stack.enter_context(bare("--object", str(told), "--bytes", str(constant)))
        rows = [row for row in scenarios() if _is_there(ours, row)]
        found = {row.name: Rounds() if row in rows else None for row in scenarios()}
        for row in rows:
            load.run(ours.url, row.asks, 1)
        for number in range(rounds):
            for row in rows:
                seen = found[row.name]
                assert seen is not None  # noqa: S101 - made above
                seen.bare.append(load.run(limit.url, row.bare, seconds))
                seen.mock.append(load.run(ours.url, row.asks, seconds))
                say(f"round {number + 1}: {row.name}: {seen.mock[-1].rate / seen.bare[-1].rate:.2f}")
    return found


def prepare(server: Server) -> None:
    """Let the clock of the default world run, so that limits count and never refuse."""
    server.call("POST", "/_mock/clock", {"rate": FAST_CLOCK})


def _is_there(server: Server, row: Scenario) -> bool:
    try:
        server.call(row.asks[0].method, row.asks[0].path, row.asks[0].body.encode() or None, row.asks[0].headers)
    except RuntimeError as error:
        if ": 404 " in str(error):
            return False
        raise
    return True
