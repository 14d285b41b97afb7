"""Who may do what: keys and how they are sent, the permission table operation by operation, modes, `org.create`.

The documented example of every operation stands here too (`example`), since the suite asks for it all the time.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from hypothesis import HealthCheck, settings

from mock_capgo.access.permissions import PERMISSIONS, ROLES
from mock_capgo.data import fixtures_dir
from mock_capgo.operations import BY_ID, OPERATIONS, Operation
from mock_capgo.server.openapi import bundled
from mock_capgo.world.clock import parse_time
from mock_capgo.world.records import SECOND
from mock_capgo.world.state import TABLES
from tests.conftest import ACME, COURIER, ENTERPRISE, EXPIRED, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER, Mock, Reply
from tests.rich_world import contents

NOW = parse_time("2026-03-15T12:00:00Z")
INVALID_KEY = {"error": "Invalid API key", "status": "KO"}
NOBODY = "0c0ffee0-0000-4000-8000-00000000dead"

DOCUMENTED = [operation for operation in OPERATIONS if operation.documented]
WITH_KEY = [operation for operation in DOCUMENTED if operation.live_rule is not None]
GUARDED = [operation for operation in WITH_KEY if operation.permission in PERMISSIONS]


def named(operation: Operation) -> str:
    """The id of a test for an operation."""
    return operation.id


@dataclass(frozen=True)
class Sent:
    """A request of the documentation: its path with the query, and its body."""

    method: str
    path: str
    body: Any = None

    def about(self, **names: str) -> Sent:
        """The same request about other things: `names` maps what stands for it (ACME, SHOP) to what is meant."""
        text = json.dumps([self.path, self.body])
        for name, meant in names.items():
            text = text.replace({"ACME": ACME, "SHOP": SHOP}[name], meant)
        path, body = json.loads(text)
        return Sent(self.method, path, body)

    def asks_for_something(self) -> bool:
        """Whether there is anything in it that could be wrong: a body, a query, or a name in the path."""
        return self.body is not None or "?" in self.path or any(part in self.path for part in (SHOP, ACME, "/2"))

    def to(self, mock: Mock, **more: Any) -> Any:
        """Send it."""
        return mock(self.method, self.path, self.body, **more)


@cache
def example(operation_id: str) -> Sent:
    """The request that the OpenAPI document shows for an operation, every parameter included."""
    document = bundled("documented")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters" and operation["operationId"] == operation_id:
                return _example(document, method.upper(), path, operation)
    raise KeyError(operation_id)


def _example(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Sent:
    query = {}
    for entry in operation.get("parameters", ()):
        parameter = resolved(document, entry)
        shown = parameter["example"]
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(shown))
        else:
            query[parameter["name"]] = str(shown).lower() if isinstance(shown, bool) else shown
    body = None
    if "requestBody" in operation:
        body = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])["examples"][0]
    return Sent(method, f"{path}?{urlencode(query)}" if query else path, body)


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """A part of a document, or what it refers to."""
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def freeze(mock: Mock, now: int = NOW) -> None:
    """Start the world over at a moment, and let time stand still."""
    mock.universe.reset(now=now)
    mock.universe.world.clock.set(now, 0)


def new_key(mock: Mock, *bindings: dict[str, Any], key: str = FULL, **more: Any) -> str:
    """The value of a new key with bindings."""
    body = {"name": "made by a test", **more}
    if bindings:
        body["bindings"] = list(bindings)
    value: str = mock.ok("POST", "/apikey/", body, key=key)["apikey"]["key"]
    return value


def stored(mock: Mock) -> dict[str, Any]:
    """Everything that is stored, as it is now, for comparing before with after. Records never change in place."""
    found = contents(mock.universe.world.state)
    return {name: value if name in TABLES else copy.deepcopy(value) for name, value in found.items()}


def binding(role: str, org: str = ACME, app: str = SHOP, channel: int = 1) -> dict[str, Any]:
    """A binding of a role on the thing that its scope asks for."""
    scope = ROLES[role].scope
    found: dict[str, Any] = {"role_name": role, "scope_type": scope, "org_id": org}
    if scope != "org":
        found["app_id"] = app
    if scope == "channel":
        found["channel_id"] = channel
    return found


def generated(examples: int) -> settings:
    """The settings of a generated test: the same cases in every run, and no stopwatch."""
    unhurried = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=unhurried
    )


class Direct(Mock):
    """A mock without a client in between, for thousands of calls: none waits, so each is a coroutine run to its end."""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = FULL,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send a request, as `Mock` does."""
        sent = {"host": "127.0.0.1:8787", **({} if key is None else {"authorization": key}), **(headers or {})}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        plain, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(plain),
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "scheme": "http",
            "root_path": "",
        }
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        async def send(message: Any) -> None:
            messages.append(message)

        with pytest.raises(StopIteration):
            self.app(scope, receive, send).send(None)
        found = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        answered = b"".join(message["body"] for message in messages[1:])
        parsed = json.loads(answered) if answered else None
        if method != "OPTIONS" and not plain.startswith(("/_mock", "/openapi.json")):
            self.oracle.check(method, unquote(plain), messages[0]["status"], found, parsed)
        return Reply(messages[0]["status"], parsed, found)


