"""Webhooks of an organization and their deliveries: list, create, change, test, retry (reference 13).

Belongs here: who may do it, the rules of a webhook, the order of checks. Does not belong here: what is sent and
how it is signed (`mock_capgo.resources.deliveries`), and which addresses are fit (`webhook_urls`).
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mock_capgo import errors
from mock_capgo.access.keys import lacks_expiry
from mock_capgo.access.permissions import allowed
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import cascades, deliveries
from mock_capgo.resources.audit import as_number
from mock_capgo.resources.common import NO_ROWS, ROWS_PER_PAGE, database_error
from mock_capgo.resources.issues import Kind, check
from mock_capgo.resources.organizations import refuse_unexpiring_key
from mock_capgo.resources.values import Fields, is_uuid, truthy
from mock_capgo.resources.webhook_urls import refuse_unfit_url
from mock_capgo.world.records import DAY, Binding, Delivery, Webhook

PREVIEW_LENGTH = 500
SECRET_BYTES = 32

_ORG = {"orgId": Kind("string")}
_PAGE = Kind("number_or_text", optional=True)
_WEBHOOK = {**_ORG, "webhookId": Kind("string")}
_LIST = {**_ORG, "webhookId": Kind("string", optional=True), "page": _PAGE}
_VERSIONS = {
    "deliveryVersion": Kind("string", optional=True),
    "delivery_version": Kind("string", optional=True),
}
_CREATE = {
    **_ORG,
    "name": Kind("string", minimum=1),
    "url": Kind("string", format="url"),
    "events": Kind("array", minimum=1, items=Kind("string")),
    "enabled": Kind("boolean", optional=True),
    **_VERSIONS,
}
_UPDATE = {
    **_WEBHOOK,
    "name": Kind("string", optional=True, minimum=1),
    "url": Kind("string", optional=True, format="url"),
    "events": Kind("array", optional=True, minimum=1, items=Kind("string")),
    "enabled": Kind("boolean", optional=True),
    **_VERSIONS,
}
_DELIVERIES = {**_WEBHOOK, "page": _PAGE, "status": Kind("string", optional=True)}
_RETRY = {**_ORG, "deliveryId": Kind("string")}

_T = TypeVar("_T", Webhook, Delivery)


@dataclass(frozen=True, slots=True)
class WebhookDetail:
    """A webhook with what became of its deliveries of the last 24 hours."""

    webhook: Webhook
    success: int
    failed: int
    pending: int


@dataclass(frozen=True, slots=True)
class CreatedWebhook:
    """A webhook at the only moment when its secret is shown."""

    webhook: Webhook


@dataclass(frozen=True, slots=True)
class PingResult:
    """What a test delivery came to. `status` is None where there was no HTTP answer."""

    success: bool
    status: int | None
    duration_ms: int
    response_preview: str
    delivery_id: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some of the `total` deliveries that were asked for."""

    deliveries: list[Delivery]
    page: float
    total: int


def list_or_get_webhooks(call: Call) -> list[Webhook] | WebhookDetail:
    """One webhook by `webhookId`, else a page of all, newest first."""
    params = check(call.params, _LIST)
    org_id = _guard(call, params["orgId"])
    webhook_id = params.get("webhookId")
    if truthy(webhook_id):
        return _detail(call, org_id, str(webhook_id))
    return _page(_newest_first(call.state.webhooks.where("org", org_id)), as_number(params.get("page", 0)))


def create_webhook(call: Call) -> CreatedWebhook:
    """A new webhook. Its secret is made here and never shown again."""
    params = check(call.params, _CREATE)
    org_id = _guard(call, params["orgId"])
    changes = _version(params)
    changes |= _events(params)
    refuse_unfit_url(params["url"], local=_local_allowed(call))
    secret = b64encode(call.world.random.randbytes(SECRET_BYTES)).decode()
    webhook = Webhook(
        id=call.world.uuid(),
        org_id=org_id,
        name=params["name"],
        url=params["url"],
        enabled=params.get("enabled", True),
        events=changes["events"],
        delivery_version=changes.get("delivery_version", "legacy"),
        created_at=call.now,
        updated_at=call.now,
        created_by=call.caller.key.user_id,
        secret=f"whsec_{secret}",
    )
    call.state.webhooks.put(webhook)
    return CreatedWebhook(webhook)


