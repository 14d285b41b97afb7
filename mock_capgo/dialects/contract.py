"""Input held to the contract: the hand-written schemas, applied to what a request sends.

Belongs here: which schema goes with which operation, read from the OpenAPI document, and the sentence for a
fault. The schemas are the contract itself; nothing in them is written twice here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from mock_capgo.data import schemas_dir

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_BASE = "mock-capgo:///"
LONGEST_NAME = 64
"""Characters of an unknown member's name that an answer repeats."""
_METHODS = ("get", "put", "post", "delete")


@dataclass(frozen=True, slots=True)
class Contract:
    """What one operation takes: a validator for its query, one for its body, None where it takes none.

    `query_required`: something has to be in the query.
    """

    query: Any
    query_required: bool
    query_types: dict[str, str]
    body: Any
    path: Any
    path_types: dict[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first way in which input departs from the contract. `pointer` is a JSON pointer into the input."""

    keyword: str
    pointer: str
    member: str
    message: str


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the documented dialect, as written: it refers to the schema files."""
    loaded: dict[str, Any] = orjson.loads((schemas_dir() / "openapi.documented.json").read_bytes())
    return loaded


@cache
def contract(operation_id: str) -> Contract:
    """The contract of an operation. Compiled when it is first asked for."""
    operation = _operations()[operation_id]
    query: dict[str, Any] = {}
    required: list[str] = []
    path: dict[str, Any] = {}
    for entry in operation.get("parameters", ()):
        parameter = _resolve(entry)
        if parameter["in"] == "query":
            query[parameter["name"]] = parameter["schema"]
            if parameter.get("required"):
                required.append(parameter["name"])
        elif parameter["in"] == "path":
            path[parameter["name"]] = parameter["schema"]
    closed = {"type": "object", "properties": query, "required": required, "additionalProperties": False}
    body = operation.get("requestBody")
    schema = body["content"]["application/json"]["schema"] if body else None
    return Contract(
        _validator(closed),
        bool(required),
        {name: _type(schema) for name, schema in query.items()},
        _validator(schema) if schema else None,
        _validator({"type": "object", "properties": path}),
        {name: _type(schema) for name, schema in path.items()},
    )


def first_fault(validator: Any, value: Any) -> Fault | None:
    """The first fault of a value, or None. A missing or unknown member counts before a wrong one."""
    if validator.is_valid(value):
        return None
    found = [_fault(error) for error in validator.iter_errors(value)]
    return min(found, key=lambda fault: _ORDER.get(fault.keyword, 2))


_ORDER = {"required": 0, "additionalProperties": 1}


def coerced(value: str, kind: str) -> Any:
    """A parameter's text as the type that the contract gives it, where it has that form."""
    if kind == "integer":
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdecimal() and len(digits) <= 20 else value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value


def _fault(error: ValidationError) -> Fault:
    pointer = "".join(f"/{part}" for part in error.instance_path)
    kind: Any = error.kind
    member = str(error.instance_path[-1]) if error.instance_path else ""
    if kind.name == "required":
        member = str(kind.property).strip('"')
    elif kind.name == "additionalProperties":
        member = str(kind.unexpected[0])[:LONGEST_NAME]
    return Fault(kind.name, pointer, member, error.message)


def _operations() -> dict[str, Any]:
    return {
        operation["operationId"]: {
            **operation,
            "parameters": [*item.get("parameters", ()), *operation.get("parameters", ())],
        }
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method in _METHODS
    }


def _resolve(entry: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in entry:
        return entry
    target: Any = document()
    for part in entry["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    resolved: dict[str, Any] = target
    return resolved


def _type(schema: dict[str, Any]) -> str:
    while "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#/")
        target: Any = _files()[_BASE + file] if file else document()
        for part in pointer.split("/"):
            target = target[part]
        schema = target
    kind = schema.get("type")
    return kind if isinstance(kind, str) else ""


@cache
def _files() -> dict[str, Any]:
    """The schema files of the documented dialect, by the address under which the validators know them."""
    found = {}
    for path in sorted(schemas_dir().glob("*.json")):
        if not path.name.startswith(("openapi.", "live.", "fixture.")):
            schema = orjson.loads(path.read_bytes())
            found[_BASE + path.name] = {**schema, "$id": _BASE + path.name}
    return found


@cache
def _registry() -> Any:
    import jsonschema_rs  # noqa: PLC0415 - three milliseconds that a start without a request need not spend

    return jsonschema_rs.Registry(list(_files().items()))


def _validator(schema: dict[str, Any]) -> Any:
    import jsonschema_rs  # noqa: PLC0415

    return jsonschema_rs.Draft202012Validator(
        {"$id": _BASE + "openapi.documented.json", **_absolute(schema)},
        registry=_registry(),
        validate_formats=True,
        # What was sent stays out of the answer: it may be long, and it may be a secret.
        mask="the value",
    )


def _absolute(schema: Any) -> Any:
    """A schema whose references to files can be resolved wherever it stands."""
    if isinstance(schema, dict):
        return {
            key: _BASE + value if key == "$ref" and not value.startswith("#") else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema
