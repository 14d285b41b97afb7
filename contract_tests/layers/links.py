"""Links: a device follows the one channel that it is linked to, until link or channel goes."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session
from contract_tests.layers.device import check_in


def inhabited(session: Session) -> tuple[str, str, str]:
    """An app and two devices in it without an override: of the run's own where devices can check in."""
    scene = Scene.make(session)
    session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", "public": True})
    try:
        for number in (1, 2):
            check_in(session, scene.app, number)
    except NotHere:
        if not session.guard.sandbox:
            raise
        scene = Scene.find(session)
    listed = rows(session.must("getDevices", {"app_id": scene.app}))
    devices = [row["device_id"] for row in listed if row.get("channel") is None]
    if len(devices) < 2:
        raise NotHere("no two devices are in the inventory, also after they have checked in")
    return str(scene.app), devices[0], devices[1]


def overrides(session: Session, effort: Effort) -> None:
    """One device is linked, linked again and unlinked; another one beside it is not touched."""
    app, device, other = inhabited(session)
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
        found = channel_of()
        session.demand(found == channel, "override-rule", f"{said}: the channel of the device is {found!r}")

    def link(channel: str, named: str = device) -> None:
        session.must("linkDevice", {"app_id": app, "device_id": named, "channel": channel})

    link(one_)
    expect(one_, "after linking")
    beside = one(session.must("getDevices", {"app_id": app, "device_id": other})).get("channel")
    session.demand(beside is None, "untouched", f"with one device another was linked, to {beside!r}", "linkDevice")
    link(one_, other)
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
    session.must("upsertChannel", {"app_id": app, "channel": two})
    link(two, other)
    session.must("deleteDeviceOverride", {"app_id": app, "device_id": device})
    expect(None, "after the link was removed")
    beside = one(session.must("getDevices", {"app_id": app, "device_id": other})).get("channel")
    session.demand(beside == two, "untouched", f"with one link went another: {beside!r}", "deleteDeviceOverride")
    session.must("deleteDeviceOverride", {"app_id": app, "device_id": device})