def update_webhook(call: Call) -> Webhook:
    """Change the fields that were sent; none is refused."""
    params = check(call.params, _UPDATE)
    org_id = _guard(call, params["orgId"])
    version = _version(params)
    old = _owned(call, org_id, params["webhookId"])
    changes = {name: params[name] for name in ("name", "url", "enabled") if name in params} | version
    changes |= _events(params)
    if "url" in changes:
        refuse_unfit_url(changes["url"], local=_local_allowed(call))
    if not changes:
        raise Refusal(errors.WEBHOOK_NO_UPDATES)
    new = replace(old, updated_at=call.now, **changes)
    call.state.webhooks.put(new)
    return new


def delete_webhook(call: Call) -> Webhook:
    """Delete a webhook with its deliveries."""
    params = check(call.params, _WEBHOOK)
    webhook = _owned(call, _guard(call, params["orgId"]), params["webhookId"])
    cascades.delete_webhook(call.world, webhook.id)
    return webhook


def test_webhook(call: Call) -> PingResult:
    """Send a test delivery at once, also for a disabled webhook. Where nothing may be sent, say why."""
    params = check(call.params, _WEBHOOK)
    webhook = _owned(call, _guard(call, params["orgId"]), params["webhookId"])
    refuse_unfit_url(webhook.url, local=_local_allowed(call))
    delivery = deliveries.record_ping(call.world, webhook)
    reason = deliveries.why_not_sent(call.world, webhook.url)
    if reason is not None:
        failed = replace(delivery, status="failed", response_body=reason, completed_at=call.now, duration_ms=0)
        call.state.deliveries.put(failed)
        return PingResult(False, None, 0, reason, delivery.id)
    response = deliveries.send(call.world, webhook, delivery)
    settled = deliveries.settle(call.world, delivery, response, final=True)
    return PingResult(
        settled.status == "success",
        settled.response_status,
        settled.duration_ms or 0,
        (settled.response_body or "")[:PREVIEW_LENGTH],
        delivery.id,
    )


def list_deliveries(call: Call) -> DeliveryPage:
    """A page of a webhook's deliveries, newest first, all or those of one status."""
    params = check(call.params, _DELIVERIES)
    webhook = _owned(call, _guard(call, params["orgId"]), params["webhookId"])
    found = call.state.deliveries.where("webhook", webhook.id)
    if truthy(params.get("status")):
        found = [delivery for delivery in found if delivery.status == params["status"]]
    page = as_number(params.get("page", 0))
    return DeliveryPage(_page(_newest_first(found), page), page, len(found))


def retry_delivery(call: Call) -> Delivery:
    """Put a failed delivery back into the queue, as if it had never been tried."""
    params = check(call.params, _RETRY)
    org_id = _guard(call, params["orgId"])
    delivery = call.state.deliveries.get(params["deliveryId"].lower())
    if delivery is None:
        raise Refusal(errors.DELIVERY_NOT_FOUND, {"deliveryId": params["deliveryId"]})
    if delivery.org_id != org_id:
        raise Refusal(errors.DELIVERY_NOT_OWNED)
    if delivery.status != "failed":
        told = {"deliveryId": params["deliveryId"], "status": delivery.status}
        raise Refusal(errors.DELIVERY_NOT_FAILED, told)
    webhook = call.state.webhooks.get(delivery.webhook_id)
    if webhook is None:
        raise Refusal(errors.DELIVERY_WEBHOOK_GONE)
    if not webhook.enabled:
        raise Refusal(errors.WEBHOOK_DISABLED)
    refuse_unfit_url(webhook.url, local=_local_allowed(call))
    queued = replace(
        delivery,
        status="pending",
        response_status=None,
        response_body=None,
        response_headers=None,
        attempt_count=0,
        next_retry_at=None,
        completed_at=None,
        duration_ms=None,
    )
    call.state.deliveries.put(queued)
    return queued


