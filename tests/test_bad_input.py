"""Bad input, operation by operation: never a 5xx, always the envelope, and nothing changed by what was refused.

The oracle of `conftest.Mock` looks at every answer; here stand what is sent, and that the state stays as it was.
What the contract refuses is decided by a validator that the server does not use.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from mock_capgo.operations import BY_ID
from mock_capgo.server.dispatch import MAX_BODY
from mock_capgo.server.openapi import bundled
from tests.conftest import FULL, SHOP, Mock
from tests.test_access import DOCUMENTED, WITH_KEY, example, fresh, generated, named, resolved, stored

KO = {"status": "KO"}
DOCUMENT = bundled("documented")
CONTRACTS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation
    for item in DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
}
WITH_BODY = [operation for operation in WITH_KEY if "requestBody" in CONTRACTS[operation.id]]
WITHOUT_BODY = [operation for operation in WITH_KEY if operation not in WITH_BODY]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def body_schema(operation_id: str) -> dict[str, Any]:
    """What a body of an operation must be."""
    found: dict[str, Any] = CONTRACTS[operation_id]["requestBody"]["content"]["application/json"]["schema"]
    return found


@cache
def validator(operation_id: str) -> Draft202012Validator:
    """The validator of an operation's bodies, formats included."""
    whole = {**body_schema(operation_id), "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def parameters(operation_id: str, where: str) -> dict[str, dict[str, Any]]:
    """The parameters of an operation in the query or the path, by name."""
    found = (resolved(DOCUMENT, entry) for entry in CONTRACTS[operation_id].get("parameters", ()))
    return {parameter["name"]: parameter for parameter in found if parameter["in"] == where}


def assert_refused(mock: Mock, before: dict[str, Any], reply: Any, status: int = 400) -> None:
    """That a request was refused and did nothing."""
    assert reply.status == status, reply
    assert stored(mock) == before
    assert mock.universe.world.state.check() == []


# Bodies -----------------------------------------------------------------------------------------------------

NO_OBJECTS = {
    "empty": b"",
    "blank": b" \n",
    "cut": b'{"app_id": "com.example.shop"',
    "array": b"[]",
    "array of objects": b'[{"app_id": "com.example.shop"}]',
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"com.example.shop"',
    "bare word": b"undefined",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": 1e999}',
    "single quotes": b"{'name': 'x'}",
    "comment": b'{"name": "x" /* y */}',
    "trailing comma": b'{"name": "x",}',
    "two values": b"{} {}",
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\x80"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "lone high surrogate": b'{"name": "\\ud800"}',
    "lone low surrogate": b'{"name": "\\udc00x"}',
    "raw control character": b'{"name": "\x00"}',
    "deep array": b"[" * 5000 + b"]" * 5000,
    "deep object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "long number": b'{"name": ' + b"9" * 5000 + b"}",
    "form": b"app_id=com.example.shop&name=x",
    "NUL": b"\x00",
    "gzip": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
@pytest.mark.parametrize("raw", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_a_body_that_is_no_object_is_400(operation: Any, raw: bytes) -> None:
    """Broken JSON and JSON that is no object are refused in the usual form, on every route."""
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    reply = mock(sent.method, sent.path, raw=raw)
    assert_refused(mock, before, reply)
    if operation.tag not in ("statistics", "devices") or not _is_json(raw):
        assert reply.body["status"] == "KO"


def _is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


# deleteOrganization takes its parameter from a body where there is one, and is not among these.
@pytest.mark.parametrize("operation", [one for one in WITHOUT_BODY if one.id != "deleteOrganization"], ids=named)
def test_a_body_that_nobody_reads_does_not_matter(operation: Any) -> None:
    """An operation that takes no body does not look at one."""
    sent = example(operation.id)
    expected = sent.to(fresh())
    for raw in (b"{", b"[]", b"\xff", b'{"x": 1}'):
        reply = fresh()(sent.method, sent.path, raw=raw)
        assert (reply.status, reply.body) == (200, expected.body)


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "x", "", None])
def test_the_type_of_a_body_does_not_matter(operation: Any, kind: str | None) -> None:
    """JSON is read whatever `Content-Type` says."""
    mock = fresh()
    sent = example(operation.id)
    headers = {} if kind is None else {"content-type": kind}
    reply = mock(sent.method, sent.path, raw=orjson.dumps(sent.body), headers=headers)
    assert reply.status == 200, reply


STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    1e300,
    "",
    " ",
    "x" * 5000,
    "\x00",
    "a\x07b",
    [],
    {},
    [None],
    {"a": {}},
]


def _mutations(schema: dict[str, Any], good: Any) -> Iterator[tuple[str, Any]]:
    """Bodies with one thing changed, each with a name for it."""
    for name in good:
        yield f"without {name}", {other: value for other, value in good.items() if other != name}
    for name in _properties(schema):
        for value in STRANGE:
            yield f"{name}={str(value)[:12]!r}", {**good, name: value}
    for name in ("extra", "", "__proto__", "App_Id", "\x00", "x" * 3000):
        yield f"unknown {name[:10]!r}", {**good, name: 1}
    yield "nothing", {}


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resolved(DOCUMENT, schema)["properties"]
    return found


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
def test_every_member_is_held_to_the_contract(operation: Any) -> None:
    """Whatever single member is left out, added or given another value: what the contract refuses is refused."""
    sent = example(operation.id)
    refused = 0
    for name, body in _mutations(body_schema(operation.id), sent.body):
        mock = fresh()
        before = stored(mock)
        reply = mock(sent.method, sent.path, raw=orjson.dumps(_sendable(body)))
        if not validator(operation.id).is_valid(body):
            assert reply.status == 400, (name, reply)
            refused += 1
        if reply.status != 200:
            assert stored(mock) == before, name
        assert mock.universe.world.state.check() == [], name
    assert refused > 20


def _sendable(value: Any) -> Any:
    # The encoder of the tests refuses integers that JSON may have.
    if isinstance(value, dict):
        return {name: _sendable(member) for name, member in value.items()}
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value


@st.composite
def changed(draw: st.DrawFn, operation_id: str) -> Any:
    """The documented body of an operation with some members changed, dropped or added."""
    body = copy.deepcopy(example(operation_id).body)
    names = sorted(_properties(body_schema(operation_id)))
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(names) | st.text(max_size=6))
        if draw(st.booleans()):
            body.pop(name, None)
        else:
            body[name] = draw(JSON)
    return body


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
@generated(25)
@given(data=st.data())
def test_generated_bodies(operation: Any, data: st.DataObject) -> None:
    """Bodies with arbitrary members are refused where the contract says so, and never hurt the server."""
    body = data.draw(changed(operation.id))
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    reply = mock(sent.method, sent.path, raw=orjson.dumps(_sendable(body)))
    if not validator(operation.id).is_valid(body):
        assert reply.status == 400, reply
    if reply.status != 200:
        assert stored(mock) == before
    assert mock.universe.world.state.check() == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
@generated(15)
@given(raw=st.binary(max_size=200))
def test_generated_bytes(operation: Any, raw: bytes) -> None:
    """Arbitrary bytes as a body are refused, and never hurt the server."""
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    assert_refused(mock, before, mock(sent.method, sent.path, raw=raw))


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
def test_a_refusal_does_not_repeat_what_was_sent(operation: Any) -> None:
    """A refusal says what is wrong in a sentence, however long the wrong value is."""
    sent = example(operation.id)
    for name in _properties(body_schema(operation.id)):
        for value in ("x" * 500_000, ["y" * 100] * 1000):
            reply = fresh()(sent.method, sent.path, {**sent.body, name: value})
            assert reply.status == 400, (name, reply)
            assert _length(reply) < 1000, name
    reply = fresh()(sent.method, sent.path, {**sent.body, "x" * 500_000: 1})
    assert reply.status == 400
    assert _length(reply) < 1000


def _length(reply: Any) -> int:
    return len(str(reply.body))


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nx-injected: 1",
        "\x00",
        "\x7f",
        "x" * 100_000,
        "株",
        "\u2028",
    ],
    ids=lambda name: repr(name)[:12],
)
def test_an_explained_refusal_is_a_header(name: str) -> None:
    """Where a refusal explains itself in a header, what was sent neither breaks the header nor makes another one."""
    asked = {"x-mock-explain": "1"}
    twice = "&".join([quote(name) + "=1"] * 2)
    for reply in (
        fresh()("PUT", f"/app/{SHOP}", raw=orjson.dumps({name: 1}), headers=asked),
        fresh()("GET", f"/app/?{twice}", headers=asked),
    ):
        reason = reply.headers["x-mock-reason"]
        assert reply.status == 400
        assert reason.startswith("CONTRACT")
        assert reason.isascii()
        assert reason.isprintable()
        assert len(reason) < 2000
        assert "x-injected" not in reply.headers


