"""The OpenAPI document as one file: the references to schema files become components."""

from __future__ import annotations

from typing import Any

import orjson

from mock_capgo.data import schemas_dir


def bundled(dialect: str) -> dict[str, Any]:
    """The document of a dialect without references to other files.

    `channel.json#/$defs/Channel` becomes `#/components/schemas/Channel`; names are unique over all files.
    """
    document = _load(f"openapi.{dialect}.json")
    found: dict[str, Any] = {}
    waiting: list[tuple[str, str]] = []

    def refer(reference: str, at: str) -> str:
        file, _, pointer = reference.partition("#")
        file = file or at
        if not file:
            return reference
        name = pointer.rsplit("/", 1)[-1]
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
        found[pointer.rsplit("/", 1)[-1]] = rewrite(target, file)
    components = bundle.setdefault("components", {})
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **found}.items()))
    return bundle


def _load(name: str) -> Any:
    return orjson.loads((schemas_dir() / name).read_bytes())
