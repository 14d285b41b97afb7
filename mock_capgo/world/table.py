"""A table: records by key, with indexes that are always right. Knows nothing about what it holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

R = TypeVar("R")
Key = Hashable
Index = dict[Hashable, dict[Key, None]]


class Table(Generic[R]):
    """Records by primary key, in insertion order, and by the indexes that it was made with.

    An index function gives the value to find a record by, or None to leave it out of that index.
    """

    __slots__ = ("_by", "_indexes", "_key", "rows")

    def __init__(self, key: Callable[[R], Key], /, **indexes: Callable[[R], Hashable | None]) -> None:
        self._key = key
        self._by = indexes
        self.rows: dict[Key, R] = {}
        self._indexes: dict[str, Index] = {name: {} for name in indexes}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows.values())

    def get(self, key: Key) -> R | None:
        """The record with this primary key."""
        return self.rows.get(key)

    def first(self, index: str, value: Hashable) -> R | None:
        """The oldest record that `index` finds by `value`."""
        for key in self._indexes[index].get(value, ()):
            return self.rows[key]
        return None

    def where(self, index: str, value: Hashable) -> list[R]:
        """Every record that `index` finds by `value`, oldest first."""
        return [self.rows[key] for key in self._indexes[index].get(value, ())]

    def count(self, index: str, value: Hashable) -> int:
        """How many records `index` finds by `value`."""
        return len(self._indexes[index].get(value, ()))

    def put(self, record: R) -> None:
        """Add a record, or put it in the place of the one with the same key."""
        key = self._key(record)
        old = self.rows.get(key)
        self.rows[key] = record
        for name, by in self._by.items():
            value = by(record)
            if old is not None:
                before = by(old)
                if before == value:
                    continue
                self._forget(name, before, key)
            if value is not None:
                self._indexes[name].setdefault(value, {})[key] = None

    def remove(self, record: R) -> None:
        """Take a record out. Raises KeyError when it is not there."""
        key = self._key(record)
        del self.rows[key]
        for name, by in self._by.items():
            self._forget(name, by(record), key)

    def copy(self) -> Table[R]:
        """An independent table with the same records; they are shared, since they never change."""
        twin: Table[R] = Table(self._key, **self._by)
        twin.rows = self.rows.copy()
        twin._indexes = {
            name: {value: keys.copy() for value, keys in index.items()} for name, index in self._indexes.items()
        }
        return twin

    def check(self) -> list[str]:
        """Every way in which an index differs from a rebuild; empty when all is well."""
        rebuilt: Table[R] = Table(self._key, **self._by)
        for record in self:
            rebuilt.put(record)
        found = [] if rebuilt.rows == self.rows else ["a key differs from its record"]
        for name in self._by:
            mine = {value: set(keys) for value, keys in self._indexes[name].items()}
            right = {value: set(keys) for value, keys in rebuilt._indexes[name].items()}
            if mine != right:
                found.append(f"index {name} differs from a rebuild")
        return found

    def _forget(self, name: str, value: Hashable | None, key: Key) -> None:
        if value is None:
            return
        keys = self._indexes[name][value]
        del keys[key]
        if not keys:
            del self._indexes[name][value]
