"""What several resources share: the database's own errors, and the way to an app, a channel, a page."""

from __future__ import annotations

from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.values import Fields, is_app_id, js_text, text, truthy
from mock_capgo.world.records import App, Binding, Bundle, Channel

ROWS_PER_PAGE = 50
MAX_ROWS = 1000
"""No answer of the service's database layer has more rows."""


NO_ROWS: dict[str, Any] = {
    "code": "PGRST116",
    "details": "The result contains 0 rows",
    "hint": None,
    "message": "Cannot coerce the result to a single JSON object",
}
"""The database layer's complaint about a single-row lookup without a row (reference 00 §5)."""


def database_error(code: str, message: str) -> dict[str, Any]:
    """An error of the database as the live service passes it on."""
    return {"code": code, "details": None, "hint": None, "message": message}


def invalid_bigint(complaint: str) -> dict[str, Any]:
    """The database's refusal of an id that is no number, or too large a one."""
    return database_error("22003" if "out of range" in complaint else "22P02", complaint)


def app_id_of(
    params: Fields, body: Any, missing: Error = errors.MISSING_APP_ID, invalid: Error = errors.INVALID_APP_ID
) -> str:
    """The `app_id` parameter. Raises `missing` echoing the body, `invalid` echoing the value (20 §0, APPID)."""
    app_id = params.get("app_id")
    if not truthy(app_id):
        raise Refusal(missing, {"body": body})
    if not is_app_id(app_id):
        raise Refusal(invalid, {"app_id": app_id})
    return str(app_id)


def app_by_path(call: Call) -> str:
    """The app id in the path. Raises INVALID_APP_ID."""
    app_id = call.path["appId"]
    if not is_app_id(app_id):
        raise Refusal(errors.INVALID_APP_ID, {"app_id": app_id})
    return app_id


def find_channel(call: Call, app_id: str, name: Any) -> Channel | None:
    """The channel of that exact name; a number is looked up as its text."""
    found = text(name)
    return call.state.channels.first("name", (app_id, found)) if found else None


def find_bundle(call: Call, app_id: str, name: str) -> Bundle | None:
    """The bundle of that name that is not deleted."""
    bundle = call.state.bundles.first("name", (app_id, name))
    return bundle if bundle is not None and not bundle.deleted else None


def page_window(call: Call, page: Any) -> slice:
    """The rows of a page, counted from 0. Raises ValueError for a negative one."""
    number = page if isinstance(page, int) else int(js_text(page or 0).strip() or 0)
    if number < 0:
        raise ValueError(page)
    start = number * ROWS_PER_PAGE
    if call.has(Quirk.STRING_PAGE_WINDOW) and isinstance(page, str):
        # The service computes (page + 1) on text: "1" + 1 is "11", and the window ends at 11 * 50 - 1.
        end = int(f"{number}1") * ROWS_PER_PAGE
        return slice(start, min(max(end, start), start + MAX_ROWS))
    return slice(start, start + ROWS_PER_PAGE)


def is_preview_key(call: Call, app_id: str) -> bool:
    """Whether the caller is an app_preview key of this app: it may touch only what it made (21 §7, 22 §5)."""
    return preview_binding(call, app_id) is not None


def preview_binding(call: Call, app_id: str) -> Binding | None:
    """The caller's app_preview binding on an app."""
    for binding in call.caller.bindings:
        if binding.role == "app_preview" and binding.app_id == app_id:
            return binding
    return None


def owns_preview_channel(call: Call, channel_id: int) -> bool:
    """Whether a channel was made by the calling app_preview key."""
    return any(
        binding.role == "channel_preview" and binding.channel_id == channel_id for binding in call.caller.bindings
    )


def app_row(call: Call, app_id: str) -> App | None:
    """The app, whether or not the caller may see it."""
    return call.state.apps.get(app_id)
