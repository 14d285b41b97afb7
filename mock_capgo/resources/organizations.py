"""Organizations: create, read, update, delete with everything in them (reference 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mock_capgo import errors
from mock_capgo.access.keys import caller_of, lacks_expiry
from mock_capgo.access.permissions import ORG_ADMINS
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources import cascades
from mock_capgo.resources.issues import Kind, check, refuse_odd_uuids
from mock_capgo.resources.values import fields, image_path, stripped, truthy, website
from mock_capgo.world.records import DAY, Binding, Member, Organization, Subscription
from mock_capgo.world.world import SYSTEM

ORGANIZATIONS_PER_PAGE = 50
TRIAL_DAYS = 15

# The smallest plan that covers the expected devices is the one that a new organization tries (reference 00 §8).
PLANS = (
    (2_000, "prod_LQIregjtNduh4q"),
    (10_000, "prod_LQIs1Yucml9ChU"),
    (100_000, "prod_LQIugvJcPrxhda"),
    (1_000_000, "prod_MH5Jh6ajC9e7ZH"),
)

_GET = {"orgId": Kind("string", optional=True), "page": Kind("number", optional=True)}
_CREATE = {
    "name": Kind("string", minimum=3),
    "email": Kind("string", optional=True, format="email"),
    "estimatedMau": Kind("number", optional=True, integer=True, minimum=0, maximum=1_000_000),
    "website": Kind("string", optional=True),
    "intent": Kind("string", optional=True, values=("ota", "builder", "both", "exploring", "unknown")),
}
_CREATE_ANY_NAME = {**_CREATE, "name": Kind("string")}
_FLAG = Kind("boolean", optional=True)
_POLICY = {
    "enabled": Kind("boolean"),
    "min_length": Kind("number", integer=True, minimum=6, maximum=72),
    "require_uppercase": Kind("boolean"),
    "require_number": Kind("boolean"),
    "require_special": Kind("boolean"),
}
_UPDATE = {
    "orgId": Kind("string"),
    "name": Kind("string", optional=True),
    "logo": Kind("string", optional=True),
    "management_email": Kind("string", optional=True, format="email"),
    "website": Kind("string", optional=True, nullable=True),
    "require_apikey_expiration": _FLAG,
    "max_apikey_expiration_days": Kind("number", optional=True, nullable=True),
    "enforce_hashed_api_keys": _FLAG,
    "enforce_encrypted_bundles": _FLAG,
    "required_encryption_key": Kind("string", optional=True, nullable=True),
    "enforcing_2fa": _FLAG,
    "password_policy_config": Kind("object", optional=True, nullable=True, members=_POLICY),
}


def get_organizations(call: Call) -> Organization | list[Organization]:
    """One organization by `orgId`, else those that an organization binding of the key lets read."""
    params = check(call.params, _GET)
    org_id = params.get("orgId")
    if org_id:
        found = call.state.organizations.get(org_id.lower())
        if found is None or not call.may("org.read", found.id):
            raise Refusal(errors.ORG_NOT_READABLE, {"org_id": org_id})
        refuse_unexpiring_key(call, found.id)
        if call.has(Quirk.ODD_UUIDS_CANNOT_BE_PARSED):
            refuse_odd_uuids(errors.CANNOT_PARSE_ORG, [(["id"], found.id), (["created_by"], found.created_by)])
        return found
    mine = {binding.org_id for binding in call.caller.bindings if binding.scope_type == "org"}
    readable = [org for org in call.state.organizations if org.id in mine and call.may("org.read", org.id)]
    start = int(params.get("page") or 0) * ORGANIZATIONS_PER_PAGE
    shown = readable[start : start + ORGANIZATIONS_PER_PAGE] if start >= 0 else []
    if call.has(Quirk.ODD_UUIDS_CANNOT_BE_PARSED):
        ids = [
            ([at, name], value)
            for at, org in enumerate(shown)
            for name, value in (("id", org.id), ("created_by", org.created_by))
        ]
        refuse_odd_uuids(errors.CANNOT_PARSE_ORGS, ids)
    return shown


def create_organization(call: Call) -> Organization:
    """A new organization owned by the key's user; the creating key becomes its super admin."""
    params = check(call.params, _CREATE if call.has(Quirk.NAMES_HAVE_THREE_LETTERS) else _CREATE_ANY_NAME)
    site = _website(params.get("website"))
    name = stripped(params["name"])
    if not name and not call.has(Quirk.EMPTY_NAMES_ARE_STORED):
        raise Refusal(errors.NAME_IS_REQUIRED)
    key = call.caller.key
    grants_live = any(b.scope_type == "org" and b.role in ORG_ADMINS for b in call.caller.bindings)
    if "org.create" not in key.global_permissions or not grants_live:
        raise Refusal(errors.ORG_CREATE_DENIED)
    owner = call.state.users.get(key.user_id)
    if call.state.organizations.first("name_and_creator", (name, key.user_id)) is not None:
        raise Refusal(errors.ORG_NAME_TAKEN if call.has(Quirk.TAKEN_ORG_NAME_CRASHES) else errors.ORG_NAME_TAKEN_TOLD)
    org_id = call.world.uuid()
    organization = Organization(
        id=org_id,
        created_by=key.user_id,
        created_at=call.now,
        updated_at=call.now,
        name=name,
        management_email=params.get("email") or (owner.email if owner else ""),
        customer_id=f"pending_{org_id}",
        website=site,
        onboarding={"intent": params.get("intent", "unknown")},
    )
    _start_trial(call, organization, int(params.get("estimatedMau") or 0))
    call.world.insert(call.state.organizations, organization, call.actor)
    add_member(call, organization.id, key.user_id, "org_super_admin", reason="Organization creator")
    call.state.bindings.put(
        Binding(
            id=call.state.next_id("binding"),
            principal_type="apikey",
            principal=key.rbac_id,
            role="org_super_admin",
            scope_type="org",
            org_id=organization.id,
            reason="Auto-granted to API key on org creation",
        )
    )
    return organization


