"""What the project rests on, without asking anybody: how many packages, whether they fit and are as pinned; the wheel.

Started by `make audit`. Ends with status 1 when something that is installed does not fit, or is not what is pinned.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def wanted(name: str, extra: str = "") -> set[tuple[str, str]]:
    """What a distribution requires here, each with the extras that it asks for."""
    required = map(Requirement, distribution(name).requires or ())
    here = [one for one in required if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {(canonicalize_name(one.name), asked) for one in here for asked in ("", *one.extras)}


def closure(extra: str = "") -> set[str]:
    """Every package that the project brings along, with those that they bring."""
    seen: set[tuple[str, str]] = set()
    new = {("mock-capgo", ""), ("mock-capgo", extra)}
    while new:
        seen |= new
        new = {found for name, asked in new for found in wanted(name, asked)} - seen
    return {name for name, _ in seen} - {"mock-capgo"}


def main() -> int:
    """Print the figures."""
    direct = {name for name, _ in wanted("mock-capgo")}
    print(f"dependencies: {len(direct)} of the server's own, {len(closure())} with theirs")
    print(f"              {len(closure('contract'))} with the contract kit, {len(closure('dev'))} to develop")
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own command
        [wheel] = Path(folder).glob("*.whl")
        files = zipfile.ZipFile(wheel).namelist()
        print(f"wheel:        {wheel.stat().st_size / 1000:.0f} kB, {len(files)} files")
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    pinned: dict[str, str] = {canonicalize_name(name): version for name, version in pins.items()}
    installed: dict[str, str] = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}
    other = {name: installed[name] for name in sorted(closure("dev")) if installed[name] != pinned.get(name)}
    print(f"installed:    {'not as pinned: ' + str(other) if other else 'as pinned'}")
    fits = subprocess.run([sys.executable, "-m", "pip", "check"], check=False, capture_output=True, text=True)
    print(f"pip check:    {fits.stdout.strip()}")
    return 1 if other or fits.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
