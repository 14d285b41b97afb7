"""The state of a world: every table, and the numbers that sequences give next.

Belongs here: which tables there are and how their records are found. A state knows no clock and no rules;
`mock_capgo.world.world` adds them.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mock_capgo.device_api.store import DeviceStore
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
    device_order: dict[str, list[str]] = field(default_factory=dict)
    """App id -> its device ids, sorted, so that a page in the middle is found by bisection."""

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
            device_order={app_id: ids.copy() for app_id, ids in self.device_order.items()},
        )

    def next_id(self, sequence: str) -> int:
        """The next number of a sequence; 1 comes first."""
        number = self.sequences.get(sequence, 1)
        self.sequences[sequence] = number + 1
        return number

    def put_device(self, device: Device) -> None:
        """Add or refresh a device."""
        if (device.app_id, device.device_id) not in self.devices.rows:
            insort(self.device_order.setdefault(device.app_id, []), device.device_id)
        self.devices.put(device)

    def remove_devices(self, app_id: str) -> None:
        """Take every device of an app out."""
        for device in self.devices.where("app", app_id):
            self.devices.remove(device)
        self.device_order.pop(app_id, None)

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
            known = getattr(self, target).rows
            found += [
                f"{table}: {member} {getattr(record, member)!r} is not there"
                for record in getattr(self, table)
                if getattr(record, member) is not None and getattr(record, member) not in known
            ]
        for app_id, ids in self.device_order.items():
            if ids != sorted(device.device_id for device in self.devices.where("app", app_id)):
                found.append(f"devices of {app_id}: the order differs from a rebuild")
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
            key=lambda key: key.key,
            key_hash=lambda key: key.key_hash,
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
        ),
        deployments=Table(
            lambda deployment: deployment.id,
            channel=lambda deployment: deployment.channel_id,
            app=lambda deployment: deployment.app_id,
        ),
        devices=Table(lambda device: (device.app_id, device.device_id), app=lambda device: device.app_id),
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
