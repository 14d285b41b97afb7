"""Webhooks: the guard, the rules of a webhook, test deliveries, and what is recorded of events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Reply
from tests.live.world import (
    CRASHED,
    DEMO,
    DEMO_ORG,
    NO_ROWS,
    SUCCESSION_ORG,
    SUPER,
    TEST2_ORG,
    TEST_USER,
    Live,
    database,
    error,
    key,
)

BY = key(1)
URL = "https://hooks.example.com/capgo"
OBJECT = [
    "id", "org_id", "name", "url", "enabled", "events", "delivery_version", "created_at", "updated_at", "created_by"
]  # fmt: skip
EVENTS = ["apps", "app_versions", "channels", "org_users", "orgs"]
UNKNOWN = "11111111-2222-4333-8444-555555555555"


def create(world: Live, by: str = BY, **changes: Any) -> Reply:
    """The answer to a new webhook."""
    body = {"orgId": DEMO_ORG, "name": "Hook", "url": URL, "events": ["apps"], **changes}
    return world("POST", "/webhooks", body, key=by)


def made(world: Live, **changes: Any) -> dict[str, Any]:
    """A new webhook."""
    reply = create(world, **changes)
    assert (reply.status, reply.body["status"]) == (201, "Webhook created")
    webhook: dict[str, Any] = reply.body["webhook"]
    return webhook


def call(world: Live, method: str, path: str, webhook: str, org: str = DEMO_ORG, by: str = BY, **more: Any) -> Reply:
    """The answer to a call about a webhook."""
    return world(method, path, {"orgId": org, "webhookId": webhook, **more}, key=by)


def test_a_new_webhook(world: Live) -> None:
    """Its secret is shown now and never again."""
    webhook = made(world)
    assert list(webhook) == [*OBJECT, "secret"]
    assert webhook["secret"].startswith("whsec_")
    assert len(webhook["secret"]) == len("whsec_") + 44
    secret = webhook.pop("secret")
    assert webhook == {
        "id": webhook["id"], "org_id": DEMO_ORG, "name": "Hook", "url": URL, "enabled": True, "events": ["apps"],
        "delivery_version": "legacy", "created_at": webhook["created_at"], "updated_at": webhook["created_at"],
        "created_by": TEST_USER,
    }  # fmt: skip
    assert world.get(f"/webhooks?orgId={DEMO_ORG}", key=BY) == [webhook]
    one = world.get(f"/webhooks?orgId={DEMO_ORG}&webhookId={webhook['id']}", key=BY)
    assert one == {**webhook, "stats_24h": {"success": 0, "failed": 0, "pending": 0}}
    assert made(world)["secret"] != secret


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"enabled": False}, {"enabled": False}),
        ({"events": EVENTS[::-1]}, {"events": EVENTS[::-1]}),
        ({"events": ["apps", "apps"]}, {"events": ["apps", "apps"]}),
        ({"deliveryVersion": "standard"}, {"delivery_version": "standard"}),
        ({"delivery_version": "standard"}, {"delivery_version": "standard"}),
        ({"deliveryVersion": "legacy", "delivery_version": "standard"}, {"delivery_version": "legacy"}),
        ({"deliveryVersion": "standard", "delivery_version": "x"}, {"delivery_version": "standard"}),
        ({"name": " <b>n</b> "}, {"name": " <b>n</b> "}),
        ({"url": "https://user:pw@x.example/p?q"}, {"url": "https://user:pw@x.example/p?q"}),
        ({"orgId": DEMO_ORG.upper()}, {"org_id": DEMO_ORG}),
    ],
)
def test_what_a_webhook_may_have(world: Live, sent: dict[str, Any], stored: dict[str, Any]) -> None:
    """Stored as sent; the camel-case delivery version before the other. The same holds for a change."""
    first = made(world, **sent)
    assert first | stored == first
    second = made(world)
    changed = call(world, "PUT", "/webhooks", second["id"], sent.get("orgId", DEMO_ORG), **{
        name: value for name, value in sent.items() if name != "orgId"
    }, **({} if set(sent) - {"orgId"} else {"name": "n"}))  # fmt: skip
    assert (changed.status, changed.body["status"]) == (200, "Webhook updated")
    assert list(changed.body["webhook"]) == OBJECT
    assert changed.body["webhook"] | stored == changed.body["webhook"]


VERSION = error("invalid_delivery_version", "Invalid webhook delivery version", {"allowed": ["legacy", "standard"]})
WRONG_EVENTS = error("invalid_events", "Invalid event types", {"invalid": ["x", "Apps"], "allowed": EVENTS})
BAD: dict[str, Any] = {"events": ["x", "apps", "Apps"], "url": "http://x.example", "deliveryVersion": "v2"}


def test_faults_of_a_webhook_in_order(world: Live) -> None:
    """Delivery version, then events, then the address; for a change the webhook is looked up in between."""
    info = {
        "valid": True, "protocol": "http", "hostnameLength": 9, "pathSegmentCount": 0, "hasQuery": False,
        "hasCredentials": False,
    }  # fmt: skip
    wrong_url = error("invalid_url", "Webhook URL must use HTTPS", {"urlInfo": info})
    assert create(world, **BAD).body == VERSION
    assert create(world, **{**BAD, "deliveryVersion": "legacy"}).body == WRONG_EVENTS
    assert create(world, url=BAD["url"]).body == wrong_url
    webhook = made(world)["id"]
    missing = error("webhook_not_found", "Webhook not found", {"webhookId": UNKNOWN})
    assert call(world, "PUT", "/webhooks", UNKNOWN, **BAD).body == VERSION
    assert call(world, "PUT", "/webhooks", UNKNOWN, events=["x"]).body == missing
    assert call(world, "PUT", "/webhooks", webhook, events=BAD["events"], url=BAD["url"]).body == WRONG_EVENTS
    assert call(world, "PUT", "/webhooks", webhook, url=BAD["url"]).body == wrong_url
    nothing = error("no_updates", "No fields to update")
    assert call(world, "PUT", "/webhooks", webhook).body == nothing
    assert call(world, "PUT", "/webhooks", UNKNOWN).body == missing


URLS: list[tuple[str, str, dict[str, Any]]] = [
    ("http://localhost/x", "Webhook URL must point to a public host", {"protocol": "http", "hostnameLength": 9}),
    ("https://a.localhost", "Webhook URL must point to a public host", {"protocol": "https", "hostnameLength": 11}),
    ("https://LOCALHOST", "Webhook URL must point to a public host", {"protocol": "https", "hostnameLength": 9}),
    ("http://127.0.0.1", "Webhook URL must use a hostname, not an IP address", {"hostnameLength": 9}),
    ("https://8.8.8.8/a/b", "Webhook URL must use a hostname, not an IP address", {"pathSegmentCount": 2}),
    ("https://[::1]/", "Webhook URL must use a hostname, not an IP address", {"hostnameLength": 5}),
    ("http://x.example/a?b", "Webhook URL must use HTTPS", {"pathSegmentCount": 1, "hasQuery": True}),
    ("http://u:p@x.example", "Webhook URL must use HTTPS", {"hasCredentials": True}),
    ("ftp://x.example", "Webhook URL must use HTTPS", {"protocol": "ftp"}),
]


@pytest.mark.parametrize(("url", "message", "info"), URLS)
def test_addresses_that_do_not_do(world: Live, url: str, message: str, info: dict[str, Any]) -> None:
    """The rules in their order; the address itself is never repeated."""
    reply = create(world, url=url)
    assert (reply.status, reply.body["error"], reply.body["message"]) == (400, "invalid_url", message)
    told = reply.body["moreInfo"]["urlInfo"]
    assert told | info == told
    assert list(told) == ["valid", "protocol", "hostnameLength", "pathSegmentCount", "hasQuery", "hasCredentials"]
    assert told["valid"] is True
    assert url not in str(reply.body)


@pytest.mark.parametrize("url", ["", "x", "example.com", "http://", "https://", "//x.example", None, 5])
def test_what_is_no_address(world: Live, url: Any) -> None:
    """That is a fault of the body."""
    (issue,) = create(world, url=url).body["moreInfo"]["error"]["issues"]
    assert issue["path"] == ["url"]
    if isinstance(url, str):
        expected = {"code": "invalid_format", "format": "url", "path": ["url"], "message": "Invalid URL"}
        assert issue == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"events": []}, ["events"]), ({"events": "apps"}, ["events"]), ({"events": ["apps", 5]}, ["events", 1]),
        ({"name": ""}, ["name"]), ({"enabled": "yes"}, ["enabled"]), ({"enabled": None}, ["enabled"]),
        ({"deliveryVersion": 1}, ["deliveryVersion"]), ({"delivery_version": None}, ["delivery_version"]),
    ],
)  # fmt: skip
def test_bodies_that_do_not_fit(world: Live, changes: dict[str, Any], path: list[Any]) -> None:
    """Before the guard, so for any key."""
    for by in (BY, key(10)):
        (issue,) = create(world, by=by, **changes).body["moreInfo"]["error"]["issues"]
        assert issue["path"] == path


CALLS = [
    ("PUT", "/webhooks"), ("DELETE", "/webhooks"), ("POST", "/webhooks/test"), ("GET", "/webhooks/deliveries"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_which_webhook(world: Live, method: str, path: str) -> None:
    """Unknown and malformed ids are 400 alike, another organization's is not said to be missing."""
    for webhook in (UNKNOWN, "no-uuid", ""):
        missing = error("webhook_not_found", "Webhook not found", {"webhookId": webhook})
        reply = call(world, method, path, webhook, name="n")
        assert (reply.status, reply.body) == (400, missing)
    webhook = made(world)["id"]
    reply = call(world, method, path, webhook, SUCCESSION_ORG, by=key(24), name="n")
    foreign = error("no_permission", "Webhook does not belong to this organization", {"webhookId": webhook})
    assert (reply.status, reply.body) == (400, foreign)
    issue = world(method, path, {"orgId": DEMO_ORG}, key=key(10)).body["moreInfo"]["error"]["issues"][0]
    assert issue["path"] == ["webhookId"]


