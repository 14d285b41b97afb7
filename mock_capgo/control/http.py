"""What every control route shares: JSON in, JSON out, a clear reason when it cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.server.universe import Universe
from mock_capgo.server.universes import Universes
from mock_capgo.world.clock import parse_time
from mock_capgo.world.fixture import FixtureError
from mock_capgo.world.records import Micros

MAX_DOCUMENT = 512 * 1024 * 1024
"""Bytes of a whole world."""

Endpoint = Callable[[Request], Awaitable[Response]]


class ControlError(Exception):
    """A control call that cannot be done; the text says why, `status` is what is answered."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def guarded(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose ControlError and FixtureError are answered with their reason."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ControlError as error:
            return reply({"error": str(error)}, error.status)
        except FixtureError as error:
            return reply({"error": str(error)}, 400)

    return answer


def reply(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def universe_of(request: Request, universes: Universes) -> Universe:
    """The world that a control route is about: the one in its path, else the default one."""
    universe_id = request.path_params.get("world", universes.default.id)
    universe = universes.get(universe_id)
    if universe is None:
        raise ControlError(404, f"there is no world {universe_id}: it was deleted, it expired, or it never was")
    return universe


async def read_json(request: Request, limit: int = MAX_DOCUMENT) -> Any:
    """The JSON value of a request, None without a body. Raises ControlError (400, 413)."""
    parts, size = [], 0
    async for chunk in request.stream():
        parts.append(chunk)
        size += len(chunk)
        if size > limit:
            raise ControlError(413, f"the body is over {limit} bytes")
    raw = b"".join(parts)
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ControlError(400, f"the body is no JSON: {error}") from None


async def read_object(request: Request, known: set[str] | None = None) -> dict[str, Any]:
    """The JSON object of a request, empty without a body. Raises ControlError for members that are not known."""
    body = await read_json(request)
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise ControlError(400, "the body must be a JSON object")
    for name in body:
        if known is not None and name not in known:
            raise ControlError(400, f"{name}: there is no such member; there are {', '.join(sorted(known))}")
    return body


def moment(body: dict[str, Any], name: str) -> Micros | None:
    """A member that is an ISO 8601 time. Raises ControlError."""
    value = body.get(name)
    if value is None:
        return None
    try:
        return parse_time(value)
    except (TypeError, ValueError, OverflowError):
        raise ControlError(400, f"{name}: {value!r} is no ISO 8601 time such as 2026-01-31T12:00:00Z") from None


def typed(body: dict[str, Any], name: str, kind: type | tuple[type, ...], what: str) -> Any:
    """A member of a type, or None. Raises ControlError; a boolean is never a number."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ControlError(400, f"{name}: {what} is expected")
    return value
