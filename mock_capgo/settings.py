"""Every option of the server, once: flag, environment variable and key of a TOML file.

Belongs here: names, types, defaults and help of the options, and their precedence: flag, then environment
(`MOCK_CAPGO_PORT`), then file (`port = 8787`, given by `--config` or `MOCK_CAPGO_CONFIG`), then default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ENVIRONMENT_PREFIX = "MOCK_CAPGO_"


class SettingsError(Exception):
    """An option has a value that it cannot have; the text names where it came from and what would do."""


def _option(default: Any, help_text: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"help": help_text, "choices": choices})


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `mock-capgo serve`."""

    host: str = _option("127.0.0.1", "address to listen on; 0.0.0.0 for every interface")
    port: int = _option(8787, "port to listen on; 0 picks a free one")
    dialect: str = _option("documented", "how to answer", ("documented", "live"))
    fixture: str = _option("default", "the world to start with: a built-in name, or a JSON file")
    limits: str = _option("on", "whether rate limits are in force", ("on", "off"))
    quirks: str = _option("on", "whether to imitate what looks like a fault of the service", ("on", "off"))
    seed: int = _option(0, "seed of generated ids, keys and draws")
    log: str = _option("text", "how to print each request", ("off", "text", "json"))
    control: str = _option("on", "whether there are control routes under /_mock", ("on", "off"))
    control_port: int = _option(-1, "a port of their own for the control routes; -1 for the API's, 0 for a free one")
    control_token: str = _option(
        "", "what x-mock-token must be on control routes; made up when empty and not on loopback"
    )
    plugin_port: int = _option(-1, "a port of its own for the device API too; -1 for none, 0 for a free one")
    webhooks: str = _option("off", "whether webhooks are sent, to loopback addresses only", ("on", "off"))
    journal_bytes: int = _option(4 * 1024 * 1024, "bytes of requests and answers that each world's journal keeps")
    explain: str = _option("off", "whether x-mock-reason explains each refusal", ("on", "off"))
    fault_header: str = _option("off", "whether a request may ask for its own fault in x-mock-fault", ("on", "off"))
    client_timeout: int = _option(
        10, "seconds that a client may take over a header, or between two pieces of a body; 0 for any time"
    )
    save_on_exit: str = _option("", "file that the world is saved to, as a fixture, when the server stops")


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], config: str | None = None) -> Settings:
    """The settings by precedence. `flags` holds what was given on the command line, by field name.

    Raises SettingsError for an unknown key, a wrong type, or a choice that is none.
    """
    config = config or environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    from_file = _read(config) if config else {}
    values: dict[str, Any] = {}
    for option in fields(Settings):
        name, variable = option.name, ENVIRONMENT_PREFIX + option.name.upper()
        if flags.get(name) is not None:
            values[name] = _value(option, flags[name], f"--{name.replace('_', '-')}")
        elif variable in environment:
            values[name] = _value(option, environment[variable], variable)
        elif name in from_file:
            values[name] = _value(option, from_file[name], f"{config}: {name}")
    return Settings(**values)


def _read(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is no TOML: {error}") from None
    known = [option.name for option in fields(Settings)]
    for name in document:
        if name not in known:
            raise SettingsError(f"{path}: unknown key {name!r}; there are {', '.join(known)}")
    return document


def _value(option: Any, value: Any, source: str) -> Any:
    if option.type in (int, "int"):
        try:
            if isinstance(value, (bool, float)):
                raise ValueError
            number = int(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{source}: {value!r} is no whole number") from None
        lowest = -1 if option.default == -1 else 0
        if option.name.endswith("port") and not lowest <= number <= 65535:
            raise SettingsError(f"{source}: {number} is no port; use {lowest} to 65535")
        if number < lowest and option.name != "seed":
            raise SettingsError(f"{source}: {number} is too small; use {lowest} or more")
        return number
    if isinstance(value, bool) and option.metadata["choices"] == ("on", "off"):
        value = "on" if value else "off"
    if not isinstance(value, str):
        raise SettingsError(f"{source}: {value!r} is no text")
    choices = option.metadata["choices"]
    if choices and value not in choices:
        raise SettingsError(f"{source}: {value!r} is not one of {', '.join(choices)}")
    return value
