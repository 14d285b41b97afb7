"""The seed worlds of the live dialect, by name, and short ways to say what every test says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson

from mock_capgo.operations import BY_ID
from mock_capgo.request import Request
from mock_capgo.server.dispatch import answer
from tests.conftest import Mock, Reply

SUPER = "ae6e7458-c46d-4c00-aa3b-153b0b8520ea"
"""Key 6 of `test`: super admin of every organization that its owner belongs to."""
UPLOADER = "c591b04e-cf29-4945-b9a0-776d0672061b"
READER = "67eeaff4-ae4c-49a6-8eb1-0875f5369de0"
DEVELOPER = "985640ce-4031-4cfd-8095-d1d1066b6b3b"
TEST2 = "ac4d9a98-ec25-4af8-933c-2aae4aa52b85"
ADMIN = "ae6e7458-c46d-4c00-aa3b-153b0b8520eb"
HASHED = "test-hashed-apikey-for-auth-test"
EXPIRED = "expired-plain-key-for-test"
MANAGEMENT = "c9d0e1f2-a3b4-4c5d-8e6f-7a8b9c0d1e25"
MANAGER = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e5f6"

TEST_USER = "6aa76066-55ef-4238-ade6-0b32334a4097"
TEST2_USER = "6f0d1a2e-59ed-4769-b9d7-4d9615b28fe5"
ADMIN_USER = "c591b04e-cf29-4945-b9a0-776d0672061a"

DEMO_ORG = "046a36ac-e03c-4590-9257-bd6c9dba9ee8"
TEST2_ORG = "34a8c55d-2d0f-4652-a43f-684c7a9403ac"
ADMIN_ORG = "22dbad8a-b885-4309-9b3b-a09f8460fb6d"
CRON_ORG = "b1c2d3e4-f5a6-4b70-8c9d-0e1f2a3b4c5d"
QUEUE_ORG = "d3e4f5a6-b7c8-4d90-8e1f-2a3b4c5d6e7f"
MANAGEMENT_ORG = "f1a2b3c4-d5e6-4f70-8a9b-0c1d2e3f4a50"
SUCCESSION_ORG = "5eed0000-0000-4000-8000-00000000aa01"
DEVICES_ORG = "5eed0000-0000-4000-8000-00000000aa03"
NO_ORG = "00000000-0000-4000-8000-000000000000"

DEMO = "com.demo.app"
DEMO_ADMIN = "com.demoadmin.app"

NO_ROWS = {
    "code": "PGRST116",
    "details": "The result contains 0 rows",
    "hint": None,
    "message": "Cannot coerce the result to a single JSON object",
}
ANY: Any = type("Anything", (), {"__eq__": lambda *_: True, "__hash__": None, "__repr__": lambda _: "ANY"})()


def key(number: int) -> str:
    """The value of a key of `capgo-keys`, by its place in that list: 1 is key 114."""
    return f"5eed0000-0000-4000-8000-{number:012d}"


def error(code: str, message: str, more: Any = None) -> dict[str, Any]:
    """The live envelope."""
    return {"error": code, "message": message, "moreInfo": {} if more is None else more}


def database(code: str, message: str) -> dict[str, Any]:
    """The live form of a database error."""
    return {"code": code, "details": None, "hint": None, "message": message}


def no_access(**more: Any) -> dict[str, Any]:
    """The refusal of most operations on an app."""
    return error("cannot_access_app", "You can't access this app", more)


INVALID_JSON = error("invalid_json_parse_body", "Invalid JSON body")
UNPARSABLE = error("invalid_json_parse_body", "Invalid JSON body", {"e": {}})
CRASHED = error("unknown_error", "Unknown error")


class Live(Mock):
    """A mock that is asked without HTTP in between, for tests of hundreds of calls. Its answers are checked alike."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"dialect": "live", "fixture": "capgo-keys", "limits": "off", **settings})
        self.start = self.universe.world.snapshot()
        self.began = self.universe.world.clock.now()

    def back(self) -> Live:
        """The world as it was at first, and its clock with it."""
        self.universe.world.restore(self.start)
        self.universe.world.clock.set(self.began, 1.0)
        self.universe.world.tick()
        return self

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.universe.world.clock.advance(seconds)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = SUPER,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if key is not None:
            sent.setdefault("authorization", key)
        parts = urlsplit(path)
        content = raw if raw is not None else b"" if body is None else orjson.dumps(body)
        answered = answer(self.universe, Request(method, parts.path, parts.query.encode(), sent, content))
        found = {name.decode(): value.decode() for name, value in answered.headers}
        parsed = orjson.loads(answered.body) if answered.body else None
        if method != "OPTIONS" and (answered.operation is None or answered.operation in BY_ID):
            self.oracle.check(method, parts.path, answered.status, found, parsed)
        return Reply(answered.status, parsed, found)

    def expect(self, status: int, expected: Any, method: str, path: str, body: Any = None, **more: Any) -> None:
        """Hold an answer to its status and body."""
        reply = self(method, path, body, **more)
        assert (reply.status, reply.body) == (status, expected)

    def make_app(self, app_id: str, org: str = DEMO_ORG, **more: Any) -> str:
        """A new app's id."""
        self.ok("POST", "/app", {"app_id": app_id, "name": app_id, "owner_org": org}, **more)
        return app_id

    def make_bundle(self, app_id: str, version: str, **more: Any) -> int:
        """A new bundle's id."""
        body = {"app_id": app_id, "version": version, "external_url": "https://cdn.example/b.zip", "checksum": "c"}
        made: int = self.ok("POST", "/bundle", body, **more)["bundle"]["id"]
        return made

    def set_channel(self, app_id: str, name: str, **settings: Any) -> dict[str, Any]:
        """A channel after it was created or changed."""
        self.ok("POST", "/channel", {"app_id": app_id, "channel": name, **settings})
        return self.channel(app_id, name)

    def channel(self, app_id: str, name: str) -> dict[str, Any]:
        """A channel as it reads."""
        shown: dict[str, Any] = self.get(f"/channel?app_id={app_id}&channel={name}")
        return shown

    def organization(self, name: str = "New org", **more: Any) -> str:
        """A new organization's id, made by the key that may."""
        made: str = self.ok("POST", "/organization", {"name": name, **more}, key=key(1))["id"]
        return made

    def audit(self, org: str, key: str = SUPER, **params: Any) -> list[dict[str, Any]]:
        """An organization's audit rows, newest first."""
        query = "".join(f"&{name}={value}" for name, value in params.items())
        rows: list[dict[str, Any]] = self.get(f"/organization/audit?orgId={org}{query}", key=key)["data"]
        return rows

    def sound(self) -> None:
        """Hold the world to its own consistency."""
        assert self.universe.world.state.check() == []
