"""The guard: what a run may send to a server that is not its own.

Read-only unless writes are allowed; writes only about objects that the run created, which carry its id in their
names, inside one organization or one that the run founded; every creation is in the ledger before it is sent. What
the guard withholds is not sent, and the check that wanted it says so. A sandbox (the in-process mock) needs no guard.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.kit.contract import Contract, Operation
from contract_tests.kit.ledger import Ledger
from contract_tests.kit.reading import one
from contract_tests.kit.wire import Answer, Call


class Withheld(Exception):
    """The guard did not let a call out; the text says why."""


_CREATES = {
    "createApp": ("app", "app_id"),
    "createApiKey": ("key", "name"),
    "createWebhook": ("webhook", "name"),
    "createOrganization": ("organization", "name"),
}
"""What a creation makes, and which member names it."""

_ABOUT: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "updateApp", "deleteApp", "createBundle", "setBundleChannel", "deleteBundle", "updateBundleMetadata",
            "upsertChannel", "deleteChannel", "linkDevice", "deleteDeviceOverride",
        ),
        ("app", ("app_id", "appId")),
    ),
    **dict.fromkeys(("updateApiKey", "updateApiKeyByBody", "deleteApiKey"), ("key", ("id",))),
    **dict.fromkeys(("updateWebhook", "deleteWebhook", "testWebhook"), ("webhook", ("webhookId",))),
    "retryDelivery": ("webhook", ("deliveryId",)),
    **dict.fromkeys(
        ("updateOrganization", "deleteOrganization", "upsertOrganizationMember", "deleteOrganizationMember"),
        ("organization", ("orgId",)),
    ),
}  # fmt: skip
"""What every other write is about, and which members say so."""

CHECK_IN = "/updates"
"""Where devices ask: no operation of the contract, and a write, as the inventory remembers who asked."""


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
            about = str(_values(call).get("app_id")) if call.path == CHECK_IN else call.path
            if self.allow_writes and self.run_id in about:
                return
            raise Withheld("a write to a route that the contract does not have")
        if not operation.writes:
            return
        if not self.allow_writes:
            raise Withheld("it writes, and --allow-writes was not given")
        values = _values(call)
        if operation.id in _CREATES:
            self._creation(operation.id, values)
        elif operation.id in _ABOUT:
            kind, names = _ABOUT[operation.id]
            self._own(kind, _ids(call, values, *names))
        else:
            raise Withheld(f"{operation.id} would change more than what the run created")

    def after(self, operation: Operation | None, call: Call, answer: Answer) -> None:
        """Note what a creation was told: numbers and ids are the server's choice."""
        if self.sandbox or operation is None or not 200 <= answer.status < 300:
            return
        values, body = _values(call), answer.json_or_none()
        if operation.id in _CREATES and operation.id != "createApp":
            kind, member = _CREATES[operation.id]
            made = one(body).get("id")
            if made is not None and isinstance(values.get(member), str):
                self.ledger.made(kind, values[member], id=made)
        elif operation.id == "testWebhook" and isinstance(body, dict) and "delivery_id" in body:
            tried = self.ledger.find("webhook", values.get("webhookId"))
            if tried is not None:
                self.ledger.made("webhook", tried.name, **{f"delivery {len(tried.facts)}": body["delivery_id"]})

    def _creation(self, operation_id: str, values: dict[str, Any]) -> None:
        kind, member = _CREATES[operation_id]
        name = values.get(member)
        if not isinstance(name, str) or self.run_id not in name:
            raise Withheld("what it creates would not carry the run's id")
        if self.org is None:
            raise Withheld("no organization was given with --org")
        places = {"app": [values.get("owner_org")], "webhook": [values.get("orgId")]}.get(kind, [])
        if kind == "key":
            places = _places_of_key(values)
            if not places:
                raise Withheld("a key without an organization could reach beyond --org")
        if not all(place in (None, self.org) or self.ledger.knows("organization", place) for place in places):
            raise Withheld("it would be outside of the organization given with --org")
        self.ledger.intend(kind, name)

    def _own(self, kind: str, ids: list[Any]) -> None:
        if not ids:
            raise Withheld("it does not name what it is about")
        for value in ids:
            # A name with the run's id in it can only be the run's, also where it was never created.
            if not (self.ledger.knows(kind, value) or (isinstance(value, str) and self.run_id in value)):
                raise Withheld(f"the {kind} that it names was not created by the run")


def _places_of_key(values: dict[str, Any]) -> list[Any]:
    """The organizations that a key to be would reach."""
    bindings, limits = values.get("bindings", []), values.get("limited_to_orgs", [])
    found = [item.get("org_id") for item in bindings if isinstance(item, dict)] if isinstance(bindings, list) else []
    return [*found, *(limits if isinstance(limits, list) else [])]


def _values(call: Call) -> dict[str, Any]:
    """What is sent, by name: of a body that is given as bytes, those."""
    values: dict[str, Any] = dict(call.query)
    try:
        body = call.body if call.raw is None else json.loads(call.raw)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        values.update(body)
    return values


def _ids(call: Call, values: dict[str, Any], *names: str) -> list[Any]:
    """Every value under which a server could find the object: path, query and body together."""
    found: list[Any] = [value for name, value in call.query if name in names]
    found += [values[name] for name in names if name in values]
    if call.path.startswith(("/app/", "/apikey/")) and call.path.strip("/").count("/") >= 1:
        part = call.path.strip("/").split("/")[1]
        found.append(int(part) if part.isdigit() else part)
    return found
