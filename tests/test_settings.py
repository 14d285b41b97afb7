"""Options: flag, environment variable and TOML key say the same, in that order; a wrong one is told how to be right."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from mock_capgo import cli
from mock_capgo.cli import main
from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings, SettingsError, resolve

OPTIONS = fields(Settings)
ON_OFF = [option for option in OPTIONS if option.metadata["choices"] == ("on", "off")]
CHOICES = [option for option in OPTIONS if option.metadata["choices"]]
NUMBERS = [option for option in OPTIONS if isinstance(option.default, int)]
PORTS = [option for option in NUMBERS if option.name.endswith("port")]


def named(option: Any) -> str:
    """The id of a test for an option."""
    return str(option.name)


def value_of(option: Field[Any], turn: int = 0) -> Any:
    """A value that is not the default; another one for another turn."""
    if option.metadata["choices"]:
        others = [choice for choice in option.metadata["choices"] if choice != option.default]
        return others[turn % len(others)]
    return 4000 + turn if isinstance(option.default, int) else f"value-{turn}"


def flag(option: Field[Any]) -> str:
    """The name of an option on the command line."""
    return "--" + option.name.replace("_", "-")


def toml(folder: Path, **values: Any) -> str:
    """The path of a file with options."""
    file = folder / "mock-capgo.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    return str(file)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Run `mock-capgo serve` with arguments, and give the settings that it would have served with."""
    seen: list[Settings] = []

    def serve(settings: Settings) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr("mock_capgo.server.serve.serve", serve)

    def run(*arguments: str) -> Settings:
        assert main(["serve", *arguments]) == 0
        return seen[-1]

    return run


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run `mock-capgo serve` with arguments that cannot be served, and give what it says."""

    def serve(settings: Settings) -> int:
        raise AssertionError(f"served with {settings}")

    monkeypatch.setattr("mock_capgo.server.serve.serve", serve)

    def run(*arguments: str) -> str:
        try:
            status = main(["serve", *arguments])
        except SystemExit as ended:  # argparse's own way out
            status = ended.code if isinstance(ended.code, int) else 1
        captured = capsys.readouterr()
        assert status == 2
        assert captured.out == ""
        assert "Traceback" not in captured.err
        return captured.err

    return run


# Three ways to say it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", OPTIONS, ids=named)
def test_flag_environment_and_file_say_the_same(
    option: Field[Any], served: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each option can be given in three ways, with the same effect and none on other options."""
    value = value_of(option)
    by_flag = served(flag(option), str(value))
    by_file = served("--config", toml(tmp_path, **{option.name: value}))
    monkeypatch.setenv(ENVIRONMENT_PREFIX + option.name.upper(), str(value))
    by_environment = served()
    assert by_flag == by_environment == by_file == Settings(**{option.name: value})
    assert getattr(by_flag, option.name) == value
    assert type(getattr(by_flag, option.name)) is type(option.default)


@pytest.mark.parametrize("option", OPTIONS, ids=named)
def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    option: Field[Any], served: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of several values the nearest one counts."""
    assert option.default is not MISSING
    config = toml(tmp_path, **{option.name: value_of(option, 1)})
    assert getattr(served("--config", config), option.name) == value_of(option, 1)
    monkeypatch.setenv(ENVIRONMENT_PREFIX + option.name.upper(), str(option.default))
    assert getattr(served("--config", config), option.name) == option.default
    assert getattr(served("--config", config, flag(option), str(value_of(option))), option.name) == value_of(option)


def test_nothing_given_is_the_default(served: Callable[..., Settings]) -> None:
    """Without any option the server serves the documented dialect to loopback."""
    settings = served()
    assert settings == Settings()
    assert (settings.host, settings.port, settings.dialect, settings.fixture) == (
        "127.0.0.1",
        8787,
        "documented",
        "default",
    )


def test_the_file_may_be_named_in_the_environment(
    served: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`MOCK_CAPGO_CONFIG` names the file unless `--config` does."""
    monkeypatch.setenv("MOCK_CAPGO_CONFIG", toml(tmp_path, port=4100))
    assert served().port == 4100
    other = tmp_path / "other.toml"
    other.write_text("port = 4200")
    assert served("--config", str(other)).port == 4200


@pytest.mark.parametrize("option", ON_OFF, ids=named)
def test_a_file_may_say_true_for_on(option: Field[Any], served: Callable[..., Settings], tmp_path: Path) -> None:
    """A switch is text, or TOML's own true and false."""
    for value, text in ((True, "on"), (False, "off")):
        assert getattr(served("--config", toml(tmp_path, **{option.name: value})), option.name) == text


@pytest.mark.parametrize("option", PORTS, ids=named)
def test_ports_have_bounds(option: Field[Any], served: Callable[..., Settings]) -> None:
    """A port is up to 65535, and 0 asks for a free one."""
    for port in (0, 1, 65_535):
        assert getattr(served(flag(option), str(port)), option.name) == port


