"""Finer wrong servers: each departs on one route, in one member, for one key, or only now and then."""

from __future__ import annotations

from tests.contract import fine_lies as fine
from tests.contract import fine_lies_of_state as state
from tests.contract.fine_lies import as_full, body_changed, forgetting, offering, refusing, rows_changed
from tests.contract.lies import ENTERPRISE, EXPIRED, drop_header, dropping, everywhere, renamed_query
from tests.contract.lies_of_state import lost, own_limit, stale
from tests.contract.wrong import FULL, Wrong, answers, each, having, headers, instead, outcome, with_key

OK = {"status": "ok"}
UNKNOWN = "Invalid API key"
TIER = ("limits/tier-of-the-account",)
SENT = ("lifecycle/only-what-is-sent",)
WAYS = ("schema/ways-to",)

SHAPE = (
    Wrong("no content type", headers(200, drop_header("content-type"), "GET /device"), ("schema/getDevices",)),
    Wrong(
        "refusals as plain text",
        headers(403, lambda h: h.update({"content-type": "text/plain"})),
        ("access/getApp-by-role",),
    ),
    Wrong(
        "an inner field leaked",
        answers("GET /organization/members", each(lambda row: row.update(hash="x"))),
        ("schema/listOrganizationMembers",),
    ),
    Wrong(
        "figures as text",
        answers("GET /statistics/app/*", each(lambda row: row.update(mau=str(row["mau"])))),
        ("schema/getAppStatistics",),
    ),
    Wrong(
        "moments for days",
        answers("GET /statistics/org/*", having("date", lambda day: f"{day}T00:00:00Z")),
        ("schema/getOrganizationStatistics",),
    ),
    Wrong(
        "times with an offset",
        answers("GET /bundle", having("updated_at", lambda t: t.replace("Z", "+00:00"))),
        ("schema/listBundles",),
    ),
    Wrong("identifiers as text", answers("GET /apikey", having("id", str)), ("schema/listApiKeys",)),
    Wrong(
        "an error without a sentence",
        answers("DELETE /bundle", lambda b: {**b, "error": ""}, 404),
        ("refusal/unknown-things",),
    ),
    Wrong(
        "an error with a member too many",
        answers("GET /app/*", lambda b: {**b, "code": 1}, 403),
        ("access/getApp-by-role",),
    ),
    Wrong("a mark before the JSON", everywhere(fine.marked), ("schema/listApps",)),
    Wrong(
        "another encoding announced",
        headers(200, lambda h: h.update({"content-type": "application/json; charset=latin-1"}), "GET /bundle"),
        ("schema/listBundles",),
    ),
    Wrong("figures that are none", everywhere(fine.no_numbers), ("schema/getAppStatistics",)),
    Wrong("a lower-case status", answers("POST /app", lambda b: {**b, "status": "ko"}, 400), ("refusal/createApp",)),
    Wrong("an error answered 200", outcome("GET /channel", 404, 200), ("refusal/unknown-things",)),
    Wrong("a refusal answered 200", outcome("PUT /bundle", 400, 200), ("refusal/setBundleChannel",)),
    Wrong("a promotion misreported", instead("PUT /bundle", fine.swapped_words), ("lifecycle/chains",)),
    Wrong("HEAD not served", refusing(404, lambda a: a.method == "HEAD"), WAYS),
    Wrong("bodies only as JSON", everywhere(fine.lax_media), WAYS),
    Wrong("a deletion that reads no query", instead("DELETE /channel", fine.deaf_delete), WAYS),
    Wrong(
        "writes without the slash not served",
        refusing(404, lambda a: a.method == "POST" and a.path in ("/app", "/bundle", "/channel")),
        WAYS,
    ),
    Wrong(
        "a failure on other letters",
        refusing(500, lambda a: not a.body.isascii() or b"\\u" in a.body),
        ("lifecycle/chains",),
    ),
    Wrong("a failure on a long body", refusing(500, lambda a: 2000 < len(a.body) < 9000), ("refusal/createApp",)),
)
LISTS = (
    Wrong("a page of 49", rows_changed("GET /bundle", lambda rows: rows[:49]), ("lifecycle/pages-of-bundles",)),
    Wrong(
        "a page of 51",
        renamed_query("GET /app", lambda q: {**q, "limit": q.get("limit", "51")}),
        ("lifecycle/pages-of-apps",),
    ),
    Wrong(
        "never more",
        answers("GET /device", lambda b: {"data": b["data"], "hasMore": False} if "data" in b else b),
        ("lifecycle/pages-of-devices",),
    ),
    Wrong("channels in changing order", state.turning("GET /channel"), WAYS),
    Wrong("bundles in changing order", state.turning("GET /bundle"), WAYS),
    Wrong("a cursor passed over", renamed_query("GET /device", dropping("cursor")), ("lifecycle/pages-of-devices",)),
    Wrong("a filter by organization ignored", renamed_query("GET /app", dropping("org_id")), ("lifecycle/organ",)),
    Wrong("a filter by device ignored", renamed_query("GET /device", dropping("device_id")), ("lifecycle/overrides",)),
    Wrong(
        "running totals always",
        renamed_query("GET /statistics/app/*", dropping("noAccumulate")),
        ("schema/statistics-agree",),
    ),
    Wrong("the last page for ever", instead("GET /channel", fine.last_page), ("lifecycle/pages-of-channels",)),
    Wrong("a limit of 1001 taken", instead("GET /app", fine.clamped), ("refusal/listApps-broken",)),
    Wrong("channels in any case", instead("GET /channel", fine.any_case), ("refusal/unknown-things",)),
    Wrong("a channel deleted in any case", instead("DELETE /channel", fine.any_case), ("refusal/unknown-things",)),
)
WRITES = (
    Wrong(
        "a change that resets the rest",
        body_changed("PUT /app/*", lambda v: {"retention": 2592000, **v} if "name" in v else v),
        SENT,
    ),
    Wrong("a channel's rest reset", body_changed("POST /channel", lambda v: {"allow_emulator": True, **v}), SENT),
    Wrong(
        "a checksum in capitals",
        body_changed("POST /bundle", lambda v: {**v, "checksum": str(v.get("checksum")).upper()}),
        ("schema/createBundle",),
    ),
    Wrong("a stale list of apps", stale("GET /app", 1), ("lifecycle/cascades",)),
    Wrong("a channel of another app found", instead("GET /channel", state.any_app), ("lifecycle/things",)),
    Wrong(
        "an icon not kept from the start",
        body_changed("POST /app", forgetting("icon")),
        ("schema/createApp",),
    ),
    Wrong("every device linked", instead("POST /device", state.of_every_device), ("lifecycle/overrides",)),
    Wrong("every link removed", instead("DELETE /device", state.of_every_device), ("lifecycle/overrides",)),
    Wrong("an icon not kept", body_changed("PUT /app/*", forgetting("icon")), SENT),
    Wrong("a retention not kept", body_changed("PUT /app/*", forgetting("retention")), ("schema/updateApp",)),
    Wrong("a logo not kept", body_changed("PUT /organization", forgetting("logo")), ("schema/updateOrganization",)),
    Wrong(
        "a share not kept",
        body_changed("POST /channel", forgetting("rolloutPercentageBps")),
        ("lifecycle/rollouts",),
    ),
    Wrong("a policy not kept", body_changed("POST /channel", forgetting("disableAutoUpdate")), SENT),
    Wrong(
        "an alias not known",
        body_changed("POST /channel", forgetting("rollout_percentage")),
        ("lifecycle/rollouts",),
    ),
    Wrong("an expiry not changed", instead("PUT /apikey/*", fine.ignored_expiry_change), ("refusal/updateApiKey-b",)),
    Wrong("a key not renewed", instead("PUT /apikey/*", fine.same_value), ("lifecycle/keys",)),
    Wrong("two bundles deleted for one", instead("DELETE /bundle", state.second_delete), ("lifecycle/cascades",)),
    Wrong(
        "only a page of bundles deleted",
        instead("DELETE /bundle", state.first_page_only),
        ("lifecycle/pages-of-bundles",),
    ),
    Wrong("an override not removed", lost("DELETE /device", OK), ("refusal/deleteDeviceOverride", "lifecycle/over")),
    Wrong("an app that looks newly made", state.moving_creation, SENT),
    Wrong("a stale device", stale("GET /device", 1), ("lifecycle/overrides",)),
    Wrong("stale keys", stale("GET /apikey", 1), ("schema/createApiKey",)),
    Wrong("stale members", stale("GET /organization/members", 1), ("lifecycle/members",)),
    Wrong(
        "a channel that nobody made",
        state.also(
            "POST /app", "POST", "/channel", lambda a: {"app_id": a.values()["app_id"], "channel": "production"}
        ),
        ("lifecycle/chains",),
    ),
    Wrong("devices that outlive their app", state.haunted, ("lifecycle/cascades",)),
    Wrong("a promotion that publishes", instead("PUT /bundle", state.publishing), SENT),
)
ACCESS = (
    Wrong("an expired key on one route", as_full("GET /statistics/app/*", {EXPIRED}), ("access/getAppStatistics-w",)),
    Wrong("a neighbour reads usage", with_key("GET /statistics/app/*/bundle_usage"), ("access/getAppBundleUsage-by",)),
    Wrong(
        "a neighbour lists members",
        with_key("GET /organization/members"),
        ("access/listOrganizationMembers-by-role",),
    ),
    Wrong("a neighbour reads keys", as_full("GET /apikey/*", {ENTERPRISE}), ("access/getApiKey-by-role",)),
    Wrong(
        "a reader writes metadata",
        as_full("POST /bundle/metadata", {fine.READER}),
        ("access/updateBundleMetadata-by-role",),
    ),
    Wrong(
        "a reader removes overrides",
        as_full("DELETE /device", {fine.READER}),
        ("access/deleteDeviceOverride-by-role",),
    ),
    Wrong(
        "one neighbour reads the other",
        instead("GET /device", fine.enterprise_too),
        ("access/both-ways",),
    ),
    Wrong("keys known by their beginning", everywhere(fine.beginning), ("access/getApp-without-key",)),
    Wrong("hashed keys not known", refusing(401, lambda a: a.key == fine.HASHED, UNKNOWN), ("access/getApp-by-role",)),
    Wrong(
        "404 for an unknown key",
        outcome("GET /organization/members", 401, 404),
        ("access/listOrganizationMembers-without",),
    ),
    Wrong("a neighbour's name taken over", instead("POST /app", state.taken_over), ("access/names",)),
    Wrong("a new key with every right", instead("POST /apikey", state.mightier), ("access/getOrganizations-by-role",)),
)
LIMITS = (
    Wrong("Retry-After too long", headers(429, fine.extended(3)), TIER),
    Wrong("Retry-After of nothing", headers(429, lambda h: h.update({"retry-after": "0"})), TIER),
    Wrong(
        "Retry-After in fractions",
        headers(429, lambda h: h.update({"retry-after": h["retry-after"] + ".5"})),
        TIER,
    ),
    Wrong("a budget for each key", everywhere(fine.for_others), ("limits/shared-by-keys",)),
    Wrong("a budget with holes", state.forgiving, TIER),
    Wrong("one request too few", own_limit(99, lambda a: a.key, lambda a: a.key == FULL), TIER),
    Wrong("what is over the budget done later", state.limited_and_done, ("limits/every-operation",)),
)
STATISTICS = (
    Wrong("figures of the day before", instead("GET /statistics/app/*", fine.shifted_days), ("schema/statistics",)),
    Wrong(
        "days backwards",
        rows_changed("GET /statistics/org/*", lambda rows: rows[::-1]),
        ("schema/getOrganizationStatistics",),
    ),
    Wrong(
        "the last day twice",
        rows_changed("GET /statistics/app/*", lambda rows: [*rows, *rows[-1:]]),
        ("schema/getAppStatistics",),
    ),
    Wrong(
        "the first day left out",
        rows_changed("GET /statistics/user", lambda rows: rows[1:]),
        ("schema/getUserStatistics",),
    ),
    Wrong("figures of another app", instead("GET /statistics/app/*", fine.other_figures), ("schema/statistics",)),
    Wrong("no breakdown", renamed_query("GET /statistics/org/*", dropping("breakdown")), ("schema/statistics",)),
)
DEVICES = (
    Wrong("a step back offered", offering("disable_auto_update_under_native"), ("device/offers",)),
    Wrong("a major step offered", offering("disable_auto_update_to_major"), ("device/policies",)),
    Wrong("a minor step offered", offering("disable_auto_update_to_minor"), ("device/policies",)),
    Wrong("a patch offered", offering("disable_auto_update_to_patch"), ("device/policies",)),
    Wrong("what a device has offered again", offering("no_new_version_available"), ("device/offers",)),
    Wrong("an old bundle offered", instead("POST /updates", fine.older), ("device/offers",)),
    Wrong("another file offered", instead("POST /updates", fine.other_file), ("device/offers",)),
    Wrong("a bundle without a channel", instead("POST /updates", fine.without_channel), ("device/offers",)),
    Wrong("a link not followed", instead("POST /updates", fine.unlinked), ("device/choices",)),
    Wrong("a rollout never paused", state.never_paused, ("device/rollouts",)),
)
LIVE = (
    Wrong(
        "every origin let in",
        headers(200, lambda h: h.update({"access-control-allow-origin": "*"})),
        ("schema/headers",),
        "live",
    ),
    Wrong(
        "request ids not echoed", headers(200, lambda h: h.update({"x-request-id": "1"})), ("schema/headers",), "live"
    ),
    Wrong("a silent audit", instead("GET /organization/audit", fine.audit_silent), ("lifecycle/audit",), "live"),
    Wrong("an audit unfiltered", instead("GET /organization/audit", fine.audit_unfiltered), ("lifecycle/au",), "live"),
    Wrong("a secret shown again", state.secret_again, ("lifecycle/webhooks",), "live"),
    Wrong("deliveries that outlive", state.kept_deliveries, ("lifecycle/webhooks",), "live"),
    Wrong("a webhook told too much", instead("POST /webhooks", state.eager_webhook), ("lifecycle/webhooks",), "live"),
    Wrong(
        "a webhook not deleted",
        lost("DELETE /webhooks", {"status": "Webhook deleted", "webhookId": "0c0ffee0-0000-4000-8000-00000000e001"}),
        ("schema/deleteWebhook",),
        "live",
    ),
    Wrong("a note not kept", lost("POST /bundle/metadata", OK), ("schema/updateBundleMetadata",), "live"),
    Wrong("a subkey passed over", everywhere(fine.subkey_passed_over), ("access/subkeys",), "live"),
)

FINE: tuple[Wrong, ...] = (*SHAPE, *LISTS, *WRITES, *ACCESS, *LIMITS, *STATISTICS, *DEVICES, *LIVE)
