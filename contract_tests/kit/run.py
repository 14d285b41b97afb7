"""A run: options become a target, a guard and a list of checks; a check becomes an outcome.

Belongs here: the assembly, which nothing else does. Does not belong here: pytest (`conftest`), reports (`reports`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.cleanup import clean_up
from contract_tests.kit.contract import NoContract, contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.findings import Finding, Violation, unique
from contract_tests.kit.guard import Guard, Withheld
from contract_tests.kit.inprocess import Factory, InProcessTarget, load_factory, mock_app
from contract_tests.kit.ledger import Ledger, read_ledger
from contract_tests.kit.options import OptionError, Options
from contract_tests.kit.pace import Pace, PaceError
from contract_tests.kit.profile import Profile, ProfileError, load_profile, profile_of_key
from contract_tests.kit.reading import rows
from contract_tests.kit.session import Listener, Session
from contract_tests.kit.targets import CannotReach, HttpTarget, Target
from contract_tests.kit.wire import Credential, Redactor
from contract_tests.layers import access, device, lifecycle, limits, refusal, schema

_LAYERS = {
    "schema": schema, "refusal": refusal, "access": access, "limits": limits, "lifecycle": lifecycle, "device": device,
}  # fmt: skip
_BUDGET = "90/m"


@dataclass
class Outcome:
    """What became of a check; plain values, so that it can go from one process to another."""

    check: str
    layer: str
    operation: str | None
    status: str
    reason: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    coverage: dict[str, list[str]] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)


class Run:
    """Everything that the checks of one run share."""

    def __init__(self, options: Options, *, factory: Factory | None = None, share: int = 1, worker: str = "") -> None:
        self.options = options
        self.in_process = options.base_url is None
        try:
            self.contract = contract(options.dialect)
            self.profile = self._profile()
            self.pace = Pace(options.budget or (None if self.in_process else _BUDGET), share)
            self.factory = factory or (load_factory(options.app) if options.app else mock_app)
        except (NoContract, ProfileError, PaceError, CannotReach) as error:
            raise OptionError(str(error)) from None
        self.run_id = options.run_id or (f"ct{options.seed}" if self.in_process else f"ct{uuid.uuid4().hex[:8]}")
        self.redact = Redactor([*self.profile.secrets(), options.api_key])
        self.listeners: tuple[Listener, ...] = ()
        self._theirs: set[str] | None = None
        few = not (self.in_process or options.deep)
        self.effort = Effort(
            examples=options.examples or (4 if few else 12),
            chains=options.chains or (2 if few else 12),
            steps=10 if few else 25,
            shrink=not options.no_shrink,
            deep=options.deep,
            database=options.example_database,
        )
        org = options.org if options.base_url else self.profile.org
        self.guard = Guard(
            self.contract,
            self._ledger(),
            self.run_id + ("" if self.in_process else worker),
            org,
            options.allow_writes,
            sandbox=self.in_process,
        )
        self._http: Target | None = None if options.base_url is None else HttpTarget(options.base_url, options.timeout)

    def _profile(self) -> Profile:
        options = self.options
        if options.profile:
            found = load_profile(options.profile)
        elif self.in_process:
            found = load_profile("default" if options.dialect == "documented" else "capgo-seed")
        else:
            found = profile_of_key(options.api_key, options.org, options.key_header)
        if options.org and not self.in_process:
            found.org = options.org
        return found

    def _ledger(self) -> Ledger:
        options = self.options
        if self.in_process or not options.allow_writes:
            return Ledger()
        path = Path(options.ledger or f"contract-{self.run_id}.ledger")
        header = {"run": self.run_id, "base_url": options.base_url, "dialect": options.dialect, "org": options.org}
        return Ledger(path, header)

    def checks(self) -> Iterator[tuple[Check, str]]:
        """Every check that was asked for, with the reason to leave it out, or none."""
        wanted = self.options.layers
        for name, module in _LAYERS.items():
            if wanted and name not in wanted:
                continue
            for check in module.checks(self.contract):
                if self.options.dialect not in check.dialects:
                    continue
                if self.options.check and not any(part in check.id for part in self.options.check):
                    continue
                yield check, self._left_out(check)

    def _left_out(self, check: Check) -> str:
        if self.in_process:
            return ""
        if check.sandbox:
            return "it needs a world of its own, which a server is not"
        if check.writes and not self.options.allow_writes:
            return "it writes, and --allow-writes was not given"
        if check.layer == "limits" and not self.options.layers:
            return "it uses up the account's budget; name it with --layers limits"
        return ""

    def cost(self) -> int:
        """About how many requests the run takes."""
        return sum(check.cost for check, left_out in self.checks() if not left_out)

    def session(self, check: Check | None = None) -> Session:
        """A session; in process each has a world of its own."""
        target: Target
        if self._http is not None:
            target = self._http
        else:
            limited = bool(check and check.limits)
            target = InProcessTarget(self.factory, self.options.dialect, limits=limited, seed=self.options.seed)
        session = Session(
            self.contract, target, self.profile, self.guard,
            pace=self.pace, redact=self.redact, seed=self.options.seed, listeners=self.listeners,
        )  # fmt: skip
        if check is not None:
            session.check, session.layer = check.id, check.layer
            if self._theirs is None:
                self._theirs = set()
                if self.profile.foreign is not None:
                    looking = self.session()
                    self._theirs = neighbours_things(looking, self.profile)
                    looking.close()
            session.theirs |= self._theirs
        return session

    def ask(self, check: Check) -> Outcome:
        """Ask one check. Raises CannotReach; everything else that goes wrong is in the outcome."""
        started = time.perf_counter()
        session = self.session(check)
        status, reason = "honoured", ""
        try:
            check.ask(session, self.effort)
        except NotHere as error:
            status, reason = "skipped", str(error)
        except Withheld as error:
            status, reason = "skipped", f"withheld by the guard: {error}"
        except (Violation, BaseExceptionGroup) as error:
            session.found += findings_of(error)
        finally:
            session.close()
        found = unique(session.found)
        for finding in found:
            finding.repeat = self.redact(self._repeat(check))
        if found:
            status = "broken"
        return Outcome(
            check.id, check.layer, check.operation, status, reason,
            [finding.as_dict() for finding in found], [finding.as_text() for finding in found],
            session.requests, round(time.perf_counter() - started, 3),
            session.coverage.as_lists(), session.withheld,
        )  # fmt: skip

    def _repeat(self, check: Check) -> str:
        options = self.options
        words = ["mock-capgo contract", f"--dialect {options.dialect}", f"--seed {options.seed}", f"--check {check.id}"]
        words += [f"--base-url {options.base_url}"] if options.base_url else []
        words += [f"--app {options.app}"] if options.app else []
        words += [f"--allow-writes --org {options.org}"] if options.allow_writes and options.org else []
        return " ".join(words)

    def preflight(self) -> str | None:
        """Why the target cannot be asked at all, or None."""
        if next(self.checks(), None) is None:
            asked = " or ".join(f"--check {name}" for name in self.options.check)
            return f"no check has {asked} in its name, in the layers and the dialect that were chosen"
        try:
            session = self.session()
            answer = session.send(session.call("getOrganizations"), judged=False)
            session.close()
        except CannotReach as error:
            return f"the target does not answer: {error}"
        if self.in_process or answer.status < 300:
            return None
        if answer.status in (401, 403):
            said = f"it answered {answer.status}; look at the key, --key-header and --dialect"
            return f"the target does not accept the key: {said}"
        if answer.json_or_none() is None:
            announced = answer.headers.get("content-type", "no content type")
            said = f"GET {session.operation('getOrganizations').path} was answered {answer.status}, {announced}"
            return f"the target is no such API: {said}; look at --base-url"
        return None

    def clean_up(self) -> Outcome | None:
        """Take away what the run created, and say whether that worked; None where there was nothing to do."""
        if self.in_process or not self.guard.ledger.left():
            return None
        session = self.session()
        session.layer, session.check = "lifecycle", "clean-up"
        try:
            failed = clean_up(session)
        except CannotReach as error:
            failed = [str(error)]
        path = self.guard.ledger.path
        if not failed:
            return Outcome("clean-up", "lifecycle", None, "honoured", "everything that the run created is gone")
        finding = Finding("clean-up", "deleteApp", "; ".join(failed), "lifecycle", "clean-up")
        finding.repeat = f"mock-capgo contract --clean-up {path}"
        return Outcome("clean-up", "lifecycle", None, "broken", "", [finding.as_dict()], [finding.as_text()])


def neighbours_things(session: Session, profile: Profile) -> set[str]:
    """Texts that belong to the other organization alone; seeing one is seeing its data."""
    if profile.foreign is None:
        return set()
    who, found = profile.foreign.credential, {profile.foreign_org or ""}

    def read(name: str, values: dict[str, Any], as_who: Credential) -> list[dict[str, Any]]:
        answer = session.send(session.call(name, values), as_who, judged=False)
        return rows(answer.json_or_none()) if answer.status == 200 else []

    for app in read("listApps", {"org_id": profile.foreign_org}, who):
        name = app.get("app_id")
        found |= {str(name), str(app.get("id"))}
        found |= {str(row.get("device_id")) for row in read("getDevices", {"app_id": name}, who)}
        found |= {str(row.get("checksum")) for row in read("listBundles", {"app_id": name}, who)}
    members = {str(row.get("email")) for row in read("listOrganizationMembers", {"orgId": profile.foreign_org}, who)}
    ours = {
        str(row.get("email"))
        for row in read("listOrganizationMembers", {"orgId": profile.org}, profile.full.credential)
    }
    # Devices of test worlds may carry the same invented ids: what both have tells nothing.
    for app in read("listApps", {}, profile.full.credential):
        ours |= {str(app.get("app_id")), str(app.get("id"))}
        ours |= {
            str(row.get("device_id"))
            for row in read("getDevices", {"app_id": app.get("app_id")}, profile.full.credential)
        }
        ours |= {
            str(row.get("checksum"))
            for row in read("listBundles", {"app_id": app.get("app_id")}, profile.full.credential)
        }
    invited = {profile.invitee, profile.second_invitee}
    return {text for text in (found | members) - ours - invited if len(text) > 6 and text != "None"}


def findings_of(error: BaseException) -> list[Finding]:
    """The findings in an exception. Raises it where there is anything else in it: that is a fault of the kit."""
    if isinstance(error, Violation):
        return [error.finding]
    if isinstance(error, BaseExceptionGroup):
        return [finding for inner in error.exceptions for finding in findings_of(inner)]
    raise error


def resume(ledger: Path, options: Options) -> list[str]:
    """Clean up after a run that could not: what is left in its ledger is taken away. What stayed, with the reason.

    Raises OptionError, LedgerError and CannotReach.
    """
    found = read_ledger(ledger)
    options.base_url = options.base_url or found.header.get("base_url")
    options.dialect = str(found.header.get("dialect", options.dialect))
    options.org = found.header.get("org")
    options.allow_writes = True
    options.ledger = str(ledger)
    options.run_id = found.header.get("run")
    if options.base_url is None or not (options.api_key or options.profile):
        raise OptionError("the clean-up needs the key of the run: set MOCK_CAPGO_API_KEY, or give --api-key-file")
    run = Run(options)
    run.guard.ledger = found
    return clean_up(run.session())