def update_organization(call: Call) -> Organization:
    """Change the fields that were sent. `updated_at` stays: the service has no trigger for it."""
    params = check(call.params, _UPDATE)
    old = call.state.organizations.get(params["orgId"].lower())
    if old is None or not call.may("org.update_settings", old.id):
        raise Refusal(errors.ORG_NOT_UPDATABLE, {"orgId": params["orgId"]})
    refuse_unexpiring_key(call, old.id)
    changes = _changes(params)
    if not changes:
        return old
    new = replace(old, **changes)
    namesake = call.state.organizations.first("name_and_creator", (new.name, new.created_by))
    if namesake is not None and namesake.id != old.id:
        violated = 'duplicate key value violates unique constraint "unique_name_created_by"'
        raise Refusal(errors.CANNOT_UPDATE_ORG, {"error": violated})
    if new.enforcing_2fa:
        # Row-level security lets no API key leave two-factor login switched on (reference 10, PUT, 9).
        denied = 'new row violates row-level security policy for table "orgs"'
        raise Refusal(errors.CANNOT_UPDATE_ORG, {"error": denied})
    actor = call.actor
    call.state.organizations.put(new)
    if caller_of(call.world, call.caller.key, call.quirks) is None:
        # The key that turns on "hashed keys only" no longer resolves by the time the audit trigger runs.
        actor = SYSTEM
    return call.world.update(call.state.organizations, old, new, actor)


def delete_organization(call: Call) -> None:
    """Delete an organization with its apps, members, bindings and webhooks. Keys and users survive."""
    org_id = fields(call.params).get("orgId")
    if not truthy(org_id):
        raise Refusal(errors.MISSING_ORG_ID)
    organization = call.state.organizations.get(str(org_id).lower())
    if organization is None or not call.may("org.delete", organization.id):
        raise Refusal(errors.ORG_NOT_DELETABLE, {"org_id": org_id})
    cascades.delete_organization(call.world, organization, call.actor)


