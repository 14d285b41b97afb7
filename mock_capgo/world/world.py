"""A world: state, clock and seeded randomness, and the writes that leave an audit trail.

Belongs here: what every write needs whatever it means (audit rows, ids, the queue). Does not belong here:
the rules of a resource (`mock_capgo.resources`), HTTP, or what is answered.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from mock_capgo.world.clock import Clock
from mock_capgo.world.records import App, AuditLog, Bundle, Channel, Member, Micros, Organization
from mock_capgo.world.state import State, empty_state
from mock_capgo.world.table import Table

R = TypeVar("R")

AUDIT_ROWS_KEPT = 10_000
"""Rows of the audit log that a world keeps: it would grow without end under a load that otherwise changes nothing."""


class Actor(NamedTuple):
    """On whose behalf a write happens, as the audit log tells it."""

    user_id: str | None = None
    user_email: str | None = None
    apikey_id: int | None = None
    apikey_name: str | None = None


SYSTEM = Actor()
"""Writes without an identity of their own: jobs, and the routes that use the service's own credentials."""


class _Audited(NamedTuple):
    table: str
    record_id: str
    org: str


_AUDITED: dict[type[Any], _Audited] = {
    Organization: _Audited("orgs", "id", "id"),
    Member: _Audited("org_users", "id", "org_id"),
    App: _Audited("apps", "app_id", "owner_org"),
    Bundle: _Audited("app_versions", "id", "owner_org"),
    Channel: _Audited("channels", "id", "owner_org"),
}


@dataclass(frozen=True)
class Snapshot:
    """A moment of a world that it can go back to."""

    state: State
    random_state: tuple[Any, ...]


class World:
    """One isolated universe. Handlers read and write `state`, and ask nothing else for time or chance."""

    def __init__(self, state: State | None = None, clock: Clock | None = None, seed: int = 0) -> None:
        self.state = state or empty_state()
        self.clock = clock or Clock()
        self.seed = seed
        self.random = random.Random(seed)
        self.counters: dict[Any, Any] = {}
        """What the limiter has counted (`mock_capgo.access.limits`); not part of a snapshot."""
        self.audited: list[Callable[[World, AuditLog], object]] = []
        """Who is told of every row of the audit log: webhooks live on it."""
        self.deliver: Any = None
        """What sends webhooks (`mock_capgo.resources.deliveries.Sender`); None while nothing may leave."""
        self.queue_delay: Micros = 0
        """How long after a call the queue does its part of it; 0 is before the next call."""
        self.now: Micros = self.clock.now()
        """The moment of the call being served: one time for all that it writes, like a transaction's."""

    def tick(self) -> Micros:
        """Begin a call: read the clock once."""
        self.now = self.clock.now()
        return self.now

    def snapshot(self) -> Snapshot:
        """A copy of the state that later writes do not touch."""
        return Snapshot(self.state.copy(), self.random.getstate())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot. The limiter's counters start afresh; the clock is left alone."""
        self.state = snapshot.state.copy()
        self.random.setstate(snapshot.random_state)
        self.counters.clear()

    def reset(self, state: State) -> None:
        """Start over with another state; ids come again as they did. The clock is left alone."""
        self.state = state
        self.random.seed(self.seed)
        self.counters.clear()

    def uuid(self) -> str:
        """A version 4 UUID from the world's own randomness."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def insert(self, table: Table[R], record: R, actor: Actor) -> R:
        """Add a record and tell the audit log."""
        table.put(record)
        self._audit("INSERT", None, record, actor)
        return record

    def update(self, table: Table[R], old: R, new: R, actor: Actor) -> R:
        """Put `new` in the place of `old` and tell the audit log, also when nothing differs."""
        table.put(new)
        self._audit("UPDATE", old, new, actor)
        return new

    def delete(self, table: Table[R], record: R, actor: Actor) -> None:
        """Take a record out and tell the audit log."""
        table.remove(record)
        self._audit("DELETE", record, None, actor)

    def _audit(self, operation: Any, old: Any, new: Any, actor: Actor) -> None:
        record = new if new is not None else old
        audited = _AUDITED.get(type(record))
        if audited is None:
            return
        row = AuditLog(
            id=self.state.next_id("audit_log"),
            created_at=self.now,
            table_name=audited.table,
            record_id=str(getattr(record, audited.record_id)),
            operation=operation,
            org_id=getattr(record, audited.org),
            old_record=old,
            new_record=new,
            user_id=actor.user_id,
            actor_type="apikey" if actor.apikey_id is not None else "user" if actor.user_id else "system",
            actor_user_id=actor.user_id,
            actor_user_email=actor.user_email,
            actor_apikey_id=actor.apikey_id,
            actor_apikey_name=actor.apikey_name,
        )
        self.state.audit_logs.put(row)
        forgotten = self.state.audit_logs.get(row.id - AUDIT_ROWS_KEPT)
        if forgotten is not None:
            self.state.audit_logs.remove(forgotten)
        for hear in self.audited:
            hear(self, row)
