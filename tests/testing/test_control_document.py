"""The control API's own OpenAPI document: it has what the server has, and the server answers as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from starlette.routing import Route
from starlette.testclient import TestClient

from mock_capgo.control.routes import control_app
from mock_capgo.data import schemas_dir
from mock_capgo.server.app import create_app
from mock_capgo.server.faults import EFFECTS, MATCHERS
from mock_capgo.settings import Settings

DOCUMENT: dict[str, Any] = json.loads((schemas_dir() / "openapi.control.json").read_text(encoding="utf-8"))
OPERATIONS = {
    (method.upper(), path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


class Called:
    """Calls of control routes, each held to the document; `seen` are those that were made."""

    def __init__(self) -> None:
        self.client = TestClient(create_app(Settings()), base_url="http://127.0.0.1:8787")
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, method: str, template: str, body: Any = None, query: str = "", **names: str) -> Any:
        operation = OPERATIONS[method, template]
        self.seen.add((method, template))
        if body is not None:
            self.valid(body, operation["requestBody"]["content"]["application/json"]["schema"])
        answered = self.client.request(method, f"/_mock{template.format(**names)}{query}", json=body)
        status, class_ = str(answered.status_code), f"{answered.status_code // 100}XX"
        response = operation["responses"].get(status) or operation["responses"].get(class_)
        assert response is not None, answered.text
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]
        if "content" not in response:
            assert not answered.content
            return None
        self.valid(answered.json(), response["content"]["application/json"]["schema"])
        return answered.json()

    def valid(self, value: Any, schema: dict[str, Any]) -> None:
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)


@pytest.fixture
def call() -> Iterator[Called]:
    yield Called()


def test_document_is_openapi() -> None:
    """The document is valid OpenAPI 3.1, and names each operation once."""
    validate(DOCUMENT)
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_every_route_is_in_the_document_and_the_other_way_round() -> None:
    """Paths and methods of the document are those of the server, no more and no fewer."""
    app = create_app(Settings())
    routes = control_app(app.universes, Settings()).routes
    served = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == set(OPERATIONS)


def test_document_is_served() -> None:
    """`/_mock/openapi.json` is the document, and the API's own document knows nothing of it."""
    client = TestClient(create_app(Settings()), base_url="http://127.0.0.1:8787")
    assert client.get("/_mock/openapi.json").json() == DOCUMENT
    assert not [path for path in client.get("/openapi.json").json()["paths"] if "_mock" in path]


def test_members_of_a_fault_are_those_of_the_server() -> None:
    """A rule of the document has the members that the server knows."""
    rule = DOCUMENT["components"]["schemas"]["FaultRule"]["properties"]
    assert set(rule) == {"id", *MATCHERS, *EFFECTS}


def test_every_operation_answers_as_documented(call: Called) -> None:
    """Each operation, called once as a test would, is answered with a documented status and body."""
    made = call("POST", "/worlds", {"dialect": "documented", "now": "2026-01-31T12:00:00Z", "seed": 7, "ttl": 60})
    assert made["now"].startswith("2026-01-31T12:00:00")
    call("GET", "/worlds")
    call("DELETE", "/worlds/{id}", id=made["id"])
    call("GET", "/health")
    call("GET", "/openapi.json")
    device = "?app_id=com.example.shop&device_id=d0000000-0000-4000-8000-000000000003"
    assert call("GET", "/explain", query=device)["channel"]["name"] == "staging"
    assert call("GET", "/explain", query="?app_id=com.example.nowhere&device_id=x")["error"]
    call("GET", "/keys")
    call("POST", "/keys", {"role": "app_uploader", "hashed": True, "expires_at": "2030-01-01T00:00:00Z"})
    call("POST", "/clock", {"set": "2026-01-31T12:00:00Z", "advance": 1.5, "freeze": True})
    assert call("GET", "/clock") == {"now": "2026-01-31T12:00:01.500Z", "rate": 0, "frozen": True}
    call("POST", "/checkpoints/{name}", name="before")
    call("GET", "/checkpoints")
    state = call("GET", "/state")
    call("PUT", "/state", state)
    call("POST", "/seed", {"users": [{"email": "new@example.com"}]})
    call("POST", "/checkpoints/{name}/restore", name="before")
    call("DELETE", "/checkpoints/{name}", name="before")
    call("POST", "/faults", {"id": "slow", "path": "/ok", "times": 1, "latency": {"min": 0, "max": 0.01}})
    call("GET", "/faults")
    call.client.get("/ok")
    call.client.get("/app", headers={"authorization": "wrong"})
    assert call("GET", "/journal/next", query="?status=401")["fault"] is None
    assert call("GET", "/journal/next", query="?status=599&timeout=0") is None
    assert call("GET", "/journal", query="?path=/ok")["entries"][0]["fault"] == "slow"
    assert call("POST", "/verify", {"expect": [{"path": "/ok", "count": 1}], "in_order": True})["verified"]
    call("GET", "/journal.har")
    call("DELETE", "/journal")
    call("DELETE", "/faults/{fault}", fault="slow")
    call("DELETE", "/faults")
    call("GET", "/info")
    call("POST", "/reset", {"fixture": "empty", "now": "2026-01-31T12:00:00Z"})
    assert call.seen == set(OPERATIONS)


@pytest.mark.parametrize(
    ("method", "path", "names", "body"),
    [
        ("DELETE", "/worlds/{id}", {"id": "nobody"}, None),
        ("DELETE", "/worlds/{id}", {"id": "default"}, None),
        ("POST", "/checkpoints/{name}/restore", {"name": "never"}, None),
        ("DELETE", "/checkpoints/{name}", {"name": "never"}, None),
        ("DELETE", "/faults/{fault}", {"fault": "none"}, None),
        ("POST", "/keys", {}, {"role": "king"}),
        ("POST", "/keys", {}, {"role": "app_reader", "app": "com.example.nowhere"}),
        ("POST", "/reset", {}, {"fixture": "nowhere"}),
        ("POST", "/worlds", {}, {"fixture": "nowhere"}),
        ("POST", "/seed", {}, {"devices": [{"app_id": "com.example.nowhere", "device_id": "x"}]}),
        ("PUT", "/state", {}, {"format": 1, "apps": [{"app_id": "a"}]}),
        ("POST", "/clock", {}, {"set": "yesterday"}),
        ("POST", "/faults", {}, {"path": "/ok"}),
    ],
)
def test_refusals_are_documented(call: Called, method: str, path: str, names: dict[str, str], body: Any) -> None:
    """What cannot be done is refused with a documented status and a reason."""
    assert call(method, path, body, **names)["error"]
