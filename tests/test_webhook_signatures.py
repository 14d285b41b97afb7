"""What a receiver of webhooks relies on: bodies and signatures it can verify, and when it is asked again.

The signatures are computed here once more from the written rules, with nothing of the project's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_capgo.errors import Refusal
from mock_capgo.resources import deliveries
from mock_capgo.resources.deliveries import Response, Sender, body_of, headers, retry_delay
from mock_capgo.resources.webhook_urls import refuse_unfit_url
from mock_capgo.world.clock import Clock, parse_time
from mock_capgo.world.records import DAY, MINUTE, SECOND, AuditLog, Delivery, Webhook
from mock_capgo.world.world import World

NOW = parse_time("2026-11-23T22:57:33.5Z")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ORG = "046a36ac-e03c-4590-9257-bd6c9dba9ee8"
WEBHOOK = Webhook(
    id="d1a18981-8dcd-4b0f-ba24-67f2685d9f66",
    org_id=ORG,
    name="Hook",
    url="http://127.0.0.1:9/hook",
    enabled=True,
    events=("apps", "orgs"),
    delivery_version="legacy",
    created_at=0,
    updated_at=0,
    created_by="6aa76066-55ef-4238-ade6-0b32334a4097",
    secret=SECRET,
)
ROW = AuditLog(
    id=62,
    created_at=NOW,
    table_name="orgs",
    record_id=ORG,
    operation="UPDATE",
    org_id=ORG,
    old_record={"name": "Démo"},
    new_record={"name": "Demo 2"},
    changed_fields=["name"],
    actor_type="apikey",
    actor_apikey_id=6,
)


def world_with(*webhooks: Webhook) -> World:
    """A world at a fixed time that holds these webhooks."""
    world = World(clock=Clock(NOW, rate=0))
    for webhook in webhooks:
        world.state.webhooks.put(webhook)
    return world


def switch_on(world: World, sender: Sender) -> None:
    """Let a world send, through this."""
    setattr(world, "deliver", sender)  # noqa: B010 - read by name, since most worlds send nothing


def recorded(version: str = "legacy") -> Delivery:
    """The delivery of one change to a webhook of that version."""
    (delivery,) = deliveries.record_event(world_with(replace(WEBHOOK, delivery_version=version)), ROW)
    return delivery


def test_the_body_tells_the_change() -> None:
    """The body of an event holds the change as the audit log has it, in the documented order."""
    body = json.loads(body_of(recorded()))
    assert list(body) == ["event", "event_id", "timestamp", "org_id", "data"]
    assert (body["event"], body["org_id"], body["timestamp"]) == ("orgs.UPDATE", ORG, "2026-11-23T22:57:33.500Z")
    assert list(body["data"]) == [
        "table", "operation", "record_id", "old_record", "new_record", "changed_fields",
        "actor_type", "actor_user_id", "actor_user_email", "actor_apikey_id", "actor_apikey_name",
    ]  # fmt: skip
    assert body["data"]["old_record"] == {"name": "Démo"}
    assert body["data"]["actor_apikey_id"] == 6


def test_the_standard_version_also_names_its_type() -> None:
    """A body of the standard version has `type`, with the same value as `event`."""
    body = json.loads(body_of(recorded("standard")))
    assert body["type"] == body["event"] == "orgs.UPDATE"


def test_a_legacy_delivery_is_signed_with_the_secret_as_text() -> None:
    """The signature is the HMAC of time and body under the whole secret, and nothing standard is sent."""
    delivery = recorded()
    body = body_of(delivery)
    sent = headers(delivery, SECRET, body, NOW)
    timestamp = sent["X-Capgo-Timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert timestamp == str(NOW // SECOND)
    assert sent == {
        "Content-Type": "application/json",
        "User-Agent": "Capgo-Webhook/1.0",
        "X-Capgo-Event": "orgs.UPDATE",
        "X-Capgo-Event-ID": json.loads(body)["event_id"],
        "X-Capgo-Timestamp": timestamp,
        "X-Capgo-Signature": f"v1={timestamp}.{expected}",
    }


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (SECRET, bytes(range(32))),
        ("whsec_" + base64.b64encode(b"short").decode(), b"whsec_c2hvcnQ="),
        ("whsec_not base64!", b"whsec_not base64!"),
    ],
)
def test_a_standard_delivery_is_signed_with_the_key_inside_the_secret(secret: str, key: bytes) -> None:
    """The standard signature's key is what the secret encodes, or its text where that is no key of 24 to 64 bytes."""
    delivery = recorded("standard")
    body = body_of(delivery)
    sent = headers(delivery, secret, body, NOW)
    message = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{digest}"
    assert sent["webhook-id"] == sent["X-Capgo-Event-ID"]
    assert sent["webhook-timestamp"] == sent["X-Capgo-Timestamp"]


