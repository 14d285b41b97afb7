"""The journal: what it tells, how it is asked, waited for, verified and exported, and that it stays small."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.conftest import FULL
from tests.control.hub import SHOP, Hub, Process, World


def entries(world: World, query: str = "") -> list[dict[str, Any]]:
    """The entries that match a query."""
    told: list[dict[str, Any]] = world.control("GET", f"/journal{query}")["entries"]
    return told


def test_an_entry_tells_everything(hub: Hub) -> None:
    """An entry has operation, key, status, refusal, reason, duration, the world's time, and both bodies."""
    world = hub.world(now="2026-01-31T12:00:00Z", dialect="live", limits="off")
    world.control("POST", "/clock", {"set": "2026-01-31T12:00:00Z", "freeze": True})
    world("POST", "/channel", {"app_id": SHOP, "channel": "made"}, headers={"x-request-id": "one"})
    world("DELETE", f"/channel?app_id={SHOP}&channel=nothing")
    done, refused = entries(world)
    assert (done["number"], done["at"], done["method"], done["path"]) == (
        1,
        "2026-01-31T12:00:00.000Z",
        "POST",
        "/channel",
    )
    assert (done["operation"], done["key"], done["status"]) == ("upsertChannel", "1", 200)
    assert (done["refusal"], done["reason"], done["fault"]) == (None, None, None)
    assert 0 < done["duration_ms"] < 1000
    assert done["request"]["body"] == '{"app_id": "com.example.shop", "channel": "made"}'
    assert done["request"]["headers"]["x-request-id"] == "one"
    assert done["response"]["body"].startswith("{")
    assert (refused["number"], refused["query"]) == (2, f"app_id={SHOP}&channel=nothing")
    assert refused["refusal"] in refused["reason"]
    assert refused["status"] >= 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4),
        ("?method=GET", 3),
        ("?method=POST", 1),
        ("?path=/app", 1),
        ("?path=/app*", 2),
        ("?operation=getApp", 1),
        ("?operation=get*", 1),
        ("?status=200", 3),
        ("?status=4*", 1),
        ("?status=200&method=GET", 2),
        ("?refusal=*", 4),
        ("?refusal=NOT_FOUND", 1),
        ("?key=1", 3),
        ("?body=*made*", 1),
        ("?after=2", 2),
        ("?after=4", 0),
        ("?limit=2", 2),
        ("?limit=0", 0),
    ],
)
def test_queries(world: World, query: str, found: int) -> None:
    """Entries are found by any field, `*` standing for anything, after a number, the last so many."""
    world("GET", "/app")
    world("GET", f"/app/{SHOP}")
    world("POST", "/channel", {"app_id": SHOP, "channel": "made"})
    world("GET", "/nothing")
    assert len(entries(world, query)) == found


@pytest.mark.parametrize("query", ["?colour=red", "?limit=many", "?after=-1"])
def test_a_wrong_query_is_refused(hub: Hub, world: World, query: str) -> None:
    """A field that there is not, or a number that is none, is 400 with its name."""
    answer = hub("GET", f"/w/{world.id}/_mock/journal{query}")
    assert answer.status == 400
    assert query[1:].partition("=")[0] in answer.body["error"]


def test_limit_keeps_the_last(world: World) -> None:
    """With a limit the oldest are left out, `matched` still counts them."""
    for _ in range(5):
        world("GET", "/ok")
    told = world.control("GET", "/journal?limit=2")
    assert [entry["number"] for entry in told["entries"]] == [4, 5]
    assert told["matched"] == 5


def test_control_calls_are_not_in_it(world: World) -> None:
    """The journal is about the API: what a test asks of the mock is not in it."""
    world.control("GET", "/info")
    world.control("POST", "/reset")
    assert entries(world) == []


