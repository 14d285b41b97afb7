"""Servers for the tests of the kit: the mock behind a recorder, on a free port of the loopback interface."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from mock_capgo.server.app import create_app
from mock_capgo.settings import Settings


@dataclass
class Recorded:
    """A request that arrived."""

    at: float
    method: str
    path: str
    query: str
    body: Any
    headers: dict[str, str]


@dataclass
class Recorder:
    """The mock, and all that it was asked. `gate` may answer in its place, or look at things while a request waits."""

    app: Any
    requests: list[Recorded] = field(default_factory=list)
    gate: Any = None
    base_url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        message = await receive()
        raw: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            raw += message.get("body", b"")
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        seen = Recorded(time.monotonic(), scope["method"], scope["path"], scope["query_string"].decode(), body, headers)
        self.requests.append(seen)
        answer = self.gate(seen) if self.gate else None
        if answer is not None:
            status, extra, content = answer
            await send({"type": "http.response.start", "status": status, "headers": extra})
            await send({"type": "http.response.body", "body": content})
            return

        async def again() -> Any:
            return {"type": "http.request", "body": raw, "more_body": False}

        await self.app(scope, again, send)

    @property
    def writes(self) -> list[Recorded]:
        return [
            seen
            for seen in self.requests
            if seen.method not in ("GET", "HEAD") and seen.path.strip("/") not in ("ok", "ko")
        ]


@contextmanager
def served(**settings: Any) -> Iterator[Recorder]:
    """A recorder on a free port."""
    recorder = Recorder(create_app(Settings(**{"limits": "off", **settings})))
    server = uvicorn.Server(
        uvicorn.Config(recorder, host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    recorder.base_url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield recorder
    finally:
        server.should_exit = True
        thread.join(10)


def state_of(recorder: Recorder) -> dict[str, Any]:
    """What the server holds, as far as a client could ever tell: rows of everything, without counters of ids."""
    state = recorder.app.state.universe.world.state
    tables = (
        "organizations", "members", "api_keys", "bindings", "apps", "bundles", "channels", "devices", "overrides",
        "webhooks", "deliveries",
    )  # fmt: skip
    return {name: sorted(map(repr, getattr(state, name))) for name in tables}
