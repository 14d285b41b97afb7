"""Requests by chance, from a seed: every operation, likely values, unlikely ones, and broken bodies."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from mock_capgo.device_api.table import DEVICE_OPERATIONS
from mock_capgo.operations import OPERATIONS
from mock_capgo.server.openapi import bundled
from tests.conftest import ACME, COURIER, ENTERPRISE, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER

_FILES = (
    ("GET", "/files/config"),
    ("POST", "/files/upload_link"),
    ("OPTIONS", "/files/upload/attachments"),
    ("POST", "/files/upload/attachments"),
    ("PATCH", "/files/upload/attachments/orgs/{orgId}/apps/{appId}/1.zip"),
    ("HEAD", "/files/upload/attachments/orgs/{orgId}/apps/{appId}/1.zip"),
    ("PUT", "/files/upload/attachments/orgs/{orgId}/apps/{appId}/1.zip"),
    ("GET", "/files/read/attachments/orgs/{orgId}/apps/{appId}/1.zip"),
)
_ROUTES = {
    *((row.method, row.path) for row in OPERATIONS),
    *((row.method, row.path) for row in DEVICE_OPERATIONS),
    *_FILES,
    ("GET", "/nothing"),
}
_KEYS = (*[FULL] * 12, *[ENTERPRISE] * 6, READER, UPLOADER, HASHED, HASHED, "nonsense", "")
_DEVICES = tuple(f"d0000000-0000-4000-8000-{number:012d}" for number in range(1, 12))
Members = dict[str, tuple[dict[str, Any], bool]]
"""The members of a request by name: what the documentation says of each, and whether it has to be there."""

_APPS = (SHOP, SHOP, SHOP, COURIER, "com.example.new", "com.example.newer", "no app")
_LIKELY: dict[str, tuple[Any, ...]] = {
    "app_id": _APPS,
    "appId": _APPS,
    "orgId": (ACME, ACME, GLOBEX, "no-uuid"),
    "owner_org": (ACME, GLOBEX),
    "org_id": (ACME, GLOBEX),
    "channel": ("production", "beta", "staging", "made", "made-2"),
    "channel_id": (1, 2, 3, 99),
    "version": ("1.0.0", "1.2.0", "2.0.0", "9.9.9", "builtin"),
    "version_name": ("1.0.0", "1.2.0", "builtin", "unknown"),
    "version_id": (1, 2, 99),
    "version_build": ("1.0.0", "2", "x"),
    "version_os": ("14", "17.2"),
    "plugin_version": ("7.0.0", "5.0.0", "4.1"),
    "platform": ("ios", "android", "electron", "web"),
    "device_id": _DEVICES,
    "email": ("dev@example.com", "mia@example.com", "new@example.com", "no email"),
    "role": ("org_admin", "org_member", "admin", "read", "super_admin", "owner"),
    "invite_type": ("read", "write", "admin"),
    "mode": ("all", "read", "write", "upload", "none"),
    "id": (1, 2, 3, 6, 7, "1", "x"),
    "limit": (1, 50, "10", 0, 1e9, -1),
    "page": (0, 1, "2", -1),
    "from": ("2026-01-01", "2026-10-01T00:00:00Z", "x"),
    "to": ("2026-11-01", "2026-11-20T00:00:00Z"),
    "external_url": ("https://cdn.example.com/a.zip", "http://x", "x"),
    "checksum": ("a" * 64, "x"),
    "action": ("set", "set_fail", "uninstall", "delete", "nothing"),
    "url": ("https://example.com/hook", "http://localhost:1/", "x"),
    "events": (["apps"], ["channels", "orgs"], ["nothing"], []),
    "name": ("Name", "Acme", "", "x" * 300),
    "webhookId": ("0c0ffee0-0000-4000-8000-00000000d001", "x"),
    "rolloutPercentageBps": (0, 5000, 10_000, -1, 10_001),
    "rolloutVersion": ("1.3.0-beta.1", "1.2.0", "9.9.9"),
    "disableAutoUpdate": ("major", "minor", "patch", "none", "x"),
}
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**18, 2**64, 2**200, "", " ", "x" * 5000, "\x00", "\ud800", "é\u202e😀",
    "'; --", "../../etc/passwd", "%00", "null", "NaN", [], {}, [None], {"a": {"b": []}}, ["x"] * 50,
    "{app}", "%s%n", "1" * 400, "9999-12-31T23:59:59Z", "0001-01-01", "now", [[[[[[[[1]]]]]]]],
)  # fmt: skip
_BROKEN = (
    b"", b"{", b"null", b"[]", b'"text"', b"5", b"NaN", b"{]", b"\xff\xfe\x00", b'{"a":"\xc3\x28"}',
    b'{"a":1}{"b":2}', b"[" * 3000, b'{"a":' * 500, b'{"app_id":1e400}', b'{"app_id":"\\ud800"}', b"\xef\xbb\xbf{}",
    b'{"a":1,"a":2}', b"a=b&c=d",
)  # fmt: skip


@dataclass
class Sent:
    """One generated request."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def scope(self) -> dict[str, Any]:
        """The request as ASGI has it."""
        headers = [(b"host", b"127.0.0.1:8787"), (b"content-length", str(len(self.body)).encode())]
        headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        return {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": self.query.encode("utf-8", "surrogatepass"),
            "headers": headers,
            "scheme": "http",
        }


