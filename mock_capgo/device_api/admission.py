"""Whether an app is served at all: known, paid for, and not asked for from a place that is shut out (30 §3 A).

Belongs here: the plan, the guard against guessing app ids, the block of infrastructure addresses. Does not belong
here: what each operation answers then. The service remembers an app's status for a minute; here it is always new.
"""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from mock_capgo.call import Call
from mock_capgo.world.clock import day_of
from mock_capgo.world.records import MINUTE, App, Micros
from mock_capgo.world.state import State

Provider = Literal["google", "apple"]

GUARD_SLOTS = 20
GUARD_LIMIT = 5
GUARD_WINDOW: Micros = 15 * MINUTE

PROVIDER_RANGES: dict[Provider, tuple[IPv4Network | IPv6Network, ...]] = {"google": (), "apple": ()}
"""Addresses of infrastructure that fetches updates without being a device. The reference names none, so nothing is
blocked until somebody fills this in."""


def has_valid_plan(state: State, app: App, now: Micros, *, bandwidth: bool = True) -> bool:
    """Whether the app's organization may serve devices; `bandwidth` False looks at active users alone (32 §3)."""
    organization = state.organizations[app.owner_org]
    subscription = state.subscriptions.get(organization.customer_id) if organization.customer_id else None
    if organization.has_usage_credits or subscription is None:
        return True
    if day_of(subscription.trial_at) > day_of(now):
        return True
    exceeded = subscription.mau_exceeded or (bandwidth and subscription.bandwidth_exceeded)
    return subscription.status == "succeeded" and not exceeded


def provider_of(call: Call, app: App | None) -> Provider | None:
    """Which provider's infrastructure calls, where the app wants it blocked; an unknown app counts as wanting it."""
    told = call.request.address()
    if told is None or (app is not None and not app.block_provider_infra_requests):
        return None
    try:
        address = ip_address(told)
    except ValueError:
        return None
    for provider, ranges in PROVIDER_RANGES.items():
        if any(address in network for network in ranges):
            return provider
    return None


def is_guessing(call: Call) -> bool:
    """Whether this address asked for updates of too many unknown apps; it is then told nothing of known ones either.

    An address is judged by slots and not by app ids, so two unknown apps may share one (30 §3 A).
    """
    address = call.request.address()
    if not call.limits.enabled or address is None:
        return False
    slots: dict[int, Micros] = call.world.counters.get(("unknown-apps", address), {})
    return sum(ends > call.now for ends in slots.values()) >= GUARD_LIMIT


def remember_unknown(call: Call, app_id: str) -> None:
    """Mark the slot of an unknown app."""
    address = call.request.address()
    if not call.limits.enabled or address is None:
        return
    slot = int.from_bytes(sha256(app_id.encode("utf-8", "surrogatepass")).digest()[:8]) % GUARD_SLOTS
    call.world.counters.setdefault(("unknown-apps", address), {})[slot] = call.now + GUARD_WINDOW
