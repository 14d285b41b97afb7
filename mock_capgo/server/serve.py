"""`mock-capgo serve`: the socket, the banner, the log, uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import orjson
import uvicorn
from starlette.types import ASGIApp

from mock_capgo import __version__
from mock_capgo.control.guard import is_loopback
from mock_capgo.server.app import Application, create_app
from mock_capgo.server.asgi import AccessLog
from mock_capgo.server.dispatch import Answer
from mock_capgo.server.journal import without_credentials
from mock_capgo.server.request import Request
from mock_capgo.server.universe import Universe
from mock_capgo.settings import Settings
from mock_capgo.world.clock import iso_millis, wall_clock
from mock_capgo.world.fixture import FixtureError
from mock_capgo.world.records import ApiKey

SHUTDOWN_SECONDS = 1
SHOWN_KEYS = 12
_COLOURS = {2: "\033[32m", 3: "\033[36m", 4: "\033[33m", 5: "\033[31m"}
_RESET = "\033[0m"


class CannotServe(Exception):
    """The server cannot start; the text says why and what to do."""


def serve(settings: Settings, out: TextIO | None = None) -> int:
    """Serve until a signal ends it. Raises CannotServe for a bad fixture or an address in use."""
    out = out or sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")
    _set_up_logging(settings)
    if not is_loopback(settings.host) and not settings.control_token:
        settings = replace(settings, control_token=secrets.token_hex(16))
    if settings.save_on_exit and not os.access(Path(settings.save_on_exit).resolve().parent, os.W_OK):
        raise CannotServe(f"{settings.save_on_exit}: cannot be written; --save-on-exit needs a folder that can be")
    try:
        app = create_app(settings, _access_log(settings, out))
    except FixtureError as error:
        raise CannotServe(str(error)) from None
    ports: list[tuple[str, ASGIApp, socket.socket]] = [("url", app, _listen(settings.host, settings.port))]
    if settings.plugin_port >= 0:
        ports.append(("plugin_url", app, _listen(settings.host, settings.plugin_port)))
    if settings.control == "on" and settings.control_port >= 0:
        ports.append(("control_url", app.control_alone(), _listen(settings.host, settings.control_port)))
    app.universes.api_url = _url(ports[0][2]) if settings.control_port >= 0 else None

    def announce() -> None:
        _announce(app.state.universe, settings, {name: _url(listening) for name, _, listening in ports}, out)

    # What a server begins with is no garbage: the collector need not look through a million devices again and again.
    gc.freeze()
    with asyncio.Runner(loop_factory=_config(app).get_loop_factory()) as runner:
        runner.run(_run([(served, listening) for _, served, listening in ports], app, announce))
    if settings.save_on_exit:
        save(app.state.universe, Path(settings.save_on_exit))
    return 0


def save(universe: Universe, path: Path) -> None:
    """Write a world to a file, as a fixture. A crash half-way leaves the old file whole."""
    document = universe.export("saved when the server stopped")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # It holds API keys: for its owner's eyes, unless an older file was for more.
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    with open(unfinished, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


class _Server(uvicorn.Server):
    """A server that leaves signals alone: one handler stops all that run in this loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _run(ports: list[tuple[ASGIApp, socket.socket]], app: Application, announce: Callable[[], None]) -> None:
    """Serve every port in one event loop, until a signal; SIGHUP resets the default world.

    `announce` is called when signals are heard: who stops the server on its first line must find it saved.
    """
    loop = asyncio.get_running_loop()
    servers = [_Server(_config(served)) for served, _ in ports]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for name in ("SIGTERM", "SIGINT"):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(getattr(signal, name), stop)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, app.state.universe.reset)
    announce()
    await asyncio.gather(
        *(server.serve(sockets=[listening]) for server, (_, listening) in zip(servers, ports, strict=True))
    )


