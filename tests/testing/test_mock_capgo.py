"""`with MockCapgo() as capgo:`, without pytest: what it offers does what it says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_capgo.testing import CapgoServer, MockCapgo, MockCapgoError
from mock_capgo.testing_client import Control
from tests.testing.servers import served

SHOP = "com.example.shop"
JANUARY = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[CapgoServer]:
    started = CapgoServer.started()
    yield started
    started.close()


@pytest.fixture
def capgo(server: CapgoServer) -> Iterator[MockCapgo]:
    with server.world(limits=False) as world:
        yield world


def get(capgo: MockCapgo, path: str, key: str | None = None) -> httpx.Response:
    headers = {"authorization": key or capgo.key("admin")}
    return httpx.get(capgo.base_url + path, headers=headers, trust_env=False)


def test_own_server_has_the_plain_address_and_ends_with_the_block() -> None:
    """Without a server to attach to there is one for the block, whose default world it is."""
    with MockCapgo() as capgo:
        url = capgo.base_url
        assert capgo.id == "default"
        assert url.startswith("http://127.0.0.1:")
        assert "/w/" not in url
        assert get(capgo, "/ok").json() == {"status": "ok"}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ok", trust_env=False)
    with pytest.raises(MockCapgoError, match="outside of"):
        _ = capgo.base_url


def test_options_of_an_own_server(tmp_path: Path) -> None:
    """An own server takes a dialect, a moment, a fixture as a document or file, and switches."""
    with MockCapgo("empty", "live", now=JANUARY, limits=False, seed=3) as capgo:
        info = capgo.info()
        assert (info["dialect"], info["limits"], info["seed"], info["fixture"]) == ("live", "off", 3, "empty")
        assert JANUARY <= capgo.clock.now() < JANUARY + timedelta(minutes=1)
    document = {"format": 1, "users": [{"email": "ada@example.com"}]}
    (tmp_path / "one.json").write_text(json.dumps(document))
    for fixture in (document, tmp_path / "one.json", str(tmp_path / "one.json")):
        with MockCapgo(fixture) as capgo:
            assert capgo.info()["counts"]["users"] == 1
            capgo.reset()
            assert capgo.info()["counts"]["users"] == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fixture": "nowhere"}, "nowhere"),
        ({"fixture": "nowhere.json"}, "nowhere.json: cannot be read"),
        ({"fixture": {"format": 1, "users": [{}]}}, "/users/0"),
        ({"dialect": "klingon"}, "documented or live"),
    ],
)
def test_bad_options_are_refused_with_the_reason(server: CapgoServer, options: Any, reason: str) -> None:
    """A fixture or dialect that cannot be is refused alike on an own server and on a shared one."""
    for where in (None, server):
        with pytest.raises(MockCapgoError, match=reason), MockCapgo(**options, server=where):
            pass
    with pytest.raises(TypeError, match="knows no colour"):
        MockCapgo(colour="red")


def test_each_block_is_a_fresh_world(server: CapgoServer) -> None:
    """Attached to a server, every `with` makes a world and deletes it; one object can be used again."""
    mock = MockCapgo(url=server.url, now=JANUARY)
    with mock as capgo:
        first, key = capgo.id, capgo.key("admin")
        get(capgo, f"/app/{SHOP}")
        assert len(capgo.journal.entries()) == 1
    with mock as capgo:
        assert capgo.id != first
        assert capgo.key("admin") != key
        assert capgo.journal.entries() == []
    worlds = Control(f"{server.url}/_mock")("GET", "/worlds")["worlds"]
    assert not {world["id"] for world in worlds} & {first, capgo.id}


def test_deleted_world_is_no_error(server: CapgoServer) -> None:
    """A world that the test deleted itself is not missed at the end of the block."""
    with server.world() as capgo:
        Control(f"{server.url}/_mock")("DELETE", f"/worlds/{capgo.id}")


def test_server_with_a_token_and_a_control_port() -> None:
    """A server with protected control routes on a port of their own is used by its two addresses."""
    with served("--control-port", "0", "--control-token", "secret") as (started, _):
        where = {"url": started["url"], "control_url": started["control_url"]}
        with MockCapgo(**where, token="secret") as capgo:
            assert capgo.base_url.startswith(started["url"] + "/w/")
            assert get(capgo, f"/app/{SHOP}").status_code == 200
            capgo.journal.verify(operation="getApp", status=200, count=1)
        with pytest.raises(MockCapgoError, match="token"), MockCapgo(**where):
            pass


def test_nobody_there_is_said() -> None:
    """An address without a server is named in the error."""
    with pytest.raises(MockCapgoError, match=r"http://127\.0\.0\.1:9/_mock does not answer"):
        MockCapgo(url="http://127.0.0.1:9").__enter__()


def test_keys_by_label_and_by_role(capgo: MockCapgo) -> None:
    """A label names a key of the fixture, a role a new key that may do what the role may; both are kept."""
    assert get(capgo, f"/app/{SHOP}", capgo.key("reader")).status_code == 200
    uploader = capgo.key("app_uploader")
    assert uploader == capgo.key("app_uploader") != capgo.key("app_uploader", app="com.example.courier")
    body = {"app_id": SHOP, "channel": "x"}
    refused = httpx.post(f"{capgo.base_url}/channel", json=body, headers={"authorization": uploader}, trust_env=False)
    assert refused.status_code == 403
    soon = capgo.key("app_reader", expires_at=capgo.clock.now() + timedelta(minutes=1))
    assert get(capgo, f"/app/{SHOP}", soon).status_code == 200
    capgo.clock.advance(61)
    assert get(capgo, f"/app/{SHOP}", soon).status_code == 401


def test_unknown_key_is_refused_with_what_there_is(capgo: MockCapgo) -> None:
    """Neither a label nor a role: the error lists both."""
    with pytest.raises(MockCapgoError, match=r"'king'.*org_super_admin.*keys of the fixture: admin, reader"):
        capgo.key("king")


def test_minted_keys_are_forgotten_with_the_world_that_knew_them(capgo: MockCapgo) -> None:
    """After a reset or restore, asking for a role's key gives one that works."""
    capgo.checkpoint()
    capgo.key("app_reader")
    capgo.restore()
    assert get(capgo, f"/app/{SHOP}", capgo.key("app_reader")).status_code == 200
    capgo.reset()
    assert get(capgo, f"/app/{SHOP}", capgo.key("app_reader")).status_code == 200