def test_it_is_bounded_by_bytes() -> None:
    """A journal keeps what fits into its bytes, the latest, and tells how many it dropped."""
    hub = Hub(journal_bytes=20_000, limits="off")
    for _ in range(100):
        hub("GET", "/app", key=FULL)
    told = hub.ok("GET", "/_mock/journal")
    kept = len(told["entries"])
    assert 0 < kept < 100
    assert told["dropped"] == 100 - kept
    assert told["entries"][-1]["number"] == 100
    assert hub.ok("GET", "/_mock/info")["journal"] == {"entries": kept, "dropped": 100 - kept}


def test_the_bound_holds_for_every_world() -> None:
    """`--journal-bytes` is about each world's journal, those made later included."""
    world = Hub(journal_bytes=20_000).world(limits="off")
    for _ in range(100):
        world("GET", "/app")
    assert world.control("GET", "/journal")["dropped"] > 0


def test_large_headers_count_towards_the_bound() -> None:
    """Sixty kilobytes of headers on every request do not take a journal over its bytes."""
    hub = Hub(journal_bytes=100_000, limits="off")
    for _ in range(50):
        hub("GET", "/ok", headers={"x-large": "x" * 60_000})
    kept = hub.ok("GET", "/_mock/journal")["entries"]
    assert sum(len(str(entry)) for entry in kept) < 300_000


def test_clearing_forgets_entries_and_goes_on_counting(world: World) -> None:
    """After clearing there is nothing, and the next number is not the first again."""
    world("GET", "/ok")
    world.control("DELETE", "/journal")
    assert entries(world) == []
    world("GET", "/ok")
    assert entries(world)[0]["number"] == 2


def test_long_bodies_are_kept_in_part(world: World) -> None:
    """Of a long body the beginning is kept."""
    world("POST", "/channel", {"app_id": SHOP, "channel": "x" * 50_000})
    assert len(entries(world)[0]["request"]["body"]) == 16 * 1024


def test_next_wakes_up(server: Process) -> None:
    """A long poll ends as soon as a matching request came, and not for others."""
    number = server("GET", "/_mock/journal?limit=1").body["entries"]
    after = number[-1]["number"] if number else 0
    seen: list[Any] = []

    def wait() -> None:
        seen.append(server("GET", f"/_mock/journal/next?operation=listApps&after={after}&timeout=20"))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    server("GET", "/ok")
    time.sleep(0.2)
    assert seen == []
    began = time.monotonic()
    server("GET", "/app", key=FULL)
    thread.join(5)
    assert time.monotonic() - began < 2
    assert (seen[0].status, seen[0].body["operation"]) == (200, "listApps")


def test_next_gives_up_and_looks_back(server: Process) -> None:
    """Nothing in time is 204; what came before the question is found by `after`."""
    began = time.monotonic()
    assert server("GET", "/_mock/journal/next?path=/never&timeout=0.3").status == 204
    assert 0.2 < time.monotonic() - began < 3
    server("GET", "/ok")
    last = server("GET", "/_mock/journal").body["entries"][-1]["number"]
    answer = server("GET", f"/_mock/journal/next?path=/ok&after={last - 1}&timeout=0")
    assert answer.body["number"] == last


@pytest.mark.parametrize("timeout", ["nan", "inf", "-1", "soon"])
def test_next_with_a_strange_timeout(world: World, timeout: str) -> None:
    """A timeout that is no number is 400; one that is too long or negative is a bound."""
    world("GET", "/ok")
    answer = world.hub("GET", f"/w/{world.id}/_mock/journal/next?timeout={timeout}&path=/ok")
    assert answer.status == (400 if timeout == "soon" else 200)


def test_verify_counts(world: World) -> None:
    """Expectations that are met are verified, also counts, bounds and order."""
    world("GET", "/app")
    world("GET", "/app")
    world("POST", "/channel", {"app_id": SHOP, "channel": "made"})
    for expect in (
        [{"operation": "listApps", "count": 2}],
        [{"operation": "listApps"}, {"operation": "upsertChannel", "status": 200}],
        [{"path": "/app", "at_least": 1, "at_most": 2}],
        [{"path": "/nothing", "count": 0}],
        [{"path": "/nothing", "at_most": 0}],
    ):
        assert world.control("POST", "/verify", {"expect": expect}) == {"verified": True, "differences": []}
    ordered = {"expect": [{"operation": "listApps"}, {"operation": "upsertChannel"}], "in_order": True}
    assert world.control("POST", "/verify", ordered)["verified"] is True


