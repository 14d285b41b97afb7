"""Bundles: versions, pages, encryption, promotion, metadata, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.world import (
    CRASHED,
    DEMO,
    DEMO_ORG,
    NO_ROWS,
    TEST2_ORG,
    TEST_USER,
    Live,
    database,
    error,
    key,
    no_access,
)

APP = "com.bundles.app"
URL = "https://cdn.example/b.zip"
# The expression that semver.org suggests.
SEMVER = re.compile(
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?\Z",
    re.ASCII,
)
NO_FORMAT = "Version must be valid semver format (e.g., 1.0.0, 1.0.0-alpha.1)"


@pytest.fixture
def app(world: Live) -> Iterator[Live]:
    """The world with an empty app."""
    world.make_app(APP)
    yield world


def body(**changes: Any) -> dict[str, Any]:
    """The body of a new bundle."""
    return {"app_id": APP, "version": "1.0.0", "external_url": URL, "checksum": "c", **changes}


def test_a_new_bundle(app: Live) -> None:
    """The whole row, and the same in the list."""
    made = app.ok("POST", "/bundle", body(comment="x", link="y", storage_provider="r2", min_update_version="1"))
    assert made["status"] == "success"
    row = made["bundle"]
    assert row == {
        "id": row["id"], "created_at": row["created_at"], "app_id": APP, "name": "1.0.0",
        "updated_at": row["created_at"], "deleted": False, "external_url": URL, "checksum": "c", "session_key": None,
        "storage_provider": "external", "min_update_version": None, "native_packages": None, "owner_org": DEMO_ORG,
        "user_id": TEST_USER, "r2_path": None, "manifest": None, "link": None, "comment": None, "manifest_count": 0,
        "key_id": None, "cli_version": None, "deleted_at": None, "created_by_apikey_rbac_id": None,
    }  # fmt: skip
    assert app.get(f"/bundle?app_id={APP}") == app.get(f"/bundle?app_id={APP}&version=other") == [row]


MISSING = [
    ("app_id", "missing_app_id"), ("version", "missing_version"), ("external_url", "missing_external_url"),
    ("checksum", "missing_checksum"),
]  # fmt: skip


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("value", [..., None, "", 0, False])
def test_what_a_bundle_needs(app: Live, first: int, value: Any) -> None:
    """In this order, before anything else; what is there and empty is echoed."""
    sent = {"app_id": APP, "version": "bad", "external_url": "http://x", "checksum": "c", "other": 1}
    for name, _ in MISSING[first:]:
        if value is ...:
            del sent[name]
        else:
            sent[name] = value
    name, code = MISSING[first]
    more = {} if value is ... else {name: value}
    app.expect(400, error(code, f"Missing required fields: {name}", more), "POST", "/bundle", sent, key=key(20))


PARTS = st.one_of(
    st.integers(0, 120).map(str), st.text("0019azAZ-", max_size=4), st.sampled_from(["", "00", "01", "-0"])
)
VERSIONS = st.one_of(
    st.lists(PARTS, min_size=1, max_size=4).map(".".join),
    st.builds(
        lambda core, pre, build: ".".join(core) + "".join("-" + p for p in pre) + "".join("+" + b for b in build),
        st.lists(st.integers(0, 12).map(str), min_size=3, max_size=3),
        st.lists(st.lists(PARTS, min_size=1, max_size=3).map(".".join), max_size=1),
        st.lists(st.lists(PARTS, min_size=1, max_size=3).map(".".join), max_size=2),
    ),
    st.text("0123.-+ v", min_size=1, max_size=8),
)
_SHARED = Live()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(VERSIONS)
def test_versions_are_those_of_semver(version: str) -> None:
    """Exactly what the expression of semver.org takes."""
    if not version:
        return
    reply = _SHARED("POST", "/bundle", body(version=version, app_id="com.nobodys.app"))
    if SEMVER.match(version):
        assert reply.body == error("cannot_create_bundle", "You can't access this app", {"app_id": "com.nobodys.app"})
    else:
        assert reply.body == error("invalid_version_format", NO_FORMAT, {"version": version})


@pytest.mark.parametrize(
    "version",
    ["1", "1.2", "1.2.3.4", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0+_b", "latest", "v1.0.0", "V1.0.0",
     " 1.0.0", "1.0.0 ", "1.0.0\n", "\t1.0.0", "^1.0.0", ">=1.0.0", "1.x.0", "builtin", "unknown", "1.0.0-a..b",
     "\u0661.0.0", "1.0.0-\u00e4", "1.0.0-\u0661"],
)  # fmt: skip
def test_what_is_no_version(world: Live, version: str) -> None:
    """Nothing around it, no leading zeros, three numbers."""
    world.expect(400, error("invalid_version_format", NO_FORMAT, {"version": version}), "POST", "/bundle",
                 body(version=version))  # fmt: skip


@pytest.mark.parametrize(
    "version", ["1.0.0-alpha.1+build.5", "0.0.0", "1.2.3----RC-SNAPSHOT.12.9.1--.12+788", "1.0.0+001", "1.0.0-0a",
                "99999999999999999999.0.0"]
)  # fmt: skip
def test_what_is_a_version(app: Live, version: str) -> None:
    """It is the bundle's name as it was sent."""
    assert app.ok("POST", "/bundle", body(version=version))["bundle"]["name"] == version


