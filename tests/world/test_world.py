"""What a world keeps, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_capgo.world import world as world_module
from mock_capgo.world.clock import Clock
from mock_capgo.world.records import changed
from mock_capgo.world.world import SYSTEM, World
from tests.rich_world import NOW, RICH, load


def test_the_audit_log_keeps_the_last_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is written, the log holds the newest rows and no more than it may."""
    monkeypatch.setattr(world_module, "AUDIT_ROWS_KEPT", 20)
    world = World(load(RICH), Clock(NOW, rate=0))
    app = next(iter(world.state.apps))
    for number in range(50):
        changed = replace(app, name=f"name {number}")
        app = world.update(world.state.apps, app, changed, SYSTEM)
    rows = list(world.state.audit_logs)
    assert len(rows) == 20
    assert [row.new_record.name for row in rows] == [f"name {number}" for number in range(30, 50)]
    assert world.state.check() == []


def test_what_was_worked_out_is_kept_until_its_tables_change() -> None:
    """The same question finds the same answer, another table's change leaves it alone, and its own renews it."""
    state = load(RICH)
    worked = 0

    def names() -> list[str]:
        nonlocal worked
        versions = state.channels.version, state.bundles.version
        known: list[str] | None = state.derived.find("names", versions)
        if known is None:
            worked += 1
            known = state.derived.keep("names", versions, [channel.name for channel in state.channels])
        return known

    first = names()
    state.apps.put(next(iter(state.apps)))
    assert names() is first
    channel = next(iter(state.channels))
    state.channels.put(replace(channel, name="renamed"))
    assert names() == ["renamed", *first[1:]]
    state.bundles.remove(state.bundles[2])
    names()
    assert worked == 3
    for number in range(10_000):
        state.derived.keep(number, 0, number)
    assert state.derived.find(9_999, 0) == 9_999
    assert state.derived.find(0, 0) is None


@pytest.mark.parametrize("record", [next(iter(load(RICH).channels)), next(iter(load(RICH).devices))])
def test_a_changed_record_is_the_replaced_one(record: Any) -> None:
    """A record with other values is what `dataclasses.replace` makes, and the old one stays as it was."""
    before = repr(record)
    made = changed(record, app_id="com.example.other", updated_at=5)
    assert made == replace(record, app_id="com.example.other", updated_at=5)
    assert type(made) is type(record)
    assert repr(record) == before
    with pytest.raises(KeyError):
        changed(record, nothing=1)
