"""How a request may be written: slash, HEAD, header of the key, content type, body or query. All ways are one."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.kit.checks import Check
from contract_tests.kit.explore import Effort
from contract_tests.kit.recipes import recipe
from contract_tests.kit.scene import Scene
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Call, Credential


def checks() -> Iterator[Check]:
    """One for reading, one for writing, one for what the live service says in headers."""
    yield Check("schema", "ways-to-ask", _reading, cost=60)
    yield Check("schema", "headers", _headers, cost=6, dialects=("live",))
    yield Check("schema", "ways-to-write", _writing, cost=60, writes=True)


def _reading(session: Session, effort: Effort) -> None:
    """The slash at the end, HEAD, and the header that carries the key."""
    scene = Scene.set(session)
    for operation in session.contract.operations.values():
        if operation.method != "GET":
            continue
        values = recipe(operation.id, scene)
        if values is None:
            continue
        with session.attempt():
            plain = session.ask(operation.id, values)
            call = session.call(operation.id, values)
            call.path = call.path.rstrip("/") if call.path.endswith("/") else call.path + "/"
            other = session.send(call)
            session.demand(other.status == plain.status, "slash-optional", f"{call.path} answered {other.status}")
            if session.guard.sandbox:
                # In a world of one's own nothing else has changed anything between the two.
                same = other.json_or_none() == plain.json_or_none()
                session.demand(same, "same-answer", "the same question, asked twice, is answered otherwise")
        with session.attempt():
            call = session.call(operation.id, values)
            call.method = "HEAD"
            head = session.send(call)
            if session.documented:
                session.demand(head.status == 200, "head-is-get", f"HEAD answered {head.status}")
        if session.documented and session.me.secret is not None:
            for header in ("authorization", "x-api-key"):
                with session.attempt():
                    answer = session.ask(
                        operation.id, values, Credential(f"full in {header}", session.me.secret, header)
                    )
                    session.demand(
                        answer.status == 200, "key-headers", f"a key in {header} was answered {answer.status}"
                    )


def _writing(session: Session, effort: Effort) -> None:
    """The slash at the end of a write, a body whatever it is announced as, and a deletion by query."""
    scene = Scene.set(session)
    for operation in session.contract.operations.values():
        values = recipe(operation.id, scene) if operation.writes else None
        if values is None:
            continue
        with session.attempt():
            call = session.call(operation.id, values)
            call.path = call.path.rstrip("/") if call.path.endswith("/") else call.path + "/"
            answer = session.send(call, Credential("unknown key", "0badc0de-0000-4000-8000-000000000000"))
            session.demand(answer.status == 401, "slash-optional", f"{call.path} answered {answer.status}")
    settings = {"app_id": scene.app, "channel": "stable", "allow_dev": True}
    for announced in ("text/plain", "application/x-www-form-urlencoded", ""):
        with session.attempt():
            call = session.call("upsertChannel", settings)
            call.headers = {"content-type": announced}
            answer = session.send(call)
            said = f"a body announced as {announced or 'nothing'} was answered {answer.status}"
            session.demand(answer.status == 200, "content-type-open", said)
    for name, values in (
        ("deleteChannel", {"app_id": scene.app, "channel": "spare"}),
        ("deleteBundle", {"app_id": scene.app, "version": "1.1.0"}),
    ):
        with session.attempt():
            operation = session.operation(name)
            query = [(member, str(value)) for member, value in values.items()]
            answer = session.send(Call(name, operation.method, operation.path, query))
            session.demand(answer.status == 200, "body-or-query", f"by query it was answered {answer.status}")


def _headers(session: Session, effort: Effort) -> None:
    """A request id is echoed, browsers are let in from where they may come, and nothing is to be loaded."""

    def ask(**headers: str) -> dict[str, str]:
        call = session.call("getOrganizations")
        call.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return session.send(call).headers

    with session.attempt():
        echoed = ask(x_request_id="contract-1").get("x-request-id")
        session.demand(echoed == "contract-1", "live-headers", f"a request id was echoed as {echoed!r}")
    with session.attempt():
        first, second = (ask().get("x-request-id") for _ in range(2))
        session.demand(None is not first != second, "live-headers", "answers have no request ids of their own")
    for origin, allowed in (
        ("https://console.capgo.app", "https://console.capgo.app"), ("http://localhost:3000", "http://localhost:3000"),
        ("https://elsewhere.example", None), ("https://console.capgo.app.elsewhere.example", None),
    ):  # fmt: skip
        with session.attempt():
            found = ask(origin=origin).get("access-control-allow-origin")
            session.demand(found == allowed, "live-headers", f"from {origin} the allowed origin is {found!r}")
    with session.attempt():
        policy = ask().get("content-security-policy", "")
        session.demand("default-src 'none'" in policy, "live-headers", f"the content security policy is {policy!r}")
