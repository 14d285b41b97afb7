"""Reading answers of either dialect: where the rows are, where the object is.

The documented dialect wraps most answers in `data`, the live one answers them bare; nothing else of a dialect is
known here, its documents say the rest.
"""

from __future__ import annotations

from typing import Any


def rows(body: Any) -> list[dict[str, Any]]:
    """The rows of a list."""
    if isinstance(body, dict):
        body = next((body[name] for name in ("data", "apikeys", "deliveries") if name in body), [])
    return [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []


def one(body: Any) -> dict[str, Any]:
    """The object of an answer about one thing."""
    if isinstance(body, dict):
        for name in ("data", "apikey", "webhook", "bundle"):
            if isinstance(body.get(name), dict):
                inner: dict[str, Any] = body[name]
                return inner
        return body
    return {}
