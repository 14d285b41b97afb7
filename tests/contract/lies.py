"""Lies about one request: another key, other parameters, another answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contract.wrong import (
    FULL,
    Answered,
    Ask,
    Asked,
    Layer,
    headers,
    instead,
    rows_of,
)

ENTERPRISE, EXPIRED, HASHED = (f"c0ffee00-0000-4000-8000-00000000000{number}" for number in (4, 5, 6))
KO = {"error": "Not allowed", "status": "KO"}
COURIER = "com.example.courier"
JSON = {"content-type": "application/json"}


def renamed_query(route: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Callable[[], Layer]:
    """A route that reads its parameters otherwise."""

    def act(asked: Asked, ask: Ask) -> Answered:
        first = ask(asked)
        if first.status != 200:
            return first
        asked.query = change(dict(asked.query))
        return ask(asked)

    return instead(route, act)


def live_refusals(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 403:
        answered.json = {"error": "cannot_access_app", "message": "You can't access this app", "moreInfo": {}}
    return answered


def drops_unknown(asked: Asked, ask: Ask) -> Answered:
    """Members that the contract does not have are passed over."""
    values = asked.json
    if isinstance(values, dict):
        known = {"app_id", "version", "external_url", "checksum", "session_key", "key_id"}
        asked.body = json.dumps({key: value for key, value in values.items() if key in known}).encode()
    return ask(asked)


def key_before_contract(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 401 and isinstance(asked.json, dict) and "unknown" in asked.json:
        answered.status = 400
    return answered


def bearer(asked: Asked, ask: Ask) -> Answered:
    value = asked.headers.get("authorization", "")
    if value.startswith("Bearer "):
        asked.headers = {**asked.headers, "authorization": value.removeprefix("Bearer ")}
    return ask(asked)


def lower_case_keys(asked: Asked, ask: Ask) -> Answered:
    asked.headers = {**asked.headers, "authorization": asked.headers.get("authorization", "").lower()}
    return ask(asked)


def shut_slash(asked: Asked, ask: Ask) -> Answered:
    if asked.path == "/bundle":
        return Answered(307, {"location": "/bundle/"}, b"")
    return ask(asked)


def head_with_body(asked: Asked, ask: Ask) -> Answered:
    if asked.method == "HEAD":
        asked.method = "GET"
    return ask(asked)


def foreign_in_list(body: Any) -> Any:
    rows = rows_of(body)
    if rows:
        rows.append({**rows[0], "app_id": COURIER, "owner_org": "0c0ffee0-0000-4000-8000-00000000a002"})
    return body


def leaky(answered: dict[str, str]) -> None:
    answered["x-debug"] = f"key={FULL}"


def everywhere(act: Callable[[Asked, Ask], Answered]) -> Callable[[], Layer]:
    return lambda: act


def expired_accepted(asked: Asked, ask: Ask) -> Answered:
    if asked.key == EXPIRED:
        asked.headers = {**asked.headers, "authorization": FULL, "x-api-key": FULL}
    return ask(asked)


def reachable_neighbour(asked: Asked, ask: Ask) -> Answered:
    if asked.key == ENTERPRISE and asked.query.get("app_id", "").startswith("dev."):
        asked.headers = {**asked.headers, "authorization": FULL, "x-api-key": FULL}
    return ask(asked)


def hashed_shown(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 200 and asked.method == "GET":
        body = answered.json
        for row in rows_of(body):
            if row["key"] is None:
                row["key"] = HASHED
        answered.json = body
    return answered


def empty_day(body: Any) -> Any:
    return body[:1] + body[2:] if isinstance(body, list) and len(body) > 2 else body


def date_after(status: int) -> Callable[[], Layer]:
    return headers(status, lambda h: h.update({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}))


def offers_anyway(asked: Asked, ask: Ask) -> Answered:
    """Production builds are offered bundles where the channel says that they are not."""
    answered = ask(asked)
    if (answered.json or {}).get("error") == "disable_prod_build":
        answered.json = {"version": "1.1.0", "url": "https://x.example/1.1.0.zip", "checksum": "x"}
    return answered


def gone_quiet(asked: Asked, ask: Ask) -> Answered:
    """A deletion is answered with 204 and nothing."""
    answered = ask(asked)
    return Answered(204, {}, b"") if answered.status == 200 else answered


def not_allowed(asked: Asked, ask: Ask) -> Answered:
    return Answered(405, dict(JSON), b'{"error":"x","status":"KO"}') if asked.method == "PATCH" else ask(asked)


def page_of_html(asked: Asked, ask: Ask) -> Answered:
    return Answered(404, {"content-type": "text/html"}, b"<h1>No</h1>") if asked.path == "/nope" else ask(asked)


def fails_on_broken_json(asked: Asked, ask: Ask) -> Answered:
    return ask(asked) if asked.json is not None else Answered(500, dict(JSON), b'{"error":"x","status":"KO"}')


def pageless(asked: Asked, ask: Ask) -> Answered:
    """A page that is no number is taken for none."""
    asked.query.pop("page", None)
    return ask(asked)


def one_header_only(asked: Asked, ask: Ask) -> Answered:
    asked.headers.pop("x-api-key", None)
    return ask(asked)


def only_full_keys(asked: Asked, ask: Ask) -> Answered:
    return ask(asked) if asked.key == FULL else Answered(403, dict(JSON), json.dumps(KO).encode())


def tells_absence(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 403 and "absent" in asked.path:
        answered.json = {"error": "App does not exist", "status": "KO"}
    return answered


def repeats_the_key(asked: Asked, ask: Ask) -> Answered:
    answered = ask(asked)
    if answered.status == 403:
        answered.json = {"error": f"{asked.key} may not", "status": "KO"}
    return answered


def from_one(query: dict[str, str]) -> dict[str, str]:
    """Pages counted from 1."""
    return {**query, "page": str(max(0, int(query["page"]) - 1))} if "page" in query else query


def dropping(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """A query without a parameter."""
    return lambda query: {key: value for key, value in query.items() if key != name}


def drop_header(name: str) -> Callable[[dict[str, str]], None]:
    def change(found: dict[str, str]) -> None:
        found.pop(name, None)

    return change
