"""Lies about state: what is remembered, forgotten, or done beside what was asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tests.contract.wrong import (
    FULL,
    Answered,
    Ask,
    Asked,
    Layer,
    instead,
    rows_of,
)

LIVE = "ae6e7458-c46d-4c00-aa3b-153b0b8520ea"
EXPIRED = "c0ffee00-0000-4000-8000-000000000005"


def never_limited() -> Layer:
    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 429:
            return Answered(200, answered.headers, b'{"data":[]}')
        return answered

    return layer


def own_limit(
    budget: int, same: Callable[[Asked], str], only: Callable[[Asked], bool] = lambda asked: True
) -> Callable[[], Layer]:
    """A limit of its own in front of the mock's."""

    def make() -> Layer:
        counts: dict[str, int] = {}

        def layer(asked: Asked, ask: Ask) -> Answered:
            if only(asked):
                counts[same(asked)] = counts.get(same(asked), 0) + 1
                if counts[same(asked)] > budget:
                    body = json.dumps({"error": "Too many requests", "status": "KO"}).encode()
                    return Answered(429, {"content-type": "application/json", "retry-after": "30"}, body)
            return ask(asked)

        return layer

    return make


def stale(route: str, times: int) -> Callable[[], Layer]:
    """A route that gives its last answer again for some calls."""

    def make() -> Layer:
        kept: dict[str, tuple[int, Answered]] = {}

        def layer(asked: Asked, ask: Ask) -> Answered:
            if not asked.on(route):
                return ask(asked)
            where = f"{asked.path} {sorted(asked.query.items())} {asked.key}"
            left, answered = kept.get(where, (0, None))
            if answered is not None and left > 0:
                kept[where] = left - 1, answered
                return copy.deepcopy(answered)
            answered = ask(asked)
            kept[where] = times, copy.deepcopy(answered)
            return answered

        return layer

    return make


def lost(route: str, done: Any) -> Callable[[], Layer]:
    """A write that is accepted and not done."""

    def act(asked: Asked, ask: Ask) -> Answered:
        if "data" in done:
            read = ask(Asked("GET", asked.path, {}, asked.headers, b""))
            if read.status == 200:
                values = {**read.json["data"], **{k: v for k, v in asked.values().items() if k in read.json["data"]}}
                read.json = {**values, "data": values}
            return read
        if (
            asked.key not in (FULL, LIVE)
            or not isinstance(asked.json, dict)
            or not isinstance(asked.values().get("version", ""), str)
        ):
            return ask(asked)
        return Answered(200, {"content-type": "application/json"}, json.dumps(done).encode())

    return instead(route, act)


def revived_key() -> Layer:
    """Values of keys that were deleted or replaced go on working."""
    known: dict[str, str] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if answered.status == 200:
            known.setdefault(asked.key, asked.key)
        elif answered.status == 401 and asked.key in known and asked.key != EXPIRED:
            asked.headers = {**asked.headers, "authorization": FULL, "x-api-key": FULL}
            return ask(asked)
        return answered

    return layer


def many_public() -> Layer:
    """A second public channel does not take the place of the first."""
    public: set[tuple[str, str]] = set()

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        values = asked.values()
        if asked.on("POST /channel") and answered.status == 200 and "public" in values:
            place = values["app_id"], values["channel"]
            (public.add if values["public"] else public.discard)(place)
        if asked.on("GET /channel") and answered.status == 200:
            body = answered.json
            for row in rows_of(body) or [body]:
                if isinstance(row, dict) and (row.get("app_id"), row.get("name")) in public:
                    row["public"] = True
            answered.json = body
        return answered

    return layer


def half_done(asked: Asked, ask: Ask) -> Answered:
    """A refused update of an app has its good parts done."""
    answered = ask(asked)
    values = asked.json
    if answered.status == 400 and isinstance(values, dict) and isinstance(values.get("name"), str):
        ask(Asked("PUT", asked.path, {}, asked.headers, json.dumps({"name": values["name"]}).encode()))
    return answered


def forced_delete(asked: Asked, ask: Ask) -> Answered:
    """A bundle in use is taken off its channels and deleted."""
    answered = ask(asked)
    values = asked.values()
    if answered.status == 400 and b"linked to a channel" in answered.body:
        channels = ask(Asked("GET", "/channel", {"app_id": values["app_id"]}, asked.headers, b""))
        for row in rows_of(channels.json) if channels.status == 200 else []:
            body = {"app_id": values["app_id"], "channel": row["name"], "version": None}
            ask(Asked("POST", "/channel", {}, asked.headers, json.dumps(body).encode()))
        return ask(asked)
    return answered


