"""Saves one of two worlds over and over in children that are killed in the middle: started by `test_kill.py`.

A process of its own, since a child that is made by forking must not inherit threads.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from mock_capgo.server.app import create_app
from mock_capgo.server.serve import save
from mock_capgo.settings import Settings


def main() -> None:
    """Kill so many children while they write, and others between; look at the file after each, tell what was there."""
    kills, target = int(sys.argv[1]), Path(sys.argv[2])
    universes = [create_app(Settings(fixture=fixture)).state.universe for fixture in sys.argv[3:]]
    states = [universe.world.state for universe in universes]
    sizes = {next(iter(state.users)).first_name: len(state.devices) for state in states}
    told: dict[str, Any] = {"seen": dict.fromkeys(sizes, 0), "broken": 0, "in_the_middle": 0}
    began = time.perf_counter()
    save(universes[0], target)
    length = time.perf_counter() - began
    chance = random.Random(1)
    while told["in_the_middle"] < kills:
        order = chance.sample(universes, len(universes))
        child = os.fork()
        if child == 0:
            while True:
                for universe in order:
                    save(universe, target)
        time.sleep(chance.uniform(0, 6 * length))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        try:
            document = json.loads(target.read_bytes())
            name = document["users"][0]["first_name"]
            whole = len(document["devices"]) == sizes[name]
        except (ValueError, KeyError, IndexError):
            name, whole = "", False
        if whole:
            told["seen"][name] += 1
        else:
            told["broken"] += 1
        unfinished = [file for file in target.parent.iterdir() if file != target]
        told["in_the_middle"] += bool(unfinished)
        for file in unfinished:
            file.unlink()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
