"""Finer wrong servers: each departs on one route, in one member, for one key, or only now and then."""

from __future__ import annotations

from tests.contract.fine_lies import (
    HASHED,
    READER,
    also,
    any_case,
    as_full,
    audit_silent,
    audit_unfiltered,
    body_changed,
    deaf_delete,
    eager_webhook,
    extended,
    first_page_only,
    for_others,
    forgetting,
    forgiving,
    ignored_expiry_change,
    kept_deliveries,
    lax_media,
    mightier,
    moving_creation,
    offering,
    older,
    other_file,
    public_of_one_platform,
    refusing,
    rows_changed,
    same_value,
    second_delete,
    secret_again,
    shifted_days,
    swapped_words,
    turning,
)
from tests.contract.lies import COURIER, ENTERPRISE, EXPIRED, drop_header, dropping, everywhere, renamed_query
from tests.contract.lies_of_state import lost, own_limit, stale
from tests.contract.wrong import FULL, Wrong, answers, each, having, headers, instead, outcome, with_key

OK = {"status": "ok"}

FINE: tuple[Wrong, ...] = (
    # Shape
    Wrong("no content type", headers(200, drop_header("content-type"), "GET /device"), ("schema/getDevices",)),
    Wrong(
        "refusals as plain text", headers(403, lambda h: h.update({"content-type": "text/plain"})), ("access/getApp",)
    ),
    Wrong("an inner field leaked", answers("GET /organization/members", each(lambda row: row.update(hash="x")))),
    Wrong("figures as text", answers("GET /statistics/app/*", each(lambda row: row.update(mau=str(row["mau"]))))),
    Wrong("moments for days", answers("GET /statistics/org/*", having("date", lambda day: f"{day}T00:00:00Z"))),
    Wrong("times with an offset", answers("GET /bundle", having("updated_at", lambda t: t.replace("Z", "+00:00")))),
    Wrong("identifiers as text", answers("GET /apikey", having("id", str))),
    Wrong("an error without a sentence", answers("DELETE /bundle", lambda b: {**b, "error": ""}, 404)),
    Wrong("an error with a member too many", answers("GET /app/*", lambda b: {**b, "code": 1}, 403)),
    Wrong("a lower-case status", answers("POST /app", lambda b: {**b, "status": "ko"}, 400)),
    Wrong("an error answered 200", outcome("GET /channel", 404, 200)),
    Wrong("a refusal answered 200", outcome("PUT /bundle", 400, 200)),
    Wrong("a promotion misreported", instead("PUT /bundle", swapped_words)),
    Wrong("HEAD not served", everywhere(lambda a, ask: refusing(404, lambda x: x.method == "HEAD")()(a, ask))),
    Wrong("bodies only as JSON", everywhere(lax_media)),
    Wrong("a deletion that reads no query", instead("DELETE /channel", deaf_delete)),
    Wrong(
        "writes without the slash not served",
        refusing(404, lambda a: a.method == "POST" and a.path in ("/app", "/bundle", "/channel")),
    ),
    # Lists
    Wrong("a page of 49", rows_changed("GET /bundle", lambda rows: rows[:49])),
    Wrong("a page of 51", renamed_query("GET /app", lambda q: {**q, "limit": q.get("limit", "51")})),
    Wrong("never more", answers("GET /device", lambda b: {"data": b["data"], "hasMore": False} if "data" in b else b)),
    Wrong("a list in changing order", turning("GET /channel")),
    Wrong("bundles in changing order", turning("GET /bundle")),
    Wrong("a cursor passed over", renamed_query("GET /device", dropping("cursor"))),
    Wrong("an organization's filter ignored", renamed_query("GET /app", dropping("org_id"))),
    Wrong("a device's filter ignored", renamed_query("GET /device", dropping("device_id"))),
    Wrong("running totals always", renamed_query("GET /statistics/app/*", dropping("noAccumulate"))),
    Wrong("channels in any case", instead("GET /channel", any_case)),
    Wrong("a channel deleted in any case", instead("DELETE /channel", any_case)),
    # Writes
    Wrong(
        "a change that resets the rest",
        body_changed("PUT /app/*", lambda v: {"retention": 2592000, **v} if "name" in v else v),
    ),
    Wrong(
        "a channel's rest reset",
        body_changed("POST /channel", lambda v: {"allow_emulator": True, "allow_dev": True, **v}),
    ),
    Wrong("an icon not kept", body_changed("PUT /app/*", forgetting("icon"))),
    Wrong("a retention not kept", body_changed("PUT /app/*", forgetting("retention"))),
    Wrong("a provider's block not kept", body_changed("PUT /app/*", forgetting("block_provider_infra_requests"))),
    Wrong("a logo not kept", body_changed("PUT /organization", forgetting("logo"))),
    Wrong("a share not kept", body_changed("POST /channel", forgetting("rolloutPercentageBps"))),
    Wrong("a policy not kept", body_changed("POST /channel", forgetting("disableAutoUpdate"))),
    Wrong("an alias not known", body_changed("POST /channel", forgetting("rollout_percentage"))),
    Wrong("an expiry not changed", instead("PUT /apikey/*", ignored_expiry_change)),
    Wrong("a key not renewed", instead("PUT /apikey/*", same_value)),
    Wrong("two bundles deleted for one", instead("DELETE /bundle", second_delete)),
    Wrong("only a page of bundles deleted", instead("DELETE /bundle", first_page_only)),
    Wrong("an override not removed", lost("DELETE /device", OK)),
    Wrong("an override not set", lost("POST /device", OK)),
    Wrong("metadata renames", moving_creation),
    Wrong("a stale device", stale("GET /device", 1)),
    Wrong("stale keys", stale("GET /apikey", 1)),
    Wrong("stale members", stale("GET /organization/members", 1)),
    Wrong(
        "an app made public",
        also("POST /app", "POST", "/channel", lambda a: {"app_id": a.values()["app_id"], "channel": "production"}),
    ),
    Wrong(
        "a promotion that publishes",
        also("PUT /bundle", "POST", "/channel", lambda a: {
            "app_id": a.values()["app_id"], "channel": "stable", "public": True,
        }),
    ),
    # Access
    Wrong("an expired key on one route", as_full("GET /statistics/app/*", {EXPIRED})),
    Wrong("a neighbour reads statistics", with_key("GET /statistics/app/*")),
    Wrong("a neighbour reads usage", with_key("GET /statistics/app/*/bundle_usage")),
    Wrong("a neighbour lists members", with_key("GET /organization/members")),
    Wrong("a reader writes metadata", as_full("POST /bundle/metadata", {READER})),
    Wrong("a reader removes overrides", as_full("DELETE /device", {READER})),
    Wrong("hashed keys not known", refusing(401, lambda a: a.key == HASHED)),
    Wrong("404 for an unknown key", outcome("GET /organization/members", 401, 404)),
    Wrong("403 for an unknown key", outcome("POST /device", 401, 403)),
    Wrong("a new key with every right", instead("POST /apikey", mightier)),
    Wrong("a limited key lists everything", as_full("GET /app", {READER})),
    Wrong("somebody else's keys", instead("GET /apikey/*", lambda a, ask: as_full("* *", {ENTERPRISE})()(a, ask))),
    # Limits
    Wrong("Retry-After too long", headers(429, extended(3)), ("limits/tier-of-the-account",)),
    Wrong("Retry-After of nothing", headers(429, lambda h: h.update({"retry-after": "0"}))),
    Wrong("Retry-After in fractions", headers(429, lambda h: h.update({"retry-after": h["retry-after"] + ".5"}))),
    Wrong("a budget for each key", everywhere(for_others)),
    Wrong("a budget that is renewed too early", forgiving),
    Wrong("one request too few", own_limit(99, lambda a: a.key, lambda a: a.key == FULL)),
    Wrong(
        "reads limited alone",
        lambda: lambda a, ask: (
            refusing(400, lambda x: x.method != "GET")()(a, ask) if ask(a).status == 429 else ask(a)
        ),
    ),
    # Statistics
    Wrong("figures of the day before", instead("GET /statistics/app/*", shifted_days)),
    Wrong("days backwards", rows_changed("GET /statistics/org/*", lambda rows: rows[::-1])),
    Wrong("the last day too", rows_changed("GET /statistics/app/*", lambda rows: [*rows, *rows[-1:]])),
    Wrong("the first day left out", rows_changed("GET /statistics/user", lambda rows: rows[1:])),
    Wrong("no breakdown", renamed_query("GET /statistics/org/*", dropping("breakdown"))),
    # Odd input
    Wrong("a failure on other letters", refusing(500, lambda a: not a.body.isascii() or b"\\u" in a.body)),
    Wrong("a failure on a long name", refusing(500, lambda a: 2000 < len(a.body) < 100_000)),
    Wrong("a failure on an unknown parameter", refusing(500, lambda a: "unknown" in a.query)),
    Wrong("a repeated parameter taken", renamed_query("GET /channel", lambda q: dict(q, app_id=q.get("app_id", "")))),
    # Devices
    Wrong("a rollback offered", offering("disable_auto_update_under_native")),
    Wrong("a major step offered", offering("disable_auto_update_to_major")),
    Wrong("a minor step offered", offering("disable_auto_update_to_minor")),
    Wrong("a patch offered", offering("disable_auto_update_to_patch")),
    Wrong("what it has offered again", offering("no_new_version_available")),
    Wrong("an old bundle offered", instead("POST /updates", older)),
    Wrong("another file offered", instead("POST /updates", other_file)),
    Wrong("a bundle without a channel", instead("POST /updates", public_of_one_platform)),
    # Live
    Wrong("a silent audit", instead("GET /organization/audit", audit_silent), dialect="live"),
    Wrong("an audit unfiltered", instead("GET /organization/audit", audit_unfiltered), dialect="live"),
    Wrong("a secret shown again", secret_again, dialect="live"),
    Wrong("deliveries that outlive", kept_deliveries, dialect="live"),
    Wrong("a webhook told too much", instead("POST /webhooks", eager_webhook), dialect="live"),
    Wrong("a webhook not deleted", lost("DELETE /webhooks", {"status": "Webhook deleted"}), dialect="live"),
    Wrong("a note not kept", lost("POST /bundle/metadata", OK), dialect="live"),
)
