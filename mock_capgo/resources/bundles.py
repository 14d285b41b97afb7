"""Bundles: list, create, promote, describe, delete (reference 21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.channels import set_stable
from mock_capgo.resources.common import (
    NO_ROWS,
    app_id_of,
    database_error,
    find_bundle,
    invalid_bigint,
    is_preview_key,
    owns_preview_channel,
    page_window,
)
from mock_capgo.resources.values import Fields, database_id, fields, is_app_id, is_semver, js_text, text, truthy
from mock_capgo.world.records import Bundle, Channel, Organization

KEY_ID_LENGTH = 20

_REQUIRED = (
    ("app_id", errors.BUNDLE_MISSING_APP_ID),
    ("version", errors.BUNDLE_MISSING_VERSION),
    ("external_url", errors.BUNDLE_MISSING_URL),
    ("checksum", errors.BUNDLE_MISSING_CHECKSUM),
)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What `setBundleChannel` did."""

    bundle: Bundle
    channel: Channel


def list_bundles(call: Call) -> list[Bundle]:
    """The bundles that are not deleted, newest first, a page of them."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    if not call.may_app("app.read_bundles", call.state.apps.get(app_id)):
        raise Refusal(errors.BUNDLE_LIST_DENIED, {"app_id": app_id})
    try:
        window = page_window(call, params.get("page"))
    except ValueError:
        error = database_error("PGRST103", "Requested range not satisfiable")
        raise Refusal(errors.NO_BUNDLES, {"supabaseError": error}) from None
    living = [bundle for bundle in call.state.bundles.where("app", app_id) if not bundle.deleted]
    # The service leaves ties open; where it was seen to break one, the first that was stored came first.
    living.sort(key=lambda bundle: -bundle.created_at)
    if not living[window] and call.has(Quirk.NO_BUNDLES_IS_AN_ERROR):
        raise Refusal(errors.NO_BUNDLES, {"supabaseError": None})
    return living[window]


def create_bundle(call: Call) -> Bundle:
    """Register a bundle that lies elsewhere. Nothing is fetched: any https address passes (21 §3)."""
    params = fields(call.params)
    for name, missing in _REQUIRED:
        if not truthy(params.get(name)):
            raise Refusal(missing, {name: params[name]} if name in params else {})
        if name == "app_id" and not is_app_id(params["app_id"]):
            raise Refusal(errors.INVALID_APP_ID, {"app_id": params["app_id"]})
    app_id, version, url = str(params["app_id"]), params["version"], js_text(params["external_url"])
    if not isinstance(version, str):
        raise _crash(call, Quirk.NON_STRING_VERSION_CRASHES, "version must be a string")
    if not is_semver(version):
        raise Refusal(errors.INVALID_VERSION_FORMAT, {"version": version})
    app = call.state.apps.get(app_id)
    if app is None or not call.may_app("app.upload_bundle", app):
        raise Refusal(errors.BUNDLE_CREATE_DENIED, {"app_id": app_id})
    if not url.startswith("https://"):
        raise Refusal(errors.INVALID_PROTOCOL, {"external_url": params["external_url"]})
    session_key, key_id = text(params.get("session_key")), text(params.get("key_id"))
    _refuse_unencrypted(call.state.organizations[app.owner_org], session_key, key_id)
    namesake = call.state.bundles.first("name", (app_id, version))
    if namesake is not None and not namesake.deleted:
        raise Refusal(errors.VERSION_ALREADY_EXISTS, {"version": version})
    if key_id is not None and len(key_id) > KEY_ID_LENGTH:
        error = database_error("22001", f"value too long for type character varying({KEY_ID_LENGTH})")
        raise Refusal(errors.CANNOT_CREATE_BUNDLE, {"supabaseError": error})
    if namesake is not None:
        violated = 'duplicate key value violates unique constraint "app_versions_name_app_id_key"'
        raise Refusal(errors.VERSION_NAME_HELD, {"supabaseError": database_error("23505", violated)})
    bundle = Bundle(
        id=call.state.next_id("bundle"),
        created_at=call.now,
        app_id=app_id,
        name=version,
        updated_at=call.now,
        external_url=url,
        checksum=text(params["checksum"]),
        session_key=session_key or None,
        key_id=key_id or None,
        owner_org=app.owner_org,
        user_id=call.caller.key.user_id,
        created_by_apikey_rbac_id=call.caller.key.rbac_id if is_preview_key(call, app_id) else None,
    )
    call.world.insert(call.state.bundles, bundle, call.actor)
    call.state.schedule(call.now + call.world.queue_delay, "last_version", app_id, version)
    return bundle


def set_bundle_channel(call: Call) -> Promotion:
    """Make a bundle the stable one of a channel; a rollout on it goes on."""
    params = fields(call.params)
    sent: Fields = {name: params[name] for name in ("app_id", "version_id", "channel_id") if name in params}
    if not all(truthy(params.get(name)) for name in ("app_id", "version_id", "channel_id")):
        raise Refusal(errors.MISSING_REQUIRED_FIELDS, sent)
    app_id = app_id_of(params, call.params)
    version_id, channel_id = database_id(params["version_id"]), database_id(params["channel_id"])
    channel = call.state.channels.get(channel_id) if isinstance(channel_id, int) else None
    if channel is not None and channel.app_id != app_id:
        channel = None
    may = (
        call.may_channel("channel.promote_bundle", channel)
        if channel is not None
        else call.may_app("channel.promote_bundle", call.state.apps.get(app_id))
    )
    if not may:
        raise Refusal(errors.PROMOTE_DENIED, {"app_id": app_id, "channel_id": params["channel_id"]})
    if isinstance(version_id, str):
        raise Refusal(errors.CANNOT_SET_BUNDLE, {"error": version_id})
    bundle = call.state.bundles.get(version_id)
    if bundle is None or bundle.app_id != app_id or bundle.deleted:
        raise Refusal(errors.CANNOT_FIND_VERSION)
    if isinstance(channel_id, str):
        raise Refusal(errors.CANNOT_SET_BUNDLE, {"error": channel_id})
    if channel is None:
        raise Refusal(errors.CANNOT_FIND_CHANNEL)
    refuse_foreign_promotion(call, bundle)
    return Promotion(bundle, set_stable(call, channel, bundle.id))


def update_bundle_metadata(call: Call) -> None:
    """Change a bundle's link and comment; deleted bundles too."""
    params = fields(call.params)
    if not truthy(params.get("app_id")) or not truthy(params.get("version_id")):
        sent: Fields = {name: params[name] for name in ("app_id", "version_id") if name in params}
        raise Refusal(errors.MISSING_REQUIRED_FIELDS, sent)
    app_id = app_id_of(params, call.params)
    if not call.may_app("app.upload_bundle", call.state.apps.get(app_id)):
        raise Refusal(errors.METADATA_DENIED, {"app_id": app_id})
    version_id = database_id(params["version_id"])
    if isinstance(version_id, str):
        raise Refusal(errors.CANNOT_FIND_VERSION, {"supabaseError": invalid_bigint(version_id)})
    bundle = call.state.bundles.get(version_id)
    if bundle is None or bundle.app_id != app_id:
        raise Refusal(errors.CANNOT_FIND_VERSION, {"supabaseError": NO_ROWS})
    changes: dict[str, Any] = {name: text(params[name]) for name in ("link", "comment") if name in params}
    if not changes and call.has(Quirk.EMPTY_UPDATE_IS_REFUSED):
        raise Refusal(errors.NO_FIELDS_TO_UPDATE)
    if is_preview_key(call, app_id):
        _refuse_preview_edit(call, bundle)
    call.world.update(call.state.bundles, bundle, replace(bundle, **changes, updated_at=call.now), call.actor)


