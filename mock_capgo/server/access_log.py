"""What is printed: a line for each request, and for each complaint, as text for people or as JSON.

Belongs here: the forms of the lines. They never hold a key, and no text that moves a terminal's cursor.
"""

from __future__ import annotations

import logging

import orjson

from mock_capgo.request import Request
from mock_capgo.server.asgi import AccessLog
from mock_capgo.server.dispatch import Answer
from mock_capgo.server.journal import without_credentials
from mock_capgo.server.printer import Printer
from mock_capgo.settings import Settings
from mock_capgo.world.clock import iso_millis, wall_clock

_COLOURS = {2: "\033[32m", 3: "\033[36m", 4: "\033[33m", 5: "\033[31m"}
_RESET = "\033[0m"


def access_log(settings: Settings, printer: Printer, *, coloured: bool) -> AccessLog | None:
    """What prints a request; None when the log is off."""

    def as_text(request: Request, answered: Answer, seconds: float) -> None:
        status = str(answered.status)
        if coloured:
            status = f"{_COLOURS.get(answered.status // 100, '')}{status}{_RESET}"
        path, query = without_credentials(request)
        why = f"  {answered.refusal}" if answered.refusal else ""
        path = _printable(f"{path}?{query}" if query else path)
        printer.say(f"{status} {request.method:<6} {path}  {seconds * 1000:.1f} ms{why}")

    def as_json(request: Request, answered: Answer, seconds: float) -> None:
        line = {
            "event": "request",
            "time": iso_millis(wall_clock()),
            "method": request.method,
            "path": without_credentials(request)[0],
            "operation": answered.operation,
            "status": answered.status,
            "duration_ms": round(seconds * 1000, 3),
            "refusal": answered.refusal,
        }
        printer.say(orjson.dumps(line).decode())

    return {"off": None, "text": as_text, "json": as_json}[settings.log]


def notice_of_dropped(settings: Settings, lines: int) -> str:
    """What is printed in place of lines that nobody read in time."""
    if settings.log == "json":
        return orjson.dumps({"event": "dropped", "time": iso_millis(wall_clock()), "lines": lines}).decode()
    return f"({lines} lines were not printed: what was there before them had not been read)"


def set_up_logging(settings: Settings, printer: Printer) -> None:
    """Have complaints of this process printed in the form of the log."""
    handler = _Complaints(printer)
    handler.setFormatter(_JsonLines() if settings.log == "json" else logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class _Complaints(logging.Handler):
    def __init__(self, printer: Printer) -> None:
        super().__init__()
        self._printer = printer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._printer.say(self.format(record))
        except Exception:  # as every handler of logging: what cannot be told must not fail whoever tells it
            self.handleError(record)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": "log",
            "time": iso_millis(wall_clock()),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def _printable(text: str) -> str:
    """Text that cannot move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
