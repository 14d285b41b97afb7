"""The catalogue of wrong servers: each one small lie, and each has to be found out.

Not written for the layers but from what goes wrong with servers; a finding that names the operation has to follow.
"""

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
    Wrong,
    answers,
    each,
    having,
    headers,
    instead,
    outcome,
    rows_of,
    with_key,
    without,
)

ENTERPRISE, EXPIRED, HASHED = (f"c0ffee00-0000-4000-8000-00000000000{number}" for number in (4, 5, 6))
KO = {"error": "Not allowed", "status": "KO"}
COURIER = "com.example.courier"


# -- lies that need a memory


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
        probe = ask(Asked("GET", "/app", {}, asked.headers, b""))
        if probe.status != 200 or not isinstance(asked.json, dict):
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
    if answered.status == 400 and "version" in values:
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


CATALOGUE: tuple[Wrong, ...] = (
    # Shape
    Wrong("a field dropped", answers("GET /app/*", without("retention")), ("schema/getApp",)),
    Wrong("a field dropped from one list", answers("GET /bundle", without("checksum")), ("schema/listBundles",)),
    Wrong("a number as text", answers("GET /channel", having("id", str)), ("schema/listChannels",)),
    Wrong("null where there is always a value", answers("GET /app", having("owner_org", None)), ("schema/listApps",)),
    Wrong("a field too many", answers("GET /apikey", each(lambda row: row.update(user_id="x"))), ("schema/listApiKeys",)),
    Wrong("another form of time", answers("GET /organization", having("created_at", lambda t: t.replace("Z", ".000Z"))), ("schema/getOrganizations",)),
    Wrong("text for a boolean", answers("GET /channel", having("public", lambda b: str(b).lower())), ("schema/listChannels",)),
    Wrong("an enum in capitals", answers("GET /device", having("platform", str.upper)), ("lifecycle/pages-of-devices",)),
    Wrong("identifiers in capitals", answers("GET /organization/members", having("uid", str.upper)), ("schema/listOrganizationMembers",)),
    Wrong("a cursor where nothing follows", answers("GET /device", lambda b: {**b, "nextCursor": "x"} if "hasMore" in b else b), ("schema/getDevices",)),
    Wrong("another content type", headers(200, lambda h: h.update({"content-type": "text/plain"}), "GET /channel"), ("schema/listChannels",)),
    Wrong("the list of the other dialect", answers("GET /app", lambda b: b["data"]), ("schema/listApps",)),
    Wrong("refusals of the other dialect", everywhere(live_refusals), ("access/getApp-by-role",)),
    Wrong("a refusal without its status", answers("POST /bundle", lambda b: {"error": b["error"]}, 400), ("refusal/createBundle",)),
    Wrong("broken JSON", instead("GET /ok", lambda asked, ask: Answered(200, {"content-type": "application/json"}, b'{"status":')), ("schema/getHealth",)),
    Wrong("an answer to the wrong question", answers("GET /app/*", lambda b: {"data": {**b["data"], "app_id": "dev.other"}}), ("schema/getApp",)),
    Wrong("days left out", answers("GET /statistics/app/*", empty_day), ("schema/getAppStatistics",)),
    Wrong("figures not added up", renamed_query("GET /statistics/org/*", lambda q: {**q, "noAccumulate": "true"}), ("schema/statistics-agree",)),
    # Statuses and routes
    Wrong("201 for 200", outcome("POST /app", 200, 201), ("schema/createApp",)),
    Wrong("204 without a body", instead("DELETE /channel", lambda a, ask: (lambda r: Answered(204, {}, b"") if r.status == 200 else r)(ask(a))), ("schema/deleteChannel",)),
    Wrong("422 for 400", outcome("PUT /app/*", 400, 422), ("refusal/updateApp",)),
    Wrong("200 for what does not exist", outcome("DELETE /channel", 404, 200, {"status": "ok"}), ("refusal/unknown-things",)),
    Wrong("404 for 403", outcome("GET /bundle", 403, 404, KO), ("access/listBundles",)),
    Wrong("401 for 403", outcome("GET /device", 403, 401, {"error": "Invalid API key", "status": "KO"}), ("access/getDevices",)),
    Wrong("405 for another method", everywhere(lambda a, ask: Answered(405, {"content-type": "application/json"}, b'{"error":"x","status":"KO"}') if a.method == "PATCH" else ask(a)), ("refusal/routes",)),
    Wrong("a page of HTML for an unknown route", everywhere(lambda a, ask: Answered(404, {"content-type": "text/html"}, b"<h1>No</h1>") if a.path == "/nope" else ask(a)), ("refusal/routes",)),
    Wrong("a redirect to the slash", everywhere(shut_slash), ("schema/ways-to-ask",)),
    Wrong("HEAD with a body", everywhere(head_with_body), ("schema/ways-to-ask",)),
    # Input
    Wrong("unknown members passed over", instead("POST /bundle", drops_unknown), ("refusal/createBundle",)),
    Wrong("a failure on broken JSON", instead("POST /channel", lambda a, ask: ask(a) if a.json is not None else Answered(500, {"content-type": "application/json"}, b'{"error":"x","status":"KO"}')), ("refusal/upsertChannel",)),
    Wrong("a bad page taken for none", instead("GET /channel", lambda a, ask: (a.query.pop("page", None), ask(a))[1]), ("refusal/listChannels",)),
    Wrong("a large body taken", outcome("POST /app", 413, 400), ("refusal/body-limit",)),
    Wrong("a refused change half done", instead("PUT /app/*", half_done), ("refusal/updateApp",)),
    Wrong("the contract before the key", everywhere(key_before_contract), ("refusal/order-of-checks",)),
    # Access
    Wrong("a permission ignored on a write", with_key("DELETE /bundle"), ("access/deleteBundle-by-role",)),
    Wrong("a permission ignored on a read", with_key("GET /device"), ("access/getDevices-by-role",)),
    Wrong("another tenant's rows reachable", everywhere(reachable_neighbour), ("access/listBundles-by-role",)),
    Wrong("another tenant's rows in a list", answers("GET /app", foreign_in_list), ("schema/listApps",)),
    Wrong("an expired key accepted", everywhere(expired_accepted), ("access/getApp-without-key",)),
    Wrong("keys behind a scheme accepted", everywhere(bearer), ("access/getApp-without-key",)),
    Wrong("keys in any case accepted", everywhere(lower_case_keys), ("access/getApp-without-key",)),
    Wrong("one header of two ignored", everywhere(lambda a, ask: (a.headers.pop("x-api-key", None), ask(a))[1]), ("schema/ways-to-ask",)),
    Wrong("a right refused", instead("POST /bundle", lambda a, ask: ask(a) if a.key == FULL else Answered(403, {"content-type": "application/json"}, json.dumps(KO).encode())), ("access/createBundle-by-role",)),
    Wrong("absence told from reach", instead("GET /app/*", lambda a, ask: (lambda r: r if r.status != 403 or "absent" not in a.path else Answered(403, r.headers, b'{"error":"App does not exist","status":"KO"}'))(ask(a))), ("access/lists-are-filtered",)),
    Wrong("a key in a header", headers(200, leaky, "GET /app"), ("schema/listApps",)),
    Wrong("a hashed key shown", instead("GET /apikey", hashed_shown), ("schema/listApiKeys",)),
    Wrong("the key repeated in a refusal", instead("GET /app/*", lambda a, ask: (lambda r: r if r.status != 403 else Answered(403, r.headers, json.dumps({"error": f"{a.key} may not", "status": "KO"}).encode()))(ask(a))), ("access/getApp-by-role",)),
    Wrong("an old key goes on", revived_key, ("lifecycle/keys",)),
    Wrong("a key's limits ignored", instead("POST /apikey", unbound), ("access/keys-are-limited",)),
    Wrong("a key that never expires", instead("POST /apikey", no_expiry), ("lifecycle/keys-and-time",)),
    # Limits
    Wrong("a limiter that never fires", never_limited, ("limits/tier-of-the-account",)),
    Wrong("a limiter that fires early", own_limit(90, lambda a: "all", lambda a: bool(a.key)), ("limits/tier-of-the-account",)),
    Wrong("the wrong tier", own_limit(100, lambda a: a.key, lambda a: a.key == ENTERPRISE), ("limits/tier-of-the-neighbour",)),
    Wrong("health limited", own_limit(1, lambda a: "ok", lambda a: a.path == "/ok"), ("limits/shared-by-keys", "schema/getHealth")),
    Wrong("Retry-After too short", headers(429, lambda h: h.update({"retry-after": "5"})), ("limits/tier-of-the-account",)),
    Wrong("Retry-After always the same", headers(429, lambda h: h.update({"retry-after": "60"})), ("limits/tier-of-the-account",)),
    Wrong("Retry-After missing", headers(429, lambda h: h.pop("retry-after", None)), ("limits/tier-of-the-account",)),
    Wrong("Retry-After as a date", date_after(429), ("limits/tier-of-the-account",)),
    Wrong("503 for 429", outcome("* /organization", 429, 503), ("limits/tier-of-the-account",)),
    Wrong("429 in another form", answers("GET /organization", lambda b: {"message": "slow down"}, 429), ("limits/tier-of-the-account",)),
    # State
    Wrong("a lost delete", lost("DELETE /bundle", {"status": "ok"}), ("lifecycle/chains", "access/deleteBundle")),
    Wrong("a lost change", lost("PUT /app/*", {"data": 1}), ("lifecycle/chains",)),
    Wrong("a lost promotion", lost("PUT /bundle", {"status": "success", "message": "Bundle 1.0.0 set to channel stable"}), ("lifecycle/chains",)),
    Wrong("a lost channel", lost("POST /channel", {"status": "ok"}), ("schema/upsertChannel",)),
    Wrong("a stale list", stale("GET /channel", 2), ("lifecycle/chains",)),
    Wrong("a stale object", stale("GET /app/*", 1), ("lifecycle/chains",)),
    Wrong("a name given twice", outcome("POST /bundle", 400, 200, {"status": "ok"}), ("refusal/createBundle", "lifecycle/chains")),
    Wrong("a second app of one id", instead("POST /app", lambda a, ask: (lambda r: r if r.status != 400 or "already" not in r.body.decode() and "in use" not in r.body.decode() else ask(Asked("PUT", f"/app/{a.values()['app_id']}", {}, a.headers, b'{"name": "Another"}')))(ask(a))), ("lifecycle/chains",)),
    Wrong("pages that lose a row", shifted_pages(1), ("lifecycle/pages-of-bundles",)),
    Wrong("pages that repeat a row", shifted_pages(-1), ("lifecycle/pages-of-bundles",)),
    Wrong("pages counted from 1", renamed_query("GET /channel", lambda q: {**q, "page": str(max(0, int(q["page"]) - 1))} if "page" in q else q), ("lifecycle/pages-of-channels",)),
    Wrong("a limit ignored", renamed_query("GET /app", lambda q: {k: v for k, v in q.items() if k != "limit"}), ("lifecycle/pages-of-apps",)),
    Wrong("a cursor that skips", instead("GET /device", skipped_device), ("lifecycle/pages-of-devices",)),
    Wrong("a filter ignored", renamed_query("GET /device", lambda q: {k: v for k, v in q.items() if k != "customIdMode"}), ("lifecycle/pages-of-devices",)),
    Wrong("two public channels", many_public, ("lifecycle/chains",)),
    Wrong("a bundle in use deleted", instead("DELETE /bundle", forced_delete), ("lifecycle/chains",)),
    Wrong("too much deleted with a channel", instead("DELETE /channel", greedy_channel_delete), ("lifecycle/cascades",)),
    Wrong("neighbours changed", instead("DELETE /channel", neighbours_too), ("lifecycle/neighbours-untouched",)),
    Wrong("a cascade lost", cascade_lost, ("lifecycle/cascades",)),
    Wrong("an override kept", kept_override, ("lifecycle/overrides",)),
    Wrong("an override on a public channel", outcome("POST /device", 400, 200, {"status": "ok"}), ("refusal/linkDevice", "lifecycle/overrides")),
    Wrong("a role not kept", answers("GET /organization/members", having("role", lambda r: "invite_read" if r.startswith("invite_") else r)), ("lifecycle/members",)),
    Wrong("a member not removed", lost("DELETE /organization/members", {"status": "OK"}), ("lifecycle/members",)),
    Wrong("an organization's name not kept", lost("PUT /organization", {"status": "Organization updated", "x": 1}), ("schema/updateOrganization",)),
    Wrong("a second organization of one name", outcome("POST /organization", 400, 200, {"status": "ok", "id": "0c0ffee0-0000-4000-8000-00000000dead"}), ("refusal/createOrganization", "lifecycle/organizations")),
    Wrong("a device offered what it may not have", instead("POST /updates", offers_anyway), ("device/offers",)),
)  # fmt: skip

BY_NAME = {wrong.name: wrong for wrong in CATALOGUE}
