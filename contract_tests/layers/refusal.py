"""Refusal: invalid requests get the dialect's refusal, never a 5xx, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract_tests.kit.breaking import beyond, broken
from contract_tests.kit.checks import Check
from contract_tests.kit.contract import Contract
from contract_tests.kit.explore import Effort, call_of, cases, explore
from contract_tests.kit.guard import Withheld
from contract_tests.kit.judge import judge
from contract_tests.kit.recipes import needed, recipe
from contract_tests.kit.scene import Scene, difference
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Call, Credential

_LIMIT = 1024 * 1024
_NO_UUID = "0badc0de-0000-4000-8000-00000000dead"
_UNKNOWN_KEY = "deadbeef-0000-4000-8000-000000000001"


def checks(contract: Contract) -> Iterator[Check]:
    """Two checks for each operation, and those about routes, sizes and the order of checks."""
    for operation in contract.operations.values():
        taken = {"operation": operation.id, "writes": operation.writes}
        if operation.id not in ("getHealth", "postHealth", "postKo"):
            yield Check(
                "refusal",
                f"{operation.id}-broken",
                lambda session, effort, name=operation.id: _broken(session, effort, name),  # type: ignore[misc]
                cost=26,
                **taken,  # type: ignore[arg-type]
            )
            yield Check(
                "refusal",
                f"{operation.id}-negative",
                lambda session, effort, name=operation.id: _negative(session, effort, name),  # type: ignore[misc]
                cost=20,
                **{**taken, "sandbox": operation.writes},  # type: ignore[arg-type]
            )
    yield Check("refusal", "unknown-things", _unknown_things, cost=60, writes=True)
    yield Check("refusal", "routes", _routes, cost=40)
    yield Check("refusal", "body-limit", _too_large, cost=30, writes=True)
    yield Check("refusal", "order-of-checks", _order, cost=60, dialects=("documented",))


def _broken(session: Session, effort: Effort, name: str) -> None:
    """A valid request broken in one place."""
    operation = session.operation(name)
    scene = Scene.set(session)
    values = needed(name, scene)
    base = session.call(name, values)
    whole = not session.guard.sandbox
    before = scene.look() if operation.writes else None
    can_look = session.guard.sandbox
    taken = False

    def ask(drawn: tuple[str, Call] | None) -> None:
        if drawn is None:
            return
        what, call = drawn
        answer = session.send(call, judged=session.documented)
        if not session.documented and answer.status >= 400:
            # What the live service makes of a broken request that it takes, its documents do not say.
            judge(session, operation, call, session.me, answer)
        if session.documented:
            session.demand(
                answer.status == 400, "invalid-refused", f"answered {answer.status} to a request with {what}"
            )
        nonlocal before, taken
        taken = taken or answer.status < 400
        if before is None or not can_look:
            return
        if answer.status < 400:
            # The live service reads past much that its documents do not have: what it took is the new state.
            before = scene.look()
        else:
            changed = difference(before, scene.look())
            session.demand(not changed, "refusal-harmless", f"a refused request with {what} changed: {changed}", name)

    explore(session, effort, broken(session.contract, operation, base, whole), ask, examples=2 * effort.examples)
    if session.documented:
        for what, call in beyond(session.contract, operation, base):
            with session.attempt():
                answer = session.send(call)
                said = f"answered {answer.status} to a request with {what}"
                session.demand(answer.status == 400, "invalid-refused", said)
    if before is not None and not can_look and not taken:
        changed = difference(before, scene.look())
        session.demand(not changed, "refusal-harmless", f"refused requests changed: {changed}", name)


def _negative(session: Session, effort: Effort, name: str) -> None:
    """Schemathesis's invalid data: anything but a failure of the server, and never a success of a broken body."""
    operation = session.operation(name)

    def ask(case: Any) -> None:
        call = call_of(case, name)
        on_route = (
            call.path.count("/") == operation.path.count("/") and "//" not in call.path and "%2F" not in call.path
        )
        answer = session.send(call, judged=on_route, route=on_route)
        session.demand(
            answer.status < 500 or answer.status in operation.statuses, "no-server-error", "the server failed"
        )
        if session.documented and call.has_body and not session.contract.body_is_valid(operation, call.body):
            session.demand(answer.status >= 400, "invalid-refused", f"answered {answer.status} to an invalid body")

    explore(session, effort, cases(session.contract.dialect, name, False), ask)


def _unknown_things(session: Session, effort: Effort) -> None:
    """Valid requests about what does not exist: 404 inside of what is visible, 403 where the parent is unknown."""
    scene = Scene.set(session)
    cells = [*_absent_of_recipes(session, scene), *_absent_names(session, scene)]
    before = scene.look()
    for name, values, status in cells:
        with session.attempt():
            answer = session.ask(name, values)
            if session.documented:
                session.demand(
                    answer.status == status, "invalid-refused", f"{answer.status} where {status} is documented"
                )
            else:
                fine = answer.status >= 400 or name in ("listApps", "deleteBundle", "deleteDeviceOverride")
                session.demand(fine, "invalid-refused", f"answered {answer.status} about a thing that does not exist")
    with session.attempt():
        changed = difference(before, scene.look())
        session.demand(not changed, "refusal-harmless", f"calls about absent things changed: {changed}")


