"""The application as a visible list: control routes, the API's own document, the API."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_capgo.control.guard import Guard
from mock_capgo.control.http import guarded
from mock_capgo.control.http import universe_of as control_universe
from mock_capgo.control.routes import control_app
from mock_capgo.dialects import speak
from mock_capgo.server import outgoing
from mock_capgo.server.asgi import AccessLog, Api
from mock_capgo.server.openapi import bundled
from mock_capgo.server.universe import Universe, create_universe
from mock_capgo.server.universes import Universes
from mock_capgo.settings import Settings
from mock_capgo.world.fixture import read_fixture

_OWN_BEGINNINGS = ("/_mock", "/openapi.json", "/w/")
_OWN_PATH = re.compile(r"(/w/[^/]+)?/(_mock(/|$)|openapi\.json$)")


class Application(Starlette):
    """Starlette for what the mock adds, and the API beside it.

    The API takes every other path, and an unknown one is its own 404: no list of routes is walked, and none of
    the layers is paid for, before a request reaches its operation.
    """

    def __init__(self, settings: Settings, access_log: AccessLog | None = None) -> None:
        self.universes = Universes(universe_of(settings))
        self.api = Api(self.universes, access_log)
        self.control = Guard(control_app(self.universes, settings), settings.host, settings.control_token)
        document = _document(self.universes)
        routes: list[BaseRoute] = [Route("/openapi.json", document), Route("/w/{world}/openapi.json", document)]
        if settings.control == "on" and settings.control_port == -1:
            routes += control_routes(self.control)
        super().__init__(routes=routes, exception_handlers={HTTPException: _refused})
        self.state.universe = self.universes.default
        self.state.universes = self.universes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_own(scope["path"]):
            await super().__call__(scope, receive, send)
        else:
            await self.api(scope, receive, send)

    def control_alone(self) -> Starlette:
        """The control routes as an application of their own, for a port of their own."""
        return Starlette(routes=control_routes(self.control), exception_handlers={HTTPException: _refused})


def _is_own(path: str) -> bool:
    """Whether a path is the mock's and not the API's."""
    return path.startswith(_OWN_BEGINNINGS) and _OWN_PATH.match(path) is not None


def control_routes(control: ASGIApp) -> list[BaseRoute]:
    """Where the control routes are: on the default world, and under `/w/{id}` on that one."""
    return [Mount("/_mock", control), Mount("/w/{world}/_mock", control)]


def create_app(settings: Settings | None = None, access_log: AccessLog | None = None) -> Application:
    """The ASGI application. Raises FixtureError when the fixture cannot be loaded.

    `app.state.universe` is the default universe.
    """
    return Application(settings or Settings(), access_log)


def universe_of(settings: Settings) -> Universe:
    """The universe that the settings describe."""
    dialect = speak("live" if settings.dialect == "live" else "documented", faults=settings.quirks == "on")
    fixture = read_fixture(settings.fixture)
    universe = create_universe(fixture, dialect, limits=settings.limits == "on", seed=settings.seed)
    universe.journal.capacity = settings.journal_bytes
    universe.explains = settings.explain == "on"
    universe.header_faults = settings.fault_header == "on"
    universe.world.deliver = outgoing.post if settings.webhooks == "on" else None
    return universe


async def _refused(request: Request, error: Exception) -> Response:
    """An unknown control route, or another method than it has."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = f"there is no {request.method} {request.url.path}; see GET /_mock/info"
    return Response(orjson.dumps({"error": reason}), status, media_type="application/json")


def _document(universes: Universes) -> Callable[[Request], Awaitable[Response]]:
    async def document(request: Request) -> Response:
        universe = control_universe(request, universes)
        return Response(_encoded(universe.dialect.name), media_type="application/json")

    return guarded(document)


@cache
def _encoded(dialect: str) -> bytes:
    return orjson.dumps(bundled(dialect))