def test_a_member_twice_is_its_last_value(mock: Mock) -> None:
    """JSON with a repeated member is read as every common parser reads it."""
    raw = b'{"orgId": "0c0ffee0-0000-4000-8000-00000000a001", "name": "First", "name": "Second"}'
    assert mock("PUT", "/organization/", raw=raw).body["data"]["name"] == "Second"


# Size -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", DOCUMENTED, ids=named)
def test_a_body_over_a_mebibyte_is_413(operation: Any) -> None:
    """A body may have a mebibyte and not a byte more, on every route, told in advance or not."""
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    raw = (orjson.dumps(sent.body) if sent.body else b"{}").ljust(MAX_BODY + 1)
    told = mock.client.request(sent.method, sent.path, content=raw, headers={"authorization": FULL})
    untold = mock.client.request(
        sent.method, sent.path, content=iter([raw[:-1], b" "]), headers={"authorization": FULL}
    )
    for answered in (told, untold):
        assert (answered.status_code, answered.json()) == (413, {"error": "The body is over 1 MiB", **KO})
        assert answered.headers["content-type"] == "application/json"
    assert stored(mock) == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
def test_a_body_of_a_mebibyte_is_read(operation: Any) -> None:
    """The limit itself is within the limit, told in advance or not."""
    sent = example(operation.id)
    raw = orjson.dumps(sent.body).ljust(MAX_BODY)
    for content in (raw, iter([raw[:1000], raw[1000:]])):
        mock = fresh()
        answered = mock.client.request(sent.method, sent.path, content=content, headers={"authorization": FULL})
        assert answered.status_code == 200, answered.text


# Queries ----------------------------------------------------------------------------------------------------


def _split(operation_id: str) -> tuple[str, dict[str, str]]:
    """The documented path of an operation, and its query by name."""
    path, _, query = example(operation_id).path.partition("?")
    return path, dict(pair.split("=", 1) for pair in query.split("&") if pair)


def _fits(schema: dict[str, Any], text: str) -> bool:
    """Whether a text of the query is a value that the contract allows."""
    whole = {**schema, "components": DOCUMENT["components"]}
    kind = resolved(DOCUMENT, schema).get("type")
    value: Any = text
    if kind == "integer":
        value = int(text) if re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII) else text
    elif kind == "boolean":
        value = {"true": True, "false": False}.get(text, text)
    return Draft202012Validator(whole, format_checker=FormatChecker()).is_valid(value)


WITH_QUERY = [operation for operation in WITH_KEY if parameters(operation.id, "query")]
QUERY_VALUES = [
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "1e3",
    "9" * 30,
    "9" * 5000,
    "true",
    "TRUE",
    "null",
    "x",
    "x" * 3000,
    "\x00",
    "a\x07",
]
QUERY_VALUES += ["ünïcödé", "\ud800", "../..", "%", "2024-02-30", "'--", "{}", "[]", "٣", "+1", "0x10", "１"]


@pytest.mark.parametrize("operation", WITH_QUERY, ids=named)
def test_every_parameter_is_held_to_the_contract(operation: Any) -> None:
    """Whatever value a parameter of the query has: what the contract refuses is refused."""
    path, query = _split(operation.id)
    for name, parameter in parameters(operation.id, "query").items():
        for value in QUERY_VALUES:
            mock = fresh()
            before = stored(mock)
            sent = {**query, name: quote(value.encode("utf-8", "surrogatepass"), safe="")}
            reply = mock(operation.method, f"{path}?{'&'.join(f'{key}={text}' for key, text in sent.items())}")
            seen = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            if not _fits(parameter["schema"], seen):
                assert reply.status == 400, (name, value[:30], reply)
            if reply.status != 200:
                assert stored(mock) == before


