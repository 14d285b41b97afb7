"""Clean-up: take away what the ledger names, and read back that it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from contract_tests.kit.guard import Withheld
from contract_tests.kit.ledger import Entry
from contract_tests.kit.reading import rows
from contract_tests.kit.session import Session

Removal = Callable[[Session, list[Entry]], Iterator[tuple[Entry, str | None]]]
"""Takes objects of one kind away; for each, why it is still there, or None."""

_PAGE, _PAGES = 50, 20
_ABSENT = (401, 403, 404)


def clean_up(session: Session) -> list[str]:
    """Delete what is left of the session's ledger, the youngest first; what could not be removed, with the reason."""
    ledger = session.guard.ledger
    failed = []
    for kind, remove in _REMOVALS.items():
        left = [entry for entry in ledger.left() if entry.kind == kind]
        try:
            for entry, reason in remove(session, left) if left else ():
                if reason is None:
                    ledger.gone(kind, entry.name)
                else:
                    failed.append(f"{kind} {entry.name}: {reason}")
        except Withheld as error:
            failed.append(f"{kind} {left[0].name} and others: {error}")
    return failed


def _apps(session: Session, entries: list[Entry]) -> Iterator[tuple[Entry, str | None]]:
    for entry in entries:
        read = session.call("getApp", {"appId": entry.name})
        if session.send(read, judged=False).status in _ABSENT:
            yield entry, None
            continue
        deleted = session.send(session.call("deleteApp", {"appId": entry.name}), judged=False)
        after = session.send(read, judged=False)
        said = f"it was deleted with {deleted.status}, and is still answered with {after.status}"
        yield entry, None if after.status in _ABSENT else said


def _listed(listing: str, deletion: str, member: str, place: Callable[[Session], dict[str, Any]]) -> Removal:
    """Removal by the server's own id: the one that is known, else that of the name, which nothing else has."""

    def there(session: Session) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        paged = "page" in session.contract.parameters(session.operation(listing), "query")
        for page in range(_PAGES if paged else 1):
            values = {**place(session), **({"page": page} if paged else {})}
            answer = session.send(session.call(listing, values), judged=False)
            if answer.status != 200:
                return None
            got = rows(answer.json_or_none())
            found += got
            if len(got) < _PAGE:
                break
        return found

    def ids(entry: Entry, found: list[dict[str, Any]]) -> list[Any]:
        known = entry.facts.get("id")
        mine = [row for row in found if row.get("name") == entry.name or (known is not None and row["id"] == known)]
        return [row["id"] for row in mine]

    def remove(session: Session, entries: list[Entry]) -> Iterator[tuple[Entry, str | None]]:
        found = there(session)
        for entry in entries:
            for one in ids(entry, found or []):
                # A run that was killed may not have learnt the id: it is noted before the object is touched.
                session.guard.ledger.made(entry.kind, entry.name, id=one)
                session.send(session.call(deletion, {**place(session), member: one}), judged=False)
        found = found and there(session)
        for entry in entries:
            if found is None:
                yield entry, "what there is of its kind cannot be listed"
            else:
                yield entry, "it was deleted, and is still listed" if ids(entry, found) else None

    return remove


_REMOVALS: dict[str, Removal] = {
    "key": _listed("listApiKeys", "deleteApiKey", "id", lambda session: {}),
    "webhook": _listed("getWebhooks", "deleteWebhook", "webhookId", lambda session: {"orgId": session.guard.org}),
    "app": _apps,
    "organization": _listed("getOrganizations", "deleteOrganization", "orgId", lambda session: {}),
}
"""By kind, in the order in which they go: a key whose only app is gone can be reached by nobody any more."""