@cache
def _reusable() -> tuple[Mock, Any]:
    mock = Direct(limits="off")
    freeze(mock)
    return mock, mock.universe.world.snapshot()


def fresh() -> Mock:
    """A mock that many cases share, as it is at its start: making one takes longer than many calls."""
    mock, start = _reusable()
    mock.universe.world.restore(start)
    mock.universe.world.clock.set(NOW, 0)
    mock.universe.journal.clear()
    return mock


# How a key is sent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", WITH_KEY, ids=named)
def test_no_key_is_401(mock: Mock, operation: Operation) -> None:
    """Without a key every operation answers the documented sentence, and does nothing."""
    before = stored(mock)
    reply = example(operation.id).to(mock, key=None)
    assert (reply.status, reply.body) == (401, INVALID_KEY)
    assert stored(mock) == before


@pytest.mark.parametrize("operation", WITH_KEY, ids=named)
def test_both_headers_take_a_key(mock: Mock, operation: Operation) -> None:
    """A key may come as `authorization` or as `x-api-key`, for every operation."""
    start = mock.universe.world.snapshot()
    for header in ("authorization", "x-api-key", "X-API-Key", "Authorization"):
        mock.universe.world.restore(start)
        reply = example(operation.id).to(mock, key=None, headers={header: FULL})
        assert reply.status == 200, (header, reply)


@pytest.mark.parametrize(
    "value",
    [
        EXPIRED,
        "c0ffee00-0000-4000-8000-0000000000ff",
        FULL.upper(),
        f"Bearer {FULL}",
        f"bearer {FULL}",
        f"Basic {FULL}",
        f"{FULL}, {FULL}",
        FULL[:-1],
        "",
        "null",
        "undefined",
        hashlib.sha256(HASHED.encode()).hexdigest(),
        "x" * 4000,
        "ключ".encode(),
        "' OR 1=1 --",
        "{}",
    ],
)
@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_wrong_key_is_401(mock: Mock, header: str, value: Any) -> None:
    """An expired, unknown, malformed or prefixed key is refused as if there was none."""
    reply = mock("GET", "/organization/", key=None, headers={header: value})
    assert (reply.status, reply.body) == (401, INVALID_KEY)


def test_x_api_key_wins(mock: Mock) -> None:
    """With both headers `x-api-key` decides, for better or worse; an empty one counts as not sent."""
    for first, second, status in [(FULL, "bad", 200), ("bad", FULL, 401), ("", FULL, 200)]:
        headers = {"x-api-key": first, "authorization": second}
        assert mock("GET", "/organization/", key=None, headers=headers).status == status


