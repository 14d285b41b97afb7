"""Device events, one or many at a time (31)."""

from __future__ import annotations

from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api import device_errors, effects, schemas
from mock_capgo.device_api.admission import has_valid_plan, provider_of
from mock_capgo.device_api.answers import Reply, failed, from_database, ok, on_premise
from mock_capgo.device_api.channels import Asking, is_legacy, resolve
from mock_capgo.device_api.check_in import CheckIn, check_in, crash
from mock_capgo.device_api.device_errors import CRASH
from mock_capgo.device_api.versions import at_least, parse
from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.values import Fields, fields, is_app_id
from mock_capgo.world.records import App, Bundle

FAIL = "_fail"
_PLACEHOLDERS = {"builtin", "unknown"}


class _Unplanned(Exception):
    """The app's plan does not cover it: the whole request is refused."""


class _Declined(Exception):
    """One event is told no, with status 200."""

    def __init__(self, code: str, message: str, more: Fields | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.more = code, message, more


def post_stats(call: Call) -> Reply:
    """Take in events. All of a batch belong to one app."""
    sent = call.params
    batch = isinstance(sent, list)
    events: list[Any] = sent if isinstance(sent, list) else [sent]
    if not events:
        return Reply({"status": "ok", "results": []})
    app_id = _app_id(events[0])
    for event in events[1:]:
        try:
            other = _app_id(event)
        except Refusal as refusal:
            return Reply({"error": refusal.error.code, "message": refusal.message()})
        if other != app_id:
            return Reply({"error": "mixed_app_ids", "message": "All events in a batch must have the same app_id"})
    app = call.state.apps.get(app_id)
    if provider_of(call, app) is not None:
        error = device_errors.PROVIDER_BLOCKED
        return from_database({"error": error.code, "message": error.message}, error.status)
    try:
        return _batch(call, app, events) if batch else _single(call, app, sent)
    except _Unplanned:
        return on_premise()


def _app_id(event: Any) -> str:
    """The app that an event belongs to. Raises INVALID_APP_ID, before anything else is looked at (31 §3)."""
    app_id = fields(event).get("app_id")
    if not isinstance(app_id, str) or not app_id:
        raise Refusal(device_errors.INVALID_APP_ID, words={"reason": "App ID is required"})
    if not is_app_id(app_id):
        raise Refusal(device_errors.INVALID_APP_ID, words={"reason": "App ID must be a reverse domain string"})
    return app_id


def _single(call: Call, app: App | None, event: Any) -> Reply:
    said = _check_in(call, event)
    if app is None:
        return on_premise()
    try:
        _take_in(call, app, said, fields(event))
    except _Declined as declined:
        return failed(declined.code, declined.message, **(declined.more or {}))
    return ok()


def _batch(call: Call, app: App | None, events: list[Any]) -> Reply:
    results: list[Fields] = []
    for index, event in enumerate(events):
        result: Fields
        try:
            said = _check_in(call, event)
            if app is None:
                raise _Declined("on_premise_app", "On-premise app detected")
            _take_in(call, app, said, fields(event))
            result = {"status": "ok", "index": index}
        except _Declined as declined:
            result = {"status": "error", "error": declined.code, "message": declined.message, "index": index}
            if declined.more is not None:
                result["moreInfo"] = declined.more
        except Refusal as refusal:
            result = {"status": "error", "error": refusal.error.code, "message": refusal.message(), "index": index}
            if refusal.error is CRASH:
                result.update(error="processing_error", message=refusal.words.get("exception", refusal.message()))
        results.append(result)
    return ok(results=results)


def _check_in(call: Call, event: Any) -> CheckIn:
    dies = call.has(Quirk.STATS_WITHOUT_ACTION_CRASHES)
    return check_in(call, event, schemas.STATS if dies else schemas.STATS_WITH_ACTION)


def _take_in(call: Call, app: App, said: CheckIn, event: Fields) -> None:
    """Log one event (31 §4). Raises _Declined for a bundle that is not there, _Unplanned, CRASH."""
    if not has_valid_plan(call.state, app, call.now):
        effects.record_device(call, app, said)
        raise _Unplanned
    action = event.get("action")
    if action == "download_fail" and not _reports_failed_downloads_rightly(said.plugin_version):
        effects.count_active(call, app, said.device_id)
        return
    name = said.version_name.split(":", 1)[0] or said.version_name
    bundle = _bundle(call, app.app_id, name)
    if bundle is None:
        more = {"app_id": app.app_id, "version_name": said.version_name}
        raise _Declined("version_not_found", "Version not found", more)
    if not isinstance(action, str):
        raise crash("Cannot read properties of undefined (reading 'endsWith')")
    if said.is_prod and not said.is_emulator and name not in _PLACEHOLDERS:
        _count(call, app, said, bundle, action, event.get("old_version_name"))
    effects.count_active(call, app, said.device_id)
    if not action.endswith(FAIL):
        # A failure tells the bundle that failed, which is not the one that runs.
        effects.record_device(call, app, said)


def _count(call: Call, app: App, said: CheckIn, bundle: Bundle, action: str, old_name: Any) -> None:
    """Count an install, with the uninstall of what it replaces, or a failure, on the device's channel."""
    failed_ = action.endswith(FAIL)
    if action != "set" and not failed_:
        return
    effects.count_version(call, app.app_id, bundle.name, install=not failed_, fail=failed_)
    asking = Asking(said.device_id, said.platform, said.default_channel.strip(), is_legacy(said.plugin_version))
    resolved = resolve(call.state, app, asking, call.now, call.quirks, falls_back=True)
    if resolved is not None:
        effects.note_attempt(call, resolved.channel.id, bundle.name, failed=failed_)
    if failed_ or not isinstance(old_name, str) or old_name in _PLACEHOLDERS:
        return
    old = call.state.bundles.first("name", (app.app_id, old_name))
    if old is not None and old.id != bundle.id:
        effects.count_version(call, app.app_id, old.name, uninstall=1)


def _bundle(call: Call, app_id: str, name: str) -> Bundle | None:
    """The bundle that an event is about. Placeholders count only where an old, deleted row of that name is left."""
    bundle = call.state.bundles.first("name", (app_id, name))
    if bundle is None:
        return None
    return bundle if bundle.deleted == (name in _PLACEHOLDERS) else None


def _reports_failed_downloads_rightly(plugin_version: str) -> bool:
    """Older plugins report a failed download where there was nothing to load; theirs are not logged (31 §4)."""
    plugin = parse(plugin_version)
    if plugin is None:
        return False
    return at_least(plugin, "7.17.0") or (plugin.major == 6 and at_least(plugin, "6.14.25"))
