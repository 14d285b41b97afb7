"""Why a device gets what it gets, over HTTP."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from mock_capgo.call import Call
from mock_capgo.control.http import own_address, reply
from mock_capgo.device_api.answers import failure
from mock_capgo.device_api.explain import explain as explain_device
from mock_capgo.errors import Refusal
from mock_capgo.server.request import Request
from mock_capgo.server.universe import Universe
from mock_capgo.server.universes import PREFIX


def _prefix(universe: Universe) -> str:
    return "" if universe.id == "default" else f"{PREFIX}{universe.id}"


async def explain(request: HttpRequest, universe: Universe) -> Response:
    """Rule by rule, what an update check would be told now. Changes nothing."""
    universe.world.tick()
    asked = dict(request.query_params)
    own = urlsplit(own_address(request))
    call = Call(
        world=universe.world,
        quirks=universe.dialect.quirks,
        read=lambda: asked,
        path={},
        limits=universe.limits,
        request=Request("GET", "/updates", headers={"host": own.netloc}, scheme=own.scheme, root=_prefix(universe)),
    )
    try:
        return reply(explain_device(call))
    except Refusal as refusal:
        refused = failure(refusal)
        return reply(refused.body, refused.status)
