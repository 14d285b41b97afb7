"""Whether the server is up, asked from beside it: `python -m mock_capgo.probe`, the container's health check.

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

from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings, SettingsError, resolve

HEALTHY, UNHEALTHY = 0, 1
TIMEOUT = 2.0
_FIRST_PROCESS = Path("/proc/1/cmdline")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where a server listens


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask once; flags are those of `mock-capgo serve`. Returns 0 for a healthy server, else 1, and says why."""
    given = list(sys.argv[1:] if arguments is None else arguments) or server_arguments(_FIRST_PROCESS)
    try:
        settings = settings_of(given)
        host, port, path = address(settings)
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


def settings_of(arguments: Sequence[str]) -> Settings:
    """The settings of a server with these flags, in this environment. Raises SettingsError."""
    parser = argparse.ArgumentParser(prog="mock-capgo health", description="Whether the server is up.")
    parser.add_argument("--config")
    for option in fields(Settings):
        parser.add_argument(f"--{option.name.replace('_', '-')}")
    flags = vars(parser.parse_args(arguments))
    return resolve(flags, os.environ, flags.pop("config"))


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
