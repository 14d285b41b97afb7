"""From method and path to an operation.

There is no 405: a known path with another method is as unknown as any (reference 00 §1). A path is served
with and without one trailing slash, and letters count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Routed(Protocol):
    """What can be found by method and path."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


Op = TypeVar("Op", bound=Routed)


@dataclass(frozen=True, slots=True)
class Match(Generic[Op]):
    """An operation, and the path's parameters by name."""

    operation: Op
    path: dict[str, str]


class Routes(Generic[Op]):
    """Operations by path. Literal paths are found in a dict, those with parameters segment by segment."""

    def __init__(self, operations: Iterable[Op]) -> None:
        self._literal: dict[tuple[str, str], Match[Op]] = {}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Op]]] = {}
        for operation in operations:
            if "{" in operation.path:
                segments = operation.path.split("/")
                self._patterns.setdefault((operation.method, len(segments)), []).append((segments, operation))
            else:
                self._literal[operation.method, operation.path] = Match(operation, {})

    def match(self, method: str, path: str) -> Match[Op] | None:
        """The operation for a request; HEAD is served by the operation for GET."""
        if method == "HEAD":
            method = "GET"
        if path.endswith("/"):
            path = path[:-1]
        literal = self._literal.get((method, path))
        if literal is not None:
            return literal
        segments = path.split("/")
        for pattern, operation in self._patterns.get((method, len(segments)), ()):
            found = _parameters(pattern, segments)
            if found is not None:
                return Match(operation, found)
        return None


def _parameters(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            found[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return found