def _guard(call: Call, org_id: str) -> str:
    """The organization's id, once the caller may manage its webhooks; a parent key must be fit as well."""
    caller = call.caller
    both = [caller.bindings] if caller.parent is None else [caller.parent_bindings, caller.bindings]
    echo, org_id = {"org_id": org_id}, org_id.lower()
    for bindings in both:
        if any(binding.scope_type != "org" for binding in bindings):
            raise Refusal(errors.APP_SCOPED_KEY, echo)
        if not is_uuid(org_id) and call.has(Quirk.MALFORMED_ID_CRASHES):
            raise Refusal(errors.UNKNOWN_ERROR)
        if not _reads(call, bindings, org_id):
            raise Refusal(errors.ORG_NOT_READABLE, echo)
    if caller.parent is not None and lacks_expiry(call.world, caller.parent, org_id):
        raise Refusal(errors.ORG_REQUIRES_EXPIRING_KEY)
    refuse_unexpiring_key(call, org_id)
    if not call.may("org.update_settings", org_id):
        raise Refusal(errors.WEBHOOK_ADMIN_NEEDED, echo)
    return org_id


def _reads(call: Call, bindings: Iterable[Binding], org_id: str) -> bool:
    return org_id in call.state.organizations and allowed(bindings, "org.read", org_id=org_id)


def _detail(call: Call, org_id: str, webhook_id: str) -> WebhookDetail:
    webhook = call.state.webhooks.get(webhook_id.lower())
    if webhook is None or webhook.org_id != org_id:
        malformed = database_error("22P02", f'invalid input syntax for type uuid: "{webhook_id}"')
        raise Refusal(errors.WEBHOOK_NOT_FOUND, {"error": NO_ROWS if is_uuid(webhook_id) else malformed})
    count = Counter(
        delivery.status
        for delivery in call.state.deliveries.where("webhook", webhook.id)
        if delivery.created_at >= call.now - DAY
    )
    return WebhookDetail(webhook, count["success"], count["failed"], count["pending"])


def _owned(call: Call, org_id: str, webhook_id: str) -> Webhook:
    webhook = call.state.webhooks.get(webhook_id.lower())
    if webhook is None:
        raise Refusal(errors.WEBHOOK_NOT_FOUND, {"webhookId": webhook_id})
    if webhook.org_id != org_id:
        raise Refusal(errors.WEBHOOK_NOT_OWNED, {"webhookId": webhook_id})
    return webhook


def _version(params: Fields) -> dict[str, Any]:
    """The delivery version that was sent under either name, the camel-case one first; empty for none."""
    sent = params.get("deliveryVersion", params.get("delivery_version"))
    if sent is None:
        return {}
    if sent not in deliveries.VERSIONS:
        raise Refusal(errors.WEBHOOK_INVALID_DELIVERY_VERSION, {"allowed": list(deliveries.VERSIONS)})
    return {"delivery_version": sent}


def _events(params: Fields) -> dict[str, Any]:
    """The event types that were sent, as they were: doubles are kept; empty for none."""
    if "events" not in params:
        return {}
    invalid = [event for event in params["events"] if event not in deliveries.EVENTS]
    if invalid:
        raise Refusal(errors.WEBHOOK_INVALID_EVENTS, {"invalid": invalid, "allowed": list(deliveries.EVENTS)})
    return {"events": tuple(params["events"])}


def _local_allowed(call: Call) -> bool:
    """Who switched outgoing deliveries on wants them here: the live service has a setting for the same end."""
    return deliveries.sender_of(call.world) is not None


def _newest_first(rows: list[_T]) -> list[_T]:
    # Turned around after sorting: of rows of one moment (a frozen clock) the one written last comes first.
    return sorted(rows, key=lambda row: row.created_at)[::-1]


def _page(rows: list[_T], page: float) -> list[_T]:
    """A page of rows; nothing past the end, nor before the beginning, which the reference leaves open."""
    start = page * ROWS_PER_PAGE
    return rows[int(start) : int(start) + ROWS_PER_PAGE] if 0 <= start < len(rows) else []