def requests(seed: int) -> Iterator[Sent]:
    """Requests without an end, the same for the same seed."""
    chance = random.Random(seed)
    names = sorted({*_names(), *_LIKELY})
    members = {(row.method, row.path): _members(row.id) for row in OPERATIONS}
    routes = sorted(_ROUTES)
    # Deletions are rare and writes are frequent, or there is soon nothing left to ask for.
    weights = [0.3 if method == "DELETE" or path in _IDLE else 3 if (method, path) in members else 1
               for method, path in routes]  # fmt: skip
    while True:
        yield _one(chance, chance.choices(routes, weights)[0], names, members)


def _one(chance: random.Random, route: tuple[str, str], names: list[str], members: dict[Any, Members]) -> Sent:
    method, path = route
    own = members.get(route, _OF_A_DEVICE)
    odd = chance.random() < 0.3
    if odd and chance.random() < 0.15:
        method = chance.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get"))
    sent = Sent(method, _filled(chance, path, odd))
    few = chance.choice((0.1, 0.4, 0.9))
    params = {
        name: _value(chance, name, schema, odd)
        for name, (schema, required) in own.items()
        if chance.random() < (0.97 if required else few)
    }
    for _ in range(chance.choice((0, 1, 3)) if odd else 0):
        name = chance.choice(names)
        params[name] = _value(chance, name, {}, True)
    if method in ("GET", "HEAD", "DELETE", "OPTIONS") or (odd and chance.random() < 0.1):
        sent.query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in params.items())
        if odd and chance.random() < 0.1:
            sent.query = chance.choice(("%", "a", "=&=&", "a=%ff", "&&&", "a=b" * 900, "app_id=a&app_id=b"))
    if method not in ("GET", "HEAD") or (odd and chance.random() < 0.1):
        sent.body = chance.choice(_BROKEN) if odd and chance.random() < 0.25 else json.dumps(params).encode()
    if chance.random() < 0.97:
        header = "authorization" if chance.random() < 0.9 else chance.choice(("x-api-key", "capgkey"))
        sent.headers[header] = chance.choice(_KEYS)
    for name, values in _HEADERS.items():
        if chance.random() < (0.3 if name in _OF_UPLOADS and "files" in path else 0.05 if odd else 0):
            sent.headers[name] = chance.choice(values)
    return sent