@pytest.mark.parametrize("version", [200, 1.5, True, ["1.0.0"], {"a": 1}])
def test_a_version_that_is_no_text(world: Live, sane: Live, version: Any) -> None:
    """A crash; without faults a fault of the body."""
    world.expect(500, CRASHED, "POST", "/bundle", body(version=version))
    reply = sane("POST", "/bundle", body(version=version))
    assert (reply.status, reply.body["error"]) == (400, "invalid_body")


@pytest.mark.parametrize("url", ["http://x", "HTTPS://x", "ftp://x", "x", " https://x", "https:/x", "//x"])
def test_addresses(app: Live, url: str) -> None:
    """They begin with `https://`, and that is all; the app comes first, the taken name later."""
    app.ok("POST", "/bundle", body(external_url="https://"))
    refusal = error("invalid_protocol", "External URL must use HTTPS protocol", {"external_url": url})
    app.expect(400, refusal, "POST", "/bundle", body(external_url=url))
    denied = error("cannot_create_bundle", "You can't access this app", {"app_id": APP})
    app.expect(400, denied, "POST", "/bundle", body(external_url=url), key=key(10))


def test_names_are_taken(app: Live) -> None:
    """By a living bundle, and in other words by a deleted one; each app has its own names."""
    app.ok("POST", "/bundle", body())
    taken = error("version_already_exists", "Version already exists", {"version": "1.0.0"})
    app.expect(400, taken, "POST", "/bundle", body())
    app.ok("DELETE", f"/bundle?app_id={APP}&version=1.0.0")
    violated = 'duplicate key value violates unique constraint "app_versions_name_app_id_key"'
    held = error("cannot_create_bundle", "Cannot create bundle", {"supabaseError": database("23505", violated)})
    app.expect(400, held, "POST", "/bundle", body())
    app.ok("POST", "/bundle", body(version="1.0.0+other"))
    app.make_app("com.other.app")
    app.ok("POST", "/bundle", body(app_id="com.other.app"))