def test_clock(capgo: MockCapgo) -> None:
    """The clock stops, jumps, and runs at a rate; each change tells the time."""
    assert capgo.clock.freeze(JANUARY) == capgo.clock.now() == JANUARY
    assert capgo.clock.advance(60) == JANUARY + timedelta(minutes=1)
    assert capgo.clock.advance(timedelta(hours=1)) == JANUARY + timedelta(minutes=61)
    assert capgo.clock.set("2026-02-01T00:00:00Z") == capgo.clock.now() == datetime(2026, 2, 1, tzinfo=UTC)
    capgo.clock.rate(1_000_000)
    assert capgo.clock.now() > datetime(2026, 2, 1, tzinfo=UTC)


def test_faults(capgo: MockCapgo) -> None:
    """A rule fires until it is removed, counts, and goes away with its block."""
    rule = capgo.faults.add(operation="getApp", status=503)
    assert get(capgo, f"/app/{SHOP}").status_code == 503
    assert rule.fired == 1
    rule.remove()
    rule.remove()
    assert get(capgo, f"/app/{SHOP}").status_code == 200
    with capgo.faults.add(error="cannot_find_channel", from_=JANUARY, until="2999-01-01T00:00:00Z"):
        assert get(capgo, f"/app/{SHOP}").status_code == 404
    assert capgo.faults.list() == []
    capgo.faults.add(status=500)
    capgo.faults.clear()
    assert get(capgo, f"/app/{SHOP}").status_code == 200
    with pytest.raises(MockCapgoError, match="colour"):
        capgo.faults.add(colour="red")


def test_lost_answer(capgo: MockCapgo) -> None:
    """The connection is reset after the work: the client has no answer, and the write is there."""
    capgo.faults.add(operation="upsertChannel", reset="after", times=1)
    body, headers = {"app_id": SHOP, "channel": "nightly"}, {"authorization": capgo.key("admin")}
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{capgo.base_url}/channel", json=body, headers=headers, trust_env=False)
    assert get(capgo, f"/channel?app_id={SHOP}&channel=nightly").status_code == 200


def test_journal(capgo: MockCapgo) -> None:
    """Entries are found by their fields, and are Python values without secrets."""
    get(capgo, f"/app/{SHOP}")
    get(capgo, "/app", "wrong")
    good, bad = capgo.journal.entries()
    assert (good.operation, good.status, good.answered["data"]["app_id"]) == ("getApp", 200, SHOP)
    assert (bad.status, bad.refusal, bad.sent) == (401, "INVALID_APIKEY", None)
    assert bad.request_headers["authorization"] == "[redacted]"
    assert [entry.number for entry in capgo.journal.entries(status=401)] == [bad.number]
    assert capgo.journal.entries(path="/app/*") == [good]
    assert len(capgo.journal.har()["log"]["entries"]) == 2
    with pytest.raises(MockCapgoError, match="colour"):
        capgo.journal.entries(colour="red")
    capgo.journal.clear()
    assert capgo.journal.entries() == []


