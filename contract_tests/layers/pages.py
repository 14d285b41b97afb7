"""Pages: by number and by cursor, they lose nothing and repeat nothing."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session

PAGE = 50


def walk(session: Session, name: str, values: dict[str, Any], size: int, pages: int = 8) -> list[dict[str, Any]]:
    """All rows by page number. A short page is the last one; the live service errs on the one after it."""
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
    beyond = session.ask(name, {**values, "page": page + 2})
    past = rows(beyond.json_or_none()) if beyond.status == 200 else []
    session.demand(not past, "pagination", f"behind the last page there are {len(past)} rows")
    return found


def complete(session: Session, got: list[Any], wanted: set[Any], name: str) -> None:
    """Nothing is lost, nothing comes twice, nothing is added."""
    session.demand(len(got) == len(set(got)), "pagination", f"{len(got) - len(set(got))} rows come on two pages", name)
    lost = sorted(map(str, wanted - set(got)))
    session.demand(not lost, "pagination", f"{len(lost)} rows are on no page, such as {lost[:1]}", name)
    session.demand(not set(got) - wanted, "pagination", "there are rows that should not be", name)


def bundle_pages(session: Session, effort: Effort) -> None:
    """More bundles than a page holds, twice in the same order."""
    app = Scene.make(session)
    wanted = {"1.0.0", "1.1.0"} | {app.add_bundle(f"5.{number}.0") for number in range(PAGE + 1)}
    got = walk(session, "listBundles", {"app_id": app.app}, PAGE)
    complete(session, [row["name"] for row in got], wanted, "listBundles")
    again = walk(session, "listBundles", {"app_id": app.app}, PAGE)
    session.demand(got == again, "pagination", "the same pages come otherwise the second time")
    session.must("deleteBundle", {"app_id": app.app})
    left = [row["name"] for row in walk(session, "listBundles", {"app_id": app.app}, PAGE)]
    session.demand(left == ["1.0.0"], "deletes-stay", f"of all bundles {len(left)} are left, not the one in use")


def channel_pages(session: Session, effort: Effort) -> None:
    """More channels than a page holds."""
    app = Scene.make(session)
    wanted = {"spare", "stable"} | {app.add_channel(f"channel {number}") for number in range(PAGE + 1)}
    got = walk(session, "listChannels", {"app_id": app.app}, PAGE)
    complete(session, [row["name"] for row in got], wanted, "listChannels")


def app_pages(session: Session, effort: Effort) -> None:
    """Apps by pages of several sizes."""
    org = Scene(session, session.profile.org).house()
    wanted = set()
    # More than a page of them where the world is ours; on a server a few.
    for _ in range(PAGE + 2 if session.guard.sandbox else 4):
        name = session.fresh("app")
        session.must("createApp", {"app_id": name, "name": "One of many", "owner_org": org})
        wanted.add(name)
    everything = {row["app_id"] for row in rows(session.must("listApps", {"org_id": org, "limit": 1000}))}
    session.demand(wanted <= everything, "pagination", "an app that exists is not in the list")
    got = walk(session, "listApps", {"org_id": org}, PAGE)
    complete(session, [row["app_id"] for row in got], everything, "listApps")
    for size in (1, 3, 20) if len(everything) < 100 else ():
        pages = len(everything) // size + 2
        got = walk(session, "listApps", {"org_id": org, "limit": size}, size, pages)
        complete(session, [row["app_id"] for row in got], everything, "listApps")


def device_pages(session: Session, effort: Effort) -> None:
    """Devices by cursor, alone and by filter."""
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
