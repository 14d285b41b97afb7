"""What a device has to send: the order of the refusals, the issues, and where the service dies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.device_api.actions import ACTIONS
from mock_capgo.quirks import LIVE_WITHOUT_FAULTS
from tests.device_api.conftest import DEVICE, Bench, said_by

WITH_BODY = [
    ("POST", "/updates"),
    ("POST", "/updates/manifest_size"),
    ("POST", "/channel_self"),
    ("PUT", "/channel_self"),
]
ALL_WITH_BODY = [*WITH_BODY, ("POST", "/stats")]


def _issues(reply: Any) -> list[tuple[str, str]]:
    assert reply.status == 400, reply
    error = reply.body["moreInfo"]["parseResult"]["error"]
    assert error["name"] == "SchemaError"
    assert all(issue["code"] == "custom" and len(issue["path"]) == 1 for issue in error["issues"])
    return [(issue["path"][0], issue["message"]) for issue in error["issues"]]


@pytest.mark.parametrize(("method", "path"), ALL_WITH_BODY)
@pytest.mark.parametrize("raw", [b"", b"nope", b"{"])
def test_a_body_that_is_no_json(bench: Bench, method: str, path: str, raw: bytes) -> None:
    """Anything but JSON is refused before all else, an empty body too."""
    reply = bench.send(method, path, raw=raw)
    assert reply.status == 400
    assert reply.body == {"error": "invalid_json_parse_body", "message": "Invalid JSON body", "moreInfo": {"e": {}}}


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("body", [{}, [], 7, True, ""])
def test_an_empty_body(bench: Bench, method: str, path: str, body: Any) -> None:
    """JSON without members is no check-in, and is sent back."""
    reply = bench.send(method, path, body)
    assert (reply.status, reply.body["error"]) == (400, "invalid_json_body")
    assert reply.body["moreInfo"] == {"body": body}


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("body", ["text", [1], {"a": 1}, {"device_id": ""}, {"device_id": None, "app_id": "a.b"}])
def test_a_body_without_device(bench: Bench, method: str, path: str, body: Any) -> None:
    """The device id is missed before the app id, and whatever stands there is sent back."""
    reply = bench.send(method, path, body)
    assert (reply.status, reply.body["error"]) == (400, "missing_device_id")
    assert reply.body["moreInfo"] == {"body": body}


def test_the_order_of_the_refusals(bench: Bench) -> None:
    """Device id, app id, native version, fields: a body with all four faults shows them one after the other."""
    body = said_by(version_build="abc", platform="web", app_id="")
    assert bench.send("POST", "/updates", {**body, "device_id": ""}).body["error"] == "missing_device_id"
    missing = bench.send("POST", "/updates", {**body, "device_id": DEVICE.upper()})
    assert missing.body["error"] == "missing_app_id"
    assert missing.body["moreInfo"]["body"]["device_id"] == DEVICE
    semver = bench.send("POST", "/updates", {**body, "app_id": "x"})
    assert semver.body["error"] == "semver_error"
    assert semver.body["message"].startswith("Native version: abc doesn't follow semver convention")
    assert semver.body["moreInfo"] == {"version_build": "abc"}
    fields = bench.send("POST", "/updates", {**body, "app_id": "x", "version_build": "1"})
    assert [path for path, _ in _issues(fields)] == ["app_id", "platform"]


def test_all_faults_of_an_update_check_at_once(bench: Bench) -> None:
    """Every field has one issue at most, in the order of the table."""
    body = {
        "device_id": "x", "app_id": "y", "is_emulator": "a", "is_prod": "b", "defaultChannel": None,
        "install_source": 5, "key_id": "k" * 21,
    }  # fmt: skip
    assert _issues(bench.send("POST", "/updates", body)) == [
        ("app_id", "App ID must be a reverse domain string"),
        ("device_id", "Device ID must be a valid UUID string"),
        ("version_name", "Version name is required"),
        ("version_build", "Version build is required"),
        ("is_emulator", "is_emulator must be a boolean"),
        ("is_prod", "is_prod must be a boolean"),
        ("platform", "Platform is required"),
        ("plugin_version", "plugin_version is required"),
        ("defaultChannel", "defaultChannel must be a string"),
        ("install_source", "install_source must be a string"),
        ("key_id", "String must contain at most 20 character(s)"),
    ]


def test_all_faults_of_an_event_at_once(bench: Bench) -> None:
    """An event is held to other fields in another order."""
    body = {
        "device_id": "d" * 37, "app_id": "com.example.bench", "platform": 5, "is_prod": 1, "is_emulator": 0,
        "defaultChannel": 1, "channel": 1, "old_version_name": 1, "version_code": 1, "plugin_version": 1,
        "install_source": "i" * 65, "custom_id": "c" * 37, "key_id": 1, "action": "nope",
        "metadata": {"k" * 65: "v", "n": 1, "v": "v" * 2049, "fine": "v"}, "version_build": None,
    }  # fmt: skip
    assert _issues(bench.send("POST", "/stats", body)) == [
        ("device_id", "String must contain at most 36 character(s)"),
        ("platform", "Platform must be a string"),
        ("version_name", "Version name is required"),
        ("version_os", "Version OS is required"),
        ("is_emulator", "is_emulator must be a boolean"),
        ("is_prod", "is_prod must be a boolean"),
        ("defaultChannel", "defaultChannel must be a string"),
        ("channel", "channel must be a string"),
        ("old_version_name", "old_version_name must be a string"),
        ("version_code", "version_code must be a string"),
        ("plugin_version", "plugin_version must be a string"),
        ("install_source", "String must contain at most 64 character(s)"),
        ("custom_id", "String must contain at most 36 character(s)"),
        ("key_id", "key_id must be a string"),
        ("action", f"action must be one of: {', '.join(ACTIONS)}"),
        (f"metadata.{'k' * 65}", "metadata keys must contain at most 64 characters"),
        ("metadata.n", "metadata values must be strings"),
        ("metadata.v", "metadata values must contain at most 2048 characters"),
        ("version_build", "version_build must be a string"),
    ]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([], "metadata must be an object with string values"),
        ("x", "metadata must be an object with string values"),
        (None, "metadata must be an object with string values"),
        ({str(n): "v" for n in range(31)}, "metadata must contain at most 30 fields"),
    ],
)
def test_metadata_as_a_whole(bench: Bench, metadata: Any, message: str) -> None:
    """Metadata of the wrong form, or too much of it, is one issue."""
    body = {**said_by(version_name="1.0.0"), "action": "ping", "metadata": metadata}
    assert _issues(bench.send("POST", "/stats", body)) == [("metadata", message)]


@pytest.mark.parametrize(
    ("key_id", "fits"),
    [("k" * 20, True), ("k" * 21, False), ("\U0001f511" * 10, True), ("\U0001f511" * 10 + "k", False)],
)
def test_the_length_of_text(bench: Bench, key_id: str, fits: bool) -> None:
    """Letters beyond the first plane count twice, as where the service counts them."""
    assert (bench.check(key_id=key_id).status == 200) is fits


@pytest.mark.parametrize(
    ("build", "messages"),
    [
        (None, ["Version name is required", "Version build is required"]),
        ("", ["Version name is required", "Version build is required"]),
    ],
)
def test_builtin_without_a_native_version(bench: Bench, build: str | None, messages: list[str]) -> None:
    """A device on its native bundle is named by its native version, so without one both are missing."""
    reply = bench.check(version_name="builtin", version_build=build)
    assert [message for _, message in _issues(reply)] == messages


def test_a_null_native_version(bench: Bench) -> None:
    """A native version of null is there and is no text; `builtin` takes it over."""
    body = {**said_by(version_name="builtin"), "version_build": None}
    messages = [message for _, message in _issues(bench.send("POST", "/updates", body))]
    assert messages == ["Version name must be a string", "Version build must be a string"]


def test_channel_self_takes_empty_versions(bench: Bench) -> None:
    """For the channel API both versions have to be there, and may be empty."""
    bench.channel()
    body = {**said_by(version_name="", version_build=""), "channel": "main"}
    assert bench.send("PUT", "/channel_self", body).status == 200
    missing = bench.send("PUT", "/channel_self", said_by(version_name="", version_build=None))
    assert _issues(missing) == [("version_build", "Version build is required")]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_query_that_says_nothing(bench: Bench, method: str) -> None:
    """Without a query there is nothing to check; names that are not known count as having asked."""
    empty = bench.send(method, "/channel_self")
    assert empty.body == {"error": "invalid_query_parameters", "message": "Cannot parse body", "moreInfo": {"body": {}}}
    unknown = bench.send(method, "/channel_self", query="foo=1&foo=2&is_prod=TRUE")
    wanted = "missing_app_id" if method == "GET" else "missing_device_id"
    assert unknown.body["error"] == wanted
    assert unknown.body["moreInfo"] == {"body": {"is_emulator": False, "is_prod": False}}


def test_a_list_needs_a_platform_and_no_device(bench: Bench) -> None:
    """The list of channels asks for the app and the platform alone; the native version counts where it is sent."""
    assert _issues(bench.send("GET", "/channel_self", query="app_id=com.example.bench")) == [
        ("platform", "Platform is required")
    ]
    semver = bench.send("GET", "/channel_self", query="app_id=com.example.bench&platform=ios&version_build=abc")
    assert semver.body["error"] == "semver_error"
    assert bench.send("GET", "/channel_self", query="app_id=com.example.bench&platform=ios&device_id=x").body == []


CRASHING = [None, {**said_by(), "device_id": 5}, {**said_by(), "version_build": 5}, {**said_by(), "version_build": {}}]


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("body", CRASHING)
def test_where_the_service_dies(bench: Bench, method: str, path: str, body: Any) -> None:
    """Null, and ids or native versions that are no text, are a 500 that tells nothing."""
    reply = bench.send(method, path, body)
    assert reply.status == 500
    assert reply.body == {"error": "unknown_error", "message": "Unknown error", "moreInfo": {}}


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("body", CRASHING)
def test_without_its_faults_it_says_what_is_wrong(method: str, path: str, body: Any) -> None:
    """With the faults switched off the same bodies are refused like other wrong ones."""
    reply = Bench(quirks=LIVE_WITHOUT_FAULTS).send(method, path, body)
    assert (reply.status, reply.body["error"]) == (400, "invalid_json_body")


def test_an_event_without_action(bench: Bench) -> None:
    """An event that says nothing is a 500, after its bundle was found; in a batch its own error tells the exception."""
    assert bench.event(None).body["error"] == "version_not_found"
    bench.bundle("1.0.0")
    assert bench.event(None).status == 500
    reply = bench.send("POST", "/stats", [said_by(version_name="1.0.0")])
    assert reply.body["results"] == [
        {
            "status": "error",
            "error": "processing_error",
            "message": "Cannot read properties of undefined (reading 'endsWith')",
            "index": 0,
        }
    ]


def test_an_event_without_action_and_without_the_fault() -> None:
    """With the faults switched off a missing action is an issue like others."""
    bench = Bench(quirks=LIVE_WITHOUT_FAULTS)
    bench.bundle("1.0.0")
    assert _issues(bench.event(None)) == [("action", "action is required")]


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "1.0.0", "com.a.b", "ios", DEVICE])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(list(said_by())), inner)),
    max_leaves=8,
)


@given(
    st.sampled_from(ALL_WITH_BODY),
    st.one_of(
        _JSON,
        st.builds(
            lambda more: {**said_by(), **more},
            st.dictionaries(
                st.sampled_from([*said_by(), "defaultChannel", "channel", "metadata", "action", "key_id"]),
                _JSON,
                max_size=3,
            ),
        ),
    ),
)
def test_no_body_goes_unanswered(route: tuple[str, str], body: Any) -> None:
    """Whatever JSON comes, the answer is an envelope of this API, and a 500 only where the service dies."""
    reply = Bench(quirks=LIVE_WITHOUT_FAULTS).send(*route, body)
    assert reply.status in (200, 400, 429), reply
    if reply.status == 400:
        assert set(reply.body) == {"error", "message", "moreInfo"}
