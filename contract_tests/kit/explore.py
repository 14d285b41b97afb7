"""Generated calls: Schemathesis derives them from the document, Hypothesis draws, replays and shrinks them.

Belongs here: the settings of a run of examples, and how a generated case becomes a `Call`. What is asked of the
answers is the layers' affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from contract_tests.kit.contract import contract as contract_of
from contract_tests.kit.guard import Withheld
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Call


@dataclass(frozen=True)
class Effort:
    """How hard a run looks: examples for each question, steps of a chain, whether failures are shrunk."""

    examples: int = 12
    chains: int = 12
    steps: int = 25
    shrink: bool = True
    deep: bool = False
    database: str | None = None


@cache
def database(where: str | None) -> ExampleDatabase | None:
    """The example database: a directory or a `redis://` address, shared by all who are given the same."""
    if where is None:
        return None
    if where.startswith(("redis://", "rediss://")):
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415 - only where Redis is asked for
        from redis import Redis  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

        return RedisExampleDatabase(Redis.from_url(where))
    return DirectoryBasedExampleDatabase(Path(where))


def tuned(effort: Effort, examples: int) -> settings:
    """Hypothesis settings. Without a database two runs with one seed are the same run."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(
        max_examples=examples,
        phases=[*phases, Phase.shrink] if effort.shrink else phases,
        database=database(effort.database),
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=True,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        stateful_step_count=effort.steps,
    )


def explore(
    session: Session,
    effort: Effort,
    strategy: st.SearchStrategy[Any],
    body: Callable[[Any], None],
    examples: int | None = None,
) -> None:
    """Run `body` on drawn values. Raises the smallest failures that were found."""

    @given(drawn=strategy)
    def run(drawn: Any) -> None:
        session.begin()
        try:
            body(drawn)
        except Withheld:
            return

    # The database keeps what failed under the question that found it, not under this function.
    handle: Any = run
    handle.hypothesis.inner_test._hypothesis_internal_add_digest = session.check.encode()
    seeded = with_seed(f"{session.seed}:{session.check}")(tuned(effort, examples or effort.examples)(run))
    try:
        seeded()
    except Unsatisfiable:
        return


@cache
def _operations(dialect: str) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(contract_of(dialect).bundled)
    results: list[Any] = list(schema.get_all_operations())
    found = [result.ok() for result in results]
    return {operation.definition.raw["operationId"]: operation for operation in found}


@cache
def cases(dialect: str, name: str, valid: bool) -> st.SearchStrategy[Any]:
    """Schemathesis's cases of one operation, with valid or with invalid data."""
    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    strategy: st.SearchStrategy[Any] = _operations(dialect)[name].as_strategy(generation_mode=mode)
    return strategy


def call_of(case: Any, name: str) -> Call:
    """A Schemathesis case as a call."""
    body = case.body
    raw = body if isinstance(body, bytes) else None
    has_body = not isinstance(body, NotSet) and raw is None
    query: list[tuple[str, str]] = []
    for key, value in (case.query or {}).items():
        for item in value if isinstance(value, list) else [value]:
            query.append((str(key), _wire(item)))
    return Call(
        name, case.method.upper(), case.formatted_path, query, body if has_body else None, raw, has_body=has_body
    )


def members(case: Any) -> dict[str, Any]:
    """The query and body members of a valid case, by name."""
    found: dict[str, Any] = dict(case.query or {})
    if isinstance(case.body, dict):
        found.update(case.body)
    return found


def _wire(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).encode("utf-8", "replace").decode()