def test_other_headers_hold_no_key(mock: Mock) -> None:
    """A key in a header, a query or a body that is none of the two is not looked for."""
    for header in ("capgkey", "apikey", "x-limited-key-id", "cookie"):
        assert mock("GET", "/organization/", key=None, headers={header: FULL}).status == 401
    assert mock("GET", f"/organization/?authorization={FULL}", key=None).status == 401


def test_the_key_comes_first(mock: Mock) -> None:
    """A request that is wrong in every way is refused for its key."""
    assert mock("POST", "/app/?x=1", raw=b"{", key="bad").status == 401


def test_a_key_works_until_it_expires(mock: Mock) -> None:
    """`expires_at` is the first moment at which a key is refused."""
    freeze(mock)
    key = new_key(mock, binding("org_member"), expires_at="2026-03-15T13:00:00Z")
    mock.universe.world.clock.advance(3599)
    assert mock("GET", "/organization/", key=key).status == 200
    mock.universe.world.clock.advance(1)
    assert mock("GET", "/organization/", key=key).status == 401


def test_a_hashed_key_does_all_that_a_plain_one_does(mock: Mock) -> None:
    """The hashed key of the default world sees what the plain one sees, in either header."""
    for path in ("/organization/", "/app/", f"/channel/?app_id={SHOP}", f"/organization/members/?orgId={ACME}"):
        assert mock.get(path, key=HASHED) == mock.get(path, key=FULL)
        assert mock.get(path, key=None, headers={"x-api-key": HASHED}) == mock.get(path, key=FULL)


# The permission table -----------------------------------------------------------------------------------------


ASSIGNABLE = [role.name for role in ROLES.values() if role.assignable]


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_permission_table(operation: Operation) -> None:
    """A key with one role is refused with 403 exactly where the table gives that role no such permission."""
    channel = 2 if operation.id == "linkDevice" else 1  # the channels that the examples are about
    for role in ASSIGNABLE:
        mock = fresh()
        key = new_key(mock, binding(role, channel=channel))
        before = stored(mock)
        reply = example(operation.id).to(mock, key=key)
        holds = role in PERMISSIONS[operation.permission or ""]
        assert (reply.status != 403) == holds, (role, reply)
        if not holds:
            assert stored(mock) == before, role
        elif (operation.id, role) == ("updateBundleMetadata", "app_preview"):
            assert reply.status == 400, "a preview key edits the bundles that it made, and no others"
        else:
            assert reply.status == 200, (role, reply)
        assert mock.universe.world.state.check() == []


def test_a_key_without_permission_learns_nothing_of_its_own_rights() -> None:
    """Whoever may authenticate gets figures of all apps that the key reads: none of them is an empty list."""
    for role in ASSIGNABLE:
        mock = fresh()
        key = new_key(mock, binding(role))
        reply = example("getUserStatistics").to(mock, key=key)
        assert reply.status == 200
        assert bool(reply.body) == (role in PERMISSIONS["app.read"]), role


@pytest.mark.parametrize("role", [role for role in ASSIGNABLE if ROLES[role].scope == "app"])
def test_an_app_role_ends_at_its_app(role: str) -> None:
    """A role on one app says nothing about another app of the same organization."""
    mock = fresh()
    mock.ok("POST", "/app/", {"app_id": "com.example.other", "name": "Other", "owner_org": ACME})
    mock.ok("POST", "/channel/", {"app_id": "com.example.other", "channel": "production"})
    key = new_key(mock, binding(role, app="com.example.other"))
    for operation in GUARDED:
        assert example(operation.id).to(mock, key=key).status == 403, operation.id


@pytest.mark.parametrize("role", [role for role in ASSIGNABLE if ROLES[role].scope == "channel"])
def test_a_channel_role_ends_at_its_channel(role: str) -> None:
    """A role on one channel says nothing about another channel of the same app."""
    mock = fresh()
    key = new_key(mock, binding(role, channel=3))
    for operation in GUARDED:
        assert example(operation.id).to(mock, key=key).status == 403, operation.id


