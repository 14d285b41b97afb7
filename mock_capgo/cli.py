"""The command line: `mock-capgo`, and the verbs that it has."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from mock_capgo import __version__, contract_command, devices_command, fixture_command, probe
from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings, SettingsError, resolve

CANNOT_RUN = 2
"""Exit status for a command that could not be run at all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status: 0, or 2 with a reason on stderr."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    run = options.pop("run", None)
    if run is None:
        parser.print_help()
        return 0
    status: int = run(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mock-capgo", description="Capgo's cloud API on your own machine: offline, with state."
    )
    parser.add_argument("--version", action="version", version=f"mock-capgo {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="start the server",
        description="Start the server. Every option is also an environment variable "
        f"({ENVIRONMENT_PREFIX}PORT for --port) and a key of the file given by --config (port = 8787); "
        "a flag wins over the environment, and that over the file.",
    )
    serve.add_argument("--config", metavar="FILE", help="TOML file with options")
    for option in fields(Settings):
        choices = option.metadata["choices"]
        serve.add_argument(
            f"--{option.name.replace('_', '-')}",
            metavar=None if choices else option.name.upper(),
            choices=choices or None,
            help=f"{option.metadata['help']} (default: {option.default})",
        )
    serve.set_defaults(run=_serve)
    devices_command.add_parser(commands)
    fixture_command.add_parser(commands)
    contract_command.add_parser(commands)
    probe.add_parser(commands)
    return parser


def _serve(options: dict[str, Any]) -> int:
    try:
        settings = resolve(options, os.environ, options.pop("config", None))
    except SettingsError as error:
        return _cannot(str(error))
    from mock_capgo.server.serve import CannotServe, serve  # noqa: PLC0415 - `--help` need not load a server

    try:
        return serve(settings)
    except CannotServe as error:
        return _cannot(str(error))


def _cannot(reason: str) -> int:
    print(f"mock-capgo: {reason}", file=sys.stderr)
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
