"""From method and path to an operation.

There is no 405: a known path with another method is as unknown as any (reference 00 §1). A path is served
with and without one trailing slash, and letters count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar


class Routed(Protocol):
    """What can be found by method and path."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


Op = TypeVar("Op", bound=Routed)

PATHS_KEPT = 1024
"""How many paths with parameters are remembered with their operations."""


@dataclass(slots=True)
class Match(Generic[Op]):
    """An operation, and the path's parameters by name."""

    operation: Op
    path: dict[str, str]


class Routes(Generic[Op]):
    """Operations by path. Literal paths are found in a dict, those with parameters among those that begin alike."""

    def __init__(self, operations: Iterable[Op]) -> None:
        self._literal: dict[tuple[str, str], Match[Op]] = {}
        self._patterns: dict[tuple[str, str, int], list[tuple[_Pattern, Op]]] = {}
        self._lately: dict[tuple[str, str], Match[Op]] = {}
        for operation in operations:
            if "{" in operation.path:
                segments = operation.path.split("/")
                alike = operation.method, segments[1], len(segments)
                self._patterns.setdefault(alike, []).append((_pattern(segments), operation))
            else:
                self._literal.setdefault((operation.method, operation.path), Match(operation, {}))

    def match(self, method: str, path: str) -> Match[Op] | None:
        """The operation for a request; HEAD is served by the operation for GET. Of two, the first told counts."""
        if method == "HEAD":
            method = "GET"
        if path.endswith("/"):
            path = path[:-1]
        asked = method, path
        known = self._literal.get(asked) or self._lately.get(asked)
        if known is not None:
            return known
        segments = path.split("/")
        if len(segments) < 2:
            return None
        for pattern, operation in self._patterns.get((method, segments[1], len(segments)), ()):
            found = _parameters(pattern, segments)
            if found is not None:
                if len(self._lately) >= PATHS_KEPT:
                    self._lately.clear()
                match = self._lately[asked] = Match(operation, found)
                return match
        return None


class _Pattern(NamedTuple):
    """A path's parameters and its other segments, each with its place."""

    parameters: tuple[tuple[int, str], ...]
    literals: tuple[tuple[int, str], ...]


def _pattern(segments: list[str]) -> _Pattern:
    placed = list(enumerate(segments))
    return _Pattern(
        tuple((place, segment[1:-1]) for place, segment in placed if segment.startswith("{")),
        tuple((place, segment) for place, segment in placed if not segment.startswith("{")),
    )


def _parameters(pattern: _Pattern, segments: list[str]) -> dict[str, str] | None:
    for place, literal in pattern.literals:
        if segments[place] != literal:
            return None
    found = {name: segments[place] for place, name in pattern.parameters}
    return found if all(found.values()) else None
