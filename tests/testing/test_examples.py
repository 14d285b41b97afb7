"""The examples in other languages pass, each with its own tools, and the docs show them as they are.

Nothing is downloaded unless EXAMPLES_MAY_DOWNLOAD is set, as `make examples` does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testing.servers import ROOT, clean_environment, plugin_arguments, served

EXAMPLES = ROOT / "examples"
DOCS = sorted((ROOT / "docs").glob("*.md"))
MAY_DOWNLOAD = bool(os.environ.get("EXAMPLES_MAY_DOWNLOAD"))
SHOWN = re.compile(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What an example is told: where a server is."""
    with served() as (started, _):
        yield clean_environment(CAPGO_URL=started["url"])


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(command: list[str], folder: Path, environment: dict[str, str], timeout: int = 300) -> str:
    """What a command said. Fails the test when the command fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_python(tmp_path: Path) -> None:
    """The pytest example passes with the plugin."""
    shutil.copytree(EXAMPLES / "python", tmp_path / "python")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin_arguments()]
    assert re.search(r"\b4 passed", run(command, tmp_path / "python", clean_environment()))


def test_javascript(tmp_path: Path, environment: dict[str, str]) -> None:
    """The vitest example passes."""
    npm, folder = tool("npm"), tmp_path / "javascript"
    shutil.copytree(EXAMPLES / "javascript", folder, ignore=shutil.ignore_patterns("node_modules"))
    if MAY_DOWNLOAD:
        run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund"], folder, environment)
    else:
        pytest.skip("vitest is not installed: `make examples` fetches it")
    assert re.search(r"Tests\s+3 passed", run([npm, "test"], folder, {**environment, "NO_COLOR": "1"}))


def test_java(tmp_path: Path, environment: dict[str, str]) -> None:
    """The JUnit example passes."""
    maven, folder = tool("mvn"), tmp_path / "java"
    shutil.copytree(EXAMPLES / "java", folder, ignore=shutil.ignore_patterns("target"))
    command = [maven, "--batch-mode", "--quiet", "test"]
    try:
        run([*command, "--offline"], folder, environment)
    except AssertionError as failed:
        if "in offline mode" not in str(failed):
            raise
        if not MAY_DOWNLOAD:
            pytest.skip("not all that Maven needs is here: `make examples` fetches it")
        run(command, folder, environment)
    [report] = (folder / "target" / "surefire-reports").glob("*.txt")
    assert "Tests run: 3, Failures: 0, Errors: 0, Skipped: 0" in report.read_text()


def test_go(tmp_path: Path, environment: dict[str, str]) -> None:
    """The Go example passes, and needs no module of anybody else's."""
    go, folder = tool("go"), tmp_path / "go"
    shutil.copytree(EXAMPLES / "go", folder)
    offline = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    said = run([go, "test", "-v", "-count=1", "./..."], folder, environment | offline)
    assert said.count("--- PASS") == 3


def test_every_test_file_is_shown_as_it_is() -> None:
    """What the docs show of an example is the file, and each example is shown."""
    shown = {name: text for page in DOCS for name, text in SHOWN.findall(page.read_text(encoding="utf-8"))}
    files = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in EXAMPLES.rglob("*")
        if path.suffix in (".py", ".js", ".java", ".go") and "node_modules" not in path.parts
    }
    assert len(files) == 4
    assert shown == files


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_no_example_hides_in_a_page(page: Path) -> None:
    """Code in a language that no test runs from the page is a shown file."""
    text = SHOWN.sub("", page.read_text(encoding="utf-8"))
    assert not re.findall(r"^```(javascript|js|ts|typescript|java|go)\b", text, re.MULTILINE)
