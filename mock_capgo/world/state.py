"""The state of a world: every table, and the numbers that sequences give next.

Belongs here: which tables there are and how their records are found. A state knows no clock and no rules;
`mock_capgo.world.world` adds them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_capgo.device_api.store import DeviceStore
from mock_capgo.world.derived import Derived
from mock_capgo.world.order import Order
from mock_capgo.world.records import (
    ApiKey,
    App,
    AuditLog,
    Binding,
    Bundle,
    Channel,
    DailyUsage,
    DailyVersion,
    Delivery,
    Deployment,
    Device,
    Invitation,
    Member,
    Micros,
    Organization,
    Override,
    StoredFile,
    Subscription,
    User,
    Webhook,
)
from mock_capgo.world.table import Table

ROWS_OF_AN_EMPTY_STATE = 100
"""What a state takes in memory before anything is in it, told in rows."""


@dataclass(order=True, frozen=True)
class Job:
    """Something that the service's queue does later: `kind` names a function in `mock_capgo.world.jobs`."""

    due: Micros
    order: int
    kind: str = field(compare=False)
    args: tuple[Any, ...] = field(compare=False, default=())


@dataclass(slots=True)
class State:
    """Every table of a world. Fields are in the order of a fixture file."""

    users: Table[User]
    organizations: Table[Organization]
    subscriptions: Table[Subscription]
    members: Table[Member]
    invitations: Table[Invitation]
    api_keys: Table[ApiKey]
    bindings: Table[Binding]
    apps: Table[App]
    bundles: Table[Bundle]
    channels: Table[Channel]
    deployments: Table[Deployment]
    devices: Table[Device]
    overrides: Table[Override]
    webhooks: Table[Webhook]
    deliveries: Table[Delivery]
    audit_logs: Table[AuditLog]
    daily_usage: Table[DailyUsage]
    daily_versions: Table[DailyVersion]
    sequences: dict[str, int] = field(default_factory=dict)
    tombstones: dict[str, tuple[str, Micros]] = field(default_factory=dict)
    """Deleted apps: app id -> (owner organization, deletion). The service keeps one for 35 days."""
    used_org_ids: set[str] = field(default_factory=set)
    """Deleted organizations: their ids never come back."""
    jobs: list[Job] = field(default_factory=list)
    files: dict[str, StoredFile] = field(default_factory=dict)
    """Uploaded bytes by storage path."""
    upload_links: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Token of an upload address -> (storage path, id of the key that asked for it)."""
    device_store: DeviceStore = field(default_factory=DeviceStore)
    device_order: Order[str] = field(default_factory=Order)
    """The ids of each app's devices."""
    device_times: Order[tuple[Micros, str]] = field(default_factory=Order)
    """When the devices of an app were last seen, with their ids: for those apps for which somebody asked."""
    derived: Derived = field(default_factory=Derived)
    """What was worked out from tables."""

    def copy(self) -> State:
        """An independent state with the same records."""
        tables = {name: getattr(self, name).copy() for name in TABLES}
        return State(
            **tables,
            sequences=self.sequences.copy(),
            tombstones=self.tombstones.copy(),
            used_org_ids=self.used_org_ids.copy(),
            jobs=self.jobs.copy(),
            files=self.files.copy(),
            upload_links=self.upload_links.copy(),
            device_store=self.device_store.copy(),
            device_order=self.device_order.copy(),
            device_times=self.device_times.copy(),
        )

    def next_id(self, sequence: str) -> int:
        """The next number of a sequence; 1 comes first."""
        number = self.sequences.get(sequence, 1)
        self.sequences[sequence] = number + 1
        return number

    def put_device(self, device: Device) -> None:
        """Add or refresh a device."""
        app_id, device_id = device.app_id, device.device_id
        old = self.devices.get((app_id, device_id))
        self.devices.put(device)
        if old is None:
            self.device_order.add(app_id, device_id)
        if app_id in self.device_times:
            if old is not None:
                self.device_times.remove(app_id, (old.updated_at, device_id))
            self.device_times.add(app_id, (device.updated_at, device_id))

    def devices_by_time(self, app_id: str) -> Sequence[tuple[Micros, str]]:
        """When the devices of an app were last seen, with their ids, in this order."""
        if app_id not in self.device_times:
            keys = [(app_id, device_id) for device_id in self.device_order.of(app_id)]
            moments = self.devices.moments("updated_at", keys)
            self.device_times.set(app_id, sorted(zip(moments, self.device_order.of(app_id), strict=True)))
        return self.device_times.of(app_id)

    def remove_device(self, device: Device) -> None:
        """Take a device out. Raises KeyError when it is not there."""
        self.devices.remove(device)
        self.device_order.remove(device.app_id, device.device_id)
        if device.app_id in self.device_times:
            self.device_times.remove(device.app_id, (device.updated_at, device.device_id))

    def remove_devices(self, app_id: str) -> None:
        """Take every device of an app out."""
        for device_id in self.device_order.of(app_id):
            self.devices.remove(self.devices[app_id, device_id])
        self.device_order.forget(app_id)
        self.device_times.forget(app_id)

    def schedule(self, due: Micros, kind: str, *args: Any) -> None:
        """Queue a job."""
        heapq.heappush(self.jobs, Job(due, self.next_id("job"), kind, args))

    def due_jobs(self, now: Micros) -> Iterator[Job]:
        """Take the jobs that are due out of the queue, oldest first."""
        while self.jobs and self.jobs[0].due <= now:
            yield heapq.heappop(self.jobs)

    def check(self) -> list[str]:
        """Every broken invariant: indexes, and references to things that are not there."""
        found = [f"{name}: {problem}" for name in TABLES for problem in getattr(self, name).check()]
        for table, member, target in _REFERENCES:
            known = getattr(self, target)
            found += [
                f"{table}: {member} {getattr(record, member)!r} is not there"
                for record in getattr(self, table)
                if getattr(record, member) is not None and getattr(record, member) not in known
            ]
        ids: dict[str, list[str]] = {}
        for app_id, device_id in sorted((device.app_id, device.device_id) for device in self.devices):
            ids.setdefault(app_id, []).append(device_id)
        if ids != {app_id: there for app_id, there in self.device_order.as_dict().items() if there}:
            found.append("devices: the order by id differs from a rebuild")
        for app_id, times in self.device_times.as_dict().items():
            if times != sorted((self.devices[app_id, one].updated_at, one) for one in self.device_order.of(app_id)):
                found.append(f"devices of {app_id}: the order by time differs from a rebuild")
        return found