@pytest.mark.parametrize("operation", [one for one in GUARDED if one.tag != "api-keys"], ids=named)
def test_a_foreign_thing_looks_like_none(operation: Operation) -> None:
    """What belongs to others and what does not exist get the same 403, so that nobody can probe for names."""
    mock = fresh()
    sent = example(operation.id)
    foreign = sent.about(ACME=GLOBEX, SHOP=COURIER)
    missing = sent.about(ACME=NOBODY, SHOP="com.example.nowhere")
    answers = [one.to(mock) for one in (foreign, missing)]
    assert [reply.status for reply in answers] == [403, 403]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_the_key_of_another_organization_is_refused(operation: Operation) -> None:
    """Full rights in one organization are none in another; keys of other people are not even there."""
    reply = example(operation.id).to(fresh(), key=ENTERPRISE)
    if operation.id in ("listApiKeys", "createApiKey"):
        expected = 200 if operation.id == "listApiKeys" else 403
    else:
        expected = 404 if operation.tag == "api-keys" else 403
    assert reply.status == expected, reply


def test_permission_comes_before_existence_and_after_the_contract(mock: Mock) -> None:
    """Somebody without the permission hears 400 for a broken request, and 403 whatever else is wrong."""
    bundle = {"app_id": SHOP, "version_id": 999, "channel_id": 999}
    assert mock("PUT", "/bundle/", bundle).status == 404
    assert mock("PUT", "/bundle/", bundle, key=READER).status == 403
    assert mock("PUT", "/bundle/", {**bundle, "extra": 1}, key=READER).status == 400
    assert mock("DELETE", "/bundle/", {"app_id": SHOP, "version": "7.7.7"}, key=UPLOADER).status == 403


def test_creating_a_channel_asks_for_the_app(mock: Mock) -> None:
    """A new channel takes `app.create_channel`; with a bundle on it, also the right to promote."""
    for role in ("app_developer", "app_uploader", "app_reader", "channel_admin", "org_admin", "org_member"):
        key = new_key(mock, binding(role))
        body = {"app_id": SHOP, "channel": f"new-{role}", "version": "1.0.0"}
        expected = 200 if role in PERMISSIONS["app.create_channel"] else 403
        assert mock("POST", "/channel/", body, key=key).status == expected, role


# Scope of what is listed --------------------------------------------------------------------------------------


def test_a_key_lists_what_it_is_bound_to(mock: Mock) -> None:
    """Organizations come from organization roles, apps from whatever role reads them."""
    organizations = {key: mock.get("/organization/", key=key)["data"] for key in (FULL, READER, UPLOADER, ENTERPRISE)}
    assert {key: [one["name"] for one in found] for key, found in organizations.items()} == {
        FULL: ["Acme"],
        READER: ["Acme"],
        UPLOADER: [],
        ENTERPRISE: ["Globex"],
    }
    apps = {key: mock.get("/app/", key=key)["data"] for key in (FULL, READER, UPLOADER, ENTERPRISE)}
    assert {key: [one["app_id"] for one in found] for key, found in apps.items()} == {
        FULL: [SHOP],
        READER: [SHOP],
        UPLOADER: [SHOP],
        ENTERPRISE: [COURIER],
    }


def test_an_organization_role_reaches_apps_made_later(mock: Mock) -> None:
    """A role on an organization holds for its future apps, a role on an app for that one only."""
    admin, developer = new_key(mock, binding("org_admin")), new_key(mock, binding("app_developer"))
    mock.ok("POST", "/app/", {"app_id": "com.example.later", "name": "Later", "owner_org": ACME})
    assert mock("GET", "/app/com.example.later", key=admin).status == 200
    assert mock("GET", "/app/com.example.later", key=developer).status == 403


# org.create ---------------------------------------------------------------------------------------------------


def test_creating_organizations_takes_the_global_permission(mock: Mock) -> None:
    """No role creates an organization; the refusal has the documented form of its own."""
    for key in (READER, UPLOADER, ENTERPRISE, HASHED, new_key(mock, binding("org_super_admin"))):
        reply = mock("POST", "/organization/", {"name": "Mine"}, key=key)
        assert (reply.status, reply.body) == (403, {"error": "permission_denied"})


