"""A world with one app, and a device that calls the handlers of the device API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from mock_capgo.access.limits import Limits
from mock_capgo.call import Call
from mock_capgo.device_api import answers
from mock_capgo.device_api.answers import Reply
from mock_capgo.device_api.auto_pause import run_auto_pause
from mock_capgo.device_api.explain import explain
from mock_capgo.device_api.table import DEVICE_OPERATIONS
from mock_capgo.quirks import LIVE, Quirk
from mock_capgo.request import Request
from mock_capgo.world.clock import Clock, parse_time
from mock_capgo.world.jobs import run_due
from mock_capgo.world.records import App, Bundle, Channel, Device, Organization, Override, Subscription
from mock_capgo.world.state import State
from mock_capgo.world.world import World

NOW = parse_time("2026-03-10T12:00:00Z")
ORG = "0c0ffee0-0000-4000-8000-00000000b001"
APP = "com.example.bench"
DEVICE = "d0000000-0000-4000-8000-000000000001"

_ROWS = {(row.method, row.path): row for row in DEVICE_OPERATIONS}


def device(number: int) -> str:
    """The id of one of many devices."""
    return f"d0000000-0000-4000-8000-{number:012d}"


class Bench:
    """One app in a world whose clock stands still until it is moved, and calls to it."""

    def __init__(self, *, limits: bool = False, quirks: frozenset[Quirk] = LIVE, seed: int = 7) -> None:
        self.world = World(clock=Clock(NOW, 0), seed=seed)
        self.limits = Limits(self.world, enabled=limits)
        self.quirks = quirks
        self.world.state.organizations.put(Organization(id=ORG, created_by="u", created_at=NOW, updated_at=NOW))
        self.world.state.apps.put(App(created_at=NOW, app_id=APP, id="app", owner_org=ORG, user_id="u"))

    @property
    def state(self) -> State:
        return self.world.state

    @property
    def app(self) -> App:
        return self.state.apps[APP]

    def set_app(self, **changes: Any) -> None:
        self.state.apps.put(replace(self.app, **changes))

    def pay(self, **subscription: Any) -> None:
        """Give the organization a subscription; nothing is paid unless said."""
        organization = self.state.organizations[ORG]
        self.state.organizations.put(replace(organization, customer_id="cus"))
        told = {"status": "canceled", **subscription}
        self.state.subscriptions.put(Subscription(customer_id="cus", product_id="prod", **told))

    def bundle(self, name: str = "1.0.0", **more: Any) -> Bundle:
        told = {"external_url": f"https://cdn.example.com/{name}.zip", "checksum": "c0", **more}
        number = self.state.next_id("bundle")
        made = Bundle(id=number, created_at=NOW, updated_at=NOW, app_id=APP, name=name, owner_org=ORG, **told)
        self.state.bundles.put(made)
        return made

    def channel(self, name: str = "main", bundle: Bundle | None = None, **more: Any) -> Channel:
        told = {"public": True, "rollout_id": self.world.uuid(), **more}
        made = Channel(
            id=self.state.next_id("channel"),
            created_at=NOW,
            updated_at=NOW,
            name=name,
            app_id=APP,
            owner_org=ORG,
            version=bundle.id if bundle else None,
            **told,
        )
        self.state.channels.put(made)
        return made

    def change(self, channel: Channel, **changes: Any) -> Channel:
        made = replace(self.state.channels[channel.id], **changes)
        self.state.channels.put(made)
        return made

    def force(self, channel: Channel, device_id: str = DEVICE, *, counted: bool = True) -> None:
        """An override of the API on a device; `counted` as after the queue has run."""
        self.state.overrides.put(
            Override(app_id=APP, device_id=device_id, channel_id=channel.id, created_at=NOW, updated_at=NOW)
        )
        self.set_app(channel_device_count=1 if counted else 0)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """A call as the server makes it."""
        request = Request(
            method,
            path,
            query.encode(),
            {"host": "mock.example", **(headers or {})},
            orjson.dumps(body) if raw is None else raw,
        )
        row = _ROWS[method, path]
        self.world.tick()
        run_due(self.world)
        run_auto_pause(self.world)
        return answers.answer(row.handler, self.call(partial(answers.read, row.source, request), request))

    def call(self, read: Callable[[], Any], request: Request) -> Call:
        return Call(
            world=self.world,
            quirks=self.quirks,
            read=read,
            path={},
            limits=self.limits,
            request=request,
        )

    def check(self, device_id: str = DEVICE, *, headers: dict[str, str] | None = None, **said: Any) -> Reply:
        """An update check."""
        return self.send("POST", "/updates", said_by(device_id, **said), headers=headers)

    def event(self, action: str | None = "set", device_id: str = DEVICE, **said: Any) -> Reply:
        """One event of a device on bundle 1.0.0."""
        body = said_by(device_id, **{"version_name": "1.0.0", **said})
        return self.send("POST", "/stats", body if action is None else {**body, "action": action})

    def explain(self, **params: str) -> dict[str, Any]:
        self.world.tick()
        asked = {"app_id": APP, "device_id": DEVICE, **params}
        return explain(self.call(lambda: asked, Request("GET", "/_mock/explain", headers={"host": "mock.example"})))

    def stored(self, device_id: str = DEVICE) -> Device | None:
        return self.state.devices.get((APP, device_id))


def said_by(device_id: str = DEVICE, **said: Any) -> dict[str, Any]:
    """What a device of today sends; None takes a member out."""
    told = {
        "platform": "android",
        "device_id": device_id,
        "app_id": APP,
        "custom_id": "",
        "version_build": "1.0.0",
        "version_code": "1",
        "version_os": "14",
        "version_name": "0.9.0",
        "plugin_version": "8.1.0",
        "is_emulator": False,
        "is_prod": True,
        **said,
    }
    return {name: value for name, value in told.items() if value is not None}


@pytest.fixture
def bench() -> Bench:
    """A world without limits."""
    return Bench()


@pytest.fixture
def limited() -> Bench:
    """A world with limits."""
    return Bench(limits=True)
