"""A world with all that surrounds it: its dialect, its limits, and the fixture that it goes back to."""

from __future__ import annotations

from dataclasses import dataclass

from mock_capgo.access.limits import Limits
from mock_capgo.dialects import Dialect
from mock_capgo.world.clock import Clock, wall_clock
from mock_capgo.world.fixture import Fixture, FixtureError, builtin_fixtures, read_fixture
from mock_capgo.world.records import Micros
from mock_capgo.world.world import World


@dataclass
class Universe:
    """One isolated universe.

    `fixture` is what `reset` goes back to, `started_with` what the server was started with.
    """

    world: World
    dialect: Dialect
    limits: Limits
    fixture: Fixture
    started_with: Fixture

    def reset(self, fixture: str | None = None, now: Micros | None = None) -> None:
        """Back to the fixture, or to another one: records, ids, limits and the queue.

        `now` sets the clock, and is the moment from which relative times of the fixture count. Raises
        FixtureError, and changes nothing then.
        """
        wanted = self.fixture if fixture is None else self._find(fixture)
        moment = wall_clock() if now is None else now
        state = wanted.load(moment).state
        self.fixture = wanted
        self.world.clock.set(moment)
        self.world.reset(state)

    def _find(self, name: str) -> Fixture:
        # Names only: who may reset a mock is not to read any file of the machine through it.
        if name == self.started_with.source:
            return self.started_with
        if name not in builtin_fixtures():
            there_are = ", ".join(builtin_fixtures())
            raise FixtureError(name, "", f"no built-in fixture of this name; there are {there_are}")
        return read_fixture(name)


def create_universe(
    fixture: Fixture, dialect: Dialect, *, limits: bool = True, seed: int = 0, now: Micros | None = None
) -> Universe:
    """A universe that starts at `now` (the machine's time when None) from a fixture."""
    clock = Clock(now)
    world = World(fixture.load(clock.now()).state, clock, seed)
    return Universe(world, dialect, Limits(world, enabled=limits), fixture, fixture)
