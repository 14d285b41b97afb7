"""The OpenAPI document as one file: the references to schema files become components."""

from __future__ import annotations

from typing import Any

import orjson

from mock_capgo.data import schemas_dir


def bundled(dialect: str) -> dict[str, Any]:
    """The document of a dialect without references to other files.

    `channel.json#/$defs/Channel` becomes `#/components/schemas/Channel`; definitions of all files have names of
    their own.
    """
    document = _load(f"openapi.{dialect}.json")
    found: dict[str, Any] = {}
    waiting: list[tuple[str, str]] = []

    def refer(reference: str, at: str) -> str:
        file, _, pointer = reference.partition("#")
        file = file or at
        if not file:
            return reference
        name = _component(pointer)
        if name not in found:
            found[name] = None
            waiting.append((file, pointer))
        return f"#/components/schemas/{name}"

    def rewrite(value: Any, at: str) -> Any:
        if isinstance(value, dict):
            return {
                key: refer(item, at) if key == "$ref" and isinstance(item, str) else rewrite(item, at)
                for key, item in value.items()
            }
        return [rewrite(item, at) for item in value] if isinstance(value, list) else value

    bundle: dict[str, Any] = rewrite(document, "")
    files: dict[str, Any] = {}
    while waiting:
        file, pointer = waiting.pop()
        if file not in files:
            files[file] = _load(file)
        target = files[file]
        for part in pointer.strip("/").split("/"):
            target = target[part]
        found[_component(pointer)] = rewrite(target, file)
    components = bundle.setdefault("components", {})
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **found}.items()))
    return bundle


def _component(pointer: str) -> str:
    """The name of a part: `/$defs/App` is App, `/$defs/App/properties/name` is App_name and no other name."""
    return "_".join(part for part in pointer.strip("/").split("/") if part not in ("$defs", "properties"))


def _load(name: str) -> Any:
    return orjson.loads((schemas_dir() / name).read_bytes())
