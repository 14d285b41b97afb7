"""From a state that is finished to any number of states that begin with it.

Belongs here: what they share and what each has for itself. Where the finished state comes from is said elsewhere
(`mock_capgo.world.fixture`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mock_capgo.device_api.store import DeviceStore
from mock_capgo.world.moments import settled, settled_moment
from mock_capgo.world.records import Micros
from mock_capgo.world.state import TABLES, State
from mock_capgo.world.table import Base, Table


class Template:
    """A state that any number of worlds begin with. Beginning costs the same, however much there is in it.

    The state must not change any more. Its moments may be told from the beginning of a world
    (`mock_capgo.world.moments`), which each world has for itself.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._bases: dict[str, Base[Any]] = {name: getattr(state, name).as_base() for name in TABLES}

    def begin(self, beginning: Micros) -> State:
        """A state of its own for a world that begins at `beginning`."""
        template = self._state
        tables = {name: getattr(template, name).standing_on(base, beginning) for name, base in self._bases.items()}
        jobs = [replace(job, due=settled_moment(job.due, beginning)) for job in template.jobs]
        return State(
            **tables,
            sequences=template.sequences.copy(),
            tombstones={
                app_id: (org_id, settled_moment(at, beginning)) for app_id, (org_id, at) in template.tombstones.items()
            },
            used_org_ids=template.used_org_ids.copy(),
            jobs=sorted(jobs),
            files={path: settled(file, beginning) for path, file in template.files.items()},
            device_store=_begun(template.device_store, beginning),
            device_order=template.device_order.copy(),
        )

    def with_tables(self, **tables: Table[Any]) -> Template:
        """The same with other tables in the place of some."""
        twin = object.__new__(Template)
        twin._state = self._state
        twin._bases = self._bases | {name: table.as_base() for name, table in tables.items()}
        return twin


def _begun(store: DeviceStore, beginning: Micros) -> DeviceStore:
    begun = store.copy()
    for key, decision in store.rollout_decisions.items():
        expires_at = settled_moment(decision.expires_at, beginning)
        begun.rollout_decisions[key] = decision._replace(expires_at=expires_at)
    for device, period in store.counted_in.items():
        begun.counted_in[device] = settled_moment(period, beginning)
    return begun
