"""A world with all that surrounds it: dialect, limits, faults, journal, and the fixture that it goes back to."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace

from mock_capgo.access.keys import digest
from mock_capgo.access.limits import Limits
from mock_capgo.dialects import Dialect
from mock_capgo.quirks import Quirk
from mock_capgo.resources import deliveries
from mock_capgo.server.faults import Faults
from mock_capgo.server.journal import Journal
from mock_capgo.world.clock import Clock, wall_clock
from mock_capgo.world.fixture import Fixture, FixtureError, builtin_fixtures, read_fixture
from mock_capgo.world.records import SECOND, ApiKey, Micros
from mock_capgo.world.world import Snapshot, World

QUEUE_DELAY: Micros = 10 * SECOND
"""About how long the live service's queue takes (reference 20 §1)."""


@dataclass
class Universe:
    """One isolated universe. Everything that a test may change is in here, and nothing is shared.

    `fixture` is what `reset` goes back to, `started_with` what the server was started with; `keys` are the
    values of its API keys by the label that the fixture gives them. `ttl` is how many idle seconds it lives,
    None for as long as the server.
    """

    id: str
    world: World
    dialect: Dialect
    limits: Limits
    fixture: Fixture
    started_with: Fixture
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    checkpoints: dict[str, Snapshot] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    fresh_keys: bool = False
    ttl: float | None = None
    explains: bool = False
    header_faults: bool = False
    starts_at: Micros | None = None
    """The moment that `reset` goes back to where it is told none; None for the machine's time."""
    touched: float = field(default_factory=time.monotonic)
    stale_answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def reset(self, fixture: str | None = None, now: Micros | None = None) -> None:
        """Back to the fixture, or to another one: records, ids, limits, faults, journal and the queue.

        `now` sets the clock, and is the moment from which relative times of the fixture count. Raises
        FixtureError, and changes nothing then.
        """
        wanted = self.fixture if fixture is None else find_fixture(fixture, self.started_with)
        moment = now if now is not None else self.starts_at if self.starts_at is not None else wall_clock()
        state = wanted.load(moment).state
        self.fixture = wanted
        self.world.clock.set(moment, 1.0)
        self.world.reset(state)
        self.faults.remove()
        self.journal.clear()
        self.checkpoints.clear()
        self.stale_answers.clear()
        self._label_keys()

    def start(self) -> Universe:
        """Name the keys, and listen to the audit log for webhooks. Called once."""
        self.world.audited.append(deliveries.record_event)
        self._label_keys()
        return self

    def knows_key(self, value: str) -> bool:
        """Whether a value is one of this universe's API keys, good or not."""
        keys = self.world.state.api_keys
        return keys.first("key", value) is not None or keys.first("key_hash", digest(value)) is not None

    def _label_keys(self) -> None:
        """Find the value of every key that the fixture tells, and give this universe values of its own if asked.

        A hashed key's value is in the fixture alone: the world keeps its hash.
        """
        mine, self.keys = self.keys, {}
        told = {digest(row["key"]): row for row in self.fixture.document.get("api_keys", ()) if row.get("key")}
        for key in list(self.world.state.api_keys):
            row = told.get(key.key_hash or digest(key.key or ""))
            if row is None:
                continue
            value, label = str(row["key"]), str(row.get("label") or key.name)
            if self.fresh_keys:
                # Not from the world's seed: two worlds of one seed must not share a key. A reset keeps them.
                value = mine.get(label) or str(uuid.uuid4())
                self.world.state.api_keys.put(_with_value(key, value))
            self.keys[label] = value


def _with_value(key: ApiKey, value: str) -> ApiKey:
    return replace(key, key=value) if key.key_hash is None else replace(key, key_hash=digest(value))


def find_fixture(name: str, started_with: Fixture) -> Fixture:
    """A fixture by name. Names only: who controls a mock is not to read any file of the machine through it."""
    if name == started_with.source:
        return started_with
    if name not in builtin_fixtures():
        there_are = ", ".join(builtin_fixtures())
        raise FixtureError(name, "", f"no built-in fixture of this name; there are {there_are}")
    return read_fixture(name)


def create_universe(
    fixture: Fixture,
    dialect: Dialect,
    *,
    limits: bool = True,
    seed: int = 0,
    now: Micros | None = None,
    universe_id: str = "default",
    started_with: Fixture | None = None,
    fresh_keys: bool = False,
) -> Universe:
    """A universe that starts at `now` (the machine's time when None) from a fixture. Raises FixtureError."""
    clock = Clock(now)
    world = World(fixture.load(clock.now()).state, clock, seed)
    world.queue_delay = QUEUE_DELAY if Quirk.QUEUED_UPDATES in dialect.quirks else 0
    return Universe(
        universe_id,
        world,
        dialect,
        Limits(world, enabled=limits),
        fixture,
        started_with or fixture,
        fresh_keys=fresh_keys,
    ).start()
