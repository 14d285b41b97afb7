"""What belongs to each app, in an order that is kept: a page in the middle is found by bisection. Knows no devices."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", str, tuple[int, str])


class Order(Generic[T]):
    """Sorted items by app. A copy shares the lists, and whoever writes to one first makes it their own."""

    __slots__ = ("_items", "_own")

    def __init__(self) -> None:
        self._items: dict[str, list[T]] = {}
        self._own: set[str] = set()

    def __contains__(self, app_id: str) -> bool:
        return app_id in self._items

    def of(self, app_id: str) -> Sequence[T]:
        """The items of an app, in order."""
        return self._items.get(app_id, ())

    def as_dict(self) -> dict[str, list[T]]:
        """All items by app."""
        return self._items

    def set(self, app_id: str, items: list[T]) -> None:
        """Put sorted items in the place of an app's."""
        self._items[app_id] = items
        self._own.add(app_id)

    def add(self, app_id: str, item: T) -> None:
        """Add an item that is not there yet."""
        items = self._writable(app_id)
        if not items or items[-1] < item:
            items.append(item)
        else:
            insort(items, item)

    def remove(self, app_id: str, item: T) -> None:
        """Take an item out that is there."""
        items = self._writable(app_id)
        del items[bisect_left(items, item)]

    def forget(self, app_id: str) -> None:
        """Take every item of an app out."""
        self._items.pop(app_id, None)
        self._own.discard(app_id)

    def copy(self) -> Order[T]:
        """An independent order with the same items."""
        twin: Order[T] = Order()
        twin._items = self._items.copy()
        self._own.clear()
        return twin

    def _writable(self, app_id: str) -> list[T]:
        if app_id not in self._own:
            self.set(app_id, list(self._items.get(app_id, ())))
        return self._items[app_id]


def after(items: Sequence[T], last: T | None) -> Iterator[T]:
    """The items behind one, which need not be there; from the first where it is None."""
    for place in range(0 if last is None else bisect_right(items, last), len(items)):
        yield items[place]


def latest_after(items: Sequence[tuple[int, str]], last: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
    """As `after`, for pairs of a moment and an id with the latest moment first; ids of one moment still go up."""
    end = len(items)
    if last is not None:
        end = bisect_left(items, (last[0],))
        for place in range(bisect_right(items, last), bisect_left(items, (last[0] + 1,))):
            yield items[place]
    while end > 0:
        begin = bisect_left(items, (items[end - 1][0],))
        for place in range(begin, end):
            yield items[place]
        end = begin
