"""Statistics of an app, an organization, or all apps that a key reaches (reference 24).

Belongs here: parameters, permissions, and whose figures are added up. Does not belong here: the arithmetic of
charts (`mock_capgo.resources.usage`). Figures are read from the world as they are, without the service's cache of
five minutes; plans are not checked, as where billing is not set up.

The service puts no limit on a range (24 §5 leaves it open), which would let one call stop a server that has one
event loop. So ranges are refused that would show more than `MAX_DAYS` days up to today, `MAX_LABELS` labels, or
`MAX_FIGURES` points of a breakdown or counts of bundles; days in the future cost a chart nothing, since they are
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mock_capgo import errors
from mock_capgo.access.permissions import allowed
from mock_capgo.call import Call
from mock_capgo.errors import Refusal
from mock_capgo.resources.dates import parse_date
from mock_capgo.resources.usage import (
    Breakdown,
    BundleUsage,
    Figures,
    Point,
    Span,
    added,
    bundle_usage,
    series,
    span,
    storage_base,
)
from mock_capgo.resources.values import Fields, fields, js_text
from mock_capgo.world.clock import day_of
from mock_capgo.world.records import DAY, App, DailyUsage, Day, Micros
from mock_capgo.world.state import State
from mock_capgo.world.table import Table
from mock_capgo.world.world import World

__all__ = [
    "Breakdown",
    "BundleUsage",
    "Point",
    "get_app_bundle_usage",
    "get_app_statistics",
    "get_organization_statistics",
    "get_user_statistics",
]

MAX_DAYS = 36_525
MAX_LABELS = 10_000
MAX_FIGURES = 400_000
"""A year of a thousand apps, and a little more."""

DELETED_APPS_LISTED: Micros = 35 * DAY
MANY_ROWS = 20_000
"""From so many rows on an organization's totals are kept for the next call."""

_FLAGS = {True: True, False: False, "true": True, "false": False}


def get_app_statistics(call: Call) -> list[Point]:
    """The chart of one app."""
    days, running, _ = _time_series(call)
    app = _app(call)
    figures = dict(_figures(call.state, app.app_id, days))
    return series(days, figures, storage_base(_stored(call.state, [app]), days, figures), running=running)


def get_app_bundle_usage(call: Call) -> BundleUsage:
    """How the updates that an app offered spread over its bundles, day by day."""
    params = fields(call.params)
    issues: list[dict[str, Any]] = []
    start, end = _moment(params, "from", issues), _moment(params, "to", issues)
    first, last = day_of(start), day_of(end)
    if not issues and last - first >= MAX_LABELS:
        issues.append(_issue("to", f"must be less than {MAX_LABELS} days after from"))
    _refuse(issues)
    app = _app(call)
    days = range(first, last + 1)
    rows = [row for row in call.state.daily_versions.where("app", app.app_id) if row.day in days]
    if len(days) * len({row.version_name for row in rows}) > MAX_FIGURES:
        _refuse([_issue("to", f"must leave at most {MAX_FIGURES} counts of bundles")])
    return bundle_usage(rows, days, day_of(call.now))


def get_organization_statistics(call: Call) -> list[Point] | Breakdown:
    """The chart of all apps of an organization, also for a key that is limited to some of them."""
    days, running, broken_down = _time_series(call)
    org_id = call.path["orgId"].lower()
    if not call.may("org.read", org_id):
        raise Refusal(errors.NO_ACCESS_TO_ORG, {"data": call.caller.key.user_id})
    apps = call.state.apps.where("org", org_id)
    figures = organization_figures(call.world, org_id, [app.app_id for app in apps], days)
    base = storage_base(_stored(call.state, apps), days, figures)
    overall = series(days, figures, base, running=running)
    if not broken_down:
        return overall
    return Breakdown(overall, _by_app(call, org_id, apps, days, running=running))


def get_user_statistics(call: Call) -> list[Point]:
    """The charts of every app that the key reads, added up; each app brings its own storage base."""
    days, running, _ = _time_series(call)
    if not call.caller.bindings:
        raise Refusal(errors.NO_ORGANIZATIONS, {"data": call.caller.key.user_id})
    apps = _readable_apps(call)
    if not apps:
        return []
    of_apps = [(app, dict(_figures(call.state, app.app_id, days))) for app in apps]
    base = sum(storage_base(_stored(call.state, [app]), days, figures) for app, figures in of_apps)
    return series(days, added(figures.items() for _, figures in of_apps), base, running=running)


def _time_series(call: Call) -> tuple[Span, bool, bool]:
    """The days asked for, whether to add up, whether to break down. Issues in the order of 24 §1."""
    params = fields(call.params)
    issues: list[dict[str, Any]] = []
    start, end = _moment(params, "from", issues), _moment(params, "to", issues)
    broken_down = _flag(params, "breakdown", issues)
    plain = _flag(params, "noAccumulate", issues)
    days = span(start, end, call.now)
    if not issues and days.shown > MAX_DAYS:
        issues.append(_issue("from", f"must be at most {MAX_DAYS} days before to and today"))
    _refuse(issues)
    return days, not plain, broken_down


