"""The table of the device API, and what is common to its answers."""

from __future__ import annotations

from typing import Any

import pytest

from mock_capgo.call import Call
from mock_capgo.device_api import answers
from mock_capgo.device_api.answers import DATABASE_HEADERS, Reply
from mock_capgo.device_api.table import DEVICE_OPERATIONS
from mock_capgo.request import Request
from tests.device_api.conftest import APP, DEVICE, Bench, said_by


def test_routes_are_unique_and_doubled() -> None:
    """No route is there twice, and all but the latency probe stand under `/plugin` too."""
    routes = {(row.method, row.path): row.id for row in DEVICE_OPERATIONS}
    assert len(routes) == len(DEVICE_OPERATIONS)
    for (method, path), name in routes.items():
        if not path.startswith("/plugin") and path != "/latency":
            assert routes[method, f"/plugin{path}"] == name
    assert ("GET", "/updates/manifest_size") not in routes
    assert ("PUT", "/updates") not in routes


@pytest.mark.parametrize("path", ["/updates", "/stats", "/latency", "/plugin/updates", "/plugin/ok"])
def test_probes(bench: Bench, path: str) -> None:
    """Probes answer without looking anything up."""
    reply = bench.send("GET", path)
    assert (reply.status, reply.body, reply.headers) == (200, {"status": "ok"}, {})


def test_answers_from_the_database_say_so(bench: Bench) -> None:
    """Where the database was read, headers tell its state; refusals before that have none."""
    assert bench.check().headers == DATABASE_HEADERS
    assert bench.event("ping").headers == DATABASE_HEADERS
    assert bench.send("PUT", "/channel_self", said_by()).headers == DATABASE_HEADERS
    assert bench.check(platform="web").headers == {}
    assert bench.send("POST", "/stats", []).headers == {}


def test_a_mistake_of_ours_is_an_envelope(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is logged, and answered as the service answers its own failures."""

    def broken(_: Call) -> Reply:
        raise ZeroDivisionError

    reply = answers.answer(broken, bench.call(lambda: None, Request("GET", "/")))
    assert (reply.status, reply.body["error"], reply.refusal) == (500, "unknown_error", "UNKNOWN_ERROR")
    assert "broken failed" in caplog.text


# The size of files ----------------------------------------------------------------------------------------


def _size(bench: Bench, **more: object) -> Any:
    return bench.send("POST", "/updates/manifest_size", {**said_by(), **more}).body


def _file(name: str, digest: str, key: int | str = "") -> dict[str, str]:
    return {"file_name": name, "file_hash": digest, "download_url": f"https://f/{name}?key={key}&device_id={DEVICE}"}


def test_the_size_of_a_manifest(bench: Bench) -> None:
    """Sizes come from the bundle that an address names, entries without hash are dropped, and twice is once."""
    one = bench.bundle("1.0.0", manifest=[{"file_name": "a", "file_hash": "h", "s3_path": "p", "file_size": 10}])
    two = bench.bundle("1.1.0", manifest=[{"file_name": "a", "file_hash": "h", "s3_path": "p", "file_size": 30}])
    wanted = [_file("a", "h", one.id), _file("a", "h", one.id), _file("a", "h", two.id), _file("b", "other"), {}, 5]
    told = _size(bench, manifest=wanted)
    assert (told["totalSize"], told["knownFiles"], told["unknownFiles"]) == (40, 2, 1)
    assert told["files"] == [
        {**_file("a", "h", one.id), "size": 10},
        {**_file("a", "h", two.id), "size": 30},
        {**_file("b", "other"), "error": "size_unknown"},
    ]


def test_which_bundle_a_file_is_looked_up_in(bench: Bench) -> None:
    """Without a key in its address a file is looked up by the request's id, else its name, else in every bundle."""
    made = bench.bundle("1.0.0", manifest=[{"file_name": "a", "file_hash": "h", "s3_path": "p", "file_size": 10}])
    bench.bundle("0.9.0", deleted=True, manifest=[{"file_name": "a", "file_hash": "g", "s3_path": "p", "file_size": 1}])
    file = {"file_hash": "h"}
    assert _size(bench, files=[file])["files"] == [
        {"file_name": None, "file_hash": "h", "download_url": None, "size": 10}
    ]
    assert _size(bench, files=[file], version_id=str(made.id))["totalSize"] == 10
    assert _size(bench, files=[file], version_id=made.id + 1)["totalSize"] == 0
    assert _size(bench, files=[file], version="1.0.0")["totalSize"] == 10
    assert _size(bench, files=[file], version="2.0.0")["totalSize"] == 0
    assert _size(bench, files=[{"file_hash": "g"}])["totalSize"] == 0
    assert _size(bench, files=[{**file, "download_url": "http://["}])["totalSize"] == 10


def test_no_files_have_no_size(bench: Bench) -> None:
    """Anything but a list has no files; the check-in is held to the rules of an update check."""
    nothing = {"totalSize": 0, "knownFiles": 0, "unknownFiles": 0, "files": []}
    assert _size(bench, manifest="x") == nothing
    assert _size(bench, app_id="com.nowhere.app") == nothing
    assert _size(bench, platform="web")["error"] == "invalid_json_body"
    assert bench.stored() is None
    assert bench.state.daily_usage.where("app", APP) == []
