"""How fast a run may ask. The counting is pyrate-limiter's, as in Schemathesis; ours is the words around it."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"s": 1, "m": 60, "h": 3600}


class PaceError(Exception):
    """A budget cannot be read; the text says what would do."""


class Pace:
    """At most so many requests in any window of time; `Pace(None)` does not hold anybody back."""

    def __init__(self, budget: str | None, share: int = 1) -> None:
        self.per_minute: float | None = None
        self._limiter: Any = None
        if budget in (None, "0", "off"):
            return
        found = re.fullmatch(r"([1-9][0-9]*)(?:/([smh]))?", budget or "")
        if found is None:
            raise PaceError(f"--budget {budget}: write requests a minute as 90, or 5/s, 90/m, 2000/h; 0 for no budget")
        from pyrate_limiter import Limiter, Rate  # noqa: PLC0415 - a run in process needs none

        number, seconds = max(1, int(found[1]) // share), _UNITS[found[2] or "m"]
        self.per_minute = number * 60 / seconds
        self._limiter = Limiter(Rate(number, seconds * 1000))

    def hold(self) -> None:
        """Return when the next request may leave."""
        if self._limiter is not None:
            self._limiter.try_acquire("contract", blocking=True)

    def estimate(self, requests: int) -> float | None:
        """Seconds that so many requests take, None without a budget."""
        return None if self.per_minute is None else max(0.0, (requests - self.per_minute) / self.per_minute * 60)
