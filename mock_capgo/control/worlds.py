"""Worlds over HTTP: make, list, delete; and keys for any role."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mock_capgo.access.permissions import ROLES
from mock_capgo.control.http import ControlError, Endpoint, moment, read_object, reply, typed
from mock_capgo.dialects import speak
from mock_capgo.request import own_address
from mock_capgo.server.universe import Universe, create_universe, find_fixture
from mock_capgo.server.universes import Full, Universes, prefix_of
from mock_capgo.settings import Settings
from mock_capgo.world.clock import iso_millis
from mock_capgo.world.fixture import Fixture, fixture_of
from mock_capgo.world.records import ApiKey, App, Binding, Channel, digest

_OPTIONS = {"fixture", "dialect", "quirks", "limits", "now", "seed", "ttl", "explain", "header_faults"}


def listing(universes: Universes) -> Endpoint:
    """List the worlds."""

    async def endpoint(request: Request) -> Response:
        universes.expire()
        return reply({"worlds": [_shown(one, request, universes.api_url) for one in universes]})

    return endpoint


def making(universes: Universes, settings: Settings) -> Endpoint:
    """Make a world: everything about it is optional, and as the server was started where it is not said."""

    async def endpoint(request: Request) -> Response:
        wanted = await read_object(request, _OPTIONS)
        universe = _make(wanted, universes, settings)
        try:
            universes.add(universe)
        except Full as reason:
            raise ControlError(503, str(reason)) from None
        return reply(_shown(universe, request, universes.api_url) | {"keys": universe.keys}, 201)

    return endpoint


def deleting(universes: Universes) -> Endpoint:
    """Delete a world; the default one stays."""

    async def endpoint(request: Request) -> Response:
        universe_id = request.path_params["id"]
        if universe_id == universes.default.id:
            raise ControlError(400, "the default world cannot be deleted; reset it instead")
        if not universes.remove(universe_id):
            raise ControlError(404, f"there is no world {universe_id}")
        return reply({"status": "ok"})

    return endpoint


async def list_keys(_: Request, universe: Universe) -> Response:
    """The values of the keys that the fixture tells, by label."""
    return reply({"keys": universe.keys})


async def make_key(request: Request, universe: Universe) -> Response:
    """A key with one role: `{"role", "org"?, "app"?, "channel"?, "name"?, "expires_at"?, "hashed"?, "org_create"?}`.

    Where the organization, app or channel is not said, the world's first one is taken.
    """
    members = {"role", "org", "app", "channel", "name", "expires_at", "hashed", "org_create"}
    wanted = await read_object(request, members)
    role = ROLES.get(str(wanted.get("role")))
    if role is None:
        raise ControlError(400, f"role: one of {', '.join(ROLES)} is expected")
    org_id, app, channel = _scope(universe, wanted, role.scope)
    world = universe.world
    world.tick()
    # A world that was made has keys of its own: another world of the same seed must not have the same.
    value, rbac_id = str(uuid.uuid4()) if universe.fresh_keys else world.uuid(), world.uuid()
    hashed = bool(typed(wanted, "hashed", bool, "true or false"))
    organization = world.state.organizations[org_id]
    key = ApiKey(
        id=world.state.next_id("api_key"),
        user_id=organization.created_by,
        rbac_id=rbac_id,
        name=typed(wanted, "name", str, "text") or role.name,
        key=None if hashed else value,
        key_hash=digest(value) if hashed else None,
        created_at=world.now,
        updated_at=world.now,
        expires_at=moment(wanted, "expires_at"),
        global_permissions=("org.create",) if wanted.get("org_create") else (),
    )
    world.state.api_keys.put(key)
    world.state.bindings.put(
        Binding(
            id=world.state.next_id("binding"),
            principal_type="apikey",
            principal=rbac_id,
            role=role.name,
            scope_type=role.scope,
            org_id=org_id,
            app_id=app.app_id if app else None,
            channel_id=channel.id if channel else None,
        )
    )
    return reply({"id": key.id, "key": value, "role": role.name, "org": org_id, "app": app and app.app_id}, 201)


def _make(wanted: dict[str, Any], universes: Universes, settings: Settings) -> Universe:
    dialect = wanted.get("dialect", settings.dialect)
    if dialect not in ("documented", "live"):
        raise ControlError(400, "dialect: documented or live is expected")
    for name in ("quirks", "limits"):
        if wanted.get(name, "on") not in ("on", "off"):
            raise ControlError(400, f"{name}: on or off is expected")
    ttl = typed(wanted, "ttl", (int, float), "a number of seconds")
    seed = typed(wanted, "seed", int, "a whole number")
    universe = create_universe(
        _fixture(wanted.get("fixture"), universes),
        speak("live" if dialect == "live" else "documented", faults=wanted.get("quirks", settings.quirks) == "on"),
        limits=wanted.get("limits", settings.limits) == "on",
        # Keys that are made later follow from the seed: worlds that share one are told apart by path alone.
        seed=secrets.randbits(32) if seed is None else seed,
        now=moment(wanted, "now"),
        universe_id=universes.new_id(),
        started_with=universes.default.started_with,
        fresh_keys=True,
    )
    if ttl is not None and ttl <= 0:
        raise ControlError(400, "ttl: a number of seconds over 0 is expected")
    default = universes.default
    explains = typed(wanted, "explain", bool, "true or false")
    header_faults = typed(wanted, "header_faults", bool, "true or false")
    universe.ttl = ttl
    universe.starts_at = moment(wanted, "now")
    universe.explains = default.explains if explains is None else explains
    universe.header_faults = default.header_faults if header_faults is None else header_faults
    universe.journal.capacity = default.journal.capacity
    universe.world.deliver = universes.default.world.deliver
    return universe


def _fixture(wanted: Any, universes: Universes) -> Fixture:
    """A fixture by name, or given in the request."""
    if isinstance(wanted, dict):
        return fixture_of(wanted, "request body")
    if wanted is None:
        return universes.default.started_with
    if not isinstance(wanted, str):
        raise ControlError(400, "fixture: the name of a built-in world, or a fixture, is expected")
    return find_fixture(wanted, universes.default.started_with)


def _shown(universe: Universe, request: Request, api_url: str | None) -> dict[str, Any]:
    here = own_address(request.headers, request.url.scheme)
    prefix = prefix_of(universe)
    return {
        "id": universe.id,
        "base_url": f"{api_url or here}{prefix}",
        "control_url": f"{here}{prefix}/_mock",
        "dialect": universe.dialect.name,
        "fixture": universe.fixture.source,
        "limits": "on" if universe.limits.enabled else "off",
        "seed": universe.world.seed,
        "ttl": universe.ttl,
        "now": iso_millis(universe.world.clock.now()),
    }


def _scope(universe: Universe, wanted: dict[str, Any], scope: str) -> tuple[str, App | None, Channel | None]:
    """The organization, app and channel that a key is for. Raises ControlError where one is not there."""
    state = universe.world.state
    app_id, org_id = typed(wanted, "app", str, "an app id"), typed(wanted, "org", str, "an organization's id")
    app = state.apps.get(app_id) if app_id else None
    if app_id and app is None:
        raise ControlError(404, f"there is no app {app_id}")
    first = next(iter(state.organizations), None)
    org_id = str(org_id or (app.owner_org if app else first.id if first else ""))
    if org_id not in state.organizations:
        raise ControlError(404, f"there is no organization {org_id}" if org_id else "the world has no organization")
    if scope == "org":
        return org_id, None, None
    app = app or next(iter(state.apps.where("org", org_id)), None)
    if app is None:
        raise ControlError(404, f"organization {org_id} has no app")
    if scope == "app":
        return org_id, app, None
    name = wanted.get("channel")
    channels = state.channels.where("app", app.app_id)
    channel = next((one for one in channels if name in (None, one.name, one.id)), None)
    if channel is None:
        raise ControlError(404, f"app {app.app_id} has no channel {name or ''}")
    return org_id, app, channel
