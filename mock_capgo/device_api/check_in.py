"""From what a device sent to what it said: the checks that come before anything is looked up (30 §2, 32 §3).

Belongs here: their order, the normalised values, the crashes. Does not belong here: the rules of single fields
(`mock_capgo.device_api.schemas`), or whether the app exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api import device_errors
from mock_capgo.device_api.schemas import Shape, issues
from mock_capgo.device_api.versions import parse_native
from mock_capgo.errors import Error, Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.resources.values import Fields, fields, text, truthy


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What a device said about itself. Text that was not sent is empty; None where null says something else."""

    app_id: str
    device_id: str
    platform: str
    version_name: str
    version_build: str
    version_os: str
    plugin_version: str
    is_prod: bool
    is_emulator: bool
    default_channel: str = ""
    channel: str = ""
    custom_id: str = ""
    install_source: str = ""
    key_id: str = ""
    country: str | None = None


def check_in(call: Call, sent: Any, shape: Shape, invalid: Error = device_errors.INVALID_BODY) -> CheckIn:
    """The check-in that was sent. Raises the first refusal.

    The order is the service's: body, ids, native version, then all fields at once.
    """
    body = _lowered(call, sent, shape)
    if not isinstance(body, (dict, list, str)) or not body:
        raise Refusal(invalid, {"body": body})
    params = dict(fields(body))
    if shape.names_device and not truthy(params.get("device_id")):
        raise Refusal(device_errors.MISSING_DEVICE_ID, {"body": body})
    if not truthy(params.get("app_id")):
        raise Refusal(device_errors.MISSING_APP_ID, {"body": body})
    _fill_up_build(call, params)
    _name_builtin(params, shape)
    for flag, default in (("is_emulator", False), ("is_prod", True)):
        if params.get(flag) is None:
            params[flag] = default
    found = issues(shape.rules, params)
    if found:
        error = {"name": "SchemaError", "issues": found}
        raise Refusal(invalid, {"parseResult": {"success": False, "error": error}})
    return _said(params, country_of(call.request.headers))


def crash(exception: str) -> Refusal:
    """The service dies here: a status 500 that tells nothing. A batch of events tells `exception` (31 §1)."""
    return Refusal(device_errors.CRASH, words={"exception": exception})


def _lowered(call: Call, sent: Any, shape: Shape) -> Any:
    """What was sent, its device id in lower case: the first thing that is done with it."""
    dies = shape.dies_on_ids and call.has(Quirk.DEVICE_BODY_CRASHES)
    if sent is None and dies:
        raise crash("Cannot read properties of null (reading 'device_id')")
    device_id = fields(sent).get("device_id")
    if isinstance(device_id, str):
        return {**sent, "device_id": device_id.lower()}
    if truthy(device_id) and dies:
        raise crash("body.device_id.toLowerCase is not a function")
    return sent


def country_of(headers: Mapping[str, str]) -> str | None:
    """The country that the edge saw the device in, None where it told none (30 §6)."""
    code = headers.get("cf-ipcountry", "").strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _fill_up_build(call: Call, params: Fields) -> None:
    """Give the native version its three parts. Raises SEMVER; what is missing or no text is the fields' matter."""
    build = params.get("version_build")
    if not truthy(build):
        return
    if not isinstance(build, str):
        if call.has(Quirk.DEVICE_BODY_CRASHES):
            raise crash("version?.match is not a function")
        return
    version = parse_native(build)
    if version is None:
        raise Refusal(device_errors.SEMVER, {"version_build": build}, words={"version": build})
    params["version_build"] = str(version)


def _name_builtin(params: Fields, shape: Shape) -> None:
    """A device on its native bundle reports its native version as the bundle's name (30 §2)."""
    if params.get("version_name") != "builtin":
        return
    if "version_build" in params:
        if truthy(params["version_build"]) or not shape.builtin_needs_build:
            params["version_name"] = params["version_build"]
    elif not shape.builtin_needs_build:
        del params["version_name"]


def _said(params: Fields, country: str | None) -> CheckIn:
    # What is no text counts as not sent.
    said = {name: value for name in _TEXTS if type(value := params.get(name)) is str}
    get = said.get
    return CheckIn(
        app_id=get("app_id", ""),
        device_id=get("device_id", ""),
        platform=get("platform", ""),
        version_name=get("version_name", ""),
        version_build=get("version_build", ""),
        # Not validated by update checks, and stored as the database writes it.
        version_os=text(params.get("version_os")) or "",
        plugin_version=get("plugin_version", ""),
        is_prod=params["is_prod"] is True,
        is_emulator=params["is_emulator"] is True,
        default_channel=get("defaultChannel", ""),
        channel=get("channel", ""),
        custom_id=get("custom_id", "").strip(),
        install_source=get("install_source", "").strip().lower(),
        key_id=get("key_id", ""),
        country=country,
    )


_TEXTS = (
    "app_id", "device_id", "platform", "version_name", "version_build", "plugin_version", "defaultChannel", "channel",
    "custom_id", "install_source", "key_id",
)  # fmt: skip