def test_help_lists_every_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve --help` names each option, what it is for, its choices and its default."""
    monkeypatch.setenv("COLUMNS", "10000")
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in OPTIONS:
        shown = "{" + ",".join(option.metadata["choices"]) + "}" if option.metadata["choices"] else option.name.upper()
        assert f"{flag(option)} {shown} {option.metadata['help']} (default: {option.default})" in text
    assert "MOCK_CAPGO_PORT" in text
    assert "--config" in text


def test_help_alone_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command there is help, and that is fine; `--version` says the version."""
    assert main([]) == 0
    assert "serve" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("mock-capgo ")


# What is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", CHOICES, ids=named)
@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_a_wrong_choice_names_the_right_ones(
    option: Field[Any], way: str, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A value that is no choice ends with status 2, and the message names where it came from and what would do."""
    message, source = _refusal(option, "sideways", way, refused, monkeypatch, tmp_path)
    assert source in message
    assert "sideways" in message
    assert all(choice in message for choice in option.metadata["choices"])


@pytest.mark.parametrize("option", NUMBERS, ids=named)
@pytest.mark.parametrize("value", ["x", "", "1.5", "1e3", "0x10", "-", "⅝"])
@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_what_is_no_number_is_refused(
    option: Field[Any],
    value: str,
    way: str,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A number is a whole one."""
    message, source = _refusal(option, value, way, refused, monkeypatch, tmp_path)
    assert source in message
    assert "whole number" in message


@pytest.mark.parametrize("option", PORTS, ids=named)
@pytest.mark.parametrize("value", ["-2", "65536", "99999999999999999999"])
def test_what_is_no_port_is_refused(option: Field[Any], value: str, refused: Callable[..., str]) -> None:
    """A port out of range says which ports there are."""
    message = refused(f"{flag(option)}={value}")
    assert flag(option) in message
    assert "65535" in message


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param(option, value, id=f"{option.name}-{value}")
        for option in OPTIONS
        for value in (1.5, [1], {"a": 1}, True)
        if not (value is True and option in ON_OFF)  # which means on
    ],
)
def test_a_file_holds_values_of_the_right_type(
    option: Field[Any], value: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    """A TOML value of another type is refused, and the message names file and key."""
    file = tmp_path / "wrong.toml"
    text = {"1.5": "1.5", "[1]": "[1]", "True": "true"}.get(str(value), "{ a = 1 }")
    file.write_text(f"{option.name} = {text}\n")
    message = refused("--config", str(file))
    assert str(file) in message
    assert option.name in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prot = 1", "port"),
        ("port", "TOML"),
        ("[serve]\nport = 1", "port"),
        ("port = 1\nport = 2", "TOML"),
        ("\x00", "TOML"),
    ],
)
def test_a_wrong_file_says_what_would_be_right(
    refused: Callable[..., str], tmp_path: Path, text: str, reason: str
) -> None:
    """An unknown key names the known ones, and what is no TOML is called that."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    message = refused("--config", str(file))
    assert str(file) in message
    assert reason in message


def test_a_file_that_cannot_be_read_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    """A missing file, a folder and a file in another encoding are refused by name."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"port = '\xff\xfe'")
    for path in (tmp_path / "nowhere.toml", tmp_path, binary):
        assert str(path) in refused("--config", str(path))


@pytest.mark.parametrize("arguments", [["--prot", "1"], ["--port"], ["extra"], ["--fixture"]])
def test_wrong_arguments_end_with_usage(refused: Callable[..., str], arguments: list[str]) -> None:
    """What the command line does not know ends with status 2 and a usage line."""
    assert "usage: mock-capgo" in refused(*arguments)


def test_an_unknown_variable_does_no_harm(served: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """Other variables with the prefix belong to others."""
    monkeypatch.setenv("MOCK_CAPGO_SOMETHING_ELSE", "x")
    assert served() == Settings()


def test_resolve_raises_for_whoever_calls_it() -> None:
    """As a library the same checks raise an error, and exit nothing."""
    with pytest.raises(SettingsError, match="port"):
        resolve({"port": "x"}, {})
    assert resolve({}, {"MOCK_CAPGO_PORT": "1"}) == Settings(port=1)
    assert isinstance(cli._parser(), argparse.ArgumentParser)


def _refusal(
    option: Field[Any],
    value: str,
    way: str,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> tuple[str, str]:
    if way == "flag":
        return refused(f"{flag(option)}={value}"), flag(option)
    if way == "environment":
        variable = ENVIRONMENT_PREFIX + option.name.upper()
        monkeypatch.setenv(variable, value)
        return refused(), variable
    config = toml(folder, **{option.name: value})
    return refused("--config", config), config
