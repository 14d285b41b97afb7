"""From headers to a caller: API keys, subkeys, and what they are bound to (reference 00, section 2).

Belongs here: the lookup of a key, when it does not authenticate, and the two live header rules beside the
documented one. Does not belong here: what the key may do (`permissions`), how often it may call (`limits`
does the counting; the order in which it is asked is part of the live rules and stands here).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from operator import attrgetter
from typing import Literal, NamedTuple

from mock_capgo import errors
from mock_capgo.access.limits import Limits
from mock_capgo.access.permissions import ORG_ADMINS, active, mode_role
from mock_capgo.call import Caller
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.request import Request
from mock_capgo.world.records import ApiKey, Binding, Tier, digest
from mock_capgo.world.world import World

HeaderRule = Literal["documented", "K", "A"]
Headers = Mapping[str, str]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SUBKEY_ID = re.compile(r"[1-9][0-9]*")
_MAX_SAFE_INTEGER = 2**53 - 1


def find_key(world: World, value: str) -> ApiKey | None:
    """The key with this value, plain or hashed; expired ones too.

    Found by the digest of what was sent, so how long it takes tells nothing about the values that would be right.
    """
    return world.state.api_keys.first("digest", digest(value))


def bindings_of(world: World, key: ApiKey, quirks: frozenset[Quirk]) -> tuple[Binding, ...]:
    """The key's active bindings; where modes still count and there are none, those its mode stands for."""
    bindings = world.state.bindings.where("principal", key.rbac_id)
    if not bindings and key.mode is not None and Quirk.BINDINGS_ONLY not in quirks:
        return _mode_bindings(world, key)
    return tuple(active(bindings, world.now))


def caller_of(world: World, key: ApiKey, quirks: frozenset[Quirk]) -> Caller | None:
    """Who calls with a key. None where it does not let its bearer in.

    That is where it has expired, and where it is a plain key bound where only hashed ones may be.
    """
    if key.expires_at is not None and key.expires_at <= world.now:
        return None
    bindings = world.state.bindings.where("principal", key.rbac_id)
    held = active(bindings, world.now)
    if key.key is not None and _any_wants_hashed(world, held):
        return None
    if not bindings and key.mode is not None and Quirk.BINDINGS_ONLY not in quirks:
        granted = _mode_bindings(world, key)
        return Caller(key, granted, account=_account(world, key, granted))
    return Caller(key, tuple(held), account=_account(world, key, bindings))


class _Known(NamedTuple):
    """Who sends a value, as long as the world's time is in this span, its first moment included."""

    caller: Caller | None
    since: float
    until: float


def _sender(world: World, value: str, quirks: frozenset[Quirk]) -> Caller | None:
    """Who calls with a value; None where it is no key, or one that does not let its bearer in.

    The same few keys are sent again and again: who stands behind one is worked out again when a table changes that it
    follows from, or one of the moments has passed at which something expires.
    """
    derived, sender, versions = world.state.derived, digest(value), _versions(world.state)
    known: _Known | None = derived.find(sender, versions)
    if known is None:
        known = derived.keep(sender, versions, _look_up(world, value, quirks))
    if not known.since <= world.now < known.until:
        known = _look_up(world, value, quirks)
    return known.caller


# The last two are for what a mode stands for.
_versions = attrgetter(
    "api_keys.version", "bindings.version", "organizations.version", "members.version", "apps.version"
)


def _look_up(world: World, value: str, quirks: frozenset[Quirk]) -> _Known:
    key = find_key(world, value)
    if key is None:
        return _Known(None, -inf, inf)
    caller = caller_of(world, key, quirks)
    bindings = world.state.bindings.where("principal", key.rbac_id)
    ends = [at for at in (key.expires_at, *(binding.expires_at for binding in bindings)) if at is not None]
    since = max((at for at in ends if at <= world.now), default=-inf)
    return _Known(caller, since, min((at for at in ends if at > world.now), default=inf))


def _account(world: World, key: ApiKey, bindings: Sequence[Binding]) -> tuple[str, Tier]:
    """The organization that a key belongs to, which shares its budget among its keys, and its tier."""
    organization = world.state.organizations.get(bindings[0].org_id) if bindings else None
    return (organization.id, organization.tier) if organization is not None else (f"key:{key.id}", "standard")


def lacks_expiry(world: World, key: ApiKey, org_id: str) -> bool:
    """Whether an organization asks its keys to expire and this one does not."""
    organization = world.state.organizations.get(org_id)
    return organization is not None and organization.require_apikey_expiration and key.expires_at is None


def authenticate(world: World, request: Request, rule: HeaderRule, quirks: frozenset[Quirk], limits: Limits) -> Caller:
    """The caller that the headers name. Raises Refusal (401, or 429 when a limit was reached)."""
    if rule == "documented":
        return _documented(world, request.headers, quirks)
    address = request.address()
    limits.refuse_after_failures(address)
    try:
        return _live(world, request.headers, rule, quirks, limits)
    except _Failure as failure:
        limits.record_failure(address)
        raise Refusal(failure.error) from None


