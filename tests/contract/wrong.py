"""Fragments of which wrong servers are made: an ASGI layer around the mock, and small changes to what passes it.

A fragment changes the request on its way in, or the answer on its way out, and may remember things. What it changes
is said in plain data: a route, and a function over JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mock_capgo.server.app import create_app
from mock_capgo.settings import Settings

FULL = "c0ffee00-0000-4000-8000-000000000001"


@dataclass
class Asked:
    """A request that passes by."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def key(self) -> str:
        return self.headers.get("x-api-key") or self.headers.get("authorization") or ""

    def values(self) -> dict[str, Any]:
        found = self.json
        return {**self.query, **(found if isinstance(found, dict) else {})}

    def on(self, route: str) -> bool:
        """Whether it is for `METHOD /path`; `*` is one part of a path, a method may be `*` too."""
        method, _, path = route.partition(" ")
        pattern = re.escape(path.rstrip("/")).replace(r"\*", "[^/]+") + "/?"
        return method in ("*", self.method) and re.fullmatch(pattern, self.path) is not None


@dataclass
class Answered:
    """An answer that passes by."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @json.setter
    def json(self, value: Any) -> None:
        self.body = json.dumps(value).encode()


Ask = Callable[[Asked], Answered]
Layer = Callable[[Asked, Ask], Answered]


@dataclass
class Wrong:
    """A wrong server: what is wrong with it, where it should be looked for first, and how it is made."""

    name: str
    layer: Callable[[], Layer]
    look: tuple[str, ...] = ()
    dialect: str = "documented"

    def factory(self, **settings: Any) -> Any:
        return WrongServer(create_app(Settings(**settings)), self.layer())


class WrongServer:
    """The mock with a layer around it. `state` is the mock's, so that its clock can be moved."""

    def __init__(self, app: Any, layer: Layer) -> None:
        self.app, self.layer, self.state = app, layer, app.state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(
            scope["method"], scope["path"], dict(parse_qsl(scope["query_string"].decode(), True)), headers, body
        )
        original = dict(asked.query), scope["query_string"]

        def ask(inner: Asked) -> Answered:
            query = original[1] if inner.query == original[0] else urlencode(inner.query).encode()
            return _run(self.app, scope, inner, query)

        answered = self.layer(asked, ask)
        answered.headers["content-length"] = str(len(answered.body))
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers.items()]
        await send({"type": "http.response.start", "status": answered.status, "headers": raw})
        await send({"type": "http.response.body", "body": answered.body})


def _run(app: Any, scope: Any, asked: Asked, query: bytes) -> Answered:
    """The mock never waits for anything, so that its coroutine ends when it is first asked to."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in asked.headers.items() if n != "content-length"]
    inner = {**scope, "method": asked.method, "path": asked.path, "query_string": query, "headers": headers}
    coroutine = app(inner, receive, send)
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    else:
        raise AssertionError("the mock waited")
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
    found.pop("content-length", None)
    return Answered(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


# -- fragments


def answers(route: str, change: Callable[[Any], Any], status: int = 200) -> Callable[[], Layer]:
    """The JSON of a route's answers, changed."""

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if asked.on(route) and answered.status == status and answered.json is not None:
            answered.json = change(answered.json)
        return answered

    return lambda: layer


def outcome(route: str, status: int, new: int, body: Any = None, said: str = "") -> Callable[[], Layer]:
    """A status of a route, replaced; with `said`, only of refusals that say it."""

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if asked.on(route) and answered.status == status and said.encode() in answered.body:
            answered.status = new
            if body is not None:
                answered.json = body
        return answered

    return lambda: layer


def headers(status: int, change: Callable[[dict[str, str]], None], route: str = "* *") -> Callable[[], Layer]:
    """The headers of a status, changed."""

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == status and (route == "* *" or asked.on(route)):
            change(answered.headers)
        return answered

    return lambda: layer


def with_key(route: str, when: Callable[[Asked], bool] = lambda asked: True, key: str = FULL) -> Callable[[], Layer]:
    """A route that is served as if another key had been sent."""

    def layer(asked: Asked, ask: Ask) -> Answered:
        if asked.on(route) and asked.key and when(asked):
            first = ask(asked)
            if first.status == 403:
                asked.headers = {**asked.headers, "authorization": key, "x-api-key": key}
                return ask(asked)
            return first
        return ask(asked)

    return lambda: layer


def instead(route: str, act: Callable[[Asked, Ask], Answered]) -> Callable[[], Layer]:
    """A route that is served by a function."""

    def layer(asked: Asked, ask: Ask) -> Answered:
        return act(asked, ask) if asked.on(route) else ask(asked)

    return lambda: layer


def rows_of(body: Any) -> list[Any]:
    """The rows of a list, wrapped or not."""
    found = body.get("data") if isinstance(body, dict) else body
    return found if isinstance(found, list) else []


def each(change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """A change to each row of a list, or to the one object of an answer."""

    def changed(body: Any) -> Any:
        found = rows_of(body)
        if not found:
            one = body.get("data", body) if isinstance(body, dict) else None
            found = [one] if isinstance(one, dict) else []
        for row in found:
            change(row)
        return body

    return changed


def without(name: str) -> Callable[[Any], Any]:
    """Rows without a member."""
    return each(lambda row: row.pop(name, None))


def having(name: str, value: Any) -> Callable[[Any], Any]:
    """Rows with a member that has another value."""
    return each(lambda row: row.update({name: value(row[name]) if callable(value) else value}) if name in row else None)
