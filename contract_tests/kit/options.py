"""The options of a run: one table that pytest's command line and `mock-capgo contract` are both made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.kit.wire import KEY_VARIABLE

LAYERS = ("schema", "refusal", "access", "limits", "lifecycle", "device")


class OptionError(Exception):
    """The options do not fit together, or a value is none; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: flag, help, and argparse's keywords."""

    flag: str
    help: str
    more: dict[str, Any]

    @property
    def name(self) -> str:
        """As an attribute."""
        return self.flag.lstrip("-").replace("-", "_")


def _option(flag: str, text: str, **more: Any) -> Option:
    return Option(flag, text, {"default": None, **more})


OPTIONS: tuple[Option, ...] = (
    _option("--base-url", "the server to ask; without it, the mock in this process", metavar="URL"),
    _option("--app", "an ASGI application factory to ask in process, in place of the mock", metavar="MODULE:NAME"),
    _option("--dialect", "the contract to hold it to (default: documented)", choices=["documented", "live"]),
    _option("--api-key", f"the key to ask with; better {KEY_VARIABLE} or --api-key-file", metavar="KEY"),
    _option("--api-key-file", "a file that holds the key", metavar="FILE"),
    _option("--key-header", "the header that carries the key (default: authorization)", metavar="NAME"),
    _option("--profile", "keys with their roles: a built-in name (default, capgo-seed) or a JSON file", metavar="FILE"),
    _option("--org", "the organization that the run may create things in", metavar="ID"),
    _option("--allow-writes", "create, change and delete things of the run's own in --org", action="store_true"),
    _option("--ledger", "where to write down what is created (default: contract-RUN.ledger)", metavar="FILE"),
    _option(
        "--budget", "requests: 90 a minute by default for a server; as 90, 5/s, 2000/h; 0 for no budget", metavar="N"
    ),
    _option("--layers", f"only these layers, by comma: {', '.join(LAYERS)}", metavar="LIST"),
    _option("--check", "only checks whose name contains this; may be repeated", action="append", metavar="NAME"),
    _option("--seed", "seed of everything that is drawn (default: 0)", type=int, metavar="N"),
    _option("--examples", "drawn requests for each question (default: 12; 4 for a server)", type=int, metavar="N"),
    _option("--chains", "drawn chains of calls (default: 12; 2 for a server)", type=int, metavar="N"),
    _option("--deep", "the whole access matrix and full effort for a server too", action="store_true"),
    _option("--no-shrink", "do not look for the smallest example", action="store_true"),
    _option("--example-database", "examples that failed before: a directory, or redis://…", metavar="WHERE"),
    _option(
        "--floor",
        "share of the contract that has to be reached (default: 0.95 for a whole run in process)",
        type=float,
    ),
    _option("--timeout", "seconds to wait for an answer (default: 30)", type=float, metavar="SECONDS"),
    _option("--json", "write the report as JSON", metavar="FILE"),
    _option("--html", "write the report as one HTML file", metavar="FILE"),
    _option(
        "--run-id", "what the names of created things carry (default: drawn; from the seed in process)", metavar="ID"
    ),
)


@dataclass(slots=True)
class Options:
    """The values of a run, checked."""

    base_url: str | None = None
    app: str | None = None
    dialect: str = "documented"
    api_key: str | None = None
    key_header: str = "authorization"
    profile: str | None = None
    org: str | None = None
    allow_writes: bool = False
    ledger: str | None = None
    budget: str | None = None
    layers: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    seed: int = 0
    examples: int | None = None
    chains: int | None = None
    deep: bool = False
    no_shrink: bool = False
    example_database: str | None = None
    floor: float | None = None
    timeout: float = 30.0
    json: str | None = None
    html: str | None = None
    run_id: str | None = None


def parse(values: dict[str, Any], environment: dict[str, str]) -> Options:
    """Options from the command line and the environment. Raises OptionError."""
    given = {name: value for name, value in values.items() if value not in (None, False, [])}
    key = given.pop("api_key", None)
    file = given.pop("api_key_file", None)
    if key is None and file is not None:
        try:
            key = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise OptionError(f"--api-key-file {file}: cannot be read: {error.strerror}") from None
    key = key or environment.get(KEY_VARIABLE) or None
    layers = tuple(part.strip() for part in str(given.pop("layers", "")).split(",") if part.strip())
    for layer in layers:
        if layer not in LAYERS:
            raise OptionError(f"--layers: there is no layer {layer!r}; there are {', '.join(LAYERS)}")
    options = Options(**{**given, "check": tuple(given.get("check", ())), "layers": layers, "api_key": key})
    if options.base_url and options.app:
        raise OptionError("--base-url and --app name two targets; give one")
    if options.base_url and not options.base_url.startswith(("http://", "https://")):
        raise OptionError(f"--base-url {options.base_url}: has to begin with http:// or https://")
    if options.base_url and not (key or options.profile):
        raise OptionError(f"a server needs a key: set {KEY_VARIABLE}, or give --api-key-file or --profile")
    if options.base_url and options.allow_writes and not options.org:
        raise OptionError("--allow-writes needs --org: the organization that the run may create things in")
    if options.floor is not None and not 0 <= options.floor <= 1:
        raise OptionError("--floor is a share between 0 and 1")
    return options
