"""Finer lies: about one route, one member or one key, or only now and then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.contract.lies import COURIER, ENTERPRISE, JSON, KO
from tests.contract.wrong import FULL, Answered, Ask, Asked, Layer, instead, rows_of

READER, HASHED = "c0ffee00-0000-4000-8000-000000000002", "c0ffee00-0000-4000-8000-000000000006"
KEYS = ("authorization", "x-api-key")


def refusing(status: int, when: Callable[[Asked], bool], said: str = "Not allowed") -> Callable[[], Layer]:
    """A refusal of what should be looked at."""

    def act(asked: Asked, ask: Ask) -> Answered:
        body = json.dumps({**KO, "error": said}).encode()
        return Answered(status, dict(JSON), body) if when(asked) else ask(asked)

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


def any_case(asked: Asked, ask: Ask) -> Answered:
    """A channel is found by its name in any case."""
    answered = ask(asked)
    name = asked.values().get("channel")
    if answered.status == 404 and isinstance(name, str):
        listed = ask(Asked("GET", "/channel", {"app_id": str(asked.values()["app_id"])}, asked.headers, b""))
        for row in rows_of(listed.json):
            if row["name"].lower() == name.lower():
                return ask(
                    Asked(
                        asked.method, asked.path, {"app_id": row["app_id"], "channel": row["name"]}, asked.headers, b""
                    )
                )
    return answered


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


def shifted_days(asked: Asked, ask: Ask) -> Answered:
    """Figures are those of the day before."""
    answered = ask(asked)
    body = answered.json
    if answered.status == 200 and isinstance(body, list) and len(body) > 1:
        figures = [{name: value for name, value in row.items() if name != "date"} for row in body]
        answered.json = [{**row, **moved} for row, moved in zip(body, [figures[-1], *figures[:-1]], strict=True)]
    return answered


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


def without_channel(asked: Asked, ask: Ask) -> Answered:
    """A device that follows no channel is offered something all the same."""
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


def unlinked(asked: Asked, ask: Ask) -> Answered:
    """A device is asked about as if it were another one, to which nothing is linked."""
    values = asked.json
    if isinstance(values, dict) and isinstance(values.get("device_id"), str):
        asked.body = json.dumps({**values, "device_id": "d1ce0000-0000-4000-8000-0000000fffff"}).encode()
    return ask(asked)


def subkey_passed_over(asked: Asked, ask: Ask) -> Answered:
    """The header that names a lesser key is not looked at."""
    asked.headers = {name: value for name, value in asked.headers.items() if name != "x-limited-key-id"}
    return ask(asked)


def clamped(asked: Asked, ask: Ask) -> Answered:
    """A limit that is too high is taken for the highest."""
    if asked.query.get("limit") == "1001":
        asked.query = {**asked.query, "limit": "1000"}
    return ask(asked)


def marked(asked: Asked, ask: Ask) -> Answered:
    """A byte order mark stands before every answer."""
    answered = ask(asked)
    answered.body = b"\xef\xbb\xbf" + answered.body if answered.body else b""
    return answered


def no_numbers(asked: Asked, ask: Ask) -> Answered:
    """Bandwidth is not a number, in the word of JavaScript, which JSON does not have."""
    answered = ask(asked)
    body = answered.json
    if asked.path.startswith("/statistics/") and answered.status == 200 and isinstance(body, list):
        answered.json = [{**row, "bandwidth": float("nan")} for row in body]
    return answered


def beginning(asked: Asked, ask: Ask) -> Answered:
    """Of a key only as much is read as a key has."""
    asked.headers = {name: value[:36] if name in KEYS else value for name, value in asked.headers.items()}
    return ask(asked)


def other_figures(asked: Asked, ask: Ask) -> Answered:
    """Every app has the figures of one."""
    if asked.path.strip("/").split("/")[-1].startswith("dev."):
        asked.path = "/statistics/app/com.example.shop"
    return ask(asked)


def enterprise_too(asked: Asked, ask: Ask) -> Answered:
    """What is a neighbour's is shown to who may do everything."""
    if asked.key == FULL and asked.query.get("app_id") == COURIER:
        asked.headers = {**asked.headers, **dict.fromkeys(KEYS, ENTERPRISE)}
    return ask(asked)


def last_page(asked: Asked, ask: Ask) -> Answered:
    """Behind the last page comes the last page again."""
    answered = ask(asked)
    page = asked.query.get("page", "0")
    while answered.status == 200 and answered.json == [] and page.isdecimal() and int(page) > 0:
        page = str(int(page) - 1)
        answered = ask(Asked(asked.method, asked.path, {**asked.query, "page": page}, asked.headers, b""))
    return answered
