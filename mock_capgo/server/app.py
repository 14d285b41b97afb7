"""The application as a visible list: control routes, the API's own document, the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mock_capgo.control.routes import control_app
from mock_capgo.dialects import speak
from mock_capgo.server.asgi import AccessLog, Api
from mock_capgo.server.openapi import bundled
from mock_capgo.server.universe import Universe, create_universe
from mock_capgo.settings import Settings
from mock_capgo.world.fixture import read_fixture


def create_app(settings: Settings | None = None, access_log: AccessLog | None = None) -> Starlette:
    """The ASGI application. Raises FixtureError when the fixture cannot be loaded.

    `app.state.universe` is the default universe.
    """
    settings = settings or Settings()
    universe = universe_of(settings)
    api: ASGIApp = Api(universe, access_log)
    app = Starlette(
        routes=[
            Mount("/_mock", control_app(universe)),
            Route("/openapi.json", _document(universe)),
            # Last, because it takes every path: an unknown one is the API's own 404.
            Mount("/", api),
        ]
    )
    app.state.universe = universe
    return app


def universe_of(settings: Settings) -> Universe:
    """The universe that the settings describe."""
    dialect = speak("live" if settings.dialect == "live" else "documented", faults=settings.quirks == "on")
    fixture = read_fixture(settings.fixture)
    return create_universe(fixture, dialect, limits=settings.limits == "on", seed=settings.seed)


def _document(universe: Universe) -> Callable[[Request], Awaitable[Response]]:
    async def document(_: Request) -> Response:
        return Response(_encoded(universe.dialect.name), media_type="application/json")

    return document


@cache
def _encoded(dialect: str) -> bytes:
    return orjson.dumps(bundled(dialect))
