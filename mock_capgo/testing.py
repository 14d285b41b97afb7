"""The mock for a test: `with MockCapgo() as capgo:`. Without pytest; the plugin builds on it.

Belongs here: what a test holds in its hand. The parts of it (clock, faults, journal) are in
`mock_capgo.testing_client`, servers in `mock_capgo.testing_server`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from mock_capgo.testing_client import (
    Control,
    Entry,
    Fault,
    Faults,
    Journal,
    MockCapgoError,
    WorldClock,
    WorldState,
    moment_text,
)
from mock_capgo.testing_server import InProcess, SharedServer, ThreadServer, can_share

if TYPE_CHECKING:
    import httpx
    from starlette.types import ASGIApp

    from mock_capgo.server.app import Application

__all__ = ["CapgoServer", "Entry", "Fault", "FixtureLike", "MockCapgo", "MockCapgoError"]

FixtureLike = str | Path | Mapping[str, Any] | None
"""A world to start from: the name of a built-in one, a JSON file, or the document itself."""

IDLE_SECONDS = 3600
"""How long a world lives on a server of somebody else's when its test ended without deleting it."""


class CapgoServer:
    """A server that many tests share, each with a world of its own. Ends what it started, in `close`."""

    def __init__(self, url: str, token: str = "", *, control_url: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.control_url = (control_url or url).rstrip("/")
        self.token = token
        self.thread: ThreadServer | None = None
        self._shared: SharedServer | None = None

    @classmethod
    def started(cls, fixture: FixtureLike = None, dialect: str | None = None) -> Self:
        """A server in a thread of this process. Raises MockCapgoError for a fixture that cannot be loaded."""
        thread = ThreadServer(_application(fixture, {"dialect": dialect}))
        server = cls(thread.url)
        server.thread = thread
        return server

    @classmethod
    def shared(cls, folder: Path) -> Self:
        """A server in a process of its own, which all processes that name this folder share."""
        if not can_share():
            return cls.started()
        shared = SharedServer(folder, {})
        server = cls(shared.url)
        server._shared = shared
        return server

    def world(self, **options: Any) -> MockCapgo:
        """A fresh world, to be used in a `with`; options as of `MockCapgo`."""
        return MockCapgo(server=self, **options)

    def close(self) -> None:
        """End the server, or this process's share in it."""
        if self.thread is not None:
            self.thread.close()
        if self._shared is not None:
            self._shared.close()


class MockCapgo:
    """A mock of Capgo for one test: an address, keys, and everything that a test may do to the mock.

    Each `with` is a fresh world: on a server of its own, or, given `url` or `server`, on that one. Options that are
    not given are as the server was started: `fixture` (a name, a file or a document), `dialect` ("documented" or
    "live"), `limits`, `quirks`, `explain`, `header_faults` (true or false), `now`, `seed`. A server with its control
    routes elsewhere, or with a token on them, wants `control_url` and `token`.
    """

    def __init__(
        self,
        fixture: FixtureLike = None,
        dialect: str | None = None,
        *,
        url: str | None = None,
        control_url: str | None = None,
        token: str = "",
        server: CapgoServer | None = None,
        now: datetime | str | None = None,
        **options: Any,
    ) -> None:
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise TypeError(f"MockCapgo knows no {', '.join(sorted(unknown))}; there are {', '.join(sorted(_OPTIONS))}")
        self._fixture = fixture
        self._now = now
        self._options: dict[str, Any] = {"dialect": dialect, **options}
        self._attached = CapgoServer(url, token, control_url=control_url) if url is not None else server
        self._own: ThreadServer | None = None
        self._server: CapgoServer | None = None
        self._prefix = ""
        self._minted: dict[tuple[Any, ...], str] = {}

    def __enter__(self) -> Self:
        if self._attached is None:
            self._own = ThreadServer(_application(self._fixture, self._options, self._now))
            self._server = CapgoServer(self._own.url)
            self._server.thread = self._own
            self._prefix = ""
        else:
            self._server = self._attached
            made = Control(f"{self._server.control_url}/_mock", self._server.token)("POST", "/worlds", self._wanted())
            self._prefix = f"/w/{made['id']}"
        self._minted = {}
        # Not the address that the server tells: behind a container's port it knows itself by another one.
        self.control_url = f"{self._server.control_url}{self._prefix}/_mock"
        self._control = Control(self.control_url, self._server.token)
        self.clock = WorldClock(self._control)
        self.faults = Faults(self._control)
        self.journal = Journal(self._control)
        self.state = WorldState(self._control)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if self._own is not None:
            self._own.close()
            self._own = None
        elif server is not None:
            try:
                Control(f"{server.control_url}/_mock", server.token)("DELETE", f"/worlds/{self.id}")
            except MockCapgoError as failed:
                # Deleted already; or its server is gone, which is no reason to hide why a test failed.
                if failed.status != 404 and error is None:
                    raise

    def __repr__(self) -> str:
        return f"<MockCapgo {self.base_url if self._server else 'outside of its with'}>"

    @property
    def id(self) -> str:
        """The id of this world; "default" on a server of its own."""
        return self._prefix.removeprefix("/w/") or "default"

    @property
    def base_url(self) -> str:
        """Where the client under test finds the API of this world."""
        return f"{self._entered().url}{self._prefix}"

    def key(self, name: str = "admin", **scope: Any) -> str:
        """An API key: by the label that the fixture gives it ("admin", "reader"), else a new one with that role.

        A role's key is for the first organization, app or channel, or for `org`, `app`, `channel`; `expires_at`,
        `hashed` and `org_create` as of `POST /_mock/keys`. The same call gives the same key. Raises MockCapgoError.
        """
        asked = (name, *sorted(scope.items()))
        if asked not in self._minted:
            labels: dict[str, str] = {} if scope else self._control("GET", "/keys")["keys"]
            if name in labels:
                self._minted[asked] = labels[name]
            else:
                self._minted[asked] = self._mint(name, scope, labels)
        return self._minted[asked]

    def _mint(self, role: str, scope: dict[str, Any], labels: dict[str, str]) -> str:
        wanted = {**scope, "expires_at": moment_text(scope.get("expires_at"))}
        sent = {member: value for member, value in wanted.items() if value is not None}
        try:
            return str(self._control("POST", "/keys", {"role": role, **sent})["key"])
        except MockCapgoError as error:
            there_are = f"; keys of the fixture: {', '.join(labels)}" if labels else ""
            raise MockCapgoError(f"no key {role!r}: {error}{there_are}", error.status) from None

    def seed(self, **sections: Any) -> dict[str, int]:
        """Put things into the world, by sections of a fixture: `seed(devices=[...], bundles=[...])`.

        What is there is replaced, all else added, all or nothing. Returns how much of everything there is then.
        """
        self._minted = {}
        counts: dict[str, int] = self._control("POST", "/seed", sections)["counts"]
        return counts

    def checkpoint(self, name: str = "checkpoint") -> None:
        """Remember the state under a name."""
        self._control("POST", f"/checkpoints/{_segment(name)}")

    def restore(self, name: str = "checkpoint") -> None:
        """Go back to a checkpoint, which stays."""
        self._minted = {}
        self._control("POST", f"/checkpoints/{_segment(name)}/restore")

    def reset(self, fixture: str | None = None, now: datetime | str | None = None) -> None:
        """Back to the fixture, or to a built-in one, at a moment: state, limits, faults, journal, checkpoints."""
        self._minted = {}
        wanted = {"fixture": fixture, "now": moment_text(now)}
        self._control("POST", "/reset", {name: value for name, value in wanted.items() if value is not None})

    def info(self) -> dict[str, Any]:
        """What this world is, and how much of everything it holds."""
        told: dict[str, Any] = self._control("GET", "/info")
        return told

    @property
    def asgi(self) -> ASGIApp:
        """This world as an ASGI application. Raises MockCapgoError when its server is in another process."""
        thread = self._entered().thread
        if thread is None:
            raise MockCapgoError("the server is in another process: use base_url, or transport()")
        return InProcess(thread, self._prefix)

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient(transport=..., base_url=capgo.base_url)`; asyncio only.

        In process where the server is, over a socket where it is elsewhere, as under pytest-xdist.
        """
        import httpx  # noqa: PLC0415 - optional: only who calls this needs it

        if self._entered().thread is None:
            # Reading certificates takes longer than a test, and over plain HTTP nobody asks for them.
            return httpx.AsyncHTTPTransport(verify=self.base_url.startswith("https:"))
        return httpx.ASGITransport(app=self.asgi)

    def _entered(self) -> CapgoServer:
        if self._server is None:
            raise MockCapgoError("there is no world outside of `with MockCapgo() as capgo:`")
        return self._server

    def _wanted(self) -> dict[str, Any]:
        """What to ask `POST /_mock/worlds` for."""
        wanted = {"fixture": _document(self._fixture), "now": moment_text(self._now), "ttl": IDLE_SECONDS}
        for name, value in self._options.items():
            wanted[name] = ("on" if value else "off") if name in _SWITCHES and isinstance(value, bool) else value
        return {name: value for name, value in wanted.items() if value is not None}


_OPTIONS = {"dialect", "limits", "quirks", "seed", "explain", "header_faults", "ttl"}
_SWITCHES = {"limits", "quirks"}
_SETTINGS = {"header_faults": "fault_header"}


def _application(fixture: FixtureLike, options: Mapping[str, Any], now: datetime | str | None = None) -> Application:
    """The application of a server of one's own. The server's modules are loaded here and not before."""
    from mock_capgo.server.app import create_app  # noqa: PLC0415
    from mock_capgo.settings import Settings  # noqa: PLC0415
    from mock_capgo.world.clock import parse_time  # noqa: PLC0415
    from mock_capgo.world.fixture import FixtureError, fixture_of  # noqa: PLC0415

    switches = {
        name: ("on" if value else "off") if isinstance(value, bool) else value for name, value in options.items()
    }
    settings: dict[str, Any] = {
        _SETTINGS.get(name, name): value for name, value in switches.items() if value is not None
    }
    settings.pop("ttl", None)
    if settings.get("dialect", "live") not in ("documented", "live"):
        raise MockCapgoError("dialect: documented or live is expected")
    document = _document(fixture)
    if isinstance(document, str):
        settings["fixture"] = document
    try:
        app = create_app(Settings(log="off", **settings))
        universe = app.universes.default
        if isinstance(document, dict):
            source = "fixture" if isinstance(fixture, Mapping) else str(fixture)
            universe.fixture = universe.started_with = fixture_of(document, source)
        if isinstance(document, dict) or now is not None:
            text = moment_text(now)
            universe.reset(now=None if text is None else parse_time(text))
    except FixtureError as error:
        raise MockCapgoError(str(error)) from None
    return app


def _document(fixture: FixtureLike) -> str | dict[str, Any] | None:
    """A fixture as the control API takes it: a name, or the document."""
    if fixture is None or (isinstance(fixture, str) and not fixture.endswith(".json")):
        return fixture
    if isinstance(fixture, Mapping):
        return dict(fixture)
    try:
        document: dict[str, Any] = json.loads(Path(fixture).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MockCapgoError(f"{fixture}: cannot be read: {error}") from None
    return document


def _segment(name: str) -> str:
    return quote(name, safe="")
