"""The server that processes share: one for all, for as long as anybody uses it, and no longer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mock_capgo.testing import CapgoServer, MockCapgoError
from mock_capgo.testing_client import Control
from tests.testing.servers import ROOT


def test_shared_server_ends_with_its_last_user(tmp_path: Path) -> None:
    """Everybody who names the folder gets the same server; it ends when nobody is left, and starts again."""
    first, second = CapgoServer.shared(tmp_path), CapgoServer.shared(tmp_path)
    assert first.url == second.url
    first.close()
    with second.world() as capgo:
        assert capgo.info()["name"] == "mock-capgo"
    second.close()
    third = CapgoServer.shared(tmp_path)  # waits for the end of the one before
    with third.world() as capgo:
        assert capgo.info()["name"] == "mock-capgo"
    third.close()


def test_shared_server_outlives_a_killed_user(tmp_path: Path) -> None:
    """A user that is killed lets go of the server as well: nothing keeps it alive for ever."""
    script = (
        "import os, sys; from pathlib import Path; from mock_capgo.testing import CapgoServer\n"
        "print(CapgoServer.shared(Path(sys.argv[1])).url, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    url = done.stdout.strip()
    assert url.startswith("http://127.0.0.1:"), done.stderr
    mine = CapgoServer.shared(tmp_path)
    mine.close()
    for _ in range(100):
        try:
            Control(f"{mine.url}/_mock")("GET", "/health")
        except MockCapgoError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the server still runs")
