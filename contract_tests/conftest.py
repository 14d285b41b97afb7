"""pytest's side of the kit: options, one test for each check, and outcomes on their way to the reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from contract_tests.kit.checks import Check
from contract_tests.kit.ledger import LedgerError
from contract_tests.kit.options import OPTIONS, OptionError, parse
from contract_tests.kit.progress import Progress
from contract_tests.kit.reports import Summary, write_html, write_json
from contract_tests.kit.run import Outcome, Run
from contract_tests.kit.targets import CannotReach

_RUN: pytest.StashKey[Run] = pytest.StashKey()
_OUTCOME: pytest.StashKey[Outcome] = pytest.StashKey()
_FLOOR = 0.95
BROKEN, CANNOT_RUN = 1, 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the kit, and whether to draw."""
    group = parser.getgroup("contract", "what to hold to Capgo's contract")
    for option in OPTIONS:
        group.addoption(option.flag, dest=f"contract_{option.name}", help=option.help, **option.more)
    group.addoption(
        "--contract-progress", action="store_true", dest="contract_progress", help="speak without pytest's terminal"
    )
    group.addoption("--contract-no-bar", action="store_true", dest="contract_no_bar", help="say how much, draw no bar")


def pytest_configure(config: pytest.Config) -> None:
    """Assemble the run. What cannot be run ends here, with the reason."""
    values = {option.name: config.getoption(f"contract_{option.name}") for option in OPTIONS}
    worker = getattr(config, "workerinput", None)
    share = 1
    if worker is not None:
        # All processes are one run: its id was drawn by the first, and they share its budget.
        values["run_id"] = worker["contract_run_id"]
        share = int(worker.get("workercount", 1))
    try:
        run = Run(parse(values, dict(os.environ)), share=share, worker=worker["workerid"] if worker else "")
    except (OptionError, LedgerError) as error:
        raise pytest.UsageError(f"cannot run: {error}") from None
    config.stash[_RUN] = run
    if worker is None:
        reason = None if config.option.collectonly else run.preflight()
        if reason is not None:
            raise pytest.UsageError(f"cannot run: {reason}")
        config.pluginmanager.register(Reporter(config, run), "contract-reporter")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The first process tells its workers which run they are."""
    node.workerinput["contract_run_id"] = node.config.stash[_RUN].run_id


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each check."""
    parameters = [
        pytest.param(check, id=check.id, marks=[pytest.mark.skip(reason=left_out)] if left_out else [])
        for check, left_out in metafunc.config.stash[_RUN].checks()
    ]
    metafunc.parametrize("check", parameters)


@pytest.fixture
def ask(request: pytest.FixtureRequest) -> Any:
    """Ask a check, and keep its outcome where the report finds it."""
    run = request.config.stash[_RUN]

    def asked(check: Check) -> Outcome:
        try:
            outcome = run.ask(check)
        except CannotReach as error:
            pytest.exit(f"cannot run: the target went away: {error}", CANNOT_RUN)
        request.node.stash[_OUTCOME] = outcome
        return outcome

    return asked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Lay the outcome on the report, on which it gets from a worker to the first process."""
    report: Any = yield
    check: Check | None = item.callspec.params.get("check") if hasattr(item, "callspec") else None
    outcome = item.stash.get(_OUTCOME, None)
    if check is None:
        return report
    if report.when == "call":
        found = outcome or Outcome(check.id, check.layer, check.operation, "error", _own_fault(call.excinfo))
        report.contract = asdict(found)
    elif report.when == "setup" and report.skipped:
        reason = str(report.longrepr[-1]).removeprefix("Skipped: ")
        report.contract = asdict(Outcome(check.id, check.layer, check.operation, "skipped", reason))
    return report


def _own_fault(raised: pytest.ExceptionInfo[BaseException] | None) -> str:
    """What to say when the kit itself failed. Where, and not what: the text of an error may hold a secret."""
    if raised is None:
        return "the kit itself failed; please report it"
    at = raised.traceback[-1]
    return f"the kit itself failed with {raised.typename} at {Path(at.path).name}:{at.lineno + 1}; please report it"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Every process takes away what it created."""
    run = session.config.stash.get(_RUN, None)
    outcome = run.clean_up() if run is not None else None
    if outcome is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["contract_clean_up"] = asdict(outcome)
    else:
        reporter: Any = session.config.pluginmanager.get_plugin("contract-reporter")
        reporter.take(outcome)


class Reporter:
    """The first process's collector: outcomes in, reports and exit status out."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self.config, self.run = config, run
        options = run.options
        self.summary = Summary(
            run.contract, options.seed, options.base_url or options.app or "the mock in this process"
        )
        self.progress: Progress | None = None

    def take(self, outcome: Outcome) -> None:
        """One more outcome."""
        self.summary.add(outcome)
        if self.progress is not None:
            broken = sum(known.status == "broken" for known in self.summary.outcomes)
            self.progress.step(outcome.check, broken)

    def pytest_report_header(self) -> str:
        """How much there is to do."""
        number = sum(not left_out for _, left_out in self.run.checks())
        return "contract: " + Progress(number, self.run.cost(), self.run.pace, drawn=False).said

    def pytest_runtestloop(self) -> None:
        """Draw the bar from here on."""
        number = sum(1 for _ in self.run.checks())
        alone = self.config.getoption("contract_progress")
        self.progress = Progress(
            number, self.run.cost(), self.run.pace, drawn=alone and not self.config.getoption("contract_no_bar")
        )
        if alone:
            print(self.progress.said, file=sys.stderr, flush=True)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Reports of this process and of the workers arrive here."""
        found = getattr(report, "contract", None)
        if found is not None:
            self.take(Outcome(**found))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """A worker has cleaned up."""
        found = getattr(node, "workeroutput", {}).get("contract_clean_up")
        if found is not None:
            self.take(Outcome(**found))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the reports and settle the exit status, when everybody else is done."""
        yield
        if self.progress is not None:
            self.progress.stop()
        if self.config.option.collectonly:
            return
        options, share = self.run.options, self.summary.coverage["share"]
        if options.json:
            write_json(Path(options.json), self.summary)
        if options.html:
            write_html(Path(options.html), self.summary)
        if self.config.getoption("contract_progress"):
            print(self.summary.as_text())
        whole = self.run.in_process and not (options.layers or options.check)
        floor = options.floor if options.floor is not None else (_FLOOR if whole else 0.0)
        statuses = {outcome.status for outcome in self.summary.outcomes}
        self.below = f"the run reached {share:.1%} of the contract, the floor is {floor:.1%}" if share < floor else ""
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            # What was found stays found, also where another question could not be asked.
            if "broken" in statuses:
                session.exitstatus = BROKEN
            elif "error" in statuses or not statuses - {"skipped"}:
                session.exitstatus = CANNOT_RUN
            elif self.below:
                session.exitstatus = BROKEN
        if self.below and self.config.getoption("contract_progress"):
            print(self.below)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table, the findings and the coverage, under pytest's own summary."""
        if not self.config.getoption("contract_progress"):
            terminalreporter.section("contract")
            terminalreporter.write_line(self.summary.as_text())
            if getattr(self, "below", ""):
                terminalreporter.write_line(self.below)
