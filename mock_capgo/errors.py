"""The error catalogue: every refusal, with its answer in each dialect. One of the three tables.

Belongs here: a row for each way in which an operation says no: the live status, code and message
(reference, column L) and the documented status and sentence (column D, else docs/documented-dialect.md).
Several rows may share a live code: they are different refusals that the live service does not tell apart,
such as "no such channel" and "you cannot see that app". Does not belong here: when an error is raised
(`mock_capgo.resources`), or how it is written as JSON (`mock_capgo.dialects`).

A message may hold `{names}`; they are filled from the words given to `Refusal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Form = Literal["sentence", "code_only", "status_and_error", "code_and_message"]
"""How the documented dialect writes an error: `{"error": sentence, "status": "KO"}`; `{"error": code}`;
`{"status": sentence, "error": detail}` (statistics); `{"error": code, "message": sentence}` (devices)."""

CATALOGUE: dict[str, Error] = {}


@dataclass(frozen=True, slots=True)
class Error:
    """One row of the catalogue. `name` is its constant's name; `detail` is used by the statistics form only."""

    name: str
    status: int
    code: str
    message: str
    documented_status: int
    sentence: str
    form: Form = "sentence"
    detail: str = ""


class Refusal(Exception):
    """Raised to refuse a call. Changes nothing by itself: raise it before the first write.

    `more_info` is what the live dialect echoes in `moreInfo` (JSON values); `words` fill `{names}` in the
    message; `headers` go onto the response in both dialects.
    """

    def __init__(
        self,
        error: Error,
        more_info: dict[str, Any] | None = None,
        *,
        words: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(error.name)
        self.error = error
        self.more_info = more_info or {}
        self.words = words or {}
        self.headers = headers or {}

    def message(self) -> str:
        """The live message, with its words filled in."""
        return self.error.message.format_map(self.words) if self.words else self.error.message

    def sentence(self) -> str:
        """The documented sentence, with its words filled in."""
        return self.error.sentence.format_map(self.words) if self.words else self.error.sentence


def _row(
    name: str,
    status: int,
    code: str,
    message: str,
    documented_status: int | None = None,
    sentence: str | None = None,
    form: Form = "sentence",
    detail: str = "",
) -> Error:
    if name in CATALOGUE:
        raise AssertionError(f"{name} is in the catalogue twice")
    row = Error(name, status, code, message, documented_status or status, sentence or message, form, detail)
    CATALOGUE[name] = row
    return row


# fmt: off
# Every operation (reference 00) ------------------------------------------------------------------------
NOT_FOUND = _row("NOT_FOUND", 404, "not_found", "Not found")
UNKNOWN_ERROR = _row("UNKNOWN_ERROR", 500, "unknown_error", "Unknown error", 500, "Internal server error")
# The live service dies on these inputs; whoever switches its quirks off is told what was wrong instead.
UNFIT_VALUE = _row("UNFIT_VALUE", 400, "invalid_body", "{reason}", 400, "{reason}")
KO = _row("KO", 500, "unknown_error", "KO", 404, "Not found")
BODY_TOO_LARGE = _row("BODY_TOO_LARGE", 413, "payload_too_large", "The body is over 1 MiB", 413)
INVALID_JSON = _row("INVALID_JSON", 400, "invalid_json_parse_body", "Invalid JSON body")
INVALID_BODY = _row("INVALID_BODY", 400, "invalid_body", "Invalid body", 400, "Invalid body")
CONTRACT = _row("CONTRACT", 400, "invalid_body", "Invalid body", 400, "{reason}")
# What a test asked for, and the service never says by itself.
INJECTED = _row("INJECTED", 500, "injected_fault", "{reason}", 500, "{reason}")
INVALID_VERSION_HEADER = _row("INVALID_VERSION_HEADER", 400, "invalid_capgo_api_version", "Invalid Capgo API version")

_KEY = "Invalid API key"
NO_KEY_PROVIDED = _row("NO_KEY_PROVIDED", 401, "no_key_provided", "No key provided", 401, _KEY)
NO_CREDENTIAL = _row("NO_CREDENTIAL", 401, "no_jwt_apikey_or_subkey", "No JWT, apikey or subkey provided", 401, _KEY)
INVALID_APIKEY = _row("INVALID_APIKEY", 401, "invalid_apikey", "Invalid apikey", 401, _KEY)
INVALID_JWT = _row("INVALID_JWT", 401, "invalid_jwt", "Invalid JWT", 401, _KEY)
INVALID_SUBKEY_ID = _row("INVALID_SUBKEY_ID", 401, "invalid_subkey", "Invalid x-limited-key-id", 401, _KEY)
INVALID_SUBKEY = _row("INVALID_SUBKEY", 401, "invalid_subkey", "Invalid subkey", 401, _KEY)
UNLIMITED_SUBKEY = _row("UNLIMITED_SUBKEY", 401, "invalid_subkey", "Invalid subkey, no limited apps or orgs", 401, _KEY)
TOO_MANY_REQUESTS = _row("TOO_MANY_REQUESTS", 429, "too_many_requests", "Too many requests")
ORG_REQUIRES_EXPIRING_KEY = _row(
    "ORG_REQUIRES_EXPIRING_KEY", 401, "org_requires_expiring_key",
    "This organization requires API keys with an expiration date. Please use a different key or update this"
    " key with an expiration date.", 403,
)

# Organizations (reference 10) --------------------------------------------------------------------------
_NO_ORG = "You can't access this organization"
ORG_NOT_READABLE = _row("ORG_NOT_READABLE", 400, "invalid_org_id", _NO_ORG, 403, "Forbidden")
ORG_NOT_UPDATABLE = _row("ORG_NOT_UPDATABLE", 400, "cannot_access_organization", _NO_ORG, 403, "Admin role required")
ORG_NOT_DELETABLE = _row(
    "ORG_NOT_DELETABLE", 403, "invalid_org_id", "You can't delete this organization", 403, "Forbidden"
)
MISSING_ORG_ID = _row("MISSING_ORG_ID", 400, "missing_org_id", "Missing orgId", 400, "orgId is required")
ORG_CREATE_DENIED = _row(
    "ORG_CREATE_DENIED", 403, "permission_denied", "Permission denied: org.create", form="code_only"
)
ORG_NAME_TAKEN = _row("ORG_NAME_TAKEN", 500, "unknown_error", "Unknown error", 400, "Organization name already in use")
ORG_NAME_TAKEN_TOLD = _row(
    "ORG_NAME_TAKEN_TOLD", 400, "cannot_create_org", "Cannot create org", 400, "Organization name already in use"
)
CANNOT_PARSE_ORG = _row("CANNOT_PARSE_ORG", 400, "cannot_parse_organization", "Cannot parse organization")
CANNOT_PARSE_ORGS = _row("CANNOT_PARSE_ORGS", 400, "cannot_parse_organizations", "Cannot parse organizations")
CANNOT_GET_PLAN = _row("CANNOT_GET_PLAN", 400, "cannot_get_plan", "Cannot get plan")
INVALID_WEBSITE = _row(
    "INVALID_WEBSITE", 400, "invalid_body", "Invalid body",
    400, "website: an address of http or https is expected, without a user",
)
NAME_OF_TAGS = _row(
    "NAME_OF_TAGS", 400, "invalid_body", "Invalid body", 400, "name: nothing is left of it without tags and blanks"
)
CANNOT_UPDATE_ORG = _row("CANNOT_UPDATE_ORG", 400, "cannot_update_org", "Cannot update org")
REQUIRES_2FA = _row(
    "REQUIRES_2FA", 400, "requires_2fa_to_enforce_2fa",
    "You must enable 2FA before enforcing it for your organization",
)
INVALID_MAX_EXPIRATION_DAYS = _row(
    "INVALID_MAX_EXPIRATION_DAYS", 400, "invalid_max_expiration_days",
    "Maximum expiration days must be between 1 and 365",
)
INVALID_REQUIRED_KEY = _row(
    "INVALID_REQUIRED_KEY", 400, "invalid_required_encryption_key",
    "Encryption key fingerprint must be 20 or 21 characters",
)

# Members (reference 11) --------------------------------------------------------------------------------
_MEMBERS = "Insufficient permissions to manage members"
MEMBERS_OUT_OF_REACH = _row("MEMBERS_OUT_OF_REACH", 400, "cannot_access_organization", _NO_ORG, 403, _MEMBERS)
_INVITE = ("error_inviting_user_to_organization", "Error inviting user to organization")
CANNOT_PARSE_MEMBERS = _row("CANNOT_PARSE_MEMBERS", 400, "cannot_parse_members", "Cannot parse members")
INVITE_NO_RIGHTS = _row("INVITE_NO_RIGHTS", 400, *_INVITE, 403, _MEMBERS)
INVITE_ALREADY_INVITED = _row("INVITE_ALREADY_INVITED", 400, *_INVITE, 400, "Member already exists in organization")
INVITE_NO_EMAIL = _row("INVITE_NO_EMAIL", 400, *_INVITE, 404, "Member not found")
INVITE_TOO_RECENT = _row(
    "INVITE_TOO_RECENT", 400, *_INVITE, 400, "The invitation of this address was cancelled too recently"
)
USER_NOT_FOUND = _row("USER_NOT_FOUND", 404, "user_not_found", "User not found", 404, "Member not found")
MEMBER_NOT_FOUND = _row(
    "MEMBER_NOT_FOUND", 404, "organization_member_not_found", "User is not a member of this organization",
    404, "Member not found",
)
MEMBER_RANKS_HIGHER = _row(
    "MEMBER_RANKS_HIGHER", 403, "cannot_delete_higher_priority_role",
    "Cannot delete a member with a role higher than your own", 403, _MEMBERS,
)
LAST_SUPER_ADMIN = _row(
    "LAST_SUPER_ADMIN", 400, "CANNOT_REMOVE_LAST_SUPER_ADMIN",
    "Cannot remove the last super admin from the organization", 400,
    "Cannot remove the last admin from the organization",
)

# API keys (reference 12) -------------------------------------------------------------------------------
_MANAGEMENT = "API key management requires RBAC org role management permission"
_CANNOT_MANAGE = "API key cannot manage this API key"
_KEYS_403 = "Insufficient permissions to manage API keys"
APIKEY_LIST_DENIED = _row("APIKEY_LIST_DENIED", 401, "cannot_list_apikeys", _MANAGEMENT, 403, _KEYS_403)
APIKEY_GET_DENIED = _row("APIKEY_GET_DENIED", 401, "cannot_get_apikey", _MANAGEMENT, 403, _KEYS_403)
APIKEY_UPDATE_DENIED = _row("APIKEY_UPDATE_DENIED", 401, "cannot_update_apikey", _MANAGEMENT, 403, _KEYS_403)
APIKEY_DELETE_DENIED = _row("APIKEY_DELETE_DENIED", 401, "cannot_delete_apikey", _MANAGEMENT, 403, _KEYS_403)
APIKEY_CREATE_DENIED = _row("APIKEY_CREATE_DENIED", 401, "cannot_create_apikey", _MANAGEMENT, 403, _KEYS_403)
APIKEY_GET_UNMANAGED = _row("APIKEY_GET_UNMANAGED", 401, "cannot_get_apikey", _CANNOT_MANAGE, 403)
APIKEY_UPDATE_UNMANAGED = _row("APIKEY_UPDATE_UNMANAGED", 401, "cannot_update_apikey", _CANNOT_MANAGE, 403)
APIKEY_DELETE_UNMANAGED = _row("APIKEY_DELETE_UNMANAGED", 401, "cannot_delete_apikey", _CANNOT_MANAGE, 403)
APIKEY_DELETES_ITSELF = _row(
    "APIKEY_DELETES_ITSELF", 401, "cannot_delete_apikey", "API keys cannot delete themselves", 403
)
APIKEY_UPDATES_ITSELF = _row(
    "APIKEY_UPDATES_ITSELF", 401, "cannot_update_apikey", "API keys cannot update themselves", 403
)
APIKEY_UPDATES_PERMISSIONS = _row(
    "APIKEY_UPDATES_PERMISSIONS", 401, "cannot_update_apikey", "API keys cannot update API key permissions", 403
)
APIKEY_CANNOT_CREATE = _row(
    "APIKEY_CANNOT_CREATE", 400, "cannot_create_apikey", "API keys cannot create other API keys", 403
)
APIKEY_ID_FORMAT_GET = _row(
    "APIKEY_ID_FORMAT_GET", 400, "invalid_id_format",
    "API key ID must be a numeric ID, UUID key, or legacy key token",
)
APIKEY_ID_FORMAT = _row("APIKEY_ID_FORMAT", 400, "invalid_id_format", "API key ID must be a valid UUID or number")
APIKEY_ID_REQUIRED = _row("APIKEY_ID_REQUIRED", 400, "api_key_id_required", "API key ID is required")
_KEY_404 = "API key not found"
APIKEY_NOT_GOT = _row("APIKEY_NOT_GOT", 404, "failed_to_get_apikey", "Failed to get API key", 404, _KEY_404)
APIKEY_NOT_FOUND = _row("APIKEY_NOT_FOUND", 404, "api_key_not_found", "API key not found", 404, _KEY_404)
APIKEY_NOT_FOUND_OR_DENIED = _row(
    "APIKEY_NOT_FOUND_OR_DENIED", 404, "api_key_not_found_or_access_denied",
    "API key not found or access denied", 404, _KEY_404,
)
INVALID_BINDINGS = _row("INVALID_BINDINGS", 400, "invalid_bindings", "{reason}")
NAME_IS_REQUIRED = _row("NAME_IS_REQUIRED", 400, "name_is_required", "Name is required")
NAME_MUST_BE_A_STRING = _row("NAME_MUST_BE_A_STRING", 400, "name_must_be_a_string", "Name must be a string")
REGENERATE_MUST_BE_BOOLEAN = _row(
    "REGENERATE_MUST_BE_BOOLEAN", 400, "regenerate_must_be_boolean", "regenerate must be a boolean"
)
NO_VALID_FIELDS = _row(
    "NO_VALID_FIELDS", 400, "no_valid_fields_provided_for_update",
    "No valid fields provided for update. Provide name, expires_at, bindings, global_permissions, or regenerate.",
)
BINDINGS_REQUIRED = _row("BINDINGS_REQUIRED", 400, "bindings_required", "API key bindings are required")
INVALID_EXPIRATION_DATE = _row("INVALID_EXPIRATION_DATE", 400, "invalid_expiration_date", "{reason}")
INVALID_GLOBAL_PERMISSIONS = _row("INVALID_GLOBAL_PERMISSIONS", 400, "invalid_global_permissions", "{reason}")
EXPIRATION_REQUIRED = _row(
    "EXPIRATION_REQUIRED", 400, "expiration_required",
    "This organization requires API keys to have an expiration date",
)
EXPIRATION_EXCEEDS_MAX = _row(
    "EXPIRATION_EXCEEDS_MAX", 400, "expiration_exceeds_max",
    "API key expiration cannot exceed {days} days for this organization",
)
FORBIDDEN_BINDING_ROLE = _row(
    "FORBIDDEN_BINDING_ROLE", 403, "forbidden_binding", "Forbidden - API key managers cannot assign the {role} role"
)
FORBIDDEN_BINDING_ORG = _row(
    "FORBIDDEN_BINDING_ORG", 403, "forbidden_binding",
    "Forbidden - API key management rights required for org {org_id}",
)
BINDING_NOT_FOUND = _row("BINDING_NOT_FOUND", 404, "binding_failed", "{reason}")
BINDING_FORBIDDEN = _row("BINDING_FORBIDDEN", 403, "binding_failed", "{reason}")
BINDING_INVALID = _row("BINDING_INVALID", 400, "binding_failed", "{reason}")
BINDING_TWICE = _row("BINDING_TWICE", 400, "binding_creation_failed", "Failed to create role bindings for the API key")

# Webhooks and audit log (reference 13; not documented) ----------------------------------------------------
APP_SCOPED_KEY = _row(
    "APP_SCOPED_KEY", 400, "no_permission", "App-scoped API keys cannot manage organization webhooks", 403
)
WEBHOOK_ADMIN_NEEDED = _row(
    "WEBHOOK_ADMIN_NEEDED", 400, "no_permission", "You need admin access to manage webhooks", 403
)
WEBHOOK_NOT_FOUND = _row("WEBHOOK_NOT_FOUND", 400, "webhook_not_found", "Webhook not found", 404)
WEBHOOK_NOT_OWNED = _row("WEBHOOK_NOT_OWNED", 400, "no_permission", "Webhook does not belong to this organization", 403)
WEBHOOK_INVALID_URL = _row("WEBHOOK_INVALID_URL", 400, "invalid_url", "{reason}")
WEBHOOK_INVALID_EVENTS = _row("WEBHOOK_INVALID_EVENTS", 400, "invalid_events", "Invalid event types")
WEBHOOK_INVALID_DELIVERY_VERSION = _row(
    "WEBHOOK_INVALID_DELIVERY_VERSION", 400, "invalid_delivery_version", "Invalid webhook delivery version"
)
WEBHOOK_NO_UPDATES = _row("WEBHOOK_NO_UPDATES", 400, "no_updates", "No fields to update")
WEBHOOK_DISABLED = _row("WEBHOOK_DISABLED", 400, "webhook_disabled", "Webhook is disabled")
DELIVERY_NOT_FOUND = _row("DELIVERY_NOT_FOUND", 400, "delivery_not_found", "Delivery not found", 404)
DELIVERY_NOT_OWNED = _row(
    "DELIVERY_NOT_OWNED", 400, "no_permission", "Delivery does not belong to this organization", 403
)
DELIVERY_NOT_FAILED = _row("DELIVERY_NOT_FAILED", 400, "delivery_not_failed", "Only failed deliveries can be retried")
DELIVERY_WEBHOOK_GONE = _row("DELIVERY_WEBHOOK_GONE", 400, "webhook_not_found", "Associated webhook not found", 404)
CANNOT_GET_AUDIT_LOGS = _row("CANNOT_GET_AUDIT_LOGS", 400, "cannot_get_audit_logs", "Cannot get audit logs")

# Apps (reference 20) -------------------------------------------------------------------------------------
_APP_CONFIG = "Invalid app configuration"
_APP_403 = "Insufficient permissions to manage app"
_NO_APP = "You can't access this app"
MISSING_APP_ID = _row("MISSING_APP_ID", 400, "missing_app_id", "Missing app_id", 400, "app_id is required")
INVALID_APP_ID = _row(
    "INVALID_APP_ID", 400, "invalid_app_id", "App ID must be a reverse domain string", 400, _APP_CONFIG
)
APP_ORG_OUT_OF_REACH = _row(
    "APP_ORG_OUT_OF_REACH", 400, "user_does_not_have_access_to_this_organization",
    "You do not have access to this organization", 403, form="status_and_error",
    detail="You do not have access to this organization",
)
CANNOT_GET_APPS = _row("CANNOT_GET_APPS", 400, "cannot_get_apps", "Cannot get apps")
APP_OUT_OF_REACH = _row("APP_OUT_OF_REACH", 401, "cannot_access_app", _NO_APP, 403, _APP_403)
MISSING_APP_NAME = _row("MISSING_APP_NAME", 400, "missing_name", "Missing name", 400, _APP_CONFIG)
MISSING_OWNER_ORG = _row("MISSING_OWNER_ORG", 400, "missing_owner_org", "Missing owner_org", 400, _APP_CONFIG)
APP_CREATE_DENIED = _row("APP_CREATE_DENIED", 403, "cannot_access_organization", _NO_ORG, 403, _APP_403)
APP_ID_TAKEN = _row(
    "APP_ID_TAKEN", 409, "app_id_already_exists", "App ID already exists", 400, "Custom ID already in use"
)
CANNOT_CREATE_APP = _row("CANNOT_CREATE_APP", 400, "cannot_create_app", "Cannot create app")
RETENTION_TOO_BIG = _row(
    "RETENTION_TOO_BIG", 400, "retention_to_big", "Retention cannot be bigger than 63113903 (2 years)"
)
RETENTION_TOO_SMALL = _row("RETENTION_TOO_SMALL", 400, "retention_to_small", "Retention cannot be smaller than 0")
CANNOT_UPDATE_APP = _row("CANNOT_UPDATE_APP", 400, "cannot_update_app", "Cannot update app")
APP_DELETE_DENIED = _row("APP_DELETE_DENIED", 400, "cannot_delete_app", _NO_APP, 403, _APP_403)

# Bundles (reference 21) ----------------------------------------------------------------------------------
_BUNDLE_403 = "Insufficient permissions to manage bundles"
_BUNDLE_404 = "Bundle not found"
BUNDLE_LIST_DENIED = _row("BUNDLE_LIST_DENIED", 400, "cannot_get_bundle", _NO_APP, 403, _BUNDLE_403)
NO_BUNDLES = _row("NO_BUNDLES", 400, "cannot_get_bundle", "Cannot get bundle", 404, _BUNDLE_404)
BUNDLE_MISSING_APP_ID = _row(
    "BUNDLE_MISSING_APP_ID", 400, "missing_app_id", "Missing required fields: app_id", 400, "app_id is required"
)
BUNDLE_MISSING_VERSION = _row(
    "BUNDLE_MISSING_VERSION", 400, "missing_version", "Missing required fields: version", 400, "version is required"
)
BUNDLE_MISSING_URL = _row(
    "BUNDLE_MISSING_URL", 400, "missing_external_url", "Missing required fields: external_url", 400,
    "external_url is required",
)
BUNDLE_MISSING_CHECKSUM = _row(
    "BUNDLE_MISSING_CHECKSUM", 400, "missing_checksum", "Missing required fields: checksum", 400,
    "checksum is required",
)
INVALID_VERSION_FORMAT = _row(
    "INVALID_VERSION_FORMAT", 400, "invalid_version_format",
    "Version must be valid semver format (e.g., 1.0.0, 1.0.0-alpha.1)", 400, "Invalid version format",
)
BUNDLE_CREATE_DENIED = _row("BUNDLE_CREATE_DENIED", 400, "cannot_create_bundle", _NO_APP, 403, _BUNDLE_403)
INVALID_PROTOCOL = _row("INVALID_PROTOCOL", 400, "invalid_protocol", "External URL must use HTTPS protocol")
ENCRYPTION_REQUIRED = _row(
    "ENCRYPTION_REQUIRED", 400, "encryption_required",
    "This organization requires all bundles to be encrypted. Please upload an encrypted bundle with a session_key.",
)
ENCRYPTION_KEY_REQUIRED = _row(
    "ENCRYPTION_KEY_REQUIRED", 400, "encryption_key_required",
    "This organization requires bundles to be encrypted with a specific key."
    " The uploaded bundle does not have a key_id.",
)
ENCRYPTION_KEY_MISMATCH = _row(
    "ENCRYPTION_KEY_MISMATCH", 400, "encryption_key_mismatch",
    "This organization requires bundles to be encrypted with a specific key."
    " The uploaded bundle was encrypted with a different key.",
)
VERSION_ALREADY_EXISTS = _row("VERSION_ALREADY_EXISTS", 400, "version_already_exists", "Version already exists")
CANNOT_CREATE_BUNDLE = _row("CANNOT_CREATE_BUNDLE", 400, "cannot_create_bundle", "Cannot create bundle")
VERSION_NAME_HELD = _row(
    "VERSION_NAME_HELD", 400, "cannot_create_bundle", "Cannot create bundle", 400,
    "Version already exists: the name of a deleted bundle stays taken",
)
MISSING_REQUIRED_FIELDS = _row("MISSING_REQUIRED_FIELDS", 400, "missing_required_fields", "Missing required fields")
PROMOTE_DENIED = _row("PROMOTE_DENIED", 400, "cannot_access_app", _NO_APP, 403, _BUNDLE_403)
CANNOT_FIND_VERSION = _row("CANNOT_FIND_VERSION", 400, "cannot_find_version", "Cannot find version", 404, _BUNDLE_404)
CANNOT_FIND_CHANNEL = _row(
    "CANNOT_FIND_CHANNEL", 400, "cannot_find_channel", "Cannot find channel", 404, "Channel not found"
)
CANNOT_SET_BUNDLE = _row("CANNOT_SET_BUNDLE", 400, "cannot_set_bundle_to_channel", "Cannot set bundle to channel")
METADATA_DENIED = _row("METADATA_DENIED", 400, "cannot_update_bundle_metadata",
                       "You can't update metadata for this app", 403, _BUNDLE_403)
NO_FIELDS_TO_UPDATE = _row("NO_FIELDS_TO_UPDATE", 400, "no_fields_to_update", "No fields to update")
CANNOT_UPDATE_METADATA = _row(
    "CANNOT_UPDATE_METADATA", 400, "cannot_update_version_metadata", "Cannot update version metadata"
)
BUNDLE_DELETE_DENIED = _row("BUNDLE_DELETE_DENIED", 400, "cannot_delete_bundle", _NO_APP, 403, _BUNDLE_403)
CANNOT_DELETE_VERSION = _row(
    "CANNOT_DELETE_VERSION", 400, "cannot_delete_version", "Cannot delete version", 404, _BUNDLE_404
)
CANNOT_DELETE_LINKED = _row(
    "CANNOT_DELETE_LINKED", 400, "cannot_delete_linked_version", "Cannot delete a bundle linked to a channel"
)

# Channels (reference 22) ---------------------------------------------------------------------------------
_CHANNEL_403 = "Insufficient permissions to manage channels"
CHANNELS_OUT_OF_REACH = _row("CHANNELS_OUT_OF_REACH", 400, "cannot_access_app", _NO_APP, 403, _CHANNEL_403)
# The live service looks the channel up and words the miss as if a version was sought.
CHANNEL_NOT_READ = _row("CHANNEL_NOT_READ", 400, "cannot_find_version", "Cannot find version", 404, "Channel not found")
CANNOT_FIND_CHANNELS = _row("CANNOT_FIND_CHANNELS", 400, "cannot_find_channels", "Cannot find channels")
CHANNEL_VERSION_UNKNOWN = _row("CHANNEL_VERSION_UNKNOWN", 500, "unknown_error", "Unknown error", 404, _BUNDLE_404)
CHANNEL_WRITE_FAILED = _row(
    "CHANNEL_WRITE_FAILED", 500, "unknown_error", "Unknown error", 400, "Invalid channel settings"
)
INVALID_ROLLOUT_PERCENTAGE = _row(
    "INVALID_ROLLOUT_PERCENTAGE", 400, "invalid_rollout_percentage",
    "Rollout percentage must be between 0 and 100",
)
INVALID_ROLLOUT_CONFIG = _row(
    "INVALID_ROLLOUT_CONFIG", 400, "invalid_rollout_config", "{field} must be an integer between {min} and {max}"
)
INVALID_CONFIDENCE = _row(
    "INVALID_CONFIDENCE", 400, "invalid_auto_pause_confidence",
    "Auto-pause confidence must be greater than 0 and less than 1",
)
INVALID_AUTO_PAUSE_ACTION = _row(
    "INVALID_AUTO_PAUSE_ACTION", 400, "invalid_auto_pause_action",
    "Auto-pause action must be pause, rollback, or notify",
)
CANNOT_PROMOTE_BUNDLE = _row(
    "CANNOT_PROMOTE_BUNDLE", 400, "cannot_promote_bundle", "You can't promote bundles on this channel",
    403, _CHANNEL_403,
)
MISSING_STABLE_VERSION = _row(
    "MISSING_STABLE_VERSION", 400, "missing_stable_version", "Cannot set rollout target without a stable bundle"
)
MISSING_ROLLOUT_VERSION = _row(
    "MISSING_ROLLOUT_VERSION", 400, "missing_rollout_version", "Cannot promote without a rollout version"
)
MISSING_CHANNEL_NAME = _row(
    "MISSING_CHANNEL_NAME", 400, "missing_channel_name", "You must provide a channel name", 400,
    "channel is required",
)
CHANNEL_HIDDEN = _row("CHANNEL_HIDDEN", 400, "cannot_find_channel", "Cannot find channel", 403, _CHANNEL_403)
CANNOT_DELETE_CHANNEL = _row(
    "CANNOT_DELETE_CHANNEL", 400, "cannot_delete_channel", "Cannot delete channel", 403, _CHANNEL_403
)
PREVIEW_BUNDLE_FOREIGN = _row(
    "PREVIEW_BUNDLE_FOREIGN", 400, "cannot_delete_preview_bundle",
    "This API key can only delete its own preview bundle", 403,
)
PREVIEW_BUNDLE_LINKED = _row(
    "PREVIEW_BUNDLE_LINKED", 400, "cannot_delete_linked_version",
    "Cannot delete a bundle linked to another channel",
)

# Devices (reference 23) ----------------------------------------------------------------------------------
_DEVICE: Form = "code_and_message"
DEVICES_MISSING_APP_ID = _row("DEVICES_MISSING_APP_ID", 400, "missing_app_id", "Missing app_id", form=_DEVICE)
DEVICES_INVALID_APP_ID = _row(
    "DEVICES_INVALID_APP_ID", 400, "invalid_app_id", "App ID must be a reverse domain string", form=_DEVICE
)
DEVICES_OUT_OF_REACH = _row("DEVICES_OUT_OF_REACH", 400, "cannot_access_app", _NO_APP, 403, form=_DEVICE)
DEVICE_NOT_FOUND = _row("DEVICE_NOT_FOUND", 404, "device_not_found", "Cannot find device", form=_DEVICE)
INVALID_UPDATED_AT = _row(
    "INVALID_UPDATED_AT", 400, "invalid_updated_at", "updated_at must be a valid ISO date", form=_DEVICE
)
INVALID_ORDER = _row("INVALID_ORDER", 400, "invalid_order", "order must be asc or desc", form=_DEVICE)
INVALID_LIMIT = _row("INVALID_LIMIT", 400, "invalid_limit", "limit must be a positive integer", form=_DEVICE)
INVALID_CURSOR = _row(
    "INVALID_CURSOR", 400, "invalid_cursor", "cursor must be a nextCursor of an earlier answer", form=_DEVICE
)
MISSING_DEVICE_OR_APP = _row(
    "MISSING_DEVICE_OR_APP", 400, "missing_device_id_or_app_id", "Missing device_id or app_id", form=_DEVICE
)
MISSING_DEVICE_ID = _row("MISSING_DEVICE_ID", 400, "missing_device_id", "Missing device_id", form=_DEVICE)
INVALID_VERSION_ID = _row(
    "INVALID_VERSION_ID", 400, "invalid_version_id", "Cannot set version to device, use channel instead",
    form=_DEVICE,
)
DEVICE_CHANNEL_NOT_FOUND = _row(
    "DEVICE_CHANNEL_NOT_FOUND", 404, "channel_not_found", "Cannot find channel", form=_DEVICE
)
# The live service answers the same for an app out of reach: the channel lookup runs before any permission.
DEVICE_CHANNEL_HIDDEN = _row(
    "DEVICE_CHANNEL_HIDDEN", 404, "channel_not_found", "Cannot find channel", 403, form=_DEVICE
)
CANNOT_ACCESS_CHANNEL = _row(
    "CANNOT_ACCESS_CHANNEL", 400, "cannot_access_channel", "You can't manage forced devices for this channel", 403,
    form=_DEVICE,
)
PUBLIC_CHANNEL_OVERRIDE = _row(
    "PUBLIC_CHANNEL_OVERRIDE", 400, "public_channel_override", "Cannot set channel override for public channel",
    form=_DEVICE,
)

# Statistics (reference 24) -------------------------------------------------------------------------------
STATISTICS_INVALID = _row(
    "STATISTICS_INVALID", 400, "invalid_body", "Invalid body", 400, "Invalid body", "status_and_error",
    "Invalid date format or missing parameters",
)
NO_ACCESS_TO_APP = _row(
    "NO_ACCESS_TO_APP", 401, "no_access_to_app", "No access to app", 403, _NO_APP, "status_and_error",
    "Insufficient permissions to access statistics",
)
NO_ACCESS_TO_ORG = _row(
    "NO_ACCESS_TO_ORG", 401, "no_access_to_organization", "No access to organization", 403, _NO_ORG,
    "status_and_error", "Insufficient permissions to access organization statistics",
)
NO_ORGANIZATIONS = _row(
    "NO_ORGANIZATIONS", 401, "no_organizations_found", "No organizations found", 403, "No organizations found",
    "status_and_error", "No organizations found",
)
# fmt: on
