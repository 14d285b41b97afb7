"""Ways to break a valid request in one place, so that it is known what is wrong with it.

Each way says what it did; that the result breaks the contract is proved by the schema before it is sent, so that a
request is never called invalid by mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from contract_tests.kit.contract import Contract, Operation
from contract_tests.kit.wire import Call

_IDENTITY = frozenset({"app_id", "appId", "orgId", "org_id", "owner_org", "id", "name", "webhookId", "deliveryId"})
_WRONG = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-3, 3), st.just(""), st.just("\x00"), st.just("x" * 3000),
    st.just([]), st.just({}), st.lists(st.integers(0, 3), min_size=1, max_size=3), st.just("no such value"),
    st.just(-1), st.just(2**60), st.just({"$ne": None}), st.just("' OR 1=1 --"),
)  # fmt: skip
_LONGEST = 10_000
_RAW = (b"", b"{", b"[]", b"null", b'"text"', b"17", b'{"a":', b"\xff\xfe", b'{"app_id":"a.b",}', b"[" * 2000, b"true")


@st.composite
def broken(
    draw: st.DrawFn, contract: Contract, operation: Operation, call: Call, whole: bool
) -> tuple[str, Call] | None:
    """A broken copy of a call and what is wrong with it; None where the draw did not break it.

    `whole` keeps away from the members that say what the call is about: on somebody's server those must stay.
    """
    call = copy.deepcopy(call)
    if call.has_body:
        return draw(_broken_body(contract, operation, call, whole))
    return draw(_broken_query(contract, operation, call))


@st.composite
def _broken_body(
    draw: st.DrawFn, contract: Contract, operation: Operation, call: Call, whole: bool
) -> tuple[str, Call] | None:
    schema = (contract.body_schema(operation) or ({}, ""))[0]
    way = draw(st.sampled_from(["drop", "replace", "replace", "replace", "add", "raw"]))
    if way == "raw" and not whole:
        call.raw = draw(st.sampled_from(_RAW))
        call.body = None
        # Without a body a DELETE is read from its query, which is then empty: that too misses what is required.
        if call.raw == b"" and not schema.get("required"):
            return None
        return f"the body {call.raw[:20]!r}", call
    names = [name for name in sorted(schema.get("properties", {})) if not (whole and name in _IDENTITY)]
    if way == "add" or not names:
        name = draw(st.sampled_from(["unknown", "__proto__", "admin", "App_Id", ""]))
        call.body = {**call.body, name: draw(st.sampled_from([1, "x", None, True]))}
        what = f"the unknown member {name!r}"
    elif way == "drop":
        name = draw(st.sampled_from(names))
        call.body = {key: value for key, value in call.body.items() if key != name}
        what = f"no {name}"
    else:
        name = draw(st.sampled_from(names))
        value = draw(_WRONG)
        call.body = {**call.body, name: value}
        what = f"{name} as {str(value)[:20]!r}"
    return None if contract.body_is_valid(operation, call.body) else (what, call)


@st.composite
def _broken_query(draw: st.DrawFn, contract: Contract, operation: Operation, call: Call) -> tuple[str, Call] | None:
    known = contract.parameters(operation, "query")
    way = draw(st.sampled_from(["drop", "repeat", "add", "replace", "replace"]))
    if way == "drop":
        required = [name for name, parameter in known.items() if parameter.get("required")]
        if not required:
            return None
        gone = draw(st.sampled_from(required))
        call.query = [(name, value) for name, value in call.query if name != gone]
        return f"no {gone}", call
    if way == "repeat":
        if not call.query:
            return None
        name, value = draw(st.sampled_from(call.query))
        call.query = [*call.query, (name, value)]
        return f"{name} twice", call
    if way == "add" or not known:
        call.query = [*call.query, (draw(st.sampled_from(["unknown", "Page", "$where", "app_id[]"])), "1")]
        return f"the unknown parameter {call.query[-1][0]}", call
    name = draw(st.sampled_from(sorted(known)))
    schema = known[name]["schema"]
    text = draw(
        st.sampled_from(
            ["", "-1", "1.5", "abc", "\x00", "1e1", "TRUE", "yes", "9" * 25, "x" * 3000, "2024-13-01", " 1", "null"]
        )
    )
    if contract.value_is_valid(schema, _read(contract, schema, text)):
        return None
    call.query = [(key, value) for key, value in call.query if key != name] + [(name, text)]
    return f"{name}={text[:20]!r}", call


def beyond(contract: Contract, operation: Operation, call: Call) -> Iterator[tuple[str, Call]]:
    """A valid call with each parameter and member in turn just outside of its bounds; what is wrong, and the call."""
    for name, parameter in contract.parameters(operation, "query").items():
        for value in _outside(contract.schema_of(parameter["schema"])):
            query = [(key, text) for key, text in call.query if key != name]
            yield f"{name}={str(value)[:20]}", replace(call, query=[*query, (name, str(value))])
    body = contract.body_schema(operation) if call.has_body else None
    for name in sorted(body[0].get("properties", {})) if body else ():
        for value in _outside(contract.schema_of_member(operation, name)):
            changed = {**call.body, name: value}
            if not contract.body_is_valid(operation, changed):
                yield f"{name} as {str(value)[:20]!r}", replace(call, body=changed)


def _outside(schema: dict[str, Any]) -> list[Any]:
    found: list[Any] = [schema["minimum"] - 1] if "minimum" in schema else []
    found += [schema["maximum"] + 1] if "maximum" in schema else []
    found += ["x" * (schema["maxLength"] + 1)] if schema.get("maxLength", _LONGEST) < _LONGEST else []
    return found + ([str(schema["enum"][0]).swapcase()] if schema.get("enum") else [])


def _read(contract: Contract, schema: dict[str, Any], text: str) -> Any:
    """A parameter's text as the type that the contract gives it, where it has that form."""
    kind = contract.schema_of(schema).get("type")
    if kind == "integer" and text.lstrip("-").isdecimal():
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text
