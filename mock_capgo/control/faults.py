"""Faults over HTTP: list, add, remove."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.control.http import ControlError, read_object, reply
from mock_capgo.server.faults import EFFECTS, MATCHERS, FaultError
from mock_capgo.server.universe import Universe


async def show(_: Request, universe: Universe) -> Response:
    """The rules with what came of them, and what a rule may say."""
    return reply(
        {
            "faults": [rule.as_json() for rule in universe.faults.rules],
            "matchers": MATCHERS,
            "effects": EFFECTS,
        }
    )


async def add(request: Request, universe: Universe) -> Response:
    """Add a rule; it is asked after those that are there."""
    rule = await read_object(request)
    try:
        return reply(universe.faults.add(rule).as_json(), 201)
    except FaultError as error:
        raise ControlError(400, str(error)) from None


async def clear(_: Request, universe: Universe) -> Response:
    """Remove every rule."""
    return reply({"removed": universe.faults.remove()})


async def remove(request: Request, universe: Universe) -> Response:
    """Remove one rule."""
    fault_id = request.path_params["fault"]
    if not universe.faults.remove(fault_id):
        raise ControlError(404, f"there is no fault {fault_id}")
    return reply({"removed": 1})
