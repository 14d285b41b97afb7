"""The guard's promises, each proved with a server that records what it is asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from contract_tests.kit.contract import contract
from contract_tests.kit.guard import Guard, Withheld
from contract_tests.kit.ledger import Ledger, read_ledger
from contract_tests.kit.options import OptionError, Options, parse
from contract_tests.kit.run import Run, resume
from contract_tests.kit.wire import Call
from tests.contract.servers import Recorder, served, state_of

FULL = "c0ffee00-0000-4000-8000-000000000001"
ACME = "0c0ffee0-0000-4000-8000-00000000a001"
LIVE_KEY = "ae6e7458-c46d-4c00-aa3b-153b0b8520ea"
LIVE_ORG = "046a36ac-e03c-4590-9257-bd6c9dba9ee8"


def run_against(recorder: Recorder, **more: Any) -> Run:
    options = {"api_key": FULL, "budget": "0", "examples": 2, "chains": 1, "no_shrink": True, "org": ACME, **more}
    return Run(Options(base_url=recorder.base_url, **options))


def ask_all(run: Run) -> dict[str, int]:
    counts: dict[str, int] = {}
    for check, left_out in run.checks():
        outcome = None if left_out else run.ask(check)
        status = "left out" if outcome is None else outcome.status
        assert status != "broken", outcome and outcome.texts
        counts[status] = counts.get(status, 0) + 1
    return counts


def test_without_permission_nothing_is_written() -> None:
    """A run without --allow-writes reads only, and still asks most operations that read."""
    with served() as server:
        before = state_of(server)
        counts = ask_all(run_against(server))
        assert counts["honoured"] > 20
        assert server.writes == []
        assert state_of(server) == before


@pytest.mark.parametrize(
    ("dialect", "fixture", "key", "org", "layers"),
    [
        ("documented", "default", FULL, ACME, ()),
        ("live", "capgo-seed", LIVE_KEY, LIVE_ORG, ("schema", "lifecycle", "device")),
    ],
    ids=["documented", "live"],
)
def test_writes_stay_inside(
    tmp_path: Path, dialect: str, fixture: str, key: str, org: str, layers: tuple[str, ...]
) -> None:
    """Every write is about something that the run named, in the given organization; it is gone after."""
    ledger = tmp_path / "run.ledger"
    with served(dialect=dialect, fixture=fixture) as server:
        before = state_of(server)
        run = run_against(
            server,
            allow_writes=True,
            ledger=str(ledger),
            run_id="ctabc123",
            dialect=dialect,
            api_key=key,
            org=org,
            layers=layers,
        )
        ask_all(run)
        entries = run.guard.ledger.entries.values()
        known = {str(fact) for entry in entries for fact in entry.facts.values()}
        founded = {entry.facts.get("id") for entry in entries if entry.kind == "organization"}
        for seen in server.writes:
            said = json.dumps([seen.path, seen.query, seen.body])
            values = {**dict(parse_qsl(seen.query)), **(seen.body if isinstance(seen.body, dict) else {})}
            ids = {str(values.get(name)) for name in ("id", "orgId", "webhookId", "deliveryId")}
            numbered = any(seen.path.strip("/") == f"apikey/{number}" for number in known)
            assert "ctabc123" in said or ids & known or numbered, said
            if "owner_org" in values:
                assert values["owner_org"] in {org, *founded}
        assert state_of(server) != before
        kinds = {entry.kind for entry in entries}
        assert kinds >= ({"app", "key", "organization"} if dialect == "documented" else {"app", "webhook"})
        cleaned = run.clean_up()
        assert cleaned is not None and cleaned.status == "honoured", cleaned
        # Live, the devices of a deleted app go a little later than the app.
        server.app.state.universe.world.clock.advance(60)
        run.preflight()
        assert state_of(server) == before
    for secret in (key, "whsec_"):
        assert secret not in ledger.read_text()


def test_ledger_is_written_before_the_request(tmp_path: Path) -> None:
    """When a creation arrives at the server, its name is already in the ledger on disk."""
    ledger, missed = tmp_path / "run.ledger", []

    def look(seen: Any) -> None:
        if seen.method == "POST" and seen.path.strip("/") in ("app", "apikey") and isinstance(seen.body, dict):
            name = seen.body.get("app_id") or seen.body.get("name")
            if not any(json.loads(line).get("name") == name for line in ledger.read_text().splitlines()):
                missed.append(name)

    with served() as server:
        server.gate = look
        run = run_against(server, allow_writes=True, ledger=str(ledger), layers=("schema",))
        ask_all(run)
        run.clean_up()
        assert len(server.writes) > 50
    assert missed == []


@pytest.mark.parametrize(
    ("key", "asked", "settings"),
    [
        (FULL, ["--org", ACME, "--layers", "lifecycle,access"], {}),
        (
            LIVE_KEY,
            ["--org", LIVE_ORG, "--dialect", "live", "--check", "ebhook", "--layers", "access,lifecycle"],
            {"dialect": "live", "fixture": "capgo-seed"},
        ),
    ],
    ids=["documented", "live"],
)
def test_a_killed_run_is_cleaned_up_from_its_ledger(
    tmp_path: Path, key: str, asked: list[str], settings: dict[str, str]
) -> None:
    """A run that is killed half-way leaves things behind; its ledger is enough to take them away."""
    ledger = tmp_path / "run.ledger"
    environment = {**os.environ, "MOCK_CAPGO_API_KEY": key}
    with served(**settings) as server:
        before = state_of(server)
        command = [
            sys.executable, "-c",
            "import argparse, sys\nfrom mock_capgo import contract_command as c\np = argparse.ArgumentParser()\n"
            "c.add_parser(p.add_subparsers())\no = vars(p.parse_args())\nsys.exit(o.pop('run')(o))",
            "contract", "--base-url", server.base_url, "--allow-writes", "--budget", "0",
            "--ledger", str(ledger), *asked,
        ]  # fmt: skip
        running = subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while len(server.writes) < 60 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert state_of(server) != before
        kinds = {entry.kind for entry in read_ledger(ledger).left()}
        assert kinds >= {"app", "webhook" if settings else "organization"}
        resumed = subprocess.run(
            [*command[:3], "contract", "--clean-up", str(ledger)],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        server.app.state.universe.world.clock.advance(60)
        assert resume(ledger, Options(api_key=key)) == []
        assert state_of(server) == before
    assert read_ledger(ledger).left() == []


def test_clean_up_reads_back(tmp_path: Path) -> None:
    """A server that says that it deleted and did not is not believed."""
    ledger = tmp_path / "run.ledger"
    with served() as server:
        run = run_against(server, allow_writes=True, ledger=str(ledger), check=("schema/getApp",), layers=("schema",))
        ask_all(run)
        server.gate = lambda seen: (
            (200, [(b"content-type", b"application/json")], b'{"status":"ok"}') if seen.method == "DELETE" else None
        )
        outcome = run.clean_up()
        assert outcome is not None and outcome.status == "broken"
        assert "--clean-up" in outcome.texts[0]
        server.gate = None
        assert resume(ledger, Options(api_key=FULL)) == []


def test_budget_is_kept() -> None:
    """In no second do more requests arrive than the budget has."""
    with served() as server:
        run = run_against(server, budget="20/s", layers=("schema",), check=("schema/list",))
        ask_all(run)
        times = [seen.at for seen in server.requests]
        assert len(times) > 30
        assert max(sum(start <= at < start + 0.98 for at in times) for start in times) <= 21


def test_default_budget_is_under_the_standard_limit() -> None:
    """A server is asked 90 times a minute by default, shared by all processes, and the duration is estimated."""
    with served() as server:
        options = Options(base_url=server.base_url, api_key=FULL, org=ACME)
        run = Run(options)
        assert run.pace.per_minute == 90
        assert Run(options, share=3).pace.per_minute == 30
        assert (run.pace.estimate(run.cost()) or 0) > 60


def test_retry_after_is_obeyed() -> None:
    """After a 429 nothing is sent until the time that it names is over, and then the request is repeated."""
    refusals = iter(
        [
            (
                429,
                [(b"retry-after", b"1"), (b"content-type", b"application/json")],
                b'{"error":"Too many requests","status":"KO"}',
            )
        ]
    )
    with served() as server:
        server.gate = lambda seen: next(refusals, None)
        run = run_against(server, layers=("schema",), check=("schema/listApiKeys",))
        assert ask_all(run) == {"honoured": 1}
        first, second = server.requests[:2]
        assert (first.method, first.path) == (second.method, second.path)
        assert second.at - first.at >= 1


@pytest.mark.parametrize(
    ("method", "operation", "path", "body"),
    [
        ("DELETE", "deleteApp", "/app/com.example.shop", None),
        ("POST", "createApp", "/app/", {"app_id": "dev.other", "name": "x", "owner_org": ACME}),
        ("POST", "createApp", "/app/", {"app_id": "dev.ct1.a", "name": "x", "owner_org": "elsewhere"}),
        ("DELETE", "deleteBundle", "/bundle/", {}),
        ("DELETE", "deleteBundle", "/bundle/", {"app_id": "com.example.shop"}),
        ("DELETE", "deleteApiKey", "/apikey/1/", None),
        ("POST", "createApiKey", "/apikey/", {"name": "ct1 key", "mode": "all"}),
        ("DELETE", "deleteOrganization", "/organization/", {"orgId": ACME}),
        ("PUT", "updateOrganization", "/organization/", {"orgId": ACME, "name": "ct1 org"}),
        ("POST", "createOrganization", "/organization/", {"name": "Another"}),
        ("DELETE", "deleteOrganizationMember", "/organization/members/", {"orgId": ACME, "email": "mia@example.com"}),
        ("POST", "upsertOrganizationMember", "/organization/members/", {"orgId": ACME, "email": "ct1@example.com"}),
        ("POST", "linkDevice", "/device/", {"app_id": "com.example.shop", "device_id": "x", "channel": "ct1"}),
        ("POST", "createWebhook", "/webhooks", {"orgId": ACME, "name": "Another"}),
        ("POST", "createWebhook", "/webhooks", {"orgId": "elsewhere", "name": "ct1 hook"}),
        ("DELETE", "deleteWebhook", "/webhooks", {"orgId": ACME, "webhookId": "0c0ffee0-0000-4000-8000-00000000e001"}),
        ("POST", "retryDelivery", "/webhooks/deliveries/retry", {"orgId": ACME, "deliveryId": "e101"}),
        ("POST", "(check-in)", "/updates", {"app_id": "com.example.shop", "device_id": "ct1"}),
    ],
)
def test_guard_withholds(method: str, operation: str, path: str, body: Any) -> None:
    """What would touch anything else than the run's own is not sent."""
    known = contract("live" if "ebhook" in operation or "Delivery" in operation else "documented")
    guard = Guard(known, Ledger(), "ct1", ACME, allow_writes=True)
    with pytest.raises(Withheld):
        guard.before(
            known.operations.get(operation), Call(operation, method, path, body=body, has_body=body is not None)
        )


@pytest.mark.parametrize(
    "more", [{"layers": "nothing"}, {"base_url": "ftp://x"}, {"base_url": "http://x", "api_key": None}]
)
def test_options_that_cannot_be_run(more: dict[str, Any]) -> None:
    """Options that do not fit are refused with a reason."""
    with pytest.raises(OptionError):
        parse(more, {})
    with pytest.raises(OptionError):
        parse({"base_url": "http://x", "api_key": "k", "allow_writes": True}, {})
