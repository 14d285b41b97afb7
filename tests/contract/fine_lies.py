"""Finer lies: about one route, one member or one key, or only now and then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.contract.lies import JSON, KO
from tests.contract.wrong import FULL, Answered, Ask, Asked, Layer, instead, rows_of

READER, HASHED = "c0ffee00-0000-4000-8000-000000000002", "c0ffee00-0000-4000-8000-000000000006"
KEYS = ("authorization", "x-api-key")


def refusing(status: int, when: Callable[[Asked], bool]) -> Callable[[], Layer]:
    """A refusal of what should be looked at."""

    def act(asked: Asked, ask: Ask) -> Answered:
        return Answered(status, dict(JSON), json.dumps(KO).encode()) if when(asked) else ask(asked)

    return lambda: act


def as_full(route: str, keys: Iterable[str]) -> Callable[[], Layer]:
    """A route on which some keys are taken for one with full rights."""

    def act(asked: Asked, ask: Ask) -> Answered:
        if asked.key in keys:
            asked.headers = {**asked.headers, **dict.fromkeys(KEYS, FULL)}
        return ask(asked)

    return instead(route, act)


def rows_changed(route: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[], Layer]:
    """The rows of a list, in another order or number."""

    def act(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        body = answered.json
        if answered.status == 200 and isinstance(body, dict) and isinstance(body.get("data"), list):
            answered.json = {**body, "data": change(body["data"])}
        elif answered.status == 200 and isinstance(body, list):
            answered.json = change(body)
        return answered

    return instead(route, act)


def turning(route: str) -> Callable[[], Layer]:
    """A list that comes in another order every other time."""

    def make() -> Layer:
        times = [0]

        def change(rows: list[Any]) -> list[Any]:
            times[0] += 1
            return rows[::-1] if times[0] % 2 else rows

        return rows_changed(route, change)()

    return make


def body_changed(route: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[], Layer]:
    """A route that acts on another body than it was sent, where that one was fit."""

    def act(asked: Asked, ask: Ask) -> Answered:
        values = asked.json
        if isinstance(values, dict):
            changed = json.dumps(change(dict(values))).encode()
            if changed != json.dumps(values).encode():
                kept, asked.body = asked.body, changed
                answered = ask(asked)
                if answered.status == 200:
                    return answered
                asked.body = kept
        return ask(asked)

    return instead(route, act)


def forgetting(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A body without some members, where there are others beside them."""

    def change(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in names}

    return change


