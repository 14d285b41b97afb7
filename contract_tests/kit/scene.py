"""The things that a check acts on: an app of the run's own with bundles, a channel and a key, or what is there already.

With writes allowed a scene is made; without, it is found by reading. A scene can say how everything in it looks, so
that a check can tell whether a refused call changed anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.guard import Withheld
from contract_tests.kit.reading import one, rows
from contract_tests.kit.session import Session

DEVICE = "d1ce0000-0000-4000-8000-000000000001"
# Nothing answers there, by RFC 2606: what an organization does must be told to nobody.
HOOK_URL = "https://contract-tests.invalid/hook"


@dataclass
class Scene:
    """Ids and names of things that exist; None for what there is none of."""

    session: Session
    org: str | None = None
    app: str | None = None
    own: bool = False
    bundles: list[dict[str, Any]] = field(default_factory=list)
    channel: dict[str, Any] = field(default_factory=dict)
    public: str | None = None
    key: int | None = None
    key_name: str = ""
    device: str = DEVICE
    lacks: str = ""
    """Why the last recipe could not be made."""
    _house: str | None = None
    _hook: str | None = None

    @classmethod
    def set(cls, session: Session) -> Scene:
        """Make a scene where that is allowed, else find one."""
        return cls.make(session) if session.may_write() else cls.find(session)

    @classmethod
    def find(cls, session: Session) -> Scene:
        """A scene of what the target has already. Nothing is written."""
        scene = cls(session, session.profile.org)
        if scene.org is None:
            found = rows(session.must("getOrganizations"))
            scene.org = str(found[0]["id"]) if found else None
        apps = rows(session.must("listApps", {"org_id": scene.org} if scene.org else {}))
        names = [str(app["app_id"]) for app in apps if "app_id" in app]
        scene.app = session.profile.app if session.profile.app in names else (names[0] if names else None)
        if scene.app is not None:
            answered = session.ask("listBundles", {"app_id": scene.app})
            scene.bundles = rows(answered.json_or_none()) if answered.status == 200 else []
            channels = rows(session.must("listChannels", {"app_id": scene.app}))
            scene.channel = channels[0] if channels else {}
            devices = rows(session.must("getDevices", {"app_id": scene.app}))
            scene.device = str(devices[0]["device_id"]) if devices else DEVICE
        keys = session.ask("listApiKeys")
        known = rows(keys.json_or_none()) if keys.status == 200 else []
        scene.key = known[0].get("id") if known else None
        session.ours |= {value for value in (scene.org, scene.app) if value}
        return scene

    @classmethod
    def make(cls, session: Session) -> Scene:
        """A scene of the run's own."""
        scene = cls(session, session.guard.org or session.profile.org, own=True)
        scene.app = session.fresh("app")
        session.must("createApp", {"app_id": scene.app, "name": f"{session.run_id} app", "owner_org": scene.org})
        session.ours |= {scene.app}
        for version in ("1.0.0", "1.1.0"):
            scene.add_bundle(version)
        scene.add_channel("spare")
        scene.add_channel("stable", version="1.0.0")
        scene.reread()
        scene.make_key()
        return scene

    def add_bundle(self, version: str) -> str:
        """Create a bundle."""
        values = {"external_url": f"https://cdn.example.com/{version}.zip", "checksum": "c0ffee" * 8}
        self.session.must("createBundle", {"app_id": self.app, "version": version, **values})
        return version

    def add_channel(self, name: str, **settings: Any) -> str:
        """Create a channel."""
        self.session.must("upsertChannel", {"app_id": self.app, "channel": name, **settings})
        return name

    def reread(self) -> None:
        """Learn the numbers of bundles and channels."""
        self.bundles = sorted(
            rows(self.session.must("listBundles", {"app_id": self.app})), key=lambda row: str(row["name"])
        )
        channels = rows(self.session.must("listChannels", {"app_id": self.app}))
        self.channel = next((row for row in channels if row.get("name") == "stable"), channels[0] if channels else {})
        if not self.bundles or not self.channel:
            self.session.violate("read-your-writes", "what was just created is not in the list")

    def make_key(self) -> None:
        """An API key to act on: a new one, or where keys cannot make keys, one that is there."""
        session = self.session
        if session.documented:
            self.key_name = session.fresh("key")
            body = session.must(
                "createApiKey", {"name": self.key_name, "bindings": [self.binding("org_member", "org")]}
            )
            session.keep_secret(one(body).get("key"))
            self.key = one(body).get("id")
        elif session.guard.sandbox:
            known = rows(session.must("listApiKeys"))
            names = {"test app developer", "test2 app uploader"}
            self.key = next((row["id"] for row in known if row.get("name") not in names and row.get("id", 0) > 9), None)

    def house(self) -> str:
        """An organization whose own affairs may be changed: on a server one that the run founds."""
        if self.session.guard.sandbox:
            return str(self.org)
        self._house = self._house or self.found()
        return self._house

    def found(self) -> str:
        """A new organization."""
        session = self.session
        if not session.profile.full.may_create_organizations and not session.guard.sandbox:
            raise NotHere("it takes an organization of the run's own, and no profile says that the key may create one")
        return str(one(session.must("createOrganization", {"name": session.fresh("organization")}))["id"])

    def hook(self) -> str:
        """A webhook of the run's own, or where nothing is written, one that is there."""
        if self._hook is None and self.own:
            self._hook = self.add_hook()
        elif self._hook is None:
            found = rows(self.session.must("getWebhooks", {"orgId": self.org}))
            if not found:
                raise NotHere("the organization has no webhook")
            self._hook = str(found[0]["id"])
        return self._hook

    def add_hook(self, **more: Any) -> str:
        """Create a webhook."""
        session = self.session
        values = {"orgId": self.org, "name": session.fresh("hook"), "url": HOOK_URL, "events": ["orgs"], **more}
        made = one(session.must("createWebhook", values))
        session.keep_secret(made.get("secret"))
        return str(made["id"])

    def try_hook(self) -> str:
        """Send a test delivery, which nobody receives; its id."""
        return str(self.session.must("testWebhook", {"orgId": self.org, "webhookId": self.hook()})["delivery_id"])

    def binding(self, role: str, scope: str) -> dict[str, Any]:
        """A binding of a new key to this scene."""
        found: dict[str, Any] = {"role_name": role, "scope_type": scope, "org_id": self.org}
        if scope != "org":
            found["app_id"] = self.app
        if scope == "channel":
            found["channel_id"] = self.channel["id"]
        return found

    def look(self) -> dict[str, Any]:
        """How everything in the scene is, as the full key sees it; times of change included."""
        session = self.session
        seen: dict[str, Any] = {}
        with session.quietly():
            for name, values in self._views():
                try:
                    answer = session.ask(name, values)
                except Withheld:
                    continue
                seen[name] = (answer.status, self._mine(name, _sorted(answer.json_or_none())))
        return seen

    def _mine(self, name: str, body: Any) -> Any:
        """Of keys and webhooks on a server only those of this process: others come and go while it looks."""
        if name not in ("listApiKeys", "getWebhooks") or self.session.guard.sandbox:
            return body
        return [row for row in rows(body) if str(row.get("name", "")).startswith(f"{self.session.run_id} ")]

    def _views(self) -> list[tuple[str, dict[str, Any]]]:
        views: list[tuple[str, dict[str, Any]]] = [
            ("getApp", {"appId": self.app}),
            ("listBundles", {"app_id": self.app}),
            ("listChannels", {"app_id": self.app}),
            ("listApiKeys", {}),
        ]
        if self._hook is not None:
            views.append(("getWebhooks", {"orgId": self.org}))
        if self.session.guard.sandbox:
            views += [
                ("getOrganizations", {"orgId": self.org}),
                ("listApps", {"org_id": self.org}),
                ("listOrganizationMembers", {"orgId": self.org}),
                ("getDevices", {"app_id": self.session.profile.app}),
            ]
        return views


def difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What changed between two looks, in a few words; empty when nothing did."""
    for name, seen in before.items():
        now = after.get(name, seen)
        if seen == now:
            continue
        if seen[0] != now[0]:
            return f"{name} answered {seen[0]} before and {now[0]} after"
        old, new = _by_identity(seen[1]), _by_identity(now[1])
        for key in [*old, *(key for key in new if key not in old)]:
            was, became = old.get(key), new.get(key)
            if was is None or became is None:
                return f"{name}: {key} {'appeared' if was is None else 'disappeared'}"
            members = [m for m in {**was, **became} if was.get(m) != became.get(m)]
            if members:
                return f"{name}: {members[0]} of {key} was {was.get(members[0])!r} and is {became.get(members[0])!r}"
        return f"{name} answers something else"
    return ""


def _by_identity(body: Any) -> dict[str, dict[str, Any]]:
    found = rows(body) or [one(body)]
    return {
        str(row.get("device_id", row.get("id", row.get("email", row.get("uid", number))))): row
        for number, row in enumerate(found)
    }


def days(back: int, ahead: int = 0) -> tuple[str, str]:
    """A range of days that ends today or later, as the statistics take it."""
    today: date = datetime.now(UTC).date()
    return (today - timedelta(days=back)).isoformat(), (today + timedelta(days=ahead)).isoformat()


def _sorted(body: Any) -> Any:
    """Rows in an order of their own: a list need not come in the same order twice."""
    found = rows(body)
    return sorted(found, key=lambda row: repr(sorted(row.items()))) if found else body
