"""The way of a request, from what came in to what goes out.

    routing -> authentication -> budget -> input -> handler -> dialect

Nothing flows backwards: a handler returns a value or raises `Refusal`, and the dialect writes either. After the budget
an answer may be at hand that was kept, where the operation's row says what its answers follow from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Literal

import orjson

from mock_capgo import errors
from mock_capgo.access.keys import HeaderRule, authenticate, find_key
from mock_capgo.call import Call
from mock_capgo.device_api.answers import DATABASE_HEADERS
from mock_capgo.device_api.answers import answer as answer_device
from mock_capgo.device_api.answers import read as read_device
from mock_capgo.device_api.auto_pause import run_auto_pause
from mock_capgo.device_api.table import DEVICE_OPERATIONS, DeviceOperation
from mock_capgo.errors import Refusal
from mock_capgo.operations import OPERATIONS, Operation
from mock_capgo.request import Request
from mock_capgo.server.faults import Facts, Fault, find_error
from mock_capgo.server.headers import RawHeaders, cors_headers, preflight_headers, request_id
from mock_capgo.server.routing import Routes
from mock_capgo.server.universe import Universe
from mock_capgo.world.jobs import run_due

log = logging.getLogger("mock_capgo")

MAX_BODY = 1024 * 1024
"""Bytes."""
LONGEST_KEPT = 64 * 1024
"""Bytes of an answer that is kept for the next call of its kind."""
EXPLAIN_HEADER = "x-mock-explain"

_ROUTES: dict[str, Routes[Operation | DeviceOperation]] = {
    "documented": Routes((*DEVICE_OPERATIONS, *(operation for operation in OPERATIONS if operation.documented))),
    "live": Routes((*DEVICE_OPERATIONS, *OPERATIONS)),
}
_VERSIONS = {
    operation.id: attrgetter(*(f"{table}.version" for table in operation.follows_from))
    for operation in OPERATIONS
    if operation.follows_from
}
_JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Answer:
    """What goes out, and what the journal is told: the operation, the key's id, why it was refused.

    `head`: the body is told by its length and not sent.
    """

    status: int
    body: bytes
    headers: RawHeaders
    operation: str | None = None
    key: str | None = None
    refusal: str | None = None
    reason: str | None = None
    secret: bool = False
    head: bool = False


def answer(universe: Universe, request: Request) -> Answer:
    """Serve one request in one universe."""
    if request.method == "OPTIONS":
        return Answer(204, b"", [request_id(request.headers), *preflight_headers(request.headers)])
    world = universe.world
    world.tick()
    run_due(world)
    run_auto_pause(world)
    match = _ROUTES[universe.dialect.name].match(request.method, request.path)
    if match is None:
        answered = _unknown(universe, request)
    elif isinstance(match.operation, DeviceOperation):
        answered = _answer_device(universe, request, match.operation, match.path)
    else:
        answered = _answer(universe, request, match.operation, match.path)
    answered.head = request.method == "HEAD"
    return answered


def _answer(universe: Universe, request: Request, operation: Operation, path: dict[str, str]) -> Answer:
    """The management API: who calls, what was sent, what comes of it."""
    call = _call(universe, request, path, partial(universe.dialect.read, operation, request, path))
    headers = [_JSON, request_id(request.headers)]
    # Webhooks, and the routes of app deliveries, answer servers: the live service lets no page read them.
    if operation.cors or universe.dialect.name == "documented":
        headers += cors_headers(request.headers)
    answered = Answer(200, b"", headers, operation.id, secret=operation.secret)
    try:
        answered.status, answered.body = _serve(universe, operation, call)
    except Refusal as refusal:
        answered.body = orjson.dumps(_refuse(universe, request, answered, refusal, operation, call))
    except Exception:
        log.exception("%s %s failed; please report this", request.method, request.path)
        answered.status, body = universe.dialect.failure(Refusal(errors.UNKNOWN_ERROR))
        answered.body = orjson.dumps(body)
    if call.caller_or_none is not None:
        answered.key = str(call.caller_or_none.key.id)
    return answered


def _answer_device(universe: Universe, request: Request, operation: DeviceOperation, path: dict[str, str]) -> Answer:
    """The device API: no key, and one dialect in every world."""
    call = _call(universe, request, path, partial(read_device, operation.source, request))
    reply = answer_device(operation.handler, call)
    headers = [_JSON, request_id(request.headers), *cors_headers(request.headers)]
    headers += _FROM_DATABASE if reply.headers is DATABASE_HEADERS else _raw(reply.headers)
    return Answer(reply.status, orjson.dumps(reply.body), headers, operation.id, refusal=reply.refusal)


def _unknown(universe: Universe, request: Request) -> Answer:
    answered = Answer(200, b"", [_JSON, request_id(request.headers), *cors_headers(request.headers)])
    answered.body = orjson.dumps(_refuse(universe, request, answered, Refusal(errors.NOT_FOUND), None, None))
    return answered


def _refuse(
    universe: Universe,
    request: Request,
    answered: Answer,
    refusal: Refusal,
    operation: Operation | None,
    call: Call | None,
) -> Any:
    """Give an answer the status, the headers and the reason of a refusal; returns the body."""
    answered.status, body = universe.dialect.failure(refusal)
    answered.headers += _raw(refusal.headers)
    answered.refusal = refusal.error.name
    # It becomes a header, and may repeat what the client sent.
    answered.reason = "".join(c if c.isprintable() else "?" for c in _reason(refusal, operation, call))
    if universe.explains or EXPLAIN_HEADER in request.headers:
        answered.headers.append((b"x-mock-reason", answered.reason.encode("ascii", "replace")))
    return body


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_FROM_DATABASE = _raw(DATABASE_HEADERS)


def fault_answer(universe: Universe, request: Request, fault: Fault) -> Answer | None:
    """What a fault answers in the place of the work; None where the work is to be done."""
    effect = fault.effect
    retry_after = effect.get("retry_after")
    headers: dict[str, str] = {}
    if "error" in effect:
        found = find_error(effect["error"])
        refusal = Refusal(found or errors.UNKNOWN_ERROR, words=_Blank())
    elif retry_after is not None:
        refusal = Refusal(errors.TOO_MANY_REQUESTS, {"retryAfterSeconds": retry_after})
    elif "status" in effect:
        refusal = Refusal(errors.INJECTED, words={"reason": str(effect.get("message", "Injected fault"))})
    else:
        return None
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    status, body = universe.dialect.failure(refusal)
    facts = facts_of(universe, request)
    return Answer(
        effect.get("status", status),
        orjson.dumps(body),
        [_JSON, request_id(request.headers), *_raw(headers)],
        facts.operation,
        None if facts.key_id is None else str(facts.key_id),
        refusal.error.name,
        f"fault {fault.id}",
    )


def facts_of(universe: Universe, request: Request) -> Facts:
    """Which operation a request is for, and whose key it carries, without doing any of it."""
    match = _ROUTES[universe.dialect.name].match(request.method, request.path)
    headers = request.headers
    value = headers.get("authorization") or headers.get("x-api-key") or headers.get("capgkey")
    key = find_key(universe.world, value) if value else None
    return Facts(match.operation.id if match else None, key.id if key else None)


class _Blank(dict[str, Any]):
    """Words for a message whose words nobody gave."""

    def __missing__(self, name: str) -> str:
        return f"<{name}>"

    def __bool__(self) -> bool:
        return True


def _call(universe: Universe, request: Request, path: dict[str, str], read: Callable[[], Any]) -> Call:
    return Call(
        world=universe.world,
        quirks=universe.dialect.quirks,
        read=read,
        path=path,
        limits=universe.limits,
        request=request,
    )


def _serve(universe: Universe, operation: Operation, call: Call) -> tuple[int, bytes]:
    """The status and the body: worked out, or as they were for the same call while nothing has changed since."""
    if operation.live_rule is not None:
        identify(universe, call, operation.live_rule)
    request, versions_of = call.request, _VERSIONS.get(operation.id)
    if versions_of is None or request.method != "GET" or request.body:
        return _work(universe, operation, call)
    derived, versions = call.state.derived, versions_of(call.state)
    asked = call.caller, request.path, request.query_string
    known: tuple[int, bytes] | None = derived.find(asked, versions)
    if known is None:
        known = _work(universe, operation, call)
        if len(known[1]) <= LONGEST_KEPT:
            derived.keep(asked, versions, known)
    return known


def _work(universe: Universe, operation: Operation, call: Call) -> tuple[int, bytes]:
    takes_input = operation.tag != "health"
    if takes_input and (universe.dialect.checks_input_first or operation.live_input == "body_or_query"):
        _ = call.params
    status, body = universe.dialect.success[operation.id](operation.handler(call))
    return status, orjson.dumps(body)


def identify(universe: Universe, call: Call, live_rule: Literal["K", "A"]) -> None:
    """Set the caller of a call, by the live header rule or the documented one. Raises Refusal (401, 429)."""
    documented = universe.dialect.name == "documented"
    rule: HeaderRule = "documented" if documented else live_rule
    caller = authenticate(universe.world, call.request, rule, call.quirks, universe.limits)
    if documented:
        universe.limits.count_account(*caller.account)
    call.caller_or_none = caller


def _reason(refusal: Refusal, operation: Operation | None, call: Call | None) -> str:
    """Why a request was refused, in more words than the service has: rule, permission, and what the key holds."""
    error = refusal.error
    said = f"{error.name}: {refusal.sentence()}"
    if operation is None:
        return f"{said}; no operation has this method and path (see /openapi.json)"
    if error is errors.CONTRACT or error is errors.STATISTICS_INVALID:
        return f"{said}; see {operation.id} in /openapi.json"
    caller = call.caller_or_none if call is not None else None
    if error.documented_status == 403 and caller is not None:
        held = ", ".join(f"{b.role} on {b.app_id or b.org_id}" for b in caller.bindings[:4]) or "nothing"
        return f"{said}; {operation.id} needs {operation.permission}, key {caller.key.id} holds {held}"
    return f"{said}; see docs/dialects.md, Refusals"
