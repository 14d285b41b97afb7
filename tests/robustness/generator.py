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
from tests.conftest import FULL
from tests.robustness.vocabulary import BROKEN, GOOD, HEADERS, IDLE, KEYS, LIKELY, ODD, OF_UPLOADS

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
Members = dict[str, tuple[dict[str, Any], bool]]
"""The members of a request by name: what the documentation says of each, and whether it has to be there."""


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
    names = sorted({*_names(), *LIKELY})
    members = {(row.method, row.path): (row.id, _members(row.id)) for row in OPERATIONS}
    routes = sorted(_ROUTES)
    # Deletions are rare and writes are frequent, or there is soon nothing left to ask for.
    weights = [0.3 if method == "DELETE" or path in IDLE else 3 if (method, path) in members else 1
               for method, path in routes]  # fmt: skip
    while True:
        yield _one(chance, chance.choices(routes, weights)[0], names, members)


def _one(chance: random.Random, route: tuple[str, str], names: list[str], members: dict[Any, Any]) -> Sent:
    method, path = route
    operation_id, own = members.get(route, ("", _OF_A_DEVICE))
    kind = chance.random()
    odd = kind < 0.3
    good = GOOD.get(operation_id, {}) if kind > (0.4 if method == "DELETE" else 0.7) else None
    if odd and chance.random() < 0.15:
        method = chance.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get"))
    sent = Sent(method, _filled(chance, path, odd, good))
    if good is not None:
        # What only the service knows is left out half of the time, since the documentation refuses it.
        known = good if chance.random() < 0.5 else good.keys() & own.keys()
        wanted = [*(name for name, (_, required) in own.items() if required and name not in good), *sorted(known)]
        params = {name: _good(chance, name, own, good) for name in wanted if f"{{{name}}}" not in path}
    else:
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
    if method == "DELETE" and not odd:
        # In the one or in the other: in both at once it is one time too many for the documentation.
        sent.query = chance.choice((sent.query, ""))
    if (method not in ("GET", "HEAD") and (odd or not sent.query)) or (odd and chance.random() < 0.1):
        sent.body = chance.choice(BROKEN) if odd and chance.random() < 0.25 else json.dumps(params).encode()
    if good is not None:
        sent.headers["authorization"] = FULL
    elif chance.random() < 0.97:
        header = "authorization" if chance.random() < 0.9 else chance.choice(("x-api-key", "capgkey"))
        sent.headers[header] = chance.choice(KEYS)
    for name, values in HEADERS.items():
        if chance.random() < (0.3 if name in OF_UPLOADS and "files" in path else 0.05 if odd else 0):
            sent.headers[name] = chance.choice(values)
    return sent


def _filled(chance: random.Random, path: str, odd: bool, good: dict[str, tuple[Any, ...]] | None) -> str:
    parts = []
    for part in path.split("/"):
        name = part[1:-1] if part.startswith("{") else ""
        value = _good(chance, name, {}, good) if good is not None else _value(chance, name, {}, odd)
        parts.append(str(value)[:80].replace("/", "") if name else part)
    # As a server decodes a path: what is no UTF-8 is replaced.
    filled = "/".join(parts).encode("utf-8", "replace").decode()
    return filled + "/" if chance.random() < 0.1 else filled


def _good(chance: random.Random, name: str, own: Members, good: dict[str, tuple[Any, ...]]) -> Any:
    """A value that the operation takes: its own good ones, else the first of the likely ones."""
    schema = own[name][0] if name in own else {}
    if name in good:
        return chance.choice(good[name])
    if name in LIKELY and "enum" not in schema:
        return LIKELY[name][0]
    return _value(chance, name, schema, False)


def _value(chance: random.Random, name: str, schema: dict[str, Any], odd: bool) -> Any:
    if odd and chance.random() < 0.3:
        return chance.choice(ODD)
    if name in LIKELY:
        return chance.choice(LIKELY[name])
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
