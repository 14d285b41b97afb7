"""What was worked out from tables, kept until one of them changes. Knows neither the tables nor the values.

Whoever keeps a value names the versions of the tables that it follows from (`Table.version`), and asks with theirs.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

T = TypeVar("T")
Versions = int | tuple[int, ...]

VALUES_KEPT = 128


class Derived:
    """The latest values that follow from tables alone."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Versions, Any]] = {}

    def find(self, key: Hashable, versions: Versions) -> Any:
        """The value kept as `key`; None where there is none, or one of its tables has changed since."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] == versions else None

    def keep(self, key: Hashable, versions: Versions, value: T) -> T:
        """Keep a value, which is not None, as `key`. Returns it."""
        if len(self._kept) >= VALUES_KEPT and key not in self._kept:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = versions, value
        return value