class _Failure(Exception):
    """A failed authentication that counts towards the limit by address."""

    def __init__(self, error: Error) -> None:
        self.error = error


def _documented(world: World, headers: Headers, quirks: frozenset[Quirk]) -> Caller:
    value = headers.get("x-api-key") or headers.get("authorization")
    caller = _sender(world, value, quirks) if value else None
    if caller is None:
        raise Refusal(errors.NO_KEY_PROVIDED if not value else errors.INVALID_APIKEY)
    return caller


def _live(world: World, headers: Headers, rule: HeaderRule, quirks: frozenset[Quirk], limits: Limits) -> Caller:
    value = _key_by_rule_k(headers) if rule == "K" else _key_by_rule_a(headers)
    if rule == "A" and value is None:
        raise _Failure(errors.NO_CREDENTIAL)
    subkey_id = headers.get("x-limited-key-id")
    if subkey_id is not None and not (_SUBKEY_ID.fullmatch(subkey_id) and int(subkey_id) <= _MAX_SAFE_INTEGER):
        raise _Failure(errors.INVALID_SUBKEY_ID)
    if value is None:
        raise _Failure(errors.NO_KEY_PROVIDED)
    caller = _sender(world, value, quirks)
    if caller is None:
        raise _Failure(errors.INVALID_APIKEY)
    limits.count_key(caller.key.id)
    return caller if subkey_id is None else _subkey(world, caller, int(subkey_id), quirks)


def _key_by_rule_k(headers: Headers) -> str | None:
    # An empty capgkey still hides authorization: the header is there, and then it holds nothing.
    return (headers["capgkey"] if "capgkey" in headers else headers.get("authorization")) or None


def _key_by_rule_a(headers: Headers) -> str | None:
    authorization = headers.get("authorization")
    if authorization:
        if not _UUID.fullmatch(authorization):
            # Anything else in this header is taken for a session token, and other key headers are not looked at.
            raise _Failure(errors.INVALID_JWT)
        return authorization
    return (headers["capgkey"] if "capgkey" in headers else headers.get("x-api-key")) or None


def _subkey(world: World, parent: Caller, subkey_id: int, quirks: frozenset[Quirk]) -> Caller:
    """The subkey that replaces its parent for all permission checks (reference 00, section 2.1)."""
    key = world.state.api_keys.get(subkey_id)
    if key is None or key.user_id != parent.key.user_id or (key.expires_at is not None and key.expires_at <= world.now):
        raise Refusal(errors.INVALID_SUBKEY)
    bindings = bindings_of(world, key, quirks)
    if not _limited(world, key, bindings):
        raise Refusal(errors.UNLIMITED_SUBKEY)
    if key.key is None:
        raise Refusal(errors.INVALID_SUBKEY)
    if _any_wants_hashed(world, active(world.state.bindings.where("principal", key.rbac_id), world.now)):
        # Accepted behind its parent, but its plain value resolves to nothing wherever a permission is asked for.
        bindings = ()
    return Caller(key, bindings, parent.key, parent.bindings)


def _limited(world: World, key: ApiKey, bindings: tuple[Binding, ...]) -> bool:
    """Whether a key may serve as a subkey: it must reach less than all that its owner has."""
    if not bindings:
        return False
    admin_in = {b.org_id for b in bindings if b.scope_type == "org" and b.role in ORG_ADMINS}
    if not admin_in or any(b.scope_type != "org" for b in bindings):
        return True
    owner = active(world.state.bindings.where("principal", key.user_id), world.now)
    return any(binding.org_id not in admin_in for binding in owner)


def _any_wants_hashed(world: World, bindings: Iterable[Binding]) -> bool:
    organizations = world.state.organizations
    return any(organizations[binding.org_id].enforce_hashed_api_keys for binding in bindings)


def _mode_bindings(world: World, key: ApiKey) -> tuple[Binding, ...]:
    """What a mode stands for, as bindings that are in no table: on organizations, or on the named apps alone."""
    role = mode_role(key.mode or "read")
    state = world.state
    member_of = [member.org_id for member in state.members.where("user", key.user_id) if not member.is_invite]
    orgs = [org_id for org_id in key.limited_to_orgs or member_of if org_id in state.organizations]
    if not key.limited_to_apps:
        return tuple(_virtual(key, role, "org", org_id, None) for org_id in orgs)
    found = [_virtual(key, "apikey_org_reader", "org", org_id, None) for org_id in orgs]
    apps = [app for app_id in key.limited_to_apps if (app := state.apps.get(app_id)) is not None]
    return (*found, *(_virtual(key, role, "app", app.owner_org, app.app_id) for app in apps if app.owner_org in orgs))


def _virtual(key: ApiKey, role: str, scope: Literal["org", "app"], org_id: str, app_id: str | None) -> Binding:
    return Binding(
        id=0, principal_type="apikey", principal=key.rbac_id, role=role, scope_type=scope, org_id=org_id, app_id=app_id
    )
