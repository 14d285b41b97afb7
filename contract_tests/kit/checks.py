"""A check: one question to the target. Layers yield them, the runner asks them, pytest names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contract_tests.kit.explore import Effort
from contract_tests.kit.session import Session

Ask = Callable[[Session, Effort], None]


@dataclass(frozen=True)
class Check:
    """`cost` is about how many requests it takes; `writes` that it is left out of a read-only run.

    `limits` asks for a target whose limiter is on, `operation` is None for a question about several.
    """

    layer: str
    name: str
    ask: Ask
    operation: str | None = None
    cost: int = 10
    writes: bool = False
    limits: bool = False
    sandbox: bool = False
    dialects: tuple[str, ...] = ("documented", "live")

    @property
    def id(self) -> str:
        """As pytest and `--check` name it."""
        return f"{self.layer}/{self.name}"


class NotHere(Exception):
    """A check cannot be asked of this target; the text says what it lacks."""
