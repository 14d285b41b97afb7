"""A mock in a process of its own, behind a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 20


@contextmanager
def serving(*options: str) -> Iterator[dict[str, Any]]:
    """Run `mock-capgo serve` on a free port; gives what it said at its start, `url` among it.

    It writes to a file: nobody would empty a pipe while the test does other things, and lines would be lost.
    """
    command = [sys.executable, "-m", "mock_capgo", "serve", "--port", "0", "--log", "json", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            try:
                yield _started(process, log)
            finally:
                process.terminate()


def _started(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        line, newline, _ = log.read_text().partition("\n")
        if newline:
            started: dict[str, Any] = json.loads(line)
            return started
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {log.read_text()}")
