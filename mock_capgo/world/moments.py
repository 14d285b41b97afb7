"""Moments that are told as a distance from the beginning of a world, and turned into moments when they are read.

Belongs here: what such a moment is, and how a record with some of them is settled. A fixture says `now-90d`, and the
worlds that are made from it begin at different times. Their records are read from the fixture once and shared
(`mock_capgo.world.table`): what a world never looks at costs it nothing, whenever it begins.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from mock_capgo.world.records import Micros, changed

R = TypeVar("R")


class FromNow(int):
    """Microseconds from the beginning of a world, where a `Micros` is expected."""

    __slots__ = ()

    def __add__(self, more: int) -> FromNow:
        return FromNow(int(self) + more)


def settled(record: R, beginning: Micros) -> R:
    """The record in a world that began at `beginning`: itself where all of its moments are told outright."""
    changes = {
        name: beginning + int(at)
        for name in _moments(type(record))
        if type(at := getattr(record, name)) is FromNow
    }  # fmt: skip
    return changed(record, **changes) if changes else record


def settled_moment(at: Micros, beginning: Micros) -> Micros:
    """One moment in a world that began at `beginning`."""
    return beginning + int(at) if type(at) is FromNow else at


def is_unsettled(record: Any) -> bool:
    """Whether any moment of a record is told from the beginning of its world."""
    return any(type(getattr(record, name)) is FromNow for name in _moments(type(record)))


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _moments(record_type: type[Any]) -> tuple[str, ...]:
    """The fields of a record that are moments."""
    names = _NAMES.get(record_type)
    if names is None:
        told = (field.name for field in fields(record_type) if str(field.type).startswith("Micros"))
        names = _NAMES[record_type] = tuple(told)
    return names
