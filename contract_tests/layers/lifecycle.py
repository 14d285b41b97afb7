"""Lifecycle: chains of calls, drawn by Hypothesis, held to a model of our own after every step.

Belongs here: the machine; what it knows of apps, bundles, channels and what points to what is in `model`. The
lifecycles that need a plot of their own (pages, overrides, keys, members, organizations) are in `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contract_tests.kit.checks import Check
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort, tuned
from contract_tests.kit.reading import one, rows
from contract_tests.kit.session import Session
from contract_tests.layers import plots
from contract_tests.layers.model import CHANNELS, FLAGS, PLATFORMS, VERSIONS, App


def checks(contract: Contract) -> Iterator[Check]:
    """The machine, and the plots."""
    yield Check("lifecycle", "chains", _chains, cost=900, writes=True)
    yield from plots.checks(contract)


def machine(session: Session) -> type[RuleBasedStateMachine]:
    """The state machine that talks through a session."""
    pick = st.integers(0, 2)
    versions, names = st.sampled_from(VERSIONS), st.sampled_from(CHANNELS)
    app_names, retentions = st.sampled_from(["B", "Ünï çødé", "x" * 60]), st.integers(1, 1000)
    changes = st.fixed_dictionaries({}, optional={"name": app_names, "retention": retentions})
    switches = st.fixed_dictionaries({}, optional={flag: st.booleans() for flag in FLAGS})
    platforms = st.fixed_dictionaries({platform: st.booleans() for platform in PLATFORMS})

    class Lifecycle(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            session.begin()
            self.apps: dict[str, App] = {}
            self.gone: list[str] = []
            self.touched = ""

        # -- apps

        @initialize()
        def first(self) -> None:
            self.create_app()

        @rule()
        def create_app(self) -> None:
            if len(self.apps) > 2:
                return
            name = session.fresh("app")
            values = {"name": "First name"}
            session.must("createApp", {"app_id": name, "owner_org": session.guard.org or session.profile.org, **values})
            self.apps[name] = App(values)
            self.touched = name

        @rule(which=pick)
        def create_app_again(self, which: int) -> None:
            name = self.app(which)
            values = {"app_id": name, "name": "Another", "owner_org": session.guard.org or session.profile.org}
            self.refused("createApp", values, (400, 409), "unique")

        @rule(which=pick, changes=changes)
        def update_app(self, which: int, changes: dict[str, Any]) -> None:
            app = self.app(which)
            session.must("updateApp", {"appId": app, "name": "A", **changes})
            self.apps[app].values.update({"name": "A", **changes})

        @rule(which=pick)
        def delete_app(self, which: int) -> None:
            if len(self.apps) < 2:
                return
            app = self.app(which)
            session.must("deleteApp", {"appId": app})
            del self.apps[app]
            self.gone.append(app)
            self.touched = next(iter(self.apps))

        # -- bundles

        @rule(which=pick, version=versions)
        def create_bundle(self, which: int, version: str) -> None:
            app = self.app(which)
            known = self.apps[app]
            values = {
                "app_id": app,
                "version": version,
                "external_url": f"https://x.example/{version}",
                "checksum": "1",
            }
            if version in known.bundles or version in known.held:
                self.refused("createBundle", values, (400,), "unique")
                return
            session.must("createBundle", values)
            with session.quietly():
                listed = rows(session.must("listBundles", {"app_id": app}))
            found = [row["id"] for row in listed if row.get("name") == version]
            session.demand(
                len(found) == 1, "read-your-writes", f"{version} is listed {len(found)} times", "createBundle"
            )
            known.bundles[version] = found[0]

        @rule(which=pick, version=versions)
        def delete_bundle(self, which: int, version: str) -> None:
            app = self.app(which)
            known = self.apps[app]
            values = {"app_id": app, "version": version}
            if version not in known.bundles:
                self.refused("deleteBundle", values, (404,), "deletes-stay")
            elif known.linked(version):
                self.refused("deleteBundle", values, (400,), "protected")
            else:
                session.must("deleteBundle", values)
                del known.bundles[version]
                known.held.add(version)

        @rule(which=pick)
        def delete_all_bundles(self, which: int) -> None:
            app = self.app(which)
            known = self.apps[app]
            session.must("deleteBundle", {"app_id": app})
            for version in [version for version in known.bundles if not known.linked(version)]:
                del known.bundles[version]
                known.held.add(version)

        # -- channels

        @rule(which=pick, name=names, switches=switches, platforms=platforms, public=st.none() | st.booleans())
        def upsert_channel(
            self, which: int, name: str, switches: dict[str, bool], platforms: dict[str, bool], public: bool | None
        ) -> None:
            app = self.app(which)
            known = self.apps[app]
            settings = {**switches, **platforms, **({} if public is None else {"public": public})}
            session.must("upsertChannel", {"app_id": app, "channel": name, **settings})
            new = {"public": False, "version": None, **dict.fromkeys(FLAGS, True), "allow_device_self_set": False}
            known.channels.setdefault(name, new).update(settings)
            if known.channels[name]["public"]:
                known.demote(name)

        @rule(which=pick, name=names, version=st.sampled_from([*VERSIONS, "builtin"]))
        def point_channel(self, which: int, name: str, version: str) -> None:
            app = self.app(which)
            known = self.apps[app]
            if name not in known.channels:
                return
            values = {"app_id": app, "channel": name, "version": version}
            if version != "builtin" and version not in known.bundles:
                self.refused("upsertChannel", values, (404, 500), "read-your-writes")
                return
            session.must("upsertChannel", values)
            known.channels[name]["version"] = None if version == "builtin" else version

        @rule(which=pick, name=names, version=versions)
        def promote(self, which: int, name: str, version: str) -> None:
            app = self.app(which)
            known = self.apps[app]
            if name not in known.channels or version not in known.bundles:
                return
            with session.quietly():
                listed = rows(session.must("listChannels", {"app_id": app}))
            number = next((row["id"] for row in listed if row.get("name") == name), None)
            values = {"app_id": app, "version_id": known.bundles[version], "channel_id": number}
            told = session.must("setBundleChannel", values).get("message")
            session.demand(told == f"Bundle {version} set to channel {name}", "answers-the-question", f"told {told!r}")
            known.channels[name]["version"] = version

        @rule(which=pick, name=names)
        def delete_channel(self, which: int, name: str) -> None:
            app = self.app(which)
            values = {"app_id": app, "channel": name}
            if name not in self.apps[app].channels:
                self.refused("deleteChannel", values, (404,), "deletes-stay")
                return
            session.must("deleteChannel", values)
            del self.apps[app].channels[name]

        # -- what has to be true after each step

        @invariant()
        def agrees(self) -> None:
            if not self.apps:
                return
            blamed = session.trail[-1].operation if session.trail else None
            with session.quietly():
                self.agrees_on(self.touched, blamed)
                self.agrees_on_absence(blamed)

        def teardown(self) -> None:
            # Step by step the app that was written to, at the end all of them: a chain is replayed often.
            with session.quietly():
                for app in self.apps if session.guard.sandbox else ():
                    self.agrees_on(app, None)

        def agrees_on(self, app: str, blamed: str | None) -> None:
            known = self.apps[app]
            answer = session.ask("getApp", {"appId": app})
            session.demand(
                answer.status == 200, "read-your-writes", f"an app that exists is answered {answer.status}", blamed
            )
            got = one(answer.json())
            for member, value in known.values.items():
                session.demand(
                    got.get(member) == value,
                    "read-your-writes",
                    f"{member} is {got.get(member)!r}, not {value!r}",
                    blamed,
                )
            answer = session.ask("listBundles", {"app_id": app})
            # The live service has no empty list of bundles, it has an error in its place.
            listed = rows(answer.json_or_none()) if answer.status == 200 else []
            self.same({str(row.get("name")) for row in listed}, set(known.bundles), len(listed), "bundles", blamed)
            listed = rows(session.must("listChannels", {"app_id": app}))
            self.same({str(row.get("name")) for row in listed}, set(known.channels), len(listed), "channels", blamed)
            for row in listed:
                self.channel_agrees(row, known.channels[row["name"]], blamed)
                if session.documented:
                    single = session.must("listChannels", {"app_id": app, "channel": row["name"]})
                    session.demand(
                        single == row, "answers-the-question", "a channel alone is not as in the list", "listChannels"
                    )

        def same(self, got: set[str], wanted: set[str], number: int, what: str, blamed: str | None) -> None:
            lost, extra = sorted(wanted - got), sorted(got - wanted)
            session.demand(not lost, "read-your-writes", f"{what} that exist are not listed: {lost}", blamed)
            session.demand(not extra, "deletes-stay", f"{what} that do not exist are listed: {extra}", blamed)
            session.demand(number == len(wanted), "pagination", f"{what} are listed more than once", blamed)

        def channel_agrees(self, row: dict[str, Any], known: dict[str, Any], blamed: str | None) -> None:
            version = (row.get("version") or {}).get("name")
            says = f"{row['name']} points to {version}, not to {known['version']}"
            session.demand(version == known["version"], "read-your-writes", says, blamed)
            says = f"{row['name']} is {'public' if row.get('public') else 'not public'}"
            session.demand(row.get("public") == known["public"], "public-channel", says, blamed)
            for flag in FLAGS:
                session.demand(
                    row.get(flag) == known[flag],
                    "read-your-writes",
                    f"{flag} of {row['name']} is {row.get(flag)!r}",
                    blamed,
                )

        def agrees_on_absence(self, blamed: str | None) -> None:
            for app in self.gone[-1:]:
                for name, member in (("getApp", "appId"), ("listBundles", "app_id"), ("listChannels", "app_id")):
                    answer = session.ask(name, {member: app})
                    session.demand(
                        answer.status >= 400, "deletes-stay", f"{name} still answers for a deleted app", blamed
                    )

        # -- helpers

        def app(self, which: int) -> str:
            self.touched = list(self.apps)[which % len(self.apps)]
            return self.touched

        def refused(self, name: str, values: dict[str, Any], statuses: tuple[int, ...], why: str) -> None:
            answer = session.ask(name, values)
            session.demand(answer.status >= 400, why, f"answered {answer.status} where a refusal is due")
            if session.documented:
                session.demand(answer.status in statuses, why, f"answered {answer.status}, documented is {statuses[0]}")

    return Lifecycle


def _chains(session: Session, effort: Effort) -> None:
    """Drawn chains of calls leave what the model says that they leave."""
    found = machine(session)
    found._hypothesis_internal_use_seed = f"{session.seed}:{session.check}"
    run_state_machine_as_test(found, settings=tuned(effort, effort.chains))
