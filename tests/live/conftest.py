"""The fixtures of the live dialect's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.world import Live

_shared: dict[str, Live] = {}


def _fresh(quirks: str) -> Live:
    if quirks not in _shared:
        _shared[quirks] = Live(quirks=quirks)
    return _shared[quirks].back()


@pytest.fixture
def world() -> Iterator[Live]:
    """The world with keys of every power, as at its start; sound before and after."""
    mock = _fresh("on")
    yield mock
    mock.sound()


@pytest.fixture
def sane() -> Iterator[Live]:
    """The same world without the quirks that look like faults of the service."""
    mock = _fresh("off")
    yield mock
    mock.sound()
