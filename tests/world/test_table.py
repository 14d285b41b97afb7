"""Tables: whatever they stand on, they are the same table; what they share, nobody changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.world.moments import FromNow, is_unsettled, settled, settled_moment
from mock_capgo.world.order import Order, after, latest_after
from mock_capgo.world.records import Device, Micros
from mock_capgo.world.table import Table

BEGINNING = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    key: int
    group: str | None
    at: Micros


THINGS = st.builds(
    Thing, key=st.integers(0, 7), group=st.sampled_from([None, "a", "b"]), at=st.sampled_from([5, FromNow(-3)])
)
WRITES = st.lists(st.tuples(st.sampled_from(["put", "remove", "get"]), THINGS), max_size=30)


def table() -> Table[Thing]:
    return Table(lambda thing: thing.key, group=lambda thing: thing.group, parity=lambda thing: thing.key % 2)


def filled(things: list[Thing]) -> Table[Thing]:
    made = table()
    for thing in things:
        made.put(thing)
    return made


def write(target: Table[Thing], writes: list[tuple[str, Thing]]) -> None:
    for what, thing in writes:
        if what == "put":
            target.put(settled(thing, BEGINNING))
        elif what == "get":
            target.get(thing.key)
        elif thing.key in target:
            target.remove(target[thing.key])


def seen(target: Table[Thing]) -> dict[str, Any]:
    """All that can be asked of a table."""
    groups = [("group", "a"), ("group", "b"), ("parity", 0), ("parity", 1), ("group", "never")]
    return {
        "items": target.items(),
        "records": list(target),
        "keys": target.keys(),
        "length": len(target),
        "there": [key in target for key in range(8)],
        "got": [target.get(key) for key in range(8)],
        "where": [target.where(*group) for group in groups],
        "first": [target.first(*group) for group in groups],
        "count": [target.count(*group) for group in groups],
        "check": target.check(),
    }


@given(st.lists(THINGS, max_size=12), WRITES)
def test_a_table_on_a_base_is_as_one_on_nothing(things: list[Thing], writes: list[tuple[str, Thing]]) -> None:
    """Records, their order and every index are the same whether a table holds its rows or shares them."""
    alone = filled([settled(thing, BEGINNING) for thing in things])
    shared = table().standing_on(filled(things).as_base(), BEGINNING)
    for target in (alone, shared):
        write(target, writes)
    assert seen(shared) == seen(alone)
    assert shared.check() == []


@given(st.lists(THINGS, max_size=12), WRITES, WRITES)
def test_tables_on_one_base_are_independent(
    things: list[Thing], mine: list[tuple[str, Thing]], others: list[tuple[str, Thing]]
) -> None:
    """What one table writes is seen by no other on the same base, nor by a copy made before, nor the other way."""
    base = filled(things).as_base()
    one, two = (table().standing_on(base, BEGINNING) for _ in range(2))
    write(one, mine)
    copy, before = one.copy(), seen(one)
    write(two, others)
    write(copy, others)
    assert seen(one) == before
    assert seen(table().standing_on(base, BEGINNING))["items"] == [
        (key, settled(thing, BEGINNING)) for key, thing in filled(things).items()
    ]


def test_a_record_that_did_not_change_is_the_same_object() -> None:
    """A settled record is made once: who holds on to one can tell whether it was replaced."""
    shared = table().standing_on(filled([Thing(key=1, group="a", at=FromNow(-3))]).as_base(), BEGINNING)
    assert shared[1] is shared[1]
    assert shared.first("group", "a") is shared.where("parity", 1)[0]
    assert shared[1].at == BEGINNING - 3


def test_the_version_grows_with_every_change() -> None:
    """Whoever keeps what it worked out from a table notices every write, and no read."""
    shared = table().standing_on(filled([Thing(key=1, group="a", at=5)]).as_base(), BEGINNING)
    list(shared), shared.get(1), shared.where("group", "a")
    before = shared.version
    shared.put(shared[1])
    shared.remove(shared[1])
    assert shared.version == before + 2
    with pytest.raises(KeyError):
        shared.remove(Thing(key=1, group="a", at=5))


def test_moments_are_settled_where_they_are_told_from_the_beginning() -> None:
    """Only what is told from the beginning moves with it, and a sum with a length of time still is."""
    told = Device(app_id="a", device_id="d", updated_at=FromNow(-60))
    assert is_unsettled(told)
    assert settled(told, BEGINNING) == Device(app_id="a", device_id="d", updated_at=BEGINNING - 60)
    outright = Device(app_id="a", device_id="d", updated_at=7)
    assert settled(outright, BEGINNING) is outright
    assert settled_moment(FromNow(-60) + 10, BEGINNING) == BEGINNING - 50
    assert settled_moment(-60, BEGINNING) == -60


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text("0123", max_size=3)), unique=True), st.data())
def test_ids_are_in_order(ids: list[tuple[str, str]], data: st.DataObject) -> None:
    """Ids come out sorted for each app, and a copy keeps its own."""
    order: Order[str] = Order()
    for app_id, device_id in ids:
        order.add(app_id, device_id)
    copy = order.copy()
    for app_id, device_id in data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []:
        copy.remove(app_id, device_id)
    copy.add("a", "x")
    copy.forget("b")
    for app_id in "ab":
        assert list(order.of(app_id)) == sorted(device_id for app, device_id in ids if app == app_id)
    assert copy.of("a")[-1] == "x"
    assert not copy.of("b")


ITEMS = st.lists(st.tuples(st.integers(0, 5), st.text("ab", max_size=2)), unique=True).map(sorted)


@given(ITEMS, st.none() | st.tuples(st.integers(-1, 6), st.text("ab", max_size=2)))
def test_pages_go_on_behind_the_last_item(items: list[tuple[int, str]], last: tuple[int, str] | None) -> None:
    """Up or down, what follows an item is all that sorts behind it, whether or not it is still there."""
    assert list(after(items, last)) == [one for one in items if last is None or one > last]

    def downwards(one: tuple[int, str]) -> tuple[int, str]:
        return (-one[0], one[1])

    behind = [one for one in items if last is None or downwards(one) > downwards(last)]
    assert list(latest_after(items, last)) == sorted(behind, key=downwards)
