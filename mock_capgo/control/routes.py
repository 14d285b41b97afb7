"""The control API as a list of routes. Every route works on the default world, and under `/w/{id}` on that one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mock_capgo import __version__
from mock_capgo.control import clock, devices, faults, journal, state, worlds
from mock_capgo.control.http import guarded, moment, read_object, reply, typed, universe_of
from mock_capgo.data import schemas_dir
from mock_capgo.server.universe import Universe
from mock_capgo.server.universes import Universes
from mock_capgo.settings import Settings
from mock_capgo.world.clock import iso_millis
from mock_capgo.world.state import TABLES

OnUniverse = Callable[[Request, Universe], Awaitable[Response]]


def control_app(universes: Universes, settings: Settings) -> Router:
    """The control API of a server, to be mounted under `/_mock` and `/w/{world}/_mock`."""

    def on(path: str, method: str, handle: OnUniverse) -> Route:
        async def endpoint(request: Request) -> Response:
            universe = universe_of(request, universes)
            universe.touched = time.monotonic()
            return await handle(request, universe)

        return Route(path, guarded(endpoint), methods=[method])

    return Router(
        [
            on("/health", "GET", health),
            on("/info", "GET", info),
            on("/reset", "POST", reset),
            on("/keys", "GET", worlds.list_keys),
            on("/keys", "POST", worlds.make_key),
            on("/clock", "GET", clock.show),
            on("/clock", "POST", clock.change),
            on("/state", "GET", state.export),
            on("/state", "PUT", state.replace),
            on("/seed", "POST", state.seed),
            on("/checkpoints", "GET", state.list_checkpoints),
            on("/checkpoints/{name}", "POST", state.make_checkpoint),
            on("/checkpoints/{name}/restore", "POST", state.restore_checkpoint),
            on("/checkpoints/{name}", "DELETE", state.forget_checkpoint),
            on("/faults", "GET", faults.show),
            on("/faults", "POST", faults.add),
            on("/faults", "DELETE", faults.clear),
            on("/faults/{fault}", "DELETE", faults.remove),
            on("/journal", "GET", journal.show),
            on("/journal", "DELETE", journal.clear),
            on("/journal/next", "GET", journal.wait),
            on("/journal.har", "GET", journal.har),
            on("/verify", "POST", journal.verify),
            on("/explain", "GET", devices.explain),
            on("/openapi.json", "GET", document),
            Route("/worlds", guarded(worlds.listing(universes)), methods=["GET"]),
            Route("/worlds", guarded(worlds.making(universes, settings)), methods=["POST"]),
            Route("/worlds/{id}", guarded(worlds.deleting(universes)), methods=["DELETE"]),
        ]
    )


async def health(_: Request, universe: Universe) -> Response:
    """200 once the fixture is loaded, which it is before the server listens."""
    return reply({"status": "ok", "fixture": universe.fixture.source})


async def info(_: Request, universe: Universe) -> Response:
    """What this world is, and how much of everything it holds."""
    state_ = universe.world.state
    return reply(
        {
            "name": "mock-capgo",
            "version": __version__,
            "world": universe.id,
            "dialect": universe.dialect.name,
            "fixture": universe.fixture.source,
            "limits": "on" if universe.limits.enabled else "off",
            "seed": universe.world.seed,
            "now": iso_millis(universe.world.clock.now()),
            "counts": {name: len(getattr(state_, name)) for name in TABLES},
            "journal": {"entries": len(universe.journal), "dropped": universe.journal.dropped},
            "faults": len(universe.faults.rules),
        }
    )


async def document(_: Request, __: Universe) -> Response:
    """The control API as an OpenAPI 3.1 document."""
    return Response((schemas_dir() / "openapi.control.json").read_bytes(), media_type="application/json")


async def reset(request: Request, universe: Universe) -> Response:
    """Back to the fixture, or to another one, at a moment."""
    wanted = await read_object(request, {"fixture", "now"})
    fixture = typed(wanted, "fixture", str, "the name of a built-in world, as text,")
    beginning = universe.reset(fixture, moment(wanted, "now"))
    return reply({"status": "ok", "fixture": universe.fixture.source, "now": iso_millis(beginning)})
