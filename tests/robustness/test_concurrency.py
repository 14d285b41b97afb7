"""Many clients at once on one world: what comes of it is what some order of their calls, one by one, comes to."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import FULL
from tests.control.hub import SHOP, Process, process

CLIENTS = 16
CALLS = 60
NAMES = tuple(f"shared-{number}" for number in range(6))
BUNDLES = ("1.0.0", "1.1.0", "1.2.0")


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with process("--limits", "off") as running:
        yield running


@dataclass
class Model:
    """Channels by name, each with its bundle: all that the calls of this test can change."""

    channels: dict[str, str | None] = field(default_factory=dict)

    def apply(self, call: dict[str, Any]) -> int:
        """Do a call; the status that it is answered with."""
        name = call["channel"]
        if call["method"] == "DELETE":
            if name not in self.channels:
                return 404
            del self.channels[name]
            return 200
        if call["method"] == "POST":
            self.channels[name] = call.get("version") or self.channels.get(name)
            return 200
        return 200 if name in self.channels else 404


def calls(client: int) -> Iterator[dict[str, Any]]:
    """What one client does, drawn from its number."""
    chance = random.Random(client)
    for number in range(CALLS):
        call: dict[str, Any] = {
            "method": chance.choice(("POST", "POST", "DELETE", "GET")),
            "mark": f"{client}-{number}",
        }
        call["channel"] = chance.choice(NAMES)
        if call["method"] == "POST" and chance.random() < 0.6:
            call["version"] = chance.choice(BUNDLES)
        yield call


def work(server: Process, client: int) -> dict[str, int]:
    """Do the calls of one client on one connection; the statuses by the mark of each call."""
    seen = {}
    with closing(http.client.HTTPConnection(server.host, server.port, timeout=30)) as connection:
        for call in calls(client):
            path = "/channel"
            body = None
            if call["method"] == "GET":
                path += f"?app_id={SHOP}&channel={call['channel']}"
            else:
                told = {"app_id": SHOP, "channel": call["channel"], "version": call.get("version")}
                body = json.dumps({name: value for name, value in told.items() if value})
            connection.request(call["method"], path, body, {"authorization": FULL, "x-request-id": call["mark"]})
            answered = connection.getresponse()
            answered.read()
            seen[call["mark"]] = answered.status
    return seen


def test_the_outcome_is_that_of_a_serial_order(server: Process) -> None:
    """Replayed one by one in the order of the journal, every call gets the status that it got, and the end is the same.

    That order keeps each client's own: so it is an order in which the calls may have happened.
    """
    server("POST", "/_mock/reset", {})
    with ThreadPoolExecutor(CLIENTS) as pool:
        answered = {}
        for seen in pool.map(lambda client: work(server, client), range(CLIENTS)):
            answered.update(seen)
    told = server("GET", "/_mock/journal?limit=100000").body
    assert told["dropped"] == 0
    marks = [entry["request"]["headers"]["x-request-id"] for entry in told["entries"]]
    by_mark = {call["mark"]: call for client in range(CLIENTS) for call in calls(client)}
    assert sorted(marks) == sorted(by_mark)
    for client in range(CLIENTS):
        mine = [int(mark.split("-")[1]) for mark in marks if mark.startswith(f"{client}-")]
        assert mine == sorted(mine)
    model = Model()
    for mark in marks:
        assert model.apply(by_mark[mark]) == answered[mark], by_mark[mark]
    rows = server("GET", f"/channel?app_id={SHOP}", key=FULL).body
    # The wire tells a channel's bundle as an object or null.
    ended = {row["name"]: (row["version"] or {}).get("name") for row in rows if row["name"] in NAMES}
    assert {name: ended[name] for name in ended} == {name: ended.get(name) for name in model.channels}
    for name, version in model.channels.items():
        if version is not None:
            assert ended[name] == version, name


def test_numbers_are_given_once(server: Process) -> None:
    """Clients that create things at the same time get an id each, and each finds its own."""

    def create(client: int) -> list[int]:
        numbers = []
        for number in range(20):
            name = f"own-{client}-{number}"
            assert server("POST", "/channel", {"app_id": SHOP, "channel": name}, key=FULL).status == 200
            found = server("GET", f"/channel?app_id={SHOP}&channel={name}", key=FULL).body
            numbers.append(found["id"])
        return numbers

    with ThreadPoolExecutor(8) as pool:
        ids = [number for numbers in pool.map(create, range(8)) for number in numbers]
    assert len(set(ids)) == len(ids) == 160


def test_a_reset_in_the_middle_is_a_point_in_time(server: Process) -> None:
    """Writers are not disturbed by resets, and after the last one the world is the fixture's."""
    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(work, server, client) for client in range(5)]
        for _ in range(20):
            assert server("POST", "/_mock/reset", {}).status == 200
        for writer in writers:
            assert set(writer.result().values()) <= {200, 404}
    server("POST", "/_mock/reset", {})
    names = {row["name"] for row in server("GET", f"/channel?app_id={SHOP}", key=FULL).body}
    assert not names & set(NAMES)