@pytest.mark.parametrize("operation", WITH_QUERY, ids=named)
def test_repeated_and_unknown_parameters_are_400(operation: Any) -> None:
    """A parameter is sent once, and is one of those that there are."""
    path, query = _split(operation.id)
    mock = fresh()
    before = stored(mock)
    for name, value in query.items():
        pairs = [*query.items(), (name, value)]
        assert_refused(mock, before, mock(operation.method, f"{path}?{'&'.join('='.join(pair) for pair in pairs)}"))
    for name in ("extra", "", "app_id[]", "APP_ID", "__proto__", "\x00"):
        text = "&".join([*("=".join(pair) for pair in query.items()), urlencode({name: "1"})])
        assert_refused(mock, before, mock(operation.method, f"{path}?{text}"))


@pytest.mark.parametrize("operation", WITH_QUERY, ids=named)
def test_required_parameters_are_required(operation: Any) -> None:
    """Without a parameter that must be there the refusal names it; without an optional one all is well."""
    path, query = _split(operation.id)
    for name, parameter in parameters(operation.id, "query").items():
        rest = {other: value for other, value in query.items() if other != name}
        mock = fresh()
        before = stored(mock)
        reply = mock(operation.method, f"{path}?{'&'.join(f'{key}={value}' for key, value in rest.items())}")
        if parameter.get("required"):
            assert_refused(mock, before, reply)
            assert operation.tag == "statistics" or name in str(reply.body)
        else:
            assert reply.status == 200, (name, reply)


@pytest.mark.parametrize("operation", [one for one in WITH_BODY if one.method != "DELETE"], ids=named)
def test_a_body_is_not_taken_from_the_query(operation: Any) -> None:
    """POST and PUT read a JSON body; a query is none, and beside a body it is unknown parameters."""
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    text = urlencode({name: value for name, value in sent.body.items() if isinstance(value, (str, int))})
    assert_refused(mock, before, mock(sent.method, f"{sent.path}?{text}"))
    assert_refused(mock, before, mock(sent.method, f"{sent.path}?{text}", sent.body))


@pytest.mark.parametrize("operation", [one for one in WITH_BODY if one.method == "DELETE"], ids=named)
def test_a_deletion_reads_the_query_where_there_is_no_body(operation: Any) -> None:
    """A DELETE says in its query what its body would say, held to the same contract; never half and half."""
    sent = example(operation.id)
    mock = fresh()
    reply = mock("DELETE", f"{sent.path}?{urlencode(sent.body)}")
    assert reply.status == 200, reply
    mock = fresh()
    before = stored(mock)
    for query in ({**sent.body, "extra": "1"}, {**sent.body, "app_id": "x", "orgId": "x"}, {}):
        assert_refused(mock, before, mock("DELETE", f"{sent.path}?{urlencode(query)}"))
    assert_refused(mock, before, mock("DELETE", f"{sent.path}?{urlencode(sent.body)}", {}))
    assert_refused(mock, before, mock("DELETE", f"{sent.path}?{urlencode(sent.body)}", sent.body))


@generated(40)
@given(query=st.binary(max_size=120), path=st.sampled_from(sorted({_split(one.id)[0] for one in WITH_KEY})))
def test_generated_queries(query: bytes, path: str) -> None:
    """An arbitrary query is answered, and never hurts the server."""
    mock = fresh()
    before = stored(mock)
    reply = mock("GET", f"{path}?{quote(query, safe='&=;+%')}")
    assert reply.status in (200, 400, 403, 404), reply
    assert stored(mock) == before


def test_a_query_of_many_parameters_is_refused_at_once(mock: Mock) -> None:
    """How long a refusal takes grows with the query, and not with its square."""
    names = [f"a{number}" for number in range(9000)]
    query = "&".join([*names, names[0]])
    started = time.perf_counter()
    assert mock("GET", f"/organization/?{query}").status == 400
    assert time.perf_counter() - started < 0.5


# Paths ------------------------------------------------------------------------------------------------------

IN_PATH = [operation for operation in WITH_KEY if "{" in operation.path]
PATH_VALUES = [
    "%20",
    "%00",
    "..%2f..",
    "%2e%2e",
    "x",
    "-1",
    "1.5",
    "9" * 30,
    "9" * 5000,
    "x" * 5000,
    "%F0%9F%9A%80",
    "%ff",
]
PATH_VALUES += [
    "%C3%A4",
    "null",
    "%D9%A3",
    "'--",
    "%25",
    "{appId}",
    "%5B%5D",
    "*",
    "%0a",
    "com.example.shop%0a",
    "1%0a",
]