def _moment(params: Fields, name: str, issues: list[dict[str, Any]]) -> Micros:
    value = params.get(name)
    if value is None:
        issues.append(_issue(name, "is required"))
        return 0
    moment = parse_date(js_text(value))
    if moment is None:
        issues.append(_issue(name, "must be a valid date"))
    return moment or 0


def _flag(params: Fields, name: str, issues: list[dict[str, Any]]) -> bool:
    value = params.get(name, False)
    if not isinstance(value, (bool, str)) or value not in _FLAGS:
        issues.append(_issue(name, "must be true or false"))
        return False
    return _FLAGS[value]


def _issue(name: str, fault: str) -> dict[str, Any]:
    return {"message": f"{name} {fault}", "path": [name], "code": "custom"}


def _refuse(issues: list[dict[str, Any]]) -> None:
    if issues:
        raise Refusal(errors.STATISTICS_INVALID, {"error": {"issues": issues, "name": "SchemaError"}})


def _app(call: Call) -> App:
    app = call.state.apps.get(call.path["appId"])
    if app is None or not call.may_app("app.read", app):
        raise Refusal(errors.NO_ACCESS_TO_APP, {"data": call.caller.key.user_id})
    return app


def _readable_apps(call: Call) -> list[App]:
    """Every app that a binding lets read, each once."""
    apps = call.state.apps
    found: dict[str, App] = {}
    for binding in call.caller.bindings:
        app = apps.get(binding.app_id) if binding.app_id is not None else None
        reached = apps.where("org", binding.org_id) if binding.scope_type == "org" else [app] if app else []
        for app in reached:
            if allowed([binding], "app.read", org_id=app.owner_org, app_id=app.app_id):
                found[app.app_id] = app
    return list(found.values())


def _by_app(call: Call, org_id: str, apps: list[App], days: Span, *, running: bool) -> list[tuple[str, Point]]:
    """Every day of every app, also of those deleted lately, which have nothing but zeros. No storage base."""
    if days.reversed:
        return []
    living = {app.app_id for app in apps}
    listed = sorted(living.union(_deleted_apps(call, org_id)))
    if days.shown * len(listed) > MAX_FIGURES:
        _refuse([_issue("from", f"must leave at most {MAX_FIGURES} points in the breakdown")])
    return [
        (app_id, point)
        for app_id in listed
        for point in series(
            days, dict(_figures(call.state, app_id, days)) if app_id in living else {}, None, running=running
        )
    ]


def _deleted_apps(call: Call, org_id: str) -> list[str]:
    """Apps whose queued clean-up has run: before that the list does not know them (24 §3)."""
    return [
        app_id
        for app_id, (owner, deleted_at) in call.state.tombstones.items()
        if owner == org_id
        and app_id not in call.state.apps
        and call.now - DELETED_APPS_LISTED < deleted_at <= call.now - call.world.queue_delay
    ]


def _stored(state: State, apps: Iterable[App]) -> int:
    """Bytes of all bundles that are not deleted; external ones have none."""
    return sum(bundle.size for app in apps for bundle in state.bundles.where("app", app.app_id) if not bundle.deleted)


def _figures(state: State, app_id: str, days: Span) -> Iterator[tuple[Day, Figures]]:
    """The figures of an app for those days of a span that have any."""
    usage = state.daily_usage
    counted = days.counted()
    rows: Iterable[DailyUsage]
    if len(counted) < usage.count("app", app_id):
        rows = filter(None, (usage.get((app_id, day)) for day in counted))
    else:
        rows = (row for row in usage.where("app", app_id) if row.day in counted)
    return ((row.day, (row.mau, row.storage, row.bandwidth, row.build_time_seconds)) for row in rows)


def organization_figures(world: World, org_id: str, app_ids: list[str], days: Span) -> dict[Day, Figures]:
    """The figures of the apps of an organization together, at least for the days of the span.

    A year of a thousand apps is 365 000 rows, and looking each of them up takes longer than a call may: where there
    are many, all days are added up once and kept until one of them changes.
    """
    usage = world.state.daily_usage
    if sum(usage.count("app", app_id) for app_id in app_ids) < MANY_ROWS:
        return added(_figures(world.state, app_id, days) for app_id in app_ids)
    derived, totals = world.state.derived, ("figures", org_id, tuple(app_ids))
    known: dict[Day, Figures] | None = derived.find(totals, usage.version)
    if known is None:
        known = derived.keep(totals, usage.version, added(_all_figures(usage, one) for one in app_ids))
    return known


def _all_figures(usage: Table[DailyUsage], app_id: str) -> Iterator[tuple[Day, Figures]]:
    for row in usage.where("app", app_id):
        yield row.day, (row.mau, row.storage, row.bandwidth, row.build_time_seconds)
