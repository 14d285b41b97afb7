"""The documentation from end to end: each documented request and its answer, what HTTP adds to every operation, and
long lives in which nothing is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mock_capgo.operations import OPERATIONS
from tests.conftest import ACME, FULL, SHOP, Mock
from tests.test_access import DOCUMENTED, NOW, example, freeze, fresh, generated, named, stored

OK = {"status": "ok"}
ORIGINS = ["https://console.capgo.app", "http://localhost:5173", "capacitor://localhost", "ionic://localhost"]

# What the documented request of each operation is answered in the default world. The values of lists and of single
# things are held to the documentation, member by member, in the tests of each resource.
ANSWERS: dict[str, Any] = {
    "getHealth": OK,
    "postHealth": OK,
    "createOrganization": {"status": "ok", "id": "e3e70682-c209-4cac-a29f-6fbed82c07cd"},
    "updateOrganization": {
        "status": "Organization updated",
        "data": {"id": ACME, "name": "Example Shop International", "management_email": "dev@example.com"},
    },
    "deleteOrganization": OK,
    "upsertOrganizationMember": {
        "status": "OK",
        "data": {
            "uid": "0c0ffee0-0000-4000-8000-00000000b009",
            "email": "new.member@example.com",
            "image_url": None,
            "role": "invite_write",
        },
    },
    "deleteOrganizationMember": {"status": "OK"},
    "deleteApp": OK,
    "deleteApiKey": {"success": True},
    "upsertChannel": OK,
    "deleteChannel": OK,
    "linkDevice": OK,
    "deleteDeviceOverride": OK,
    "createBundle": OK,
    "setBundleChannel": {"status": "success", "message": "Bundle 1.2.0 set to channel production"},
    "deleteBundle": OK,
    "updateBundleMetadata": {"status": "success"},
}
SHAPES: dict[str, Any] = {
    "getOrganizations": {"data": dict},
    "listOrganizationMembers": {"data": list},
    "listApps": {"data": list},
    "getApp": {"data": dict},
    "listApiKeys": {"data": list},
    "getApiKey": {"data": dict},
    "createApiKey": {"apikey": dict},
    "updateApiKey": {"apikey": dict},
    "updateApiKeyByBody": {"apikey": dict},
    "listBundles": {"data": list},
    "getAppBundleUsage": {"labels": list, "datasets": list},
}


@pytest.mark.parametrize("operation", DOCUMENTED, ids=named)
def test_the_documented_request(mock: Mock, operation: Any) -> None:
    """The request that the documentation shows is answered as it says, and leaves a sound state."""
    freeze(mock)
    reply = example(operation.id).to(mock)
    assert reply.status == 200, reply
    if operation.id in ANSWERS:
        assert reply.body == ANSWERS[operation.id]
    if operation.id in SHAPES:
        assert {name: type(value) for name, value in reply.body.items()} == SHAPES[operation.id]
    assert mock.universe.world.state.check() == []


def test_every_documented_answer_is_looked_at() -> None:
    """Operations whose answer is told neither here nor by shape are the ones that their own tests spell out."""
    elsewhere = {operation.id for operation in DOCUMENTED} - ANSWERS.keys() - SHAPES.keys()
    assert elsewhere == {
        "createApp",
        "updateApp",
        "listChannels",
        "getDevices",
        "getAppStatistics",
        "getOrganizationStatistics",
        "getUserStatistics",
    }


@pytest.mark.parametrize("operation", [one for one in DOCUMENTED if one.method == "GET"], ids=named)
def test_reading_changes_nothing(operation: Any) -> None:
    """A GET gives the same answer twice, and stores nothing."""
    mock = fresh()
    before = stored(mock)
    first, second = example(operation.id).to(mock), example(operation.id).to(mock)
    assert first.body == second.body
    assert stored(mock) == before


# What HTTP adds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", DOCUMENTED, ids=named)
def test_the_trailing_slash_does_not_matter(operation: Any) -> None:
    """Every path is served with and without the slash at its end, with the same answer and the same effect."""
    sent = example(operation.id)
    path, _, query = sent.path.partition("?")
    seen = []
    for form in (path.rstrip("/"), path.rstrip("/") + "/"):
        mock = fresh()
        reply = mock(sent.method, f"{form}?{query}" if query else form, sent.body)
        seen.append((reply.status, reply.body, stored(mock)))
    assert seen[0] == seen[1]
    assert seen[0][0] == 200


@pytest.mark.parametrize("operation", [one for one in DOCUMENTED if one.method == "GET"], ids=named)
@pytest.mark.parametrize("key", [FULL, "wrong"], ids=["good key", "wrong key"])
def test_head_is_get_without_the_body(operation: Any, key: str) -> None:
    """HEAD has the status and the headers of GET, the length of what is left out among them, and no body."""
    mock = fresh()
    headers = {"x-request-id": "one-and-the-same"}
    got = mock("GET", example(operation.id).path, key=key, headers=headers)
    head = mock("HEAD", example(operation.id).path, key=key, headers=headers)
    assert head.body is None
    assert head.status == got.status
    length = head.headers.pop("content-length", got.headers["content-length"])
    assert length == got.headers.pop("content-length")
    assert head.headers == got.headers


@pytest.mark.parametrize(
    "path", [*sorted({operation.path for operation in OPERATIONS if operation.documented}), "/nowhere"]
)
def test_options_need_no_key(path: str) -> None:
    """OPTIONS is answered 204 on any path, known or not, with what a browser asks for and no body."""
    for key in (FULL, None):
        for origin in ORIGINS:
            reply = fresh()("OPTIONS", path, key=key, headers={"origin": origin})
            assert (reply.status, reply.body) == (204, None)
            assert reply.headers["access-control-allow-origin"] == origin
            assert "PUT" in reply.headers["access-control-allow-methods"]
            assert {"authorization", "content-type", "x-api-key"} <= {
                name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")
            }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://capgo.app.evil.example", "null", "http://localhost.evil"]
)
def test_foreign_pages_are_not_let_in(mock: Mock, origin: str) -> None:
    """A page from anywhere else gets its answer without the header that would let it read it."""
    for method in ("GET", "OPTIONS"):
        reply = mock(method, "/app/", headers={"origin": origin})
        assert "access-control-allow-origin" not in reply.headers
        assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize("operation", DOCUMENTED, ids=named)
def test_every_answer_lets_the_console_read_it(operation: Any) -> None:
    """Answers, refusals among them, carry the origin that asked, and never a star."""
    for key in (FULL, "wrong"):
        reply = example(operation.id).to(fresh(), key=key, headers={"origin": ORIGINS[0]})
        assert reply.headers["access-control-allow-origin"] == ORIGINS[0]
        assert reply.headers["content-type"] == "application/json"


def test_a_body_too_large_lets_the_console_read_it(mock: Mock) -> None:
    """The refusal of a large body can be read by a page like any other."""
    reply = mock("POST", "/app/", raw=b" " * (1024 * 1024 + 1), headers={"origin": ORIGINS[0]})
    assert reply.status == 413
    assert reply.headers["access-control-allow-origin"] == ORIGINS[0]


def test_a_request_id_comes_back(mock: Mock) -> None:
    """A client's own id is echoed, on refusals too; one that is none is replaced, and every answer has one."""
    for path, key in (("/app/", FULL), ("/app/", "wrong"), ("/nowhere", FULL), ("/ok", FULL)):
        assert mock("GET", path, key=key, headers={"x-request-id": "run_7-a="}).headers["x-request-id"] == "run_7-a="
        for bad in ("a b", "a" * 256, "%", "<script>"):
            found = mock("GET", path, key=key, headers={"x-request-id": bad}).headers["x-request-id"]
            assert found != bad
            assert len(found) == 36
    assert mock("GET", "/ok").headers["x-request-id"] != mock("GET", "/ok").headers["x-request-id"]
    assert mock("OPTIONS", "/ok", headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"


# Long lives -------------------------------------------------------------------------------------------------


def test_a_release_from_the_first_key_to_the_last_deletion(mock: Mock) -> None:
    """What a team does in a year, one call after the other, each seeing what those before it did."""
    org = mock.ok("POST", "/organization/", {"name": "Labs"})["id"]
    mock.ok("POST", "/organization/members/", {"orgId": org, "email": "sam@example.com", "role": "write"})
    app = {"app_id": "com.example.labs"}
    mock.ok("POST", "/app/", {**app, "name": "Labs", "owner_org": org})
    role = {"role_name": "app_developer", "scope_type": "app", "org_id": org, **app}
    ci = mock.ok("POST", "/apikey/", {"name": "CI", "bindings": [role]})["apikey"]
    key = ci["key"]
    mock.ok("POST", "/channel/", {**app, "channel": "production", "public": True}, key=key)
    mock.ok("POST", "/channel/", {**app, "channel": "beta"}, key=key)
    for version in ("1.0.0", "1.1.0", "1.2.0-rc.1"):
        bundle = {**app, "version": version, "external_url": f"https://cdn.example.com/{version}.zip", "checksum": "c"}
        mock.ok("POST", "/bundle/", bundle, key=key)
    bundles = {one["name"]: one["id"] for one in mock.get("/bundle/?app_id=com.example.labs", key=key)["data"]}
    channels = {one["name"]: one["id"] for one in mock.get("/channel/?app_id=com.example.labs", key=key)}
    for version, channel in (("1.0.0", "production"), ("1.2.0-rc.1", "beta"), ("1.1.0", "production")):
        promotion = {**app, "version_id": bundles[version], "channel_id": channels[channel]}
        answer = mock.ok("PUT", "/bundle/", promotion, key=key)
        assert answer["message"] == f"Bundle {version} set to channel {channel}"
    mock.ok("POST", "/device/", {**app, "device_id": "A-Phone", "channel": "beta"}, key=key)
    assert mock.get("/app/com.example.labs", key=key)["data"]["last_version"] == "1.2.0-rc.1"
    assert mock("DELETE", "/bundle/", {**app, "version": "1.0.0"}, key=key).status == 403
    mock.ok("DELETE", "/bundle/", {**app})
    left = {one["name"] for one in mock.get("/bundle/?app_id=com.example.labs")["data"]}
    assert left == {"1.2.0-rc.1", "1.1.0"}
    mock.ok("DELETE", f"/apikey/{ci['id']}/")
    assert mock("GET", "/app/com.example.labs", key=key).status == 401
    mock.ok("DELETE", "/channel/", {**app, "channel": "beta"})
    mock.ok("DELETE", "/organization/members/", {"orgId": org, "email": "sam@example.com"})
    mock.ok("DELETE", "/app/com.example.labs")
    assert mock.get(f"/app/?org_id={org}") == {"data": []}
    mock.ok("DELETE", f"/organization/?orgId={org}")
    mock.universe.world.clock.advance(60)
    assert [one["name"] for one in mock.get("/organization/")["data"]] == ["Acme"]
    assert mock.universe.world.state.check() == []


def test_deletions_leave_nothing_behind(mock: Mock) -> None:
    """What was made and deleted again leaves the world as it was: numbers, the log and tombstones aside."""
    freeze(mock)
    aside = {"sequences", "audit_logs", "tombstones", "used_org_ids", "jobs", "subscriptions"}
    before = {name: value for name, value in stored(mock).items() if name not in aside}
    org = mock.ok("POST", "/organization/", {"name": "Labs"})["id"]
    mock.ok("POST", "/app/", {"app_id": "com.example.labs", "name": "Labs", "owner_org": org})
    mock.ok("POST", "/channel/", {"app_id": "com.example.labs", "channel": "production", "public": True})
    body = {"app_id": "com.example.labs", "version": "1.0.0", "external_url": "https://x.example/a", "checksum": "c"}
    mock.ok("POST", "/bundle/", body)
    mock.ok("POST", "/channel/", {"app_id": "com.example.labs", "channel": "production", "version": "1.0.0"})
    mock.ok("POST", "/channel/", {"app_id": "com.example.labs", "channel": "beta"})
    mock.ok("POST", "/device/", {"app_id": "com.example.labs", "device_id": "x", "channel": "beta"})
    mock.ok("DELETE", f"/organization/?orgId={org}")
    mock.universe.world.clock.set(NOW + 60_000_000, 0)
    mock.get("/ok")
    assert {name: value for name, value in stored(mock).items() if name not in aside} == before


VERSIONS = ["1.0.0", "1.1.0", "2.0.0", "2.0.0-beta.1"]
APPS = ["com.example.one", "com.example.two"]
CHANNELS = ["production", "beta", "dev"]


class Shop(RuleBasedStateMachine):
    """Apps, bundles and channels as a model of plain dictionaries, and the mock beside it."""

    @initialize()
    def start(self) -> None:
        self.mock = fresh()
        self.versions: dict[str, dict[str, str]] = {}
        """App -> version -> `there` or `deleted`."""
        self.channels: dict[str, dict[str, str | None]] = {}
        """App -> channel -> its stable bundle."""
        self.public: dict[str, str | None] = {}

    def status(self, method: str, path: str, body: Any = None) -> int:
        """Send a request, and give the status of the answer."""
        return self.mock(method, path, body).status

    @rule(app=st.sampled_from(APPS))
    def create_app(self, app: str) -> None:
        expected = 400 if app in self.versions else 200
        assert self.status("POST", "/app/", {"app_id": app, "name": "x", "owner_org": ACME}) == expected
        if expected == 200:
            self.versions[app], self.channels[app], self.public[app] = {}, {}, None

    @rule(app=st.sampled_from(APPS))
    def delete_app(self, app: str) -> None:
        expected = 200 if app in self.versions else 403
        assert self.status("DELETE", f"/app/{app}") == expected
        self.versions.pop(app, None)
        self.channels.pop(app, None)

    @rule(app=st.sampled_from(APPS), version=st.sampled_from(VERSIONS))
    def create_bundle(self, app: str, version: str) -> None:
        body = {"app_id": app, "version": version, "external_url": "https://x.example/a.zip", "checksum": "c"}
        expected = 403 if app not in self.versions else 400 if version in self.versions[app] else 200
        assert self.status("POST", "/bundle/", body) == expected
        if expected == 200:
            self.versions[app][version] = "there"

    @rule(app=st.sampled_from(APPS), version=st.sampled_from(VERSIONS))
    def delete_bundle(self, app: str, version: str) -> None:
        there = self.versions.get(app, {}).get(version) == "there"
        used = version in self.channels.get(app, {}).values()
        expected = 403 if app not in self.versions else 404 if not there else 400 if used else 200
        assert self.status("DELETE", "/bundle/", {"app_id": app, "version": version}) == expected
        if expected == 200:
            self.versions[app][version] = "deleted"

    @rule(app=st.sampled_from(APPS))
    def delete_all_bundles(self, app: str) -> None:
        assert self.status("DELETE", "/bundle/", {"app_id": app}) == (200 if app in self.versions else 403)
        for version in self.versions.get(app, {}):
            if version not in self.channels[app].values():
                self.versions[app][version] = "deleted"

    @rule(
        app=st.sampled_from(APPS),
        name=st.sampled_from(CHANNELS),
        version=st.sampled_from([*VERSIONS, None]),
        public=st.sampled_from([True, False, None]),
    )
    def write_channel(self, app: str, name: str, version: str | None, public: bool | None) -> None:
        body: dict[str, Any] = {"app_id": app, "channel": name, "version": version}
        body |= {} if public is None else {"public": public}
        known = version is None or self.versions.get(app, {}).get(version) == "there"
        expected = 403 if app not in self.versions else 200 if known else 404
        assert self.status("POST", "/channel/", body) == expected
        if expected == 200:
            self.channels[app][name] = version
            if public:
                self.public[app] = name
            elif public is False and self.public[app] == name:
                self.public[app] = None

    @rule(app=st.sampled_from(APPS), name=st.sampled_from(CHANNELS))
    def delete_channel(self, app: str, name: str) -> None:
        expected = 403 if app not in self.channels else 404 if name not in self.channels[app] else 200
        assert self.status("DELETE", "/channel/", {"app_id": app, "channel": name}) == expected
        if expected == 200:
            del self.channels[app][name]
            self.public[app] = None if self.public[app] == name else self.public[app]

    @precondition(lambda self: any(self.channels.get(app) and self.versions.get(app) for app in self.versions))
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        app = data.draw(
            st.sampled_from(sorted(app for app in self.versions if self.channels[app] and self.versions[app]))
        )
        name = data.draw(st.sampled_from(sorted(self.channels[app])))
        version = data.draw(st.sampled_from(sorted(self.versions[app])))
        state = self.mock.universe.world.state
        bundle, channel = state.bundles.first("name", (app, version)), state.channels.first("name", (app, name))
        assert bundle is not None
        assert channel is not None
        body = {"app_id": app, "version_id": bundle.id, "channel_id": channel.id}
        expected = 200 if self.versions[app][version] == "there" else 404
        assert self.status("PUT", "/bundle/", body) == expected
        if expected == 200:
            self.channels[app][name] = version

    @invariant()
    def lists_agree(self) -> None:
        if not hasattr(self, "mock"):
            return
        apps = {one["app_id"] for one in self.mock.get("/app/")["data"]} - {SHOP}
        assert apps == self.versions.keys()
        for app in apps:
            bundles = {one["name"] for one in self.mock.get(f"/bundle/?app_id={app}")["data"]}
            assert bundles == {version for version, state in self.versions[app].items() if state == "there"}
            channels = self.mock.get(f"/channel/?app_id={app}")
            assert {one["name"]: one["version"] and one["version"]["name"] for one in channels} == self.channels[app]
            assert [one["name"] for one in channels if one["public"]] == [self.public[app]] * (
                self.public[app] is not None
            )
        assert self.mock.universe.world.state.check() == []


TestShop = Shop.TestCase
TestShop.settings = generated(15)