def _config(served: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        served,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=False)
    except OSError as error:
        hint = "choose another one with --port, or --port 0 for a free one"
        raise CannotServe(f"cannot listen on {host}:{port}: {error.strerror or error}; {hint}") from None


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(universe: Universe, settings: Settings, urls: dict[str, str], out: TextIO) -> None:
    """Say where the server is and which keys it takes. With a JSON log this is one line of JSON."""
    keys = [_describe(universe, key) for key in universe.world.state.api_keys]
    token = settings.control_token
    if settings.log == "json":
        started = {
            "event": "started",
            **urls,
            "version": __version__,
            "dialect": universe.dialect.name,
            "fixture": universe.fixture.source,
            "limits": settings.limits,
            "control_token": token or None,
            "keys": [{"key": value, "name": name, "role": role} for value, name, role in keys],
        }
        print(orjson.dumps(started).decode(), file=out, flush=True)
        return
    print(f"mock-capgo {__version__}  {urls['url']}", file=out)
    for name, said in (("plugin_url", "device API"), ("control_url", "control routes")):
        if name in urls:
            print(f"{said}: {urls[name]}", file=out)
    print(f"dialect {universe.dialect.name}, fixture {universe.fixture.source}, limits {settings.limits}", file=out)
    if keys:
        print("\nAPI keys (send one as `authorization` or `x-api-key`):", file=out)
    width = max((len(value) for value, _, _ in keys), default=0)
    shown = keys[:SHOWN_KEYS]
    for value, name, role in shown:
        print(f"  {value:<{width}}  {name} ({role})", file=out)
    if len(keys) > len(shown):
        print(f"  ... and {len(keys) - len(shown)} more: see {urls['url']}/_mock/keys", file=out)
    if settings.control == "on":
        print("\nControl: GET /_mock/health, GET /_mock/info, POST /_mock/reset", end="", file=out)
        print(f"  (x-mock-token: {token})" if token else "", file=out)
    print("Stop with Ctrl-C\n", file=out, flush=True)


def _describe(universe: Universe, key: ApiKey) -> tuple[str, str, str]:
    state = universe.world.state
    bindings = state.bindings.where("principal", key.rbac_id)
    roles: list[str] = []
    for binding in bindings[:2]:
        where = binding.app_id or state.organizations[binding.org_id].name
        roles.append(f"{binding.role} on {where}")
    if len(bindings) > len(roles):
        roles.append(f"and {len(bindings) - len(roles)} more")
    if key.expires_at is not None and key.expires_at <= universe.world.now:
        roles.append("expired")
    return (
        universe.value_of(key) or "(hashed)",
        key.name,
        ", ".join(roles) or (f"mode {key.mode}" if key.mode else "no role"),
    )


def _access_log(settings: Settings, out: TextIO) -> AccessLog | None:
    if settings.log == "off":
        return None
    coloured = out.isatty()

    def as_text(request: Request, answered: Answer, seconds: float) -> None:
        status = str(answered.status)
        if coloured:
            status = f"{_COLOURS.get(answered.status // 100, '')}{status}{_RESET}"
        path, query = without_credentials(request)
        why = f"  {answered.refusal}" if answered.refusal else ""
        path = _printable(f"{path}?{query}" if query else path)
        _say(out, f"{status} {request.method:<6} {path}  {seconds * 1000:.1f} ms{why}")

    def as_json(request: Request, answered: Answer, seconds: float) -> None:
        line = {
            "event": "request",
            "time": iso_millis(wall_clock()),
            "method": request.method,
            "path": without_credentials(request)[0],
            "operation": answered.operation,
            "status": answered.status,
            "duration_ms": round(seconds * 1000, 3),
            "refusal": answered.refusal,
        }
        _say(out, orjson.dumps(line).decode())

    return as_json if settings.log == "json" else as_text


def _say(out: TextIO, line: str) -> None:
    """Print a line of the log. Nobody listening, or a terminal without these letters, harms no request."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=out, flush=True)


def _printable(text: str) -> str:
    """Text that cannot move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": "log",
            "time": iso_millis(wall_clock()),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def _set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if settings.log == "json" else logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
