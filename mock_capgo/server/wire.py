"""An answer on the wire, whole or as a fault wants it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Message, Send

from mock_capgo.server import one_write
from mock_capgo.server.dispatch import Answer
from mock_capgo.server.faults import Fault
from mock_capgo.server.headers import ALWAYS


async def wait(seconds: float) -> None:
    """Wait, while everybody else is served."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def send_answer(answered: Answer, send: Send) -> None:
    """Send an answer in one piece."""
    # Without a body, or the last of its connection, it takes the long way.
    whole = not answered.head and answered.status not in (204, 413)
    if whole and one_write.write(send, answered.status, answered.headers, answered.body):
        return
    await send(_start(answered))
    await send({"type": "http.response.body", "body": b"" if answered.head else answered.body})


def _start(answered: Answer) -> Message:
    headers = [*ALWAYS, *answered.headers]
    if answered.status != 204:
        headers.append((b"content-length", str(len(answered.body)).encode()))
    return {"type": "http.response.start", "status": answered.status, "headers": headers}


async def send_faulty(fault: Fault, answered: Answer, send: Send) -> None:
    """Send an answer as a fault wants it: not at all, in part, in another shape, or slowly."""
    effect = fault.effect
    if "reset" in effect:
        await reset(send)
        return
    if effect.get("malformed"):
        # Half of a JSON text is no JSON text; an empty one has no half.
        answered.body = answered.body[: max(1, len(answered.body) // 2)] or b"{"
    if "content_type" in effect:
        kept = [header for header in answered.headers if header[0] != b"content-type"]
        answered.headers = [(b"content-type", effect["content_type"].encode("latin-1")), *kept]
    if "truncate" in effect:
        await _send_part(answered, effect["truncate"], send)
    elif "drip" in effect:
        await _drip(answered, effect["drip"]["bytes"], effect["drip"]["seconds"], send)
    else:
        await send_answer(answered, send)


async def reset(send: Send) -> None:
    """Reset the connection. Raises ConnectionResetError where there is none, in process."""
    transport = _given_up(send, "a fault reset the connection")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Lingering for zero seconds turns closing into a reset: the client must not take it for an empty answer.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _send_part(answered: Answer, size: int, send: Send) -> None:
    """Promise the whole body, send its first bytes, and close."""
    await send(_start(answered))
    await send({"type": "http.response.body", "body": answered.body[:size], "more_body": True})
    _given_up(send, "a fault cut the body short").close()


def _given_up(send: Send, why: str) -> Any:
    """The transport of a connection that this answer is the last of. Raises ConnectionResetError where there is none.

    uvicorn is told that nobody is there any more, or it complains about what is missing. It would not always find out
    by itself: when more requests wait on the connection, it tells the last of them only.
    """
    cycle: Any = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise ConnectionResetError(why)
    cycle.disconnected = True
    return transport


async def _drip(answered: Answer, size: int, seconds: float, send: Send) -> None:
    await send(_start(answered))
    for start in range(0, len(answered.body), size):
        await send({"type": "http.response.body", "body": answered.body[start : start + size], "more_body": True})
        await asyncio.sleep(seconds)
    await send({"type": "http.response.body", "body": b""})
