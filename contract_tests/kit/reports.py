"""What is made of outcomes: the table of operations by layers, the JSON report, the one HTML file.

JUnit XML is pytest's own. A report is built from outcomes alone, which hold no secret: see `kit.wire`.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.kit.contract import Contract
from contract_tests.kit.coverage import Coverage, measure
from contract_tests.kit.options import LAYERS
from contract_tests.kit.run import Outcome

_MARKS = {"honoured": "ok", "broken": "BROKEN", "skipped": "-", "error": "ERROR"}
_WORST = ("skipped", "honoured", "error", "broken")


@dataclass
class Summary:
    """All outcomes of a run. `add` is its listener."""

    contract: Contract
    seed: int
    target: str
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        self.outcomes.append(outcome)

    @property
    def coverage(self) -> dict[str, Any]:
        """What of the contract was reached."""
        reached = Coverage()
        for outcome in self.outcomes:
            reached.merge(outcome.coverage)
        return measure(self.contract, reached)

    @property
    def findings(self) -> list[tuple[dict[str, Any], str]]:
        """Each finding once, over all checks, with its text."""
        found: dict[tuple[Any, ...], tuple[dict[str, Any], str]] = {}
        for outcome in sorted(self.outcomes, key=lambda outcome: outcome.check):
            for finding, text in zip(outcome.findings, outcome.texts, strict=True):
                # The same rule at the same place, told by several layers, is one fault.
                same = (finding["rule"], finding["operation"], finding["pointer"] or _alike(finding["message"]))
                found.setdefault(same, (finding, text))
        return list(found.values())

    def table(self) -> list[tuple[str, list[str]]]:
        """Rows of operations, columns of layers; the last row is for questions about several operations."""
        cells: dict[tuple[str, str], str] = {}
        for outcome in self.outcomes:
            key = (outcome.operation or "(several)", outcome.layer)
            cells[key] = max(cells.get(key, "skipped"), outcome.status, key=_WORST.index)
            for finding in outcome.findings:
                named = finding["operation"] if finding["operation"] in self.contract.operations else "(several)"
                cells[named, outcome.layer] = "broken"
        names = [*self.contract.operations, "(several)"]
        return [
            (name, [_MARKS[cells[name, layer]] if (name, layer) in cells else "" for layer in LAYERS]) for name in names
        ]

    def as_dict(self) -> dict[str, Any]:
        """The JSON report. The same run gives the same report, but for the seconds."""
        ordered = sorted(self.outcomes, key=lambda outcome: outcome.check)
        counts = {status: sum(outcome.status == status for outcome in ordered) for status in _MARKS}
        return {
            "target": self.target,
            "dialect": self.contract.dialect,
            "seed": self.seed,
            "verdict": "broken" if counts["broken"] else "honoured",
            "checks": counts,
            "requests": sum(outcome.requests for outcome in ordered),
            "findings": [finding for finding, _ in self.findings],
            "coverage": self.coverage,
            "table": {name: dict(zip(LAYERS, cells, strict=True)) for name, cells in self.table()},
            "outcomes": [
                {key: value for key, value in asdict(outcome).items() if key not in ("texts", "coverage", "findings")}
                for outcome in ordered
            ],
        }

    def as_text(self) -> str:
        """For a terminal."""
        width = max(len(name) for name, _ in self.table())
        lines = ["", f"{'operation':{width}}  " + "  ".join(f"{layer:9}" for layer in LAYERS)]
        lines += [f"{name:{width}}  " + "  ".join(f"{cell:9}" for cell in cells) for name, cells in self.table()]
        for number, (_, text) in enumerate(self.findings, 1):
            lines += ["", f"finding {number}  {text}"]
        left_out = Counter(outcome.reason for outcome in self.outcomes if outcome.status == "skipped")
        notes = [f"{o.check}: {o.reason}" for o in self.outcomes if o.status == "error"]
        notes += [f"left out: {number} checks, {reason}" for reason, number in left_out.most_common()]
        broken = sum(outcome.status == "broken" for outcome in self.outcomes)
        asked = sum(outcome.status != "skipped" for outcome in self.outcomes)
        if 2 * broken > asked > 10:
            notes.append(f"most checks are broken: is the target meant to speak the {self.contract.dialect} dialect?")
        report = self.as_dict()
        lines += ["", *notes, *([""] if notes else []), _coverage_line(report["coverage"])]
        checks = ", ".join(f"{number} {status}" for status, number in report["checks"].items() if number)
        lines.append(
            f"{report['target']}, {report['dialect']}, seed {report['seed']}: {checks}; {report['requests']} requests"
        )
        return "\n".join(lines)


def write_json(path: Path, summary: Summary) -> None:
    """The JSON report as a file."""
    path.write_text(json.dumps(summary.as_dict(), indent=2) + "\n", encoding="utf-8")


def write_html(path: Path, summary: Summary) -> None:
    """The report as one file that loads nothing else."""
    report = summary.as_dict()
    head = "".join(f"<th>{layer}</th>" for layer in ("operation", *LAYERS))
    rows = "".join(
        f"<tr><th>{_safe(name)}</th>" + "".join(f'<td class="{cell.lower()}">{cell}</td>' for cell in cells) + "</tr>"
        for name, cells in summary.table()
    )
    findings = "".join(_finding(finding, text) for finding, text in summary.findings) or "<p>None.</p>"
    missing = "".join(
        f"<details><summary>{kind}: {part['reached']} of {part['documented']}</summary>"
        f"<p>{_list(part['missing'])}</p></details>"
        for kind, part in report["coverage"].items()
        if isinstance(part, dict)
    )
    skipped = "".join(
        f"<tr><td>{_safe(o.check)}</td><td>{_safe(o.reason)}</td></tr>"
        for o in summary.outcomes
        if o.status == "skipped"
    )
    path.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Capgo contract: {report['verdict']}</title>{_STYLE}"
        f"<h1>Capgo contract: {report['verdict']}</h1><p>{_safe(summary.target)}, {report['dialect']} dialect, "
        f"seed {report['seed']}, {report['requests']} requests.</p><table><tr>{head}</tr>{rows}</table>"
        f"<h2>Findings</h2>{findings}<h2>Coverage: {report['coverage']['share']:.0%}</h2>{missing}"
        f"<h2>Left out</h2>{f'<table>{skipped}</table>' if skipped else '<p>Nothing.</p>'}</html>\n",
        encoding="utf-8",
    )


def _finding(finding: dict[str, Any], text: str) -> str:
    title = _safe(f"{finding['operation']}: {finding['message']}")
    return f"<details><summary>{title}</summary><pre>{_safe(text)}</pre></details>"


def _coverage_line(coverage: dict[str, Any]) -> str:
    parts = [
        f"{part['reached']} of {part['documented']} {kind}" for kind, part in coverage.items() if isinstance(part, dict)
    ]
    return f"coverage of the contract {coverage['share']:.1%}: " + ", ".join(parts)


def _alike(message: str) -> str:
    """A message without its values: the same fault seen with another value is the same fault."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "#", message)[:80]


def _list(values: Iterable[str]) -> str:
    return _safe(", ".join(values)) or "nothing is missing"


def _safe(text: str) -> str:
    return html.escape(text)


_STYLE = (
    "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{padding:.15rem .7rem;text-align:left;border-bottom:1px solid #8883}"
    "th{font-weight:500}.ok{color:#1a7f37}.broken,.error{color:#fff;background:#b42318}"
    "pre{overflow:auto;background:#8881;padding:1rem}summary{cursor:pointer}</style>"
)
