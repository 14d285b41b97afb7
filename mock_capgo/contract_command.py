"""The verb `contract`: hold a server to the contract, with the suite that travels with this package.

Belongs here: the command line, and how pytest is started. What is asked is in `contract_tests`, which is found as a
folder and imported from there; without the `contract` extra the verb says what to install.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mock_capgo.data import contract_tests_dir

HONOURED, BROKEN, CANNOT_RUN = 0, 1, 2
_NEEDED = ("pytest", "hypothesis", "schemathesis", "jsonschema")
_OWN = {"junit", "n", "clean_up", "quiet", "api_key", "run"}


def add_parser(subparsers: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "contract",
        help="hold a server to Capgo's contract",
        description="Hold a server to Capgo's contract: this mock in process, or with --base-url any other. "
        "Exit status: 0 the contract is honoured, 1 it is broken, 2 it could not be asked.",
    )
    missing = _missing()
    if not missing:
        for option in _library().OPTIONS:
            parser.add_argument(option.flag, dest=option.name, help=option.help.replace("%", "%%"), **option.more)
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML")
    parser.add_argument("-n", metavar="N", help="spread the run over N processes (pytest-xdist)")
    parser.add_argument("--clean-up", metavar="LEDGER", help="take away what a run left behind, and do nothing else")
    parser.add_argument("--quiet", action="store_true", help="draw no progress bar")
    parser.set_defaults(run=run)


def run(options: dict[str, Any]) -> int:
    """Run the verb. Returns the exit status."""
    missing = _missing()
    if missing:
        return _cannot(f"{', '.join(missing)} missing: pip install 'mock-capgo[contract]'")
    if options["clean_up"]:
        return _clean_up(options)
    if options["n"] and importlib.util.find_spec("xdist") is None:
        return _cannot("-n needs pytest-xdist: pip install pytest-xdist")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": _python_path()}
    environment.pop("PYTEST_ADDOPTS", None)
    if options["api_key"]:
        # Through the environment: everybody on the machine can read the command line of a process.
        environment[_library().KEY_VARIABLE] = options["api_key"]
    finished = subprocess.run(_command(options), env=environment, check=False)  # noqa: S603 - our own suite
    return finished.returncode if finished.returncode in (HONOURED, BROKEN) else CANNOT_RUN


def _command(options: dict[str, Any]) -> list[str]:
    folder = contract_tests_dir()
    words = [sys.executable, "-m", "pytest", str(folder), "-c", str(folder / "pytest.ini"), f"--rootdir={folder}"]
    words += ["-p", "no:cacheprovider", "-p", "no:terminal", "--contract-progress"]
    words += ["-p", "xdist.plugin", "-n", options["n"]] if options["n"] else []
    words += [f"--junitxml={options['junit']}"] if options["junit"] else []
    for option in _library().OPTIONS:
        value = options.get(option.name)
        if option.name in _OWN or value in (None, False):
            continue
        if value is True:
            words.append(option.flag)
        else:
            words += [f"{option.flag}={item}" for item in (value if isinstance(value, list) else [value])]
    if options["quiet"] or not sys.stderr.isatty():
        words.append("--contract-no-bar")
    return words


def _clean_up(options: dict[str, Any]) -> int:
    library = _library()
    from contract_tests.kit.ledger import LedgerError  # noqa: PLC0415 - importable once the library is
    from contract_tests.kit.run import resume  # noqa: PLC0415
    from contract_tests.kit.targets import CannotReach  # noqa: PLC0415

    try:
        values = {option.name: options.get(option.name) for option in library.OPTIONS}
        failed = resume(Path(options["clean_up"]), library.parse({**values, "base_url": None}, dict(os.environ)))
    except (library.OptionError, LedgerError, CannotReach) as error:
        return _cannot(str(error))
    for reason in failed:
        print(f"still there: {reason}")
    if not failed:
        print(f"everything in {options['clean_up']} is gone")
    return BROKEN if failed else HONOURED


def _missing() -> list[str]:
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def _library() -> Any:
    """The kit's options. Its folder's parent is put on the path: in a wheel it is no place that Python looks at."""
    parent = str(contract_tests_dir().parent)
    if parent not in sys.path:
        sys.path.insert(0, parent)
    from contract_tests.kit import options  # noqa: PLC0415 - importable only now

    return options


def _python_path() -> str:
    return os.pathsep.join(part for part in (str(Path.cwd()), os.environ.get("PYTHONPATH", "")) if part)


def _cannot(reason: str) -> int:
    print(f"mock-capgo: {reason}", file=sys.stderr)
    return CANNOT_RUN