def test_verify_tells_the_difference_in_words(world: World) -> None:
    """What differs is told with what was expected, what was seen, and the last requests."""
    world("GET", "/app")
    told = world.control("POST", "/verify", {"expect": [{"operation": "listApps", "count": 2}]})
    assert told["verified"] is False
    assert told["differences"] == [
        "operation listApps: exactly 2 expected, 1 seen; the last requests were GET /app 200"
    ]
    told = world.control("POST", "/verify", {"expect": [{"path": "/app", "at_least": 2, "at_most": 3}]})
    assert "at least 2, at most 3 expected, 1 seen" in told["differences"][0]


def test_verify_tells_that_none_was_expected(world: World) -> None:
    """A request that was not to come is told as such."""
    world("GET", "/app")
    told = world.control("POST", "/verify", {"expect": [{"path": "/app", "at_most": 0}]})
    assert "at most 0 expected, 1 seen" in told["differences"][0]


def test_verify_tells_what_is_out_of_order(world: World) -> None:
    """Both requests came, the later one first: that is told."""
    world("POST", "/channel", {"app_id": SHOP, "channel": "made"})
    world("GET", "/app")
    expect = [{"operation": "listApps"}, {"operation": "upsertChannel"}]
    told = world.control("POST", "/verify", {"expect": expect, "in_order": True})
    assert told["differences"][0].startswith("operation upsertChannel: not seen after operation listApps")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"expect": {}},
        {"expect": [5]},
        {"expect": [{"colour": "red"}]},
        {"expect": [], "order": True},
        pytest.param(
            {"expect": [{"path": "/app", "count": "2"}]},
        ),
        pytest.param(
            {"expect": [{"path": "/app", "at_least": None}]},
        ),
    ],
)
def test_a_wrong_expectation_is_refused(hub: Hub, world: World, body: Any) -> None:
    """An expectation that makes no sense is 400 with the reason."""
    answer = hub("POST", f"/w/{world.id}/_mock/verify", body)
    assert answer.status == 400
    assert answer.body["error"]


def test_the_har_has_the_shape_of_har_1_2(world: World) -> None:
    """The export has every member that HAR 1.2 requires, of the right type, and none that is null."""
    world("GET", f"/app/{SHOP}?a=b&c=d")
    world("POST", "/channel", {"app_id": SHOP, "channel": "made"})
    log = world.control("GET", "/journal.har")["log"]
    assert log["version"] == "1.2"
    assert set(log["creator"]) == {"name", "version"}
    for entry in log["entries"]:
        request, response = entry["request"], entry["response"]
        assert {type(entry[name]) for name in ("request", "response", "cache", "timings")} == {dict}
        assert entry["time"] > 0
        assert entry["startedDateTime"][10] == "T"
        for name in ("method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"):
            assert request[name] is not None
        assert request["url"].startswith("http://127.0.0.1:8787/")
        for name in ("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"):
            assert response[name] is not None
        assert {"size", "mimeType"} <= set(response["content"])
        assert {"send", "wait", "receive"} <= set(entry["timings"])
    assert log["entries"][1]["request"]["postData"]["text"].startswith("{")


def test_the_har_is_complete(world: World) -> None:
    """Optional members are left out instead of null, the query and the answer's headers are told."""
    world("GET", f"/app/{SHOP}?a=b&c=d")
    entry = world.control("GET", "/journal.har")["log"]["entries"][0]
    assert "postData" not in entry["request"]
    assert entry["request"]["queryString"] == [{"name": "a", "value": "b"}, {"name": "c", "value": "d"}]
    assert entry["response"]["headers"]


def test_the_har_has_the_address_that_was_asked(world: World) -> None:
    """A request can be sent again by the address in the export."""
    world("GET", "/app")
    assert f"/w/{world.id}/app" in world.control("GET", "/journal.har")["log"]["entries"][0]["request"]["url"]
