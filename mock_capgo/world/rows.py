"""Records as the rows of the service's own database: the form of the audit log and of the live dialect.

Belongs here: which fields are columns of which table, and times as PostgREST writes them. Fields that only
this project keeps (a bundle's size, an organization's tier) are not columns.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mock_capgo.world.clock import iso_offset
from mock_capgo.world.records import App, AuditLog, Bundle, Channel, Member, Organization

_NOT_COLUMNS = {"tier", "size", "update_package", "documented_role"}


def _columns(record_type: type[Any]) -> tuple[tuple[str, bool], ...]:
    names = [field.name for field in fields(record_type) if field.name not in _NOT_COLUMNS]
    return tuple((name, name.endswith("_at")) for name in names)


_COLUMNS = {record_type: _columns(record_type) for record_type in (Organization, App, Bundle, Channel)}


def as_row(record: Any) -> dict[str, Any]:
    """The full row of an organization, app, bundle, channel or member; times as text, tuples as lists.

    A mapping is passed through: audit rows that came from a fixture are rows already.
    """
    if isinstance(record, dict):
        return record
    if isinstance(record, Member):
        return _member_row(record)
    row: dict[str, Any] = {}
    for name, is_time in _COLUMNS[type(record)]:
        value = getattr(record, name)
        if is_time and value is not None:
            value = iso_offset(value)
        elif type(value) is tuple:
            value = list(value)
        row[name] = value
    return row


def audit_row(record: Any) -> dict[str, Any] | None:
    """As `as_row`, without the two columns of a bundle that its audit trail leaves out."""
    if record is None:
        return None
    row = as_row(record)
    if isinstance(record, Bundle):
        del row["manifest"], row["native_packages"]
    return row


def changed_fields(row: AuditLog) -> list[str] | None:
    """The columns that an update changed, in the database's order of JSON keys (by length, then by name); else None.

    Worked out when it is asked for: far more rows are written than read. A row from a fixture says it itself.
    """
    if row.operation != "UPDATE" or isinstance(row.new_record, dict):
        told: list[str] | None = row.changed_fields
        return told
    before, after = audit_row(row.old_record) or {}, audit_row(row.new_record) or {}
    names = sorted((name for name in after if before.get(name) != after[name]), key=lambda name: (len(name), name))
    return names or None


def _member_row(member: Member) -> dict[str, Any]:
    # The service keeps one table for memberships of three scopes; only organization rows are made here.
    return {
        "id": member.id,
        "user_id": member.user_id,
        "created_at": iso_offset(member.created_at),
        "updated_at": iso_offset(member.updated_at),
        "org_id": member.org_id,
        "app_id": None,
        "channel_id": None,
        "is_invite": member.is_invite,
        "rbac_role_name": member.role,
    }