def test_reading_one_that_is_not_there(world: Live) -> None:
    """Also one of another organization; what is no UUID gets the database's words."""
    webhook = made(world)["id"]
    missing = error("webhook_not_found", "Webhook not found", {"error": NO_ROWS})
    world.expect(400, missing, "GET", f"/webhooks?orgId={DEMO_ORG}&webhookId={UNKNOWN}", key=BY)
    world.expect(400, missing, "GET", f"/webhooks?orgId={SUCCESSION_ORG}&webhookId={webhook}", key=key(24))
    malformed = database("22P02", 'invalid input syntax for type uuid: "x"')
    world.expect(400, error("webhook_not_found", "Webhook not found", {"error": malformed}), "GET",
                 f"/webhooks?orgId={DEMO_ORG}&webhookId=x", key=BY)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [("GET", "/webhooks"), ("POST", "/webhooks"), *CALLS])
def test_the_guard(world: Live, sane: Live, method: str, path: str) -> None:
    """Scope, organization, administration, on every route; an id that is no UUID is a crash after the first."""
    body = {"orgId": DEMO_ORG, "webhookId": UNKNOWN, "name": "n", "url": URL, "events": ["apps"]}
    by_org = {"org_id": DEMO_ORG}
    scoped = error("no_permission", "App-scoped API keys cannot manage organization webhooks", by_org)
    denied = error("invalid_org_id", "You can't access this organization", by_org)
    needed = error("no_permission", "You need admin access to manage webhooks", by_org)
    for by, expected in ((key(28), scoped), (key(24), denied), (key(4), needed), (key(6), needed)):
        world.expect(400, expected, method, path, body, key=by)
    for odd in ("x", "", " "):
        world.expect(500, CRASHED, method, path, {**body, "orgId": odd}, key=BY)
        reply = sane(method, path, {**body, "orgId": odd}, key=BY)
        assert (reply.status, reply.body["error"]) == (400, "invalid_org_id")
        assert world(method, path, {**body, "orgId": odd}, key=key(10)).body["message"] == scoped["message"]


