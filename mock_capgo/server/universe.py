"""A world with all that surrounds it: its dialect, its limits, and the fixture that it goes back to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mock_capgo.access.limits import Limits
from mock_capgo.dialects import Dialect
from mock_capgo.world.clock import Clock, wall_clock
from mock_capgo.world.fixture import Fixture, read_fixture
from mock_capgo.world.records import Micros
from mock_capgo.world.world import World


@dataclass
class Universe:
    """One isolated universe.

    `fixture` is what `reset` goes back to; the fixtures themselves are read once and kept parsed.
    """

    world: World
    dialect: Dialect
    limits: Limits
    fixture: Fixture
    find_fixture: Callable[[str], Fixture] = read_fixture

    def reset(self, fixture: str | None = None, now: Micros | None = None) -> None:
        """Back to the fixture, or to another one: records, ids, limits and the queue.

        `now` sets the clock, and is the moment from which relative times of the fixture count. Raises
        FixtureError, and changes nothing then.
        """
        wanted = self.fixture if fixture is None else self.find_fixture(fixture)
        moment = wall_clock() if now is None else now
        state = wanted.state(moment)
        self.fixture = wanted
        self.world.clock.set(moment)
        self.world.reset(state)


def create_universe(
    fixture: Fixture, dialect: Dialect, *, limits: bool = True, seed: int = 0, now: Micros | None = None
) -> Universe:
    """A universe that starts at `now` (the machine's time when None) from a fixture."""
    clock = Clock(now)
    world = World(fixture.state(clock.now()), clock, seed)
    return Universe(world, dialect, Limits(world, enabled=limits), fixture)