def delete_bundle(call: Call) -> None:
    """Mark one bundle deleted, or without `version` every bundle that no channel uses."""
    params = fields(call.params)
    app_id = app_id_of(params, call.params)
    if not call.may_app("bundle.delete", call.state.apps.get(app_id)):
        raise Refusal(errors.BUNDLE_DELETE_DENIED, {"app_id": app_id})
    used = linked_bundles(call, app_id)
    if not truthy(params.get("version")):
        for bundle in call.state.bundles.where("app", app_id):
            if not bundle.deleted and bundle.id not in used:
                soft_delete(call, bundle)
        return
    version = js_text(params["version"])
    named = find_bundle(call, app_id, version)
    if named is None:
        raise Refusal(errors.CANNOT_DELETE_VERSION, {"supabaseError": NO_ROWS})
    if named.id in used:
        raise Refusal(errors.CANNOT_DELETE_LINKED, {"app_id": app_id, "version": params["version"]})
    soft_delete(call, named)


def soft_delete(call: Call, bundle: Bundle) -> None:
    """Mark a bundle deleted; its name stays taken until the row is purged."""
    gone = replace(bundle, deleted=True, deleted_at=call.now, updated_at=call.now)
    call.world.update(call.state.bundles, bundle, gone, call.actor)


def linked_bundles(call: Call, app_id: str) -> set[int]:
    """The bundles that a channel of the app uses, as stable one or as rollout target."""
    return {
        version
        for channel in call.state.channels.where("app", app_id)
        for version in (channel.version, channel.rollout_version)
        if version is not None
    }


