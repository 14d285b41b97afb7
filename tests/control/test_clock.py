"""The clock of a world: shown, set, advanced, frozen, and everything that reads it."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.control.hub import SHOP, Hub, World

DEVICE = "d0000000-0000-4000-8000-000000000003"
MORNING = "2026-01-31T08:00:00Z"


@pytest.fixture
def still(hub: Hub) -> World:
    """A world whose clock stands still, its limits on."""
    world = hub.world(now=MORNING)
    world.control("POST", "/clock", {"set": MORNING, "freeze": True})
    return world


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two moments as the API writes them."""
    first, second = (datetime.fromisoformat(text) for text in (earlier, later))
    return (second - first).total_seconds()


def test_a_frozen_clock_stands_still(still: World) -> None:
    """A frozen clock shows the same moment for as long as it is frozen."""
    assert still.control("GET", "/clock") == {"now": "2026-01-31T08:00:00.000Z", "rate": 0, "frozen": True}
    assert still.control("GET", "/clock")["now"] == still.control("GET", "/info")["now"]


def test_set_and_advance(still: World) -> None:
    """Set goes to a moment, advance on from it, both at once in this order; backwards too."""
    assert still.control("POST", "/clock", {"advance": 90})["now"] == "2026-01-31T08:01:30.000Z"
    both = still.control("POST", "/clock", {"set": "2026-02-01T00:00:00Z", "advance": 0.5})
    assert both["now"] == "2026-02-01T00:00:00.500Z"
    assert still.control("POST", "/clock", {"advance": -60})["now"] == "2026-01-31T23:59:00.500Z"


def test_the_rate(still: World) -> None:
    """At a rate of an hour in a second two looks are far apart; unfreezing goes on at the rate of the machine."""
    first = still.control("POST", "/clock", {"rate": 3600 * 24})["now"]
    second = still.control("GET", "/clock")["now"]
    assert seconds_between(first, second) > 1
    assert still.control("POST", "/clock", {"freeze": True})["rate"] == 0
    assert still.control("POST", "/clock", {"freeze": False})["rate"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"set": "noon"}, "set"),
        ({"set": 5}, "set"),
        ({"advance": "much"}, "advance"),
        ({"advance": True}, "advance"),
        ({"advance": 1e18}, "years"),
        ({"rate": -1}, "rate"),
        ({"rate": 1e9}, "rate"),
        ({"freeze": "yes"}, "freeze"),
        ({"jump": 1}, "jump"),
        ([], "object"),
    ],
)
def test_a_wrong_change_is_refused_with_its_name(hub: Hub, still: World, body: object, said: str) -> None:
    """A change that makes no sense is 400 with its member, and the clock stays where it was."""
    answer = hub("POST", f"/w/{still.id}/_mock/clock", body)
    assert answer.status == 400
    assert said in answer.body["error"]
    assert still.control("GET", "/clock")["now"] == "2026-01-31T08:00:00.000Z"


@pytest.mark.parametrize("raw", [b'{"advance": 1e400}', b'{"advance": NaN}', b'{"rate": NaN}'])
def test_numbers_that_are_none_are_refused(hub: Hub, still: World, raw: bytes) -> None:
    """Infinity and NaN are no numbers of seconds."""
    assert hub("POST", f"/w/{still.id}/_mock/clock", raw=raw).status == 400


def test_a_minute_refills_the_limit(still: World) -> None:
    """`Retry-After` counts down on the world's clock, and a minute later there is a whole budget again."""
    statuses = [still("GET", "/app").status for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert still("GET", "/app").headers["retry-after"] == "60"
    still.control("POST", "/clock", {"advance": 45})
    assert still("GET", "/app").headers["retry-after"] == "15"
    still.control("POST", "/clock", {"advance": 15})
    assert still("GET", "/app").status == 200


def test_keys_expire(still: World) -> None:
    """A key works until the moment at which it expires, and not from then on."""
    expires_at = "2026-01-31T09:00:00Z"
    key = still.control("POST", "/keys", {"role": "org_admin", "expires_at": expires_at})["key"]
    still.control("POST", "/clock", {"set": "2026-01-31T08:59:59.999Z"})
    assert still("GET", "/app", key=key).status == 200
    still.control("POST", "/clock", {"set": expires_at})
    assert still("GET", "/app", key=key).status == 401


@pytest.mark.parametrize(("dialect", "days"), [("documented", 90), ("live", 30)])
def test_overrides_expire(hub: Hub, dialect: str, days: int) -> None:
    """A device override ends after the days of its dialect, to the moment."""
    world = hub.world(now=MORNING, dialect=dialect, limits="off")
    world.control("POST", "/clock", {"set": MORNING, "freeze": True})
    world.ok("POST", "/device", {"app_id": SHOP, "device_id": DEVICE, "channel": "staging"})
    path = f"/device?app_id={SHOP}&device_id={DEVICE}"
    world.control("POST", "/clock", {"advance": days * 86_400 - 1})
    assert world.ok("GET", path)["channel"] == "staging"
    world.control("POST", "/clock", {"advance": 1})
    assert world.ok("GET", path).get("channel") is None


def test_timestamps_follow(still: World) -> None:
    """What is written bears the world's time, and so does the journal."""
    still.control("POST", "/clock", {"set": "2027-05-06T07:08:09Z"})
    still.make_channel("made")
    row = next(row for row in still.ok("GET", f"/channel?app_id={SHOP}") if row["name"] == "made")
    assert row["created_at"].startswith("2027-05-06T07:08:09")
    assert still.control("GET", "/journal")["entries"][0]["at"] == "2027-05-06T07:08:09.000Z"


def test_statistics_follow(still: World) -> None:
    """Statistics end with the world's today."""
    path = "/statistics/app/com.example.shop?from={}&to={}"
    still.control("POST", "/clock", {"set": "2026-01-31T12:00:00Z"})
    first = still.ok("GET", path.format("2026-01-25", "2026-02-10"))
    still.control("POST", "/clock", {"set": "2026-02-02T12:00:00Z"})
    second = still.ok("GET", path.format("2026-01-25", "2026-02-10"))
    assert [max(point["date"] for point in told)[:10] for told in (first, second)] == ["2026-01-31", "2026-02-02"]


def test_the_queue_runs_when_the_clock_passes_it(hub: Hub) -> None:
    """What the live service does some seconds later is done as soon as the clock was advanced past it."""
    world = hub.world(dialect="live", limits="off", now=MORNING)
    world.control("POST", "/clock", {"set": MORNING, "freeze": True})
    world.ok("POST", "/device", {"app_id": SHOP, "device_id": "d0000000-0000-4000-8000-000000000009",
                                 "channel": "staging"})  # fmt: skip
    before = world.ok("GET", f"/app/{SHOP}")["channel_device_count"]
    world.control("POST", "/clock", {"advance": 3600})
    assert world.ok("GET", f"/app/{SHOP}")["channel_device_count"] == before + 1


def test_faults_follow(still: World) -> None:
    """A rule with a beginning and an end fires between them on the world's clock."""
    still.control("POST", "/faults", {"status": 503, "from": "2026-01-31T09:00:00Z", "until": "2026-01-31T10:00:00Z"})
    seen = []
    for moment in ("2026-01-31T08:59:59Z", "2026-01-31T09:00:00Z", "2026-01-31T10:00:00Z", "2026-01-31T10:00:01Z"):
        still.control("POST", "/clock", {"set": moment})
        seen.append(still("GET", "/app").status)
    assert seen == [200, 503, 503, 200]