_IDLE = {"/ok", "/ko", "/plugin/ok", "/latency", "/files/config", "/nothing", "/plugin/stats", "/plugin/updates"}
_OF_UPLOADS = {"content-type", "upload-metadata", "upload-length", "upload-offset"}
_HEADERS = {
    "origin": ("http://localhost:3000", "https://evil.example.com", "null"),
    "x-limited-key-id": ("2", "0", "x", "99999999999999999999"),
    "x-forwarded-for": ("10.0.0.1", "10.0.0.1, 10.0.0.2", ","),
    "x-request-id": ("a", "é", ""),
    "content-type": ("application/json", "text/plain", "application/offset+octet-stream"),
    "upload-metadata": ("filename b3Jncy9h", "filename !!!", "x", "filename " + "b3Jncy9h" * 30),
    "upload-length": ("10", "-1", "x", "99999999999999999999"),
    "upload-offset": ("0", "5", "x", "²"),
    "upload-defer-length": ("1", "2"),
    "range": ("bytes=0-1", "bytes=-", "bytes=9-1", "bytes=-99999999999999999999", "x"),
    "x-mock-explain": ("1",),
    "x-mock-fault": ('{"status": 503}',),
    "cf-ipcountry": ("DE", "XX", "x"),
}


def _filled(chance: random.Random, path: str, odd: bool) -> str:
    parts = []
    for part in path.split("/"):
        name = part[1:-1] if part.startswith("{") else ""
        parts.append(str(_value(chance, name, {}, odd))[:80].replace("/", "") if name else part)
    # As a server decodes a path: what is no UTF-8 is replaced.
    filled = "/".join(parts).encode("utf-8", "replace").decode()
    return filled + "/" if chance.random() < 0.1 else filled


def _value(chance: random.Random, name: str, schema: dict[str, Any], odd: bool) -> Any:
    if odd and chance.random() < 0.3:
        return chance.choice(_ODD)
    if name in _LIKELY:
        return chance.choice(_LIKELY[name])
    kinds = schema.get("type", "string")
    kind = chance.choice(kinds) if isinstance(kinds, list) else kinds
    if "enum" in schema:
        return chance.choice(schema["enum"])
    plain: dict[str, tuple[Any, ...]] = {
        "boolean": (True, False),
        "integer": (0, 1, 60, 1000),
        "number": (0.5, 0.95, 1),
        "array": ([], ["com.example.shop"]),
        "null": (None,),
    }
    return chance.choice(plain.get(kind, ("text", "https://example.com/", "2026-11-20")))


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "surrogatepass"))


@cache
def _document() -> dict[str, Any]:
    return bundled("documented")


def _names() -> set[str]:
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("properties"), dict):
                found.update(value["properties"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(_document())
    return found


def _members(operation_id: str) -> Members:
    """The members that the documentation has for an operation's query and body, and which have to be there."""
    for item in _document()["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                named = [_resolved(one) for one in operation.get("parameters", ())]
                found = {
                    one["name"]: (_resolved(one["schema"]), bool(one.get("required")))
                    for one in named
                    if one.get("in") == "query"
                }
                content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                schema = _resolved(content.get("schema", {}))
                for name, member in schema.get("properties", {}).items():
                    found[name] = (_resolved(member), name in schema.get("required", ()))
                return found
    return {name: ({}, name == "orgId") for name in ("orgId", "webhookId", "name", "url", "events", "limit", "page")}


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        target: Any = _document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


_OF_A_DEVICE: Members = {
    "app_id": ({}, True),
    "device_id": ({}, True),
    "version_name": ({}, True),
    "version_build": ({}, True),
    "version_os": ({}, True),
    "plugin_version": ({}, True),
    "platform": ({}, True),
    "is_prod": ({"type": "boolean"}, True),
    "is_emulator": ({"type": "boolean"}, True),
    "action": ({}, True),
    "channel": ({}, False),
    "defaultChannel": ({}, False),
    "custom_id": ({}, False),
}
