"""Why a device gets what it gets, over HTTP."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from mock_capgo.call import Call
from mock_capgo.control.http import reply
from mock_capgo.device_api.answers import failure
from mock_capgo.device_api.explain import explain as explain_device
from mock_capgo.errors import Refusal
from mock_capgo.request import Request
from mock_capgo.server.universe import Universe
from mock_capgo.server.universes import prefix_of


async def explain(request: HttpRequest, universe: Universe) -> Response:
    """Rule by rule, what an update check would be told now. Changes nothing."""
    universe.world.tick()
    asked = dict(request.query_params)
    # Where it comes from, and not who sends it: the device is another client.
    where = {name: request.headers[name] for name in ("host", "x-forwarded-proto") if name in request.headers}
    call = Call(
        world=universe.world,
        quirks=universe.dialect.quirks,
        read=lambda: asked,
        path={},
        limits=universe.limits,
        request=Request("POST", "/updates", headers=where, scheme=request.url.scheme, root=prefix_of(universe)),
    )
    try:
        return reply(explain_device(call))
    except Refusal as refusal:
        refused = failure(refusal)
        return reply(refused.body, refused.status)
