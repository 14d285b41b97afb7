"""The lives of keys, members and organizations: who is let in, and from when and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contract_tests.kit.checks import NotHere
from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Credential


def _new_key(session: Session, scene: Scene, **more: Any) -> tuple[dict[str, Any], Credential]:
    values = {"name": session.fresh("key"), "bindings": [scene.binding("org_member", "org")], **more}
    made = one(session.must("createApiKey", values))
    session.keep_secret(made.get("key"), hashed=bool(more.get("hashed")))
    return made, Credential("the new key", made.get("key"))


def _works(session: Session, scene: Scene, who: Credential, works: bool, said: str) -> None:
    answer = session.ask("getOrganizations", {"orgId": scene.org}, who)
    wanted = 200 if works else 401
    session.demand(answer.status == wanted, "key-lifecycle", f"{said} a key is answered {answer.status}, not {wanted}")


def keys(session: Session, effort: Effort) -> None:
    """A key from its making to its end: new, renewed, deleted; plain and hashed."""
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
            if session.guard.sandbox:
                others = set(listed) - ids - {made["id"]}
                session.demand(not others, "untouched", "with a key went other ones", "deleteApiKey")


def key_expiry(session: Session, effort: Effort) -> None:
    """A key works until it expires, and again when that is taken back."""
    scene = Scene.make(session)
    past = session.ask("createApiKey", {
        "name": session.fresh("key"), "bindings": [scene.binding("org_member", "org")],
        "expires_at": "2001-01-01T00:00:00Z",
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


def members(session: Session, effort: Effort) -> None:
    """Somebody is invited, once, and removed; the last super admin is not."""
    email = session.profile.invitee
    if email is None:
        raise NotHere("the profile names nobody to invite")
    org = Scene(session, session.profile.org).house()

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


def organizations(session: Session, effort: Effort) -> None:
    """An organization is made, changed and deleted with all that is in it."""
    name, other = session.fresh("org"), session.fresh("org")
    ours = session.must("getOrganizations", {"orgId": session.profile.org})
    Scene(session, session.profile.org).house()
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
    inside = [row["app_id"] for row in rows(session.must("listApps", {"org_id": made}))]
    session.demand(
        inside == [app], "answers-the-question", f"asked for one organization, answered {inside}", "listApps"
    )
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
