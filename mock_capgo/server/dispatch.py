"""The way of a request, from what came in to what goes out.

    routing -> authentication -> budget -> input -> handler -> dialect

Nothing flows backwards: a handler returns a value or raises `Refusal`, and the dialect writes either.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from mock_capgo import errors
from mock_capgo.access.keys import authenticate
from mock_capgo.call import Call, Caller
from mock_capgo.errors import Refusal
from mock_capgo.operations import OPERATIONS, Operation
from mock_capgo.server.headers import RawHeaders, common_headers, cors_headers, preflight_headers
from mock_capgo.server.request import Request
from mock_capgo.server.routing import Match, Routes
from mock_capgo.server.universe import Universe
from mock_capgo.world.jobs import run_due
from mock_capgo.world.records import Tier

log = logging.getLogger("mock_capgo")

MAX_BODY = 1024 * 1024
"""Bytes."""

_ROUTES = {
    "documented": Routes(operation for operation in OPERATIONS if operation.documented),
    "live": Routes(OPERATIONS),
}
_JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Answer:
    """What goes out, and which operation made it (None for an unknown route)."""

    status: int
    body: bytes
    headers: RawHeaders
    operation: str | None = None
    refusal: str | None = None


def answer(universe: Universe, request: Request) -> Answer:
    """Serve one request in one universe."""
    if request.method == "OPTIONS":
        return Answer(204, b"", [*common_headers(request.headers), *preflight_headers(request.headers)])
    universe.world.tick()
    run_due(universe.world)
    match = _ROUTES[universe.dialect.name].match(request.method, request.path)
    headers = common_headers(request.headers)
    # Webhooks, and the routes of app deliveries, answer servers: the live service lets no page read them.
    if match is None or match.operation.cors or universe.dialect.name == "documented":
        headers += cors_headers(request.headers)
    refused = None
    try:
        status, body = _serve(universe, request, match)
    except Refusal as refusal:
        refused = refusal.error.name
        status, body = universe.dialect.failure(refusal)
        headers += [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    except Exception:
        log.exception("%s %s failed; please report this", request.method, request.path)
        status, body = universe.dialect.failure(Refusal(errors.UNKNOWN_ERROR))
    raw = b"" if request.method == "HEAD" else orjson.dumps(body)
    operation = match.operation.id if match else None
    return Answer(status, raw, [_JSON, *headers], operation, refused)


def _serve(universe: Universe, request: Request, match: Match | None) -> tuple[int, Any]:
    if match is None:
        raise Refusal(errors.NOT_FOUND)
    operation = match.operation
    dialect = universe.dialect
    call = Call(
        world=universe.world,
        quirks=dialect.quirks,
        read=partial(dialect.read, operation, request),
        path=match.path,
        limits=universe.limits,
        address=request.address(),
        headers=request.headers,
        base_url=request.base_url,
    )
    if operation.live_rule is not None:
        call.caller_or_none = _authenticate(universe, operation, call)
    if dialect.checks_input_first or operation.live_input == "body_or_query":
        _ = call.params
    return dialect.success[operation.id](operation.handler(call))


def _authenticate(universe: Universe, operation: Operation, call: Call) -> Caller:
    documented = universe.dialect.name == "documented"
    rule = "documented" if documented or operation.live_rule is None else operation.live_rule
    caller = authenticate(universe.world, call.headers, rule, call.address, call.quirks, universe.limits)
    if documented:
        universe.limits.count_account(*_account(universe, caller))
    return caller


def _account(universe: Universe, caller: Caller) -> tuple[str, Tier]:
    """The organization that a key belongs to, which shares its budget among its keys."""
    bound = universe.world.state.bindings.first("principal", caller.key.rbac_id)
    org_id = bound.org_id if bound else caller.bindings[0].org_id if caller.bindings else ""
    organization = universe.world.state.organizations.get(org_id)
    if organization is None:
        return f"key:{caller.key.id}", "standard"
    return organization.id, organization.tier
