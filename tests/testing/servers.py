"""A server in a process of its own, as users start one, for tests that need the real thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of the mock or of a pytest around."""
    ours = ("MOCK_CAPGO_", "PYTEST_", "CAPGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@contextmanager
def served(*flags: str, **options: Any) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A server on a free port: what its first line says, and its process. `options` are those of Popen."""
    given = {"cwd": ROOT, "env": clean_environment(), **options}
    command = [sys.executable, "-m", "mock_capgo", "serve", "--port", "0", "--log", "json", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **given) as server:
        watchdog = threading.Timer(START_SECONDS, server.kill)
        watchdog.start()
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            watchdog.cancel()
            assert first.startswith("{"), first + server.stdout.read()
            drain = threading.Thread(target=server.stdout.read, daemon=True)
            drain.start()
            yield json.loads(first), server
        finally:
            watchdog.cancel()
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
            drain.join(timeout=5)


def plugin_arguments() -> list[str]:
    """What makes pytest load the plugin: nothing where it is installed."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    installed = any(found.value == "mock_capgo.pytest_plugin" for found in entry_points(group="pytest11"))
    return [] if installed else ["-p", "mock_capgo.pytest_plugin"]
