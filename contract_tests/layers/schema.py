"""Schema: every operation with valid requests; what is answered honours the document and is about the question."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from contract_tests.kit.checks import Check, NotHere
from contract_tests.kit.contract import Contract, Operation
from contract_tests.kit.explore import Effort, call_of, cases, explore, members
from contract_tests.kit.reading import one, rows
from contract_tests.kit.recipes import SPOILS, UNFIT, expected, needed, recipe
from contract_tests.kit.scene import Scene, days
from contract_tests.kit.session import Session
from contract_tests.kit.wire import Answer
from contract_tests.layers import ways
from contract_tests.layers.effects import holds

_SERIES = frozenset({"getAppStatistics", "getOrganizationStatistics", "getUserStatistics"})
_PAGED = frozenset({"limit", "page"})


def checks(contract: Contract) -> Iterator[Check]:
    """One check for each operation, and those about how a request may be written."""
    for operation in contract.operations.values():
        yield Check(
            "schema",
            operation.id,
            lambda session, effort, name=operation.id: _operation(session, effort, name),  # type: ignore[misc]
            operation.id,
            cost=14,
            writes=operation.writes,
        )
    yield Check("schema", "any-valid-data", _any_data, cost=60, sandbox=True)
    yield from ways.checks()
    yield Check("schema", "statistics-agree", _statistics, cost=20)


def _operation(session: Session, effort: Effort, name: str) -> None:
    operation = session.operation(name)
    kept: list[Scene] = []

    def ask(drawn: tuple[Any, list[bool]]) -> None:
        if not kept or name in SPOILS:
            kept[:] = [Scene.set(session)]
        scene = kept[0]
        base = needed(name, scene)
        session.trail = session.trail[-3:]
        case, chosen = drawn
        extra = {} if case is None else members(case)
        extra = {key: value for key, value in extra.items() if not key.startswith(("enforce", "require", "password"))}
        picked = [key for key, take in zip(sorted(extra), chosen, strict=False) if take]
        values = {**{key: extra[key] for key in picked if key not in UNFIT}, **base}
        values.update(_ranges(session, values))
        answer = session.ask(name, values)
        # What every live rule across members is, no document says: there only the recipe itself has to succeed.
        if expected(name, scene) and (session.documented or values.keys() == base.keys()):
            session.demand(answer.status < 300, "valid-accepted", f"answered {answer.status} to a valid request")
        if answer.status < 300:
            about_the_question(session, operation, values, answer)
            if operation.writes and (session.documented or values.keys() == base.keys()):
                holds(session, scene, name, values)

    plain: st.SearchStrategy[Any] = st.tuples(st.none(), st.just([]))
    drawn = st.tuples(cases(session.contract.dialect, name, True), st.lists(st.booleans(), min_size=24, max_size=24))
    explore(session, effort, plain, ask, examples=1)
    # A live key makes no second organization: there is one to delete, and it is gone.
    last = name == "deleteOrganization" and not session.documented
    if base_members(session, operation) and not last:
        explore(session, effort, drawn, ask)
        if session.guard.sandbox:
            _left_over(session, kept[0], operation)


def _left_over(session: Session, scene: Scene, operation: Operation) -> None:
    """Members that no draw had, each alone, as null or as false: what is answered is documented."""
    body = session.contract.body_schema(operation)
    for member in body[0].get("properties", {}) if body else ():
        if f"{operation.id} {member}" in session.coverage.parameters:
            continue
        for value in (None, False):
            base = recipe(operation.id, scene) if session.contract.member_is_valid(operation, member, value) else None
            if base is not None:
                with session.attempt():
                    session.ask(operation.id, {**base, member: value})
                break


def base_members(session: Session, operation: Operation) -> list[str]:
    """Names that may be laid over a recipe."""
    body = session.contract.body_schema(operation)
    names = [*session.contract.parameters(operation, "query"), *(body[0].get("properties", {}) if body else {})]
    return [name for name in names if name not in UNFIT]


def _ranges(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Generated days are any days; a range that holds data is worth more."""
    return {key: value for key, value in zip(("from", "to"), days(9), strict=True) if key in values}


def about_the_question(session: Session, operation: Operation, values: dict[str, Any], answer: Answer) -> None:
    """Whatever a request names and the answer has under the same name is the same; lists keep to what was asked."""
    body = answer.json_or_none()
    found = rows(body) or [one(body)]
    for row in found:
        for name, value in values.items():
            same = row.get(name, value)
            if name in _PAGED or not isinstance(value, (str, int)) or isinstance(same, (dict, list)):
                continue
            if name in (
                "expires_at",
                "updatePackage",
                "disableAutoUpdate",
                "version",
                "device_id",
                "role",
            ) or isinstance(value, float):
                continue
            if not session.documented and name not in ("app_id", "id", "owner_org"):
                continue
            session.demand(same == value, "answers-the-question", f"asked for {name}={value!r}, answered {same!r}")
        _named_otherwise(session, operation.id, values, row)
    if "limit" in values:
        session.demand(len(rows(body)) <= int(values["limit"]), "pagination", "a page has more rows than its limit")
    if operation.id in _SERIES and session.documented:
        _series(session, values, body)