def _absent_of_recipes(session: Session, scene: Scene) -> list[tuple[str, dict[str, Any], int]]:
    """Each valid call with one thing in it replaced by one that there is not; with the status that is documented."""
    absent = f"dev.{session.run_id}.absent"
    cells: list[tuple[str, dict[str, Any], int]] = []
    for name in session.contract.operations:
        base = recipe(name, scene) if session.documented or name != "createApiKey" else None
        if base is None or name in ("createApiKey", "createApp"):
            continue
        inner: dict[str, Any] = {
            "channel": f"{session.run_id} absent", "channel_id": 2**40, "version_id": 2**40, "version": "9.9.9",
            "id": 2**40, "email": "nobody-here@example.com", "device_id": "d0000000-dead-4000-8000-000000000000",
            "webhookId": _NO_UUID, "deliveryId": _NO_UUID,
        }  # fmt: skip
        for member, value in inner.items():
            may_be_new = (name, member) in {
                ("upsertChannel", "channel"), ("createBundle", "version"), ("deleteDeviceOverride", "device_id"),
                ("linkDevice", "device_id"),
            }  # fmt: skip
            if member in base and not may_be_new:
                cells.append((name, {**base, member: value}, 404))
        for member in ("app_id", "appId"):
            if member in base:
                cells.append((name, {**base, member: absent}, 403))
        for member in ("orgId", "org_id"):
            if member in base:
                cells.append((name, {**base, member: _NO_UUID}, 403))
    return cells


def _absent_names(session: Session, scene: Scene) -> list[tuple[str, dict[str, Any], int]]:
    """Names that are nobody's, or those of something else but for their case."""
    cells: list[tuple[str, dict[str, Any], int]] = []
    if scene.own:
        cells.append(("createApp", {**(recipe("createApp", scene) or {}), "owner_org": _NO_UUID}, 403))
    cells.append(("listChannels", {"app_id": scene.app, "channel": "absent"}, 404))
    cells.append(("getDevices", {"app_id": scene.app, "device_id": "absent"}, 404))
    if scene.own:
        # Names are exact: in another case they are other names.
        name = str(scene.channel["name"]).upper()
        cells += [(about, {"app_id": scene.app, "channel": name}, 404) for about in ("listChannels", "deleteChannel")]
        cells.append(("linkDevice", {"app_id": scene.app, "channel": name, "device_id": scene.device}, 404))
        cells.append(("getApp", {"appId": str(scene.app).upper()}, 403))
        cells.append(("upsertChannel", {"app_id": scene.app, "channel": "stable", "version": "9.9.9"}, 404))
    return cells


def _routes(session: Session, effort: Effort) -> None:
    """Unknown routes, and known ones with another method: 404 in the dialect's form."""
    known = {(o.method, o.path.rstrip("/")) for o in session.contract.operations.values()}
    paths = [
        "/",
        "/nope",
        "/app/a.b/c",
        "/organization/nope",
        "/channel/x/y",
        "/bundle/metadata/x",
        "/statistics",
        "/apikey/1/2",
        "//app",
    ]
    calls = [("GET", path) for path in paths]
    for path in sorted({path for _, path in known if "{" not in path}):
        calls += [(m, path) for m in ("GET", "POST", "PUT", "DELETE", "PATCH") if (m, path) not in known]
    for method, path in calls:
        with session.attempt():
            try:
                answer = session.send(Call("(no operation)", method, path), judged=False, route=False)
            except Withheld:
                continue
            session.demand(answer.status == 404, "unknown-route", f"{method} {path} answered {answer.status}")
            body = answer.json_or_none()
            form = {"error", "status"} if session.documented else {"error", "message"}
            fits = isinstance(body, dict) and body.keys() == form and body.get("status", "KO") == "KO"
            session.demand(fits, "unknown-route", f"{method} {path} was refused in another form")


def _too_large(session: Session, effort: Effort) -> None:
    """A body over 1 MiB is refused, whatever is in it; one just under it is read."""
    scene = Scene.set(session)
    for operation in session.contract.operations.values():
        if "requestBody" not in operation.document or 413 not in operation.statuses:
            continue
        values = recipe(operation.id, scene)
        if values is None:
            continue
        with session.attempt():
            call = session.call(operation.id, values)
            call.raw = _padded(call, _LIMIT)
            answer = session.send(call)
            session.demand(answer.status == 413, "body-limit", f"answered {answer.status} to a body of over 1 MiB")
    with session.attempt():
        call = session.call("createApp", recipe("createApp", scene))
        call.raw = _padded(call, _LIMIT - 1000)
        session.demand(session.send(call).status != 413, "body-limit", "refused a body of under 1 MiB as too large")


def _padded(call: Call, size: int) -> bytes:
    return json.dumps({**call.body, "unknown": "x" * size}).encode()


def _order(session: Session, effort: Effort) -> None:
    """The key is looked at before the contract, and the contract before the permission."""
    scene = Scene.set(session)
    nobody = Credential("unknown", _UNKNOWN_KEY)
    low = next((actor.credential for actor in session.profile.others if actor.name == "reader"), None)
    for operation in session.contract.operations.values():
        values = recipe(operation.id, scene)
        if values is None or operation.id in ("getHealth", "postHealth", "getUserStatistics"):
            continue
        call = session.call(operation.id, values)
        if call.has_body:
            call.body = {**call.body, "unknown": 1}
        else:
            call.query = [*call.query, ("unknown", "1")]
        for who, status in ((nobody, 401), (low, 400)):
            if who is None:
                continue
            with session.attempt():
                answer = session.send(call, who)
                session.demand(
                    answer.status == status, "order-of-checks",
                    f"{answer.status} to a request that breaks the contract, as {who.name}; documented is {status}",
                )  # fmt: skip
