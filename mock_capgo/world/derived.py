"""What was worked out from tables, kept until one of them changes. Knows neither the tables' records nor the values."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from mock_capgo.world.table import Table

T = TypeVar("T")

VALUES_KEPT = 256


class Derived:
    """Values that follow from tables alone: kept until one of the tables changes, and no longer than there is room."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[int, ...], Any]] = {}

    def get(self, key: Hashable, tables: tuple[Table[Any], ...], make: Callable[[], T]) -> T:
        """The value called `key`, made anew if one of its tables has changed since."""
        versions = tuple([table.version for table in tables])
        kept = self._kept.get(key)
        if kept is not None and kept[0] == versions:
            value: T = kept[1]
            return value
        if len(self._kept) >= VALUES_KEPT:
            self._kept.clear()
        made = make()
        self._kept[key] = (versions, made)
        return made
