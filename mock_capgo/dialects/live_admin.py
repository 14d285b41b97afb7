"""The live dialect's answers about webhooks, deliveries and the audit log, which only it has (reference 13).

Belongs here: value to JSON, with the fields in the order of the service. Does not belong here: errors and the
rest of the live dialect (`mock_capgo.dialects.live`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mock_capgo.resources.audit import AuditPage
from mock_capgo.resources.common import ROWS_PER_PAGE
from mock_capgo.resources.webhooks import CreatedWebhook, DeliveryPage, PingResult, WebhookDetail
from mock_capgo.world.clock import iso_offset, written
from mock_capgo.world.records import AuditLog, Delivery, Webhook
from mock_capgo.world.rows import audit_row, changed_fields

Row = dict[str, Any]


def webhook(value: Webhook) -> Row:
    """A webhook without its secret."""
    return {
        "id": value.id,
        "org_id": value.org_id,
        "name": value.name,
        "url": value.url,
        "enabled": value.enabled,
        "events": list(value.events),
        "delivery_version": value.delivery_version,
        "created_at": iso_offset(value.created_at),
        "updated_at": iso_offset(value.updated_at),
        "created_by": value.created_by,
    }


def webhooks(value: list[Webhook] | WebhookDetail) -> list[Row] | Row:
    """A bare list, or one webhook with its counts."""
    if isinstance(value, WebhookDetail):
        counts = {"success": value.success, "failed": value.failed, "pending": value.pending}
        return {**webhook(value.webhook), "stats_24h": counts}
    return [webhook(one) for one in value]


def created_webhook(value: CreatedWebhook) -> Row:
    """A new webhook; the only answer that holds a secret."""
    return {"status": "Webhook created", "webhook": {**webhook(value.webhook), "secret": value.webhook.secret}}


def updated_webhook(value: Webhook) -> Row:
    """A changed webhook."""
    return {"status": "Webhook updated", "webhook": webhook(value)}


def deleted_webhook(value: Webhook) -> Row:
    """Which webhook is gone."""
    return {"status": "Webhook deleted", "webhookId": value.id}


def ping_result(value: PingResult) -> Row:
    """What a test delivery came to; without `status` where there was no HTTP answer."""
    said = "Test webhook delivered successfully" if value.success else "Test webhook delivery failed"
    status = {} if value.status is None else {"status": value.status}
    return {
        "success": value.success,
        **status,
        "duration_ms": value.duration_ms,
        "response_preview": value.response_preview,
        "delivery_id": value.delivery_id,
        "message": said,
    }


def delivery(value: Delivery) -> Row:
    """A delivery."""
    return {
        "id": value.id,
        "webhook_id": value.webhook_id,
        "org_id": value.org_id,
        "audit_log_id": value.audit_log_id,
        "event_type": value.event_type,
        "status": value.status,
        "request_payload": value.request_payload,
        "response_status": value.response_status,
        "response_body": value.response_body,
        "response_headers": value.response_headers,
        "attempt_count": value.attempt_count,
        "max_attempts": value.max_attempts,
        "next_retry_at": written(value.next_retry_at, iso_offset),
        "created_at": iso_offset(value.created_at),
        "completed_at": written(value.completed_at, iso_offset),
        "duration_ms": value.duration_ms,
        "delivery_version": value.delivery_version,
    }


def delivery_page(value: DeliveryPage) -> Row:
    """A page of deliveries."""
    pagination = {
        "page": value.page,
        "per_page": ROWS_PER_PAGE,
        "total": value.total,
        "has_more": (value.page + 1) * ROWS_PER_PAGE < value.total,
    }
    return {"deliveries": [delivery(one) for one in value.deliveries], "pagination": pagination}


def queued_delivery(value: Delivery) -> Row:
    """A delivery that is to be tried again."""
    return {"status": "Delivery queued for retry", "deliveryId": value.id}


def audit_log(value: AuditLog) -> Row:
    """A row of the audit log."""
    return {
        "id": value.id,
        "created_at": iso_offset(value.created_at),
        "table_name": value.table_name,
        "record_id": value.record_id,
        "operation": value.operation,
        "user_id": value.user_id,
        "org_id": value.org_id,
        "old_record": audit_row(value.old_record),
        "new_record": audit_row(value.new_record),
        "changed_fields": changed_fields(value),
        "actor_type": value.actor_type,
        "actor_user_id": value.actor_user_id,
        "actor_user_email": value.actor_user_email,
        "actor_apikey_id": value.actor_apikey_id,
        "actor_apikey_name": value.actor_apikey_name,
    }


def audit_page(value: AuditPage) -> Row:
    """A page of the audit log."""
    rows = [audit_log(row) for row in value.rows]
    return {"data": rows, "total": value.total, "page": value.page, "limit": value.limit}


def _answer(formatter: Callable[[Any], Any], status: int = 200) -> Callable[[Any], tuple[int, Any]]:
    return lambda value: (status, formatter(value))


SUCCESS: dict[str, Callable[[Any], tuple[int, Any]]] = {
    "getWebhooks": _answer(webhooks),
    "createWebhook": _answer(created_webhook, 201),
    "updateWebhook": _answer(updated_webhook),
    "deleteWebhook": _answer(deleted_webhook),
    "testWebhook": _answer(ping_result),
    "listDeliveries": _answer(delivery_page),
    "retryDelivery": _answer(queued_delivery),
    "getAuditLogs": _answer(audit_page),
}
"""Operation -> status and body."""
