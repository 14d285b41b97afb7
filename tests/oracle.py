"""Every answer of the suite, held to the OpenAPI document by a validator that the server does not use."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from mock_capgo.server.openapi import bundled

_METHODS = ("get", "put", "post", "delete")


class Oracle:
    """The contract of one dialect: which operation a request is for, and whether an answer honours it."""

    def __init__(self, dialect: str) -> None:
        self.document = bundled(dialect)
        self._operations: list[tuple[str, re.Pattern[str], dict[str, Any]]] = [
            (method.upper(), re.compile(_pattern(path)), operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in _METHODS
        ]
        self._validators: dict[str, Draft202012Validator] = {}
        self.seen: set[tuple[str, int]] = set()

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that the document has for a request; HEAD is GET."""
        wanted = "GET" if method == "HEAD" else method
        for candidate, pattern, operation in self._operations:
            if candidate == wanted and pattern.fullmatch(path):
                return operation
        return None

    def check(self, method: str, path: str, status: int, headers: Any, body: Any) -> None:
        """Raise AssertionError where an answer departs from the contract."""
        operation = self.operation(method, path)
        if operation is None:
            assert status == 404, f"{method} {path} is no operation, and was answered {status}"
            return
        name = operation["operationId"]
        responses = operation["responses"]
        assert str(status) in responses, f"{name} answered {status}, which its contract does not have: {body}"
        self.seen.add((name, status))
        response = self._resolved(responses[str(status)])
        for header, declared in response.get("headers", {}).items():
            required = self._resolved(declared).get("required", True)
            assert not required or header.lower() in headers, f"{name} {status} came without {header}"
        if method == "HEAD":
            return
        assert headers["content-type"] == "application/json"
        schema = response["content"]["application/json"]["schema"]
        for error in self._validator(repr(schema), schema).iter_errors(body):
            raise AssertionError(f"{name} {status} at {error.json_path}: {error.message}\n{body}")

    def _resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        target: Any = self.document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return dict(target)

    def _validator(self, text: str, schema: dict[str, Any]) -> Draft202012Validator:
        if text not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[text] = Draft202012Validator(whole, format_checker=FormatChecker())
        return self._validators[text]


def _pattern(path: str) -> str:
    """A path of the document as a pattern; the trailing slash may be there or not."""
    parts = [re.escape(part) if not part.startswith("{") else "[^/]+" for part in path.rstrip("/").split("/")]
    return "/".join(parts) + "/?"
