"""Lifecycles with a plot: pages, cascades, overrides, keys, members, organizations. Each tells one story.

They stand beside the drawn chains because they need many things (pages), time (expiry) or another key (what a deleted
key may still do).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene, difference
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Credential

_PAGE = 50


def checks(contract: Contract) -> Iterator[Check]:
    """The plots."""
    both, documented = ("documented", "live"), ("documented",)
    for name, ask, cost, sandbox, dialects in (
        ("pages-of-bundles", _bundle_pages, 66, False, both),
        ("pages-of-channels", _channel_pages, 66, False, both),
        ("pages-of-apps", _app_pages, 20, False, both),
        ("cascades", _cascades, 40, False, both),
        ("protected-bundles", _protected, 24, False, both),
        ("rollouts", _rollouts, 24, False, both),
        ("neighbours-untouched", _neighbours, 40, False, both),
        ("overrides", _overrides, 30, True, both),
        ("keys", _keys, 40, False, documented),
        ("keys-and-time", _key_expiry, 14, True, documented),
        ("members", _members, 20, True, both),
        ("organizations", _organizations, 30, True, documented),
    ):
        yield Check("lifecycle", name, ask, cost=cost, writes=True, sandbox=sandbox, dialects=dialects)
    yield Check("lifecycle", "pages-of-devices", _device_pages, cost=40)


# -- pages


def walk(session: Session, name: str, values: dict[str, Any], size: int, pages: int = 8) -> list[dict[str, Any]]:
    """All rows by page number. A short page is the last one; the live service answers the page after it with an error."""
    found: list[dict[str, Any]] = []
    for page in range(pages):
        answer = session.ask(name, {**values, "page": page})
        got = rows(answer.json_or_none()) if answer.status == 200 else []
        if session.documented:
            session.demand(answer.status == 200, "pagination", f"page {page} was answered {answer.status}")
            session.demand(len(got) <= size, "pagination", f"page {page} has {len(got)} rows, a page has {size}")
        found += got
        if len(got) < size:
            break
    return found


def complete(session: Session, got: list[Any], wanted: set[Any], name: str) -> None:
    """Nothing is lost, nothing comes twice, nothing is added."""
    session.demand(len(got) == len(set(got)), "pagination", f"{len(got) - len(set(got))} rows come on two pages", name)
    lost = sorted(map(str, wanted - set(got)))
    session.demand(not lost, "pagination", f"{len(lost)} rows are on no page, such as {lost[:1]}", name)
    session.demand(not set(got) - wanted, "pagination", "there are rows that should not be", name)


def _bundle_pages(session: Session, effort: Effort) -> None:
    app = Scene.make(session)
    wanted = {"1.0.0", "1.1.0"} | {app.add_bundle(f"5.{number}.0") for number in range(_PAGE + 1)}
    got = walk(session, "listBundles", {"app_id": app.app}, _PAGE)
    complete(session, [row["name"] for row in got], wanted, "listBundles")
    again = walk(session, "listBundles", {"app_id": app.app}, _PAGE)
    session.demand(got == again, "pagination", "the same pages come otherwise the second time")


def _channel_pages(session: Session, effort: Effort) -> None:
    app = Scene.make(session)
    wanted = {"spare", "stable"} | {app.add_channel(f"channel {number}") for number in range(_PAGE + 1)}
    got = walk(session, "listChannels", {"app_id": app.app}, _PAGE)
    complete(session, [row["name"] for row in got], wanted, "listChannels")


def _app_pages(session: Session, effort: Effort) -> None:
    scene = Scene.make(session)
    wanted = {scene.app}
    # More than a page of them where the world is ours; on a server a few.
    for _ in range(_PAGE + 2 if session.guard.sandbox else 4):
        name = session.fresh("app")
        session.must("createApp", {"app_id": name, "name": "One of many", "owner_org": scene.org})
        wanted.add(name)
    everything = {row["app_id"] for row in rows(session.must("listApps", {"org_id": scene.org, "limit": 1000}))}
    session.demand(wanted <= everything, "pagination", "an app that exists is not in the list")
    got = walk(session, "listApps", {"org_id": scene.org}, _PAGE)
    complete(session, [row["app_id"] for row in got], everything, "listApps")
    for size in (1, 3, 20) if len(everything) < 100 else ():
        pages = len(everything) // size + 2
        got = walk(session, "listApps", {"org_id": scene.org, "limit": size}, size, pages)
        complete(session, [row["app_id"] for row in got], everything, "listApps")


def _device_pages(session: Session, effort: Effort) -> None:
    scene = Scene.find(session)
    if scene.app is None:
        raise NotHere("the organization has no app")
    whole = session.must("getDevices", {"app_id": scene.app, "limit": 1000})
    wanted = {row["device_id"] for row in rows(whole)}
    if len(wanted) < 3 or whole.get("hasMore"):
        raise NotHere("the app has no inventory that would fill pages")
    for size in (2, len(wanted) - 1, len(wanted)):
        values: dict[str, Any] = {"app_id": scene.app, "limit": size}
        got: list[str] = []
        ended = False
        for _ in range(len(wanted) + 2):
            page = session.must("getDevices", values)
            session.demand(
                len(rows(page)) <= size, "pagination", f"a page has {len(rows(page))} rows, {size} were asked for"
            )
            got += [row["device_id"] for row in rows(page)]
            ended = not page.get("hasMore")
            if ended:
                break
            values["cursor"] = page.get("nextCursor", "")
        session.demand(ended, "pagination", "after the last device there is said to be more")
        complete(session, got, wanted, "getDevices")
    for row in rows(whole)[:3]:
        single = session.must("getDevices", {"app_id": scene.app, "device_id": row["device_id"]})
        same = {key: single.get(key) for key in ("device_id", "version_name", "channel")}
        session.demand(
            same == {key: row.get(key) for key in same}, "answers-the-question", "a device alone is not as in the list"
        )
    custom = session.must("getDevices", {"app_id": scene.app, "customIdMode": True, "limit": 1000})
    named = {row["device_id"] for row in rows(whole) if row.get("custom_id")}
    complete(session, [row["device_id"] for row in rows(custom)], named, "getDevices")


# -- what goes along, and what does not


def _cascades(session: Session, effort: Effort) -> None:
    scene = Scene.make(session)
    bundles = {row["name"] for row in scene.bundles}
    session.must("deleteChannel", {"app_id": scene.app, "channel": "stable"})
    left = {row["name"] for row in rows(session.must("listBundles", {"app_id": scene.app}))}
    session.demand(
        left == bundles, "cascade", f"with a channel went the bundles {sorted(bundles - left)}", "deleteChannel"
    )
    session.must("deleteBundle", {"app_id": scene.app, "version": "1.0.0"})
    session.must("deleteApp", {"appId": scene.app})
    for name, member in (
        ("getApp", "appId"),
        ("listBundles", "app_id"),
        ("listChannels", "app_id"),
        ("getDevices", "app_id"),
    ):
        answer = session.ask(name, {member: scene.app})
        session.demand(answer.status >= 400, "cascade", f"{name} still answers for a deleted app", "deleteApp")
    session.must("createApp", {"app_id": scene.app, "name": "Again", "owner_org": scene.org})
    answer = session.ask("listBundles", {"app_id": scene.app})
    session.demand(
        answer.status >= 400 or not rows(answer.json()),
        "cascade",
        "a new app has the bundles of the deleted one",
        "deleteApp",
    )
    channels = rows(session.must("listChannels", {"app_id": scene.app}))
    session.demand(not channels, "cascade", "a new app has the channels of the deleted one", "deleteApp")


def _channel(session: Session, scene: Scene, name: str = "stable") -> dict[str, Any]:
    with session.quietly():
        listed = rows(session.must("listChannels", {"app_id": scene.app}))
    return next((row for row in listed if row.get("name") == name), {})


def _protected(session: Session, effort: Effort) -> None:
    """A bundle that a channel uses, as stable one or as target of a rollout, is not deleted."""
    scene = Scene.make(session)
    session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", "rolloutVersion": "1.1.0"})
    before = scene.look()
    for version in ("1.0.0", "1.1.0"):
        answer = session.ask("deleteBundle", {"app_id": scene.app, "version": version})
        session.demand(answer.status == 400, "protected", f"a bundle in use was deleted: {answer.status}")
        changed = difference(before, scene.look())
        session.demand(not changed, "protected", f"a refused deletion changed {changed}", "deleteBundle")
    session.must("deleteBundle", {"app_id": scene.app})
    left = {row["name"] for row in rows(session.must("listBundles", {"app_id": scene.app}))}
    session.demand(
        left == {"1.0.0", "1.1.0"}, "protected", f"of the bundles in use {sorted(left)} are left", "deleteBundle"
    )
    session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", "rolloutVersion": None, "version": None})
    session.must("deleteBundle", {"app_id": scene.app, "version": "1.0.0"})
    again = session.ask(
        "createBundle", {"app_id": scene.app, "version": "1.0.0", "external_url": "https://x.example/", "checksum": "1"}
    )
    session.demand(again.status == 400, "unique", f"the name of a deleted bundle was given again: {again.status}")


def _rollouts(session: Session, effort: Effort) -> None:
    """A target, its share, a pause, the way forward and the way back."""
    scene = Scene.make(session)

    def post(**settings: Any) -> dict[str, Any]:
        session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", **settings})
        return _channel(session, scene)

    def expect(got: dict[str, Any], **wanted: Any) -> None:
        seen = {
            name: (got.get(name) or {}).get("name") if name in ("version", "rollout_version_info") else got.get(name)
            for name in wanted
        }
        session.demand(seen == wanted, "read-your-writes", f"the rollout is {seen}, not {wanted}", "upsertChannel")

    got = post(rolloutVersion="1.1.0", rolloutPercentage=12.5, rolloutEnabled=True)
    expect(got, version="1.0.0", rollout_version_info="1.1.0", rolloutPercentageBps=1250, rolloutEnabled=True)
    first = got.get("rollout_id")
    got = post(rolloutPaused=True, rolloutPauseReason="too many failures")
    session.demand(got.get("rolloutPausedAt") is not None, "read-your-writes", "a paused rollout has no time of pause")
    expect(got, rolloutPauseReason="too many failures", rollout_id=first)
    got = post(rolloutPaused=False)
    expect(got, rolloutPausedAt=None, rolloutPauseReason=None)
    got = post(promoteToStable=True)
    expect(got, version="1.1.0", rollout_version_info=None, rolloutPercentageBps=0, rolloutEnabled=False)
    got = post(rolloutVersion="1.0.0", rolloutPercentageBps=100, rolloutEnabled=True)
    session.demand(got.get("rollout_id") != first, "read-your-writes", "a new rollout has the id of the old one")
    got = post(rollback=True)
    expect(got, version="1.1.0", rollout_version_info=None, rolloutPercentageBps=0, rolloutEnabled=False)
    got = post(disableAutoUpdate="version_number" if not session.documented else "metadata")
    expect(got, disableAutoUpdate="version_number" if not session.documented else "metadata")


def _neighbours(session: Session, effort: Effort) -> None:
    """Writes to one app leave another one, with the same names in it, as it was."""
    mine, other = Scene.make(session), Scene.make(session)
    before = other.look()
    number = mine.channel["id"]
    for name, values in (
        ("updateApp", {"appId": mine.app, "name": "Changed", "retention": 77}),
        ("upsertChannel", {"app_id": mine.app, "channel": "stable", "public": True, "allow_prod": False}),
        ("setBundleChannel", {"app_id": mine.app, "version_id": mine.bundles[1]["id"], "channel_id": number}),
        ("deleteBundle", {"app_id": mine.app, "version": "1.0.0"}),
        ("deleteChannel", {"app_id": mine.app, "channel": "stable"}),
        ("deleteBundle", {"app_id": mine.app}),
        ("deleteApp", {"appId": mine.app}),
    ):
        session.must(name, values)
        # Lists of the organization change by right: an app is gone, and with it what a key was bound to.
        after = {**other.look(), **{name_: before[name_] for name_ in ("listApps", "listApiKeys") if name_ in before}}
        changed = difference(before, after)
        session.demand(not changed, "untouched", f"a write to one app changed another: {changed}", name)


def _overrides(session: Session, effort: Effort) -> None:
    scene = Scene.find(session)
    app = scene.app
    devices = rows(session.must("getDevices", {"app_id": app}))
    if not devices:
        raise NotHere("there is no device")
    device = next((row["device_id"] for row in devices if "channel" not in row), devices[0]["device_id"])
    for name in ("one", "two"):
        session.must("upsertChannel", {"app_id": app, "channel": f"{session.run_id} {name}"})
    one_, two = f"{session.run_id} one", f"{session.run_id} two"

    def channel_of() -> Any:
        with session.quietly():
            listed = rows(session.must("getDevices", {"app_id": app, "limit": 1000}))
            single = session.must("getDevices", {"app_id": app, "device_id": device})
        found = [row.get("channel") for row in listed if row["device_id"] == device]
        session.demand(
            found == [single.get("channel")],
            "override-rule",
            f"a device has {found} in the list and {single.get('channel')!r} alone",
        )
        return single.get("channel")

    def expect(channel: str | None, said: str) -> None:
        session.demand(
            channel_of() == channel, "override-rule", f"{said}: the channel of the device is {channel_of()!r}"
        )

    def link(channel: str, named: str = device) -> None:
        session.must("linkDevice", {"app_id": app, "device_id": named, "channel": channel})

    link(one_)
    expect(one_, "after linking")
    link(two, device.upper())
    expect(two, "after linking to another channel, in capitals")
    session.must("upsertChannel", {"app_id": app, "channel": one_, "public": True})
    answer = session.ask("linkDevice", {"app_id": app, "device_id": device, "channel": one_})
    session.demand(answer.status == 400, "override-rule", f"a link to a public channel was answered {answer.status}")
    expect(two, "after a refused link")
    session.must("deleteChannel", {"app_id": app, "channel": two})
    expect(None, "after its channel was deleted")
    session.must("upsertChannel", {"app_id": app, "channel": one_, "public": False})
    link(one_)
    session.must("deleteDeviceOverride", {"app_id": app, "device_id": device})
    expect(None, "after the link was removed")
    session.must("deleteDeviceOverride", {"app_id": app, "device_id": device})


# -- keys


def _new_key(session: Session, scene: Scene, **more: Any) -> tuple[dict[str, Any], Credential]:
    values = {"name": session.fresh("key"), "bindings": [scene.binding("org_member", "org")], **more}
    made = one(session.must("createApiKey", values))
    session.keep_secret(made.get("key"), hashed=bool(more.get("hashed")))
    return made, Credential("the new key", made.get("key"))


def _works(session: Session, scene: Scene, who: Credential, works: bool, said: str) -> None:
    answer = session.ask("getOrganizations", {"orgId": scene.org}, who)
    wanted = 200 if works else 401
    session.demand(answer.status == wanted, "key-lifecycle", f"{said} a key is answered {answer.status}, not {wanted}")


def _keys(session: Session, effort: Effort) -> None:
    scene = Scene.make(session)
    for hashed in (False, True):
        with session.attempt():
            made, who = _new_key(session, scene, hashed=hashed)
            _works(session, scene, who, True, "new,")
            for header in ("authorization", "x-api-key"):
                _works(session, scene, Credential("the new key", who.secret, header), True, f"sent as {header},")
            listed = {row["id"]: row for row in rows(session.must("listApiKeys"))}
            session.demand(made["id"] in listed, "read-your-writes", "a new key is not in the list")
            read = one(session.must("getApiKey", {"id": made["id"]}))
            session.demand(read == listed[made["id"]], "answers-the-question", "a key alone is not as in the list")
            if hashed:
                session.demand(read.get("key") is None, "secret-kept", "a hashed key shows a value")
            fresh = one(session.must("updateApiKey", {"id": made["id"], "regenerate": True}))
            session.keep_secret(fresh.get("key"), hashed=hashed)
            session.demand(fresh.get("key") not in (None, who.secret), "key-lifecycle", "regenerate gave no new value")
            _works(session, scene, who, False, "replaced,")
            renewed = Credential("the renewed key", fresh.get("key"))
            _works(session, scene, renewed, True, "renewed,")
            _works(session, scene, session.me, True, "while another one is renewed,")
            session.must("deleteApiKey", {"id": made["id"]})
            _works(session, scene, renewed, False, "deleted,")
            gone = session.ask("getApiKey", {"id": made["id"]})
            session.demand(gone.status == 404, "deletes-stay", f"a deleted key is answered {gone.status}")
            ids = {row["id"] for row in rows(session.must("listApiKeys"))}
            session.demand(made["id"] not in ids, "deletes-stay", "a deleted key is still listed", "deleteApiKey")
            session.demand(set(listed) - ids == {made["id"]}, "untouched", "with a key went other ones", "deleteApiKey")


def _key_expiry(session: Session, effort: Effort) -> None:
    scene = Scene.make(session)
    past = session.ask("createApiKey", {
        "name": session.fresh("key"), "bindings": [scene.binding("org_member", "org")], "expires_at": "2001-01-01T00:00:00Z",
    })  # fmt: skip
    session.demand(past.status == 400, "key-lifecycle", f"an expiry in the past was answered {past.status}")
    soon = datetime.now(UTC) + timedelta(hours=2)
    made, who = _new_key(session, scene, expires_at=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _works(session, scene, who, True, "before it expires,")
    session.target.wait(4 * 3600)
    _works(session, scene, who, False, "after it expired,")
    session.must("updateApiKey", {"id": made["id"], "expires_at": None})
    _works(session, scene, who, True, "with its expiry taken away,")


# -- people and organizations


def _members(session: Session, effort: Effort) -> None:
    org, email = session.profile.org, session.profile.invitee
    if email is None:
        raise NotHere("the profile names nobody to invite")

    def listed() -> dict[str, Any]:
        found = rows(session.must("listOrganizationMembers", {"orgId": org}))
        return {row["email"]: row for row in found}

    before = listed()
    role = {"role": "write"} if session.documented else {"invite_type": "write"}
    session.must("upsertOrganizationMember", {"orgId": org, "email": email, **role})
    after = listed()
    session.demand(
        after.keys() - before.keys() == {email}, "read-your-writes", "who was invited is not listed, or others are"
    )
    if session.documented:
        session.demand(
            after[email]["role"] == "invite_write",
            "read-your-writes",
            f"invited to write, listed as {after[email]['role']}",
        )
    again = session.ask("upsertOrganizationMember", {"orgId": org, "email": email, **role})
    session.demand(again.status >= 400, "unique", "somebody was invited twice")
    session.must("deleteOrganizationMember", {"orgId": org, "email": email})
    session.demand(
        listed() == before, "deletes-stay", "after a removal the members are not as before", "deleteOrganizationMember"
    )
    gone = session.ask("deleteOrganizationMember", {"orgId": org, "email": email})
    session.demand(gone.status == 404, "deletes-stay", f"the second removal was answered {gone.status}")
    if not session.documented:
        return
    admins = [row["email"] for row in before.values() if row["role"] == "super_admin"]
    if len(admins) == 1:
        last = session.ask("deleteOrganizationMember", {"orgId": org, "email": admins[0]})
        session.demand(
            last.status == 400, "last-admin", f"the removal of the last super admin was answered {last.status}"
        )
        session.demand(listed() == before, "last-admin", "the last super admin is gone", "deleteOrganizationMember")


def _organizations(session: Session, effort: Effort) -> None:
    name, other = session.fresh("org"), session.fresh("org")
    ours = session.must("getOrganizations", {"orgId": session.profile.org})
    made = one(session.must("createOrganization", {"name": name, "email": "team@example.com"}))["id"]

    def read() -> dict[str, Any]:
        return one(session.must("getOrganizations", {"orgId": made}))

    first = read()
    kept = (first.get("name"), first.get("management_email")) == (name, "team@example.com")
    session.demand(kept, "read-your-writes", "a new organization is not as it was asked for", "createOrganization")
    listed = [row["id"] for row in rows(session.must("getOrganizations"))]
    session.demand(
        listed.count(made) == 1, "read-your-writes", f"a new organization is listed {listed.count(made)} times"
    )
    taken = session.ask("createOrganization", {"name": name})
    session.demand(taken.status == 400, "unique", f"a second organization of one name was answered {taken.status}")
    session.must("updateOrganization", {"orgId": made, "name": other, "logo": "https://example.com/l.png"})
    now = read()
    session.demand(
        (now["name"], now["logo"]) == (other, "https://example.com/l.png"),
        "read-your-writes",
        "a change of an organization is not read",
    )
    session.demand(
        now["management_email"] == "team@example.com",
        "untouched",
        "what was not sent has changed",
        "updateOrganization",
    )
    app = session.fresh("app")
    session.must("createApp", {"app_id": app, "name": "In it", "owner_org": made})
    session.must("getApp", {"appId": app})
    session.must("deleteOrganization", {"orgId": made})
    for reading, values in (
        ("getOrganizations", {"orgId": made}),
        ("getApp", {"appId": app}),
        ("listBundles", {"app_id": app}),
    ):
        answer = session.ask(reading, values)
        session.demand(
            answer.status == 403,
            "cascade",
            f"after the organization went, {reading} answers {answer.status}",
            "deleteOrganization",
        )
    listed = [row["id"] for row in rows(session.must("getOrganizations"))]
    session.demand(made not in listed, "deletes-stay", "a deleted organization is still listed", "deleteOrganization")
    session.demand(
        session.profile.org in listed, "untouched", "with one organization went another", "deleteOrganization"
    )
    same = session.must("getOrganizations", {"orgId": session.profile.org}) == ours
    session.demand(same, "untouched", "writes to one organization changed another", "updateOrganization")