@given(st.binary(min_size=1), st.integers(0, 2**40), st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_body_can_be_verified(body: bytes, timestamp: int, secret: str) -> None:
    """Whatever is signed, the receiver computes the same signature."""
    message = str(timestamp).encode() + b"." + body
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    assert deliveries.signature(secret, timestamp, body) == f"v1={timestamp}.{expected}"


def test_the_retry_schedule() -> None:
    """Failed attempts wait longer and longer, from five seconds to a day."""
    hour = 60 * MINUTE
    assert [retry_delay(attempts, 0, None, NOW) for attempts in range(1, 10)] == [
        5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour,
    ]  # fmt: skip


@given(st.integers(1, 9), st.floats(0, 1), st.sampled_from([None, 400, 429, 500, 502, 504]))
def test_jitter_adds_a_tenth_at_most(attempts: int, jitter: float, status: int | None) -> None:
    """A wait is the scheduled one and up to a tenth more, never over a day, five minutes or more when overloaded."""
    response = Response(status) if status else None
    base = retry_delay(attempts, 0, None, NOW)
    delay = retry_delay(attempts, jitter, response, NOW)
    floor = 5 * MINUTE if status in (429, 502, 504) else 0
    assert min(DAY, max(base, floor)) <= delay <= min(DAY, max(base * 1.1, floor))


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        ("120", 2 * MINUTE),
        ("1", 5 * SECOND),
        ("99999999999999999999", DAY),
        ("Mon, 23 Nov 2026 22:59:33 GMT", 2 * MINUTE - SECOND // 2),
        ("soon", 5 * SECOND),
    ],
)
def test_a_receiver_may_ask_for_a_longer_wait(retry_after: str, delay: int) -> None:
    """`Retry-After`, in seconds or as a date, prolongs the wait and never shortens it."""
    assert retry_delay(1, 0, Response(500, retry_after=retry_after), NOW) == delay


def test_ten_failures_switch_a_webhook_off() -> None:
    """A delivery is tried ten times; then it has failed, and its webhook is disabled."""
    world = world_with(WEBHOOK)
    posted: list[str] = []

    def refuse(url: str, sent: dict[str, str], body: bytes) -> Response | None:
        posted.append(sent["X-Capgo-Timestamp"])
        return Response(500, "no")

    switch_on(world, refuse)
    (delivery,) = deliveries.record_event(world, ROW)
    for _ in range(12):
        deliveries.send_due(world)
        world.clock.advance(DAY / SECOND)
        world.tick()
    settled = world.state.deliveries[delivery.id]
    assert (settled.status, settled.attempt_count, len(set(posted))) == ("failed", 10, 10)
    assert settled.completed_at is not None
    assert not world.state.webhooks[WEBHOOK.id].enabled


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    """The answer 410 fails a delivery and disables its webhook at once."""
    world = world_with(WEBHOOK)
    switch_on(world, lambda *_: Response(410))
    deliveries.record_event(world, ROW)
    (settled,) = deliveries.send_due(world)
    assert (settled.status, settled.attempt_count) == ("failed", 1)
    assert not world.state.webhooks[WEBHOOK.id].enabled


def test_a_delivered_event_is_done() -> None:
    """An answer of 2xx ends a delivery, and the first 10 000 bytes of it are kept."""
    world = world_with(WEBHOOK)
    switch_on(world, lambda *_: Response(202, "é" * 9_000, 12))
    deliveries.record_event(world, ROW)
    (settled,) = deliveries.send_due(world)
    assert (settled.status, settled.response_status, settled.duration_ms) == ("success", 202, 12)
    assert (settled.next_retry_at, settled.response_body) == (None, "é" * 5_000)


def test_nothing_is_sent_unless_asked_for_and_then_only_to_this_machine() -> None:
    """A world without a sender sends nothing, and one with a sender nothing to other machines."""
    abroad = replace(WEBHOOK, id="0c7e1c79-7bf2-45eb-8f87-27b6fb41efe3", url="https://hooks.example.com/x")
    world = world_with(WEBHOOK, abroad)
    deliveries.record_event(world, ROW)
    assert deliveries.send_due(world) == []
    asked: list[str] = []
    switch_on(world, lambda url, *_: asked.append(url))
    deliveries.send_due(world)
    assert asked == [WEBHOOK.url]


def test_who_is_told() -> None:
    """Enabled webhooks of the organization that asked for the table are told, all under one event id."""
    world = world_with(
        WEBHOOK,
        replace(WEBHOOK, id="1", delivery_version="standard"),
        replace(WEBHOOK, id="2", enabled=False),
        replace(WEBHOOK, id="3", events=("apps",)),
        replace(WEBHOOK, id="4", org_id="34a8c55d-2d0f-4652-a43f-684c7a9403ac"),
    )
    told = deliveries.record_event(world, ROW)
    assert [delivery.webhook_id for delivery in told] == [WEBHOOK.id, "1"]
    assert len({delivery.request_payload["event_id"] for delivery in told}) == 1
    assert {delivery.audit_log_id for delivery in told} == {ROW.id}


def test_a_deleted_organization_tells_nobody() -> None:
    """Deleting an organization is no event for its webhooks."""
    assert deliveries.record_event(world_with(WEBHOOK), replace(ROW, operation="DELETE")) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.com/a?b=1", None),
        ("http://hooks.example.com", "Webhook URL must use HTTPS"),
        ("http://localhost:8080", "Webhook URL must point to a public host"),
        ("https://a.localhost", "Webhook URL must point to a public host"),
        ("http://127.0.0.1", "Webhook URL must use a hostname, not an IP address"),
        ("https://2130706433", "Webhook URL must use a hostname, not an IP address"),
        ("https://[::1]", "Webhook URL must use a hostname, not an IP address"),
        ("https://1.2.3.4.5", "Webhook URL is invalid"),
    ],
)
def test_where_a_webhook_may_point(url: str, reason: str | None) -> None:
    """A webhook points to a public host by name and https; with local addresses allowed to any address at all."""
    told = None
    try:
        refuse_unfit_url(url, local=False)
    except Refusal as refusal:
        told = refusal.message()
    assert told == reason
    if reason != "Webhook URL is invalid":
        refuse_unfit_url(url, local=True)
