"""The kit itself: secrets, repetition, exit statuses, reports, and what it may import."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract_tests.kit.contract import contract as contract_of
from contract_tests.kit.options import Options
from contract_tests.kit.run import Run
from contract_tests.kit.wire import Redactor
from mock_capgo.data import contract_tests_dir, fixtures_dir
from tests.contract.catalogue import BY_NAME
from tests.contract.servers import served
from tests.contract.wrong import Wrong

ACME = "0c0ffee0-0000-4000-8000-00000000a001"
CANARY = "c0ffee00-dead-4bee-8000-00000000cafe"
_MAIN = (
    "import argparse, sys\nfrom mock_capgo import contract_command as c\np = argparse.ArgumentParser()\n"
    "c.add_parser(p.add_subparsers())\no = vars(p.parse_args())\nsys.exit(o.pop('run')(o))"
)


def contract(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MOCK_CAPGO", "PYTEST"))}
    words = [sys.executable, "-c", _MAIN, "contract", *arguments]
    return subprocess.run(words, env={**clean, **environment}, capture_output=True, text=True, check=False)


def canary_world(tmp_path: Path) -> Path:
    """The default world, in which the full key is the canary."""

    world = (fixtures_dir() / "default.json").read_text().replace("c0ffee00-0000-4000-8000-000000000001", CANARY)
    file = tmp_path / "world.json"
    file.write_text(world)
    return file


@pytest.mark.parametrize("leak", [False, True], ids=["honest-server", "leaking-server"])
def test_the_canary_is_in_no_output(tmp_path: Path, leak: bool) -> None:
    """A key is in nothing that a run prints or writes, also when the server itself repeats it everywhere."""
    with served(fixture=str(canary_world(tmp_path))) as server:
        if leak:
            body = json.dumps({"error": f"key {CANARY} is odd", "key": CANARY, "status": "KO"}).encode()
            head = [
                (b"content-type", b"application/json"),
                (b"x-seen", CANARY.encode()),
                (b"set-cookie", CANARY.encode()),
            ]
            server.gate = lambda seen: (400, head, body) if seen.path != "/organization/" else None
        names = {
            "json": "r.json",
            "html": "r.html",
            "junit": "r.xml",
            "ledger": "r.ledger",
            "example-database": "examples",
        }
        done = contract(
            *(f"--{name}={tmp_path / file}" for name, file in names.items()),
            f"--base-url={server.base_url}", "--budget=0", "--allow-writes", f"--org={ACME}",
            "--examples=2", "--chains=1", "--layers=schema,access", "--check=App", MOCK_CAPGO_API_KEY=CANARY,
        )  # fmt: skip
        assert done.returncode == int(leak), done.stdout[-2000:] + done.stderr[-2000:]
        assert any(CANARY in seen.headers.get("authorization", "") for seen in server.requests)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "world.json"]
    assert {"r.json", "r.html", "r.xml"} <= {path.name for path in written}
    everything = [done.stdout, done.stderr, *(path.read_bytes().decode("latin-1") for path in written)]
    for form in (CANARY, CANARY.upper(), CANARY.replace("-", "")):
        leaked = [text[max(0, text.index(form) - 60) : text.index(form)] for text in everything if form in text]
        assert leaked == []


def test_redactor_knows_every_form() -> None:
    """A secret goes in whatever form it is written, and so do values of keys that an answer hands out."""
    redact = Redactor(["a b+c/secret", None, "short"])
    said = redact("x a b+c/secret y a%20b%2Bc%2Fsecret z A B+C/SECRET short")
    assert said == "x [REDACTED] y [REDACTED] z [REDACTED] short"


def test_one_seed_is_one_run() -> None:
    """Two runs with one seed find the same with the same requests; another seed asks other things."""

    def run(seed: int) -> list[Any]:
        asked = Run(Options(seed=seed, no_shrink=True, examples=4, chains=3), factory=BY_NAME["a stale list"].factory)
        heard: list[str] = []
        asked.listeners = (lambda exchange: heard.append(f"{exchange.method} {exchange.url} {exchange.request_body}"),)
        picked = [
            check for check, _ in asked.checks() if check.id in ("lifecycle/chains", "refusal/upsertChannel-broken")
        ]
        outcomes = [asked.ask(check) for check in picked]
        return [heard, [outcome.findings for outcome in outcomes]]

    assert run(1) == run(1)
    assert run(1)[0] != run(2)[0]


def test_a_found_fault_is_shrunk() -> None:
    """The example that a finding shows is the smallest: a lost delete is shown by few calls."""
    run = Run(Options(), factory=BY_NAME["a lost delete"].factory)
    check = next(check for check, _ in run.checks() if check.id == "lifecycle/chains")
    finding = run.ask(check).findings[0]
    assert len(finding["exchanges"]) <= 6


def test_an_honest_layer_is_not_accused() -> None:
    """The layer of which wrong servers are made changes nothing by itself."""
    honest = Wrong("honest", lambda: lambda asked, ask: ask(asked))
    run = Run(Options(examples=2, chains=2), factory=honest.factory)
    for check, _ in run.checks():
        outcome = run.ask(check)
        assert outcome.status != "broken", outcome.texts


def test_exit_statuses(tmp_path: Path) -> None:
    """0 honoured, 1 broken with the finding in every report, 2 with the reason."""
    reports = [f"--json={tmp_path / 'r.json'}", f"--html={tmp_path / 'r.html'}", f"--junit={tmp_path / 'r.xml'}"]
    good = contract("--check=getHealth", *reports)
    assert good.returncode == 0, good.stdout + good.stderr
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "honoured"
    bad = contract("--check=schema/getHealth", "--app=tests.contract.test_kit:broken_health", *reports)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["verdict"] == "broken" and report["findings"][0]["rule"] == "body-is-json"
    assert "curl" in (tmp_path / "r.html").read_text() and "failure" in (tmp_path / "r.xml").read_text()
    assert not re.search(r"(src|href)=", (tmp_path / "r.html").read_text())
    unreachable = contract("--base-url=http://127.0.0.1:9", "--api-key=0badc0de-0000")
    assert unreachable.returncode == 2 and "does not answer" in unreachable.stderr + unreachable.stdout
    with served() as server:
        refused = contract(f"--base-url={server.base_url}", MOCK_CAPGO_API_KEY="0badc0de-0000-4000-8000-000000000009")
        server.gate = lambda seen: (404, [(b"content-type", b"text/html")], b"<h1>No</h1>")
        website = contract(f"--base-url={server.base_url}", "--api-key=0badc0de-0000")
    assert refused.returncode == 2 and "does not accept the key" in refused.stderr + refused.stdout
    assert website.returncode == 2 and "look at --base-url" in website.stderr + website.stdout
    unknown = contract("--check=no-such-check")
    assert unknown.returncode == 2 and "no check has --check no-such-check" in unknown.stderr + unknown.stdout


def broken_health(**settings: Any) -> Any:
    """An application for `--app`."""
    return BY_NAME["broken JSON"].factory(**settings)


def test_a_floor_that_is_not_reached_fails() -> None:
    """A run that reaches too little of the contract is not green."""
    done = contract("--check=getHealth", "--floor=0.5")
    assert done.returncode == 1 and "the floor is 50.0%" in done.stdout


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_every_departure_has_its_place(dialect: str) -> None:
    """Whatever is answered, for each departure there is a pointer to the rule that stands in the documents."""
    known = contract_of(dialect)
    answers: tuple[Any, ...] = ({"error": "x", "status": "KO"}, {"data": [{}]}, [{}], [1], {}, None, "text")
    for operation in known.operations.values():
        for status in operation.statuses:
            schema = known.answer_schema(operation, status)
            for body in answers:
                for problem in known.problems(schema, body) if schema else ():
                    known.at(problem.pointer)


def test_only_the_in_process_target_knows_the_mock() -> None:
    """No module of the kit imports the server but the one whose work that is, and that one no handlers or models."""
    for path in contract_tests_dir().rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.partition(".")[0] == "mock_capgo":
                    assert path.name == "inprocess.py", path
                    assert name in ("mock_capgo.server.app", "mock_capgo.settings")