def test_values_that_are_kept_as_text(app: Live) -> None:
    """What is only stored is stored as text; a key id has up to 20 characters."""
    row = app.ok("POST", "/bundle", body(checksum=12, session_key="s", key_id="k" * 20))["bundle"]
    assert (row["checksum"], row["session_key"], row["key_id"]) == ("12", "s", "k" * 20)
    # Lists and objects are truthy also when they are empty: they pass for a checksum, and are kept as their JSON.
    for version, sent, kept in (
        ("8.0.0", [], "[]"),
        ("8.1.0", {}, "{}"),
        ("8.2.0", [1, {"a": None}], '[1,{"a":null}]'),
    ):
        row = app.ok("POST", "/bundle", body(version=version, checksum=sent))["bundle"]
        assert row["checksum"] == kept
    long = database("22001", "value too long for type character varying(20)")
    refusal = error("cannot_create_bundle", "Cannot create bundle", {"supabaseError": long})
    app.expect(400, refusal, "POST", "/bundle", body(version="2.0.0", key_id="k" * 21))


REQUIRED = (
    "This organization requires all bundles to be encrypted. Please upload an encrypted bundle with a session_key."
)
NO_KEY_ID = (
    "This organization requires bundles to be encrypted with a specific key."
    " The uploaded bundle does not have a key_id."
)
WRONG_KEY = (
    "This organization requires bundles to be encrypted with a specific key."
    " The uploaded bundle was encrypted with a different key."
)


@pytest.mark.parametrize("required", [None, "a" * 20, "a" * 20 + "b"])
def test_an_organization_that_wants_encryption(app: Live, required: str | None) -> None:
    """No session key, no key id, another key: each has its words. A name that is taken comes after them."""
    app.ok("POST", "/bundle", body(version="0.0.1"))
    change = {"orgId": DEMO_ORG, "enforce_encrypted_bundles": True, "required_encryption_key": required}
    app.ok("PUT", "/organization", change)
    flag: dict[str, Any] = {"enforce_encrypted_bundles": True}
    app.expect(400, error("encryption_required", REQUIRED, flag), "POST", "/bundle", body(version="0.0.1"))
    app.expect(400, error("encryption_required", REQUIRED, flag), "POST", "/bundle", body(session_key=""))
    if required is None:
        app.ok("POST", "/bundle", body(session_key="s"))
        return
    flag["required_encryption_key"] = True
    app.expect(400, error("encryption_key_required", NO_KEY_ID, flag), "POST", "/bundle", body(session_key="s"))
    prefix = {**flag, "expected_key_prefix": "aaaa..."}
    for wrong in ("b" * 20, "a" * 19, "a"):
        app.expect(400, error("encryption_key_mismatch", WRONG_KEY, prefix), "POST", "/bundle",
                   body(session_key="s", key_id=wrong))  # fmt: skip
    app.ok("POST", "/bundle", body(session_key="s", key_id="a" * 20))


# Pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 50, 51, 104])
def test_pages(app: Live, sane: Live, count: int) -> None:
    """Page 0 has 50 rows, every later one all that is left of its window: 500, 950, at most a thousand."""
    for mock in (app, sane):
        if mock is sane:
            mock.make_app(APP)
        names = [f"1.0.{number}" for number in range(count)]
        for name in names:
            mock.make_bundle(APP, name)
        newest = names[::-1]
        for page in range(4):
            reply = mock("GET", f"/bundle?app_id={APP}&page={page}")
            expected = newest[50 * page : 50 * page + (50 if mock is sane or page == 0 else 1000)]
            if expected or mock is sane:
                assert [row["name"] for row in reply.body] == expected
            else:
                nothing = error("cannot_get_bundle", "Cannot get bundle", {"supabaseError": None})
                assert (reply.status, reply.body) == (400, nothing)


def test_a_page_as_a_number_has_fifty_rows(app: Live) -> None:
    """The window is only miscounted in text."""
    for number in range(104):
        app.make_bundle(APP, f"1.0.{number}")
    for page, size in ((0, 50), (1, 50), (2, 4)):
        assert len(app("GET", "/bundle", {"app_id": APP, "page": page}).body) == size
    assert len(app.get(f"/bundle?app_id={APP}&page=")) == 50


# Promotion ----------------------------------------------------------------------------------------------


