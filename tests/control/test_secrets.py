"""Secrets: no key, hash of a key or webhook secret is told by anything that does not hand out keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mock_capgo.world.records import digest
from tests.conftest import ACME, FULL
from tests.control.hub import SHOP, Hub, World, process

QUIET = ("/journal", "/journal.har", "/info", "/health", "/clock", "/faults", "/checkpoints", "/journal/next?timeout=0")
"""The control routes that hand out nothing."""


def secrets_of(world: World) -> set[str]:
    """Everything that nobody is to see: values and hashes of keys, secrets of webhooks, those made since included."""
    state = world.hub.universes.get(world.id).world.state
    values = set(world.keys.values())
    for key in state.api_keys:
        values |= {value for value in (key.key, key.key_hash) if value}
    values |= {digest(value) for value in set(values)}
    return values | {webhook.secret for webhook in state.webhooks}


def leaks(text: str, secrets: set[str]) -> set[str]:
    """Those of the secrets that are in a text."""
    return {secret for secret in secrets if secret.lower() in text.lower()}


def use(world: World, dialect: str) -> None:
    """Do everything that has to do with keys: make, change, regenerate, list, use in each header, fail."""
    made = world("POST", "/apikey", {"name": "canary", "mode": "all"}).body
    made = made.get("apikey", made) if isinstance(made, dict) else {}
    world("POST", "/apikey", {"name": "hashed", "mode": "all", "hashed": True})
    listed = world("GET", "/apikey").body
    for key in listed if isinstance(listed, list) else []:
        world("GET", f"/apikey/{key['id']}")
        world("PUT", f"/apikey/{key['id']}", {"name": "renamed"})
    world("PUT", f"/apikey/{made.get('id', 3)}", {"regenerate": True})
    for header in ("authorization", "x-api-key", "capgkey"):
        world.hub("GET", f"/w/{world.id}/app", headers={header: world.admin})
        world.hub("GET", f"/w/{world.id}/app", headers={header: world.keys["expired"]})
    world("GET", "/apikey", headers={"authorization": f"Bearer {world.admin}"})
    if dialect == "live":
        hook = {"orgId": ACME, "name": "hook", "url": "https://example.com/hook", "events": ["apps"]}
        created = world("POST", "/webhooks", hook).body
        world("GET", f"/webhooks?orgId={ACME}")
        world("PUT", "/webhooks", {"orgId": ACME, "webhookId": created.get("id", ""), "name": "again"})
        world("GET", f"/organization/audit?orgId={ACME}")
    world("DELETE", f"/apikey/{made.get('id', 3)}")


@pytest.fixture(params=["documented", "live"])
def used(request: pytest.FixtureRequest) -> Iterator[tuple[World, set[str]]]:
    """A world in which keys were used in every way, and its secrets before and after."""
    world = Hub().world(dialect=request.param, limits="off", explain=True)
    before = secrets_of(world)
    use(world, request.param)
    yield world, before | secrets_of(world)


@pytest.mark.parametrize("route", QUIET)
def test_control_answers_hold_no_secret(used: tuple[World, set[str]], route: str) -> None:
    """Journal, archive and the other routes that hand out nothing hold no secret of the world."""
    world, secrets = used
    assert len(secrets) > 12
    answer = world.hub("GET", f"/w/{world.id}/_mock{route}")
    assert leaks(answer.raw.decode(), secrets) == set()


def test_the_canary_sings(used: tuple[World, set[str]]) -> None:
    """The route that hands out keys holds some of them: the search of these tests can find one."""
    world, secrets = used
    assert leaks(json.dumps(world.control("GET", "/keys")), secrets)


def test_the_list_of_worlds_holds_no_secret(used: tuple[World, set[str]]) -> None:
    """A list of worlds, or the refusal to make one, tells no key."""
    world, secrets = used
    listed = world.hub("GET", "/_mock/worlds").raw.decode()
    refused = world.hub("POST", "/_mock/worlds", {"fixture": world.control("GET", "/state") | {"format": 2}})
    assert leaks(listed + refused.raw.decode(), secrets) == set()


def test_verify_and_explain_hold_no_secret(used: tuple[World, set[str]]) -> None:
    """The words of a difference, and the reasons of refusals, tell no key."""
    world, secrets = used
    told = world.control("POST", "/verify", {"expect": [{"path": "/never"}, {"path": "/apikey", "count": 0}]})
    refused = world("POST", "/channel", {"app_id": SHOP, "channel": "x"}, key=world.keys["reader"])
    assert leaks(json.dumps(told) + json.dumps(refused.headers), secrets) == set()


def test_a_refused_document_tells_no_key(used: tuple[World, set[str]]) -> None:
    """The reason why a document is refused names the place, not the value that stands there."""
    world, secrets = used
    document = world.control("GET", "/state")
    rows: list[dict[str, Any]] = document["api_keys"]
    for broken in (
        {**document, "api_keys": [*rows, {**rows[0], "id": 999}]},
        {**document, "api_keys": [{**rows[0], "key": rows[0]["key"] + "x"}]},
        {**document, "api_keys": [{**rows[0], "key": [rows[0]["key"]]}]},
        {**document, "api_keys": [{**rows[0], "bindings": rows[0]["key"]}]},
    ):
        answer = world.hub("PUT", f"/w/{world.id}/_mock/state", broken)
        assert leaks(answer.raw.decode(), secrets) == set()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/apikey/{key}", None),
        ("GET", "/apikey/{key}/", None),
        pytest.param("GET", "/app?apikey={key}", None),
        pytest.param("GET", "/app/{key}", None),
        pytest.param(
            "POST", "/channel", {"app_id": SHOP, "key": "{key}"},
        ),
        pytest.param(
            "POST", "/apikeys", {"name": "x", "key": "{key}"},
        ),
    ],
)  # fmt: skip
def test_a_key_in_a_wrong_place(world: World, method: str, path: str, body: dict[str, Any] | None) -> None:
    """A key that a client sends in the path, the query or a body is redacted there as well."""
    filled = None if body is None else json.loads(json.dumps(body).replace("{key}", world.admin))
    world(method, path.format(key=world.admin), filled)
    assert leaks(json.dumps(world.control("GET", "/journal")), {world.admin}) == set()


def test_the_log_holds_no_secret() -> None:
    """After the banner, which hands out keys, the log of requests holds none."""
    with process("--limits", "off", "--dialect", "live") as server:
        keys = {row["key"] for row in server.started["keys"]}
        for path in ("/app", "/apikey", "/apikey/1", "/nothing"):
            server("GET", path, key=FULL)
        server("POST", "/apikey", {"name": "canary"}, key=FULL)
        _, printed = server.stop()
    assert leaks(printed, keys) == set()


def test_the_log_redacts_a_key_in_the_path() -> None:
    """A key that a client sends as `/apikey/{key}` is not printed."""
    with process("--limits", "off") as server:
        server("GET", f"/apikey/{FULL}", key=FULL)
        _, printed = server.stop()
    assert leaks(printed, {FULL}) == set()
