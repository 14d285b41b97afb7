"""A table: records by key, with indexes that are always right. Knows nothing about what it holds.

Belongs here: finding, changing, and what makes a copy cheap. A table stands on a `Base`: records that any number of
tables share and none of them changes. What a table itself put and took away lies over it. So a world that begins
with a million records, its reset, and the next world beside it cost what they change, and not what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from mock_capgo.world.moments import is_unsettled, settled, settled_moment
from mock_capgo.world.records import Micros

R = TypeVar("R")
Key = Hashable
Index = dict[Hashable, dict[Key, None]]

_NOTHING: dict[Key, None] = {}


class Base(Generic[R]):
    """Records and their indexes, shared and never changed.

    `unsettled`: moments of some are told from the beginning of a world, which each table that stands on it has.
    """

    __slots__ = ("indexes", "rows", "unsettled")

    def __init__(self, rows: dict[Key, R], indexes: dict[str, Index]) -> None:
        self.rows = rows
        self.indexes = indexes
        self.unsettled = any(is_unsettled(record) for record in rows.values())


class Table(Generic[R]):
    """Records by primary key, in insertion order, and by the indexes that it was made with.

    An index function gives the value to find a record by, or None to leave it out of that index. `version` grows
    with every change, for who keeps what it worked out.
    """

    __slots__ = ("_added", "_beginning", "_by", "_gone", "_key", "_length", "_removed", "_rows", "base", "version")

    def __init__(self, key: Callable[[R], Key], /, **indexes: Callable[[R], Hashable | None]) -> None:
        self._key = key
        self._by = indexes
        self.base: Base[R] = Base({}, {name: {} for name in indexes})
        self._beginning: Micros = 0
        self.version = 0
        self._clear()

    def _clear(self) -> None:
        # Over the base: records that are new, changed, or settled already; the base's keys that are gone; and for
        # each index the keys under a value that the base does not have there, and those of the base that it has
        # there and should not.
        self._rows: dict[Key, R] = {}
        self._gone: set[Key] = set()
        self._added: dict[str, Index] = {name: {} for name in self._by}
        self._removed: dict[str, dict[Hashable, set[Key]]] = {name: {} for name in self._by}
        self._length = len(self.base.rows)

    def __len__(self) -> int:
        return self._length

    def __contains__(self, key: Key) -> bool:
        return key in self._rows or (key in self.base.rows and key not in self._gone)

    def __getitem__(self, key: Key) -> R:
        record = self.get(key)
        if record is None:
            raise KeyError(key)
        return record

    def __iter__(self) -> Iterator[R]:
        if not self._rows and not self._gone and not self.base.unsettled:
            return iter(self.base.rows.values())
        return (self[key] for key in self.keys())

    def keys(self) -> list[Key]:
        """The primary keys, oldest first."""
        base, gone = self.base.rows, self._gone
        if not base:
            return list(self._rows)
        kept = [key for key in base if key not in gone] if gone else list(base)
        return kept + [key for key in self._rows if key not in base or key in gone]

    def items(self) -> list[tuple[Key, R]]:
        """Keys and records, oldest first."""
        return [(key, self[key]) for key in self.keys()]

    def get(self, key: Key) -> R | None:
        """The record with this primary key."""
        record = self._rows.get(key)
        if record is None and key not in self._gone:
            record = self.base.rows.get(key)
            if record is not None and self.base.unsettled:
                # Kept, so that a record that did not change is always the same object.
                record = self._rows[key] = settled(record, self._beginning)
        return record

    def first(self, index: str, value: Hashable) -> R | None:
        """The oldest record that `index` finds by `value`."""
        if value not in self.base.indexes[index]:
            for key in self._added[index].get(value, ()):
                return self._rows[key]
            return None
        for key in self._found(index, value):
            return self[key]
        return None

    def where(self, index: str, value: Hashable) -> list[R]:
        """Every record that `index` finds by `value`, oldest first."""
        rows, get = self._rows, self.__getitem__
        return [rows.get(key) or get(key) for key in self._found(index, value)]

    def count(self, index: str, value: Hashable) -> int:
        """How many records `index` finds by `value`."""
        removed = self._removed[index].get(value, ())
        return len(self.base.indexes[index].get(value, ())) - len(removed) + len(self._added[index].get(value, ()))

    def moments(self, field: str, keys: Iterable[Key]) -> Iterator[Micros]:
        """One moment of the records with these keys. None of them is settled for it: there may be a million."""
        rows, shared, beginning = self._rows, self.base.rows, self._beginning
        for key in keys:
            record = rows.get(key)
            at = getattr(shared[key] if record is None else record, field)
            yield settled_moment(at, beginning)

    def put(self, record: R) -> None:
        """Add a record, or put it in the place of the one with the same key."""
        key = self._key(record)
        old = self.get(key)
        self.version += 1
        self._length += old is None
        self._rows[key] = record
        for name, by in self._by.items():
            value = by(record)
            if old is not None:
                before = by(old)
                if before == value:
                    continue
                self._forget(name, before, key)
            if value is not None:
                self._added[name].setdefault(value, {})[key] = None

    def remove(self, record: R) -> None:
        """Take a record out. Raises KeyError when it is not there."""
        key = self._key(record)
        if key not in self:
            raise KeyError(key)
        self.version += 1
        self._length -= 1
        self._rows.pop(key, None)
        if key in self.base.rows:
            self._gone.add(key)
        for name, by in self._by.items():
            self._forget(name, by(record), key)

    def copy(self) -> Table[R]:
        """An independent table with the same records; they are shared, since they never change."""
        twin = self.standing_on(self.base, self._beginning)
        twin._rows = self._rows.copy()
        twin._gone = self._gone.copy()
        twin._added = {
            name: {value: keys.copy() for value, keys in index.items()} for name, index in self._added.items()
        }
        twin._removed = {
            name: {value: keys.copy() for value, keys in index.items()} for name, index in self._removed.items()
        }
        twin._length = self._length
        return twin

    def as_base(self) -> Base[R]:
        """The records of a table that stands on nothing, for others to stand on. It must not change any more."""
        if self.base.rows:
            raise AssertionError("only what a table itself was given becomes a base")
        return Base(self._rows, self._added)

    def standing_on(self, base: Base[R], beginning: Micros) -> Table[R]:
        """A table like this one on a base, in a world that began at `beginning`, without anything of its own."""
        twin: Table[R] = object.__new__(Table)
        twin._key, twin._by = self._key, self._by
        twin.base, twin._beginning, twin.version = base, beginning, 0
        twin._clear()
        return twin

    def own_rows(self) -> int:
        """How many rows this table holds apart from its base: what it costs in memory."""
        return len(self._rows) + len(self._gone)

    def check(self) -> list[str]:
        """Every way in which a key or an index differs from a rebuild; empty when all is well."""
        rebuilt: Table[R] = Table(self._key, **self._by)
        for record in self:
            rebuilt.put(record)
        found = [] if rebuilt.items() == self.items() and len(self) == len(rebuilt) else ["a key differs"]
        for name in self._by:
            values = {*self.base.indexes[name], *self._added[name], *rebuilt._added[name]}
            same = all(
                set(self._found(name, value)) == set(rebuilt._found(name, value))
                and self.count(name, value) == rebuilt.count(name, value)
                for value in values
            )
            if not same:
                found.append(f"index {name} differs from a rebuild")
        return found

    def _found(self, index: str, value: Hashable) -> dict[Key, None] | list[Key]:
        """The keys that an index has under a value, oldest first."""
        shared = self.base.indexes[index].get(value)
        added = self._added[index].get(value)
        if shared is None:
            return added or _NOTHING
        removed = self._removed[index].get(value)
        if removed:
            return [key for key in shared if key not in removed] + list(added or ())
        return [*shared, *added] if added else shared

    def _forget(self, name: str, value: Hashable | None, key: Key) -> None:
        if value is None:
            return
        keys = self._added[name].get(value)
        if keys is None or key not in keys:
            # Where it is not over the base, it is in it.
            self._removed[name].setdefault(value, set()).add(key)
            return
        del keys[key]
        if not keys:
            del self._added[name][value]
