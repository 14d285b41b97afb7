"""Lifecycles with a plot: pages, cascades, overrides, keys, members, organizations. Each tells one story.

They stand beside the drawn chains because they need many things (pages), time (expiry) or another key (what a deleted
key may still do).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import rows
from contract_tests.kit.scene import Scene, difference
from contract_tests.kit.session import Session
from contract_tests.layers import audit, links, pages, people, untouched, webhooks
from contract_tests.layers.device import check_in


def checks(contract: Contract) -> Iterator[Check]:
    """The plots."""
    both, documented, live = ("documented", "live"), ("documented",), ("live",)
    for name, ask, cost, sandbox, dialects in (
        ("pages-of-bundles", pages.bundle_pages, 66, False, both),
        ("pages-of-channels", pages.channel_pages, 66, False, both),
        ("pages-of-apps", pages.app_pages, 20, False, both),
        ("cascades", _cascades, 40, False, both),
        ("protected-bundles", _protected, 24, False, both),
        ("public-channels", _public, 18, False, both),
        ("rollouts", _rollouts, 24, False, both),
        ("neighbours-untouched", _neighbours, 40, False, both),
        ("things-of-another-app", _strangers, 40, False, both),
        ("only-what-is-sent", untouched.only_what_is_sent, 80, False, both),
        ("only-what-is-sent-of-organizations", untouched.of_an_organization, 16, False, both),
        ("overrides", links.overrides, 30, False, both),
        ("keys", people.keys, 40, False, documented),
        ("keys-and-time", people.key_expiry, 14, True, documented),
        ("members", people.members, 20, False, both),
        ("audit-log", audit.trail, 24, False, live),
        ("webhooks", webhooks.life, 40, False, live),
        ("organizations", people.organizations, 30, False, documented),
    ):
        yield Check("lifecycle", name, ask, cost=cost, writes=True, sandbox=sandbox, dialects=dialects)
    yield Check("lifecycle", "pages-of-devices", pages.device_pages, cost=40)


_OF_THE_ORGANIZATION = ("listApps", "listApiKeys")


# -- what goes along, and what does not


def _cascades(session: Session, effort: Effort) -> None:
    scene = Scene.make(session)
    bundles = {row["name"] for row in scene.bundles}
    with suppress(NotHere):
        check_in(session, scene.app, 1, defaultChannel="stable")
    session.must("deleteChannel", {"app_id": scene.app, "channel": "stable", "delete_bundle": False})
    left = {row["name"] for row in rows(session.must("listBundles", {"app_id": scene.app}))}
    session.demand(
        left == bundles, "cascade", f"with a channel went the bundles {sorted(bundles - left)}", "deleteChannel"
    )
    session.must("deleteBundle", {"app_id": scene.app, "version": "1.0.0"})
    left = {row["name"] for row in rows(session.must("listBundles", {"app_id": scene.app}))}
    session.demand(left == bundles - {"1.0.0"}, "untouched", f"of the other bundles {sorted(left)} are left")
    whole = {"org_id": scene.org, "limit": 1000}
    listed = {row["app_id"] for row in rows(session.must("listApps", whole))}
    session.demand(scene.app in listed, "read-your-writes", "a new app is not listed", "listApps")
    session.must("deleteApp", {"appId": scene.app})
    for name, member in (
        ("getApp", "appId"),
        ("listBundles", "app_id"),
        ("listChannels", "app_id"),
        ("getDevices", "app_id"),
    ):
        answer = session.ask(name, {member: scene.app})
        session.demand(answer.status >= 400, "cascade", f"{name} still answers for a deleted app", "deleteApp")
    listed = {row["app_id"] for row in rows(session.must("listApps", whole))}
    session.demand(scene.app not in listed, "deletes-stay", "a deleted app is still listed", "deleteApp")
    session.must("createApp", {"app_id": scene.app, "name": "Again", "owner_org": scene.org})
    answer = session.ask("listBundles", {"app_id": scene.app})
    session.demand(
        answer.status >= 400 or not rows(answer.json()),
        "cascade",
        "a new app has the bundles of the deleted one",
        "deleteApp",
    )
    if session.documented:
        # The live service takes devices away a little later.
        devices = rows(session.must("getDevices", {"app_id": scene.app}))
        session.demand(not devices, "cascade", "a new app has the devices of the deleted one", "deleteApp")
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
    got = post(rollout_version="1.0.0", rollout_percentage=50, rollout_enabled=True, rollout_paused=True)
    expect(got, rollout_version_info="1.0.0", rolloutPercentageBps=5000, rolloutEnabled=True)
    got = post(rollout_paused_at=None, rolloutPercentageBps=2500, rollout_percentage_bps=9999)
    expect(got, rolloutPausedAt=None, rolloutPercentageBps=2500)
    got = post(promote_to_stable=True)
    expect(got, version="1.0.0", rollout_version_info=None, rolloutPercentageBps=0, rolloutEnabled=False)
    got = post(disableAutoUpdate="version_number" if not session.documented else "metadata")
    expect(got, disableAutoUpdate="version_number" if not session.documented else "metadata")


def _public(session: Session, effort: Effort) -> None:
    """Who becomes public takes the place of those that share a platform, and of no others."""
    scene = Scene.make(session)
    scene.add_channel("third")
    for name, platforms, left in (
        ("stable", "ios android electron", {"stable"}), ("spare", "ios", {"spare"}),
        ("third", "android", {"spare", "third"}),
        ("stable", "electron", {"stable", "spare", "third"}), ("third", "android electron", {"spare", "third"}),
    ):  # fmt: skip
        chosen = {platform: platform in platforms.split() for platform in ("ios", "android", "electron")}
        session.must("upsertChannel", {"app_id": scene.app, "channel": name, "public": True, **chosen})
        listed = rows(session.must("listChannels", {"app_id": scene.app}))
        found = {row["name"] for row in listed if row["public"]}
        said = f"after {name} became public for {platforms}, public are {sorted(found)}, not {sorted(left)}"
        session.demand(found == left, "public-channel", said, "upsertChannel")


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
        after = other.look()
        changed = difference({view: seen for view, seen in before.items() if view not in _OF_THE_ORGANIZATION}, after)
        session.demand(not changed, "untouched", f"a write to one app changed another: {changed}", name)


def _strangers(session: Session, effort: Effort) -> None:
    """What belongs to another app does not exist in this one, though it has a number."""
    mine, other = Scene.make(session), Scene.make(session)
    other.add_bundle("7.0.0")
    other.add_channel("theirs")
    other.reread()
    before = mine.look()
    app, bundle = {"app_id": mine.app}, {"version_id": other.bundles[-1]["id"]}
    for name, values in (
        ("setBundleChannel", {**app, **bundle, "channel_id": mine.channel["id"]}),
        ("setBundleChannel", {**app, "version_id": mine.bundles[-1]["id"], "channel_id": other.channel["id"]}),
        ("updateBundleMetadata", {**app, **bundle, "comment": "of another app"}),
        ("deleteBundle", {**app, "version": "7.0.0"}),
        ("upsertChannel", {**app, "channel": "stable", "version": "7.0.0"}),
        ("deleteChannel", {**app, "channel": "theirs"}),
        ("linkDevice", {**app, "channel": "theirs", "device_id": mine.device}),
        ("listChannels", {**app, "channel": "theirs"}),
    ):
        with session.attempt():
            answer = session.ask(name, values)
            said = f"about a thing of another app it answered {answer.status}"
            session.demand(answer.status >= 400, "invalid-refused", said)
    changed = difference(before, mine.look())
    session.demand(not changed, "refusal-harmless", f"calls about things of another app changed: {changed}")
