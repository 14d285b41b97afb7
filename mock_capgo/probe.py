"""Whether the server is up, asked from beside it: `mock-capgo health`, the container's health check.

The probe knows where to ask as the server does: by the environment, the file that it names, and flags. In a
container the server is the first process, and its flags are read from there.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings, SettingsError, resolve

HEALTHY, UNHEALTHY = 0, 1
TIMEOUT = 2.0
_FIRST_PROCESS = Path("/proc/1/cmdline")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where a server listens


def add_parser(commands: Any) -> None:
    """Add the verb `health` to the command line."""
    parser = commands.add_parser(
        "health",
        help="say whether the server is up",
        description="Ask the server that this environment, or these options, describe. Exit status 0: it is up.",
    )
    _add_options(parser)
    parser.set_defaults(run=run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask once, as `python -m mock_capgo.probe` with the options of `mock-capgo serve`."""
    return run(parsed(sys.argv[1:] if arguments is None else arguments))


def run(options: dict[str, Any]) -> int:
    """Ask once. Returns 0 for a healthy server, else 1, and says why."""
    if all(value is None for value in options.values()):
        options = parsed(server_arguments(_FIRST_PROCESS))
    try:
        host, port, path = address(resolve(options, os.environ, options.pop("config", None)))
    except SettingsError as error:
        return _unhealthy(str(error))
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT)) as connection:
            connection.request("GET", path)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return _unhealthy(f"{where} does not answer: {error or type(error).__name__}")
    if status != 200:
        return _unhealthy(f"{where} answered {status}")
    print(f"mock-capgo: {where} is healthy")
    return HEALTHY


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="TOML file with options")
    for option in fields(Settings):
        parser.add_argument(f"--{option.name.replace('_', '-')}", help=argparse.SUPPRESS)


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Options as of `mock-capgo serve`, by name; None for those that are not given."""
    parser = argparse.ArgumentParser(prog="mock-capgo health", description="Whether the server is up.")
    _add_options(parser)
    return vars(parser.parse_args(arguments))


def address(settings: Settings) -> tuple[str, int, str]:
    """Host, port and path to ask. Raises SettingsError where the server chose its port itself."""
    apart = settings.control == "on" and settings.control_port >= 0
    port = settings.control_port if apart else settings.port
    if port == 0:
        name = "CONTROL_PORT" if apart else "PORT"
        raise SettingsError(f"port 0 is another one at every start: set {ENVIRONMENT_PREFIX}{name}")
    # Without control routes there is still the service's own health, which needs no key.
    path = "/_mock/health" if settings.control == "on" else "/ok"
    return _EVERYWHERE.get(settings.host, settings.host), port, path


def server_arguments(command_line: Path) -> list[str]:
    """The flags of `mock-capgo serve` in a process's command line; none when it is another program."""
    try:
        words = command_line.read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []
    programs = [number for number, word in enumerate(words) if Path(word).name in ("mock-capgo", "mock_capgo")]
    if not programs or "serve" not in words[programs[0] :]:
        return []
    return words[words.index("serve", programs[0]) + 1 :]


def _unhealthy(reason: str) -> int:
    print(f"mock-capgo: {reason}", file=sys.stderr)
    return UNHEALTHY


if __name__ == "__main__":
    sys.exit(main())
