"""Clean-up: take away what the ledger names, and read back that it is gone."""

from __future__ import annotations

from contract_tests.kit.guard import Withheld
from contract_tests.kit.ledger import Entry
from contract_tests.kit.reading import rows
from contract_tests.kit.session import Session


def clean_up(session: Session) -> list[str]:
    """Delete what is left of the session's ledger, the youngest first; what could not be removed, with the reason."""
    ledger = session.guard.ledger
    failed = []
    # Keys before apps: a key whose only app is gone can be reached by nobody any more.
    for entry in sorted(ledger.left(), key=lambda entry: entry.kind != "key"):
        try:
            reason = _remove_key(session, entry) if entry.kind == "key" else _remove_app(session, entry)
        except Withheld as error:
            reason = str(error)
        if reason is None:
            ledger.gone(entry.kind, entry.name)
        else:
            failed.append(f"{entry.kind} {entry.name}: {reason}")
    return failed


def _remove_app(session: Session, entry: Entry) -> str | None:
    read = session.call("getApp", {"appId": entry.name})
    if session.send(read, judged=False).status in (401, 403, 404):
        return None
    deleted = session.send(session.call("deleteApp", {"appId": entry.name}), judged=False)
    after = session.send(read, judged=False)
    if after.status in (401, 403, 404):
        return None
    return f"it was deleted with {deleted.status}, and is still answered with {after.status}"


def _remove_key(session: Session, entry: Entry) -> str | None:
    """By number when it is known, else by the name, which no other key has."""
    found = _numbers(session, entry)
    if found is None:
        return "the keys cannot be listed"
    for number in found:
        # A run that was killed may not have learnt the number: it is noted before the key is touched.
        session.guard.ledger.made("key", entry.name, id=number)
        session.send(session.call("deleteApiKey", {"id": number}), judged=False)
    left = _numbers(session, entry)
    return None if left == [] else "it was deleted, and is still listed"


def _numbers(session: Session, entry: Entry) -> list[int] | None:
    answer = session.send(session.call("listApiKeys"), judged=False)
    if answer.status != 200:
        return None
    known = entry.facts.get("id")
    listed = rows(answer.json_or_none())
    return [
        row["id"] for row in listed if row.get("name") == entry.name or (known is not None and row.get("id") == known)
    ]
