"""The kit finds out every wrong server of the catalogue, with a finding that can be acted on."""

from __future__ import annotations

import pytest

from contract_tests.kit.options import Options
from contract_tests.kit.run import Outcome, Run
from tests.contract.catalogue import CATALOGUE
from tests.contract.fine_catalogue import FINE
from tests.contract.wrong import Wrong


def first_finding(wrong: Wrong) -> Outcome | None:
    """Ask the checks that are the likeliest to see it, then all others, until one finds something."""
    run = Run(Options(no_shrink=True, examples=8, chains=10, dialect=wrong.dialect), factory=wrong.factory)
    checks = [check for check, _ in run.checks()]
    likely = [check for check in checks if any(check.id.startswith(look) for look in wrong.look)]
    for check in [*likely, *(check for check in checks if check not in likely)]:
        outcome = run.ask(check)
        if outcome.findings:
            return outcome
    return None


ALL = (*CATALOGUE, *FINE)


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.name.replace(" ", "-"))
def test_wrong_server_is_found_out(wrong: Wrong) -> None:
    """A wrong server does not survive, and the finding says what to do about it."""
    outcome = first_finding(wrong)
    assert outcome is not None, f"survived: {wrong.name}"
    finding = outcome.findings[0]
    assert finding["rule"] and finding["says"] and finding["reference"]
    assert finding["exchanges"], finding
    shown = finding["exchanges"][-1]
    assert shown["curl"].startswith("curl ") and "urllib.request" in shown["python"]
    assert finding["repeat"].startswith("mock-capgo contract ")


def test_catalogue_is_large_enough() -> None:
    """There are at least 40 wrong servers, each under a name of its own."""
    assert len({wrong.name for wrong in ALL}) == len(ALL) >= 40
