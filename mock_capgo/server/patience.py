"""How long a connection may keep the server waiting, and with how much: for a whole header, or for more of a body.

Belongs here: finding out that it is the client's turn, and closing the connection when nothing comes of it. A
connection that waits for the server, for a late answer or to be read from, is never closed here; and one that is
silent between two requests is closed by uvicorn, sooner as a rule.

Nothing is noted for a request and no timer is started for it: now and then all connections are looked at, and one
that has not moved since is a step nearer to its end. Counting looks and not seconds spares the clients of a server
that was stopped or starved for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOKS = 10
"""How many times a connection is looked at before it is closed."""
MAX_HEADER = 1024 * 1024
"""Bytes of a header that are kept while its end has not come: nothing else bounds them."""


class PatientProtocol(HttpToolsProtocol):
    """A connection that knows whether its client has moved."""

    pieces = 0
    looks = 0
    seen: object = None
    header = 0

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is an endless header."""
        super().data_received(data)
        if self.scope is None or (self.cycle is not None and self.cycle.scope is self.scope):
            self.header = 0
            return
        self.header += len(data)
        if self.header > MAX_HEADER and not self.transport.is_closing():
            self.send_400_response("The header is over 1 MiB")

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, however small: the client is not silent."""
        self.pieces += 1
        super().on_body(body)

    def look(self) -> None:
        """Close when the client has not moved for as many looks as it has."""
        place = self._place()
        if place is None or place != self.seen:
            self.seen, self.looks = place, 0
            return
        self.looks += 1
        if self.looks >= LOOKS:
            # What was answered before still goes out. Whoever waits for the body is told that the client is gone.
            self.transport.close()

    def _place(self) -> object:
        """How far the client has come; None when it is the server's turn.

        Half a header is no progress: a header that drips is due as a whole, counted from the connection's start or
        from the answer before it.
        """
        cycle = self.cycle
        answered = cycle is None or cycle.response_complete
        if self.pipeline or not (answered or cycle.more_body):
            return None
        return cycle, answered, self.pieces


async def lose_patience(connections: Collection[Any], seconds: float) -> None:
    """Look at the connections of a server, again and again, so that silent ones are closed after these seconds."""
    while True:
        await asyncio.sleep(seconds / LOOKS)
        for connection in list(connections):
            if isinstance(connection, PatientProtocol):
                connection.look()
