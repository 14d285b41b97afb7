"""What a call of a device leaves behind: its record, and the figures of the statistics (30 §6, 31 §5).

Belongs here: every write of the device API but those of its own store's owners (a rollout's decision, a channel that
a device set). The service adds figures up in a nightly job; here they count at once.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from operator import attrgetter
from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api.check_in import CheckIn
from mock_capgo.device_api.schemas import PLATFORMS
from mock_capgo.device_api.store import Attempts
from mock_capgo.world.clock import as_datetime, day_of, micros
from mock_capgo.world.records import DAY, SECOND, App, DailyUsage, DailyVersion, Day, Device, Micros, changed
from mock_capgo.world.state import State

ATTEMPTS_KEPT: Micros = 7 * DAY
"""The longest window that auto-pause may look back (22 §1)."""


def record_device(call: Call, app: App, said: CheckIn, version_name: str | None = None) -> None:
    """Add the device or bring its record up to date; nothing is written where nothing changed (30 §6).

    `version_name` is what the device will run, where that is not what it reports.
    """
    if said.platform not in PLATFORMS:
        # An event may come from any platform, but the database keeps devices of these alone.
        return
    key = said.app_id, said.device_id
    old = call.state.devices.get(key)
    before = old or Device(app_id=said.app_id, device_id=said.device_id, updated_at=call.now)
    custom_id = said.custom_id if app.allow_device_custom_id else ""
    seen = (
        said.platform,
        said.plugin_version,
        said.version_os,
        said.version_build or "builtin",
        (said.version_name if version_name is None else version_name) or None,
        said.is_prod,
        said.is_emulator,
        # What follows is kept where it was not sent, but for the channel, which the device keeps itself.
        custom_id or before.custom_id,
        said.install_source or before.install_source,
        said.key_id or before.key_id,
        said.country or before.country_code,
        said.default_channel or None,
    )
    if old is None or _SEEN(old) != seen:
        changes: dict[str, Any] = dict(zip(_SEEN_FIELDS, seen, strict=True))
        call.state.put_device(changed(before, **changes, updated_at=call.now))


_SEEN_FIELDS = (
    "platform", "plugin_version", "os_version", "version_build", "version_name", "is_prod", "is_emulator", "custom_id",
    "install_source", "key_id", "country_code", "default_channel",
)  # fmt: skip
_SEEN = attrgetter(*_SEEN_FIELDS)


def count_active(call: Call, app: App, device_id: str) -> None:
    """Count the device as active on the first day of a billing period on which it is seen (31 §5)."""
    period = billing_period(call.state, app, call.now)
    counted_in = call.state.device_store.counted_in
    if counted_in.get((app.app_id, device_id)) != period:
        counted_in[app.app_id, device_id] = period
        _add_usage(call, app.app_id, mau=1)


def count_delivery(call: Call, app: App, version_name: str) -> None:
    """Count a bundle that was offered. Its bytes count when they are downloaded, as in production (31 §5)."""
    _add_usage(call, app.app_id, get=1)
    count_version(call, app.app_id, version_name, get=1)


def count_download(call: Call, app_id: str, size: int) -> None:
    """Count bytes that a device downloaded."""
    _add_usage(call, app_id, bandwidth=size)


def count_version(
    call: Call, app_id: str, name: str, *, get: int = 0, fail: int = 0, install: int = 0, uninstall: int = 0
) -> None:
    """Count what happened to a bundle name today."""
    day, table = day_of(call.now), call.state.daily_versions
    row = table.get((app_id, day, name)) or DailyVersion(app_id=app_id, day=day, version_name=name)
    counted = DailyVersion(
        app_id=app_id,
        day=day,
        version_name=name,
        get=row.get + get,
        fail=row.fail + fail,
        install=row.install + install,
        uninstall=row.uninstall + uninstall,
    )
    table.put(counted)


def note_attempt(call: Call, channel_id: int, name: str, *, failed: bool) -> None:
    """Remember for the auto-pause job that a bundle of a channel was installed, or was not."""
    queue = call.state.device_store.attempts.setdefault((channel_id, name), deque())
    second = call.now // SECOND
    last = queue.pop() if queue and queue[-1].second == second else Attempts(second, 0, 0)
    queue.append(Attempts(second, last.installs + (not failed), last.failures + failed))
    while queue[0].second < second - ATTEMPTS_KEPT // SECOND:
        queue.popleft()


def billing_period(state: State, app: App, now: Micros) -> Micros:
    """When the billing period that holds `now` began: the subscription's, else the calendar month."""
    organization = state.organizations[app.owner_org]
    subscription = state.subscriptions.get(organization.customer_id) if organization.customer_id else None
    if subscription is not None:
        start, length = subscription.subscription_anchor_start, subscription.subscription_anchor_end
        length -= start
        if length > 0:
            return start + (now - start) // length * length
    return _month_of(day_of(now))


@lru_cache(maxsize=64)
def _month_of(day: Day) -> Micros:
    """When the calendar month began that holds a day (UTC)."""
    return micros(as_datetime(day * DAY).replace(day=1))


def _add_usage(call: Call, app_id: str, *, mau: int = 0, bandwidth: int = 0, get: int = 0) -> None:
    day, table = day_of(call.now), call.state.daily_usage
    row = table.get((app_id, day)) or DailyUsage(app_id=app_id, day=day)
    counted = DailyUsage(
        app_id=app_id,
        day=day,
        mau=row.mau + mau,
        storage=row.storage,
        bandwidth=row.bandwidth + bandwidth,
        build_time_seconds=row.build_time_seconds,
        get=row.get + get,
    )
    table.put(counted)
