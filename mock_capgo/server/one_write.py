"""An answer in one write: what uvicorn does in two messages, two calls and one header at a time.

Belongs here: the one short way past uvicorn's `send`, for whole answers on its own connections. That is a fifth of
what a short answer costs (`make bench`). Everything else, an answer that is not whole, a client that reads too
slowly, another server, goes the long way, which is ASGI's.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from starlette.types import Send

from mock_capgo.server.headers import ALWAYS, RawHeaders

try:
    uvicorn_http: Any = import_module("uvicorn.protocols.http.httptools_impl")
except ImportError:  # uvicorn runs without httptools, and so do we
    uvicorn_http = None


def write(send: Send, status: int, headers: RawHeaders, body: bytes) -> bool:
    """Write a whole answer to the connection behind `send`. False where it has to be sent in ASGI's way."""
    cycle: Any = getattr(send, "__self__", None)
    if uvicorn_http is None or type(cycle) is not uvicorn_http.RequestResponseCycle:
        return False
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    headers = [*cycle.default_headers, *ALWAYS, *headers, (b"content-length", b"%d" % len(body))]
    head = uvicorn_http.STATUS_LINE[status] + b"\r\n".join([*map(b": ".join, headers), b"\r\n"])
    # uvicorn refuses a value with a line end in it, header by header; one count tells as much.
    if head.count(b"\n") != len(headers) + 2:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.transport.writelines((head, body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True
