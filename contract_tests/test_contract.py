"""The suite: each check is a test. What is asked stands in `layers`, how in `kit`."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.kit.checks import Check


def test_contract(check: Check, ask: Any) -> None:
    """The target honours this part of the contract."""
    outcome = ask(check)
    if outcome.status == "skipped":
        pytest.skip(outcome.reason)
    if outcome.status == "broken":
        pytest.fail("\n\n".join(outcome.texts), pytrace=False)