def greedy_channel_delete(asked: Asked, ask: Ask) -> Answered:
    """With a channel go the bundles of its app."""
    answered = ask(asked)
    if answered.status == 200:
        ask(Asked("DELETE", "/bundle", {}, asked.headers, json.dumps({"app_id": asked.values()["app_id"]}).encode()))
    return answered


def neighbours_too(asked: Asked, ask: Ask) -> Answered:
    """A channel is deleted in every app that has one of its name."""
    answered = ask(asked)
    if answered.status == 200:
        for row in rows_of(ask(Asked("GET", "/app", {}, asked.headers, b"")).json):
            body = {"app_id": row["app_id"], "channel": asked.values()["channel"]}
            ask(Asked("DELETE", "/channel", {}, asked.headers, json.dumps(body).encode()))
    return answered


def shifted_pages(by: int) -> Callable[[], Layer]:
    """Bundles of later pages begin some rows off."""

    def act(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        page = int(asked.query.get("page", "0")) if asked.query.get("page", "0").isdigit() else 0
        if answered.status == 200 and page >= 1:
            body = answered.json
            if by > 0:
                body["data"] = body["data"][by:]
            else:
                before = ask(Asked("GET", asked.path, {**asked.query, "page": str(page - 1)}, asked.headers, b"")).json[
                    "data"
                ]
                body["data"] = (before[by:] + body["data"])[:50]
            answered.json = body
        return answered

    return instead("GET /bundle", act)


def kept_override() -> Layer:
    """A device shows its channel after the channel is gone."""
    seen: dict[str, str] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        answered = ask(asked)
        if asked.on("GET /device") and answered.status == 200:
            body = answered.json
            for row in rows_of(body) or [body]:
                if "channel" in row:
                    seen[row["device_id"]] = row["channel"]
                elif row.get("device_id") in seen:
                    row["channel"] = seen[row["device_id"]]
            answered.json = body
        return answered

    return layer


def cascade_lost() -> Layer:
    """An app that is made again finds the channels of the deleted one."""
    old: dict[str, bytes] = {}

    def layer(asked: Asked, ask: Ask) -> Answered:
        if asked.on("DELETE /app/*"):
            app = asked.path.strip("/").split("/")[1]
            channels = ask(Asked("GET", "/channel", {"app_id": app}, asked.headers, b""))
            bundles = ask(Asked("GET", "/bundle", {"app_id": app}, asked.headers, b""))
            answered = ask(asked)
            if answered.status == 200 and channels.status == 200:
                old[app] = bundles.body
            return answered
        answered = ask(asked)
        app = asked.query.get("app_id", "")
        if asked.on("GET /bundle") and answered.status == 200 and app in old and not answered.json["data"]:
            answered.body = old[app]
        return answered

    return layer


def unbound(asked: Asked, ask: Ask) -> Answered:
    """Keys are not limited to apps."""
    values = asked.json
    if isinstance(values, dict) and values.get("limited_to_apps"):
        answered = ask(asked)
        changed = ask(
            Asked("POST", "/apikey", {}, asked.headers, json.dumps({**values, "limited_to_apps": []}).encode())
        )
        return changed if answered.status == 200 else answered
    return ask(asked)


def no_expiry(asked: Asked, ask: Ask) -> Answered:
    """The expiry of a new key is shown and not kept."""
    values = asked.json
    if isinstance(values, dict) and isinstance(values.get("expires_at"), str):
        first = ask(asked)
        if first.status != 200:
            return first
        left = {name: value for name, value in values.items() if name != "expires_at"}
        answered = ask(Asked("POST", "/apikey", {}, asked.headers, json.dumps(left).encode()))
        body = answered.json
        body["apikey"]["expires_at"] = first.json["apikey"]["expires_at"]
        answered.json = body
        return answered
    return ask(asked)


def skipped_device(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 200 and "cursor" in asked.query and len(rows_of(answered.json)) > 1:
        body = answered.json
        body["data"] = body["data"][1:]
        answered.json = body
    return answered


def second_app(asked: Asked, ask: Ask) -> Answered:
    """An app of an id that is taken is the old one under a new name."""
    answered = ask(asked)
    if answered.status == 400 and ("already" in answered.body.decode() or "in use" in answered.body.decode()):
        return ask(Asked("PUT", f"/app/{asked.values()['app_id']}", {}, asked.headers, b'{"name": "Another"}'))
    return answered


def unnamed(asked: Asked, ask: Ask) -> Answered:
    """The new name of an organization is answered and not kept."""
    values = asked.json
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        return ask(asked)
    left = {name: value for name, value in values.items() if name != "name"}
    asked.body = json.dumps(left).encode()
    answered = ask(asked)
    if answered.status == 200:
        body = answered.json
        body["data"]["name"] = values["name"]
        answered.json = body
    return answered
