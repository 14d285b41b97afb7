"""From ASGI to a `Request` and back: read the whole body, answer once.

Belongs here: the bytes on the wire. What is answered is decided in `mock_capgo.server.dispatch`, which
never waits for anything, so that one request is served as a whole before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from starlette.types import Message, Receive, Scope, Send

from mock_capgo import errors
from mock_capgo.errors import Refusal
from mock_capgo.server.dispatch import MAX_BODY, Answer, answer
from mock_capgo.server.headers import common_headers
from mock_capgo.server.request import Request
from mock_capgo.server.universe import Universe

AccessLog = Callable[[Request, Answer, float], None]


class BodyTooLarge(Exception):
    """The body is over `MAX_BODY` bytes; the rest of it was not read."""


class Api:
    """The ASGI application of the API itself, for one universe."""

    def __init__(self, universe: Universe, access_log: AccessLog | None = None) -> None:
        self.universe = universe
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter() if self.access_log else 0.0
        request = make_request(scope)
        try:
            request.body = await read_body(request, receive)
            answered = answer(self.universe, request)
        except BodyTooLarge:
            answered = self._too_large(request)
        await send_answer(answered, send)
        if self.access_log:
            self.access_log(request, answered, time.perf_counter() - started)

    def _too_large(self, request: Request) -> Answer:
        status, body = self.universe.dialect.failure(Refusal(errors.BODY_TOO_LARGE))
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        return Answer(status, orjson.dumps(body), [*headers, *common_headers(request.headers)])


def make_request(scope: Scope) -> Request:
    """A request without its body. Of a header sent twice, the first counts."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    host = headers.get("host") or "localhost"
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"],
        headers,
        base_url=f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '')}",
    )


async def read_body(request: Request, receive: Receive, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is known to be over `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge
    if len(body) > limit:
        raise BodyTooLarge
    return body


async def send_answer(answered: Answer, send: Send) -> None:
    """Send an answer in one piece."""
    headers = answered.headers
    if answered.status != 204:
        headers = [*headers, (b"content-length", str(len(answered.body)).encode())]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body})
