"""The budget of an account: how much it is, who shares it, what a refusal says and when it ends."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.access.limits import BUDGETS
from mock_capgo.world.records import MINUTE, SECOND
from tests.conftest import ACME, ENTERPRISE, EXPIRED, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER, Mock
from tests.test_access import NOW, WITH_KEY, Direct, binding, example, freeze, generated, named, new_key, stored

REFUSED = {"error": "Too many requests", "status": "KO"}


@pytest.fixture
def limited() -> Mock:
    """A mock with limits in force, whose time stands still."""
    mock = Direct()
    freeze(mock)
    return mock


def spend(mock: Mock, requests: int, *keys: str) -> None:
    """Make requests that are all served, with these keys in turn."""
    for turn in range(requests):
        reply = mock(
            "GET", "/statistics/user/?from=2024-01-01&to=2024-01-01", key=(keys or (FULL,))[turn % len(keys or (1,))]
        )
        assert reply.status == 200, f"refused after {turn} requests"


def test_a_standard_account_has_a_hundred_a_minute(limited: Mock) -> None:
    """Request 101 of a minute is refused with the usual envelope and the whole seconds until it ends."""
    spend(limited, 100)
    reply = limited("GET", "/organization/")
    assert (reply.status, reply.body) == (429, REFUSED)
    assert reply.headers["retry-after"] == "60"


def test_an_enterprise_account_has_a_thousand_a_minute(limited: Mock) -> None:
    """Request 1001 of a minute is refused, and other accounts do not notice."""
    spend(limited, 1000, ENTERPRISE)
    assert limited("GET", "/organization/", key=ENTERPRISE).status == 429
    assert limited("GET", "/organization/").status == 200


def test_the_keys_of_an_organization_share_one_budget(limited: Mock) -> None:
    """Whichever keys of an organization call, plain, hashed or bound to an app, they call for one account."""
    spend(limited, 100, FULL, READER, UPLOADER, HASHED)
    for key in (FULL, READER, UPLOADER, HASHED):
        assert limited("GET", "/app/", key=key).status == 429
    assert limited("GET", "/app/", key=ENTERPRISE).status == 200


def test_a_new_key_brings_no_new_budget(limited: Mock) -> None:
    """Making keys, with bindings or with a mode, does not make more requests."""
    made = [
        new_key(limited, binding("app_reader")),
        new_key(limited, mode="read"),
        new_key(limited, binding("org_member")),
    ]
    spend(limited, 97)
    for key in (*made, FULL):
        assert limited("GET", "/app/", key=key).status == 429


def test_a_key_belongs_to_its_first_organization(limited: Mock) -> None:
    """A key that is bound in several organizations spends the budget of the first one."""
    mine = limited.ok("POST", "/organization/", {"name": "Labs"})["id"]
    key = new_key(limited, binding("org_member", mine), binding("org_member"))
    spend(limited, 98)
    assert limited("GET", "/app/").status == 429
    spend(limited, 100, key)
    assert limited("GET", "/app/", key=key).status == 429


@pytest.mark.parametrize("operation", WITH_KEY, ids=named)
def test_every_operation_is_limited(operation: Any) -> None:
    """Over budget every operation with a key has the same answer, and does nothing."""
    mock = _spent()
    before = stored(mock)
    reply = example(operation.id).to(mock)
    assert (reply.status, reply.body) == (429, REFUSED)
    assert reply.headers["retry-after"] == "60"
    assert stored(mock) == before


@cache
def _spent() -> Mock:
    mock = Direct()
    freeze(mock)
    spend(mock, 100)
    return mock


def test_what_is_never_limited() -> None:
    """Health, control routes, the document, unknown routes and preflights are answered over budget as ever."""
    mock = _spent()
    for method, path, status in [
        ("GET", "/ok", 200),
        ("POST", "/ok", 200),
        ("GET", "/_mock/health", 200),
        ("GET", "/_mock/info", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("PATCH", "/app/", 404),
        ("OPTIONS", "/app/", 204),
    ]:
        for _ in range(3):
            assert mock(method, path).status == status, path


def test_the_order_is_key_budget_contract() -> None:
    """Over budget a wrong key is still a wrong key, and a broken request is not looked at."""
    mock = _spent()
    assert mock("GET", "/app/", key="wrong").status == 401
    assert mock("GET", "/app/", key=EXPIRED).status == 401
    assert mock("POST", "/app/?x=1", raw=b"{").status == 429


def test_what_spends_the_budget(limited: Mock) -> None:
    """A refused request of a good key counts; a wrong key, an unknown route and /ok do not."""
    for _ in range(60):
        assert limited("GET", "/app/", key="wrong").status == 401
        assert limited("GET", "/app/", key=EXPIRED).status == 401
        assert limited("GET", "/nowhere").status == 404
        assert limited("GET", "/ok").status == 200
    for _ in range(50):
        assert limited("GET", "/app/?page=-1").status == 400
        assert limited("GET", f"/organization/?orgId={GLOBEX}").status == 403
    assert limited("GET", "/app/").status == 429


def test_refused_requests_do_not_prolong_the_wait(limited: Mock) -> None:
    """A client that keeps calling is let in when a minute has passed since its first call."""
    clock = limited.universe.world.clock
    spend(limited, 100)
    for second in range(0, 60, 5):
        clock.set(NOW + second * SECOND)
        reply = limited("GET", "/app/")
        assert (reply.status, reply.headers["retry-after"]) == (429, str(60 - second))
    clock.set(NOW + MINUTE)
    spend(limited, 100)
    assert limited("GET", "/app/").status == 429


@generated(25)
@given(pause=st.integers(0, MINUTE - 1), later=st.integers(0, MINUTE))
def test_retry_after_is_honest_to_a_second(pause: int, later: int) -> None:
    """Whenever a refusal comes, a call `Retry-After` seconds later is served, and one a second sooner is not."""
    mock = _spent()
    world = mock.universe.world
    counters = {key: (window.count, window.since) for key, window in world.counters.items()}
    world.clock.set(NOW + pause, 0)
    seconds = int(mock("GET", "/app/").headers["retry-after"])
    assert seconds == math.ceil((MINUTE - pause) / SECOND)
    assert 1 <= seconds <= 60
    world.clock.set(NOW + pause + (seconds - 1) * SECOND, 0)
    assert mock("GET", "/app/").status == 429
    world.clock.set(NOW + pause + seconds * SECOND + later, 0)
    assert mock("GET", "/app/").status == 200
    for key, window in world.counters.items():
        window.count, window.since = counters.get(key, (window.count, window.since))
    world.clock.set(NOW, 0)


def test_a_clock_that_goes_back_locks_nobody_out(limited: Mock) -> None:
    """After the world's clock was set back, an account is not refused for longer than a minute."""
    spend(limited, 100)
    limited.universe.world.clock.set(NOW - 3600 * SECOND, 0)
    reply = limited("GET", "/app/")
    assert reply.status == 200 or int(reply.headers["retry-after"]) <= 60


def test_a_reset_gives_the_budget_back(limited: Mock) -> None:
    """`POST /_mock/reset` starts the minute over."""
    spend(limited, 100)
    assert limited("GET", "/app/").status == 429
    assert limited("POST", "/_mock/reset").status == 200
    spend(limited, 100)


def test_limits_can_be_off(mock: Mock) -> None:
    """With `--limits off` nobody is ever refused for calling often."""
    freeze(mock)
    spend(mock, 150)
    assert mock.get("/_mock/info")["limits"] == "off"


def test_the_documented_budgets() -> None:
    """The two tiers have the documented budgets."""
    assert BUDGETS == {"standard": 100, "enterprise": 1000}


def test_a_deleted_organization_leaves_no_free_ride(limited: Mock) -> None:
    """A key whose organization is gone still has a budget, and not an endless one."""
    limited.ok("DELETE", f"/organization/?orgId={ACME}")
    statuses = [limited("GET", f"/app/{SHOP}").status for _ in range(101)]
    assert set(statuses[:90]) == {403}
    assert statuses[-1] == 429
