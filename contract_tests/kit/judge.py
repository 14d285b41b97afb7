"""What is true of every answer, whoever asked and why: status, content type, headers, body, secrets, tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_tests.kit.sentences import fault
from contract_tests.kit.wire import Answer, Call, Credential

if TYPE_CHECKING:
    from contract_tests.kit.contract import Operation
    from contract_tests.kit.session import Session

_HANDS_OUT_KEYS = frozenset({"createApiKey", "updateApiKey", "updateApiKeyByBody", "createWebhook"})
_SHOWS_PLAIN_KEYS = {"documented": frozenset({"listApiKeys", "getApiKey"}), "live": frozenset[str]()}


def judge(session: Session, operation: Operation | None, call: Call, who: Credential, answer: Answer) -> None:
    """Raise a Violation where an answer departs from what is always true."""
    _secrets(session, call, who, answer)
    _tenants(session, call, who, answer)
    if operation is None:
        if answer.status != 404 and call.method != "OPTIONS":
            session.violate("unknown-route", f"answered {answer.status} to a route that the contract does not have")
        return
    if answer.status >= 500 and answer.status not in operation.statuses:
        session.violate("no-server-error", f"answered {answer.status}")
    if answer.status not in operation.statuses:
        documented = ", ".join(map(str, sorted(operation.statuses)))
        session.violate(
            "status-documented",
            f"answered {answer.status}; documented are {documented}",
            f"{operation.pointer}/responses",
        )
    _headers(session, operation, answer)
    if call.method == "HEAD":
        if answer.content:
            session.violate("head-is-get", "answered HEAD with a body")
        return
    seen = (operation.id, answer.status, answer.headers.get("content-type", ""), answer.content)
    if seen in session.judged:
        return
    schema = session.contract.answer_schema(operation, answer.status)
    if schema is None:
        return
    kind, _, more = answer.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json" or more.strip() not in ("", "charset=utf-8"):
        announced = answer.headers.get("content-type", "no content type")
        session.violate(
            "content-type", f"{answer.status} came as {announced}", schema[1].partition("/application~1json")[0]
        )
    try:
        body = answer.json()
    except ValueError:
        session.violate("body-is-json", f"the body of a {answer.status} is no JSON", schema[1])
    problems = session.contract.problems(schema, body)
    if problems:
        first = problems[0]
        session.violate("body-schema", f"{answer.status}: {first.message}", first.pointer, first.where)
    said = fault(operation.id, answer.status, body) if session.contract.dialect == "documented" else None
    if said is not None:
        session.violate("error-sentence", said)
    # The same bytes are not validated twice: state is read back after most calls, and mostly unchanged.
    session.judged.add(seen)


def _headers(session: Session, operation: Operation, answer: Answer) -> None:
    found = session.contract.response(operation, answer.status)
    for name, declared in (found[0].get("headers", {}) if found else {}).items():
        header, pointer = session.contract.resolve(declared, found[1] if found else "")
        value = answer.headers.get(name.lower())
        if value is None:
            if header.get("required", True):
                session.violate("header-documented", f"{answer.status} came without {name}", pointer)
            continue
        kind = header.get("schema", {}).get("type")
        if kind == "integer" and not value.isdecimal():
            session.violate("header-documented", f"{name} is {value!r}, no whole number", pointer)


def _secrets(session: Session, call: Call, who: Credential, answer: Answer) -> None:
    text = answer.content.decode("utf-8", "replace") + "\n".join(answer.headers.values())
    shows = _HANDS_OUT_KEYS | _SHOWS_PLAIN_KEYS.get(session.contract.dialect, frozenset())
    for secret in session.secrets:
        if secret not in text or secret in call.url:
            continue
        if call.operation in _HANDS_OUT_KEYS and answer.status < 400:
            continue
        # A plain key is shown to those who manage keys; of a hashed one nobody has the value to show.
        if call.operation in shows and answer.status < 400 and secret not in session.hashed:
            continue
        session.violate("secret-kept", "the answer holds the value of an API key, or the secret of a webhook")


def _tenants(session: Session, call: Call, who: Credential, answer: Answer) -> None:
    asked = call.url + (call.content() or b"").decode("utf-8", "replace")
    text = answer.content.decode("utf-8", "replace")
    for marker in session.foreign_to(who):
        if marker in text and marker not in asked:
            session.violate("tenant-isolation", f"the answer to `{who.name}` holds {marker}, of another organization")
