"""The audit log of an organization: a page of it, newest first (reference 13)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.common import database_error
from mock_capgo.resources.issues import Kind, check
from mock_capgo.resources.organizations import refuse_unexpiring_key
from mock_capgo.resources.values import is_uuid, js_text
from mock_capgo.world.records import DAY, AuditLog, Micros

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
KEPT: Micros = 30 * DAY
"""Older rows are purged."""

_PARAMS = {
    "orgId": Kind("string"),
    "tableName": Kind("string", optional=True),
    "operation": Kind("string", optional=True),
    "page": Kind("number_or_text", optional=True),
    "limit": Kind("number_or_text", optional=True),
}


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some of the `total` rows that were asked for, with the page and limit in force."""

    rows: list[AuditLog]
    total: int
    page: float
    limit: float


def get_audit_logs(call: Call) -> AuditPage:
    """A page of what happened in an organization, by table and operation if asked."""
    params = check(call.params, _PARAMS)
    org_id = _organization(call, params["orgId"])
    page, limit = as_number(params.get("page", 0)), min(as_number(params.get("limit", DEFAULT_LIMIT)), MAX_LIMIT)
    rows = _rows(call, org_id, params.get("tableName"), params.get("operation"))
    return AuditPage(_page(rows, page, limit), len(rows), page, limit)


def as_number(value: Any) -> float:
    """JavaScript's `Number(value)` for what passed as number or numeric text; a whole number as int."""
    number = float(value)
    return int(number) if isfinite(number) and number.is_integer() else number


def _organization(call: Call, org_id: str) -> str:
    """The id of an organization whose audit log the caller may read; letters of any case."""
    if not is_uuid(org_id) and call.has(Quirk.MALFORMED_ID_CRASHES):
        raise Refusal(errors.UNKNOWN_ERROR)
    if not call.may("org.read", org_id.lower()):
        raise Refusal(errors.ORG_NOT_READABLE, {"org_id": org_id})
    refuse_unexpiring_key(call, org_id.lower())
    if not call.may("org.read_audit", org_id.lower()):
        raise Refusal(errors.ORG_NOT_READABLE, {"org_id": org_id})
    return org_id.lower()


def _rows(call: Call, org_id: str, table: str | None, operation: str | None) -> list[AuditLog]:
    """The rows asked for, newest first; of the rows of one call, the first that was written comes first."""
    found = [
        row
        for row in call.state.audit_logs.where("org", org_id)
        if row.created_at > call.now - KEPT
        and (not table or row.table_name == table)
        and (not operation or row.operation == operation)
    ]
    return sorted(found, key=lambda row: -row.created_at)


def _page(rows: list[AuditLog], page: float, limit: float) -> list[AuditLog]:
    if limit == 0:
        return []
    if page < 0 or limit < 0:
        # The reference leaves negative numbers open; this is what a database says to a negative offset.
        raise Refusal(errors.CANNOT_GET_AUDIT_LOGS, {"error": database_error("2201X", "OFFSET must not be negative")})
    offset = page * limit
    if offset > len(rows):
        details = f"An offset of {js_text(offset)} was requested, but there are only {len(rows)} rows."
        out_of_range = database_error("PGRST103", "Requested range not satisfiable")
        raise Refusal(errors.CANNOT_GET_AUDIT_LOGS, {"error": {**out_of_range, "details": details}})
    return rows[int(offset) : int(offset) + int(limit)]