@pytest.mark.parametrize("operation", IN_PATH, ids=named)
@pytest.mark.parametrize("value", PATH_VALUES, ids=lambda value: value[:16])
def test_a_strange_path_is_refused(operation: Any, value: str) -> None:
    """Whatever stands in a path where a name is expected, it is refused and does nothing."""
    mock = fresh()
    before = stored(mock)
    sent = example(operation.id)
    path = (
        sent.path.replace(SHOP, value)
        if SHOP in sent.path
        else re.sub(r"(?<=/)(2|0c0f[^/?]*)(?=[/?]|$)", value, sent.path)
    )
    assert path != sent.path
    reply = mock(sent.method, path, sent.body)
    assert reply.status in (400, 403, 404), reply
    assert stored(mock) == before


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "X"])
@pytest.mark.parametrize(
    "path",
    ["/", "/nowhere", "/organisation/", "//app/", "/app//", "/APP/", "/app/a/b", "/bundle/metadata/x", "/statistics/"]
    + ["/organization/audit", "/webhooks", "/ko", "/%00", "/.well-known/x", "/okay", "/openapi.json/x", "/_mocked"],
)
def test_an_unknown_route_is_404(method: str, path: str) -> None:
    """What is no route is not found, in the usual form, with and without a key; the live dialect's routes are none."""
    mock = fresh()
    before = stored(mock)
    for key in (FULL, None):
        reply = mock(method, path, key=key)
        assert (reply.status, reply.body) == (404, {"error": "Not found", **KO})
    assert stored(mock) == before


@pytest.mark.parametrize("path", sorted({operation.path for operation in DOCUMENTED}))
def test_another_method_is_404(path: str) -> None:
    """A method that a route does not have is an unknown route; there is no 405."""
    known = {operation.method for operation in DOCUMENTED if operation.path == path}
    served = path.replace("{appId}", SHOP).replace("{id}", "2").replace("{orgId}", "x")
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "MKCOL"} - known:
        for key in (FULL, None):
            reply = fresh()(method, served, {} if method != "GET" else None, key=key)
            assert (reply.status, reply.body) == (404, {"error": "Not found", **KO}), method


# Everything -------------------------------------------------------------------------------------------------


@generated(60)
@given(
    operation=st.sampled_from([operation.id for operation in DOCUMENTED]),
    headers=st.dictionaries(
        st.sampled_from(
            ["x-request-id", "origin", "accept", "content-type", "x-forwarded-for", "cf-ray", "host", "range"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    ),
)
def test_generated_headers(operation: str, headers: dict[str, str]) -> None:
    """No header that is not a key changes what is answered."""
    expected = example(operation).to(fresh())
    sent = {"authorization": FULL, **{name: value.strip() for name, value in headers.items()}}
    reply = example(operation).to(fresh(), key=None, headers=sent)
    assert (reply.status, reply.body) == (expected.status, expected.body)


def test_no_operation_is_forgotten() -> None:
    """Every operation with a key is tried with a bad body, or with a bad query or path."""
    tried = {*WITH_BODY, *WITH_QUERY, *IN_PATH}
    assert {operation.id for operation in WITH_KEY} - {operation.id for operation in tried} == {"listApiKeys"}
    assert BY_ID["listApiKeys"].method == "GET"


@pytest.mark.parametrize("path", ["/ok", "/ok?x=1", "/ok/?x=1&x=1"])
def test_health_takes_anything(mock: Mock, path: str) -> None:
    """Health is answered well whatever comes along: its contract has no other answer."""
    assert mock("GET", path).body == {"status": "ok"}
    assert mock("POST", path, raw=b"{").body == {"status": "ok"}


@pytest.mark.parametrize("operation", [one for one in WITH_KEY if not parameters(one.id, "query")], ids=named)
def test_a_query_where_none_is_expected_is_400(operation: Any) -> None:
    """A parameter that an operation does not have is refused also where it has none at all."""
    sent = example(operation.id)
    mock = fresh()
    before = stored(mock)
    assert_refused(mock, before, mock(sent.method, f"{sent.path}?extra=1", sent.body))
