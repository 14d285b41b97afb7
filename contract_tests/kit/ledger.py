"""The ledger: what a run creates on somebody's server, written down before it is created.

One JSON object a line. The first says which server and which run; then `intend` before a request, `made` after it
(with numbers that only the server knows), `gone` when its absence was read back. Each line is on disk before the
request leaves: a run that is killed can be cleaned up by another one. No secret is ever written here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class LedgerError(Exception):
    """A ledger cannot be written or understood; the text says why."""


@dataclass
class Entry:
    """One object: its kind, the name that the run gave it, and what else is known."""

    kind: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    gone: bool = False


class Ledger:
    """The objects of a run; kept in a file when there is one."""

    def __init__(self, path: Path | None = None, header: dict[str, Any] | None = None) -> None:
        self.path = path
        self.header = header or {}
        self.entries: dict[tuple[str, str], Entry] = {}
        if path is not None and not path.exists():
            self._write({"ledger": 1, **self.header})

    def intend(self, kind: str, name: str) -> None:
        """An object is about to be created. On disk when this returns."""
        if (kind, name) not in self.entries or self.entries[kind, name].gone:
            self.entries[kind, name] = Entry(kind, name)
            self._write({"intend": kind, "name": name})

    def made(self, kind: str, name: str, **facts: Any) -> None:
        """What the server said about it."""
        self.entries[kind, name].facts.update(facts)
        self._write({"made": kind, "name": name, **facts})

    def gone(self, kind: str, name: str) -> None:
        """Its absence was read back."""
        self.entries[kind, name].gone = True
        self._write({"gone": kind, "name": name})

    def left(self) -> list[Entry]:
        """What may still be there, the youngest first."""
        return [entry for entry in reversed(self.entries.values()) if not entry.gone]

    def find(self, kind: str, value: Any) -> Entry | None:
        """The run's object of that name, or with that value among its facts."""
        for entry in self.entries.values():
            if entry.kind == kind and (entry.name == value or value in entry.facts.values()):
                return entry
        return None

    def knows(self, kind: str, value: Any) -> bool:
        """Whether an object, by name or by any fact, is one of the run's."""
        return self.find(kind, value) is not None

    def _write(self, line: dict[str, Any]) -> None:
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LedgerError(f"{self.path}: the ledger cannot be written: {error.strerror}") from None


def read_ledger(path: Path) -> Ledger:
    """A ledger from its file. A last line that was cut off by a crash is passed over. Raises LedgerError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from None
    parsed: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        try:
            parsed.append(json.loads(line))
        except ValueError:
            if number + 1 < len(lines):
                raise LedgerError(f"{path}: line {number + 1} is no JSON") from None
    if not parsed or parsed[0].get("ledger") != 1:
        raise LedgerError(f"{path}: is no ledger of a contract run")
    ledger = Ledger(None, {key: value for key, value in parsed[0].items() if key != "ledger"})
    for noted in parsed[1:]:
        name = noted.get("name", "")
        if "intend" in noted:
            ledger.entries[noted["intend"], name] = Entry(noted["intend"], name)
        elif "made" in noted:
            facts = {key: value for key, value in noted.items() if key not in ("made", "name")}
            ledger.entries.setdefault((noted["made"], name), Entry(noted["made"], name)).facts.update(facts)
        elif "gone" in noted and (noted["gone"], name) in ledger.entries:
            ledger.entries[noted["gone"], name].gone = True
    ledger.path = path
    return ledger
