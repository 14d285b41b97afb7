"""Device: what a device is offered follows from the state of its channel. Asked where the target has a device API."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort
from contract_tests.kit.guard import CHECK_IN
from contract_tests.kit.reading import rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session
from contract_tests.kit.wire import NOBODY, Call


def checks(contract: Contract) -> Iterator[Check]:
    """What is offered, and how cursors bear new devices."""
    yield Check("device", "offers", _offers, cost=40, writes=True)
    yield Check("device", "cursor-under-inserts", _cursor, cost=40, writes=True)


def check_in(session: Session, app: str | None, number: int, **more: Any) -> tuple[int, dict[str, Any]]:
    """Ask for an update as a device does; status and body. Raises NotHere where devices cannot ask."""
    device = f"d1ce0000-0000-4000-8000-{number:012d}"
    body = {
        "app_id": app, "device_id": device, "version_name": "builtin", "version_build": "1.0.0", "platform": "ios",
        "plugin_version": "7.40.0", "is_emulator": False, "is_prod": True, **more,
    }  # fmt: skip
    call = Call("(check-in)", "POST", CHECK_IN, body=body, has_body=True)
    answer = session.send(call, NOBODY, judged=False, route=False)
    if answer.status == 404 and (answer.json_or_none() or {}).get("error") in ("not_found", "Not found"):
        raise NotHere("the target has no device API")
    found = answer.json_or_none()
    return answer.status, found if isinstance(found, dict) else {}


def _offers(session: Session, effort: Effort) -> None:
    """The bundle of the channel, as the channel's settings allow it."""
    scene = Scene.make(session)
    app = scene.app
    numbers = itertools.count(900)

    def offered(said: str, version: str | None, **more: Any) -> None:
        status, body = check_in(session, app, next(numbers), **more)
        got = body.get("version") if body.get("url") else None
        session.demand(
            status < 500 and got == version,
            "device-offer",
            f"{said}: offered {got!r} ({status} {body.get('error')}), not {version!r}",
        )

    def channel(**settings: Any) -> None:
        session.must("upsertChannel", {"app_id": app, "channel": "stable", **settings})

    offered("no public channel", None)
    channel(public=True, ios=True, android=True, electron=True, disableAutoUpdateUnderNative=False)
    offered("a bundle of another major version", None, version_build="0.9.0")
    channel(disableAutoUpdate="none")
    offered("the same without a policy", "1.0.0", version_build="0.9.0")
    number = next(row["id"] for row in scene.bundles if row["name"] == "1.1.0")
    session.must("setBundleChannel", {"app_id": app, "version_id": number, "channel_id": scene.channel["id"]})
    offered("after another bundle was set", "1.1.0")
    offered("a device that has it", None, version_name="1.1.0")
    for setting, more in (
        ("allow_prod", {}), ("allow_device", {}), ("allow_emulator", {"is_emulator": True}),
        ("allow_dev", {"is_prod": False}), ("ios", {}), ("android", {"platform": "android"}),
    ):  # fmt: skip
        channel(**{setting: False})
        offered(f"with {setting} off", None, **more)
        channel(**{setting: True})
        offered(f"with {setting} on again", "1.1.0", **more)
    channel(public=False)
    offered("no public channel any more", None)
    channel(allow_device_self_set=True)
    offered("a device that asks for the channel itself", "1.1.0", defaultChannel="stable")


def _cursor(session: Session, effort: Effort) -> None:
    """A device that comes in between two pages neither hides nor repeats another one."""
    scene = Scene.make(session)
    session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", "public": True})
    early = [number * 10 for number in range(1, 8)]
    for number in early:
        check_in(session, scene.app, number)
    values: dict[str, Any] = {"app_id": scene.app, "limit": 2}
    got: list[str] = []
    for turn in range(12):
        page = session.must("getDevices", values)
        got += [row["device_id"] for row in rows(page)]
        if not page.get("hasMore"):
            break
        values["cursor"] = page["nextCursor"]
        check_in(session, scene.app, 5 + turn)
    wanted = {f"d1ce0000-0000-4000-8000-{number:012d}" for number in early}
    session.demand(
        len(got) == len(set(got)), "cursor-stable", "a device came on two pages while others came in", "getDevices"
    )
    lost = sorted(wanted - set(got))
    session.demand(not lost, "cursor-stable", f"{len(lost)} devices were on no page while others came in", "getDevices")
