"""Neighbours: of another organization nothing is shown, told, taken or touched, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene, days
from contract_tests.kit.session import Session

FILTERED = frozenset({"listApps", "getOrganizations", "getUserStatistics", "listApiKeys"})
"""Lists that leave out what a key may not see, where others refuse."""


def checks() -> Iterator[Check]:
    """What is listed, what is asked for, and what is taken."""
    yield Check("access", "lists-are-filtered", _lists, cost=30)
    yield Check("access", "both-ways", _both_ways, cost=20)
    yield Check("access", "names-of-neighbours", _taken, cost=10, writes=True, sandbox=True)


def _lists(session: Session, effort: Effort) -> None:
    """Lists show what the key reaches and nothing else; what is out of reach looks like what does not exist."""
    scene = Scene.set(session)
    foreign = session.profile.foreign
    if foreign is None:
        raise NotHere("the profile has no key of another organization")
    with session.attempt():
        apps = {row["app_id"] for row in rows(session.must("listApps", who=foreign.credential)) if "app_id" in row}
        session.theirs |= apps - {str(session.profile.app)}
    for who in (session.profile.full, foreign, *(actor for actor in session.profile.others if actor.valid)):
        reach = {binding.org for binding in who.bindings}
        with session.attempt():
            answer = session.ask("listApps", None, who.credential)
            for row in rows(answer.json_or_none()) if answer.status == 200 else []:
                if session.documented or who is foreign:
                    session.demand(
                        row.get("owner_org") in reach, "tenant-isolation", f"{who.name} is shown {row.get('app_id')}"
                    )
        if who.may_create_organizations and not session.guard.sandbox:
            # What it founded it reaches too; that it is not shown the neighbour is looked at in every answer.
            continue
        with session.attempt():
            answer = session.ask("getOrganizations", None, who.credential)
            for row in rows(answer.json_or_none()) if answer.status == 200 else []:
                if session.documented or who is foreign:
                    session.demand(row.get("id") in reach, "tenant-isolation", f"{who.name} is shown {row.get('name')}")
    for name, member in (
        ("getApp", "appId"),
        ("listBundles", "app_id"),
        ("listChannels", "app_id"),
        ("getDevices", "app_id"),
    ):
        with session.attempt():
            theirs = session.ask(name, {member: scene.app}, foreign.credential)
            nothing = session.ask(name, {member: f"dev.{session.run_id}.absent"}, foreign.credential)
            alike = theirs.status == nothing.status and _blurred(theirs.json_or_none()) == _blurred(
                nothing.json_or_none()
            )
            session.demand(
                alike, "no-probing", "an app out of reach is answered otherwise than one that does not exist"
            )


def _both_ways(session: Session, effort: Effort) -> None:
    """The key that may do everything may do nothing in the organization of the neighbour."""
    foreign, org = session.profile.foreign, session.profile.foreign_org
    if foreign is None or org is None:
        raise NotHere("the profile has no key of another organization")
    theirs = rows(session.must("listApps", {"org_id": org}, foreign.credential))
    app = next((row["app_id"] for row in theirs if row.get("owner_org") == org), None)
    first, last = days(3)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getOrganizations", {"orgId": org}), ("listOrganizationMembers", {"orgId": org}),
        ("getOrganizationStatistics", {"orgId": org, "from": first, "to": last}), ("listApps", {"org_id": org}),
    ]  # fmt: skip
    if app is not None:
        calls += [("getApp", {"appId": app}), ("getAppStatistics", {"appId": app, "from": first, "to": last})]
        calls += [(name, {"app_id": app}) for name in ("listBundles", "listChannels", "getDevices")]
        if session.guard.sandbox:
            calls += [
                ("updateApp", {"appId": app, "name": "Mine"}), ("deleteBundle", {"app_id": app}),
                ("upsertChannel", {"app_id": app, "channel": "mine"}), ("deleteApp", {"appId": app}),
            ]  # fmt: skip
    for name, values in calls:
        with session.attempt():
            answer = session.ask(name, values)
            given = answer.status < 400 and not (name in FILTERED and not rows(answer.json_or_none()))
            said = f"about the organization of the neighbour, {session.me.name} was answered {answer.status}"
            session.demand(not given, "permission-required", said)


def _taken(session: Session, effort: Effort) -> None:
    """The name of a neighbour's app is taken, and whoever asks for it gets nothing of it."""
    foreign = session.profile.foreign
    if foreign is None:
        raise NotHere("the profile has no key of another organization")
    theirs = rows(session.must("listApps", {"org_id": session.profile.foreign_org}, foreign.credential))
    for app in theirs:
        with session.attempt():
            values = {"app_id": app["app_id"], "name": "Mine", "owner_org": session.profile.org}
            answer = session.ask("createApp", values)
            session.demand(answer.status >= 400, "unique", f"a neighbour's app was made again: {answer.status}")
            after = one(session.must("getApp", {"appId": app["app_id"]}, foreign.credential))
            session.demand(after == app, "untouched", "a refused creation changed the app of a neighbour", "createApp")


def _blurred(body: Any) -> Any:
    return {key: value for key, value in body.items() if key != "moreInfo"} if isinstance(body, dict) else body