_REFERENCES = (
    ("members", "org_id", "organizations"),
    ("members", "user_id", "users"),
    ("api_keys", "user_id", "users"),
    ("bindings", "org_id", "organizations"),
    ("bindings", "app_id", "apps"),
    ("bindings", "channel_id", "channels"),
    ("apps", "owner_org", "organizations"),
    ("bundles", "app_id", "apps"),
    ("channels", "app_id", "apps"),
    ("channels", "version", "bundles"),
    ("channels", "rollout_version", "bundles"),
    ("deployments", "channel_id", "channels"),
    ("overrides", "channel_id", "channels"),
    ("webhooks", "org_id", "organizations"),
    ("deliveries", "webhook_id", "webhooks"),
)


def empty_state() -> State:
    """A state without a single record."""
    return State(
        users=Table(lambda user: user.id, email=lambda user: user.email),
        organizations=Table(
            lambda org: org.id,
            name_and_creator=lambda org: (org.name, org.created_by),
            customer=lambda org: org.customer_id,
        ),
        subscriptions=Table(lambda subscription: subscription.customer_id),
        members=Table(lambda member: member.id, org=lambda member: member.org_id, user=lambda member: member.user_id),
        invitations=Table(lambda invitation: invitation.id, org=lambda invitation: invitation.org_id),
        api_keys=Table(
            lambda key: key.id,
            user=lambda key: key.user_id,
            digest=lambda key: key.digest,
            rbac_id=lambda key: key.rbac_id,
        ),
        bindings=Table(
            lambda binding: binding.id,
            principal=lambda binding: binding.principal,
            org=lambda binding: binding.org_id,
            app=lambda binding: binding.app_id,
            channel=lambda binding: binding.channel_id,
        ),
        apps=Table(lambda app: app.app_id, org=lambda app: app.owner_org, record_id=lambda app: app.id),
        bundles=Table(
            lambda bundle: bundle.id,
            app=lambda bundle: bundle.app_id,
            name=lambda bundle: (bundle.app_id, bundle.name),
        ),
        channels=Table(
            lambda channel: channel.id,
            app=lambda channel: channel.app_id,
            name=lambda channel: (channel.app_id, channel.name),
            rbac_id=lambda channel: channel.rbac_id,
            # Asked at every update check, in apps that may have hundreds of channels.
            public=lambda channel: channel.app_id if channel.public else None,
            rolling=lambda channel: channel.app_id if channel.is_rolling else None,
        ),
        deployments=Table(
            lambda deployment: deployment.id,
            channel=lambda deployment: deployment.channel_id,
            app=lambda deployment: deployment.app_id,
        ),
        devices=Table(lambda device: (device.app_id, device.device_id)),
        overrides=Table(
            lambda override: (override.app_id, override.device_id),
            app=lambda override: override.app_id,
            channel=lambda override: override.channel_id,
        ),
        webhooks=Table(lambda webhook: webhook.id, org=lambda webhook: webhook.org_id),
        deliveries=Table(
            lambda delivery: delivery.id,
            webhook=lambda delivery: delivery.webhook_id,
            org=lambda delivery: delivery.org_id,
        ),
        audit_logs=Table(lambda row: row.id, org=lambda row: row.org_id),
        daily_usage=Table(lambda usage: (usage.app_id, usage.day), app=lambda usage: usage.app_id),
        daily_versions=Table(
            lambda usage: (usage.app_id, usage.day, usage.version_name), app=lambda usage: usage.app_id
        ),
    )


TABLES = tuple(name for name in State.__dataclass_fields__ if State.__dataclass_fields__[name].type.startswith("Table"))


def held_rows(states: Iterable[State]) -> int:
    """How many rows some states hold together. What they share counts once."""
    own, shared = 0, {}
    for state in states:
        own += ROWS_OF_AN_EMPTY_STATE
        for name in TABLES:
            table: Table[Any] = getattr(state, name)
            own += table.own_rows()
            shared[id(table.base)] = len(table.base.rows)
    return own + sum(shared.values())
