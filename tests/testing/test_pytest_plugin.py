"""The plugin in projects of their own, as a user has them: each test here runs another pytest."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mock_capgo.testing_client import Control, MockCapgoError
from tests.testing.servers import clean_environment, plugin_arguments, served

WORKERS = 8
TESTS = 200


@dataclass
class Project:
    """A folder with tests, and a pytest to run them with. Every warning is an error there."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, *arguments: str, expect: int = 0) -> str:
        command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", *plugin_arguments()]
        done = subprocess.run(
            [*command, f"--basetemp={self.folder / 'temp'}", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers --strict-config\n")
    yield Project(tmp_path)


USING = """
import httpx
import pytest

def get(capgo, path):
    return httpx.get(capgo.base_url + path, headers={"authorization": capgo.key("admin")}, trust_env=False)
"""


def test_world_is_fresh_for_each_test(project: Project) -> None:
    """What one test does to its world, the next one does not see; the server is the same."""
    project.write(
        "test_it.py",
        USING
        + """
seen = []

@pytest.mark.parametrize("number", [1, 2])
def test_one(capgo, capgo_server, number):
    assert capgo.base_url not in seen
    assert capgo.base_url.startswith(capgo_server.url + "/w/")
    seen.append(capgo.base_url)
    assert capgo.journal.entries() == []
    assert capgo.faults.list() == []
    assert capgo.clock.now().year > 2020
    assert get(capgo, "/app/com.example.shop").status_code == 200
    capgo.clock.freeze("2001-01-01T00:00:00Z")
    capgo.faults.add(status=500)

def test_worlds_are_deleted(capgo_server):
    with capgo_server.world():
        pass
    import json, urllib.request
    with urllib.request.urlopen(capgo_server.url + "/_mock/worlds") as answer:
        assert [world["id"] for world in json.load(answer)["worlds"]] == ["default"]
""",
    )
    assert "3 passed" in project.run()


def test_failing_test_shows_its_journal(project: Project) -> None:
    """The report of a failing test has the requests of its own world, and why they were refused; others have none."""
    project.write(
        "test_it.py",
        USING
        + """
def test_good(capgo):
    get(capgo, "/app/com.example.courier")

def test_bad(capgo):
    assert get(capgo, "/app/com.example.shop").status_code == 200
    httpx.get(capgo.base_url + "/app", headers={"authorization": "nonsense"}, trust_env=False)
    assert False

@pytest.fixture
def broken(capgo):
    get(capgo, "/organization")
    raise RuntimeError("in the fixture")

def test_broken(broken):
    pass
""",
    )
    said = project.run(expect=1)
    assert said.count("mock-capgo journal") == 2
    assert re.search(r"#1 \S+ GET /app/com.example.shop  -> 200  key \d", said)
    assert re.search(r"#2 \S+ GET /app  -> 401 INVALID_APIKEY", said)
    assert "why: INVALID_APIKEY" in said
    assert re.search(r"#1 \S+ GET /organization  -> 200", said)
    assert "com.example.courier" not in said


def test_nothing_is_loaded_before_it_is_used(project: Project) -> None:
    """A run that asks for no fixture of the plugin imports neither the server nor the client, and starts nothing."""
    project.write(
        "test_it.py",
        """
import sys, threading

def test_it():
    heavy = ("mock_capgo.testing", "mock_capgo.server", "mock_capgo.settings", "starlette", "uvicorn", "httpx")
    assert not [name for name in sys.modules if name.startswith(heavy)]
    assert "mock_capgo.pytest_plugin" in sys.modules
    assert threading.active_count() == 1
""",
    )
    assert "1 passed" in project.run("-p", "no:xdist")


def test_ini_and_overridden_options(project: Project) -> None:
    """The ini file says which world a test gets, and a test that overrides the options says it for itself."""
    project.write("pytest.ini", "[pytest]\ncapgo_fixture = worlds/small.json\ncapgo_dialect = live\n")
    (project.folder / "worlds").mkdir()
    project.write("worlds/small.json", '{"format": 1, "users": [{"email": "ada@example.com"}]}')
    project.write(
        "test_it.py",
        """
import pytest

def test_ini(capgo):
    assert (capgo.info()["counts"]["users"], capgo.info()["dialect"]) == (1, "live")

@pytest.mark.parametrize("capgo_options", [{"dialect": "documented", "fixture": "default", "limits": False}])
def test_own(capgo):
    assert (capgo.info()["counts"]["users"], capgo.info()["dialect"]) == (7, "documented")
    assert capgo.info()["limits"] == "off"
""",
    )
    assert "2 passed" in project.run()


def test_running_server_is_used(project: Project) -> None:
    """With --capgo-url no server is started: the worlds are on that one, and are deleted there."""
    project.write("test_it.py", USING + "\ndef test_it(capgo):\n    print(capgo.base_url)\n    get(capgo, '/ok')\n")
    with served("--control-token", "secret", "--control-port", "0") as (started, _):
        where = ("--capgo-url", started["url"], "--capgo-control-url", started["control_url"])
        assert started["url"] + "/w/" in project.run("-s", *where, "--capgo-token", "secret")
        worlds = Control(f"{started['control_url']}/_mock", "secret")("GET", "/worlds")["worlds"]
        assert [world["id"] for world in worlds] == ["default"]


def test_bad_fixture_is_an_error_with_its_reason(project: Project) -> None:
    """A fixture that cannot be loaded fails the test with the place and the reason, not the run."""
    project.write(
        "test_it.py",
        """
import pytest

@pytest.mark.parametrize("capgo_options", [{"fixture": {"format": 1, "apps": [{"app_id": "a.b"}]}}])
def test_it(capgo):
    pass

def test_other(capgo):
    pass
""",
    )
    said = project.run(expect=1)
    assert "MockCapgoError: request body: /apps/0" in said
    assert "1 passed, 1 error" in said


INTERFERENCE = """
import asyncio
import datetime
import os
import pathlib

import httpx
import pytest

URLS = pathlib.Path(__file__).parent / "servers"
APP = "com.example.shop"


@pytest.mark.parametrize("number", range(TESTS))
def test_world(capgo, capgo_server, number):
    URLS.joinpath(f"{number}").write_text(f"{capgo_server.url} {os.environ['PYTEST_XDIST_WORKER']}")
    headers = {"authorization": capgo.key("admin")}
    # Without certificates, which take longer to read than all else that the test does.
    with httpx.Client(base_url=capgo.base_url, headers=headers, trust_env=False, verify=False) as client:
        # A clock of its own, which stands still.
        moment = datetime.datetime(2000 + number % 100, 1 + number % 12, 1, tzinfo=datetime.UTC)
        capgo.clock.freeze(moment)
        # Its own data.
        assert client.post("/channel", json={"app_id": APP, "channel": f"c{number}"}).status_code == 200
        names = {channel["name"] for channel in client.get("/channel", params={"app_id": APP}).json()}
        assert names == {"production", "beta", "staging", f"c{number}"}
        # Its own faults: of this status, this often.
        status, times = 500 + number % 50, 1 + number % 3
        capgo.faults.add(operation="getApp", status=status, times=times)
        statuses = [client.get(f"/app/{APP}").status_code for _ in range(times + 1)]
        assert statuses == [status] * times + [200]
        # Its own budget: a hundred requests of this account in a minute, of which some are used up.
        used = 3 if number % 10 == 0 else 0
        if used:
            answers = [client.get("/app").status_code for _ in range(110)]
            assert 429 in answers
            assert answers == sorted(answers)
            capgo.clock.advance(60)
        assert client.get("/app").status_code == 200
        # A client that was only given a key is in this world too.
        by_key = client.get(f"{capgo_server.url}/channel", params={"app_id": APP, "channel": f"c{number}"})
        assert by_key.status_code == 200
    assert capgo.clock.now() == moment + datetime.timedelta(seconds=60 if used else 0)

    async def at_once():
        async with httpx.AsyncClient(transport=capgo.transport(), base_url=capgo.base_url) as client:
            return await asyncio.gather(*(client.get("/ok") for _ in range(3)))

    assert [answer.status_code for answer in asyncio.run(at_once())] == [200] * 3
    # Its own journal, from the first request on.
    capgo.journal.verify(operation="getApp", status=status, count=times)
    capgo.journal.verify(operation="upsertChannel", count=1)
    capgo.journal.verify(operation="getHealth", count=3)
    assert [entry.number for entry in capgo.journal.entries()] == list(range(1, len(capgo.journal.entries()) + 1))
"""


def test_many_workers_on_one_server(project: Project) -> None:
    """200 tests on 8 workers share one server, and each is alone with its data, clock, faults, budget and journal."""
    (project.folder / "servers").mkdir()
    project.write("test_it.py", INTERFERENCE.replace("TESTS", str(TESTS)))
    said = project.run("-n", str(WORKERS), "-q", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
    assert f"{TESTS} passed" in said
    told = [file.read_text().split() for file in (project.folder / "servers").iterdir()]
    assert len(told) == TESTS
    assert len({url for url, _ in told}) == 1
    assert len({worker for _, worker in told}) == WORKERS
    [(url, _), *_] = told
    with pytest.raises(MockCapgoError, match="does not answer"):
        for _ in range(100):  # it ends with its last worker, a moment later
            Control(f"{url}/_mock")("GET", "/health")
            time.sleep(0.1)
