"""How far a run is, and how long it will take: said once at the start, drawn where somebody watches."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.pace import Pace


class Progress:
    """A listener of outcomes. The bar is rich's, which Schemathesis brings along."""

    def __init__(self, checks: int, requests: int, pace: Pace, *, drawn: bool) -> None:
        self.said = f"{checks} checks, about {requests} requests"
        seconds = pace.estimate(requests)
        if seconds is not None and pace.per_minute is not None:
            self.said += f"; at {pace.per_minute:g} a minute about {_duration(seconds)}"
        self._bar: Any = None
        self._task: Any = None
        if drawn:
            self._draw(checks)

    def _draw(self, checks: int) -> None:
        from rich.console import Console  # noqa: PLC0415 - only where a bar is drawn
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=checks)
        self._bar.start()

    def step(self, name: str, broken: int) -> None:
        """One check is done."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=f"{name}{f', {broken} broken' if broken else ''}")

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