def test_org_create_counts_while_its_key_is_an_admin(mock: Mock) -> None:
    """The global permission is good for as long as the key administers some organization."""
    key = new_key(mock, binding("org_admin"), global_permissions=["org.create"])
    mine = mock.ok("POST", "/organization/", {"name": "Mine"}, key=key)["id"]
    assert mock.get(f"/organization/?orgId={mine}", key=key)["data"]["name"] == "Mine"
    mock.ok("DELETE", f"/organization/?orgId={ACME}")
    mock.ok("DELETE", f"/organization/?orgId={mine}", key=key)
    reply = mock("POST", "/organization/", {"name": "Another"}, key=key)
    assert (reply.status, reply.body) == (403, {"error": "permission_denied"})


def test_org_create_needs_an_admin_binding(mock: Mock) -> None:
    """A key that administers no organization is not given the global permission in the first place."""
    for role in ("org_member", "app_admin", "org_billing_admin"):
        body = {"name": "k", "bindings": [binding(role)], "global_permissions": ["org.create"]}
        reply = mock("POST", "/apikey/", body)
        sentence = "org.create requires an org-scoped admin API key binding"
        assert (reply.status, reply.body) == (400, {"error": sentence, "status": "KO"})


def test_only_the_creating_key_gets_the_new_organization(mock: Mock) -> None:
    """Another key of the same owner does not see an organization that it did not create."""
    mine = mock.ok("POST", "/organization/", {"name": "Mine"})["id"]
    assert mock("GET", f"/organization/?orgId={mine}").status == 200
    assert mock("GET", f"/organization/?orgId={mine}", key=HASHED).status == 403


# Modes --------------------------------------------------------------------------------------------------------

READS = {operation.id for operation in GUARDED if operation.method == "GET" and operation.tag != "api-keys"}
UPLOADS = READS | {"createBundle", "setBundleChannel", "updateBundleMetadata"}
WRITES = UPLOADS | {"upsertChannel", "linkDevice", "deleteDeviceOverride", "updateApp"}
ALL = {operation.id for operation in GUARDED}
UNSAID = {"createApp", "updateOrganization"}
"""Whether `write` does these the documentation leaves open."""


def _modes_world(folder: Path) -> Mock:
    """The default world with a key of every mode, and no bindings for it."""
    document = json.loads((fixtures_dir() / "default.json").read_bytes())
    for mode in ("read", "upload", "write", "all"):
        limits = {"limited": {"limited_to_apps": [SHOP], "limited_to_orgs": [ACME]}, "free": {}}
        document["api_keys"] += [
            {"user": "dev@example.com", "name": name, "key": f"{name}-{mode}", "mode": mode, **lists}
            for name, lists in limits.items()
        ]
    file = folder / "modes.json"
    file.write_text(json.dumps(document))
    mock = Mock(limits="off", fixture=str(file))
    mock.universe.world.clock.set(mock.universe.world.clock.now(), 0)
    return mock


@pytest.mark.parametrize("made", ["seeded", "created"])
@pytest.mark.parametrize(
    ("mode", "may"),
    [("read", READS), ("upload", UPLOADS), ("write", WRITES), ("all", ALL)],
    ids=["read", "upload", "write", "all"],
)
def test_modes(tmp_path: Path, made: str, mode: str, may: set[str]) -> None:
    """`read` reads, `upload` also uploads and promotes, `write` also writes channels, devices and settings."""
    mock = _modes_world(tmp_path)
    key = f"free-{mode}" if made == "seeded" else new_key(mock, mode=mode)
    start = mock.universe.world.snapshot()
    wrong = []
    for operation in GUARDED:
        mock.universe.world.restore(start)
        allowed = example(operation.id).to(mock, key=key).status == 200
        if allowed != (operation.id in may) and not (mode == "write" and operation.id in UNSAID):
            wrong.append((operation.id, "may" if allowed else "may not"))
    assert wrong == []


