"""How much of the contract a run reached: operations, parameters, statuses, error codes.

Reached is: asked and answered. A status counts for the operation that answered it, a parameter for the operation
that took it. The floor is on the whole, so that a run that skips half of its questions does not pass for green.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from contract_tests.kit.contract import Contract
from contract_tests.kit.wire import Answer, Call, Redactor

_NOT_ASKED_FOR = frozenset({500})
_CODE = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`")


@dataclass
class Coverage:
    """What was reached; a set of short texts for each kind, so that it can be merged and sent between processes."""

    operations: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def saw(self, call: Call, answer: Answer, redact: Redactor) -> None:
        """Count one exchange."""
        name = call.operation
        self.operations.add(name)
        self.statuses.add(f"{name} {answer.status}")
        if isinstance(call.body, dict):
            self.parameters.update(f"{name} {member}" for member in call.body)
        self.parameters.update(f"{name} {member}" for member, _ in call.query)
        if answer.status >= 400:
            body = answer.json_or_none()
            if isinstance(body, dict) and isinstance(body.get("error"), str):
                self.errors.add(redact(body["error"])[:120])

    def merge(self, other: dict[str, list[str]]) -> None:
        """Take over what another process reached."""
        for kind, values in other.items():
            getattr(self, kind).update(values)

    def as_lists(self) -> dict[str, list[str]]:
        """For JSON and for other processes."""
        kinds = ("operations", "parameters", "statuses", "errors")
        return {kind: sorted(getattr(self, kind)) for kind in kinds}


def documented(contract: Contract) -> dict[str, set[str]]:
    """Everything of a contract that can be reached."""
    found: dict[str, set[str]] = {"operations": set(), "parameters": set(), "statuses": set(), "errors": set()}
    for operation in contract.operations.values():
        found["operations"].add(operation.id)
        found["statuses"].update(f"{operation.id} {s}" for s in operation.statuses - _NOT_ASKED_FOR)
        names = list(contract.parameters(operation, "query"))
        body = contract.body_schema(operation)
        names += list(body[0].get("properties", {})) if body else []
        found["parameters"].update(f"{operation.id} {name}" for name in names)
    found["errors"].update(_error_codes(contract))
    return found


def measure(contract: Contract, reached: Coverage) -> dict[str, Any]:
    """For each kind: how many there are, how many were reached, and which were not; and the share of the whole."""
    report: dict[str, Any] = {}
    total = hit = 0
    for kind, there in documented(contract).items():
        got = getattr(reached, kind) & there
        report[kind] = {"documented": len(there), "reached": len(got), "missing": sorted(there - got)}
        total, hit = total + len(there), hit + len(got)
    report["share"] = round(hit / total, 4) if total else 1.0
    report["other_errors"] = sorted(reached.errors - documented(contract)["errors"])
    return report


def _error_codes(contract: Contract) -> set[str]:
    """The errors that the document names: constants and examples of error bodies, and codes in descriptions."""
    found: set[str] = set()
    for operation in contract.operations.values():
        for status in operation.statuses:
            schema = contract.answer_schema(operation, status)
            if status < 400 or schema is None or status == 500:
                continue
            found |= _codes_in(contract, *contract.resolve(*schema))
    return found


def _codes_in(contract: Contract, schema: dict[str, Any], at: str, depth: int = 0) -> set[str]:
    found: set[str] = set()
    error = schema.get("properties", {}).get("error", {})
    if isinstance(error, dict):
        found |= {error["const"]} if "const" in error else set(error.get("enum", ()))
        found |= set(_CODE.findall(error.get("description", "")))
    for example in schema.get("examples", ()):
        if isinstance(example, dict) and isinstance(example.get("error"), str):
            found.add(example["error"])
    if depth < 3:
        for word in ("anyOf", "oneOf", "allOf"):
            for branch in schema.get(word, ()):
                resolved, where = contract.resolve(branch, at)
                found |= _codes_in(contract, resolved, where, depth + 1)
    return found
