"""Every quirk that looks like a fault of the service: with it, and the sane answer without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mock_capgo.quirks import DOCUMENTED, LIVE, LIVE_WITHOUT_FAULTS, Quirk
from tests.conftest import Reply
from tests.live.world import (
    CRASHED,
    DEMO,
    DEMO_ORG,
    INVALID_JSON,
    TEST2_ORG,
    TEST_USER,
    Live,
    error,
    key,
)

Ask = Callable[[Live], Reply]
SEEDED = "00000000-0000-0000-0000-000000000000"


def asking(method: str, path: str, body: Any = None, **more: Any) -> Ask:
    """A call that is still to be made."""
    return lambda world: world(method, path, body, **more)


def taken_name(world: Live) -> Reply:
    """A second organization of one name."""
    world.organization("Twice")
    return world("POST", "/organization", {"name": "Twice"}, key=key(1))


def second_page(world: Live) -> Reply:
    """The second page of 104 bundles."""
    world.make_app("com.pages.app")
    for number in range(104):
        world.make_bundle("com.pages.app", f"1.0.{number}")
    return world("GET", "/bundle?app_id=com.pages.app&page=1")


def odd_id(world: Live) -> Reply:
    """The members of an organization, one of whom has an id that is no RFC 9562 UUID."""
    state = world.universe.world.state
    odd = replace(state.users[TEST_USER], id="11111111-1111-9111-1111-111111111111", email="odd@example.com")
    state.users.put(odd)
    member = state.members.where("org", DEMO_ORG)[0]
    state.members.put(replace(member, id=9999, user_id=odd.id))
    return world("GET", f"/organization/members?orgId={DEMO_ORG}")


def shape(reply: Reply) -> Any:
    """What is told apart: how many for a success, the code of a refusal."""
    if reply.status == 200:
        return len(reply.body) if isinstance(reply.body, list) else 200
    return reply.status, reply.body["error"]


BODY: dict[str, Any] = {"app_id": DEMO, "channel": "no_access"}
SOLE = {"orgId": DEMO_ORG, "email": "test@capgo.app"}
BUNDLE = {"app_id": DEMO, "version": 200, "external_url": "https://x", "checksum": "c"}
CRASH = (500, "unknown_error")
CASES: list[tuple[Quirk, Ask, Any, Any]] = [
    (Quirk.SOLE_SUPER_ADMIN_TAKES_ORG_ALONG, asking("DELETE", "/organization/members", SOLE), 200,
     (400, "CANNOT_REMOVE_LAST_SUPER_ADMIN")),
    (Quirk.STRING_PAGE_WINDOW, second_page, 54, 50),
    (Quirk.NO_BUNDLES_IS_AN_ERROR, asking("GET", f"/bundle?app_id={DEMO}&page=7"), (400, "cannot_get_bundle"), 0),
    (Quirk.UNKNOWN_VERSION_CRASHES, asking("POST", "/channel", {**BODY, "version": "9.9.9"}), CRASH,
     (400, "cannot_find_version")),
    (Quirk.UNKNOWN_VERSION_CRASHES, asking("POST", "/channel", {**BODY, "rolloutVersion": 999999}), CRASH,
     (400, "cannot_find_version")),
    (Quirk.CHANNEL_WRITE_CRASHES, asking("POST", "/channel", {**BODY, "disableAutoUpdate": "x"}), CRASH,
     (400, "invalid_body")),
    (Quirk.CHANNEL_WRITE_CRASHES, asking("POST", "/channel", {"app_id": DEMO}), CRASH, (400, "invalid_body")),
    (Quirk.TAKEN_ORG_NAME_CRASHES, taken_name, CRASH, (400, "cannot_create_org")),
    (Quirk.MALFORMED_ID_CRASHES, asking("GET", "/organization/audit?orgId=x"), CRASH, (400, "invalid_org_id")),
    (Quirk.MALFORMED_ID_CRASHES, asking("GET", "/webhooks?orgId=x"), CRASH, (400, "invalid_org_id")),
    (Quirk.NON_STRING_VERSION_CRASHES, asking("POST", "/bundle", BUNDLE), CRASH, (400, "invalid_body")),
    (Quirk.ODD_UUIDS_CANNOT_BE_PARSED, odd_id, (400, "cannot_parse_members"), 4),
    (Quirk.NULL_KEY_UPDATE_CRASHES, asking("PUT", "/apikey/5", raw=b"null"), CRASH,
     (400, "no_valid_fields_provided_for_update")),
    (Quirk.ANY_CUSTOM_ID_MODE_IS_TRUE, asking("GET", f"/device?app_id={DEMO}&device_id={SEEDED}&customIdMode=false"),
     (404, "device_not_found"), 200),
    (Quirk.UNUSABLE_CURSOR_IS_IGNORED, asking("GET", f"/device?app_id={DEMO}&cursor=x"), 200, (400, "invalid_cursor")),
]  # fmt: skip


@pytest.mark.parametrize(("quirk", "ask", "with_it", "without"), CASES)
def test_a_fault_can_be_switched_off(
    world: Live, sane: Live, quirk: Quirk, ask: Ask, with_it: Any, without: Any
) -> None:
    """The same call, imitated and sane."""
    assert quirk.kind == "FAULT"
    assert shape(ask(world)) == with_it
    assert shape(ask(sane)) == without


def test_head_without_a_query(world: Live, sane: Live) -> None:
    """HEAD has no body to tell it by."""
    assert (world("HEAD", "/app").status, sane("HEAD", "/app").status) == (400, 200)
    assert world("POST", "/app", raw=b"{}").body == INVALID_JSON


@pytest.mark.parametrize(
    ("quirk", "method", "path"),
    [
        (Quirk.DEVICE_BODY_CRASHES, "POST", "/updates"),
        (Quirk.STATS_WITHOUT_ACTION_CRASHES, "POST", "/stats"),
    ],
)
def test_faults_of_the_device_api(world: Live, sane: Live, quirk: Quirk, method: str, path: str) -> None:
    """They are faults as well, and are switched off with the others."""
    assert quirk in LIVE - LIVE_WITHOUT_FAULTS
    body = {
        "app_id": DEMO, "device_id": SEEDED, "version_name": "1.0.0", "version_build": "1.0.0", "platform": "ios",
        "plugin_version": "7.0.0", "version_os": "17", "is_emulator": False, "is_prod": True,
    }  # fmt: skip
    sent = None if path == "/updates" else body
    raw = b"null" if path == "/updates" else None
    assert world(method, path, sent, raw=raw, key=None).body == CRASHED
    assert sane(method, path, sent, raw=raw, key=None).body != CRASHED


def test_the_rules_stay(world: Live, sane: Live) -> None:
    """What is how the service is meant to work is not switched off."""
    calls: list[tuple[Ask, Any]] = [
        (asking("POST", "/apikey", {"name": "n"}), (400, "cannot_create_apikey")),
        (asking("PUT", f"/app/{DEMO}", {"unknown": 1}), (400, "cannot_update_app")),
        (asking("POST", "/bundle/metadata", {"app_id": DEMO, "version_id": 3}), (400, "no_fields_to_update")),
        (asking("DELETE", f"/bundle?app_id={DEMO}&version=1.359.0"), 200),
        (asking("GET", f"/app/{DEMO}", key=key(20)), (401, "cannot_access_app")),
        (asking("GET", f"/organization?orgId={TEST2_ORG}", key=key(1)), (400, "invalid_org_id")),
    ]
    for mock in (world, sane):
        for ask, expected in calls:
            assert shape(ask(mock)) == expected
        mock.make_bundle(DEMO, "8.8.8")
        assert mock.get(f"/app/{DEMO}")["last_version"] == "1.0.0"
        mock.later(11)
        assert mock.get(f"/app/{DEMO}")["last_version"] == "8.8.8"


def test_every_fault_is_tested() -> None:
    """The table above, and the three beside it, are all that can be switched off."""
    told = {quirk for quirk, _, _, _ in CASES}
    told |= {Quirk.HEAD_WITHOUT_QUERY_IS_REFUSED, Quirk.DEVICE_BODY_CRASHES, Quirk.STATS_WITHOUT_ACTION_CRASHES}
    assert told == LIVE - LIVE_WITHOUT_FAULTS
    assert all(quirk.kind == "RULE" for quirk in LIVE_WITHOUT_FAULTS)
    assert frozenset() == DOCUMENTED


def test_the_sane_words_say_what_was_wrong(sane: Live) -> None:
    """Whoever switches a crash off is told its cause."""
    reply = sane("POST", "/bundle", BUNDLE)
    assert reply.body == error("invalid_body", "version must be a string")
