"""The control routes: health, info, reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mock_capgo import __version__
from mock_capgo.server.dispatch import MAX_BODY
from mock_capgo.server.universe import Universe
from mock_capgo.world.clock import iso_millis, parse_time
from mock_capgo.world.fixture import FixtureError
from mock_capgo.world.state import TABLES


class ControlError(Exception):
    """A control call that cannot be done; the text says why, `status` is what is answered."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def control_app(universe: Universe) -> Router:
    """The control API of one universe, to be mounted under `/_mock`."""

    async def health(_: Request) -> Response:
        return reply({"status": "ok", "fixture": universe.fixture.source})

    async def info(_: Request) -> Response:
        state = universe.world.state
        return reply(
            {
                "name": "mock-capgo",
                "version": __version__,
                "dialect": universe.dialect.name,
                "fixture": universe.fixture.source,
                "limits": "on" if universe.limits.enabled else "off",
                "seed": universe.world.seed,
                "now": iso_millis(universe.world.clock.now()),
                "counts": {name: len(getattr(state, name)) for name in TABLES},
            }
        )

    async def reset(request: Request) -> Response:
        wanted = await read_object(request, {"fixture", "now"})
        fixture, moment_text = wanted.get("fixture"), wanted.get("now")
        if fixture is not None and not isinstance(fixture, str):
            raise ControlError(400, "fixture: the name of a built-in world is expected, as text")
        try:
            moment = None if moment_text is None else parse_time(moment_text)
        except (TypeError, ValueError):
            raise ControlError(400, f"now: {moment_text!r} is no ISO 8601 time such as 2026-01-31T12:00:00Z") from None
        try:
            universe.reset(fixture, moment)
        except FixtureError as error:
            raise ControlError(400, str(error)) from None
        now = iso_millis(universe.world.clock.now())
        return reply({"status": "ok", "fixture": universe.fixture.source, "now": now})

    return Router(
        [
            Route("/health", guarded(health)),
            Route("/info", guarded(info)),
            Route("/reset", guarded(reset), methods=["POST"]),
        ]
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose ControlError is answered with its status and reason."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ControlError as error:
            return reply({"error": str(error)}, error.status)

    return answer


def reply(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


async def read_object(request: Request, known: set[str]) -> dict[str, Any]:
    """The JSON object of a request, empty without a body. Raises ControlError (400, 413)."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise ControlError(413, "the body is over 1 MiB")
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ControlError(400, f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise ControlError(400, "the body must be a JSON object")
    for name in body:
        if name not in known:
            raise ControlError(400, f"unknown member {name!r}; known are {', '.join(sorted(known))}")
    return body