def also(route: str, method: str, path: str, more: Callable[[Asked], dict[str, Any] | None]) -> Callable[[], Layer]:
    """After a success, another request with the same key."""

    def act(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        values = more(asked) if answered.status == 200 else None
        if values is not None:
            where = path.replace("{app}", str(values.pop("app", "")))
            ask(Asked(method, where, {}, asked.headers, json.dumps(values).encode()))
        return answered

    return instead(route, act)


def second_delete(asked: Asked, ask: Ask) -> Answered:
    """With a bundle goes another one."""
    answered = ask(asked)
    if answered.status == 200 and "version" in asked.values():
        left = rows_of(ask(Asked("GET", "/bundle", {"app_id": asked.values()["app_id"]}, asked.headers, b"")).json)
        for row in left[:1]:
            body = {"app_id": row["app_id"], "version": row["name"]}
            ask(Asked("DELETE", "/bundle", {}, asked.headers, json.dumps(body).encode()))
    return answered


def first_page_only(asked: Asked, ask: Ask) -> Answered:
    """Of all bundles only those of the first page are deleted."""
    values = asked.values()
    if asked.key != FULL or "version" in values or set(values) != {"app_id"} or not isinstance(values["app_id"], str):
        return ask(asked)
    listed = ask(Asked("GET", "/bundle", {"app_id": values["app_id"]}, asked.headers, b""))
    if listed.status != 200:
        return ask(asked)
    for row in rows_of(listed.json):
        body = {"app_id": row["app_id"], "version": row["name"]}
        ask(Asked("DELETE", "/bundle", {}, asked.headers, json.dumps(body).encode()))
    return Answered(200, dict(JSON), b'{"status":"ok"}')


def any_case(asked: Asked, ask: Ask) -> Answered:
    """A channel is found by its name in any case."""
    answered = ask(asked)
    name = asked.values().get("channel")
    if answered.status == 404 and isinstance(name, str):
        listed = ask(Asked("GET", "/channel", {"app_id": str(asked.values()["app_id"])}, asked.headers, b""))
        for row in rows_of(listed.json):
            if row["name"].lower() == name.lower():
                return ask(Asked(asked.method, asked.path, {"app_id": row["app_id"], "channel": row["name"]},
                                 asked.headers, b""))
    return answered


def limited_and_done() -> Layer:
    """What is refused for the budget is done all the same."""
    world: list[Ask] = []

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 429 and asked.method != "GET" and not world:
            world.append(ask)
        return answered

    return layer


def extended(seconds: int) -> Callable[[dict[str, str]], None]:
    """A Retry-After that says longer than the limit lasts."""

    def change(found: dict[str, str]) -> None:
        found["retry-after"] = str(int(found["retry-after"]) + seconds)

    return change


def for_others(asked: Asked, ask: Ask) -> Answered:
    """Each key has a budget of its own."""
    answered = ask(asked)
    if answered.status == 429 and asked.key != FULL:
        return Answered(200, dict(JSON), b'{"data":[]}')
    return answered


def forgiving() -> Layer:
    """A success after a refusal, or any third request over the budget, begins a new window."""
    over = [0]

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 429:
            over[0] += 1
            if over[0] % 3 == 2:
                return Answered(200, dict(JSON), b'{"data":[]}')
        return answered

    return layer


def shifted_days(asked: Asked, ask: Ask) -> Answered:
    """Figures are those of the day before."""
    answered = ask(asked)
    body = answered.json
    if answered.status == 200 and isinstance(body, list) and len(body) > 1:
        figures = [{name: value for name, value in row.items() if name != "date"} for row in body]
        answered.json = [
            {**row, **moved} for row, moved in zip(body, [figures[-1], *figures[:-1]], strict=True)
        ]
    return answered


def moving_creation() -> Layer:
    """With each change of an app it looks newly made."""
    seen: dict[str, str] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if asked.on("PUT /app/*") and answered.status == 200:
            seen[asked.path.strip("/")] = "2031-01-01T00:00:00Z"
        if asked.on("GET /app/*") and answered.status == 200 and asked.path.strip("/") in seen:
            body = answered.json
            body["data"]["created_at"] = seen[asked.path.strip("/")]
            answered.json = body
        return answered

    return layer


def mightier(asked: Asked, ask: Ask) -> Answered:
    """A new key gets every right, whatever was asked for."""
    values = asked.json
    if isinstance(values, dict) and isinstance(values.get("bindings"), list) and values["bindings"]:
        answered = ask(asked)
        if answered.status != 200:
            return answered
        org = values["bindings"][0].get("org_id")
        more = [{"role_name": "org_super_admin", "scope_type": "org", "org_id": org}]
        mighty = json.dumps({**values, "bindings": more}).encode()
        ask(Asked("DELETE", f"/apikey/{answered.json['apikey']['id']}", {}, asked.headers, b""))
        return ask(Asked("POST", "/apikey", {}, asked.headers, mighty))
    return ask(asked)


def same_value(asked: Asked, ask: Ask) -> Answered:
    """A renewed key keeps its old value beside the new one: only the name of the key changes."""
    values = asked.json
    if isinstance(values, dict) and values.get("regenerate"):
        asked.body = json.dumps({"name": "regenerated"}).encode()
    return ask(asked)


def lax_media(asked: Asked, ask: Ask) -> Answered:
    """Bodies are read only where they are announced as JSON."""
    if asked.body and "json" not in asked.headers.get("content-type", ""):
        return Answered(415, dict(JSON), json.dumps(KO).encode())
    return ask(asked)


def deaf_delete(asked: Asked, ask: Ask) -> Answered:
    """A DELETE reads its body and never its query."""
    asked.query = {}
    return ask(asked)


def swapped_words(asked: Asked, ask: Ask) -> Answered:
    """A promotion names another channel than it changed."""
    answered = ask(asked)
    body = answered.json
    if answered.status == 200 and isinstance(body, dict) and "message" in body:
        answered.json = {**body, "message": body["message"].rsplit(" ", 1)[0] + " other"}
    return answered


def ignored_expiry_change(asked: Asked, ask: Ask) -> Answered:
    values = asked.json
    if isinstance(values, dict) and "expires_at" in values and len(values) > 1:
        values.pop("expires_at")
        asked.body = json.dumps(values).encode()
    return ask(asked)


def public_of_one_platform(asked: Asked, ask: Ask) -> Answered:
    """A device follows the override of the app's first channel, whichever is public."""
    answered = ask(asked)
    body = answered.json
    if isinstance(body, dict) and body.get("error") == "no_channel":
        answered.json = {"version": "1.0.0", "url": "https://x.example/1.0.0.zip", "checksum": "x", "session_key": ""}
    return answered


def offering(*errors: str, version: str = "1.1.0") -> Callable[[], Layer]:
    """Devices are offered a bundle where a rule of the channel forbids it."""

    def act(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        body = answered.json
        if isinstance(body, dict) and body.get("error") in errors:
            told = str(body.get("version", version))
            answered.json = {"version": told, "url": f"https://x.example/{told}.zip", "checksum": "x"}
        return answered

    return instead("POST /updates", act)


def older(asked: Asked, ask: Ask) -> Answered:
    """Devices are offered the bundle that the channel had before."""
    answered = ask(asked)
    body = answered.json
    if isinstance(body, dict) and body.get("version") == "1.1.0" and "url" in body:
        answered.json = {**body, "version": "1.0.0"}
    return answered


def other_file(asked: Asked, ask: Ask) -> Answered:
    """The address that is offered is that of another bundle."""
    answered = ask(asked)
    body = answered.json
    if isinstance(body, dict) and "url" in body:
        answered.json = {**body, "url": "https://cdn.example.com/0.0.1.zip"}
    return answered


def audit_silent(asked: Asked, ask: Ask) -> Answered:
    """Changes of channels are missing from the audit log."""
    answered = ask(asked)
    body = answered.json
    if answered.status == 200 and isinstance(body, dict) and isinstance(body.get("data"), list):
        kept = [row for row in body["data"] if row["table_name"] != "channels"]
        answered.json = {**body, "data": kept}
    return answered


def audit_unfiltered(asked: Asked, ask: Ask) -> Answered:
    """The filter by table is passed over."""
    asked.query.pop("tableName", None)
    return ask(asked)


def secret_again() -> Layer:
    """The secret of a webhook is shown whenever it is read."""
    secrets: dict[str, str] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        body = answered.json
        if asked.on("POST /webhooks") and answered.status == 201:
            secrets[body["webhook"]["id"]] = body["webhook"]["secret"]
        if asked.on("GET /webhooks") and answered.status == 200:
            for row in rows_of(body) or [body]:
                if row.get("id") in secrets:
                    row["name"] = f"{row['name']} {secrets[row['id']]}"
            answered.json = body
        return answered

    return layer


def kept_deliveries() -> Layer:
    """A deleted webhook and its deliveries are answered on."""
    gone: dict[str, bytes] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        if asked.on("DELETE /webhooks"):
            values = {name: str(asked.values().get(name)) for name in ("orgId", "webhookId")}
            kept = ask(Asked("GET", "/webhooks/deliveries", values, asked.headers, b""))
            answered = ask(asked)
            if answered.status == 200 and kept.status == 200:
                gone[values["webhookId"]] = kept.body
            return answered
        answered = ask(asked)
        if asked.on("GET /webhooks/deliveries") and asked.query.get("webhookId") in gone:
            return Answered(200, dict(JSON), gone[asked.query["webhookId"]])
        return answered

    return layer


def eager_webhook(asked: Asked, ask: Ask) -> Answered:
    """A webhook is told of everything."""
    values = asked.json
    if isinstance(values, dict) and isinstance(values.get("events"), list):
        first = ask(asked)
        if first.status != 201:
            return first
        made = first.json["webhook"]
        every = ["apps", "app_versions", "channels", "org_users", "orgs"]
        more = {"orgId": made["org_id"], "webhookId": made["id"], "events": every}
        ask(Asked("PUT", "/webhooks", {}, asked.headers, json.dumps(more).encode()))
        return first
    return ask(asked)
