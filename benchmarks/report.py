"""The table: each row with its figure, its limit, and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row. `figure` None: not measured, and `note` says why; `most` True: the limit is a ceiling."""

    name: str
    figure: float | None
    unit: str
    limit: float
    most: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the figure keeps the limit; None where there is none."""
        if self.figure is None:
            return None
        return self.figure <= self.limit if self.most else self.figure >= self.limit

    def as_json(self) -> dict[str, Any]:
        """The row with its verdict."""
        return {**asdict(self), "holds": self.holds}


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| quantity | figure | limit | |", "|---|---:|---:|---|"]
    verdicts = {True: "ok", False: "MISSED", None: "skipped"}
    for row in rows:
        bound = f"{'≤' if row.most else '≥'} {_number(row.limit)} {row.unit}".rstrip()
        told = "-" if row.figure is None else f"{_number(row.figure)} {row.unit}".rstrip()
        note = f" ({row.note})" if row.note else ""
        lines.append(f"| {row.name} | {told} | {bound} | {verdicts[row.holds]}{note} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