def test_the_guard_of_keys_that_must_expire(world: Live) -> None:
    """Between the organization and the administrator."""
    world.ok("PUT", "/organization", {"orgId": DEMO_ORG, "require_apikey_expiration": True}, key=BY)
    for by in (BY, key(4)):
        reply = world("GET", f"/webhooks?orgId={DEMO_ORG}", key=by)
        assert (reply.status, reply.body["error"]) == (401, "org_requires_expiring_key")
    assert world.get(f"/webhooks?orgId={DEMO_ORG}", key=key(19)) == []


def test_changing_and_deleting(world: Live) -> None:
    """A change moves `updated_at`; a deleted webhook takes its deliveries along."""
    webhook = made(world)
    world.later(1)
    changed = call(world, "PUT", "/webhooks", webhook["id"], name="Renamed", enabled=False).body["webhook"]
    assert changed["updated_at"] > webhook["updated_at"]
    assert (changed["name"], changed["enabled"], changed["url"]) == ("Renamed", False, URL)
    call(world, "POST", "/webhooks/test", webhook["id"])
    gone = call(world, "DELETE", "/webhooks", webhook["id"])
    assert (gone.status, gone.body) == (200, {"status": "Webhook deleted", "webhookId": webhook["id"]})
    assert call(world, "DELETE", "/webhooks", webhook["id"]).body["error"] == "webhook_not_found"
    assert len(world.universe.world.state.deliveries) == 0
    assert world.get(f"/webhooks?orgId={DEMO_ORG}", key=BY) == []


