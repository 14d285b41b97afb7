"""The world's clock over HTTP: show, set, advance, freeze, run at a rate."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.control.http import ControlError, moment, read_object, reply, typed
from mock_capgo.server.universe import Universe
from mock_capgo.world.clock import iso_millis
from mock_capgo.world.jobs import run_due

_FAR = 1e12
_LATEST = 253_370_764_800_000_000  # 9999-01-01: beyond it a date has no text


async def show(_: Request, universe: Universe) -> Response:
    """The world's time, and how fast it runs (0: frozen)."""
    return reply(_shown(universe))


async def change(request: Request, universe: Universe) -> Response:
    """`{"set": time, "advance": seconds, "rate": number, "freeze": bool}`: any of them, in this order."""
    wanted = await read_object(request, {"set", "advance", "rate", "freeze"})
    at = moment(wanted, "set")
    advance = typed(wanted, "advance", (int, float), "a number of seconds") or 0
    rate = typed(wanted, "rate", (int, float), "a number of world seconds in a second")
    freeze = typed(wanted, "freeze", bool, "true or false")
    if freeze is not None:
        rate = 0 if freeze else (rate if rate is not None else 1)
    if rate is not None and not 0 <= rate <= 1_000_000:
        raise ControlError(400, "rate: a number from 0 to 1000000 is expected")
    clock = universe.world.clock
    seconds = max(-_FAR, min(_FAR, advance))
    target = (clock.now() if at is None else at) + int(seconds * 1_000_000)
    if not 0 <= target < _LATEST:
        raise ControlError(400, "the clock would leave the years 1970 to 9998")
    clock.set(target, None if rate is None else float(rate))
    universe.world.tick()
    run_due(universe.world)
    return reply(_shown(universe))


def _shown(universe: Universe) -> dict[str, object]:
    clock = universe.world.clock
    return {"now": iso_millis(clock.now()), "rate": clock.rate, "frozen": clock.rate == 0}
