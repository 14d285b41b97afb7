"""The fixtures of the suite: a mock of one's own for each test, and a client whose every answer is checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from starlette.testclient import TestClient

from mock_capgo.server.app import create_app
from mock_capgo.server.universe import Universe
from mock_capgo.settings import ENVIRONMENT_PREFIX, Settings
from tests.oracle import Oracle

FULL = "c0ffee00-0000-4000-8000-000000000001"
READER = "c0ffee00-0000-4000-8000-000000000002"
UPLOADER = "c0ffee00-0000-4000-8000-000000000003"
ENTERPRISE = "c0ffee00-0000-4000-8000-000000000004"
EXPIRED = "c0ffee00-0000-4000-8000-000000000005"
HASHED = "c0ffee00-0000-4000-8000-000000000006"

ACME = "0c0ffee0-0000-4000-8000-00000000a001"
GLOBEX = "0c0ffee0-0000-4000-8000-00000000a002"
SHOP = "com.example.shop"
COURIER = "com.example.courier"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX):
            monkeypatch.delenv(name)


@cache
def oracle(dialect: str) -> Oracle:
    """The contract of a dialect, read once."""
    return Oracle(dialect)


@dataclass
class Reply:
    """An answer: status, JSON body, headers by lower-case name."""

    status: int
    body: Any
    headers: dict[str, str]


class Mock:
    """A mock of one's own, in process. Every answer is held to the contract before the test sees it."""

    def __init__(self, **settings: Any) -> None:
        self.app = create_app(Settings(**settings))
        self.universe: Universe = self.app.state.universe
        self.client = TestClient(self.app, base_url="http://127.0.0.1:8787")
        self.oracle = oracle(self.universe.dialect.name)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = FULL,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send a request; `body` goes as JSON, `raw` as it is; `key` as `authorization`."""
        sent = dict(headers or {})
        if key is not None:
            sent.setdefault("authorization", key)
        if raw is not None:
            answered = self.client.request(method, path, content=raw, headers=sent)
        elif body is not None:
            answered = self.client.request(method, path, json=body, headers=sent)
        else:
            answered = self.client.request(method, path, headers=sent)
        parsed = answered.json() if answered.content else None
        if not path.startswith(("/_mock", "/openapi.json")) and method != "OPTIONS":
            plain = answered.url.path
            self.oracle.check(method, plain, answered.status_code, answered.headers, parsed)
        return Reply(answered.status_code, parsed, dict(answered.headers))

    def get(self, path: str, **more: Any) -> Any:
        """The body of a GET that succeeds."""
        reply = self("GET", path, **more)
        assert reply.status == 200, reply
        return reply.body

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a call that succeeds."""
        reply = self(method, path, body, **more)
        assert reply.status == 200, reply
        return reply.body


@pytest.fixture
def mock() -> Iterator[Mock]:
    """A mock in the documented dialect with the default world and no limits."""
    yield Mock(limits="off")


@pytest.fixture
def live() -> Iterator[Mock]:
    """A mock in the live dialect with the seed world of the service and no limits."""
    yield Mock(dialect="live", fixture="capgo-seed", limits="off")
