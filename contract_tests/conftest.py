"""pytest's side of the kit: options, one test for each check, and outcomes on their way to the reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from contract_tests.kit.findings import Finding
from contract_tests.kit.options import OPTIONS, OptionError, parse
from contract_tests.kit.progress import Progress
from contract_tests.kit.reports import Summary, write_html, write_json
from contract_tests.kit.run import Outcome, Run
from contract_tests.kit.ledger import LedgerError

_RUN: pytest.StashKey[Run] = pytest.StashKey()
_SUMMARY: pytest.StashKey[Summary] = pytest.StashKey()
_PROGRESS: pytest.StashKey[Progress] = pytest.StashKey()
_OUTCOME: pytest.StashKey[Outcome] = pytest.StashKey()
_FLOOR = 0.9
CANNOT_RUN = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "what to hold to Capgo's contract")
    for option in OPTIONS:
        group.addoption(option.flag, dest=f"contract_{option.name}", help=option.help, **option.more)
    group.addoption("--contract-progress", action="store_true", dest="contract_progress", help="draw a progress bar")


def pytest_configure(config: pytest.Config) -> None:
    values = {option.name: config.getoption(f"contract_{option.name}") for option in OPTIONS}
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        # All processes of a run are one run: the id was drawn by the first.
        values["run_id"] = worker["contract_run_id"]
    try:
        options = parse(values, dict(os.environ))
        share = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) if worker is not None else 1
        run = Run(options, share=share, worker=worker["workerid"] if worker is not None else "")
    except (OptionError, LedgerError) as error:
        pytest.exit(f"cannot run: {error}", CANNOT_RUN)
    config.stash[_RUN] = run
    config.stash[_SUMMARY] = Summary(run.contract, options.seed, options.base_url or options.app or "the mock in this process")
    if worker is None:
        reason = run.preflight()
        if reason is not None:
            pytest.exit(f"cannot run: {reason}", CANNOT_RUN)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The controller tells its workers which run they are."""
    node.workerinput["contract_run_id"] = node.config.stash[_RUN].run_id


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marks = [
        pytest.param(check, id=check.id, marks=[pytest.mark.skip(reason=left_out)] if left_out else [])
        for check, left_out in metafunc.config.stash[_RUN].checks()
    ]
    metafunc.parametrize("check", marks)


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if not hasattr(config, "workerinput"):
        config.stash[_PROGRESS] = Progress(
            len(session.items), config.stash[_RUN].cost(), config.stash[_RUN].pace, drawn=config.getoption("contract_progress")
        )


@pytest.fixture
def ask(request: pytest.FixtureRequest) -> Any:
    """Ask a check, and keep its outcome where the report finds it."""
    run = request.config.stash[_RUN]

    def asked(check: Any) -> Outcome:
        outcome = run.ask(check)
        request.node.stash[_OUTCOME] = outcome
        return outcome

    return asked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    outcome = item.stash.get(_OUTCOME, None)
    check = item.callspec.params.get("check") if hasattr(item, "callspec") else None
    if outcome is None and check is not None and report.when == "setup" and report.skipped:
        outcome = Outcome(check.id, check.layer, check.operation, "skipped", str(report.longrepr[-1]).removeprefix("Skipped: "))
    elif outcome is None and check is not None and report.when == "call" and report.failed:
        outcome = Outcome(check.id, check.layer, check.operation, "error", "the kit failed; please report this")
    if outcome is not None and (report.when == "call" or outcome.status == "skipped"):
        report.contract = asdict(outcome)
        del item.stash[_OUTCOME] if _OUTCOME in item.stash else None
    return report


def pytest_runtest_logreport(report: Any) -> None:
    outcome = getattr(report, "contract", None)
    if outcome is not None and _current is not None:
        _current.stash[_SUMMARY].add(Outcome(**outcome))
        if _PROGRESS in _current.stash:
            _current.stash[_PROGRESS].step(outcome["requests"], outcome["status"])