def test_promoting(app: Live) -> None:
    """Numbers or numeric text, as often as one likes; the rollout goes on, the deployment is noted when it changed."""
    first, second = app.make_bundle(APP, "1.0.0"), app.make_bundle(APP, "1.1.0")
    channel = app.set_channel(APP, "c", version="1.0.0")
    app.set_channel(APP, "c", rolloutVersion="1.1.0", rolloutPercentage=5, rolloutEnabled=True)
    before = app.channel(APP, "c")
    deployments = len(app.universe.world.state.deployments)
    done = {"status": "success", "message": "Bundle 1.1.0 set to channel c"}
    for sent in ({"version_id": second, "channel_id": channel["id"]},
                 {"version_id": str(second), "channel_id": str(channel["id"])}):  # fmt: skip
        app.expect(200, done, "PUT", "/bundle", {"app_id": APP, **sent})
    after = app.channel(APP, "c")
    assert after == {**before, "version": {"id": second, "name": "1.1.0"}, "updated_at": after["updated_at"]}
    assert after["rollout_id"] == before["rollout_id"]
    assert len(app.universe.world.state.deployments) == deployments + 1
    app.ok("PUT", "/bundle", {"app_id": APP, "version_id": first, "channel_id": channel["id"]})
    assert len(app.universe.world.state.deployments) == deployments + 2


def test_what_promotion_needs(app: Live) -> None:
    """Three values; the bundle is looked for before the channel."""
    version = app.make_bundle(APP, "1.0.0")
    channel = app.set_channel(APP, "c")["id"]
    good = {"app_id": APP, "version_id": version, "channel_id": channel}
    for name in good:
        for value in (..., None, 0, ""):
            sent = {**good, name: value}
            if value is ...:
                del sent[name]
            refusal = error("missing_required_fields", "Missing required fields", sent)
            app.expect(400, refusal, "PUT", "/bundle", {**sent, "x": 1})
    no_version = error("cannot_find_version", "Cannot find version")
    no_channel = error("cannot_find_channel", "Cannot find channel")
    app.expect(400, no_version, "PUT", "/bundle", {**good, "version_id": 3})
    app.expect(400, no_version, "PUT", "/bundle", {**good, "version_id": 999999, "channel_id": 999999})
    app.expect(400, no_channel, "PUT", "/bundle", {**good, "channel_id": 999999})
    app.expect(400, no_channel, "PUT", "/bundle", {**good, "channel_id": 1})
    for wrong in ("abc", "1.5"):
        text = {"error": f'invalid input syntax for type bigint: "{wrong}"'}
        refusal = error("cannot_set_bundle_to_channel", "Cannot set bundle to channel", text)
        app.expect(400, refusal, "PUT", "/bundle", {**good, "version_id": wrong})
        app.expect(400, refusal, "PUT", "/bundle", {**good, "channel_id": wrong})
        denied = no_access(app_id=APP, channel_id=wrong)
        app.expect(400, denied, "PUT", "/bundle", {**good, "channel_id": wrong}, key=key(10))
    app.ok("DELETE", f"/bundle?app_id={APP}&version=1.0.0")
    app.expect(400, no_version, "PUT", "/bundle", good)


def test_a_missing_bundle_is_told_before_a_malformed_channel(app: Live) -> None:
    """The bundle is looked up first, whatever the channel's id is."""
    body = {"app_id": APP, "version_id": 999999, "channel_id": "abc"}
    app.expect(400, error("cannot_find_version", "Cannot find version"), "PUT", "/bundle", body)


# Metadata -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [{"link": "l"}, {"comment": "c"}, {"link": None, "comment": ""}, {"link": 5}, {"link": "not a url"}]
)
def test_metadata(app: Live, sent: dict[str, Any]) -> None:
    """Link and comment, unchecked, null and empty too; of deleted bundles as well."""
    number = app.make_bundle(APP, "1.0.0")
    stored = {name: None if value is None else str(value) for name, value in sent.items()}
    for _ in range(2):
        app.expect(200, {"status": "ok"}, "POST", "/bundle/metadata", {"app_id": APP, "version_id": number, **sent})
        (row,) = app.get(f"/bundle?app_id={APP}")
        assert row | stored == row
    app.ok("DELETE", f"/bundle?app_id={APP}&version=1.0.0")
    app.ok("POST", "/bundle/metadata", {"app_id": APP, "version_id": str(number), **sent})