def test_pages_of_webhooks(world: Live) -> None:
    """Fifty at a time, the newest first."""
    names = [str(number) for number in range(120)]
    for name in names:
        made(world, name=name)
    pages = [world.get(f"/webhooks?orgId={DEMO_ORG}&page={page}", key=BY) for page in range(4)]
    assert [len(page) for page in pages] == [50, 50, 20, 0]
    assert [row["name"] for page in pages for row in page] == names[::-1]
    assert world("GET", "/webhooks", {"orgId": DEMO_ORG, "page": 1}, key=BY).body == pages[1]


def test_a_test_delivery_is_recorded(world: Live) -> None:
    """Also of a disabled webhook; where nothing may be sent it failed, and there is no HTTP status."""
    webhook = made(world, enabled=False, deliveryVersion="standard")
    answer = call(world, "POST", "/webhooks/test", webhook["id"]).body
    assert {name: answer[name] for name in ("success", "message")} == {
        "success": False, "message": "Test webhook delivery failed"
    }  # fmt: skip
    assert "status" not in answer
    page = world.get(f"/webhooks/deliveries?orgId={DEMO_ORG}&webhookId={webhook['id']}", key=BY)
    assert page["pagination"] == {"page": 0, "per_page": 50, "total": 1, "has_more": False}
    (delivery,) = page["deliveries"]
    assert (delivery["id"], delivery["event_type"], delivery["status"], delivery["audit_log_id"]) == (
        answer["delivery_id"], "test.ping", "failed", None
    )  # fmt: skip
    sent = delivery["request_payload"]
    assert (sent["event"], sent["type"], sent["org_id"]) == ("test.ping", "test.ping", DEMO_ORG)
    assert (sent["data"]["table"], sent["data"]["record_id"]) == ("test", "test-record-id")
    one = world.get(f"/webhooks?orgId={DEMO_ORG}&webhookId={webhook['id']}", key=BY)
    assert one["stats_24h"] == {"success": 0, "failed": 1, "pending": 0}
    world.later(86_401)
    one = world.get(f"/webhooks?orgId={DEMO_ORG}&webhookId={webhook['id']}", key=BY)
    assert one["stats_24h"] == {"success": 0, "failed": 0, "pending": 0}


