"""From ASGI to a `Request` and back: which world, the body, faults, the journal.

Belongs here: the bytes on the wire, and what a fault does to them. What is answered is decided in
`mock_capgo.server.dispatch`, which never waits for anything, so that one request is served as a whole before
the next one; only faults wait, and nobody waits for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from starlette.types import Message, Receive, Scope, Send

from mock_capgo import errors
from mock_capgo.errors import Refusal
from mock_capgo.request import Request
from mock_capgo.server import outgoing, wire
from mock_capgo.server.dispatch import MAX_BODY, Answer, answer, facts_of, fault_answer
from mock_capgo.server.faults import Fault, FaultError, parse_fault
from mock_capgo.server.files import MAX_PART, answer_file, is_file_route
from mock_capgo.server.headers import cors_headers, request_id
from mock_capgo.server.universe import Universe
from mock_capgo.server.universes import Universes

AccessLog = Callable[[Request, Answer, float], None]
FAULT_HEADER = "x-mock-fault"


class BodyTooLarge(Exception):
    """The body is over the limit; the rest of it was not read."""


class ClientGone(Exception):
    """The client went away before the body was whole; nothing is done, and nobody is there to be told."""


class Api:
    """The ASGI application of the API itself, for every universe of a server."""

    def __init__(self, universes: Universes, access_log: AccessLog | None = None) -> None:
        self.universes = universes
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = make_request(scope)
        universe = self.universes.find(request)
        if universe is None:
            await wire.send_answer(_no_world(request), send)
            return
        fault = None
        try:
            request.body = await read_body(request, receive, MAX_PART if is_file_route(request.path) else MAX_BODY)
            fault = _fault(universe, request)
        except ClientGone:
            return
        except BodyTooLarge:
            answered = _too_large(universe, request)
        except FaultError as error:
            answered = _plain(400, f"{FAULT_HEADER}: {error}")
        else:
            if fault is None:
                answered = serve(universe, request)
            else:
                answered = await _under(fault, universe, request)
        duration = time.perf_counter() - started
        if self.access_log:
            self.access_log(request, answered, duration)
        universe.journal.record(request, answered, universe.world.now, duration, fault.id if fault else None)
        if fault is None:
            await wire.send_answer(answered, send)
        else:
            await wire.send_faulty(fault, answered, send)
        if universe.world.deliver is not None:
            await outgoing.send_due(universe.world)


def serve(universe: Universe, request: Request) -> Answer:
    """The answer to a request: files have rules of their own, all else is an operation."""
    return answer_file(universe, request) if is_file_route(request.path) else answer(universe, request)


def make_request(scope: Scope) -> Request:
    """A request without its body. Of a header sent twice, the first counts."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"],
        headers,
        scheme=scope.get("scheme", "http"),
        root=scope.get("root_path", ""),
    )


async def read_body(request: Request, receive: Receive, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is known to be over `limit` bytes, and ClientGone.

    Half of a body may well be whole JSON: it must not be taken for what the client meant to send.
    """
    declared = request.headers.get("content-length")
    if declared is None and request.method in ("GET", "HEAD") and "transfer-encoding" not in request.headers:
        return b""
    if declared and declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    message: Message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def _fault(universe: Universe, request: Request) -> Fault | None:
    """What is to go wrong with this request: asked for in its header, else by a rule."""
    if universe.header_faults and FAULT_HEADER in request.headers:
        try:
            rule = orjson.loads(request.headers[FAULT_HEADER])
        except orjson.JSONDecodeError:
            raise FaultError("a JSON object is expected") from None
        if not isinstance(rule, dict):
            raise FaultError("a JSON object is expected")
        return parse_fault(rule, "header")
    if not universe.faults.rules:
        return None
    return universe.faults.pick(request, universe.world.clock.now(), lambda: facts_of(universe, request))


async def _under(fault: Fault, universe: Universe, request: Request) -> Answer:
    """The answer to a request that a fault befalls; the work is done unless the fault forestalls it."""
    await wire.wait(fault.wait())
    effect = fault.effect
    if effect.get("reset") == "before":
        return Answer(0, b"", [])
    instead = fault_answer(universe, request, fault)
    if instead is not None:
        return instead
    where = f"{request.method} {request.path}?{request.query_string.decode('latin-1')}"
    if effect.get("stale") and request.method == "GET" and where in universe.stale_answers:
        status, body = universe.stale_answers[where]
        answered = serve(universe, request)
        return Answer(status, body, answered.headers, answered.operation)
    answered = serve(universe, request)
    if effect.get("stale") and request.method == "GET":
        universe.stale_answers[where] = (answered.status, answered.body)
    return answered


def _too_large(universe: Universe, request: Request) -> Answer:
    status, body = universe.dialect.failure(Refusal(errors.BODY_TOO_LARGE))
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    common = [request_id(request.headers), *cors_headers(request.headers)]
    return Answer(status, orjson.dumps(body), [*headers, *common], refusal=errors.BODY_TOO_LARGE.name)


def _no_world(request: Request) -> Answer:
    world = request.path.split("/")[2]
    return _plain(404, f"there is no world {world}: it was deleted, it expired, or it never was")


def _plain(status: int, reason: str) -> Answer:
    return Answer(status, orjson.dumps({"error": reason}), [(b"content-type", b"application/json")])
