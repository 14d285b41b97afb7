"""Apps: list, read, create, change, delete (reference 20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import cascades
from mock_capgo.resources.common import (
    MAX_ROWS,
    NO_ROWS,
    ROWS_PER_PAGE,
    app_by_path,
    app_id_of,
    database_error,
    invalid_bigint,
)
from mock_capgo.resources.values import (
    database_bool,
    database_id,
    fields,
    image_path,
    js_text,
    parse_int,
    stripped,
    text,
    truthy,
)
from mock_capgo.world.records import App
from mock_capgo.world.world import SYSTEM

MAX_RETENTION = 63_113_903
"""Seconds: two years."""

_FLAGS = (
    "expose_metadata",
    "allow_device_custom_id",
    "block_provider_infra_requests",
    "need_onboarding",
    "existing_app",
)


def list_apps(call: Call) -> list[App]:
    """The apps that the key may read, optionally of one organization, a page of them."""
    params = fields(call.params)
    org_id = params.get("org_id")
    if truthy(org_id) and not call.may("org.read", str(org_id).lower()):
        raise Refusal(errors.APP_ORG_OUT_OF_REACH, {"org_id": org_id})
    page, limit = _number(params, "page", 0), _number(params, "limit", ROWS_PER_PAGE)
    if page < 0 or limit < 0:
        raise Refusal(
            errors.CANNOT_GET_APPS, {"supabaseError": database_error("PGRST103", "Requested range not satisfiable")}
        )
    visible = [
        app
        for app in call.state.apps
        if (not truthy(org_id) or app.owner_org == str(org_id).lower()) and call.may_app("app.read", app)
    ]
    return visible[page * limit : page * limit + min(limit, MAX_ROWS)]


def get_app(call: Call) -> App:
    """One app by its public id."""
    return _app(call, "app.read")


def create_app(call: Call) -> App:
    """A new app. It starts with neither bundles nor channels; nobody's bindings change."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    if not truthy(params.get("name")) or _is_blank(call, params["name"]):
        raise Refusal(errors.MISSING_APP_NAME, {"body": call.params})
    if not truthy(params.get("owner_org")):
        raise Refusal(errors.MISSING_OWNER_ORG, {"body": call.params})
    org_id = js_text(params["owner_org"])
    if not call.may("org.create_app", org_id.lower()):
        raise Refusal(errors.APP_CREATE_DENIED, {"org_id": params["owner_org"]})
    if app_id in call.state.apps:
        detail = f"Key (app_id)=({app_id}) already exists."
        raise Refusal(errors.APP_ID_TAKEN, {"app_id": app_id, "constraint": "apps_pkey", "detail": detail})
    onboarding = params.get("need_onboarding") is True
    organization = call.state.organizations[org_id.lower()]
    app = App(
        created_at=call.now,
        app_id=app_id,
        icon_url=stripped(image_path(text(params.get("icon")) or "")),
        user_id=organization.created_by,
        name=stripped(js_text(params["name"])),
        id=call.world.uuid(),
        owner_org=organization.id,
        need_onboarding=onboarding,
        created_from_onboarding=onboarding,
        existing_app=params.get("existing_app") is True,
        ios_store_url=text(params.get("ios_store_url")),
        android_store_url=text(params.get("android_store_url")),
        build_timeout_updated_at=call.now,
    )
    call.state.tombstones.pop(app_id, None)
    # The service inserts with its own credentials, so the audit log names nobody (reference 13).
    return call.world.insert(call.state.apps, app, SYSTEM)


def update_app(call: Call) -> App:
    """Change the fields that were sent."""
    app = _app(call, "app.update_settings")
    params = fields(call.params)
    changes = _changes(params)
    if changes.get("name") == "" and _is_blank(call, ""):
        raise Refusal(errors.MISSING_APP_NAME, {"body": call.params})
    if not changes and call.has(Quirk.EMPTY_UPDATE_IS_REFUSED):
        # The update touches no column, so the database layer returns no row.
        raise Refusal(errors.CANNOT_UPDATE_APP, {"supabaseError": NO_ROWS})
    new = replace(app, **changes, updated_at=call.now)
    if app.need_onboarding and not new.need_onboarding:
        new = replace(new, onboarding_completed_at=call.now)
    return call.world.update(call.state.apps, app, new, call.actor)


def delete_app(call: Call) -> None:
    """Delete an app with its bundles and channels; its devices follow a little later."""
    app_id = app_by_path(call)
    app = call.state.apps.get(app_id)
    if app is None or not call.may_app("app.delete", app):
        raise Refusal(errors.APP_DELETE_DENIED, {"app_id": app_id})
    cascades.delete_app(call.world, app, call.actor)


def _is_blank(call: Call, name: Any) -> bool:
    """Whether a name says nothing, where that is refused."""
    return not stripped(js_text(name)) and not call.has(Quirk.EMPTY_NAMES_ARE_STORED)


def _app(call: Call, permission: str) -> App:
    app_id = app_by_path(call)
    app = call.state.apps.get(app_id)
    if app is None or not call.may_app(permission, app):
        raise Refusal(errors.APP_OUT_OF_REACH, {"app_id": app_id})
    return app


def _number(params: dict[str, Any], name: str, default: int) -> int:
    """A paging parameter as `parseInt` reads it."""
    if params.get(name) in (None, ""):
        return default
    number = parse_int(params[name])
    if number is None:
        error = database_error("22P02", f'invalid input syntax for type bigint: "{js_text(params[name])}"')
        raise Refusal(errors.CANNOT_GET_APPS, {"supabaseError": error})
    return number


def _changes(params: dict[str, Any]) -> dict[str, Any]:
    """The recognised fields as they will be stored. Raises what the bounds or the database refuse."""
    changes: dict[str, Any] = {}
    if params.get("retention") is not None:
        changes["retention"] = _retention(params["retention"])
    if "name" in params:
        changes["name"] = None if params["name"] is None else stripped(js_text(params["name"]))
    if params.get("icon") is not None:
        changes["icon_url"] = stripped(image_path(js_text(params["icon"])))
    for name in _FLAGS:
        if params.get(name) is not None:
            changes[name] = _flag(params[name])
    for name in ("ios_store_url", "android_store_url"):
        if name in params:
            changes[name] = text(params[name])
    return changes


def _retention(value: Any) -> int:
    try:
        number = float(value) if not isinstance(value, (list, dict)) else float("nan")
    except ValueError:
        number = float("nan")
    if number >= MAX_RETENTION + 1:
        raise Refusal(errors.RETENTION_TOO_BIG, {"retention": value})
    if number < 0:
        raise Refusal(errors.RETENTION_TOO_SMALL, {"retention": value})
    stored = database_id(value)
    if not isinstance(stored, int):
        raise Refusal(errors.CANNOT_UPDATE_APP, {"supabaseError": invalid_bigint(stored or "")})
    return stored


def _flag(value: Any) -> bool:
    stored = database_bool(value)
    if stored is None:
        error = database_error("22P02", f'invalid input syntax for type boolean: "{js_text(value)}"')
        raise Refusal(errors.CANNOT_UPDATE_APP, {"supabaseError": error})
    return stored