def test_metadata_refused(app: Live) -> None:
    """Values, app, right, bundle, fields: in this order."""
    number = app.make_bundle(APP, "1.0.0")
    path = "/bundle/metadata"
    for sent in (
        {"version_id": number},
        {"app_id": APP},
        {"app_id": APP, "version_id": 0},
        {"app_id": "", "version_id": 1},
    ):
        app.expect(
            400, error("missing_required_fields", "Missing required fields", sent), "POST", path, {**sent, "x": 1}
        )
    denied = error("cannot_update_bundle_metadata", "You can't update metadata for this app", {"app_id": APP})
    app.expect(400, denied, "POST", path, {"app_id": APP, "version_id": "abc"}, key=key(10))
    missing = error("cannot_find_version", "Cannot find version", {"supabaseError": NO_ROWS})
    for other in (3, 999999):
        app.expect(400, missing, "POST", path, {"app_id": APP, "version_id": other})
    malformed = database("22P02", 'invalid input syntax for type bigint: "abc"')
    app.expect(400, error("cannot_find_version", "Cannot find version", {"supabaseError": malformed}), "POST", path,
               {"app_id": APP, "version_id": "abc"})  # fmt: skip
    nothing = error("no_fields_to_update", "No fields to update")
    app.expect(400, nothing, "POST", path, {"app_id": APP, "version_id": number, "other": 1})


# Deletion -----------------------------------------------------------------------------------------------


def test_deleting(app: Live) -> None:
    """A bundle in use stays, as stable one and as rollout target; a deleted one is gone from lists."""
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        app.make_bundle(APP, version)
    app.set_channel(APP, "c", version="1.0.0")
    app.set_channel(APP, "c", rolloutVersion="1.1.0")
    for version in ("1.0.0", "1.1.0"):
        linked = error("cannot_delete_linked_version", "Cannot delete a bundle linked to a channel",
                       {"app_id": APP, "version": version})  # fmt: skip
        app.expect(400, linked, "DELETE", f"/bundle?app_id={APP}&version={version}")
    app.expect(200, {"status": "ok"}, "DELETE", "/bundle", {"app_id": APP, "version": "1.2.0"})
    gone = error("cannot_delete_version", "Cannot delete version", {"supabaseError": NO_ROWS})
    for version in ("1.2.0", "9.9.9", "x"):
        app.expect(400, gone, "DELETE", "/bundle", {"app_id": APP, "version": version})
    assert [row["name"] for row in app.get(f"/bundle?app_id={APP}")] == ["1.3.0", "1.1.0", "1.0.0"]
    for _ in range(2):
        app.expect(200, {"status": "ok"}, "DELETE", f"/bundle?app_id={APP}")
        assert [row["name"] for row in app.get(f"/bundle?app_id={APP}")] == ["1.1.0", "1.0.0"]
    app.ok("DELETE", f"/channel?app_id={APP}&channel=c")
    app.ok("DELETE", f"/bundle?app_id={APP}")
    assert app("GET", f"/bundle?app_id={APP}").status == 400


def test_an_app_that_another_organization_owns(world: Live) -> None:
    """A bundle belongs to the organization of its app, and to the user of its key."""
    world.make_app(APP, TEST2_ORG)
    row = world.ok("POST", "/bundle", body())["bundle"]
    assert (row["owner_org"], row["user_id"]) == (TEST2_ORG, TEST_USER)
    assert world("GET", f"/bundle?app_id={DEMO}", key=key(24)).status == 400
