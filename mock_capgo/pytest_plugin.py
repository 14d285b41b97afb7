"""The pytest plugin: `capgo`, a fresh world for each test; `capgo_server`, the server behind it.

Loaded by pytest at every start, also where no test asks for it: nothing but pytest is imported before a fixture
is used, and nothing is started.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_capgo.testing import CapgoServer, MockCapgo

_WORLD = pytest.StashKey["MockCapgo"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the server is, and which world a test gets that does not say."""
    group = parser.getgroup("mock-capgo")
    group.addoption("--capgo-url", metavar="URL", help="use the mock-capgo that runs there instead of starting one")
    group.addoption("--capgo-control-url", metavar="URL", help="where its control routes are, if elsewhere")
    group.addoption("--capgo-token", metavar="TOKEN", help="its control token (default: $MOCK_CAPGO_CONTROL_TOKEN)")
    parser.addini("capgo_fixture", "the world of `capgo`: a built-in name, or a JSON file")
    parser.addini("capgo_dialect", "the dialect of `capgo`: documented or live")


@pytest.fixture(scope="session")
def capgo_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CapgoServer]:
    """The server of the session: started in this process, or shared by all workers of pytest-xdist, or given."""
    from mock_capgo.testing import CapgoServer  # noqa: PLC0415 - loaded when it is first used

    option = request.config.getoption
    if option("--capgo-url"):
        token = option("--capgo-token") or os.environ.get("MOCK_CAPGO_CONTROL_TOKEN", "")
        server = CapgoServer(option("--capgo-url"), token, control_url=option("--capgo-control-url"))
    elif hasattr(request.config, "workerinput"):
        # The folder above a worker's own is the run's.
        server = CapgoServer.shared(tmp_path_factory.getbasetemp().parent / "mock-capgo")
    else:
        server = CapgoServer.started()
    yield server
    server.close()


@pytest.fixture
def capgo_options() -> dict[str, Any]:
    """The options of `capgo`, as of `MockCapgo`. Override it in a module or class, or parametrize it."""
    return {}


@pytest.fixture
def capgo(
    request: pytest.FixtureRequest, capgo_server: CapgoServer, capgo_options: dict[str, Any]
) -> Iterator[MockCapgo]:
    """A fresh world on the session's server, deleted afterwards."""
    with capgo_server.world(**(_configured(request.config) | capgo_options)) as world:
        request.node.stash[_WORLD] = world
        yield world


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test shows what its world was asked."""
    report = yield
    world = item.stash.get(_WORLD, None)
    if world is not None and report.failed and report.when != "teardown":
        report.sections.append(("mock-capgo journal", _journal(world)))
    return report


def _configured(config: pytest.Config) -> dict[str, Any]:
    """The options of the ini file; a fixture's file counts from there."""
    options: dict[str, Any] = {}
    fixture, dialect = config.getini("capgo_fixture"), config.getini("capgo_dialect")
    if fixture:
        options["fixture"] = config.rootpath / fixture if Path(fixture).suffix == ".json" else fixture
    if dialect:
        options["dialect"] = dialect
    return options


def _journal(world: MockCapgo) -> str:
    from mock_capgo.testing import MockCapgoError  # noqa: PLC0415

    try:
        return f"{world.base_url}\n{world.journal.text()}"
    except MockCapgoError as error:
        return f"could not be read: {error}"
