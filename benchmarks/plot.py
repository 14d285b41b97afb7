"""Panels of lines as an SVG, written by hand: three small plots are no reason for a plotting library."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import log10
from pathlib import Path

_WIDTH, _HEIGHT, _MARGIN = 300, 220, 46
_COLOURS = ("#1b6ca8", "#c8553d", "#4b7f52")

Points = list[tuple[float, float]]


@dataclass
class Panel:
    """One plot: what grows (drawn as a logarithm), what is measured, and its lines by name."""

    what: str
    measure: str
    lines: dict[str, Points]

    def relative(self) -> Panel:
        """The same with every line as a ratio to its first point: absolute figures mean nothing."""
        lines = {name: [(at, y / points[0][1]) for at, y in points] for name, points in self.lines.items() if points}
        return Panel(self.what, self.measure, lines)


def write(panels: list[Panel], path: Path) -> None:
    """Write the panels beside each other."""
    width = len(panels) * _WIDTH
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * _WIDTH} 0)">', *_panel(panel), "</g>"]
    path.write_text("\n".join([*parts, "</svg>", ""]))


def _panel(panel: Panel) -> list[str]:
    every = [point for points in panel.lines.values() for point in points]
    last = max((log10(at) for at, _ in every), default=1) or 1
    top = max(1.0, *(y for _, y in every)) * 1.1
    left, right, floor, ceiling = _MARGIN, _WIDTH - 16, _HEIGHT - 40, 34

    def x(at: float) -> float:
        return left + (right - left) * log10(at) / last

    def y(value: float) -> float:
        return floor - (floor - ceiling) * value / top

    parts = [
        f'<text x="{left}" y="18" font-weight="bold">{escape(panel.measure)}</text>',
        f'<path d="M{left} {ceiling}V{floor}H{right}" fill="none" stroke="#444"/>',
        f'<text x="{(left + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(panel.what)}</text>',
    ]
    for at in sorted({at for at, _ in every}):
        parts.append(f'<text x="{x(at):.1f}" y="{floor + 15}" text-anchor="middle">{at:,.0f}</text>')
    for tick in (0.5, 1.0):
        parts.append(f'<path d="M{left} {y(tick):.1f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for (name, points), colour in zip(panel.lines.items(), _COLOURS, strict=False):
        drawn = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>' for at, value in points]
        at, value = points[-1]
        parts.append(
            f'<text x="{x(at):.1f}" y="{y(value) - 7:.1f}" text-anchor="end" fill="{colour}">'
            f"{escape(name)} {value:.2f}</text>"
        )
    return parts
