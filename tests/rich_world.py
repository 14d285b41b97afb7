"""A document with a row in every section of the fixture format, and how tests load, change and compare worlds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson

from mock_capgo.world.clock import parse_time
from mock_capgo.world.fixture import dump, fixture_of, parse_fixture
from mock_capgo.world.records import DAY
from mock_capgo.world.rows import audit_row, changed_fields
from mock_capgo.world.state import TABLES, State
from tests.conftest import ACME, GLOBEX

NOW = parse_time("2026-03-15T10:30:00.123456Z")
WEBHOOK = "0c0ffee0-0000-4000-8000-00000000e001"

RICH: dict[str, Any] = {
    "format": 1,
    "users": [{"email": "ada@example.com"}, {"email": "bob@example.com"}],
    "organizations": [{"name": "Acme", "created_by": "ada@example.com", "customer_id": "cus_1"}],
    "subscriptions": [{"customer_id": "cus_1", "product_id": "prod_1"}],
    "members": [
        {"org": "Acme", "user": "ada@example.com", "role": "org_super_admin"},
        {"org": "Acme", "user": "bob@example.com", "role": "org_member", "is_invite": True},
    ],
    "invitations": [{"org": "Acme", "email": "kim@example.com", "role": "org_member"}],
    "api_keys": [
        {
            "user": "ada@example.com",
            "name": "CI",
            "key": "ci-key",
            "bindings": [
                {"role": "org_member", "org": "Acme"},
                {"role": "app_reader", "app": "com.example.a"},
                {"role": "channel_admin", "app": "com.example.a", "channel": "production", "expires_at": "now+1d"},
            ],
        },
        {"user": "bob@example.com", "name": "hidden", "key": "hidden-key", "hashed": True},
    ],
    "bindings": [{"user": "bob@example.com", "role": "app_developer", "app": "com.example.a", "reason": "helps"}],
    "apps": [{"app_id": "com.example.a", "org": "Acme", "name": "A"}],
    "bundles": [{"app_id": "com.example.a", "name": "1.0.0"}, {"app_id": "com.example.a", "name": "1.1.0"}],
    "channels": [
        {"app_id": "com.example.a", "name": "production", "public": True, "version": "1.0.0"},
        {"app_id": "com.example.a", "name": "beta", "version": 1, "rollout_version": "1.1.0"},
    ],
    "deployments": [{"app_id": "com.example.a", "channel": "production", "version": "1.0.0"}],
    "devices": [{"app_id": "com.example.a", "device_id": "D-1", "version_name": "1.0.0", "updated_at": "now-2h"}],
    "overrides": [{"app_id": "com.example.a", "device_id": "d-1", "channel": "beta"}],
    "files": [
        {"path": "orgs/o/apps/com.example.a/1.0.0.zip", "base64": "AAEC"},
        {"path": "orgs/o/apps/com.example.a/1.1.0.zip", "base64": "AAEC", "length": 9, "created_at": "now-1h"},
    ],
    "rollout_decisions": [
        {
            "app_id": "com.example.a",
            "channel": "beta",
            "device_id": "D-1",
            "selected": True,
            "percentage_bps": 1000,
            "rollout_id": GLOBEX,
            "rollout_version": "1.1.0",
            "expires_at": "now+30d",
        }
    ],
    "chosen_channels": [{"app_id": "com.example.a", "device_id": "D-1", "channel": "beta"}],
    "active_devices": [{"app_id": "com.example.a", "device_id": "D-1", "period": "now-15d"}],
    "attempts": [{"app_id": "com.example.a", "channel": "beta", "version_name": "1.1.0", "seconds": [[9, 1, 0]]}],
    "webhooks": [{"id": WEBHOOK, "org": "Acme", "name": "w", "url": "https://example.com/w", "events": ["apps"]}],
    "deliveries": [
        {
            "id": "0c0ffee0-0000-4000-8000-00000000e002",
            "webhook": WEBHOOK,
            "event_type": "apps.INSERT",
            "request_payload": {},
        }
    ],
    "audit_logs": [{"table_name": "apps", "record_id": "com.example.a", "operation": "INSERT", "org_id": ACME}],
    "usage": [{"app_id": "com.example.a", "from": -2, "mau": [5, 0, 7], "storage": [-10]}],
    "version_usage": [{"app_id": "com.example.a", "version_name": "1.0.0", "from": -1, "get": [1, 2]}],
    "tombstones": [{"app_id": "com.example.gone", "org": ACME, "deleted_at": "now-1d"}],
    "used_org_ids": [GLOBEX],
    "jobs": [{"due": "now+10s", "kind": "last_version", "args": ["com.example.a", "1.1.0"]}],
}
"""As short as a hand would write it."""


def edited(*path: str | int, to: Any = None, drop: bool = False) -> dict[str, Any]:
    """The rich document with one value changed, added or left out."""
    document: Any = json.loads(json.dumps(RICH))
    place = document
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(to)
    else:
        place[path[-1]] = to
    taken: dict[str, Any] = document
    return taken


def load(document: dict[str, Any], now: int = NOW) -> State:
    """The state of a document, by the way that every document takes."""
    return fixture_of(document, "document").load(now).state


def contents(state: State) -> dict[str, Any]:
    """Everything in a state, in its order; audit rows as they are shown."""
    found: dict[str, Any] = {name: getattr(state, name).items() for name in TABLES}
    found["audit_logs"] = [
        replace(
            row,
            old_record=audit_row(row.old_record),
            new_record=audit_row(row.new_record),
            changed_fields=changed_fields(row),
        )
        for row in state.audit_logs
    ]
    jobs = [(job.due, job.order, job.kind, job.args) for job in sorted(state.jobs)]
    return found | {
        "sequences": state.sequences,
        "tombstones": state.tombstones,
        "used_org_ids": state.used_org_ids,
        "jobs": jobs,
        "device_order": state.device_order.as_dict(),
        "device_store": replace(state.device_store, auto_pause_tick=None),  # begins anew with each world
        "files": state.files,
    }


def again(state: State) -> State:
    """The state after it was written and read; the bytes in between are JSON."""
    return parse_fixture(orjson.dumps(dump(state, NOW)), "export").load(NOW + DAY).state
