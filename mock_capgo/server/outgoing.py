"""The only way out: webhooks, to loopback addresses, and only where the user switched it on."""

from __future__ import annotations

import asyncio
import http.client
import time
from urllib.parse import urlsplit

from mock_capgo.resources import deliveries
from mock_capgo.resources.deliveries import Response
from mock_capgo.world.world import World

TIMEOUT = 5.0
"""Seconds. The service waits 20; a receiver on the same machine that takes 5 hangs."""


def post(url: str, headers: dict[str, str], body: bytes) -> Response | None:
    """Post a webhook to a loopback address; None where no HTTP answer came. Follows no redirect."""
    if not deliveries.is_loopback(url):
        return None
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    started = time.monotonic()
    try:
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answered = connection.getresponse()
        text = answered.read(deliveries.BODY_KEPT).decode("utf-8", "replace")
        connection.close()
    except (OSError, http.client.HTTPException):
        return None
    duration = int((time.monotonic() - started) * 1000)
    return Response(answered.status, text, duration, answered.getheader("retry-after"))


async def send_due(world: World) -> None:
    """Send what is due. Only the network runs beside the event loop; the state is touched in it alone."""
    for webhook, delivery in deliveries.due(world):
        body = deliveries.body_of(delivery)
        headers = deliveries.headers(delivery, webhook.secret, body, world.now)
        response = await asyncio.to_thread(post, webhook.url, headers, body)
        waiting = world.state.deliveries.get(delivery.id)
        if waiting is delivery:
            deliveries.finish(world, delivery, response)
