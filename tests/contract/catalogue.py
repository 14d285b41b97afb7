"""The catalogue of wrong servers: each one small lie, and each has to be found out.

Not written for the layers but from what goes wrong with servers. The third value says where to look first; whoever is
not found there is looked for everywhere.
"""

from __future__ import annotations

from tests.contract.lies import (
    ENTERPRISE,
    JSON,
    KO,
    bearer,
    date_after,
    drop_header,
    dropping,
    drops_unknown,
    empty_day,
    everywhere,
    expired_accepted,
    fails_on_broken_json,
    foreign_in_list,
    from_one,
    gone_quiet,
    hashed_shown,
    head_with_body,
    key_before_contract,
    leaky,
    live_refusals,
    lower_case_keys,
    not_allowed,
    offers_anyway,
    one_header_only,
    only_full_keys,
    page_of_html,
    pageless,
    reachable_neighbour,
    renamed_query,
    repeats_the_key,
    shut_slash,
    tells_absence,
)
from tests.contract.lies_of_state import (
    cascade_lost,
    forced_delete,
    greedy_channel_delete,
    half_done,
    kept_override,
    lost,
    many_public,
    neighbours_too,
    never_limited,
    no_expiry,
    own_limit,
    revived_key,
    second_app,
    shifted_pages,
    skipped_device,
    stale,
    unbound,
    unnamed,
)
from tests.contract.wrong import Answered, Wrong, answers, each, having, headers, instead, outcome, with_key, without

NO_ORG = "0c0ffee0-0000-4000-8000-00000000dead"