@pytest.mark.parametrize("made", ["seeded", "created"])
def test_a_mode_is_limited_to_the_named_apps(tmp_path: Path, made: str) -> None:
    """With `limited_to_apps` a mode reaches these apps and no other; the organization stays visible."""
    mock = _modes_world(tmp_path)
    lists: dict[str, Any] = {"limited_to_apps": [SHOP], "limited_to_orgs": [ACME]}
    key = "limited-all" if made == "seeded" else new_key(mock, mode="all", **lists)
    mock.ok("POST", "/app/", {"app_id": "com.example.other", "name": "Other", "owner_org": ACME})
    assert [app["app_id"] for app in mock.get("/app/", key=key)["data"]] == [SHOP]
    assert mock("GET", "/app/com.example.other", key=key).status == 403
    assert mock("DELETE", "/app/com.example.other", key=key).status == 403
    assert [one["id"] for one in mock.get("/organization/", key=key)["data"]] == [ACME]
    assert mock("DELETE", f"/organization/?orgId={ACME}", key=key).status == 403


@pytest.mark.parametrize("made", ["seeded", "created"])
def test_an_unlimited_mode_reaches_what_comes_later(tmp_path: Path, made: str) -> None:
    """A key that is limited to nothing reaches apps that are made after it."""
    mock = _modes_world(tmp_path)
    key = "free-read" if made == "seeded" else new_key(mock, mode="read")
    mock.ok("POST", "/app/", {"app_id": "com.example.later", "name": "Later", "owner_org": ACME})
    assert mock("GET", "/app/com.example.later", key=key).status == 200


@pytest.mark.parametrize(
    "lists", [{"limited_to_apps": ["com.example.gone"]}, {"limited_to_orgs": ["gone"]}], ids=["app", "organization"]
)
def test_a_limit_outlives_what_it_names(mock: Mock, lists: dict[str, list[str]]) -> None:
    """A key that was limited to something deleted reaches nothing, and not everything."""
    gone = mock.ok("POST", "/organization/", {"name": "Gone"})["id"]
    mock.ok("POST", "/app/", {"app_id": "com.example.gone", "name": "Gone", "owner_org": gone})
    limits: Any = {name: [gone if item == "gone" else item for item in lists[name]] for name in lists}
    key = new_key(mock, mode="all", **limits)
    mock.ok("DELETE", f"/organization/?orgId={gone}")
    assert mock("GET", f"/app/{SHOP}", key=key).status == 403
    assert mock("DELETE", f"/organization/?orgId={ACME}", key=key).status == 403
    assert mock("GET", f"/app/{SHOP}").status == 200


def test_bindings_decide_where_there_are_any(mock: Mock) -> None:
    """A key with bindings and a mode may do what the bindings say, and is shown with the mode nearest to them."""
    made = mock.ok("POST", "/apikey/", {"name": "k", "mode": "all", "bindings": [binding("app_reader")]})["apikey"]
    assert mock("DELETE", f"/app/{SHOP}", key=made["key"]).status == 403
    assert made["mode"] == "read"
    assert mock.get(f"/apikey/{made['id']}/")["data"]["mode"] == "read"


def test_time_passes_on_the_worlds_clock(mock: Mock) -> None:
    """A frozen world's keys do not age; one that is set forward loses those that end in between."""
    freeze(mock)
    key = new_key(mock, binding("org_member"), expires_at="2026-03-16T12:00:00Z")
    mock.universe.world.clock.set(NOW + 86_399 * SECOND)
    assert mock("GET", "/organization/", key=key).status == 200
    mock.universe.world.clock.set(NOW + 86_400 * SECOND)
    assert mock("GET", "/organization/", key=key).status == 401


def test_every_permission_of_an_operation_is_in_the_table() -> None:
    """Each documented operation names a permission that some role holds, `org.create`, or none."""
    unguarded = {operation.id: operation.permission for operation in WITH_KEY if operation not in GUARDED}
    assert unguarded == {"createOrganization": "org.create", "getUserStatistics": None}
    assert BY_ID["getHealth"].live_rule is None
