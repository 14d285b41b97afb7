"""How often somebody may call: the documented budget by tier, and the live limits (reference 00, section 4).

Belongs here: windows, counters and the 429 that follows. Every limit counts on the world's clock. Which
limits are in force is decided by the dialect and `--limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from mock_capgo import errors
from mock_capgo.errors import Refusal
from mock_capgo.world.records import MINUTE, SECOND, Micros, Tier
from mock_capgo.world.world import World

BUDGETS: dict[Tier, int] = {"standard": 100, "enterprise": 1000}
"""Documented requests a minute, by the tier of the account."""

FAILED_AUTHENTICATIONS = 20
FAILED_AUTHENTICATION_WINDOW: Micros = 15 * MINUTE
KEY_REQUESTS = 2000
KEY_WINDOW: Micros = MINUTE
DEVICE_CALLS_PER_SECOND = 5
DEVICE_SAME_CHANNEL_WINDOW: Micros = MINUTE
DEVICE_CALLS_BY_ADDRESS = 1000
SWEEP_AT = 4096
"""How many windows are kept before those that ended are looked for; then twice what was left."""


@dataclass(slots=True)
class _Window:
    count: int
    since: Micros


class Limits:
    """The limiter of one world. `enabled` False counts and refuses nothing."""

    def __init__(self, world: World, *, enabled: bool = True) -> None:
        self.world = world
        self.enabled = enabled
        self._sweep_at = SWEEP_AT

    def count_account(self, account: str, tier: Tier) -> None:
        """Spend one request of an account's minute. Raises TOO_MANY_REQUESTS with the seconds until it ends."""
        if not self.enabled:
            return
        window = self._window(("account", account), MINUTE)
        window.count += 1
        if window.count > BUDGETS[tier]:
            raise _refusal(self.world.now, window.since + MINUTE, {})

    def refuse_after_failures(self, address: str | None) -> None:
        """Refuse an address that failed to authenticate too often; refused calls do not prolong it."""
        if not self.enabled or address is None:
            return
        window: _Window | None = self.world.counters.get(("failures", address))
        if window is None or window.count < FAILED_AUTHENTICATIONS:
            return
        ends = window.since + FAILED_AUTHENTICATION_WINDOW
        if self.world.now < ends:
            raise _refusal(self.world.now, ends, {"reason": "too_many_failed_auth_attempts"})
        del self.world.counters["failures", address]

    def record_failure(self, address: str | None) -> None:
        """Count a failed authentication; the window runs from the last one."""
        if not self.enabled or address is None:
            return
        window = self._rolling(("failures", address), FAILED_AUTHENTICATION_WINDOW)
        window.count += 1
        window.since = self.world.now

    def count_key(self, key_id: int) -> None:
        """Count a request of a key. The window runs from the last request, refused ones included."""
        if not self.enabled:
            return
        window = self._rolling(("key", key_id), KEY_WINDOW)
        window.count += 1
        window.since = self.world.now
        if window.count >= KEY_REQUESTS:
            more = {"reason": "api_key_rate_limit_exceeded", "apikey_id": key_id}
            raise _refusal(self.world.now, self.world.now + KEY_WINDOW, more)

    def refuse_device(
        self, app_id: str, device_id: str | None, operation: str, channel: str | None, address: str | None
    ) -> None:
        """Refuse a call about a device that comes too soon after others (reference 23 §6, 32 §7)."""
        if not self.enabled:
            return
        by_address = self.world.counters.get(("device-address", app_id, address)) if address else None
        if by_address and self._lasts(by_address, MINUTE) and by_address.count >= DEVICE_CALLS_BY_ADDRESS:
            more: dict[str, Any] = {"reason": "ip_rate_limit_exceeded", "app_id": app_id}
            raise _refusal(self.world.now, by_address.since + MINUTE, more)
        if not device_id:
            return
        more = {"app_id": app_id, "device_id": device_id}
        by_operation = self.world.counters.get(("device", app_id, device_id, operation))
        if by_operation and self._lasts(by_operation, SECOND) and by_operation.count >= DEVICE_CALLS_PER_SECOND:
            raise _refusal(self.world.now, by_operation.since + SECOND, more)
        by_channel = self.world.counters.get(("device-channel", app_id, device_id, channel)) if channel else None
        if operation == "set" and by_channel and self._lasts(by_channel, DEVICE_SAME_CHANNEL_WINDOW):
            raise _refusal(self.world.now, by_channel.since + DEVICE_SAME_CHANNEL_WINDOW, more)

    def record_device(
        self, app_id: str, device_id: str | None, operation: str, channel: str | None, address: str | None
    ) -> None:
        """Count a call about a device after it was handled, whatever came of it."""
        if not self.enabled:
            return
        if address:
            self._window(("device-address", app_id, address), MINUTE).count += 1
        if not device_id:
            return
        self._window(("device", app_id, device_id, operation), SECOND).count += 1
        if operation == "set" and channel:
            self.world.counters["device-channel", app_id, device_id, channel] = _Window(1, self.world.now)

    def _sweep(self) -> None:
        """Forget windows that ended long ago, or callers that never come back would fill the memory."""
        counters = self.world.counters
        old = self.world.now - FAILED_AUTHENTICATION_WINDOW
        for key in [key for key, window in counters.items() if not old <= window.since <= self.world.now]:
            del counters[key]
        self._sweep_at = max(SWEEP_AT, 2 * len(counters))

    def _lasts(self, window: _Window, length: Micros) -> bool:
        # A clock that was set back leaves windows in the future: they are over.
        return window.since <= self.world.now < window.since + length

    def _window(self, key: tuple[Any, ...], length: Micros) -> _Window:
        """The window that runs since its first request, or a fresh one."""
        window: _Window | None = self.world.counters.get(key)
        if window is None or not self._lasts(window, length):
            if len(self.world.counters) >= self._sweep_at:
                self._sweep()
            window = self.world.counters[key] = _Window(0, self.world.now)
        return window

    # The same lookup serves windows that run since their last request: their `since` is moved by the caller.
    _rolling = _window


def _refusal(now: Micros, resets_at: Micros, more_info: dict[str, Any]) -> Refusal:
    """429 with the seconds until the limit ends: at least one while it lasts."""
    seconds = max(0, ceil((resets_at - now) / SECOND))
    millis = resets_at // 1000
    return Refusal(
        errors.TOO_MANY_REQUESTS,
        {**more_info, "rateLimitResetAt": millis, "retryAfterSeconds": seconds},
        headers={"Retry-After": str(seconds), "X-RateLimit-Reset": str(ceil(millis / 1000))},
    )
