"""Finer lies about state: what is remembered, or done beside what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contract.fine_lies import KEYS, rows_changed
from tests.contract.lies import COURIER, ENTERPRISE, JSON
from tests.contract.wrong import FULL, Answered, Ask, Asked, Layer, instead, rows_of


def turning(route: str) -> Callable[[], Layer]:
    """A list that comes in another order every other time."""

    def make() -> Layer:
        times = [0]

        def change(rows: list[Any]) -> list[Any]:
            times[0] += 1
            return rows[::-1] if times[0] % 2 else rows

        return rows_changed(route, change)()

    return make


def also(route: str, method: str, path: str, more: Callable[[Asked], dict[str, Any]]) -> Callable[[], Layer]:
    """After a success, another request with the same key."""

    def act(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 200:
            ask(Asked(method, path, {}, asked.headers, json.dumps(more(asked)).encode()))
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


def limited_and_done() -> Layer:
    """What is refused for the budget is done as soon as there is one again."""
    waiting: list[Asked] = []

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 429 and asked.on("POST /app"):
            waiting.append(asked)
        elif answered.status != 429 and waiting:
            ask(waiting.pop())
            return ask(asked)
        return answered

    return layer


def forgiving() -> Layer:
    """Every third request over the budget is answered all the same."""
    over = [0]

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 429:
            over[0] += 1
            if over[0] % 3 == 2:
                return Answered(200, dict(JSON), b'{"data":[]}')
        return answered

    return layer


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
                if isinstance(row, dict) and row.get("id") in secrets:
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


def never_paused() -> Layer:
    """A rollout goes on while it is paused."""
    targets: dict[str, str] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        values = asked.json if isinstance(asked.json, dict) else {}
        answered = ask(asked)
        if asked.on("POST /channel") and answered.status == 200:
            if values.get("rolloutPaused"):
                targets[values["app_id"]] = "1.1.1"
            else:
                targets.pop(values["app_id"], None)
        body = answered.json
        if asked.on("POST /updates") and values.get("app_id") in targets and isinstance(body, dict) and "url" in body:
            answered.json = {**body, "version": targets[values["app_id"]]}
        return answered

    return layer


def publishing(asked: Asked, ask: Ask) -> Answered:
    """With a promotion the channel becomes public."""
    answered = ask(asked)
    if answered.status == 200:
        app = asked.values()["app_id"]
        for row in rows_of(ask(Asked("GET", "/channel", {"app_id": app}, asked.headers, b"")).json):
            if row["id"] == asked.values()["channel_id"]:
                body = {"app_id": app, "channel": row["name"], "public": True}
                ask(Asked("POST", "/channel", {}, asked.headers, json.dumps(body).encode()))
    return answered


def taken_over(asked: Asked, ask: Ask) -> Answered:
    """An app that is a neighbour's becomes the caller's."""
    answered = ask(asked)
    if answered.status == 400 and asked.values().get("app_id") == COURIER:
        ask(Asked("DELETE", f"/app/{COURIER}", {}, dict.fromkeys(KEYS, ENTERPRISE), b""))
        return ask(asked)
    return answered


def haunted() -> Layer:
    """An app that is made again has the devices of the deleted one."""
    old: dict[str, bytes] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        if asked.on("DELETE /app/*"):
            app = asked.path.strip("/").split("/")[1]
            devices = ask(Asked("GET", "/device", {"app_id": app}, asked.headers, b""))
            if devices.status == 200:
                old[app] = devices.body
        answered = ask(asked)
        if asked.on("GET /device") and answered.status == 200 and asked.query.get("app_id") in old:
            answered.body = old[asked.query["app_id"]]
        return answered

    return layer


def any_app(asked: Asked, ask: Ask) -> Answered:
    """A channel that this app does not have is found in another one."""
    answered = ask(asked)
    if answered.status == 404 and "channel" in asked.query:
        for row in rows_of(ask(Asked("GET", "/app", {}, asked.headers, b"")).json):
            found = ask(Asked("GET", "/channel", {**asked.query, "app_id": row["app_id"]}, asked.headers, b""))
            if found.status == 200:
                return found
    return answered


def of_every_device(asked: Asked, ask: Ask) -> Answered:
    """What is done to one device is done to all others of its app."""
    answered = ask(asked)
    values = asked.values()
    if answered.status == 200:
        for row in rows_of(ask(Asked("GET", "/device", {"app_id": values["app_id"]}, asked.headers, b"")).json):
            body = json.dumps({**values, "device_id": row["device_id"]}).encode()
            ask(Asked(asked.method, asked.path, {}, asked.headers, body))
    return answered
