"""The state of a world over HTTP: export, replace, seed single things, checkpoints. All or nothing, always."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.control.http import ControlError, read_json, reply
from mock_capgo.server.universe import Universe
from mock_capgo.world.fixture import fixture_of
from mock_capgo.world.state import TABLES, State

SOURCE = "request body"
MAX_CHECKPOINTS = 100


async def export(_: Request, universe: Universe) -> Response:
    """The whole world as a fixture."""
    return reply(universe.export(f"exported from world {universe.id}"))


async def replace(request: Request, universe: Universe) -> Response:
    """Another world in the place of this one; limits start afresh, clock, faults and journal stay."""
    fixture = fixture_of(await read_json(request), SOURCE)
    universe.world.state = fixture.load(universe.world.clock.now()).state
    universe.world.counters.clear()
    universe.learn_keys(fixture)
    return reply({"status": "ok", "counts": _counts(universe.world.state)})


async def seed(request: Request, universe: Universe) -> Response:
    """Put any subset of a fixture into the world: things that are there are replaced, others added."""
    document = await read_json(request)
    if not isinstance(document, dict):
        raise ControlError(400, "the body must be an object with sections of a fixture, such as devices")
    fixture = fixture_of({"format": 1, **document}, SOURCE)
    universe.world.state = fixture.add_to(universe.world.state, universe.world.tick())
    universe.learn_keys(fixture)
    return reply({"status": "ok", "counts": _counts(universe.world.state)})


async def list_checkpoints(_: Request, universe: Universe) -> Response:
    """The names of the checkpoints."""
    return reply({"checkpoints": list(universe.checkpoints)})


async def make_checkpoint(request: Request, universe: Universe) -> Response:
    """Remember this moment under a name; an older one of that name is replaced."""
    name = request.path_params["name"]
    if name not in universe.checkpoints and len(universe.checkpoints) >= MAX_CHECKPOINTS:
        raise ControlError(503, f"there are {MAX_CHECKPOINTS} checkpoints already: forget some")
    universe.checkpoints[name] = universe.world.snapshot()
    return reply({"status": "ok", "checkpoint": name}, 201)


async def restore_checkpoint(request: Request, universe: Universe) -> Response:
    """Go back to a checkpoint; it stays."""
    universe.world.restore(universe.checkpoints[_known(request, universe)])
    return reply({"status": "ok", "counts": _counts(universe.world.state)})


async def forget_checkpoint(request: Request, universe: Universe) -> Response:
    """Forget a checkpoint."""
    del universe.checkpoints[_known(request, universe)]
    return reply({"status": "ok"})


def _known(request: Request, universe: Universe) -> str:
    name: str = request.path_params["name"]
    if name not in universe.checkpoints:
        raise ControlError(404, f"there is no checkpoint {name}; there are {', '.join(universe.checkpoints) or 'none'}")
    return name


def _counts(state: State) -> dict[str, int]:
    return {name: len(getattr(state, name)) for name in TABLES}
