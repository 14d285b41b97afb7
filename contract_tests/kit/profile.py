"""Who calls, and which organization the run is about.

Belongs here: the actors with the roles that their keys are bound to, read from a file or made from one key. The
two files in `profiles/` describe the mock's built-in worlds; a team writes its own for its account.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.kit.wire import Credential

PROFILES = Path(__file__).resolve().parents[1] / "profiles"


class ProfileError(Exception):
    """A profile cannot be read; the text says why."""


@dataclass(frozen=True)
class Binding:
    """A role on an organization or one of its apps or channels."""

    role: str
    org: str
    app: str | None = None
    channel: int | None = None


@dataclass(frozen=True)
class Actor:
    """A credential and what is known of it. `valid` is False for a key that must not authenticate."""

    credential: Credential
    bindings: tuple[Binding, ...] = ()
    valid: bool = True
    number: int | None = None
    may_create_organizations: bool = False

    @property
    def name(self) -> str:
        """As it is called in reports."""
        return self.credential.name


@dataclass
class Profile:
    """The actors of a run. `full` acts; `others` take part in the access matrix; `foreign` is another account."""

    full: Actor
    org: str | None = None
    others: list[Actor] = field(default_factory=list)
    foreign: Actor | None = None
    foreign_org: str | None = None
    app: str | None = None
    invitee: str | None = None
    second_invitee: str | None = None
    tier: str = "standard"
    foreign_tier: str = "enterprise"

    def secrets(self) -> list[str]:
        """Every secret in it, for the redactor."""
        actors = [self.full, *self.others, *([self.foreign] if self.foreign else [])]
        return [actor.credential.secret for actor in actors if actor.credential.secret]


def load_profile(name: str) -> Profile:
    """A profile by built-in name or by file. Raises ProfileError."""
    path = PROFILES / f"{name}.json" if (PROFILES / f"{name}.json").is_file() else Path(name)
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        actors = {entry["name"]: _actor(entry, data["organization"]) for entry in data["actors"]}
        foreign = data.get("foreign", {})
        return Profile(
            full=actors.pop("full"),
            org=data["organization"],
            foreign=actors.pop("foreign", None),
            others=list(actors.values()),
            foreign_org=foreign.get("organization"),
            app=data.get("app"),
            invitee=data.get("invitee"),
            second_invitee=data.get("second_invitee"),
            tier=data.get("tier", "standard"),
            foreign_tier=foreign.get("tier", "enterprise"),
        )
    except OSError as error:
        raise ProfileError(f"{name}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        # The text of a parse error may quote the file, and the file holds keys.
        raise ProfileError(f"{name}: is no profile ({type(error).__name__}); see docs/contract-tests.md") from None


def profile_of_key(secret: str | None, org: str | None, header: str) -> Profile:
    """The profile that one key makes: the built-in one that it belongs to, else a key with full rights assumed."""
    if secret is not None:
        for path in sorted(PROFILES.glob("*.json")):
            known = load_profile(path.stem)
            if known.full.credential.secret == secret and org in (None, known.org):
                return known
    credential = Credential("full", secret, header)
    bindings = (Binding("org_super_admin", org),) if org else ()
    return Profile(Actor(credential, bindings), org)


def _actor(entry: dict[str, Any], org: str) -> Actor:
    bindings = tuple(
        Binding(item["role"], item.get("org", org), item.get("app"), item.get("channel"))
        for item in entry.get("bindings", ())
    )
    credential = Credential(entry["name"], entry["key"], entry.get("header", "authorization"))
    founds = "org.create" in entry.get("global_permissions", ())
    return Actor(credential, bindings, entry.get("valid", True), entry.get("id"), founds)
