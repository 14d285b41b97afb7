"""`mock-capgo serve`: the sockets, the banner, uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import orjson
import uvicorn
from starlette.types import ASGIApp

from mock_capgo import __version__
from mock_capgo.control.guard import is_loopback
from mock_capgo.server.access_log import access_log, notice_of_dropped, set_up_logging
from mock_capgo.server.app import Application, create_app
from mock_capgo.server.printer import Printer
from mock_capgo.server.universe import Universe
from mock_capgo.settings import Settings
from mock_capgo.world.fixture import FixtureError
from mock_capgo.world.records import ApiKey

try:
    patience: ModuleType | None = import_module("mock_capgo.server.patience")
except ImportError:  # httptools is a dependency, yet uvicorn can do without it, and so can we
    patience = None

SHUTDOWN_SECONDS = 1
SHOWN_KEYS = 12


class CannotServe(Exception):
    """The server cannot start; the text says why and what to do."""


def serve(settings: Settings) -> int:
    """Serve until a signal ends it. Raises CannotServe for a bad fixture or an address in use."""
    notice = partial(notice_of_dropped, settings)
    with closing(Printer(sys.stdout, notice)) as out, closing(Printer(sys.stderr, notice)) as complaints:
        set_up_logging(settings, complaints)
        return _serve(settings, out)


def _serve(settings: Settings, out: Printer) -> int:
    if not is_loopback(settings.host) and not settings.control_token:
        settings = replace(settings, control_token=secrets.token_hex(16))
    if settings.save_on_exit and not os.access(Path(settings.save_on_exit).resolve().parent, os.W_OK):
        raise CannotServe(f"{settings.save_on_exit}: cannot be written; --save-on-exit needs a folder that can be")
    try:
        app = create_app(settings, access_log(settings, out, coloured=sys.stdout.isatty()))
    except FixtureError as error:
        raise CannotServe(str(error)) from None
    ports: list[tuple[str, ASGIApp, socket.socket]] = [("url", app, _listen(settings.host, settings.port))]
    if settings.plugin_port >= 0:
        ports.append(("plugin_url", app, _listen(settings.host, settings.plugin_port)))
    if settings.control == "on" and settings.control_port >= 0:
        ports.append(("control_url", app.control_alone(), _listen(settings.host, settings.control_port)))
    app.universes.api_url = _url(ports[0][2]) if settings.control_port >= 0 else None

    def announce() -> None:
        out.say(_started(app.state.universe, settings, {name: _url(listening) for name, _, listening in ports}))

    # What a server begins with is no garbage: the collector need not look through a million devices again and again.
    gc.freeze()
    with asyncio.Runner(loop_factory=_config(app).get_loop_factory()) as runner:
        runner.run(_run([(served, listening) for _, served, listening in ports], app, settings, announce))
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


async def _run(
    ports: list[tuple[ASGIApp, socket.socket]], app: Application, settings: Settings, announce: Callable[[], None]
) -> None:
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
    watches = _watch(servers, settings.client_timeout)
    await asyncio.gather(
        *(server.serve(sockets=[listening]) for server, (_, listening) in zip(servers, ports, strict=True))
    )
    for watch in watches:
        watch.cancel()


def _watch(servers: list[_Server], seconds: int) -> list[asyncio.Task[None]]:
    """Tasks that close the connections of clients that keep these servers waiting."""
    if not seconds:
        return []
    if patience is None:
        logging.getLogger(__name__).warning("without httptools, slow clients are waited for without an end")
        return []
    return [asyncio.create_task(patience.lose_patience(server.server_state.connections, seconds)) for server in servers]


def _config(served: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        served,
        http=patience.PatientProtocol if patience else "auto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
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


def _started(universe: Universe, settings: Settings, urls: dict[str, str]) -> str:
    """Where the server is and which keys it takes. With a JSON log this is one line of JSON."""
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
        return orjson.dumps(started).decode()
    lines = [f"mock-capgo {__version__}  {urls['url']}"]
    for name, said in (("plugin_url", "device API"), ("control_url", "control routes")):
        if name in urls:
            lines.append(f"{said}: {urls[name]}")
    lines.append(f"dialect {universe.dialect.name}, fixture {universe.fixture.source}, limits {settings.limits}")
    if keys:
        lines.append("\nAPI keys (send one as `authorization` or `x-api-key`):")
    width = max((len(value) for value, _, _ in keys), default=0)
    lines += [f"  {value:<{width}}  {name} ({role})" for value, name, role in keys[:SHOWN_KEYS]]
    if len(keys) > SHOWN_KEYS:
        lines.append(f"  ... and {len(keys) - SHOWN_KEYS} more: see {urls['url']}/_mock/keys")
    if settings.control == "on":
        with_token = f"  (x-mock-token: {token})" if token else ""
        lines.append(f"\nControl: GET /_mock/health, GET /_mock/info, POST /_mock/reset{with_token}")
    lines.append("Stop with Ctrl-C\n")
    return "\n".join(lines)


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
