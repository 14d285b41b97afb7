"""The contract of a dialect, read from the OpenAPI document and the JSON Schemas: the independent witness.

Belongs here: loading, the operations, and the validation of answers and bodies with a pointer to the violated rule.
The documents are found beside the kit, never asked of a server: a server must not choose what it is held to.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
METHODS = ("get", "put", "post", "delete", "patch")


class NoContract(Exception):
    """There is no document for a dialect."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One departure: what is wrong, where in the answer, and where the rule stands."""

    message: str
    where: str
    pointer: str


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    document: dict[str, Any]
    pointer: str

    @property
    def permission(self) -> str | None:
        """What the document says is asked of the caller."""
        value: str | None = self.document.get("x-permission")
        return value

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method not in ("GET", "HEAD") and self.path.strip("/") not in ("ok", "ko", "updates", "stats")

    @cached_property
    def statuses(self) -> frozenset[int]:
        """The statuses that the document has for it."""
        return frozenset(int(status) for status in self.document["responses"] if status.isdigit())


class Contract:
    """A dialect's document with its schemas."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.name = f"openapi.{dialect}.json"
        if not (SCHEMAS / self.name).is_file():
            raise NoContract(f"there is no {self.name} beside the kit: the {dialect} dialect has no contract yet")
        self.document: dict[str, Any] = _file(self.name)
        self.operations: dict[str, Operation] = {}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    found = {
                        **item[method],
                        "parameters": item.get("parameters", []) + item[method].get("parameters", []),
                    }
                    pointer = f"{self.name}#/paths/{escape(path)}/{method}"
                    operation = Operation(found["operationId"], method.upper(), path, found, pointer)
                    self.operations[operation.id] = operation
        self._registry = _registry()
        self._validators: dict[str, Draft202012Validator] = {}

    def parameters(self, operation: Operation, place: str) -> dict[str, dict[str, Any]]:
        """The parameters in the `query` or `path` of an operation, by name."""
        found = [self.resolve(entry, self.name)[0] for entry in operation.document["parameters"]]
        return {entry["name"]: entry for entry in found if entry["in"] == place}

    def body_schema(self, operation: Operation) -> tuple[dict[str, Any], str] | None:
        """The schema of the request body, resolved, with its pointer; None where there is no body."""
        body = operation.document.get("requestBody")
        if body is None:
            return None
        schema = body["content"]["application/json"]["schema"]
        return self.resolve(schema, f"{operation.pointer}/requestBody/content/application~1json/schema")

    def schema_of(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its outermost reference followed."""
        return self.resolve(schema, self.name)[0]

    def resolve(self, value: dict[str, Any], at: str) -> tuple[dict[str, Any], str]:
        """Follow `$ref` until it leads no further; with the pointer to where that is."""
        while "$ref" in value:
            at = _join(at, value["$ref"])
            value = self.at(at)
        return value, at

    def at(self, pointer: str) -> Any:
        """What stands at `file.json#/a/b`."""
        file, _, inside = pointer.partition("#")
        found: Any = _file(file)
        for part in inside.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        return found

    def body_is_valid(self, operation: Operation, body: Any) -> bool:
        """Whether a request body honours its schema."""
        found = self.body_schema(operation)
        return found is None or self._validator(found[1]).is_valid(body)

    def member_is_valid(self, operation: Operation, member: str, value: Any) -> bool:
        """Whether a value honours the schema of one member of a request body."""
        found = self.body_schema(operation)
        return found is not None and self._validator(f"{found[1]}/properties/{escape(member)}").is_valid(value)

    def schema_of_member(self, operation: Operation, member: str) -> dict[str, Any]:
        """The schema of one member of a request body."""
        found = self.body_schema(operation)
        if found is None:
            return {}
        properties = f"{found[1]}/properties"
        return self.resolve(found[0]["properties"][member], f"{properties}/{escape(member)}")[0]

    def value_is_valid(self, schema: dict[str, Any], value: Any) -> bool:
        """Whether a parameter's value honours its schema."""
        return self._of_schema(schema).is_valid(value)

    def response(self, operation: Operation, status: int) -> tuple[dict[str, Any], str] | None:
        """What the document says about a status, with its pointer."""
        responses = operation.document["responses"]
        name = str(status) if str(status) in responses else "default"
        if name not in responses:
            return None
        return self.resolve(responses[name], f"{operation.pointer}/responses/{name}")

    def answer_schema(self, operation: Operation, status: int) -> tuple[dict[str, Any], str] | None:
        """The schema of an answer's body, with its pointer."""
        found = self.response(operation, status)
        if found is None or "application/json" not in found[0].get("content", {}):
            return None
        return found[0]["content"]["application/json"]["schema"], f"{found[1]}/content/application~1json/schema"

    def problems(self, schema: tuple[dict[str, Any], str], body: Any) -> list[Problem]:
        """How a body departs from a schema, the deepest cause first named."""
        pointer = schema[1]
        validator = self._validator(pointer)
        if validator.is_valid(body):
            return []
        return [self._problem(error, pointer) for error in _causes(validator.iter_errors(body))]

    def _problem(self, error: Any, pointer: str) -> Problem:
        where = "".join(f"/{part}" for part in error.absolute_path) or "/"
        return Problem(_short(error.message), where, self._locate(pointer, list(error.absolute_schema_path)))

    def _locate(self, pointer: str, path: list[Any]) -> str:
        """The pointer to a rule. The validator leaves out of its path the references that it followed."""
        for part in path:
            here = self.at(pointer)
            # One reference at a time: what is looked for may stand beside the next one.
            while isinstance(here, dict) and "$ref" in here and part not in here:
                pointer = _join(pointer, here["$ref"])
                here = self.at(pointer)
            pointer += f"/{escape(str(part))}"
        return pointer

    def _validator(self, pointer: str) -> Draft202012Validator:
        if pointer not in self._validators:
            self._validators[pointer] = self._of_schema({"$ref": f"file:///{pointer}"})
        return self._validators[pointer]

    def _of_schema(self, schema: dict[str, Any]) -> Draft202012Validator:
        if "$ref" in schema and not schema["$ref"].startswith("file:"):
            schema = {"$ref": f"file:///{_join(self.name, schema['$ref'])}"}
        return Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())

    @cached_property
    def bundled(self) -> dict[str, Any]:
        """The document in one file, for Schemathesis: references to files become components."""
        found: dict[str, Any] = {}

        def name_of(target: str) -> str:
            file, _, inside = target.partition("#")
            return re.sub(r"[^A-Za-z0-9_]", "_", f"{file.removesuffix('.json')}_{inside.rsplit('/', 1)[-1]}")

        def rewrite(value: Any, at: str) -> Any:
            if isinstance(value, list):
                return [rewrite(item, at) for item in value]
            if not isinstance(value, dict):
                return value
            if isinstance(value.get("$ref"), str):
                target = _join(at, value["$ref"])
                if target.startswith(self.name):
                    return value
                name = name_of(target)
                if name not in found:
                    found[name] = None
                    found[name] = rewrite(self.at(target), target)
                return {
                    **{k: rewrite(v, at) for k, v in value.items() if k != "$ref"},
                    "$ref": f"#/components/schemas/{name}",
                }
            return {key: rewrite(item, at) for key, item in value.items()}

        document: dict[str, Any] = rewrite(self.document, self.name)
        components = document.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), **dict(sorted(found.items()))}
        # Credentials are the kit's business: generated ones would only be refused.
        document.pop("security", None)
        components.pop("securitySchemes", None)
        return document


