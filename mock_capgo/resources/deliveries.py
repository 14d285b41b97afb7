"""Deliveries of webhooks: what is sent, how it is signed, when it is tried again (reference 13, "On the wire").

Belongs here: pure functions for body, signatures and headers, the record of each event, and what an attempt
does to it. Does not belong here: the connection. A world sends nothing unless it was given a `Sender`, and then
only to the machine itself; until then events are recorded and stay pending.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson

from mock_capgo.resources.dates import parse_date
from mock_capgo.resources.values import fields
from mock_capgo.world.clock import iso_millis
from mock_capgo.world.records import DAY, MINUTE, SECOND, AuditLog, Delivery, Micros, Webhook
from mock_capgo.world.rows import audit_row, changed_fields
from mock_capgo.world.world import World

EVENTS = ("apps", "app_versions", "channels", "org_users", "orgs")
VERSIONS = ("legacy", "standard")
SWITCHED_OFF = "Outgoing deliveries are switched off"
NOT_LOOPBACK = "Outgoing deliveries go to loopback addresses only"
NO_ANSWER = "No HTTP answer"

BODY_KEPT = 10_000
"""Bytes of an answer that are kept."""

_HOUR = 60 * MINUTE
DELAYS: tuple[Micros, ...] = (
    5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
LONGEST_DELAY = DAY
JITTER = 0.1
OVERLOADED = (429, 502, 504)
OVERLOADED_DELAY = 5 * MINUTE
GONE = 410


@dataclass(frozen=True, slots=True)
class Response:
    """What a receiver answered. `retry_after` is its header of that name."""

    status: int
    body: str = ""
    duration_ms: int = 0
    retry_after: str | None = None


Sender = Callable[[str, dict[str, str], bytes], Response | None]
"""Posts a body with headers to an address, follows no redirect, gives up after 20 s; None: no HTTP answer."""


def sender_of(world: World) -> Sender | None:
    """What sends for a world; None where outgoing deliveries are switched off, as they are at first."""
    sender: Sender | None = world.deliver
    return sender


def audit_data(row: AuditLog) -> dict[str, Any]:
    """What an event tells about a change."""
    return {
        "table": row.table_name,
        "operation": row.operation,
        "record_id": row.record_id,
        "old_record": audit_row(row.old_record),
        "new_record": audit_row(row.new_record),
        "changed_fields": changed_fields(row),
        "actor_type": row.actor_type,
        "actor_user_id": row.actor_user_id,
        "actor_user_email": row.actor_user_email,
        "actor_apikey_id": row.actor_apikey_id,
        "actor_apikey_name": row.actor_apikey_name,
    }


def ping_data(now: Micros) -> dict[str, Any]:
    """What a test delivery tells."""
    message = {"message": "This is a test webhook from Capgo", "timestamp": iso_millis(now)}
    return {
        "table": "test",
        "operation": "TEST",
        "record_id": "test-record-id",
        "old_record": None,
        "new_record": message,
        "changed_fields": None,
    }


def payload(webhook: Webhook, event: str, event_id: str, now: Micros, data: dict[str, Any]) -> dict[str, Any]:
    """The body of a delivery, as JSON value."""
    told = {
        "event": event,
        "event_id": event_id,
        "timestamp": iso_millis(now),
        "org_id": webhook.org_id,
        "data": data,
    }
    return {**told, "type": event} if webhook.delivery_version == "standard" else told


def body_of(delivery: Delivery) -> bytes:
    """The bytes that are sent and signed."""
    return orjson.dumps(delivery.request_payload)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`X-Capgo-Signature`. The key is the secret as text, with its prefix."""
    signed = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256)
    return f"v1={timestamp}.{signed.hexdigest()}"


