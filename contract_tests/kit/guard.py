"""The guard: what a run may send to a server that is not its own.

Read-only unless writes are allowed; writes only about objects that the run created, which carry its id in their
names, inside one organization; every creation is in the ledger before it is sent. What the guard withholds is not
sent, and the check that wanted it says so. A sandbox (the in-process mock) needs no guard.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.kit.contract import Contract, Operation
from contract_tests.kit.ledger import Ledger
from contract_tests.kit.wire import Answer, Call


class Withheld(Exception):
    """The guard did not let a call out; the text says why."""


_APP_WRITES = frozenset(
    {
        "updateApp",
        "deleteApp",
        "createBundle",
        "setBundleChannel",
        "deleteBundle",
        "updateBundleMetadata",
        "upsertChannel",
        "deleteChannel",
        "linkDevice",
        "deleteDeviceOverride",
    }
)
_KEY_WRITES = frozenset({"updateApiKey", "updateApiKeyByBody", "deleteApiKey"})
_CREATES = {"createApp": "app", "createApiKey": "key"}


@dataclass
class Guard:
    """The rules for one run against one server."""

    contract: Contract
    ledger: Ledger
    run_id: str
    org: str | None = None
    allow_writes: bool = False
    sandbox: bool = False
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def before(self, operation: Operation | None, call: Call) -> None:
        """Let a call out, or raise Withheld. A creation is in the ledger when this returns."""
        if self.sandbox:
            return
        if operation is None:
            if call.method in ("GET", "HEAD", "OPTIONS"):
                return
            if self.allow_writes and self.run_id in call.path:
                return
            raise Withheld("a write to a route that the contract does not have")
        if not operation.writes:
            return
        if not self.allow_writes:
            raise Withheld("it writes, and --allow-writes was not given")
        values = _values(call)
        if operation.id in _CREATES:
            self._creation(operation.id, values)
        elif operation.id in _APP_WRITES:
            self._own("app", _ids(call, values, "app_id", "appId"))
        elif operation.id in _KEY_WRITES:
            self._own("key", _ids(call, values, "id"))
        else:
            raise Withheld(f"{operation.id} would change more than what the run created")

    def after(self, operation: Operation | None, call: Call, answer: Answer) -> None:
        """Note what a creation was told: the number of a key is the server's choice."""
        if self.sandbox or operation is None or operation.id != "createApiKey" or not 200 <= answer.status < 300:
            return
        name = _values(call).get("name")
        body = answer.json_or_none()
        found = body.get("apikey", body) if isinstance(body, dict) else None
        if isinstance(name, str) and isinstance(found, dict) and isinstance(found.get("id"), int):
            self.ledger.made("key", name, id=found["id"])

    def _creation(self, operation_id: str, values: dict[str, Any]) -> None:
        kind = _CREATES[operation_id]
        name = values.get("app_id" if kind == "app" else "name")
        if not isinstance(name, str) or self.run_id not in name:
            raise Withheld("what it creates would not carry the run's id")
        if self.org is None:
            raise Withheld("no organization was given with --org")
        places = [values.get("owner_org")] if kind == "app" else _places_of_key(values)
        if any(place != self.org for place in places if place is not None):
            raise Withheld("it would be outside of the organization given with --org")
        if kind == "key" and not places:
            raise Withheld("a key without an organization could reach beyond --org")
        self.ledger.intend(kind, name)

    def _own(self, kind: str, ids: list[Any]) -> None:
        if not ids:
            raise Withheld("it does not name what it is about")
        for value in ids:
            # A name with the run's id in it can only be the run's, also where it was never created.
            if not (self.ledger.knows(kind, value) or (isinstance(value, str) and self.run_id in value)):
                raise Withheld(f"it names {'an app' if kind == 'app' else 'a key'} that the run did not create")


def _places_of_key(values: dict[str, Any]) -> list[Any]:
    """The organizations that a key to be would reach."""
    bindings, limits = values.get("bindings", []), values.get("limited_to_orgs", [])
    found = [item.get("org_id") for item in bindings if isinstance(item, dict)] if isinstance(bindings, list) else []
    return [*found, *(limits if isinstance(limits, list) else [])]


def _values(call: Call) -> dict[str, Any]:
    values: dict[str, Any] = dict(call.query)
    if isinstance(call.body, dict):
        values.update(call.body)
    return values


def _ids(call: Call, values: dict[str, Any], *names: str) -> list[Any]:
    """Every value under which a server could find the object: path, query and body together."""
    found: list[Any] = [value for name, value in call.query if name in names]
    found += [values[name] for name in names if name in values]
    if call.path.startswith(("/app/", "/apikey/")) and call.path.strip("/").count("/") >= 1:
        part = call.path.strip("/").split("/")[1]
        found.append(int(part) if part.isdigit() else part)
    return found