@cache
def contract(dialect: str) -> Contract:
    """The contract of a dialect, read once. Raises NoContract."""
    return Contract(dialect)


def escape(part: str) -> str:
    """A name as a part of a JSON pointer."""
    return part.replace("~", "~0").replace("/", "~1")


def _join(at: str, reference: str) -> str:
    file, _, inside = reference.partition("#")
    return f"{file or at.partition('#')[0]}#{inside}"


@cache
def _file(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


@cache
def _registry() -> Registry[Any]:
    """Every document, under the address `file:///<file>`; crawled once, which is what makes lookups cheap."""
    found = []
    for path in sorted(SCHEMAS.glob("*.json")):
        contents = {key: value for key, value in _file(path.name).items() if key not in ("$id", "$schema")}
        found.append((f"file:///{path.name}", DRAFT202012.create_resource(contents)))
    return Registry().with_resources(found).crawl()


def _causes(errors: Any) -> list[Any]:
    """Errors as a person would tell them: of alternatives, the branch that came nearest."""
    found = []
    for told in errors:
        error = told
        while error.context:
            branches: dict[Any, list[Any]] = {}
            for cause in error.context:
                branches.setdefault(cause.schema_path[0] if cause.schema_path else 0, []).append(cause)
            nearest = min(branches.values(), key=_distance)
            error = max(nearest, key=lambda cause: len(cause.absolute_path))
        found.append(error)
    return sorted(found, key=lambda error: [str(part) for part in error.absolute_path])


def _distance(causes: list[Any]) -> tuple[int, int]:
    """How far a branch is from fitting: one that fails deep inside was meant, one that fails at its door was not."""
    return -min(len(cause.absolute_path) for cause in causes), len(causes)


def _short(message: str, limit: int = 240) -> str:
    return message if len(message) <= limit else f"{message[: limit // 2]} … {message[-limit // 2 :]}"
