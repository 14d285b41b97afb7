"""The refusals of the device API that are thrown: an error code, a message, and details in `moreInfo` (30 §1).

Belongs here: rows of the same form as those of `mock_capgo.errors`. The documentation does not describe this API,
so both columns of a row are alike. Does not belong here: the errors that come with status 200, which are
outcomes of an operation (`mock_capgo.device_api.rules`, `answers`).
"""

from __future__ import annotations

from mock_capgo.errors import INVALID_JSON, UNFIT_VALUE, UNKNOWN_ERROR, Error

__all__ = [
    "CRASH",
    "INVALID_APP_ID",
    "INVALID_BODY",
    "INVALID_JSON",
    "INVALID_QUERY",
    "MISSING_APP_ID",
    "MISSING_DEVICE_ID",
    "PROVIDER_BLOCKED",
    "SEMVER",
    "UNFIT_VALUE",
]


def _row(name: str, status: int, code: str, message: str) -> Error:
    return Error(name, status, code, message, status, message, "code_and_message")


CRASH = UNKNOWN_ERROR
INVALID_BODY = _row("DEVICE_INVALID_BODY", 400, "invalid_json_body", "Cannot parse body")
INVALID_QUERY = _row("DEVICE_INVALID_QUERY", 400, "invalid_query_parameters", "Cannot parse body")
MISSING_DEVICE_ID = _row("DEVICE_MISSING_DEVICE_ID", 400, "missing_device_id", "Cannot find device_id")
MISSING_APP_ID = _row("DEVICE_MISSING_APP_ID", 400, "missing_app_id", "Cannot find app_id")
INVALID_APP_ID = _row("DEVICE_INVALID_APP_ID", 400, "invalid_app_id", "{reason}")
SEMVER = _row(
    "DEVICE_SEMVER", 400, "semver_error",
    "Native version: {version} doesn't follow semver convention, please check https://capgo.app/semver_tester/"
    " to learn more about semver usage in Capgo",
)  # fmt: skip
PROVIDER_BLOCKED = _row(
    "DEVICE_PROVIDER_BLOCKED", 429, "provider_infrastructure_request_blocked",
    "Provider infrastructure requests are blocked",
)  # fmt: skip
