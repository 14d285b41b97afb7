"""The device ids of each app, in their order: a page in the middle is found by bisection. Knows no devices."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence


class Order:
    """Sorted ids by app. A copy shares the lists, and whoever writes to one first makes it their own."""

    __slots__ = ("_ids", "_own")

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}
        self._own: set[str] = set()

    def ids(self, app_id: str) -> Sequence[str]:
        """The ids of an app, in order."""
        return self._ids.get(app_id, ())

    def as_dict(self) -> dict[str, list[str]]:
        """All ids by app."""
        return self._ids

    def add(self, app_id: str, device_id: str) -> None:
        """Add an id that is not there yet."""
        ids = self._writable(app_id)
        if not ids or ids[-1] < device_id:
            ids.append(device_id)
        else:
            insort(ids, device_id)

    def remove(self, app_id: str, device_id: str) -> None:
        """Take an id out that is there."""
        ids = self._writable(app_id)
        del ids[bisect_left(ids, device_id)]
        if not ids:
            self.forget(app_id)

    def forget(self, app_id: str) -> None:
        """Take every id of an app out."""
        self._ids.pop(app_id, None)
        self._own.discard(app_id)

    def copy(self) -> Order:
        """An independent order with the same ids."""
        twin = Order()
        twin._ids = self._ids.copy()
        self._own.clear()
        return twin

    def _writable(self, app_id: str) -> list[str]:
        if app_id not in self._own:
            self._ids[app_id] = list(self._ids.get(app_id, ()))
            self._own.add(app_id)
        return self._ids[app_id]
