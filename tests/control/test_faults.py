"""Faults: which requests a rule matches, how often it fires, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from mock_capgo.dialects import speak
from mock_capgo.errors import CATALOGUE, Refusal
from mock_capgo.server.faults import EFFECTS, MATCHERS
from tests.conftest import READER
from tests.control.hub import SHOP, Hub, World

DEVICE = "d0000000-0000-4000-8000-000000000001"


def statuses(world: World, *paths: str, times: int = 1, method: str = "GET") -> list[int]:
    """What the paths are answered, one after the other, so many times."""
    return [world(method, path).status for _ in range(times) for path in paths]


def add(world: World, **rule: Any) -> dict[str, Any]:
    """Add a rule."""
    told: dict[str, Any] = world.control("POST", "/faults", rule)
    return told


def test_rules_are_listed_and_removed(hub: Hub, world: World) -> None:
    """A rule is shown as it was given, with how often it was asked and how often it fired, until it is removed."""
    first, second = add(world, status=503, method="PUT"), add(world, status=500, path="/app")
    statuses(world, "/app", "/channel?app_id=com.example.shop")
    listed = world.control("GET", "/faults")
    assert [(rule["id"], rule["seen"], rule["fired"]) for rule in listed["faults"]] == [
        (first["id"], 0, 0),
        (second["id"], 1, 1),
    ]
    assert (set(listed["matchers"]), set(listed["effects"])) == (set(MATCHERS), set(EFFECTS))
    world.control("DELETE", f"/faults/{second['id']}")
    assert statuses(world, "/app") == [200]
    assert hub("DELETE", f"/w/{world.id}/_mock/faults/{second['id']}").status == 404
    assert world.control("DELETE", "/faults") == {"removed": 1}


def test_ids_are_not_reused(world: World) -> None:
    """A rule that was removed does not lend its id to the next one."""
    first = add(world, status=503)
    world.control("DELETE", "/faults")
    assert add(world, status=503)["id"] != first["id"]


def test_the_first_rule_that_fires_counts(world: World) -> None:
    """Rules are asked in the order in which they were added, and a spent one makes room for the next."""
    add(world, status=503, times=1)
    add(world, status=502, times=1)
    assert statuses(world, "/app", times=3) == [503, 502, 200]


@pytest.mark.parametrize(
    ("match", "hit", "missed"),
    [
        ({"method": "get"}, ("GET", "/app", None), ("POST", "/app", {"name": "x"})),
        ({"path": "/app"}, ("GET", "/app/", None), ("GET", f"/app/{SHOP}", None)),
        ({"path": "/app/*"}, ("GET", f"/app/{SHOP}", None), ("GET", "/app", None)),
        ({"operation": "listApps"}, ("GET", "/app", None), ("GET", f"/app/{SHOP}", None)),
        ({"operation": "get*"}, ("GET", f"/app/{SHOP}", None), ("GET", "/app", None)),
        (
            {"device": DEVICE.upper()},
            ("GET", f"/device?app_id={SHOP}&device_id={DEVICE}", None),
            ("GET", f"/device?app_id={SHOP}", None),
        ),
        (
            {"device": DEVICE},
            ("POST", "/device", {"app_id": SHOP, "device_id": DEVICE, "channel": "staging"}),
            ("POST", "/device", {"app_id": SHOP, "device_id": DEVICE[:-1] + "9", "channel": "staging"}),
        ),
    ],
)
def test_matchers(world: World, match: dict[str, Any], hit: tuple, missed: tuple) -> None:
    """A rule fires for the requests that it names and for no others."""
    add(world, status=418, **match)
    assert world(*hit).status == 418
    assert world(*missed).status != 418


def test_the_key_matcher(hub: Hub) -> None:
    """A rule may befall one key alone, known by its id."""
    hub.ok("POST", "/_mock/faults", {"status": 418, "key": 2})
    assert hub("GET", "/app", key=READER).status == 418
    assert hub("GET", "/app", key="c0ffee00-0000-4000-8000-000000000001").status == 200


def test_a_rule_of_no_operation(world: World) -> None:
    """A rule for an operation does not fire for a path that is none, one for every path does."""
    add(world, status=418, operation="listApps")
    assert statuses(world, "/nothing") == [404]
    add(world, status=418, path="/noth*")
    assert statuses(world, "/nothing") == [418]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"nth": 2}, [200, 418, 200, 200]),
        ({"after": 2}, [200, 200, 418, 418]),
        ({"times": 2}, [418, 418, 200, 200]),
        ({"after": 1, "times": 1}, [200, 418, 200, 200]),
        ({"probability": 0}, [200, 200, 200, 200]),
        ({"probability": 1}, [418, 418, 418, 418]),
        ({"times": 0}, [200, 200, 200, 200]),
    ],
)
def test_how_often(world: World, match: dict[str, Any], expected: list[int]) -> None:
    """Nth, after and times count matching requests, and nothing else."""
    add(world, status=418, path="/app", **match)
    assert statuses(world, "/app", f"/app/{SHOP}", times=4)[::2] == expected


def test_chance_is_seeded(hub: Hub) -> None:
    """The same seed fires for the same requests, another one for others, about as often as was said."""

    def drawn(seed: int) -> list[int]:
        world = hub.world(limits="off")
        add(world, status=418, probability=0.5, seed=seed)
        return statuses(world, "/ok", times=60)

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first == again
    assert first != other
    assert 15 <= first.count(418) <= 45


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_every_catalogued_error_has_the_body_of_its_dialect(hub: Hub, dialect: str) -> None:
    """An error asked for by name is answered with the status and the body that the dialect gives it."""
    world = hub.world(dialect=dialect, limits="off")
    spoken = speak("live" if dialect == "live" else "documented")
    for name, error in CATALOGUE.items():
        add(world, error=name)
        answer = world("GET", "/app")
        assert (answer.status, answer.body) == spoken.failure(Refusal(error, words=_Words())), name
        world.control("DELETE", "/faults")


class _Words(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"

    def __bool__(self) -> bool:
        return True


def test_an_error_is_found_by_its_code(hub: Hub) -> None:
    """The live code names an error as well as its name does, exactly as each dialect writes it."""
    live, documented = hub.world(dialect="live"), hub.world()
    for world in (live, documented):
        add(world, error="cannot_find_channel")
    first, second = live("GET", "/app"), documented("GET", "/app")
    assert (first.status, first.body["error"]) == (400, "cannot_find_channel")
    assert second.body["status"] == "KO"


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_any_status_has_the_envelope(hub: Hub, dialect: str) -> None:
    """Any status comes in the error envelope of the dialect, with the sentence that was asked for."""
    world = hub.world(dialect=dialect)
    add(world, status=507, message="Disk full")
    answer = world("GET", "/app")
    assert answer.status == 507
    assert "Disk full" in answer.body.values()
    assert answer.headers["content-type"] == "application/json"


def test_retry_after(hub: Hub) -> None:
    """A 429 comes with exactly the seconds that were asked for."""
    for dialect in ("documented", "live"):
        world = hub.world(dialect=dialect)
        add(world, retry_after=17)
        answer = world("GET", "/app")
        assert (answer.status, answer.headers["retry-after"]) == (429, "17")


def test_a_forestalled_request_does_no_work(world: World) -> None:
    """What a fault answers in the place of the work leaves the world as it was."""
    add(world, status=500, method="POST")
    assert world("POST", "/channel", {"app_id": SHOP, "channel": "made"}).status == 500
    assert "made" not in world.channels()


def test_a_stale_read(world: World) -> None:
    """A stale GET tells what was told the last time, until the rule is gone; writes are done all the same."""
    add(world, stale=True, operation="listChannels")
    before = world.channels()
    world.make_channel("made")
    assert world.channels() == before
    world.control("DELETE", "/faults")
    assert world.channels() == {*before, "made"}


def test_content_type_and_malformed(world: World) -> None:
    """A wrong content type comes with the right body, a malformed body is no JSON and has its length right."""
    add(world, content_type="text/html; charset=utf-8", times=1)
    add(world, malformed=True, times=1)
    wrong, malformed = world("GET", "/app"), world("GET", "/app")
    assert wrong.headers["content-type"] == "text/html; charset=utf-8"
    assert isinstance(wrong.body, (dict, list))
    assert isinstance(malformed.body, bytes)
    assert int(malformed.headers["content-length"]) == len(malformed.raw)


def test_the_journal_names_the_fault(world: World) -> None:
    """The journal tells which rule fired."""
    rule = add(world, status=503)
    world("GET", "/app")
    entry = world.control("GET", "/journal")["entries"][0]
    assert (entry["fault"], entry["status"], entry["operation"]) == (rule["id"], 503, "listApps")


def test_a_fault_in_the_header_only_where_it_is_enabled(hub: Hub) -> None:
    """`x-mock-fault` befalls its own request in a world that allows it, and is a header like any in others."""
    allowed, other = hub.world(header_faults=True), hub.world()
    header = {"x-mock-fault": '{"status": 503}'}
    assert allowed("GET", "/app", headers=header).status == 503
    assert allowed("GET", "/app").status == 200
    assert other("GET", "/app", headers=header).status == 200


@pytest.mark.parametrize("header", ["{", "[]", "503", '{"status": 99}', '{"nothing": 1}', "{}", '{"status": 503} x'])
def test_a_wrong_fault_header_is_told(hub: Hub, header: str) -> None:
    """A fault header that makes no sense is 400 with the header's name and the reason, and no work is done."""
    world = hub.world(header_faults=True, limits="off")
    answer = world("POST", "/channel", {"app_id": SHOP, "channel": "made"}, headers={"x-mock-fault": header})
    assert answer.status == 400
    assert answer.body["error"].startswith("x-mock-fault: ")
    assert "made" not in world.channels()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "a rule needs an effect"),
        ({"method": "GET"}, "a rule needs an effect"),
        ({"stauts": 503}, "stauts"),
        ({"status": 99}, "status"),
        ({"status": "503"}, "status"),
        ({"status": 600}, "status"),
        ({"error": "no_such_error"}, "error"),
        ({"error": 5}, "error"),
        ({"status": 503, "nth": 1.5}, "nth"),
        ({"status": 503, "after": -1}, "after"),
        ({"status": 503, "times": True}, "times"),
        ({"status": 503, "key": "admin"}, "key"),
        ({"status": 503, "probability": 2}, "probability"),
        ({"status": 503, "from": "noon"}, "from"),
        ({"reset": "maybe"}, "reset"),
        ({"truncate": -1}, "truncate"),
        ({"retry_after": "soon"}, "retry_after"),
        ({"latency": -1}, "latency"),
        ({"latency": {"min": 1}}, "latency"),
        ({"drip": 5}, "drip"),
        ({"drip": {"bytes": 0, "seconds": 1}}, "drip"),
        ({"drip": {"bytes": 1, "seconds": 100}}, "drip"),
        ({"status": 204.0}, "status"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_member(hub: Hub, world: World, rule: dict[str, Any], said: str) -> None:
    """A rule that makes no sense is 400 with the member at fault, and is not added."""
    answer = hub("POST", f"/w/{world.id}/_mock/faults", rule)
    assert answer.status == 400, answer
    assert said in answer.body["error"]
    assert world.control("GET", "/faults")["faults"] == []
    assert world("GET", "/app").status == 200


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"content_type": 5}, "content_type"),
        ({"content_type": "text/html\r\nx-more: 1"}, "content_type"),
        ({"content_type": "tëxt/ħtml"}, "content_type"),
        ({"status": 503, "operation": 5}, "operation"),
        ({"status": 503, "operation": "noSuchOperation"}, "operation"),
        ({"latency": {"min": 2, "max": 1}}, "latency"),
        ({"truncate": True}, "truncate"),
        ({"malformed": "no"}, "malformed"),
        ({"status": 503, "seed": []}, "seed"),
        ({"status": 503, "seed": {}}, "seed"),
        ({"status": 503, "path": 5}, "path"),
        ({"status": 503, "probability": True}, "probability"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(hub: Hub, world: World, rule: dict[str, Any], said: str) -> None:
    """A rule whose member has the wrong type, or that can never fire, is 400 as well."""
    answer = hub("POST", f"/w/{world.id}/_mock/faults", rule)
    assert answer.status == 400, answer
    assert said in answer.body["error"]
