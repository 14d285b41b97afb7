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
    yield Check("device", "offers", _offers, cost=60, writes=True)
    yield Check("device", "policies", _policies, cost=30, writes=True)
    yield Check("device", "choices", _choices, cost=30, writes=True)
    yield Check("device", "rollouts", _rollouts, cost=30, writes=True)
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


class Fleet:
    """Devices that each ask once, for an app of the run's own."""

    def __init__(self, session: Session) -> None:
        self.session, self.scene = session, Scene.make(session)
        self._numbers = itertools.count(900)

    def expect(self, said: str, version: str | None, number: int | None = None, **more: Any) -> None:
        """A device is offered the bundle of that version, whole, or none."""
        number = next(self._numbers) if number is None else number
        status, body = check_in(self.session, self.scene.app, number, **more)
        got = body.get("version") if body.get("url") else None
        self.session.demand(
            status < 500 and got == version,
            "device-offer",
            f"{said}: offered {got!r} ({status} {body.get('error')}), not {version!r}",
        )
        if got is not None:
            with self.session.quietly():
                listed = rows(self.session.must("listBundles", {"app_id": self.scene.app}))
            known = next(row for row in listed if row["name"] == got)
            for member, value in (("url", known["external_url"]), ("checksum", known["checksum"])):
                told = f"{said}: the {member} is {body.get(member)!r}, not that of {got}"
                self.session.demand(body.get(member) == value, "device-offer", told)

    def set(self, channel: str = "stable", **settings: Any) -> None:
        """Write a channel."""
        self.session.must("upsertChannel", {"app_id": self.scene.app, "channel": channel, **settings})

    def switch(self, setting: str, on: bool) -> None:
        """Write one switch of the channel."""
        self.session.must("upsertChannel", {"app_id": self.scene.app, "channel": "stable", setting: on})

    def publish(self) -> None:
        """A public channel for everybody, without a policy, that points to 1.1.0."""
        self.set(public=True, ios=True, android=True, electron=True, disableAutoUpdate="none", version="1.1.0")


def _offers(session: Session, effort: Effort) -> None:
    """The bundle of the channel, as the channel's switches allow it."""
    fleet = Fleet(session)
    fleet.expect("no public channel", None)
    fleet.set(public=True, ios=True, android=True, electron=True, disableAutoUpdateUnderNative=False)
    fleet.expect("a bundle of another major version", None, version_build="0.9.0")
    fleet.set(disableAutoUpdate="none")
    fleet.expect("the same without a policy", "1.0.0", version_build="0.9.0")
    number = next(row["id"] for row in fleet.scene.bundles if row["name"] == "1.1.0")
    promotion = {"app_id": fleet.scene.app, "version_id": number, "channel_id": fleet.scene.channel["id"]}
    session.must("setBundleChannel", promotion)
    fleet.expect("after another bundle was set", "1.1.0")
    fleet.expect("a device that has it", None, version_name="1.1.0")
    for setting, more in (
        ("allow_prod", {}), ("allow_device", {}), ("allow_emulator", {"is_emulator": True}),
        ("allow_dev", {"is_prod": False}), ("ios", {}), ("android", {"platform": "android"}),
        ("electron", {"platform": "electron"}),
    ):  # fmt: skip
        fleet.switch(setting, False)
        fleet.expect(f"with {setting} off", None, **more)
        fleet.switch(setting, True)
        fleet.expect(f"with {setting} on again", "1.1.0", **more)
    fleet.set(disableAutoUpdateUnderNative=True)
    fleet.expect("a newer native version", None, version_build="1.2.0", version_name="1.2.0")


def _policies(session: Session, effort: Effort) -> None:
    """How far a bundle may be from the native version of a device."""
    fleet = Fleet(session)
    for version in ("1.1.1", "2.0.0"):
        fleet.scene.add_bundle(version)
    fleet.publish()
    for policy, native, version, offered in (
        ("major", "1.0.0", "2.0.0", False), ("major", "1.0.0", "1.1.1", True), ("minor", "1.0.0", "1.1.1", False),
        ("minor", "1.1.0", "1.1.1", True), ("patch", "1.1.0", "1.1.1", False), ("none", "1.1.0", "2.0.0", True),
    ):  # fmt: skip
        fleet.set(disableAutoUpdate=policy, version=version)
        said = f"{version} under the policy {policy}, native {native}"
        fleet.expect(said, version if offered else None, version_build=native)


def _choices(session: Session, effort: Effort) -> None:
    """Which channel a device follows: its platform's public one, the one it names, the one it is linked to."""
    fleet = Fleet(session)
    fleet.publish()
    fleet.set(ios=True, android=False, electron=False)
    fleet.set("spare", public=True, ios=False, android=True, electron=False, disableAutoUpdate="none", version="1.0.0")
    fleet.expect("ios beside a channel of android's", "1.1.0", version_name="0.1.0")
    fleet.expect("android beside a channel of ios'", "1.0.0", version_name="0.1.0", platform="android")
    fleet.expect("a platform that no channel has", None, platform="electron")
    fleet.set("private", ios=True, android=True, disableAutoUpdate="none", version="1.0.0")
    fleet.expect("a private channel that is asked for", None, version_name="0.1.0", defaultChannel="private")
    fleet.expect("a channel in another case", None, version_name="0.1.0", defaultChannel="STABLE")
    fleet.set("private", allow_device_self_set=True)
    fleet.expect("a channel that may be asked for", "1.0.0", version_name="0.1.0", defaultChannel="private")
    if session.guard.sandbox:
        fleet.expect("before it is linked", "1.1.0", 700, version_name="0.1.0")
        link = {"app_id": fleet.scene.app, "device_id": "d1ce0000-0000-4000-8000-000000000700"}
        session.must("linkDevice", {**link, "channel": "private"})
        # The service counts its links in a queue, and follows none before.
        session.target.wait(300)
        fleet.expect("a device that is linked to another channel", "1.0.0", 700, version_name="0.1.0")
        session.must("deleteDeviceOverride", link)
        session.target.wait(300)
        fleet.expect("with its link removed", "1.1.0", 700, version_name="0.1.0")
    session.must("deleteChannel", {"app_id": fleet.scene.app, "channel": "stable"})
    fleet.expect("after its channel was deleted", None)


def _rollouts(session: Session, effort: Effort) -> None:
    """The target of a rollout for all or for none, as it is switched, paused, taken back and completed."""
    fleet = Fleet(session)
    fleet.publish()
    fleet.scene.add_bundle("1.1.1")
    for said, settings, version in (
        ("a rollout to everybody", {"rolloutVersion": "1.1.1", "rolloutPercentageBps": 10000, "rolloutEnabled": True},
         "1.1.1"),
        ("a paused rollout", {"rolloutPaused": True}, "1.1.0"),
        ("a rollout that goes on", {"rolloutPaused": False}, "1.1.1"),
        ("a rollout that is off", {"rolloutEnabled": False}, "1.1.0"),
        ("a rollout to nobody", {"rolloutEnabled": True, "rolloutPercentageBps": 0}, "1.1.0"),
        ("a rollout that was taken back", {"rollback": True}, "1.1.0"),
        ("a new rollout", {"rolloutVersion": "1.1.1", "rolloutPercentageBps": 10000, "rolloutEnabled": True}, "1.1.1"),
        ("a rollout that was completed", {"promoteToStable": True}, "1.1.1"),
    ):  # fmt: skip
        fleet.set(**settings)
        fleet.expect(said, version)


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
