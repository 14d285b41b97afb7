"""A world with all that surrounds it: dialect, limits, faults, journal, and the fixture that it goes back to."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from mock_capgo.access.keys import find_key
from mock_capgo.access.limits import Limits
from mock_capgo.dialects import Dialect
from mock_capgo.quirks import Quirk
from mock_capgo.resources import deliveries
from mock_capgo.server.faults import Faults
from mock_capgo.server.journal import Journal
from mock_capgo.world.clock import Clock, wall_clock
from mock_capgo.world.fixture import Fixture, FixtureError, builtin_fixtures, dump, read_fixture
from mock_capgo.world.records import SECOND, ApiKey, Micros, digest
from mock_capgo.world.world import Snapshot, World

QUEUE_DELAY: Micros = 10 * SECOND
"""About how long the live service's queue takes (reference 20 §1)."""


@dataclass
class Universe:
    """One isolated universe. Everything that a test may change is in here, and nothing is shared.

    `fixture` is what `reset` goes back to, `started_with` what the server was started with; `hashed` are the
    values of hashed API keys by their hash, as far as a fixture told them: the world itself does not know them.
    `ttl` is how many idle seconds it lives, None for as long as the server.
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
    hashed: dict[str, str] = field(default_factory=dict)
    fresh_keys: bool = False
    ttl: float | None = None
    explains: bool = False
    header_faults: bool = False
    starts_at: Micros | None = None
    """The moment that `reset` goes back to where it is told none; None for the machine's time."""
    touched: float = field(default_factory=time.monotonic)
    stale_answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    _fresh: dict[str, str] = field(default_factory=dict)
    """The values that this universe gave its keys, by label."""

    def reset(self, fixture: str | None = None, now: Micros | None = None) -> Micros:
        """Back to the fixture, or to another one: records, ids, limits, faults, journal and the queue.

        `now` sets the clock, and is the moment from which relative times of the fixture count. Returns the moment
        at which the world begins. Raises FixtureError, and changes nothing then.
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
        self._begin_keys()
        return moment

    def start(self) -> Universe:
        """Give out keys, and listen to the audit log for webhooks. Called once."""
        self.world.audited.append(deliveries.record_event)
        self._begin_keys()
        return self

    def export(self, description: str) -> dict[str, Any]:
        """The whole world as a fixture that begins now."""
        self.world.tick()
        return dump(self.world.state, self.world.now, description, self.hashed)

    @property
    def keys(self) -> dict[str, str]:
        """The values of the API keys that fixtures tell, by label."""
        labelled = {key.label: self.value_of(key) for key in self.world.state.api_keys if key.label is not None}
        return {label: value for label, value in labelled.items() if value is not None}

    def value_of(self, key: ApiKey) -> str | None:
        """What a client sends as this key; None for a hashed one that nobody told."""
        return key.key or self.hashed.get(key.key_hash or "")

    def knows_key(self, value: str) -> bool:
        """Whether a value is one of this universe's API keys, good or not."""
        return find_key(self.world, value) is not None

    def learn_keys(self, fixture: Fixture) -> None:
        """Note the values of hashed keys that a fixture tells."""
        rows = fixture.document.get("api_keys", ())
        self.hashed |= {digest(row["key"]): row["key"] for row in rows if row.get("hashed")}

    def _begin_keys(self) -> None:
        """Take the keys of the fixture, each with a value of this universe's own where it is to have such."""
        self.learn_keys(self.fixture)
        if not self.fresh_keys:
            return
        table = self.world.state.api_keys
        for key in list(table):
            if key.label is not None and self.value_of(key) is not None:
                # Not from the world's seed: two worlds of one seed must not share a key. A reset keeps them.
                value = self._fresh.setdefault(key.label, str(uuid.uuid4()))
                if key.key is not None:
                    table.put(replace(key, key=value))
                    continue
                self.hashed[digest(value)] = value
                table.put(replace(key, key_hash=digest(value)))


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
    beginning = wall_clock() if now is None else now
    world = World(fixture.load(beginning).state, Clock(beginning), seed)
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
