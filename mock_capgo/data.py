"""Where the files are that are not Python: schemas, fixtures and the contract tests.

In a checkout they stand at its top, where people look for them; a wheel carries them inside the package,
under `_data`, so that it owns one import name and nobody else's `schemas` folder is ever mistaken for ours.
Everything that reads such a file asks here and need not know which of the two it runs from.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def schemas_dir() -> Path:
    """Return the folder of the JSON Schemas and OpenAPI documents: server and tests read the same ones."""
    return _find("schemas")


def fixtures_dir() -> Path:
    """Return the folder of the worlds that `--fixture` names: they must be there before the first request."""
    return _find("fixtures")


def contract_tests_dir() -> Path:
    """Return the folder of the contract tests, so that pytest can be given an installed kit by its path."""
    return _find("contract_tests")


def _find(name: str) -> Path:
    places = [_PACKAGE / "_data" / name]
    # Beside an installed package lies site-packages, which is not ours to look into.
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        places.append(_PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(str(place) for place in places)
    raise FileNotFoundError(
        f"mock-capgo's {name} folder is missing (looked for {looked}). The installation is not complete: "
        "install mock-capgo again, or run it from a full checkout."
    )
