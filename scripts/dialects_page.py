"""Write docs/dialects.md from the tables: what each operation answers in each dialect, side by side.

python scripts/dialects_page.py          writes the page
python scripts/dialects_page.py --check  fails when the page is not what the tables say
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mock_capgo.errors import CATALOGUE, Error
from mock_capgo.operations import OPERATIONS
from mock_capgo.quirks import Quirk
from mock_capgo.server.openapi import bundled

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dialects.md"

INTRODUCTION = """\
# The two dialects, side by side

Made from the tables by `make docs`; a test holds it to them. The dialects differ in three ways: how an
operation is called and what it answers (first table), how a refusal is worded (second), and what the same
call does (third). [documented-dialect.md](documented-dialect.md) has the reasons on the documented side.

## In general

| | documented | live |
|---|---|---|
| success | `{"data": …}`, or a status | the bare object or array |
| error | `{"error": "<sentence>", "status": "KO"}` | `{"error": "<code>", "message": "<sentence>", "moreInfo": {…}}` |
| missing permission | 403 | mostly 400 |
| key | `authorization` or `x-api-key`, everywhere | by route: rule K reads `capgkey`, else `authorization`; \
rule A reads \
`authorization` (a UUID), else `capgkey`, else `x-api-key` |
| subkeys (`x-limited-key-id`) | not known | taken |
| input | held to the schema: unknown and repeated members are refused | as the service reads it: unknown members are \
ignored, the first of a repeated one counts |
| limits | 100 or 1000 requests a minute and account, by tier | 2000 a minute and key; 20 failed authentications in 15 \
minutes and address |
| times | `2024-01-01T00:00:00Z` | `2026-07-24T19:50:56.123456+00:00`, in places `…123Z` |
"""


def page() -> str:
    """The page as the tables have it."""
    parts = [INTRODUCTION, "## Operations", "", *_operations(), "", "## Refusals", "", *_refusals(), ""]
    return "\n".join([*parts, "## Effects", "", *_quirks(), ""])


def _operations() -> list[str]:
    documents = {dialect: _by_id(bundled(dialect)) for dialect in ("documented", "live")}
    lines = [
        "`*` marks a parameter that must be sent.",
        "",
        "| Operation | Permission | documented: takes | documented: answers | live: key, input | live: answers |",
        "|---|---|---|---|---|---|",
    ]
    for operation in OPERATIONS:
        documented, live = documents["documented"].get(operation.id), documents["live"].get(operation.id)
        key = f"rule {operation.live_rule}" if operation.live_rule else "none"
        lines.append(
            f"| `{operation.method} {operation.path}`<br>{operation.id} | {_code(operation.permission)} "
            f"| {_input(documented)} | {_answers(documented)} "
            f"| {key}; {_LIVE_INPUT[operation.live_input]} | {_answers(live)} |"
        )
    return lines


_LIVE_INPUT = {
    "body_or_query": "body, else query",
    "json": "JSON body",
    "query": "query",
    "none": "nothing",
}


def _by_id(document: dict[str, Any]) -> dict[str, Any]:
    return {
        operation["operationId"]: {**operation, "_document": document}
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def _input(operation: dict[str, Any] | None) -> str:
    if operation is None:
        return "–"
    document = operation["_document"]
    names = []
    for parameter in operation.get("parameters", ()):
        found = _resolved(parameter, document)
        if found["in"] == "query":
            names.append(f"`{found['name']}`{'*' if found.get('required') else ''}")
    body = operation.get("requestBody")
    if body:
        schema = _resolved(_resolved(body, document)["content"]["application/json"]["schema"], document)
        required = schema.get("required", ())
        names += [f"`{name}`{'*' if name in required else ''}" for name in schema.get("properties", {})]
    shown = names if len(names) <= 8 else [*names[:6], f"and {len(names) - 6} more"]
    return ", ".join(shown) or "nothing"


def _answers(operation: dict[str, Any] | None) -> str:
    if operation is None:
        return "404: not documented"
    document = operation["_document"]
    shown = []
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        content = _resolved(response, document).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        shown.append(f"{status} {_schema(schema, document)}")
    refusals = [status for status in operation["responses"] if not status.startswith("2")]
    return f"{', '.join(shown) or 'never'}; {', '.join(refusals) or 'no refusal'}"


def _schema(schema: dict[str, Any], document: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    for combined in ("oneOf", "anyOf"):
        if combined in schema:
            return " or ".join(_schema(one, document) for one in schema[combined])
    if schema.get("type") == "array":
        return f"[{_schema(schema.get('items', {}), document)}]"
    return "an object"


def _refusals() -> list[str]:
    lines = ["| Refusal | documented | live |", "|---|---|---|"]
    for error in CATALOGUE.values():
        live = f"{error.status} `{error.code}` {_cell(error.message)}"
        lines.append(f"| {error.name} | {error.documented_status} {_documented(error)} | {live} |")
    return lines


def _documented(error: Error) -> str:
    if error.form == "code_only":
        return f"`{error.code}`"
    if error.form == "code_and_message":
        return f"`{error.code}` {_cell(error.message)}"
    if error.form == "status_and_error":
        return f"{_cell(error.sentence)}; {_cell(error.detail)}"
    return _cell(error.sentence)


def _quirks() -> list[str]:
    lines = [
        "What the live dialect does and the documented one does not. A fault is left out by `--quirks off`. The",
        "numbers name the sections of the description of the service that the mock was built from.",
        "",
        "| Quirk | Kind | What the live service does |",
        "|---|---|---|",
    ]
    return lines + [f"| {quirk.name} | {quirk.kind.lower()} | {_cell(quirk.reason)} |" for quirk in Quirk]


def _code(text: str | None) -> str:
    return f"`{text}`" if text else "–"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Write the page, or check it."""
    written = page()
    if "--check" in sys.argv:
        if PAGE.read_text() == written:
            return 0
        print(f"{PAGE.name} is not what the tables say: run `make docs`", file=sys.stderr)
        return 1
    PAGE.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
