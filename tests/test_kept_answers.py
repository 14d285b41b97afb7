"""Answers that are kept until a table changes (`Operation.follows_from`) are those that would be worked out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_capgo.dialects import DialectName, speak
from mock_capgo.operations import OPERATIONS
from mock_capgo.request import Request
from mock_capgo.server.dispatch import answer
from mock_capgo.server.universe import Universe, create_universe
from mock_capgo.world.derived import Derived
from mock_capgo.world.fixture import read_fixture
from mock_capgo.world.records import DAY, ApiKey

ACME, GLOBEX = "0c0ffee0-0000-4000-8000-00000000a001", "0c0ffee0-0000-4000-8000-00000000a002"
SHOP, NEW = "com.example.shop", "com.example.new"
ASKED = [
    "/app", f"/app?org_id={ACME}", f"/app?org_id={GLOBEX}", "/app?limit=1&page=1",
    f"/app/{SHOP}", f"/app/{NEW}",
    f"/bundle?app_id={SHOP}", f"/bundle?app_id={SHOP}&page=1", f"/bundle?app_id={NEW}",
    f"/channel?app_id={SHOP}", f"/channel?app_id={SHOP}&channel=beta", f"/channel?app_id={NEW}",
]  # fmt: skip
APPS = st.sampled_from([SHOP, NEW])
_VERSION = st.sampled_from(["1.0.0", "1.1.0", "1.2.0", "2.0.0", "9.0.0"])
_CHANNEL = st.sampled_from(["beta", "production", "new"])


def _write(method: str, path: str, **body: Any) -> tuple[str, str, bytes]:
    return method, path, orjson.dumps(body)


WRITES = st.one_of(
    st.builds(lambda app: _write("POST", "/app", app_id=app, name="New", owner_org=ACME), APPS),
    st.builds(lambda app, name: _write("PUT", f"/app/{app}", name=name), APPS, st.sampled_from(["A", "B"])),
    st.builds(lambda app: _write("DELETE", f"/app/{app}"), APPS),
    st.builds(lambda app, name: _write("POST", "/channel", app_id=app, channel=name), APPS, _CHANNEL),
    st.builds(
        lambda app, name, version: _write("POST", "/channel", app_id=app, channel=name, version=version),
        APPS, _CHANNEL, _VERSION,
    ),
    st.builds(lambda app, name: _write("DELETE", "/channel", app_id=app, channel=name), APPS, _CHANNEL),
    st.builds(
        lambda app, version: _write(
            "POST", "/bundle", app_id=app, version=version, external_url="https://cdn.example.com/a.zip", checksum="a"
        ),
        APPS, _VERSION,
    ),
    st.builds(lambda app, version: _write("DELETE", "/bundle", app_id=app, version=version), APPS, _VERSION),
    st.sampled_from(
        [
            _write("PUT", "/organization", orgId=ACME, name="Acme Ltd"),
            _write("PUT", "/organization", orgId=ACME, enforce_hashed_api_keys=True),
            _write("DELETE", f"/organization?orgId={GLOBEX}", orgId=GLOBEX),
            *(_write("DELETE", f"/apikey/{number}") for number in (2, 3, 4)),
            ("members", 0), ("members", 1), ("bindings", 5), ("bindings", 10), ("bindings", 11), ("api_keys", 1),
        ]
    ),
)  # fmt: skip
STEPS = st.lists(st.one_of(WRITES, WRITES, st.integers(1, 40)), min_size=1, max_size=20)
"""Calls of the admin, records that are taken out of a table by their place, and days that pass."""


@pytest.mark.parametrize("dialect", ["documented", "live"])
@given(steps=STEPS)
@settings(max_examples=100, deadline=None)
def test_a_kept_answer_is_what_would_be_worked_out(dialect: DialectName, steps: list[Any]) -> None:
    """Whoever asks, whatever was written and however long ago: to the byte what a world says that keeps nothing."""
    universe = create_universe(read_fixture("default"), speak(dialect), limits=False, now=20_000 * DAY)
    state = universe.world.state
    admin, reader, uploader = (universe.keys[label] for label in ("admin", "reader", "uploader"))
    owner = state.api_keys[1].user_id
    for number, limits in enumerate([(), (NEW,)]):
        key = ApiKey(
            id=90 + number, user_id=owner, rbac_id=f"mode-{number}", name="", key=f"mode-{number}", mode="read",
            limited_to_apps=limits,
        )  # fmt: skip
        state.api_keys.put(key)
    for step in [0, *steps]:
        if isinstance(step, int):
            universe.world.clock.advance(step * 86_400.0)
        elif len(step) == 3:
            _ask(universe, admin, *step)
        else:
            table = getattr(state, step[0])
            for record in list(table)[step[1] : step[1] + 1]:
                table.remove(record)
        keys = admin, reader, uploader, "mode-0", "mode-1"
        said = [_ask(universe, key, "GET", path) for key in keys for path in ASKED]
        kept, state.derived = state.derived, Derived()
        assert said == [_ask(universe, key, "GET", path) for key in keys for path in ASKED]
        state.derived = kept


def test_the_second_answer_is_the_kept_one() -> None:
    """Nothing is worked out twice, until a write: the body is the same object."""
    universe = create_universe(read_fixture("default"), speak("documented"), limits=False)
    paths = ["/app", f"/app/{SHOP}", f"/bundle?app_id={SHOP}", f"/channel?app_id={SHOP}"]
    assert len(paths) == sum(operation.follows_from != () for operation in OPERATIONS)
    for path in paths:
        first, second = (_ask(universe, universe.keys["admin"], "GET", path)[1] for _ in range(2))
        assert second is first
    before = _ask(universe, universe.keys["admin"], "GET", f"/channel?app_id={SHOP}")
    _ask(universe, universe.keys["admin"], *_write("POST", "/channel", app_id=SHOP, channel="new"))
    after = _ask(universe, universe.keys["admin"], "GET", f"/channel?app_id={SHOP}")
    assert [row["name"] for row in orjson.loads(after[1])] == [*(row["name"] for row in orjson.loads(before[1])), "new"]


def _ask(universe: Universe, key: str, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    route, _, query = path.partition("?")
    answered = answer(universe, Request(method, route, query.encode(), {"authorization": key}, body))
    return answered.status, answered.body