def standard_signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature`. The key is what the secret encodes, where that has the length of a key."""
    signed = hmac.new(_standard_key(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{b64encode(signed.digest()).decode()}"


def headers(delivery: Delivery, secret: str, body: bytes, at: Micros) -> dict[str, str]:
    """The headers of an attempt made at `at`."""
    timestamp = at // SECOND
    # A payload that came with a fixture may be anything.
    event_id = str(fields(delivery.request_payload).get("event_id") or delivery.id)
    always = {
        "Content-Type": "application/json",
        "User-Agent": "Capgo-Webhook/1.0",
        "X-Capgo-Event": delivery.event_type,
        "X-Capgo-Event-ID": event_id,
        "X-Capgo-Timestamp": str(timestamp),
        "X-Capgo-Signature": signature(secret, timestamp, body),
    }
    if delivery.delivery_version != "standard":
        return always
    return {
        **always,
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_signature(secret, event_id, timestamp, body),
    }


def retry_delay(attempts: int, jitter: float, response: Response | None, now: Micros) -> Micros:
    """How long to wait after so many failed attempts; `jitter` is between 0 and 1."""
    delay = int(DELAYS[min(attempts, len(DELAYS)) - 1] * (1 + JITTER * jitter))
    if response is not None and response.status in OVERLOADED:
        delay = max(delay, OVERLOADED_DELAY)
    if response is not None and response.retry_after:
        delay = max(delay, _retry_after(response.retry_after, now))
    return min(delay, LONGEST_DELAY)


def record_event(world: World, row: AuditLog) -> list[Delivery]:
    """Note a change for every enabled webhook of its organization that asked for such events."""
    if not world.state.webhooks:
        return []
    if row.table_name == "orgs" and row.operation == "DELETE":
        # An organization takes its webhooks along: nobody is left to be told.
        return []
    told = [
        webhook
        for webhook in world.state.webhooks.where("org", row.org_id)
        if webhook.enabled and row.table_name in webhook.events
    ]
    if not told:
        return []
    event_id, data = world.uuid(), audit_data(row)
    event = f"{row.table_name}.{row.operation}"
    return [record(world, webhook, event, event_id, data, audit_log_id=row.id) for webhook in told]


def record_ping(world: World, webhook: Webhook) -> Delivery:
    """Note a test delivery."""
    return record(world, webhook, "test.ping", world.uuid(), ping_data(world.now))


def record(
    world: World, webhook: Webhook, event: str, event_id: str, data: dict[str, Any], audit_log_id: int | None = None
) -> Delivery:
    """Note that a webhook is to be told something."""
    delivery = Delivery(
        id=world.uuid(),
        webhook_id=webhook.id,
        org_id=webhook.org_id,
        event_type=event,
        request_payload=payload(webhook, event, event_id, world.now, data),
        created_at=world.now,
        audit_log_id=audit_log_id,
        delivery_version=webhook.delivery_version,
    )
    world.state.deliveries.put(delivery)
    return delivery


def why_not_sent(world: World, url: str) -> str | None:
    """Why a world does not send to an address; None where it does."""
    if sender_of(world) is None:
        return SWITCHED_OFF
    return None if is_loopback(url) else NOT_LOOPBACK


def send(world: World, webhook: Webhook, delivery: Delivery) -> Response | None:
    """One attempt to deliver; the records stay as they are. None: not sent, or no HTTP answer."""
    sender = sender_of(world)
    if sender is None or not is_loopback(webhook.url):
        return None
    body = body_of(delivery)
    return sender(webhook.url, headers(delivery, webhook.secret, body, world.now), body)


def settle(world: World, delivery: Delivery, response: Response | None, *, final: bool) -> Delivery:
    """Write down what an attempt came to. `final`: there will be no other, whatever the answer."""
    delivered = response is not None and 200 <= response.status < 300
    done = delivered or final
    attempts = delivery.attempt_count + 1
    settled = replace(
        delivery,
        status="success" if delivered else "failed" if final else "pending",
        response_status=response.status if response else None,
        response_body=_kept(response.body) if response else NO_ANSWER,
        attempt_count=attempts,
        next_retry_at=None if done else world.now + retry_delay(attempts, world.random.random(), response, world.now),
        completed_at=world.now if done else None,
        duration_ms=response.duration_ms if response else 0,
    )
    world.state.deliveries.put(settled)
    return settled


def due(world: World) -> list[tuple[Webhook, Delivery]]:
    """The deliveries whose time has come, with their webhooks; none while outgoing deliveries are off."""
    if sender_of(world) is None:
        return []
    found: list[tuple[Webhook, Delivery]] = []
    for delivery in world.state.deliveries:
        if delivery.status != "pending" or (delivery.next_retry_at or 0) > world.now:
            continue
        webhook = world.state.webhooks.get(delivery.webhook_id)
        if webhook is not None and webhook.enabled and is_loopback(webhook.url):
            found.append((webhook, delivery))
    return found


def finish(world: World, delivery: Delivery, response: Response | None) -> Delivery:
    """Settle an attempt. The last failure, and a receiver gone, switch the webhook off."""
    gone = response is not None and response.status == GONE
    final = gone or delivery.attempt_count + 1 >= delivery.max_attempts
    settled = settle(world, delivery, response, final=final)
    webhook = world.state.webhooks.get(delivery.webhook_id)
    if settled.status == "failed" and webhook is not None:
        world.state.webhooks.put(replace(webhook, enabled=False, updated_at=world.now))
    return settled


def send_due(world: World) -> list[Delivery]:
    """Try every delivery whose time has come, one after the other."""
    return [finish(world, delivery, send(world, webhook, delivery)) for webhook, delivery in due(world)]


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, by what it says: no name is looked up."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _standard_key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except (NotBase64, ValueError):
        return secret.encode()
    return key if 24 <= len(key) <= 64 else secret.encode()


def _retry_after(value: str, now: Micros) -> Micros:
    """Seconds, or the moment as an HTTP date; 0 for anything else."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        # No receiver is waited for longer than a day: ten digits are enough to say so.
        return int(value[:10]) * SECOND
    moment = parse_date(value)
    return max(0, moment - now) if moment is not None else 0


def _kept(body: str) -> str:
    return body.encode(errors="replace")[:BODY_KEPT].decode(errors="ignore")