def refuse_foreign_promotion(call: Call, bundle: Bundle) -> None:
    """Raise where an app_preview key promotes a bundle that it did not make (21 §7)."""
    if is_preview_key(call, bundle.app_id) and bundle.created_by_apikey_rbac_id != call.caller.key.rbac_id:
        raise Refusal(errors.CANNOT_SET_BUNDLE, {"error": "PREVIEW_APIKEY_CAN_ONLY_PROMOTE_OWN_BUNDLE"})


def _refuse_preview_edit(call: Call, bundle: Bundle) -> None:
    """An app_preview key edits its own bundles, until another channel than its own uses them (21 §7)."""
    refused = None
    if bundle.created_by_apikey_rbac_id != call.caller.key.rbac_id:
        refused = "PREVIEW_APIKEY_CAN_ONLY_MANAGE_OWN_BUNDLE"
    elif any(
        bundle.id in (channel.version, channel.rollout_version) and not owns_preview_channel(call, channel.id)
        for channel in call.state.channels.where("app", bundle.app_id)
    ):
        refused = "PREVIEW_APIKEY_CANNOT_MUTATE_SHARED_BUNDLE"
    if refused is not None:
        raise Refusal(errors.CANNOT_UPDATE_METADATA, {"supabaseError": database_error("42501", refused)})


def _refuse_unencrypted(organization: Organization, session_key: str | None, key_id: str | None) -> None:
    """Hold a bundle to what the organization asks of encryption (21 §3)."""
    if not organization.enforce_encrypted_bundles:
        return
    more: dict[str, Any] = {"enforce_encrypted_bundles": True}
    if not session_key:
        raise Refusal(errors.ENCRYPTION_REQUIRED, more)
    required = organization.required_encryption_key
    if not required:
        return
    more["required_encryption_key"] = True
    if not key_id:
        raise Refusal(errors.ENCRYPTION_KEY_REQUIRED, more)
    if key_id != required[:KEY_ID_LENGTH] and key_id[: len(required)] != required:
        raise Refusal(errors.ENCRYPTION_KEY_MISMATCH, {**more, "expected_key_prefix": f"{required[:4]}..."})


def _crash(call: Call, quirk: Quirk, reason: str) -> Refusal:
    error: Error = errors.UNKNOWN_ERROR if call.has(quirk) else errors.UNFIT_VALUE
    return Refusal(error, words={"reason": reason})
