"""A finding: one way in which the contract is broken, with all that is needed to act on it.

A finding is equal to another one when rule, operation and pointer are: the same fault seen twice is told once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from contract_tests.kit.rules import RULES
from contract_tests.kit.wire import Exchange


@dataclass
class Finding:
    """One departure from the contract. `exchanges` lead to it, the last one shows it; all are redacted."""

    rule: str
    operation: str
    message: str
    layer: str = ""
    check: str = ""
    pointer: str | None = None
    where: str | None = None
    seed: int = 0
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    repeat: str = ""

    @property
    def fingerprint(self) -> tuple[str, str, str]:
        """What makes two findings the same."""
        return self.rule, self.operation, self.pointer or re.sub(r"[0-9a-f]{4,}|\d+", "#", self.message)[:80]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        sentence, reference = RULES[self.rule]
        return {
            "rule": self.rule,
            "says": sentence,
            "reference": reference,
            "pointer": self.pointer,
            "where": self.where,
            "operation": self.operation,
            "layer": self.layer,
            "check": self.check,
            "message": self.message,
            "seed": self.seed,
            "repeat": self.repeat,
            "exchanges": self.exchanges,
        }

    def as_text(self) -> str:
        """For a terminal."""
        sentence, reference = RULES[self.rule]
        lines = [f"{self.operation}: {self.message}", f"  rule      {self.rule}: {sentence} [{reference}]"]
        if self.pointer:
            lines.append(f"  schema    {self.pointer}" + (f"  at {self.where}" if self.where else ""))
        for number, shown in enumerate(self.exchanges):
            last = number == len(self.exchanges) - 1
            lines.append(f"  {'request ' if last else 'before  '}  {shown['curl']}   # as {shown['request']['as']}")
            if last:
                lines.append(f"  answered  {shown['answer']['status']} {shown['answer']['body'][:600]}")
                indented = shown["python"].replace("\n", "\n              ")
                lines.append(f"  python    {indented}")
        lines.append(f"  repeat    {self.repeat}")
        return "\n".join(lines)


class Violation(AssertionError):
    """Raised where the contract is broken; carries the finding."""

    finding: Finding


@cache
def _kind(_: tuple[str, str, str]) -> type[Violation]:
    # Hypothesis tells failures apart by type and line: a class for each fingerprint keeps two faults two faults.
    return type("Violation", (Violation,), {})


def violation(finding: Finding) -> Violation:
    """The exception for a finding."""
    error = _kind(finding.fingerprint)(f"{finding.operation}: {finding.message}")
    error.finding = finding
    return error


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once; of equal ones the one with the shortest way to it."""
    best: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        known = best.get(finding.fingerprint)
        if known is None or len(finding.exchanges) < len(known.exchanges):
            best[finding.fingerprint] = finding
    return list(best.values())


def snapshot(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """Exchanges as they go into a finding."""
    return [exchange.as_dict() for exchange in exchanges]