CATALOGUE: tuple[Wrong, ...] = (
    # Shape
    Wrong("a field dropped", answers("GET /app/*", without("retention")), ("schema/getApp",)),
    Wrong("a field dropped from one list", answers("GET /bundle", without("checksum")), ("schema/listBundles",)),
    Wrong("a number as text", answers("GET /channel", having("id", str)), ("schema/listChannels",)),
    Wrong("null where there is always a value", answers("GET /app", having("owner_org", None)), ("schema/listApps",)),
    Wrong(
        "a field too many", answers("GET /apikey", each(lambda row: row.update(user_id="x"))), ("schema/listApiKeys",)
    ),
    Wrong(
        "another form of time",
        answers("GET /organization", having("created_at", lambda t: t.replace("Z", ".000Z"))),
        ("schema/getOrganizations",),
    ),
    Wrong(
        "text for a boolean",
        answers("GET /channel", having("public", lambda b: str(b).lower())),
        ("schema/listChannels",),
    ),
    Wrong(
        "an enum in capitals", answers("GET /device", having("platform", str.upper)), ("lifecycle/pages-of-devices",)
    ),
    Wrong(
        "identifiers in capitals",
        answers("GET /organization/members", having("uid", str.upper)),
        ("schema/listOrganizationMembers",),
    ),
    Wrong(
        "a cursor where nothing follows",
        answers("GET /device", lambda b: {**b, "nextCursor": "x"} if "hasMore" in b else b),
        ("schema/getDevices",),
    ),
    Wrong(
        "another content type",
        headers(200, lambda h: h.update({"content-type": "text/plain"}), "GET /channel"),
        ("schema/listChannels",),
    ),
    Wrong("the list of the other dialect", answers("GET /app", lambda b: b["data"]), ("schema/listApps",)),
    Wrong("refusals of the other dialect", everywhere(live_refusals), ("access/getApp-by-role",)),
    Wrong(
        "a refusal without its status",
        answers("POST /bundle", lambda b: {"error": b["error"]}, 400),
        ("refusal/createBundle",),
    ),
    Wrong(
        "broken JSON",
        instead("GET /ok", lambda asked, ask: Answered(200, dict(JSON), b'{"status":')),
        ("schema/getHealth",),
    ),
    Wrong(
        "an answer to the wrong question",
        answers("GET /app/*", lambda b: {"data": {**b["data"], "app_id": "dev.other"}}),
        ("schema/getApp",),
    ),
    Wrong("days left out", answers("GET /statistics/app/*", empty_day), ("schema/getAppStatistics",)),
    Wrong(
        "figures not added up",
        renamed_query("GET /statistics/org/*", lambda q: {**q, "noAccumulate": "true"}),
        ("schema/statistics-agree",),
    ),
    # Statuses and routes
    Wrong("201 for 200", outcome("POST /app", 200, 201), ("schema/createApp",)),
    Wrong("204 without a body", instead("DELETE /channel", gone_quiet), ("schema/deleteChannel",)),
    Wrong("422 for 400", outcome("PUT /app/*", 400, 422), ("refusal/updateApp",)),
    Wrong(
        "200 for what does not exist",
        outcome("DELETE /channel", 404, 200, {"status": "ok"}),
        ("refusal/unknown-things",),
    ),
    Wrong("404 for 403", outcome("GET /bundle", 403, 404, KO), ("access/listBundles",)),
    Wrong(
        "401 for 403",
        outcome("GET /device", 403, 401, {"error": "Invalid API key", "status": "KO"}),
        ("access/getDevices",),
    ),
    Wrong("405 for another method", everywhere(not_allowed), ("refusal/routes",)),
    Wrong("a page of HTML for an unknown route", everywhere(page_of_html), ("refusal/routes",)),
    Wrong("a redirect to the slash", everywhere(shut_slash), ("schema/ways-to-ask",)),
    Wrong("HEAD with a body", everywhere(head_with_body), ("schema/ways-to-ask",)),
    # Input
    Wrong("unknown members passed over", instead("POST /bundle", drops_unknown), ("refusal/createBundle",)),
    Wrong("a failure on broken JSON", instead("POST /channel", fails_on_broken_json), ("refusal/upsertChannel",)),
    Wrong("a bad page taken for none", instead("GET /channel", pageless), ("refusal/listChannels",)),
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
    Wrong("one header of two ignored", everywhere(one_header_only), ("schema/ways-to-ask",)),
    Wrong("a right refused", instead("POST /bundle", only_full_keys), ("access/createBundle-by-role",)),
    Wrong("absence told from reach", instead("GET /app/*", tells_absence), ("access/lists-are-filtered",)),
    Wrong("a key in a header", headers(200, leaky, "GET /app"), ("schema/listApps",)),
    Wrong("a hashed key shown", instead("GET /apikey", hashed_shown), ("schema/listApiKeys",)),
    Wrong("the key repeated in a refusal", instead("GET /app/*", repeats_the_key), ("access/getApp-by-role",)),
    Wrong("an old key goes on", revived_key, ("lifecycle/keys",)),
    Wrong("a key's limits ignored", instead("POST /apikey", unbound), ("access/keys-are-limited",)),
    Wrong("a key that never expires", instead("POST /apikey", no_expiry), ("lifecycle/keys-and-time",)),
    # Limits
    Wrong("a limiter that never fires", never_limited, ("limits/tier-of-the-account",)),
    Wrong(
        "a limiter that fires early",
        own_limit(90, lambda a: "all", lambda a: bool(a.key)),
        ("limits/tier-of-the-account",),
    ),
    Wrong(
        "the wrong tier",
        own_limit(100, lambda a: a.key, lambda a: a.key == ENTERPRISE),
        ("limits/tier-of-the-neighbour",),
    ),
    Wrong(
        "health limited",
        own_limit(1, lambda a: "ok", lambda a: a.path == "/ok"),
        ("limits/shared-by-keys", "schema/getHealth"),
    ),
    Wrong(
        "Retry-After too short", headers(429, lambda h: h.update({"retry-after": "5"})), ("limits/tier-of-the-account",)
    ),
    Wrong(
        "Retry-After always the same",
        headers(429, lambda h: h.update({"retry-after": "60"})),
        ("limits/tier-of-the-account",),
    ),
    Wrong("Retry-After missing", headers(429, drop_header("retry-after")), ("limits/tier-of-the-account",)),
    Wrong("Retry-After as a date", date_after(429), ("limits/tier-of-the-account",)),
    Wrong("503 for 429", outcome("* /organization", 429, 503), ("limits/tier-of-the-account",)),
    Wrong(
        "429 in another form",
        answers("GET /organization", lambda b: {"message": "slow down"}, 429),
        ("limits/tier-of-the-account",),
    ),
    # State
    Wrong("a lost delete", lost("DELETE /bundle", {"status": "ok"}), ("lifecycle/chains",)),
    Wrong("a lost change", lost("PUT /app/*", {"data": 1}), ("lifecycle/chains",)),
    Wrong(
        "a lost promotion",
        lost("PUT /bundle", {"status": "success", "message": "Bundle 1.0.0 set to channel stable"}),
        ("schema/setBundleChannel",),
    ),
    Wrong("a lost channel", lost("POST /channel", {"status": "ok"}), ("schema/upsertChannel",)),
    Wrong("a stale list", stale("GET /channel", 2), ("lifecycle/chains",)),
    Wrong("a stale object", stale("GET /app/*", 1), ("lifecycle/chains",)),
    Wrong(
        "a name given twice",
        outcome("POST /bundle", 400, 200, {"status": "ok"}, "already exists"),
        ("refusal/createBundle", "lifecycle/chains"),
    ),
    Wrong("a second app of one id", instead("POST /app", second_app), ("lifecycle/chains",)),
    Wrong("pages that lose a row", shifted_pages(1), ("lifecycle/pages-of-bundles",)),
    Wrong("pages that repeat a row", shifted_pages(-1), ("lifecycle/pages-of-bundles",)),
    Wrong("pages counted from 1", renamed_query("GET /channel", from_one), ("lifecycle/pages-of-channels",)),
    Wrong("a limit ignored", renamed_query("GET /app", dropping("limit")), ("lifecycle/pages-of-apps",)),
    Wrong("a cursor that skips", instead("GET /device", skipped_device), ("lifecycle/pages-of-devices",)),
    Wrong("a filter ignored", renamed_query("GET /device", dropping("customIdMode")), ("lifecycle/pages-of-devices",)),
    Wrong("two public channels", many_public, ("lifecycle/public-channels",)),
    Wrong("a bundle in use deleted", instead("DELETE /bundle", forced_delete), ("lifecycle/protected-bundles",)),
    Wrong(
        "too much deleted with a channel", instead("DELETE /channel", greedy_channel_delete), ("lifecycle/cascades",)
    ),
    Wrong("neighbours changed", instead("DELETE /channel", neighbours_too), ("lifecycle/neighbours-untouched",)),
    Wrong("a cascade lost", cascade_lost, ("lifecycle/cascades",)),
    Wrong("an override kept", kept_override, ("lifecycle/overrides",)),
    Wrong(
        "an override on a public channel",
        outcome("POST /device", 400, 200, {"status": "ok"}, "public_channel_override"),
        ("refusal/linkDevice", "lifecycle/overrides"),
    ),
    Wrong(
        "a role not kept",
        answers("GET /organization/members", having("role", lambda r: "invite_read" if r.startswith("invite_") else r)),
        ("lifecycle/members",),
    ),
    Wrong("a member not removed", lost("DELETE /organization/members", {"status": "OK"}), ("lifecycle/members",)),
    Wrong(
        "an organization's name not kept",
        instead("PUT /organization", unnamed),
        ("schema/updateOrganization",),
    ),
    Wrong(
        "a second organization of one name",
        outcome("POST /organization", 400, 200, {"status": "ok", "id": NO_ORG}, "already in use"),
        ("refusal/createOrganization", "lifecycle/organizations"),
    ),
    Wrong("a device offered what it may not have", instead("POST /updates", offers_anyway), ("device/offers",)),
)

BY_NAME = {wrong.name: wrong for wrong in CATALOGUE}
