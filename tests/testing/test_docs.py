"""Every example of README and docs is true: it is run where that is possible, and parsed where it is not.

- `python`: a block with tests is run by pytest with the plugin, any other is executed as it is.
- `sh`: run against a server started for it. Installing and containers are only checked to name what there is.
- `console`: run the same way, and what it prints is compared; `...` stands for anything.
- `json`, `yaml`, `ini`, `toml`: parsed; JSON that is a fixture is loaded.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mock_capgo.testing_client import Control
from mock_capgo.world.fixture import fixture_of
from tests.testing.servers import ROOT, clean_environment, plugin_arguments, served

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8787"
# Programs that fetch, build or ask for an engine: their arguments are looked at, they are not run.
NOT_RUN = ("pip", "make", "docker", "npm", "npx", "git", "cd")


@dataclass(frozen=True)
class Example:
    """A fenced block, and where it stands."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples(*languages: str) -> list[Example]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match[1] in languages:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Example(page.name, line, match[1], match[2]))
    return found


PYTHON = examples("python")
WITH_TESTS = [example for example in PYTHON if "def test_" in example.text]
SCRIPTS = [example for example in PYTHON if example not in WITH_TESTS]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served("--limits", "off") as (started, _):
        yield started["url"]


@pytest.fixture
def url(server: str) -> str:
    """A server as if it had just been started."""
    Control(f"{server}/_mock")("POST", "/reset", {"fixture": "default"})
    return server


def test_every_language_is_looked_at() -> None:
    """No block is of a language that no test here or of the examples knows; none is left without one."""
    known = {"python", "sh", "console", "json", "yaml", "ini", "toml", "javascript", "java", "go", "text"}
    used = {match for page in PAGES for match in re.findall(r"^```(\w+)$", page.read_text("utf-8"), re.MULTILINE)}
    assert used <= known
    for page in PAGES:
        fences = re.findall(r"^```.*$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(fence != "```" for fence in fences[::2]), f"{page.name} has a block without a language"


@pytest.mark.parametrize("example", SCRIPTS, ids=str)
def test_python(example: Example) -> None:
    """A Python example does what it asserts."""
    exec(compile(example.text, str(example), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page


def test_python_with_pytest(tmp_path: Path) -> None:
    """The examples that are tests pass with the plugin, in a project of their own."""
    for number, example in enumerate(WITH_TESTS):
        name = f"test_{number}_{example.page.removesuffix('.md').replace('-', '_')}_{example.line}.py"
        (tmp_path / name).write_text(example.text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin_arguments()]
    said = run(command, tmp_path)
    assert re.search(rf"\b{sum(example.text.count('def test_') for example in WITH_TESTS) + 1} passed", said), said


@pytest.mark.parametrize("example", examples("sh"), ids=str)
def test_shell(example: Example, url: str, tmp_path: Path) -> None:
    """A shell example works, each of its commands."""
    script = []
    for command in commands(example.text):
        program = re.sub(r"^(\w+=\S*\s+)+", "", command).split()[0]
        if program in NOT_RUN:
            check_not_run(command)
        elif "mock-capgo serve" in command:
            check_serve(command, tmp_path)
        elif program == "mock-capgo":
            check_verb(command)
        elif program == "pytest":
            check_pytest(command, url, tmp_path)
        else:
            script.append(command)
    if script:
        run_shell("\n".join(script), url, tmp_path)


@pytest.mark.parametrize("example", examples("console"), ids=str)
def test_console(example: Example, url: str, tmp_path: Path) -> None:
    """A session in a shell goes as it is shown."""
    parts = re.split(r"^\$ ", example.text, flags=re.MULTILINE)
    assert parts[0] == ""
    for part in parts[1:]:
        command, _, expected = part.partition("\n")
        said = run_shell(command, url, tmp_path)
        pattern = ".*".join(re.escape(piece) for piece in expected.strip().split("..."))
        assert re.fullmatch(pattern, said.strip(), re.DOTALL), said


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_json(example: Example) -> None:
    """A JSON example is JSON; one that is a fixture can be loaded."""
    parsed = json.loads(example.text)
    if "format" in parsed:
        fixture_of(parsed, str(example)).load(0)


@pytest.mark.parametrize("example", examples("yaml", "ini", "toml"), ids=str)
def test_configuration(example: Example) -> None:
    """A configuration example can be read."""
    if example.language == "toml":
        tomllib.loads(example.text)
    elif example.language == "ini":
        configparser.ConfigParser().read_string(example.text)
    else:
        yaml: Any = pytest.importorskip("yaml")
        assert isinstance(yaml.safe_load(example.text), dict)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link is a file of the repository."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def commands(text: str) -> list[str]:
    """The commands of a shell example: continued lines as one, comments and empty lines left out."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def check_not_run(command: str) -> None:
    words = command.split("#", maxsplit=1)[0].split()
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words[1] in targets
    elif words[:2] == ["docker", "build"]:
        assert (ROOT / "Dockerfile").is_file()
    elif words[:2] == ["docker", "compose"]:
        assert (ROOT / "compose.yaml").is_file()


def check_verb(command: str) -> None:
    """The command line has this verb, and takes these options."""
    words = command.split()
    said = run([sys.executable, "-m", "mock_capgo", words[1], "--help"], ROOT)
    for option in re.findall(r"--[a-z-]+", command):
        assert option in said


def check_serve(command: str, folder: Path) -> None:
    """The server starts as shown (on a free port, whatever port is shown) and can be stopped."""
    command = re.sub(r"(--port |PORT=|port = )\d+", r"\g<1>0", command)
    script = "exec " + command if command.startswith("mock-capgo") else command
    with subprocess.Popen(
        ["sh", "-c", script], cwd=folder, env=shell_environment(), stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("mock-capgo ")
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=10)


def check_pytest(command: str, url: str, folder: Path) -> None:
    """The options of the plugin are taken, and a test gets a world on that server."""
    (folder / "test_one.py").write_text("def test_one(capgo):\n    assert capgo.base_url.startswith(URL)\n")
    (folder / "conftest.py").write_text(f"import builtins\nbuiltins.URL = {url!r}\n")
    words = command.replace(ADDRESS, url).split()
    command_line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin_arguments(), *words[1:]]
    assert "1 passed" in run(command_line, folder)


def run_shell(script: str, url: str, folder: Path) -> str:
    """What a script prints. Fails the test when any of its commands, or an answer, is an error."""
    if "curl" in script and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    prelude = 'set -eu\ncurl() { command curl --silent --show-error --fail-with-body --noproxy "*" "$@"; }\n'
    return run(["sh", "-c", prelude + script.replace(ADDRESS, url)], folder)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=shell_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, textwrap.indent(done.stdout + done.stderr, "    ")
    return done.stdout


def shell_environment() -> dict[str, str]:
    """The environment of a shell in which mock-capgo is installed."""
    return clean_environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
