"""The in-process target: the mock as an ASGI application, a fresh world for each check.

The only module of the kit that may import `mock_capgo`, and only its settings and its application: what is tested
is what comes out of the application. Another application can take the mock's place: see `--app`.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from contract_tests.kit.targets import CannotReach
from contract_tests.kit.wire import Answer, Call

Factory = Callable[..., Any]
"""Settings of the mock as keywords (`dialect`, `fixture`, `limits`, `seed`) -> an ASGI application."""

FIXTURES = {"documented": "default", "live": "capgo-seed"}


def mock_app(**settings: Any) -> Any:
    """The mock itself."""
    from mock_capgo.server.app import create_app  # noqa: PLC0415 - the kit alone runs without the server
    from mock_capgo.settings import Settings  # noqa: PLC0415

    return create_app(Settings(**settings))


def load_factory(name: str) -> Factory:
    """A factory by `module:attribute`. Raises CannotReach."""
    module, _, attribute = name.partition(":")
    try:
        found: Factory = getattr(importlib.import_module(module), attribute or "app")
    except (ImportError, AttributeError) as error:
        raise CannotReach(f"--app {name}: {error}") from None
    return found


class InProcessTarget:
    """An ASGI application with a world of its own. Its clock stands still and is moved by `wait`."""

    sandbox = True
    base_url = "http://127.0.0.1:8787"

    def __init__(self, factory: Factory, dialect: str, *, limits: bool = False, seed: int = 0) -> None:
        self.app = factory(
            dialect=dialect, fixture=FIXTURES[dialect], limits="on" if limits else "off", seed=seed, log="off"
        )
        self._runner = asyncio.Runner()
        clock = self._clock()
        if clock is not None:
            # Frozen: `Retry-After` is then exact, and two runs with one seed see the same times of day.
            clock.set(clock.now(), 0)

    def _clock(self) -> Any:
        state = getattr(self.app, "state", None)
        universe = getattr(state, "universe", None)
        return None if universe is None else universe.world.clock

    def close(self) -> None:
        """Let go of the event loop."""
        self._runner.close()

    def wait(self, seconds: float) -> None:
        """Move the world's clock; an application without one is waited for."""
        clock = self._clock()
        if clock is None:
            self._runner.run(asyncio.sleep(seconds))
        else:
            clock.advance(seconds)

    def send(self, call: Call, headers: dict[str, str]) -> Answer:
        """Send one call through the application."""
        path, _, query = call.url.partition("?")
        content = call.content()
        raw = [
            (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in headers.items()
        ]
        raw.append((b"host", b"127.0.0.1:8787"))
        if content is not None:
            raw.append((b"content-length", str(len(content)).encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": "http",
            "path": _unquoted(path),
            "raw_path": path.encode("ascii", "replace"),
            "query_string": query.encode("ascii", "replace"),
            "root_path": "",
            "headers": raw,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8787),
        }
        sent: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": content or b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        try:
            self._runner.run(self.app(scope, receive, send))
        except Exception as error:
            return Answer(500, {"content-type": "text/plain"}, f"{type(error).__name__} escaped".encode())
        start = next((message for message in sent if message["type"] == "http.response.start"), None)
        if start is None:
            return Answer(500, {"content-type": "text/plain"}, b"no answer was started")
        body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], found, body)


def _unquoted(path: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - one use

    return unquote(path)
