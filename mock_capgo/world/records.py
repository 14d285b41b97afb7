"""What a world stores: one frozen record per thing, named and typed as the service stores it.

Belongs here: the fields, their types and units, their defaults at creation. Does not belong here: how a
record looks on the wire (`mock_capgo.dialects`), who may see it (`mock_capgo.access`), or what happens
when it changes (`mock_capgo.resources`).

Records never change in place. A write makes a new record with `changed` and puts it into its
table, so that a snapshot of a world is a copy of dictionaries, and an audit row may keep the record itself.

Units: every `..._at` is a `Micros`, whole microseconds since 1970-01-01 UTC; `Day` is whole days since then;
`..._bps` are basis points (0 to 10 000); sizes are bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeVar

Micros = int
Day = int
Json = Any

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
DAY: Micros = 86_400 * SECOND

Tier = Literal["standard", "enterprise"]
Platform = Literal["ios", "android", "electron"]
ScopeType = Literal["org", "app", "channel"]

R = TypeVar("R")


def changed(record: R, **changes: Any) -> R:
    """The record with other values in some of its fields. Raises KeyError for a field that it does not have.

    This is `dataclasses.replace` without the constructor: a channel has forty fields, and each write makes one.
    """
    kind: Any = type(record)
    copy, setters = _parts(kind)
    twin: R = copy(record)
    for name, value in changes.items():
        setters[name](twin, value)
    return twin


@cache
def _parts(kind: type[Any]) -> tuple[Callable[[Any], Any], dict[str, Callable[[Any, Any], None]]]:
    """What copies a record of a type, and what sets each of its fields, past their being frozen.

    The copying is written out field by field, as `dataclasses` writes constructors: a loop takes twice as long.
    """
    setters = {field.name: kind.__dict__[field.name].__set__ for field in fields(kind)}
    scope = {"new": object.__new__, "kind": kind, **{f"set_{name}": put for name, put in setters.items()}}
    lines = ["def copy(record):", " twin = new(kind)", *(f" set_{name}(twin, record.{name})" for name in setters)]
    exec("\n".join([*lines, " return twin"]), scope)  # noqa: S102 - made of the names of fields alone
    return scope["copy"], setters


# The eleven mails an organization may switch off; a new organization has all of them on (reference 10, Object).
EMAIL_PREFERENCES = (
    "onboarding", "usage_limit", "credit_usage", "device_error", "weekly_stats", "monthly_stats",
    "bundle_created", "bundle_deployed", "deploy_stats_24h", "billing_period_stats", "channel_self_rejected",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. Owns API keys, belongs to organizations through `Member`."""

    id: str
    email: str
    first_name: str = ""
    last_name: str = ""
    image_url: str = ""
    created_at: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization, and the account whose keys share one request budget."""

    id: str
    created_by: str
    created_at: Micros
    updated_at: Micros
    logo: str | None = None
    name: str = ""
    management_email: str = ""
    customer_id: str | None = None
    stats_updated_at: Micros | None = None
    last_stats_updated_at: Micros | None = None
    enforcing_2fa: bool = False
    email_preferences: Json = field(default_factory=lambda: dict.fromkeys(EMAIL_PREFERENCES, True))
    password_policy_config: Json = None
    enforce_hashed_api_keys: bool = False
    require_apikey_expiration: bool = False
    max_apikey_expiration_days: int | None = None
    enforce_encrypted_bundles: bool = False
    required_encryption_key: str | None = None
    has_usage_credits: bool = False
    website: str | None = None
    stats_refresh_requested_at: Micros | None = None
    onboarding: Json = field(default_factory=lambda: {"intent": "unknown"})
    tier: Tier = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What an organization pays for, by its `customer_id`. No row: billing is not set up, everything is allowed."""

    customer_id: str
    product_id: str
    status: str | None = "succeeded"
    is_good_plan: bool = True
    mau_exceeded: bool = False
    bandwidth_exceeded: bool = False
    storage_exceeded: bool = False
    trial_running: bool = False
    trial_at: Micros = 0
    subscription_anchor_start: Micros = 0
    subscription_anchor_end: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user's membership row in an organization; `is_invite` until the invitation is accepted.

    `documented_role` is the role as the documented dialect was given it (`write`), which says more than
    the stored role does (`org_member`); None where nobody said it in that form.
    """

    id: int
    org_id: str
    user_id: str
    role: str
    is_invite: bool = False
    documented_role: str | None = None
    created_at: Micros = 0
    updated_at: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation to an address that has no account yet. Listed for seven days unless cancelled."""

    id: str
    org_id: str
    email: str
    role: str
    future_uuid: str
    created_at: Micros = 0
    updated_at: Micros = 0
    cancelled_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One role of one principal on one organization, app or channel (reference 00, section 3).

    `principal` is a user id, or an API key's `rbac_id`.
    """

    id: int
    principal_type: Literal["user", "apikey"]
    principal: str
    role: str
    scope_type: ScopeType
    org_id: str
    app_id: str | None = None
    channel_id: int | None = None
    expires_at: Micros | None = None
    reason: str | None = None
    parent: int | None = None


def digest(value: str) -> str:
    """The SHA-256 of a key's value, as stored for hashed keys."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key. Plain keys have `key`; of hashed ones only the SHA-256 is kept, in `key_hash`.

    `label` is what tests call it, where a fixture tells it.
    """

    id: int
    user_id: str
    rbac_id: str
    name: str
    key: str | None = None
    key_hash: str | None = None
    created_at: Micros = 0
    updated_at: Micros = 0
    expires_at: Micros | None = None
    global_permissions: tuple[str, ...] = ()
    mode: str | None = None
    label: str | None = None
    limited_to_apps: tuple[str, ...] = ()
    limited_to_orgs: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of the value that a client sends, by which a key is found."""
        return self.key_hash or digest(self.key or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app. `retention` is in seconds; `app_id` is its public name, `id` its record id."""

    created_at: Micros
    app_id: str
    icon_url: str = ""
    user_id: str | None = None
    name: str | None = None
    last_version: str | None = None
    updated_at: Micros | None = None
    id: str
    retention: int = 2_592_000
    owner_org: str
    default_upload_channel: str = "dev"
    transfer_history: Json = field(default_factory=list)
    channel_device_count: int = 0
    manifest_bundle_count: int = 0
    expose_metadata: bool = False
    allow_preview: bool = False
    allow_device_custom_id: bool = True
    need_onboarding: bool = False
    existing_app: bool = False
    ios_store_url: str | None = None
    android_store_url: str | None = None
    stats_updated_at: Micros | None = None
    stats_refresh_requested_at: Micros | None = None
    build_timeout_seconds: int = 900
    build_timeout_updated_at: Micros = 0
    block_provider_infra_requests: bool = True
    rollout_channel_count: int = 0
    rollout_paused_version_names: tuple[str, ...] = ()
    created_from_onboarding: bool = False
    onboarding_completed_at: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle (the service also says "version"). Deleting one marks it; its name stays taken.

    `size` is the size in bytes of the stored file: 0 for an external bundle, which the service never counts.
    """

    id: int
    created_at: Micros
    app_id: str
    name: str
    updated_at: Micros
    deleted: bool = False
    external_url: str | None = None
    checksum: str | None = None
    session_key: str | None = None
    storage_provider: str = "external"
    min_update_version: str | None = None
    native_packages: Json = None
    owner_org: str
    user_id: str | None = None
    r2_path: str | None = None
    manifest: Json = None
    link: str | None = None
    comment: str | None = None
    manifest_count: int = 0
    key_id: str | None = None
    cli_version: str | None = None
    deleted_at: Micros | None = None
    created_by_apikey_rbac_id: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel. `version` and `rollout_version` are bundle ids; defaults as in reference 22, section 1."""

    id: int
    created_at: Micros
    name: str
    app_id: str
    version: int | None = None
    updated_at: Micros
    public: bool = False
    disable_auto_update_under_native: bool = True
    ios: bool = True
    android: bool = True
    allow_device_self_set: bool = False
    allow_emulator: bool = True
    allow_dev: bool = True
    disable_auto_update: str = "major"
    owner_org: str
    created_by: str | None = None
    allow_device: bool = True
    allow_prod: bool = True
    electron: bool = True
    rbac_id: str = ""
    rollout_version: int | None = None
    rollout_percentage_bps: int = 0
    rollout_enabled: bool = False
    rollout_id: str = ""
    rollout_paused_at: Micros | None = None
    rollout_pause_reason: str | None = None
    rollout_cache_ttl_seconds: int = 2_592_000
    auto_pause_enabled: bool = False
    auto_pause_window_minutes: int = 60
    auto_pause_failure_rate_bps: int | None = None
    auto_pause_confidence: float = 0.95
    auto_pause_min_attempts: int | None = None
    auto_pause_min_failures: int | None = None
    auto_pause_action: str = "pause"
    auto_pause_cooldown_minutes: int = 60
    auto_pause_last_triggered_at: Micros | None = None
    auto_pause_last_checked_at: Micros | None = None
    update_package: str = "all"

    @property
    def is_rolling(self) -> bool:
        """Whether there is a rollout that is neither finished nor off; it may be paused."""
        return self.rollout_version is not None and self.rollout_enabled and self.rollout_percentage_bps > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One line of a channel's history: a bundle became its stable one."""

    id: int
    channel_id: int
    app_id: str
    version_id: int
    deployed_at: Micros
    created_by: str | None
    owner_org: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as it last checked in. Key: (`app_id`, `device_id`), `device_id` in lower case."""

    app_id: str
    device_id: str
    updated_at: Micros
    platform: Platform = "ios"
    plugin_version: str = "0.0.0"
    os_version: str = "0.0.0"
    version_build: str = "0.0.0"
    version_name: str | None = None
    custom_id: str = ""
    is_prod: bool = True
    is_emulator: bool = False
    key_id: str | None = None
    default_channel: str | None = None
    install_source: str | None = None
    country_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A channel that the API forces on a device. Key: (`app_id`, `device_id`)."""

    app_id: str
    device_id: str
    channel_id: int
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """Bytes under a storage path such as `orgs/<org>/apps/<app>/1.2.0.zip`; `length` is how many there will be.

    None: not known yet. A file is whole when it holds `length` bytes.
    """

    path: str
    data: bytes
    length: int | None
    created_at: Micros

    @property
    def whole(self) -> bool:
        """Whether every byte is there."""
        return self.length == len(self.data)


def archive_path(app: App, name: str) -> str:
    """Where the archive of a bundle lies (40 §5)."""
    return f"orgs/{app.owner_org}/apps/{app.app_id}/{name}.zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told about changes in an organization. `secret` is shown once, at creation."""

    id: str
    org_id: str
    name: str
    url: str
    enabled: bool
    events: tuple[str, ...]
    delivery_version: str
    created_at: Micros
    updated_at: Micros
    created_by: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook (reference 13)."""

    id: str
    webhook_id: str
    org_id: str
    event_type: str
    request_payload: Json
    created_at: Micros
    audit_log_id: int | None = None
    status: Literal["pending", "success", "failed"] = "pending"
    response_status: int | None = None
    response_body: str | None = None
    response_headers: Json = None
    attempt_count: int = 0
    max_attempts: int = 10
    next_retry_at: Micros | None = None
    completed_at: Micros | None = None
    duration_ms: int | None = None
    delivery_version: str = "legacy"


@dataclass(slots=True, kw_only=True)
class AuditLog:
    """Who changed what (reference 13): the records themselves, or rows that a fixture tells.

    Never changed in place either, but not frozen: each write makes one, and a frozen one takes five times as long.

    `changed_fields` is what a fixture tells; else `mock_capgo.world.rows` works it out from the two records.
    """

    id: int
    created_at: Micros
    table_name: str
    record_id: str
    operation: Literal["INSERT", "UPDATE", "DELETE"]
    org_id: str
    old_record: Json = None
    new_record: Json = None
    changed_fields: Json = None
    user_id: str | None = None
    actor_type: str = "system"
    actor_user_id: str | None = None
    actor_user_email: str | None = None
    actor_apikey_id: int | None = None
    actor_apikey_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUsage:
    """What one app used on one day (UTC). `storage` is bytes added minus bytes deleted that day."""

    app_id: str
    day: Day
    mau: int = 0
    storage: int = 0
    bandwidth: int = 0
    build_time_seconds: int = 0
    get: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyVersion:
    """What happened to one bundle name of one app on one day (UTC): events counted."""

    app_id: str
    day: Day
    version_name: str
    get: int = 0
    fail: int = 0
    install: int = 0
    uninstall: int = 0
