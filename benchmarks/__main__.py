"""`python -m benchmarks`: the whole table, JSON and a plot. `--quick` for a look, with smaller worlds."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import growth, load, plot, work
from benchmarks.report import Row, table
from benchmarks.scenarios import Rounds, measure, scenarios


def main() -> int:
    """Measure, print, write. The status is 1 where a limit is missed and `--strict` was given."""
    options = _options()
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 2), min(options.seconds, 2)
        options.devices, options.requests = min(options.devices, 100_000), min(options.requests, 50_000)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    _say(f"load: {load.wrk() or 'own client (wrk is not installed)'}; {options.rounds} rounds of {options.seconds} s")
    with tempfile.TemporaryDirectory(prefix="mock-capgo-bench-") as temporary:
        folder = Path(temporary)
        rounds = measure(folder, options.rounds, options.seconds, _say)
        rows = _ratios(rounds)
        steps: list[Callable[[], Row | list[Row]]] = [
            lambda: work.cold_start(options.rounds),
            lambda: work.memory(folder, options.requests),
            lambda: work.worlds(options.rounds, options.seconds),
            lambda: work.resets(folder, options.devices),
            lambda: work.many_devices(folder, options.devices, options.rounds, min(options.seconds, 3)),
            lambda: work.statistics_of_a_year(folder, 1000),
        ]
        for step in steps:
            more = step()
            rows += more if isinstance(more, list) else [more]
            _say(rows[-1].name)
        panels = [] if options.no_plot else growth.panels(folder, min(options.seconds, 3), options.devices)
    if panels:
        plot.write(panels, out / "growth.svg")
    (out / "results.json").write_text(json.dumps(_document(options, rows, rounds, panels), indent=2))
    text = table(rows)
    (out / "results.md").write_text(text + "\n")
    print(text)
    missed = [row.name for row in rows if row.holds is False]
    return 1 if missed and options.strict else 0


def _ratios(measured: dict[str, Rounds | None]) -> list[Row]:
    rows: list[Row] = []
    for scenario in scenarios():
        rounds = measured[scenario.name]
        name = f"{scenario.name} / bare"
        if rounds is None:
            rows.append(Row(name, None, "", scenario.budget, note="device API not there"))
            continue
        failed = rounds.failed()
        note = f"{failed} answers failed" if failed else ""
        rows.append(Row(name, rounds.ratio(lambda one: one.rate), "", scenario.budget, note=note))
    first = measured[scenarios()[0].name]
    if first is not None:
        rows.append(Row("p99 at 16 connections / bare", first.ratio(lambda one: one.p99), "", 2, most=True))
    return rows


def _document(
    options: argparse.Namespace, rows: list[Row], rounds: dict[str, Rounds | None], panels: list[plot.Panel]
) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "load": "wrk" if load.wrk() else "own client",
        "options": {name: value for name, value in vars(options).items() if name != "out"},
        "rows": [row.as_json() for row in rows],
        "rounds": {name: seen and asdict(seen) for name, seen in rounds.items()},
        "growth": [asdict(panel) for panel in panels],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of each throughput row")
    parser.add_argument("--seconds", type=int, default=8, help="length of one load")
    parser.add_argument("--devices", type=int, default=1_000_000, help="how many devices are many")
    parser.add_argument("--requests", type=int, default=1_000_000, help="requests before memory is read again")
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, smaller worlds")
    parser.add_argument("--no-plot", action="store_true", help="leave growth out")
    parser.add_argument("--strict", action="store_true", help="fail where a limit is missed")
    parser.add_argument("--out", default="build/benchmarks", help="folder for results.json, results.md and growth.svg")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
