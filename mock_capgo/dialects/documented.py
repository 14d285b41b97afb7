"""The documented dialect: what Capgo's published pages promise (docs/documented-dialect.md).

Belongs here: input held to the contract, the `KO` envelope with its four exceptions, and a formatter for the
value of each operation that is documented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mock_capgo import errors
from mock_capgo.dialects import Body, Dialect, live
from mock_capgo.dialects.contract import LONGEST_NAME, Fault, coerced, contract, first_fault
from mock_capgo.errors import Error, Refusal
from mock_capgo.operations import Operation
from mock_capgo.quirks import DOCUMENTED
from mock_capgo.request import Request
from mock_capgo.resources.api_keys import ShownKey
from mock_capgo.resources.channels import ShownChannel
from mock_capgo.resources.devices import DevicePage, SeenDevice
from mock_capgo.resources.members import ListedMember
from mock_capgo.resources.statistics import Breakdown, BundleUsage, Point
from mock_capgo.world.clock import day_of, day_text, iso_seconds, written
from mock_capgo.world.records import App, Bundle, Organization

_ROLES = {"org_super_admin": "super_admin", "org_admin": "admin"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")

# Where a page gives a sentence for a fault: by operation, else for all; by the member at fault.
_SENTENCES: dict[tuple[str, str], str] = {
    ("createOrganization", "name"): "Name is required",
    ("createApiKey", "name"): "Name is required",
    ("upsertOrganizationMember", "email"): "Invalid email format",
    ("deleteOrganizationMember", "email"): "Invalid email format",
    ("upsertOrganizationMember", "role"): "Invalid role specified",
    ("createBundle", "version"): "Invalid version format",
    ("createBundle", "external_url"): "External URL must use HTTPS protocol",
    ("upsertChannel", "version"): "Invalid version format. Use semantic versioning",
    ("upsertChannel", "disableAutoUpdate"): "Invalid disableAutoUpdate value",
}
# Members that the contract does not have, and that the documentation has an error of their own for.
_REFUSED_MEMBERS: dict[tuple[str, str], Error] = {("linkDevice", "version_id"): errors.INVALID_VERSION_ID}
_APP_CONFIGURATION = {"createApp", "getApp", "updateApp", "deleteApp"}


def read(operation: Operation, request: Request, path: Mapping[str, str]) -> Any:
    """The parameters of a request, held to the contract. Raises INVALID_JSON or CONTRACT."""
    terms = contract(operation.id)
    if path:
        named = {name: coerced(value, terms.path_types.get(name, "")) for name, value in path.items()}
        _hold(operation, terms.path, named)
    query = _query(operation, request, terms.query_types) if request.query_string else {}
    if operation.method == "DELETE" and query and not request.body and terms.body is not None:
        # Scripts say in a DELETE's query what the contract has in its body; ids are numbers there.
        sent = {name: _as_in_body(name, value) for name, value in query.items()}
        _hold(operation, terms.body, sent)
        return sent
    if operation.method == "DELETE" and request.body and terms.body is None and terms.query_types:
        sent = _body(request)
        _hold(operation, terms.query, sent)
        return sent
    if query or terms.query_required:
        _hold(operation, terms.query, query)
    if terms.body is None:
        return query
    body = _body(request)
    _hold(operation, terms.body, body)
    return _spoken(operation, body)


def _query(operation: Operation, request: Request, types: Mapping[str, str]) -> dict[str, Any]:
    sent = request.query()
    query = {name: coerced(value, types.get(name, "")) for name, value in sent}
    if len(query) != len(sent):
        repeated = Counter(name for name, _ in sent).most_common(1)[0][0][:LONGEST_NAME]
        raise _broken(operation, f"The query parameter {repeated} is repeated: send it once")
    return query


def _body(request: Request) -> Any:
    if not request.body:
        raise Refusal(errors.CONTRACT, words={"reason": "A JSON body is required"})
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        reason = f"Invalid JSON body: {error.msg} (line {error.lineno}, column {error.colno})"
        raise Refusal(errors.CONTRACT, words={"reason": reason}) from None


def failure(refusal: Refusal) -> tuple[int, Body]:
    """The status and the body of a refusal, in the form that its row of the catalogue names."""
    error = refusal.error
    if error.form == "code_only":
        return error.documented_status, {"error": error.code}
    if error.form == "status_and_error":
        return error.documented_status, {"status": refusal.sentence(), "error": error.detail}
    if error.form == "code_and_message":
        return error.documented_status, {"error": error.code, "message": refusal.message()}
    return error.documented_status, {"error": refusal.sentence(), "status": "KO"}


def _hold(operation: Operation, validator: Any, value: Any) -> None:
    fault = first_fault(validator, value)
    if fault is None:
        return
    refused = _REFUSED_MEMBERS.get((operation.id, fault.member))
    if refused is not None:
        raise Refusal(refused)
    raise _broken(operation, _sentence(operation, fault))


def _broken(operation: Operation, reason: str) -> Refusal:
    if operation.tag == "statistics":
        return Refusal(errors.STATISTICS_INVALID)
    return Refusal(errors.CONTRACT, words={"reason": reason})


def _sentence(operation: Operation, fault: Fault) -> str:
    """What is wrong with the input: the documented sentence, else the member and the rule."""
    documented = _SENTENCES.get((operation.id, fault.member))
    if documented is not None and (fault.keyword != "required" or documented.endswith("is required")):
        return documented
    if fault.keyword == "additionalProperties":
        return f"Unknown field: {fault.member}"
    if operation.id in _APP_CONFIGURATION:
        return "Invalid app configuration"
    if fault.keyword == "required":
        return f"{fault.member} is required"
    where = fault.pointer.removeprefix("/") or "The body"
    if fault.keyword == "pattern":
        # The pattern itself says little to people, and much about its author.
        return f"{where}: the value does not have the form that it must have"
    return f"{where}: {fault.message}"


def _as_in_body(name: str, value: Any) -> Any:
    return (
        coerced(value, "integer")
        if name in ("version_id", "channel_id")
        else (coerced(value, "boolean") if name == "delete_bundle" else value)
    )


def _spoken(operation: Operation, params: Any) -> Any:
    """Parameters under the names that the handlers know: two of them are called otherwise in the documentation."""
    if operation.id == "upsertOrganizationMember":
        return {**params, "invite_type": params["role"]}
    if operation.id == "upsertChannel" and params.get("disableAutoUpdate") == "metadata":
        return {**params, "disableAutoUpdate": "version_number"}
    return params


def _image(value: str | None) -> str | None:
    shown = live.signed(value)
    return shown if shown and _URI.fullmatch(shown) else None


def _data(formatter: Callable[[Any], Body]) -> Callable[[Any], tuple[int, Body]]:
    return lambda value: (200, {"data": live.formatted(formatter, value)})


def _organization(value: Organization) -> Body:
    return {
        "id": value.id,
        "created_by": value.created_by,
        "created_at": iso_seconds(value.created_at),
        "updated_at": iso_seconds(value.updated_at),
        "logo": _image(value.logo),
        "name": value.name,
        "management_email": value.management_email,
        "customer_id": value.customer_id,
    }


def _organization_updated(value: Organization) -> Body:
    shown = {"id": value.id, "name": value.name, "management_email": value.management_email}
    return {"status": "Organization updated", "data": shown}


def _member(value: ListedMember) -> Body:
    role = value.documented_role or _ROLES.get(value.role, "read")
    return {
        "uid": value.uid,
        "email": value.email,
        "image_url": _image(value.image_url),
        "role": f"invite_{role}" if value.pending else role,
    }


def _api_key(value: ShownKey) -> Body:
    key = value.key
    return {
        "id": key.id,
        "key": value.value,
        "mode": value.mode,
        "name": key.name,
        "created_at": iso_seconds(key.created_at),
        "updated_at": written(key.updated_at, iso_seconds),
        "expires_at": written(key.expires_at, iso_seconds),
        "limited_to_apps": list(value.apps),
        "limited_to_orgs": list(value.orgs),
    }


def _app(value: App) -> dict[str, Any]:
    return {
        "app_id": value.app_id,
        "block_provider_infra_requests": value.block_provider_infra_requests,
        "created_at": iso_seconds(value.created_at),
        "default_upload_channel": value.default_upload_channel,
        "icon_url": _image(value.icon_url),
        "id": value.id,
        "last_version": value.last_version,
        "name": value.name,
        "owner_org": value.owner_org,
        "retention": value.retention,
        "transfer_history": value.transfer_history,
        "updated_at": written(value.updated_at, iso_seconds),
        "user_id": value.user_id,
    }


def _app_saved(value: App) -> Body:
    # The page shows the app itself, the OpenAPI document an envelope: this answer is both.
    shown = _app(value)
    return {**shown, "data": shown}


def _bundle(value: Bundle) -> Body:
    return {
        "id": value.id,
        "app_id": value.app_id,
        "name": value.name,
        "bucket_id": None,
        "checksum": value.checksum,
        "created_at": iso_seconds(value.created_at),
        "updated_at": iso_seconds(value.updated_at),
        "deleted": value.deleted,
        "external_url": value.external_url,
        "minUpdateVersion": value.min_update_version,
        "native_packages": value.native_packages,
        "owner_org": value.owner_org,
        "r2_path": value.r2_path,
        "session_key": value.session_key,
        "storage_provider": value.storage_provider,
        "user_id": value.user_id,
    }


def _channel(value: ShownChannel) -> Body:
    row = value.channel
    shown: dict[str, Any] = live.channel(value, iso_seconds)
    if row.disable_auto_update == "version_number":
        shown["disableAutoUpdate"] = "metadata"
    shown["updatePackage"] = row.update_package
    return shown


def _device(value: SeenDevice) -> Body:
    return {**live.device(value), "updated_at": iso_seconds(value.device.updated_at)}


def _devices(value: SeenDevice | DevicePage) -> Body:
    if isinstance(value, SeenDevice):
        return _device(value)
    page: dict[str, Any] = {"data": [_device(one) for one in value.devices], "hasMore": value.next_cursor is not None}
    return page if value.next_cursor is None else {**page, "nextCursor": value.next_cursor}


def _point(value: Point) -> dict[str, Any]:
    return {
        "date": day_text(day_of(value.at)),
        "mau": value.mau,
        "storage": int(value.storage),
        "bandwidth": value.bandwidth,
    }


def _statistics(value: list[Point] | Breakdown) -> Body:
    if isinstance(value, Breakdown):
        return [{"app_id": app_id, **_point(point)} for app_id, point in value.by_app]
    return [_point(point) for point in value]


def _bundle_usage(value: BundleUsage) -> Body:
    datasets = [{"label": dataset.label, "data": dataset.data} for dataset in value.datasets]
    return {"labels": value.labels, "datasets": datasets}


def _status(text: str) -> Callable[[Any], tuple[int, Body]]:
    return lambda _: (200, {"status": text})


SUCCESS: dict[str, Callable[[Any], tuple[int, Body]]] = {
    "getHealth": live.ok,
    "postHealth": live.ok,
    "getOrganizations": _data(_organization),
    "createOrganization": live.answer(lambda value: {"status": "ok", "id": value.id}),
    "updateOrganization": live.answer(_organization_updated),
    "deleteOrganization": live.ok,
    "listOrganizationMembers": _data(_member),
    "upsertOrganizationMember": live.answer(lambda value: {"status": "OK", "data": _member(value)}),
    "deleteOrganizationMember": _status("OK"),
    "listApiKeys": _data(_api_key),
    "getApiKey": _data(_api_key),
    "createApiKey": live.answer(lambda value: {"apikey": _api_key(value)}),
    "updateApiKey": live.answer(lambda value: {"apikey": _api_key(value)}),
    "updateApiKeyByBody": live.answer(lambda value: {"apikey": _api_key(value)}),
    "deleteApiKey": live.answer(lambda _: {"success": True}),
    "listApps": _data(_app),
    "getApp": _data(_app),
    "createApp": live.answer(_app_saved),
    "updateApp": live.answer(_app_saved),
    "deleteApp": live.ok,
    "listBundles": _data(_bundle),
    "createBundle": live.ok,
    "setBundleChannel": live.answer(live.promotion),
    "updateBundleMetadata": _status("success"),
    "deleteBundle": live.ok,
    "listChannels": live.one_or_many(_channel),
    "upsertChannel": live.ok,
    "deleteChannel": live.ok,
    "getDevices": live.answer(_devices),
    "linkDevice": live.ok,
    "deleteDeviceOverride": live.ok,
    "getAppStatistics": live.answer(_statistics),
    "getOrganizationStatistics": live.answer(_statistics),
    "getUserStatistics": live.answer(_statistics),
    "getAppBundleUsage": live.answer(_bundle_usage),
}

DIALECT = Dialect(
    name="documented", quirks=DOCUMENTED, checks_input_first=True, read=read, success=SUCCESS, failure=failure
)
