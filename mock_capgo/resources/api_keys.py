"""API keys: list, read, create, change, delete (reference 12). Their bindings stand in `api_key_bindings`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from mock_capgo import errors
from mock_capgo.access.keys import bindings_of, find_key
from mock_capgo.call import Call
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import api_key_bindings, cascades
from mock_capgo.resources.common import NO_ROWS, database_error
from mock_capgo.resources.dates import parse_js_date
from mock_capgo.resources.values import INT64, Fields, fields, is_uuid, js_text, truthy
from mock_capgo.world.records import ApiKey, Micros, digest

_TOKEN = re.compile(r"[A-Za-z0-9._:-]{8,256}")
_MODES = ("read", "upload", "write", "all")
LONGEST_NUMBER = 256
"""Digits of a number in a path that are looked at as one."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as an answer shows it; `value` only where it was just made."""

    key: ApiKey
    value: str | None = None
    mode: str = "read"
    apps: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    shows_permissions: bool = True


def list_api_keys(call: Call) -> list[ShownKey]:
    """The keys of the caller's owner that the caller manages; itself and expired ones too."""
    _require_management(call, errors.APIKEY_LIST_DENIED)
    mine = call.state.api_keys.where("user", call.caller.key.user_id)
    return [_shown(call, key) for key in mine if _manages(call, key)]


def get_api_key(call: Call) -> ShownKey:
    """One key by its number, or by its plain value."""
    _require_management(call, errors.APIKEY_GET_DENIED)
    wanted = call.path["id"]
    if not _is_id(wanted):
        raise Refusal(errors.APIKEY_ID_FORMAT_GET)
    key = _find(call, wanted)
    if key is None:
        raise Refusal(errors.APIKEY_NOT_GOT, {"supabaseError": _no_key(wanted)})
    if not _manages(call, key):
        raise Refusal(errors.APIKEY_GET_UNMANAGED, {"apikeyId": call.caller.key.id})
    return _shown(call, key)


def create_api_key(call: Call) -> ShownKey:
    """A new key of the caller's owner, with bindings or a mode; the plain value is in this answer only."""
    if call.has(Quirk.KEYS_DO_NOT_MAKE_KEYS):
        raise Refusal(errors.APIKEY_CANNOT_CREATE)
    _require_management(call, errors.APIKEY_CREATE_DENIED)
    params = fields(call.params)
    wanted = api_key_bindings.parse(params["bindings"]) if "bindings" in params else []
    if not truthy(params.get("name")):
        raise Refusal(errors.NAME_IS_REQUIRED)
    if not wanted and params.get("mode") not in _MODES:
        raise Refusal(errors.BINDINGS_REQUIRED)
    expires_at = _expiry(call, params.get("expires_at"))
    permissions = api_key_bindings.parse_global_permissions(params.get("global_permissions"))
    apps, orgs = api_key_bindings.check_mode(call, params) if not wanted else ((), ())
    if permissions and not any(api_key_bindings.makes_org_admin(binding) for binding in wanted):
        raise Refusal(
            errors.INVALID_GLOBAL_PERMISSIONS,
            words={"reason": "org.create requires an org-scoped admin API key binding"},
        )
    api_key_bindings.check_policy_of(call, {binding.org_id for binding in wanted} | set(orgs), expires_at)
    checked = api_key_bindings.check_grants(call, wanted)
    value = call.world.uuid()
    hashed = params.get("hashed") is True
    key = ApiKey(
        id=call.state.next_id("api_key"),
        user_id=call.caller.key.user_id,
        rbac_id=call.world.uuid(),
        name=js_text(params["name"]),
        key=None if hashed else value,
        key_hash=digest(value) if hashed else None,
        created_at=call.now,
        updated_at=call.now,
        expires_at=expires_at,
        global_permissions=permissions,
        mode=None if wanted else params["mode"],
        limited_to_apps=apps,
        limited_to_orgs=orgs,
    )
    call.state.api_keys.put(key)
    api_key_bindings.grant(call, key, checked)
    return _shown(call, key, value=value)


def update_api_key(call: Call) -> ShownKey:
    """Change a sibling's name or expiry, or give it a new value. Permissions of keys are not changed by keys."""
    request = {"requestId": call.world.uuid()}
    _require_management(call, errors.APIKEY_UPDATE_DENIED, request)
    if call.params is None:
        if call.has(Quirk.NULL_KEY_UPDATE_CRASHES):
            raise Refusal(errors.UNKNOWN_ERROR)
        raise Refusal(errors.NO_VALID_FIELDS, request)
    params = fields(call.params)
    _check_shapes(params, request)
    wanted = call.path.get("id") or (js_text(params["id"]) if truthy(params.get("id")) else "")
    if not wanted:
        raise Refusal(errors.APIKEY_ID_REQUIRED, request)
    if not _is_id(wanted):
        raise Refusal(errors.APIKEY_ID_FORMAT, request)
    expires_at = _expiry(call, params.get("expires_at"))
    _check_fields(params, request)
    key = _find(call, wanted)
    if key is None:
        raise Refusal(errors.APIKEY_NOT_FOUND_OR_DENIED, {**request, "supabaseError": _no_key(wanted)})
    refused = {**request, "apikeyId": call.caller.key.id}
    if key.id == call.caller.key.id:
        raise Refusal(errors.APIKEY_UPDATES_ITSELF, refused)
    if "bindings" in params or "global_permissions" in params:
        raise Refusal(errors.APIKEY_UPDATES_PERMISSIONS, refused)
    if not _manages(call, key):
        raise Refusal(errors.APIKEY_UPDATE_UNMANAGED, refused)
    if "expires_at" in params:
        bindings = bindings_of(call.world, key, call.quirks)
        api_key_bindings.check_policy_of(call, {binding.org_id for binding in bindings}, expires_at)
    changes: dict[str, Any] = {"updated_at": call.now}
    if "name" in params:
        changes["name"] = params["name"] or f"Apikey {key.id}"
    if "expires_at" in params:
        changes["expires_at"] = expires_at
    value = None
    if params.get("regenerate") is True:
        value = call.world.uuid()
        changes |= {"key": value} if key.key_hash is None else {"key_hash": digest(value)}
    key = replace(key, **changes)
    call.state.api_keys.put(key)
    return _shown(call, key, value=value, shows_permissions="global_permissions" in params)


