"""The state of a world over HTTP: export, replace, seed single things, checkpoints. All or nothing, always."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.control.http import ControlError, read_json, reply
from mock_capgo.server.universe import Universe
from mock_capgo.world.fixture import dump, fixture_of
from mock_capgo.world.state import TABLES, State

SOURCE = "request body"
MAX_CHECKPOINTS = 100

Row = dict[str, Any]

# What makes a row of a fixture the same thing as one that is there; rows without it are new things.
_IDENTITY: dict[str, Callable[[Row], Any]] = {
    "devices": lambda row: (row.get("app_id"), str(row.get("device_id", "")).lower()),
    "apps": lambda row: row.get("app_id"),
    "overrides": lambda row: (row.get("app_id"), str(row.get("device_id", "")).lower()),
    "subscriptions": lambda row: row.get("customer_id"),
    "tombstones": lambda row: row.get("app_id"),
}


def _by_id(row: Row) -> Any:
    return row.get("id")


_ADDED_ONLY = {"usage", "version_usage", "jobs", "bindings"}


async def export(_: Request, universe: Universe) -> Response:
    """The whole world as a fixture."""
    universe.world.tick()
    return reply(dump(universe.world.state, universe.world.now, f"exported from world {universe.id}"))


async def replace(request: Request, universe: Universe) -> Response:
    """Another world in the place of this one; limits start afresh, clock, faults and journal stay."""
    document = await read_json(request)
    state = _load(universe, document)
    universe.world.state = state
    universe.world.counters.clear()
    return reply({"status": "ok", "counts": _counts(state)})


async def seed(request: Request, universe: Universe) -> Response:
    """Put any subset of a fixture into the world: things that are there are replaced, others added."""
    document = await read_json(request)
    if not isinstance(document, dict):
        raise ControlError(400, "the body must be an object with sections of a fixture, such as devices")
    document = {"format": 1, **document}
    fixture_of(document, SOURCE)
    universe.world.tick()
    merged = _merge(dump(universe.world.state, universe.world.now), document)
    before = universe.world.state
    universe.world.state = _load(universe, merged)
    for kept in ("device_store", "files", "upload_links"):  # what no fixture tells
        setattr(universe.world.state, kept, getattr(before, kept))
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


def _load(universe: Universe, document: Any) -> State:
    return fixture_of(document, SOURCE).load(universe.world.clock.now()).state


def _counts(state: State) -> dict[str, int]:
    return {name: len(getattr(state, name)) for name in TABLES}


def _merge(there: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """The rows of both documents; of the same thing, the added one."""
    merged = dict(there)
    for section, rows in added.items():
        if not isinstance(rows, list):
            if section not in ("format", "$schema", "description", "seeded_at"):
                merged[section] = rows
            continue
        identity = _IDENTITY.get(section, _by_id)
        if section in _ADDED_ONLY:
            merged[section] = [*there.get(section, ()), *rows]
            continue
        new = {identity(row) for row in rows} - {None}
        merged[section] = [*(row for row in there.get(section, ()) if identity(row) not in new), *rows]
    return merged
