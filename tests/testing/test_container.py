"""The container, as far as that can be told without an engine: its files, its commands, its user, its probe.

Not tested here: that an engine builds the image, and that it takes the probe's word.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mock_capgo import probe
from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings, SettingsError, resolve
from mock_capgo.testing_client import Control, MockCapgoError
from tests.testing.servers import ROOT, clean_environment, served

NOBODY = 65534
INSTRUCTIONS = {
    "FROM", "RUN", "CMD", "LABEL", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG",
    "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL",
}  # fmt: skip


def dockerfile() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines()]


def last(instruction: str) -> str:
    return [value for name, value in dockerfile() if name == instruction][-1]


def variables() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", last("ENV")))


def test_dockerfile_is_well_formed() -> None:
    """Every line is an instruction that there is; forms with brackets are JSON lists; the base is slim and named."""
    for name, value in dockerfile():
        assert name in INSTRUCTIONS
        if name in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(word, str) for word in json.loads(value))
        if name == "FROM":
            assert re.fullmatch(r"python:3\.\d+-slim( AS \w+)?", value)
    assert dockerfile()[0][0] == "FROM"


def test_image_runs_without_rights() -> None:
    """The last user is a number other than root's, and nothing is done as root after it."""
    names = [name for name, _ in dockerfile()]
    user = last("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert "RUN" not in names[len(names) - names[::-1].index("USER") :]
    assert f"--uid {user.split(':')[0]}" in last("RUN")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    """Each source of the image exists, and .dockerignore lets it through, but nothing that is not copied."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.removeprefix("./")
        for name, value in dockerfile()
        if name == "COPY" and "--from" not in value
        for source in value.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    assert copied == allowed
    assert "*" in ignored
    assert any(fnmatch.fnmatch("mock_capgo/server/__pycache__", line) for line in ignored if line[0] not in "#!")


def test_wheel_of_the_image_is_whole() -> None:
    """All that the package is built from is copied into the image."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r"only-include = (\[.*?\])", pyproject)
    assert match is not None
    copied = {source for name, value in dockerfile() if name == "COPY" for source in value.split()[:-1]}
    assert {*json.loads(match[1]), "README.md", "LICENSE"} <= copied


def test_settings_of_the_container_are_settings() -> None:
    """Variables of the image and of compose.yaml are options of the server; ports are the default one."""
    yaml: Any = pytest.importorskip("yaml")
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["mock-capgo"]
    for name in [*variables(), *compose["environment"]]:
        if name.startswith(ENVIRONMENT_PREFIX):
            assert name.removeprefix(ENVIRONMENT_PREFIX).lower() in Settings.__dataclass_fields__
    assert last("EXPOSE") == str(Settings().port)
    assert compose["ports"] == [f"127.0.0.1:{Settings().port}:{Settings().port}"]
    assert compose["read_only"] is True
    assert compose["cap_drop"] == ["ALL"]


def test_server_of_the_image_as_nobody(tmp_path: Path) -> None:
    """The image's command serves as a user without rights who can write nowhere, and its health check agrees."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can become another user")
    tmp_path.chmod(0o555)
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    try:
        subprocess.run([sys.executable, "-P", "-c", "import mock_capgo"], capture_output=True, check=True, **nobody)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("another user may not use this Python or this checkout")
    environment = clean_environment(
        HOME=str(tmp_path), TMPDIR=str(tmp_path), **variables(), MOCK_CAPGO_CONTROL_TOKEN="t"
    )
    environment["PATH"] = os.environ["PATH"]
    with served(**nobody, env=environment) as (started, server):
        port = started["url"].rsplit(":", 1)[1]
        assert started["url"].startswith("http://0.0.0.0:")
        assert Control(f"http://127.0.0.1:{port}/_mock", "t")("GET", "/info")["name"] == "mock-capgo"
        with pytest.raises(MockCapgoError, match="token"):
            Control(f"http://127.0.0.1:{port}/_mock")("GET", "/info")
        check = json.loads(last("HEALTHCHECK").split("CMD", 1)[1])
        nobody["env"] = {**environment, "MOCK_CAPGO_PORT": port}
        asked = subprocess.run([sys.executable, *check[1:]], capture_output=True, text=True, check=False, **nobody)
        assert (asked.returncode, asked.stderr) == (0, "")
        before = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=5) == 0
        assert time.monotonic() - before < 2


def test_hangup_resets_the_default_world() -> None:
    """SIGHUP brings the default world back to its fixture."""
    with served() as (started, server):
        control = Control(f"{started['url']}/_mock")
        control("POST", "/seed", {"users": [{"email": "new@example.com"}]})
        assert control("GET", "/info")["counts"]["users"] == 8
        server.send_signal(signal.SIGHUP)
        for _ in range(100):
            if control("GET", "/info")["counts"]["users"] == 7:
                return
            time.sleep(0.05)
        pytest.fail("the world was not reset")


def asked_at(arguments: list[str]) -> tuple[str, int, str]:
    """Where the probe would ask, with these flags in this environment."""
    flags = probe.parsed(arguments)
    return probe.address(resolve(flags, os.environ, flags.pop("config")))


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, [], ("127.0.0.1", 8787, "/_mock/health")),
        (
            {"MOCK_CAPGO_HOST": variables()["MOCK_CAPGO_HOST"], "MOCK_CAPGO_PORT": "9000"},
            [],
            ("127.0.0.1", 9000, "/_mock/health"),
        ),
        ({"MOCK_CAPGO_HOST": "::"}, [], ("::1", 8787, "/_mock/health")),
        ({"MOCK_CAPGO_PORT": "9000"}, ["--port", "9001"], ("127.0.0.1", 9001, "/_mock/health")),
        ({"MOCK_CAPGO_CONTROL_PORT": "9002"}, [], ("127.0.0.1", 9002, "/_mock/health")),
        ({"MOCK_CAPGO_CONTROL": "off", "MOCK_CAPGO_CONTROL_PORT": "9002"}, [], ("127.0.0.1", 8787, "/ok")),
    ],
)
def test_probe_reads_the_configuration(
    environment: dict[str, str], arguments: list[str], expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe asks where the server listens, by flag, environment and default."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert asked_at(arguments) == expected


def test_probe_reads_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe reads the server's TOML file."""
    (tmp_path / "mock.toml").write_text("port = 9003\n")
    monkeypatch.setenv("MOCK_CAPGO_CONFIG", str(tmp_path / "mock.toml"))
    assert asked_at([])[1] == 9003


def test_probe_reads_the_flags_of_the_first_process(tmp_path: Path) -> None:
    """In a container the server's own flags count; another first process has none."""
    line = tmp_path / "cmdline"
    line.write_bytes(b"/opt/mock-capgo/bin/python\0/opt/mock-capgo/bin/mock-capgo\0serve\0--port\x009005\x00")
    assert probe.server_arguments(line) == ["--port", "9005"]
    line.write_bytes(b"/sbin/init\0serve\0--port\x001\x00")
    assert probe.server_arguments(line) == []
    assert probe.server_arguments(tmp_path / "nothing") == []


def test_probe_says_why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer, or cannot be found, is unhealthy, with the reason."""
    assert probe.main(["--port", "9"]) == 1
    assert "http://127.0.0.1:9/_mock/health does not answer" in capsys.readouterr().err
    with pytest.raises(SettingsError, match="MOCK_CAPGO_PORT"):
        probe.address(Settings(port=0))
    monkeypatch.setenv("MOCK_CAPGO_PORT", "many")
    assert probe.main(["--limits", "on"]) == 1
    assert "MOCK_CAPGO_PORT: 'many' is no whole number" in capsys.readouterr().err


def test_probe_finds_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that answers is healthy, with its control routes and without."""
    for flags in ([], ["--control", "off"]):
        with served(*flags) as (started, _):
            port = started["url"].rsplit(":", 1)[1]
            assert probe.main(["--port", port, *flags]) == 0
            assert "is healthy" in capsys.readouterr().out