def test_journal_waits(capgo: MockCapgo) -> None:
    """Waiting ends with the request that is waited for, or with an error that shows what came instead."""
    worker = threading.Timer(0.2, get, [capgo, "/ok"])
    worker.start()
    first = capgo.journal.wait_for(operation="getHealth", timeout=10)
    worker.join()
    assert capgo.journal.wait_for(operation="getHealth") == first
    with pytest.raises(TimeoutError, match="GET /ok"):
        capgo.journal.wait_for(operation="getHealth", after=first.number, timeout=0.1)


def test_journal_verifies(capgo: MockCapgo) -> None:
    """An expectation that is not met is an AssertionError that says what was expected and what came."""
    get(capgo, "/ok")
    get(capgo, f"/app/{SHOP}")
    capgo.journal.verify()
    capgo.journal.verify(operation="getApp", count=1)
    capgo.journal.verify({"operation": "getHealth"}, {"operation": "getApp"}, in_order=True)
    with pytest.raises(AssertionError, match="(?s)operation deleteApp: at least 1 expected, 0 seen.*GET /app/"):
        capgo.journal.verify(operation="deleteApp")
    with pytest.raises(AssertionError, match="not seen after"):
        capgo.journal.verify({"operation": "getApp"}, {"operation": "getHealth"}, in_order=True)


def test_journal_text_says_what_is_left_out(capgo: MockCapgo) -> None:
    """The text shows the last requests, and how many came before them."""
    for _ in range(4):
        get(capgo, "/ok")
    get(capgo, "/app", "wrong")
    text = capgo.journal.text(last=2)
    assert text.startswith("(3 earlier requests are not shown)\n#4 ")
    assert "why: INVALID_APIKEY" in text


def test_state(capgo: MockCapgo) -> None:
    """Seeding adds, an export is a fixture, and replacing goes back to it."""
    before = capgo.state.export()
    device = {"app_id": SHOP, "device_id": "d1000000-0000-4000-8000-000000000001", "platform": "ios"}
    counts = capgo.seed(devices=[{**device, "version_name": "1.2.0"}])
    assert counts["devices"] == len(before["devices"]) + 1
    capgo.state.replace(before)
    assert capgo.info()["counts"]["devices"] == len(before["devices"])
    with MockCapgo(before) as other:
        assert other.info()["counts"] == capgo.info()["counts"]


def test_checkpoints(capgo: MockCapgo) -> None:
    """A checkpoint of any name brings the state back."""
    capgo.checkpoint("before: ä")
    httpx.delete(f"{capgo.base_url}/app/{SHOP}", headers={"authorization": capgo.key("admin")}, trust_env=False)
    assert get(capgo, f"/app/{SHOP}").status_code == 403
    capgo.restore("before: ä")
    assert get(capgo, f"/app/{SHOP}").status_code == 200
    with pytest.raises(MockCapgoError, match="there is no checkpoint never"):
        capgo.restore("never")


def test_reset(capgo: MockCapgo) -> None:
    """A reset is the fixture again, or another one, at a moment."""
    capgo.faults.add(status=500)
    capgo.reset(now=JANUARY)
    assert capgo.faults.list() == []
    assert capgo.clock.now() < JANUARY + timedelta(minutes=1)
    capgo.reset("empty")
    assert capgo.info()["counts"]["apps"] == 0


def test_in_process_client(capgo: MockCapgo) -> None:
    """An asynchronous client in this process reaches this world, and no other, without a socket."""

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=capgo.transport(), base_url=capgo.base_url) as client:
            headers = {"authorization": capgo.key("admin")}
            answers = await asyncio.gather(*(client.get(f"/app/{SHOP}", headers=headers) for _ in range(10)))
        async with httpx.AsyncClient(transport=capgo.transport(), base_url="http://capgo") as client:
            answers.append(await client.post("/channel", json={"app_id": SHOP, "channel": "x"}, headers=headers))
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * 11
    capgo.journal.verify(operation="getApp", count=10)
    assert get(capgo, f"/channel?app_id={SHOP}&channel=x").status_code == 200


def test_in_process_reset_is_an_error_of_the_connection(capgo: MockCapgo) -> None:
    """Without a socket, a connection reset is the error that a client would see."""

    async def ask() -> None:
        async with httpx.AsyncClient(transport=capgo.transport(), base_url=capgo.base_url) as client:
            await client.get("/ok")

    capgo.faults.add(reset="before")
    with pytest.raises(ConnectionResetError):
        asyncio.run(ask())


def test_transport_to_another_process() -> None:
    """Where the server is in another process, the same client goes over a socket, and `asgi` says why it cannot."""
    with served() as (started, _), MockCapgo(url=started["url"]) as capgo:

        async def ask() -> int:
            async with httpx.AsyncClient(transport=capgo.transport(), base_url=capgo.base_url) as client:
                return (await client.get("/ok")).status_code

        assert asyncio.run(ask()) == 200
        capgo.journal.verify(operation="getHealth", count=1)
        with pytest.raises(MockCapgoError, match="another process"):
            _ = capgo.asgi
