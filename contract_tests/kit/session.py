"""A session: the one way in which a check talks to the target.

Every call goes guard, pace, target, redaction, record, judgement, in that order; no check can leave one out.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from contract_tests.kit.contract import Contract, Operation
from contract_tests.kit.coverage import Coverage
from contract_tests.kit.findings import Finding, Violation, snapshot, violation
from contract_tests.kit.guard import Guard, Withheld
from contract_tests.kit.judge import judge
from contract_tests.kit.pace import Pace
from contract_tests.kit.profile import Profile
from contract_tests.kit.targets import Target
from contract_tests.kit.wire import Answer, Call, Credential, Exchange, Redactor, exchange

Listener = Callable[[Exchange], None]
_KEPT = 12
_LONGEST_WAIT = 3600


class Session:
    """One check's conversation with one target."""

    def __init__(
        self,
        contract: Contract,
        target: Target,
        profile: Profile,
        guard: Guard,
        *,
        pace: Pace | None = None,
        redact: Redactor | None = None,
        seed: int = 0,
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        self.contract, self.target, self.profile, self.guard = contract, target, profile, guard
        self.pace = pace or Pace(None)
        self.redact = redact or Redactor(profile.secrets())
        self.seed = seed
        self.listeners = listeners
        self.random = random.Random(seed)
        self.layer = self.check = ""
        self.trail: list[Exchange] = []
        self.last: Exchange | None = None
        self.quiet = False
        """While True, calls are not part of what a finding shows: they only look at what another one did."""
        self.found: list[Finding] = []
        self.withheld: dict[str, int] = {}
        self.coverage = Coverage()
        self.judged: set[tuple[str, int, str, bytes]] = set()
        self.requests = 0
        self.secrets = set(profile.secrets())
        self.hashed = {a.credential.secret for a in profile.others if a.name == "hashed" and a.credential.secret}
        self.ours: set[str] = {value for value in (profile.org, profile.app) if value}
        self.theirs: set[str] = {value for value in (profile.foreign_org,) if value}
        # A sandbox is as new for each check; on a server a name is given once in a run.
        self._numbers = itertools.count(1) if guard.sandbox else guard.numbers

    @property
    def me(self) -> Credential:
        """The credential that may do everything."""
        return self.profile.full.credential

    @property
    def documented(self) -> bool:
        """Whether the strict rules of the documented dialect are asked."""
        return self.contract.dialect == "documented"

    @property
    def run_id(self) -> str:
        """What every name that the run gives begins with."""
        return self.guard.run_id

    def may_write(self) -> bool:
        """Whether the run may create things."""
        return self.guard.sandbox or (self.guard.allow_writes and self.guard.org is not None)

    def close(self) -> None:
        """Let go of a target that was this session's alone."""
        close = getattr(self.target, "close", None)
        if close is not None:
            close()

    def fresh(self, kind: str) -> str:
        """A name that nothing has yet."""
        number = next(self._numbers)
        return f"dev.{self.run_id}.{kind}{number}" if kind == "app" else f"{self.run_id} {kind} {number}"

    def keep_secret(self, value: Any, *, hashed: bool = False) -> None:
        """From now on a value is a secret: it is redacted, and must not be answered."""
        if isinstance(value, str) and len(value) >= 6:
            self.secrets.add(value)
            self.redact.add(value)
            if hashed:
                self.hashed.add(value)

    def foreign_to(self, who: Credential) -> set[str]:
        """Texts that must not be in an answer to somebody."""
        foreign = self.profile.foreign
        if foreign is None:
            return set()
        if who.secret is not None and who.secret == foreign.credential.secret:
            return self.ours
        return self.theirs

    def operation(self, name: str) -> Operation:
        """An operation of the contract."""
        return self.contract.operations[name]

    def has(self, *names: str) -> bool:
        """Whether the contract has all of these operations."""
        return all(name in self.contract.operations for name in names)

    def call(self, name: str, values: dict[str, Any] | None = None) -> Call:
        """A call of an operation; each value goes where the contract has it: path, query or body."""
        operation = self.operation(name)
        values = dict(values or {})
        path = operation.path
        names_query = self.contract.parameters(operation, "query").__contains__
        for parameter in self.contract.parameters(operation, "path"):
            path = path.replace("{" + parameter + "}", str(values.pop(parameter, "")))
        found = self.contract.body_schema(operation)
        # A live DELETE reads either: what the body has goes there, as the documentation of the members shows.
        body = {
            n: v for n, v in values.items() if found and (n in found[0].get("properties", {}) or not names_query(n))
        }
        query = [(n, _text(v)) for n, v in values.items() if n not in body]
        needed = operation.document.get("requestBody", {}).get("required", False)
        return Call(name, operation.method, path, query, body, has_body=found is not None and bool(body or needed))

    def ask(self, name: str, values: dict[str, Any] | None = None, who: Credential | None = None) -> Answer:
        """Send an operation with values."""
        return self.send(self.call(name, values), who)

    def must(self, name: str, values: dict[str, Any] | None = None, who: Credential | None = None) -> Any:
        """Send an operation that has to succeed; its body."""
        answer = self.ask(name, values, who)
        if not 200 <= answer.status < 300:
            self.violate("valid-accepted", f"answered {answer.status} to a valid request")
        return answer.json()

    def send(
        self, call: Call, who: Credential | None = None, *, judged: bool = True, obey: bool = True, route: bool = True
    ) -> Answer:
        """Send one call. Raises Withheld, CannotReach and, where the answer breaks a rule, Violation."""
        who = who or self.me
        operation = self.contract.operations.get(call.operation) if route else None
        try:
            self.guard.before(operation, call)
        except Withheld as reason:
            self.withheld[f"{call.operation}: {reason}"] = self.withheld.get(f"{call.operation}: {reason}", 0) + 1
            raise
        answer = self._sent(call, who)
        while obey and answer.status == 429 and not self.guard.sandbox:
            # Retry-After is obeyed before anything is concluded: the budget may be shared with others.
            seconds = answer.headers.get("retry-after", "")
            self.target.wait(min(float(seconds) if seconds.isdecimal() else 60.0, _LONGEST_WAIT))
            answer = self._sent(call, who)
        self.guard.after(operation, call, answer)
        if judged:
            judge(self, operation, call, who, answer)
        return answer

    def _sent(self, call: Call, who: Credential) -> Answer:
        self.pace.hold()
        content = {"content-type": "application/json"} if call.content() is not None else {}
        answer = self.target.send(call, {**content, **who.headers(), **call.headers})
        self.requests += 1
        if who.secret is not None:
            self.redact.add(who.secret)
        record = exchange(call, who, answer, self.target.base_url, self.redact)
        self.last = record
        if not self.quiet:
            self.trail = [*self.trail[-_KEPT + 1 :], record]
        if call.operation in self.contract.operations:
            self.coverage.saw(call, answer, self.redact)
        for listener in self.listeners:
            listener(record)
        return answer

    def begin(self) -> None:
        """An example begins: what came before does not belong to what it finds."""
        self.trail = []

    def violate(
        self,
        rule: str,
        message: str,
        pointer: str | None = None,
        where: str | None = None,
        operation: str | None = None,
    ) -> NoReturn:
        """Raise a Violation that shows the exchanges of this example."""
        if self.quiet and self.last is not None:
            self.trail = [*self.trail, self.last]
        last = self.trail[-1].operation if self.trail else ""
        raise violation(
            Finding(
                rule,
                operation or last,
                self.redact(message),
                self.layer,
                self.check,
                pointer,
                where,
                self.seed,
                snapshot(self.trail),
            )
        )

    def demand(self, holds: bool, rule: str, message: str, operation: str | None = None) -> None:
        """Raise a Violation unless something holds."""
        if not holds:
            self.violate(rule, message, operation=operation)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Calls in here look only: a finding about something else does not show them."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One cell of a matrix: what it finds is noted, what is withheld is left out, and the next one is asked."""
        self.begin()
        try:
            yield
        except Violation as error:
            self.found.append(error.finding)
        except Withheld:
            pass


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