def test_retrying(world: Live) -> None:
    """Only what failed, and only while the webhook is enabled; then it is as if never tried."""
    webhook = made(world)
    delivery = call(world, "POST", "/webhooks/test", webhook["id"]).body["delivery_id"]

    def retry(wanted: str, org: str = DEMO_ORG, by: str = BY) -> Reply:
        return world("POST", "/webhooks/deliveries/retry", {"orgId": org, "deliveryId": wanted}, key=by)

    for unknown in (UNKNOWN, "x"):
        missing = error("delivery_not_found", "Delivery not found", {"deliveryId": unknown})
        assert (retry(unknown).status, retry(unknown).body) == (400, missing)
    foreign = retry(delivery, SUCCESSION_ORG, key(24))
    assert foreign.body["message"] == "Delivery does not belong to this organization"
    assert (foreign.status, foreign.body["error"]) == (400, "no_permission")
    call(world, "PUT", "/webhooks", webhook["id"], enabled=False)
    assert retry(delivery).body == error("webhook_disabled", "Webhook is disabled")
    call(world, "PUT", "/webhooks", webhook["id"], enabled=True)
    assert retry(delivery).body == {"status": "Delivery queued for retry", "deliveryId": delivery}
    again = error(
        "delivery_not_failed", "Only failed deliveries can be retried", {"deliveryId": delivery, "status": "pending"}
    )
    assert (retry(delivery).status, retry(delivery).body) == (400, again)
    (row,) = world.get(f"/webhooks/deliveries?orgId={DEMO_ORG}&webhookId={webhook['id']}", key=BY)["deliveries"]
    assert (row["status"], row["attempt_count"], row["response_status"], row["completed_at"]) == (
        "pending",
        0,
        None,
        None,
    )


def test_events_are_recorded_for_who_asked(world: Live) -> None:
    """Enabled webhooks of the organization, by table; the deliveries of one event share its id."""
    both = [made(world, events=["apps", "channels"]), made(world, events=["channels"])]
    off, other = made(world, enabled=False, events=EVENTS), made(world, events=["orgs"])
    world.ok("POST", "/channel", {"app_id": DEMO, "channel": "no_access", "allow_dev": False})
    world.ok("PUT", f"/app/{DEMO}", {"name": "Renamed"})

    def deliveries(webhook: dict[str, Any], **params: str) -> list[dict[str, Any]]:
        query = "".join(f"&{name}={value}" for name, value in params.items())
        page = world.get(f"/webhooks/deliveries?orgId={DEMO_ORG}&webhookId={webhook['id']}{query}", key=BY)
        found: list[dict[str, Any]] = page["deliveries"]
        return found

    first, second = deliveries(both[0]), deliveries(both[1])
    assert [row["event_type"] for row in first] == ["apps.UPDATE", "channels.UPDATE"]
    assert [row["event_type"] for row in second] == ["channels.UPDATE"]
    assert first[1]["request_payload"]["event_id"] == second[0]["request_payload"]["event_id"]
    assert deliveries(off) == deliveries(other) == []
    audited = {row["id"]: row for row in world.audit(DEMO_ORG)}
    row = audited[first[0]["audit_log_id"]]
    assert first[0]["request_payload"]["data"] == {
        "table": "apps", "operation": "UPDATE", "record_id": DEMO, "old_record": row["old_record"],
        "new_record": row["new_record"], "changed_fields": row["changed_fields"], "actor_type": "apikey",
        "actor_user_id": TEST_USER, "actor_user_email": "test@capgo.app", "actor_apikey_id": 6,
        "actor_apikey_name": "test org super admin",
    }  # fmt: skip
    assert deliveries(both[0], status="pending") == first
    assert deliveries(both[0], status="failed") == []
    assert world.get(f"/webhooks?orgId={TEST2_ORG}", key=SUPER) == []
