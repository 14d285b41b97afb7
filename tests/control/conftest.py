"""A server for each test, in process, and one on a socket for the tests of a module that look at the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control.hub import Hub, Process, World, process


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def world(hub: Hub) -> World:
    """A fresh world without limits."""
    return hub.world(limits="off")


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with process("--limits", "off", "--fault-header", "on") as running:
        yield running
