"""`mock-capgo serve`: the socket, the banner, the log, uvicorn."""

from __future__ import annotations

import logging
import socket
import sys
from typing import TextIO

import orjson
import uvicorn

from mock_capgo import __version__
from mock_capgo.access.keys import digest
from mock_capgo.server.app import create_app
from mock_capgo.server.asgi import AccessLog
from mock_capgo.server.dispatch import Answer
from mock_capgo.server.request import Request
from mock_capgo.server.universe import Universe
from mock_capgo.settings import Settings
from mock_capgo.world.clock import iso_millis, wall_clock
from mock_capgo.world.fixture import FixtureError
from mock_capgo.world.records import ApiKey

SHUTDOWN_SECONDS = 1
_COLOURS = {2: "\033[32m", 3: "\033[36m", 4: "\033[33m", 5: "\033[31m"}
_RESET = "\033[0m"


class CannotServe(Exception):
    """The server cannot start; the text says why and what to do."""


def serve(settings: Settings, out: TextIO | None = None) -> int:
    """Serve until a signal ends it. Raises CannotServe for a bad fixture or an address in use."""
    out = out or sys.stdout
    _set_up_logging(settings)
    try:
        app = create_app(settings, _access_log(settings, out))
    except FixtureError as error:
        raise CannotServe(str(error)) from None
    listening = _listen(settings.host, settings.port)
    _announce(app.state.universe, settings, _url(listening), out)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


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


def _announce(universe: Universe, settings: Settings, url: str, out: TextIO) -> None:
    """Say where the server is and which keys it takes. With a JSON log this is one line of JSON."""
    keys = [_describe(universe, key) for key in universe.world.state.api_keys]
    if settings.log == "json":
        started = {
            "event": "started",
            "url": url,
            "version": __version__,
            "dialect": universe.dialect.name,
            "fixture": universe.fixture.source,
            "limits": settings.limits,
            "keys": [{"key": value, "name": name, "role": role} for value, name, role in keys],
        }
        print(orjson.dumps(started).decode(), file=out, flush=True)
        return
    print(f"mock-capgo {__version__}  {url}", file=out)
    print(f"dialect {universe.dialect.name}, fixture {universe.fixture.source}, limits {settings.limits}", file=out)
    if keys:
        print("\nAPI keys (send one as `authorization` or `x-api-key`):", file=out)
    width = max((len(value) for value, _, _ in keys), default=0)
    shown = keys[:12]
    for value, name, role in shown:
        print(f"  {value:<{width}}  {name} ({role})", file=out)
    if len(keys) > len(shown):
        print(f"  ... and {len(keys) - len(shown)} more: see {url}/_mock/info", file=out)
    print(
        "\nControl: GET /_mock/health, GET /_mock/info, POST /_mock/reset    Stop with Ctrl-C\n", file=out, flush=True
    )


def _describe(universe: Universe, key: ApiKey) -> tuple[str, str, str]:
    state = universe.world.state
    bindings = state.bindings.where("principal", key.rbac_id)
    roles: list[str] = []
    for binding in bindings[:2]:
        where = binding.app_id or state.organizations.rows[binding.org_id].name
        roles.append(f"{binding.role} on {where}")
    if len(bindings) > len(roles):
        roles.append(f"and {len(bindings) - len(roles)} more")
    if key.expires_at is not None and key.expires_at <= universe.world.now:
        roles.append("expired")
    value = key.key or _plain_value(universe, key)
    return value, key.name, ", ".join(roles) or (f"mode {key.mode}" if key.mode else "no role")


def _plain_value(universe: Universe, key: ApiKey) -> str:
    """The value of a hashed key where the fixture tells it: the world itself does not know it."""
    for row in universe.fixture.document.get("api_keys", ()):
        if row.get("hashed") and digest(row["key"]) == key.key_hash:
            return str(row["key"])
    return "(hashed)"


def _access_log(settings: Settings, out: TextIO) -> AccessLog | None:
    if settings.log == "off":
        return None
    coloured = out.isatty()

    def as_text(request: Request, answered: Answer, seconds: float) -> None:
        status = str(answered.status)
        if coloured:
            status = f"{_COLOURS.get(answered.status // 100, '')}{status}{_RESET}"
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        why = f"  {answered.refusal}" if answered.refusal else ""
        path = _printable(request.path + query)
        print(f"{status} {request.method:<6} {path}  {seconds * 1000:.1f} ms{why}", file=out, flush=True)

    def as_json(request: Request, answered: Answer, seconds: float) -> None:
        line = {
            "event": "request",
            "time": iso_millis(wall_clock()),
            "method": request.method,
            "path": request.path,
            "operation": answered.operation,
            "status": answered.status,
            "duration_ms": round(seconds * 1000, 3),
            "refusal": answered.refusal,
        }
        print(orjson.dumps(line).decode(), file=out, flush=True)

    return as_json if settings.log == "json" else as_text


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