def delete_api_key(call: Call) -> None:
    """Delete a sibling with its bindings; its value stops working at once."""
    _require_management(call, errors.APIKEY_DELETE_DENIED)
    wanted = call.path["id"]
    if not _is_id(wanted):
        raise Refusal(errors.APIKEY_ID_FORMAT)
    key = _find(call, wanted)
    if key is None:
        raise Refusal(errors.APIKEY_NOT_FOUND, {"supabaseError": _no_key(wanted)})
    refused = {"apikeyId": call.caller.key.id}
    if key.id == call.caller.key.id:
        raise Refusal(errors.APIKEY_DELETES_ITSELF, refused)
    if not _manages(call, key):
        raise Refusal(errors.APIKEY_DELETE_UNMANAGED, refused)
    cascades.remove_key(call.world, key.id)


def _manageable_orgs(call: Call) -> set[str]:
    orgs = {binding.org_id for binding in call.caller.bindings}
    return {org_id for org_id in orgs if call.may("org.manage_apikeys", org_id)}


def _is_id(wanted: str) -> bool:
    """Whether text is a key's number, of digits that a database knows, or what else names a key."""
    return _is_number(wanted) or is_uuid(wanted) or _TOKEN.fullmatch(wanted) is not None


def _is_number(wanted: str) -> bool:
    return wanted.isascii() and wanted.isdecimal() and len(wanted) <= LONGEST_NUMBER


def _require_management(call: Call, error: Error, more: Fields | None = None) -> None:
    if not _manageable_orgs(call):
        raise Refusal(error, {**(more or {}), "apikeyId": call.caller.key.id})


def _manages(call: Call, key: ApiKey) -> bool:
    """Whether every organization that a key is bound in is one whose keys the caller manages."""
    orgs = {binding.org_id for binding in bindings_of(call.world, key, call.quirks)}
    return key.user_id == call.caller.key.user_id and bool(orgs) and orgs <= _manageable_orgs(call)


def _find(call: Call, wanted: str) -> ApiKey | None:
    """A key of the same owner by number or plain value; a hashed key has no value to be found by."""
    key = call.state.api_keys.get(int(wanted)) if _is_number(wanted) else find_key(call.world, wanted)
    if key is not None and key.key is None and not _is_number(wanted):
        return None
    return key if key is not None and key.user_id == call.caller.key.user_id else None


def _no_key(wanted: str) -> dict[str, Any]:
    if _is_number(wanted) and int(wanted) > INT64:
        return database_error("22003", f'value "{wanted}" is out of range for type bigint')
    return NO_ROWS


def _expiry(call: Call, value: Any) -> Micros | None:
    if value is None:
        return None
    moment = parse_js_date(value)
    if moment is None:
        raise Refusal(errors.INVALID_EXPIRATION_DATE, words={"reason": "Invalid expiration date format"})
    if moment <= call.now:
        raise Refusal(errors.INVALID_EXPIRATION_DATE, words={"reason": "Expiration date must be in the future"})
    return moment


def _check_shapes(params: Fields, request: Fields) -> None:
    if "bindings" in params:
        if isinstance(params["bindings"], list) and not params["bindings"]:
            raise Refusal(errors.BINDINGS_REQUIRED, request)
        api_key_bindings.parse(params["bindings"], request)
    if "global_permissions" in params:
        api_key_bindings.parse_global_permissions(params["global_permissions"], request)


def _check_fields(params: Fields, request: Fields) -> None:
    if "name" in params and not isinstance(params["name"], str):
        raise Refusal(errors.NAME_MUST_BE_A_STRING, request)
    if "regenerate" in params and not isinstance(params["regenerate"], bool):
        raise Refusal(errors.REGENERATE_MUST_BE_BOOLEAN, request)
    changes = {"name", "expires_at", "bindings", "global_permissions"} & params.keys()
    if not changes and params.get("regenerate") is not True:
        raise Refusal(errors.NO_VALID_FIELDS, request)


def _shown(call: Call, key: ApiKey, *, value: str | None = None, shows_permissions: bool = True) -> ShownKey:
    bindings = bindings_of(call.world, key, call.quirks)
    bound = call.state.bindings.count("principal", key.rbac_id) > 0
    return ShownKey(
        key,
        value,
        key.mode if key.mode is not None and not bound else api_key_bindings.nearest_mode(bindings),
        tuple(sorted({b.app_id for b in bindings if b.app_id is not None})) if bound else key.limited_to_apps,
        tuple(sorted({b.org_id for b in bindings})) if bound else key.limited_to_orgs,
        shows_permissions,
    )
