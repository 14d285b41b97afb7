"""What is shipped: the wheel works away from the checkout, and no committed file says where it was made.

No test here uses the network. The wheel is built with the hatchling that is installed, and the environment
that it is tried in borrows the dependencies of this one.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mock_capgo

ROOT = Path(__file__).resolve().parent.parent
DATA_FOLDERS = ("schemas", "fixtures", "contract_tests")
START_SECONDS = 30  # a slow machine's cold start; a warm one takes a fraction of a second


@dataclass(frozen=True)
class Installation:
    """An environment outside the checkout that holds the wheel; `cwd` is an empty folder to work from."""

    home: Path
    cwd: Path

    @property
    def scripts(self) -> Path:
        return self.home / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *args: str) -> str:
        """Run one of the environment's programs and return what it printed."""
        return _run(self.scripts / program, *args, cwd=self.cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out), cwd=ROOT)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installation(wheel: Path) -> Iterator[Installation]:
    # A folder of the system's, not pytest's: somebody may have put pytest's inside the checkout.
    with tempfile.TemporaryDirectory(prefix="mock-capgo-") as folder:
        here = Installation(home=Path(folder) / "venv", cwd=Path(folder) / "cwd")
        here.cwd.mkdir()
        venv.create(here.home, with_pip=False, symlinks=os.name != "nt")
        python = str(here.scripts / "python")
        install = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", str(wheel))
        _run(sys.executable, "-m", "pip", "--python", python, "install", *install, cwd=here.cwd)
        # A path in a .pth file lends the packages of this environment, not its editable install of the
        # checkout: that is a .pth file as well, and those are not followed.
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site_packages = Path(here.run("python", "-c", ask))
        lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (site_packages / "borrowed.pth").write_text("\n".join(sorted(lent)))
        yield here


def test_wheel_carries_its_data(wheel: Path) -> None:
    """Every committed schema, fixture and contract test is in the wheel, under the package's own name."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in DATA_FOLDERS:
        files = _committed(folder)
        assert files, f"{folder} is empty"
        assert {f"mock_capgo/_data/{file.as_posix()}" for file in files} <= names
    assert "mock_capgo/py.typed" in names


def test_wheel_owns_one_import_name(wheel: Path) -> None:
    """An installation adds `mock_capgo` and its metadata to site-packages, and nothing beside them."""
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"mock_capgo", f"mock_capgo-{mock_capgo.__version__}.dist-info"}


def test_installed_package_reads_its_own_data(installation: Installation) -> None:
    """Away from the checkout the package finds its data in the wheel."""
    script = "from mock_capgo import data; print(data.schemas_dir(), data.fixtures_dir(), sep='\\n')"
    for line in installation.run("python", "-c", script).splitlines():
        assert Path(line).is_relative_to(installation.home.resolve())


def test_installed_command_says_its_version(installation: Installation) -> None:
    """`mock-capgo --version` of the installed wheel names the version of the source."""
    assert mock_capgo.__version__ in installation.run("mock-capgo", "--version").split()


def test_installed_server_serves(installation: Installation) -> None:
    """The installed command starts on a free port, says where, and answers health and its contract."""
    with _served(installation) as started:
        assert started["event"] == "started"
        health, _ = _get(started["url"], "/_mock/health")
        assert health == 200
        status, document = _get(started["url"], "/openapi.json")
        assert status == 200
        assert json.loads(document)["openapi"].startswith("3.")


def test_server_leaves_the_test_tools_alone() -> None:
    """Importing the server imports none of the kit's tools: it starts fast, and without them installed."""
    script = "import json, sys, mock_capgo.server; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(_run(sys.executable, "-c", script, cwd=ROOT)))
    assert "mock_capgo.server" in modules
    assert not modules & {"pytest", "_pytest", "hypothesis", "schemathesis", "jsonschema"}


def test_committed_files_name_no_registry_and_no_machine() -> None:
    """No committed file holds a package registry's address or a path of the machine it was written on."""
    # Lowercase host beginnings; the lookbehind leaves alone longer paths that merely contain such a folder.
    hosts = ("pypi", "files.pythonhosted", "registry.npmjs", "deb.debian")
    folders = ("work", "root")
    registry = "https?://(?:{})".format("|".join(map(re.escape, hosts)))
    machine = "(?<![\\w.~*-])/(?:{})/".format("|".join(folders))
    pattern = re.compile(f"{registry}|{machine}".encode())
    assert pattern.search(b"see https:" + b"//pypi.org/simple")
    assert pattern.search(b'"/' + b'root/x"')
    files = _committed()
    assert files
    found = {file.as_posix(): m[0] for file in files if (m := pattern.search((ROOT / file).read_bytes()))}
    assert found == {}


def test_changelog_starts_with_this_version() -> None:
    """The version at the top of the changelog is the version of the package."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    top = re.search(r"^## \[?(\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    assert top is not None
    assert top[1] == mock_capgo.__version__


def test_constraints_pin_every_dependency() -> None:
    """constraints.txt is plain pins, and each dependency of the project has one that satisfies its bound."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for rs in project["optional-dependencies"].values() for r in rs)]
    for requirement in map(Requirement, wanted):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


def test_every_dependency_has_its_reason() -> None:
    """Each dependency in pyproject.toml has a comment beside or above it that says what it is for."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads("\n".join(lines))["project"]
    wanted = [*project["dependencies"], *(r for rs in project["optional-dependencies"].values() for r in rs)]
    for dependency in wanted:
        if Requirement(dependency).name == project["name"]:
            continue
        [at] = [number for number, line in enumerate(lines) if line.strip().startswith(f'"{dependency}"')]
        beside = lines[at].partition(f'"{dependency}"')[2].partition("#")[2]
        above = lines[at - 1].strip()
        assert beside.strip() or above.startswith("# "), dependency


def _environment() -> dict[str, str]:
    """Return this process's environment, less what changes which Python code or settings are found."""
    ours = ("PYTHON", "MOCK_CAPGO")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=_environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def _committed(folder: str = ".") -> list[Path]:
    """Return the files that git has, or would take with the next `git add`; paths count from the root."""
    # The checkout may belong to another user, as in a container: git then wants to be told that it is safe.
    command = ("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z")
    which = ("--cached", "--others", "--exclude-standard")
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files are committed")
    names = _run(*command, *which, "--", folder, cwd=ROOT).split("\0")
    return [Path(name) for name in sorted(set(names)) if name and (ROOT / name).is_file()]


@contextmanager
def _served(installation: Installation) -> Iterator[dict[str, Any]]:
    """Start the installed server, give the JSON of its first line, and stop it."""
    command = (installation.scripts / "mock-capgo", "serve", "--port", "0", "--log", "json")
    with subprocess.Popen(
        command,
        cwd=installation.cwd,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        # Reading a line waits for as long as it takes; killing the server ends the wait.
        watchdog = threading.Timer(START_SECONDS, server.kill)
        watchdog.start()
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            watchdog.cancel()
            if not first.startswith("{"):
                server.kill()
                pytest.fail(f"the first line is not JSON:\n{first}{server.stdout.read()}")
            yield json.loads(first)
        finally:
            watchdog.cancel()
            watchdog.join()
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def _get(url: str, path: str) -> tuple[int, bytes]:
    """Ask the server itself, past any proxy that the environment names."""
    address = urlsplit(url)
    assert address.hostname is not None
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=10)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
