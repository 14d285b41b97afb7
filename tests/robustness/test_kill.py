"""`kill -9` while a world is being saved: the file is always the old one or the new one, whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mock_capgo.data import fixtures_dir
from mock_capgo.world.fixture import read_fixture
from tests.control.hub import SHOP, process

KILLS = 200 if "MOCK_CAPGO_FUZZ" in os.environ else 20
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def world_file(path: Path, name: str, devices: int) -> Path:
    """A world whose file takes some time to write; its users tell which one it is."""
    document = json.loads((fixtures_dir() / "default.json").read_bytes())
    row = {"app_id": SHOP, "platform": "ios", "updated_at": "2026-01-01T00:00:00Z"}
    document["devices"] += [{**row, "device_id": f"f0000000-0000-4000-8000-{number:012d}"} for number in range(devices)]
    document["users"][0]["first_name"] = name
    document.pop("$schema", None)
    path.write_text(json.dumps(document))
    return path


def test_a_killed_save_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed at any moment of writing, the file is one of the two worlds, complete."""
    folder = tmp_path / "saved"
    folder.mkdir()
    target = folder / "world.json"
    fixtures = [world_file(tmp_path / f"{name}.json", name, devices) for name, devices in (("old", 500), ("new", 1500))]
    command = [sys.executable, "-m", "tests.robustness.killed", str(KILLS), str(target), *map(str, fixtures)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    told = json.loads(done.stdout)
    assert told["broken"] == 0
    assert told["in_the_middle"] == KILLS
    assert min(told["seen"].values()) > 0, told
    assert read_fixture(target).load(0).state.check() == []


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.2])
def test_a_server_that_is_killed_while_it_ends(tmp_path: Path, delay: float) -> None:
    """SIGKILL right after SIGTERM leaves the fixture that was there, or the world that was saved over it."""
    file = world_file(tmp_path / "world.json", "old", 2000)
    before = file.read_bytes()
    with process("--fixture", str(file), "--save-on-exit", str(file)) as server:
        server("GET", "/ok")
        server.signal(signal.SIGTERM)
        time.sleep(delay)
        server.close()
    after = file.read_bytes()
    if after != before:
        document = json.loads(after)
        assert document["description"] == "saved when the server stopped"
        assert len(document["devices"]) == 2040