def _named_otherwise(session: Session, name: str, values: dict[str, Any], row: dict[str, Any]) -> None:
    pairs = {
        "getOrganizations": ("orgId", "id"),
        "updateOrganization": ("orgId", "id"),
        "getApp": ("appId", "app_id"),
        "updateApp": ("appId", "app_id"),
        "listApps": ("org_id", "owner_org"),
    }
    asked, answered = pairs.get(name, ("", ""))
    if asked in values and answered in row:
        same = str(row[answered]).lower() == str(values[asked]).lower()
        session.demand(same, "answers-the-question", f"asked for {values[asked]}, answered {row[answered]}")
    icon = values.get("icon")
    if icon is not None and "icon_url" in row and session.documented:
        session.demand(row["icon_url"] == icon, "read-your-writes", f"icon {icon!r} is {row['icon_url']!r}")


def _series(session: Session, values: dict[str, Any], body: Any) -> None:
    if values.get("breakdown") in (True, "true"):
        return
    first, last = date.fromisoformat(values["from"]), date.fromisoformat(values["to"])
    wanted = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days)]
    got = [point.get("date") for point in rows(body)]
    session.demand(got == wanted, "statistics-range", f"asked for {wanted[0]} to {wanted[-1]}, answered {got}")


def _any_data(session: Session, effort: Effort) -> None:
    """Valid data about things that need not exist: whatever is answered is documented."""
    Scene.set(session)
    for operation in session.contract.operations.values():

        def ask(case: Any, name: str = operation.id) -> None:
            session.send(call_of(case, name))

        with session.attempt():
            explore(session, effort, cases(session.contract.dialect, operation.id, True), ask, examples=4)


def _statistics(session: Session, effort: Effort) -> None:
    """Two ways to ask for the same figures agree: the running total is the sum of the days."""
    scene = Scene.find(session)
    if scene.app is None:
        raise NotHere("the organization has no app")
    first, last = days(6)
    for name, place in (
        ("getAppStatistics", {"appId": scene.app}),
        ("getOrganizationStatistics", {"orgId": scene.org}),
    ):
        with session.attempt():
            asked = {**place, "from": first, "to": last}
            total = rows(session.must(name, asked))
            daily = rows(session.must(name, {**asked, "noAccumulate": True}))
            session.demand(len(total) == len(daily), "statistics-range", "totals and days are not of the same length")
            for member in ("mau", "bandwidth"):
                running = 0
                for one_day, so_far in zip(daily, total, strict=True):
                    running += one_day.get(member, 0)
                    session.demand(
                        so_far.get(member) == running,
                        "statistics-range",
                        f"the running {member} is not the sum of its days",
                    )
    if session.may_write():
        with session.attempt():
            new = Scene.make(session).app
            figures = rows(session.must("getAppStatistics", {"appId": new, "from": first, "to": last}))
            users = [day["mau"] for day in figures]
            session.demand(not any(users), "statistics-range", f"a new app, which no device has, has users: {users}")
    if session.documented:
        with session.attempt():
            days_of = {"orgId": scene.org, "from": first, "to": last, "noAccumulate": True}
            whole = rows(session.must("getOrganizationStatistics", days_of))
            parts = rows(session.must("getOrganizationStatistics", {**days_of, "breakdown": True}))
            session.demand(all("app_id" in part for part in parts), "statistics-range", "a part names no app")
            for day in whole:
                of_day = sum(part["mau"] for part in parts if part["date"] == day["date"])
                said = f"on {day['date']} the parts add up to {of_day}, the whole is {day['mau']}"
                session.demand(of_day == day["mau"], "statistics-range", said)
    with session.attempt():
        usage = session.must("getAppBundleUsage", {"appId": scene.app, "from": first, "to": last})
        labels = usage.get("labels", []) if isinstance(usage, dict) else []
        session.demand(labels == sorted(set(labels)) and len(labels) == 7, "statistics-range", f"labels are {labels}")
        for data in usage.get("datasets", []):
            session.demand(
                len(data["data"]) == len(labels), "statistics-range", "a dataset is not as long as its labels"
            )
        for column in zip(*(data["data"] for data in usage.get("datasets", [])), strict=False):
            share = round(sum(column), 1)
            session.demand(share in (0.0, 100.0), "statistics-range", f"the shares of a day add up to {share}")
