"""`mock-capgo devices`: the simulator on the command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import orjson

_BAR = 30


def add_parser(commands: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "devices",
        help="simulate a fleet of devices against a running mock",
        description="Let devices check in, download, and report installs or failures. They talk to this machine only, "
        "unless --allow-remote is said.",
    )
    parser.add_argument("--app", required=True, metavar="APP_ID", help="app of the devices")
    parser.add_argument("--count", type=int, default=100, help="how many devices (default: 100)")
    parser.add_argument("--url", default="http://127.0.0.1:8787", help="where the mock is (default: %(default)s)")
    parser.add_argument("--platforms", default="ios,android", help="comma list (default: %(default)s)")
    parser.add_argument("--duration", type=float, default=0.0, help="seconds to go on; 0 for one check-in (default)")
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between check-ins (default: 10)")
    parser.add_argument("--install-rate", type=float, default=0.95, help="share that installs (default: 0.95)")
    parser.add_argument("--fail-rate", type=float, default=0.02, help="share that fails (default: 0.02)")
    parser.add_argument("--version-build", default="1.0.0", help="native version (default: %(default)s)")
    parser.add_argument("--version-name", default="builtin", help="bundle at the start (default: %(default)s)")
    parser.add_argument("--channel", default="", help="default channel of the devices")
    parser.add_argument("--seed", type=int, default=0, help="seed of ids and luck (default: 0)")
    parser.add_argument("--no-download", action="store_true", help="report without downloading")
    parser.add_argument("--allow-remote", action="store_true", help="allow a server that is not on this machine")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run)


def run(options: dict[str, Any]) -> int:
    """Run the fleet. Returns 0, or 2 with a reason on stderr."""
    from mock_capgo.simulator import Fleet, FleetError, lines  # noqa: PLC0415 - `--help` need not load it

    try:
        fleet = Fleet(
            options["app"],
            options["count"],
            options["url"].rstrip("/"),
            tuple(name.strip() for name in options["platforms"].split(",") if name.strip()),
            options["duration"],
            max(0.01, options["interval"]),
            options["install_rate"],
            options["fail_rate"],
            options["version_name"],
            options["version_build"],
            default_channel=options["channel"],
            seed=options["seed"],
            download=not options["no_download"],
            allow_remote=options["allow_remote"],
        )
        summary = fleet.run(None if options["json"] else _progress)
    except FleetError as error:
        print(f"mock-capgo: {error}", file=sys.stderr)
        return 2
    if options["json"]:
        print(orjson.dumps(summary.as_json()).decode())
        return 0
    if sys.stderr.isatty():
        print(file=sys.stderr)
    for line in lines(summary):
        print(line)
    return 0


def _progress(done: int, total: int) -> None:
    if not sys.stderr.isatty():
        return
    full = _BAR * done // max(1, total)
    print(f"\r[{'#' * full}{'.' * (_BAR - full)}] {done}/{total} check-ins", end="", file=sys.stderr, flush=True)
