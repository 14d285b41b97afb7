"""Every universe of a server, and which one a request is about: by path, else by key, else the default one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from math import inf

from mock_capgo.request import Request
from mock_capgo.server.universe import Universe
from mock_capgo.world.state import held_rows

PREFIX = "/w/"
MAX_UNIVERSES = 1000
MAX_RECORDS = 3_000_000
"""Records in all universes together, shared ones counted once: about two gigabytes of memory."""

_KEY_HEADERS = ("authorization", "x-api-key", "capgkey")


class Full(Exception):
    """There is no room for another universe; the text says which bound was reached."""


class Universes:
    """The default universe, and those that tests made."""

    def __init__(self, default: Universe) -> None:
        self.default = default
        self.api_url: str | None = None
        """Where the API is, for who asks on another port; None for where they ask."""
        self._made: dict[str, Universe] = {}
        self._rows = 0
        self._counted_at = -inf
        self._by_key: dict[str, str] = {}

    def __len__(self) -> int:
        return 1 + len(self._made)

    def __iter__(self) -> Iterator[Universe]:
        yield self.default
        yield from self._made.values()

    def get(self, universe_id: str) -> Universe | None:
        """A universe by its id, which thereby lives on; None where there is none, or its time ran out."""
        if universe_id == self.default.id:
            return self.default
        universe = self._made.get(universe_id)
        if universe is not None and _is_over(universe, now := time.monotonic()):
            self.remove(universe_id)
            return None
        if universe is not None:
            universe.touched = now
        return universe

    def new_id(self) -> str:
        """An id that nobody guesses: who knows it may use the universe."""
        return secrets.token_hex(8)

    def add(self, universe: Universe) -> None:
        """Keep a universe. Raises Full."""
        self.expire()
        if len(self._made) >= MAX_UNIVERSES:
            raise Full(f"there are {MAX_UNIVERSES} worlds already: delete some, or give them a ttl")
        self._refuse_too_many_rows(universe)
        self._made[universe.id] = universe

    def _refuse_too_many_rows(self, universe: Universe) -> None:
        """Counting them all takes longer than making a universe: once a second, and before a refusal."""
        now = time.monotonic()
        self._rows += held_rows([universe.world.state])
        if self._rows > MAX_RECORDS or now - self._counted_at > 1:
            self._rows = held_rows(one.world.state for one in (*self, universe))
            self._counted_at = now
        if self._rows > MAX_RECORDS:
            raise Full(f"the worlds would hold over {MAX_RECORDS} records: delete some, or start from less")

    def remove(self, universe_id: str) -> bool:
        """Forget a universe; whether there was one."""
        self._by_key = {key: known for key, known in self._by_key.items() if known != universe_id}
        return self._made.pop(universe_id, None) is not None

    def expire(self) -> None:
        """Forget the universes that were idle for longer than they live."""
        now = time.monotonic()
        for universe in list(self._made.values()):
            if _is_over(universe, now):
                self.remove(universe.id)

    def find(self, request: Request) -> Universe | None:
        """The universe of a request, whose path loses its prefix; None when the prefix names none."""
        if request.path.startswith(PREFIX):
            universe_id, _, rest = request.path.removeprefix(PREFIX).partition("/")
            universe = self.get(universe_id)
            if universe is None:
                return None
            request.path = "/" + rest
            request.root += PREFIX + universe_id
            return universe
        return self._by_credential(request) if self._made else self.default

    def _by_credential(self, request: Request) -> Universe:
        for header in _KEY_HEADERS:
            value = request.headers.get(header)
            if not value or self.default.knows_key(value):
                continue
            known = self._made.get(self._by_key.get(value, ""))
            if known is None or not known.knows_key(value):
                known = next((one for one in self._made.values() if one.knows_key(value)), None)
            if known is not None:
                self._by_key[value] = known.id
                known.touched = time.monotonic()
                return known
        return self.default


def prefix_of(universe: Universe) -> str:
    """What stands before every path of a universe: nothing for the default one."""
    return "" if universe.id == "default" else PREFIX + universe.id


def _is_over(universe: Universe, now: float) -> bool:
    return universe.ttl is not None and now - universe.touched > universe.ttl
