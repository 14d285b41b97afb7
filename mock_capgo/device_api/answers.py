"""How the device API is read and how it answers: one dialect in every world (30 §1).

Belongs here: where parameters come from, the envelope of a thrown error, the headers of answers that read the
database. Does not belong here: which answer is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from mock_capgo.call import Call
from mock_capgo.device_api import device_errors
from mock_capgo.errors import Refusal
from mock_capgo.request import Request

log = logging.getLogger("mock_capgo")

Input = Literal["json", "query", "none"]

DATABASE_HEADERS = {
    "X-Replication-Lag": "ok",
    "X-Replication-Lag-Seconds": "0",
    "X-Database-Source": "mock",
}
"""On answers for which the database was read. There is one database and no lag (30 §1)."""

QUERY_KEYS = (
    "version_name", "version_build", "platform", "app_id", "device_id", "plugin_version", "defaultChannel",
    "channel", "custom_id", "is_emulator", "is_prod", "install_source", "version_os", "key_id",
)  # fmt: skip
_FLAGS = {"is_emulator": "false", "is_prod": "true"}


@dataclass(slots=True)
class Reply:
    """What goes out. `refusal` names the thrown error for the access log, None for an outcome."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    refusal: str | None = None


Handler = Callable[[Call], Reply]


def ok(**more: Any) -> Reply:
    """`{"status": "ok"}` after a look into the database."""
    return from_database({"status": "ok", **more})


def from_database(body: Any, status: int = 200) -> Reply:
    """An answer for which the database was read."""
    return Reply(body, status, DATABASE_HEADERS)


def failed(code: str, message: str, **more: Any) -> Reply:
    """An error with status 200: its details stand beside it (30 §1)."""
    return from_database({"error": code, "message": message, **more})


def on_premise() -> Reply:
    """What an unknown app is told, and one whose plan does not cover it: 429 without details (30 §3 A)."""
    return from_database({"error": "on_premise_app", "message": "On-premise app detected"}, 429)


def failure(refusal: Refusal) -> Reply:
    """The envelope of a thrown error: details nested in `moreInfo`, always there."""
    error = refusal.error
    body = {"error": error.code, "message": refusal.message(), "moreInfo": refusal.more_info}
    return Reply(body, error.status, refusal.headers, error.name)


def answer(handler: Handler, call: Call) -> Reply:
    """Serve a call. A refusal becomes its envelope, and so does a mistake of ours."""
    try:
        return handler(call)
    except Refusal as refusal:
        return failure(refusal)
    except Exception:
        log.exception("%s failed; please report this", getattr(handler, "__name__", handler))
        return failure(Refusal(device_errors.CRASH))


def read(source: Input, request: Request) -> Any:
    """The parameters: a JSON body whatever its content type, or the query. Raises INVALID_JSON."""
    if source == "none":
        return {}
    if source == "query":
        return _query(request)
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Refusal(device_errors.INVALID_JSON, {"e": {}}) from None


def _query(request: Request) -> dict[str, Any]:
    """The known names of a query, its two flags as booleans; empty only where nothing was sent (32 §2)."""
    sent: dict[str, str] = {}
    for name, value in request.query():
        sent.setdefault(name, value)
    if not sent:
        return {}
    known: dict[str, Any] = {name: sent[name] for name in QUERY_KEYS if name in sent}
    for name, default in _FLAGS.items():
        known[name] = sent.get(name, default) == "true"
    return known
