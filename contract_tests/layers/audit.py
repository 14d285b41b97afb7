"""The audit log: each change of an app and of what is in it stands there once, by whom, the newest first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session

_MADE = {("channels", "INSERT"): 2, ("app_versions", "INSERT"): 2}


def trail(session: Session, effort: Effort) -> None:
    """What a key did is read back, whole, filtered and by pages."""
    scene = Scene.make(session)
    for name, values in (
        ("updateApp", {"appId": scene.app, "name": "Noted"}),
        ("deleteChannel", {"app_id": scene.app, "channel": "spare"}),
        ("deleteBundle", {"app_id": scene.app, "version": "1.1.0"}),
    ):
        # What happens in one moment has no order.
        session.target.wait(1)
        session.must(name, values)

    def read(**more: Any) -> list[dict[str, Any]]:
        return rows(session.must("getAuditLogs", {"orgId": scene.org, "limit": 100, **more}))

    mine = [row for row in read() if _is_about(row, scene.app) and row["actor_type"] == "apikey"]
    told = [
        (row["table_name"], row["operation"])
        for row in mine
        if row["table_name"] != "apps" or "name" in (row["changed_fields"] or ())
    ]
    last = [("app_versions", "UPDATE"), ("channels", "DELETE"), ("apps", "UPDATE")]
    session.demand(told[:3] == last, "audit", f"after three changes the log begins with {told[:3]}, not {last}")
    made = {entry: number for entry, number in Counter(told).items() if entry in _MADE}
    session.demand(made == _MADE, "audit", f"of what was made the log has {made}, not {_MADE}")
    renamed = next(row for row in mine if row["table_name"] == "apps" and "name" in (row["changed_fields"] or ()))
    named = (renamed["old_record"] or {}).get("name"), (renamed["new_record"] or {}).get("name")
    session.demand(named[1] == "Noted" != named[0], "audit", f"a change of name is told as {named}")

    for filters in ({"tableName": "channels"}, {"operation": "DELETE"}):
        member = "table_name" if "tableName" in filters else "operation"
        other = {row[member] for row in read(**filters)} - set(filters.values())
        session.demand(not other, "answers-the-question", f"asked for {filters}, answered {sorted(other)} too")
    if session.guard.sandbox:
        # Where others write too, a page is another one by the time that it is asked for.
        whole = [row["id"] for row in read()]
        paged = [row["id"] for page in range(4) for row in read(limit=3, page=page)]
        session.demand(paged == whole[:12], "pagination", f"four pages of three are {paged}, not {whole[:12]}")


def _is_about(row: dict[str, Any], app: str | None) -> bool:
    return any((row[record] or {}).get("app_id") == app for record in ("old_record", "new_record"))