def refuse_unexpiring_key(call: Call, org_id: str) -> None:
    """Raise where an organization asks for keys that expire and the calling one does not (reference 00 §2.2)."""
    if lacks_expiry(call.world, call.caller.key, org_id):
        raise Refusal(errors.ORG_REQUIRES_EXPIRING_KEY)


def add_member(
    call: Call,
    org_id: str,
    user_id: str,
    role: str,
    *,
    reason: str,
    invited: bool = False,
    documented: str | None = None,
) -> Member:
    """A membership row and its binding; an invitation's binding is born expired, so it grants nothing."""
    member = Member(
        id=call.state.next_id("member"),
        org_id=org_id,
        user_id=user_id,
        role=role,
        is_invite=invited,
        documented_role=documented,
        created_at=call.now,
        updated_at=call.now,
    )
    call.world.insert(call.state.members, member, call.actor)
    call.state.bindings.put(
        Binding(
            id=call.state.next_id("binding"),
            principal_type="user",
            principal=user_id,
            role=role,
            scope_type="org",
            org_id=org_id,
            expires_at=call.now if invited else None,
            reason=reason,
        )
    )
    return member


def _start_trial(call: Call, organization: Organization, devices: int) -> None:
    product = next(product for limit, product in PLANS if limit >= devices)
    call.state.subscriptions.put(
        Subscription(
            customer_id=organization.customer_id or "",
            product_id=product,
            status=None,
            trial_running=True,
            trial_at=call.now + TRIAL_DAYS * DAY,
            subscription_anchor_start=call.now,
            subscription_anchor_end=call.now + 30 * DAY,
        )
    )


def _website(value: str | None) -> str | None:
    try:
        return website(value) if value is not None else None
    except ValueError:
        raise Refusal(errors.INVALID_WEBSITE, {"error": "website_must_be_a_valid_url"}) from None


def _changes(params: dict[str, Any]) -> dict[str, Any]:
    """The fields to write, in the order in which the service checks them."""
    changes: dict[str, Any] = {
        name: params[name]
        for name in ("require_apikey_expiration", "enforce_hashed_api_keys", "enforce_encrypted_bundles")
        if name in params
    }
    if params.get("enforcing_2fa") is True:
        raise Refusal(errors.REQUIRES_2FA)
    if "enforcing_2fa" in params:
        changes["enforcing_2fa"] = params["enforcing_2fa"]
    if "max_apikey_expiration_days" in params:
        days = params["max_apikey_expiration_days"]
        if days is not None and not (float(days).is_integer() and 1 <= days <= 365):
            raise Refusal(errors.INVALID_MAX_EXPIRATION_DAYS)
        changes["max_apikey_expiration_days"] = None if days is None else int(days)
    if "required_encryption_key" in params:
        fingerprint = (params["required_encryption_key"] or "").strip()
        if fingerprint and len(fingerprint) not in (20, 21):
            raise Refusal(errors.INVALID_REQUIRED_KEY)
        changes["required_encryption_key"] = fingerprint or None
    if "name" in params:
        changes["name"] = stripped(params["name"])
        if not changes["name"]:
            raise Refusal(errors.NAME_OF_TAGS, {"error": "sanitized_name_empty"})
    if "website" in params:
        changes["website"] = _website(params["website"])
    if "logo" in params:
        changes["logo"] = stripped(image_path(params["logo"]))
    if "management_email" in params:
        changes["management_email"] = stripped(params["management_email"])
    if "password_policy_config" in params:
        policy = params["password_policy_config"]
        changes["password_policy_config"] = None if policy is None else {name: policy[name] for name in _POLICY}
    return changes
