"""Update checks: which bundle a device gets, and what the check leaves behind (30)."""

from __future__ import annotations

from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api import effects, rollouts, schemas
from mock_capgo.device_api.admission import remember_unknown
from mock_capgo.device_api.answers import Reply, from_database
from mock_capgo.device_api.check_in import CheckIn, check_in
from mock_capgo.device_api.context import Context, look_up
from mock_capgo.device_api.decision import Decision, decide
from mock_capgo.device_api.versions import reads_metadata
from mock_capgo.quirks import Quirk
from mock_capgo.world.records import Bundle

CHECKS_REMEMBERED = 2048
LONGEST_REMEMBERED = 1024
"""Bytes of a check; an ordinary one has a third of it."""
NO_ZIP = "https://404.capgo.app/no.zip"
"""The address of a bundle that comes file by file and has no archive."""


def alive(_: Call) -> Reply:
    """`{"status": "ok"}`, from routes that tell nothing else."""
    return Reply({"status": "ok"})


def post_updates(call: Call) -> Reply:
    """Tell a device which bundle to load, or why there is none."""
    said = _said(call)
    context = look_up(call, said, call.world.random)
    if context.app is None and context.provider is None and not context.guessing:
        remember_unknown(call, said.app_id)
        # The unknown app that fills the last slot is the first to be answered by the guard.
        context = look_up(call, said, call.world.random)
    decision = decide(context)
    _leave_traces(call, context, decision)
    return from_database(body(call.request.base_url, context, decision), decision.status)


_Sent = tuple[bytes, bool, str | None]
_LATELY: dict[_Sent, CheckIn] = {}


def _said(call: Call) -> CheckIn:
    """What a device says. It says it again at every check, byte for byte, so what was read lately is remembered."""
    sent = call.request.body, call.has(Quirk.DEVICE_BODY_CRASHES), call.request.headers.get("cf-ipcountry")
    known = _LATELY.get(sent)
    if known is not None:
        return known
    said = check_in(call, call.params, schemas.UPDATE)
    if 0 < len(call.request.body) <= LONGEST_REMEMBERED:
        if len(_LATELY) >= CHECKS_REMEMBERED:
            _LATELY.clear()
        _LATELY[sent] = said
    return said


def body(origin: str, context: Context, decision: Decision) -> dict[str, Any]:
    """A decision as the device reads it; stored bundles lie under `origin`."""
    if decision.bundle is not None:
        return _update(origin, context, decision.bundle)
    told: dict[str, Any] = {"error": decision.code}
    if decision.message is not None:
        told["message"] = decision.message
    told.update(decision.details)
    if decision.kind is not None:
        told["kind"] = decision.kind
    return told


def _update(origin: str, context: Context, bundle: Bundle) -> dict[str, Any]:
    device_id = context.said.device_id
    files = f"{origin}/files/read/attachments"
    url = bundle.external_url or NO_ZIP
    if not bundle.external_url and bundle.r2_path:
        url = f"{files}/{bundle.r2_path}?key={bundle.checksum or ''}&device_id={device_id}"
    told: dict[str, Any] = {
        "version": bundle.name,
        "url": url,
        "session_key": bundle.session_key or "",
        "checksum": bundle.checksum,
    }
    manifest = context.manifest
    if manifest:
        told["manifest"] = [
            {
                "file_name": entry["file_name"],
                "file_hash": entry["file_hash"],
                "download_url": f"{files}/{entry['s3_path']}?key={bundle.id}&device_id={device_id}",
            }
            for entry in manifest
        ]
    if context.app is not None and context.app.expose_metadata and reads_metadata(context.plugin):
        told.update({name: value for name, value in (("link", bundle.link), ("comment", bundle.comment)) if value})
    return told


def _leave_traces(call: Call, context: Context, decision: Decision) -> None:
    app = context.app
    if app is None:
        return
    if decision.counts:
        effects.count_active(call, app, context.said.device_id)
    if context.pick is not None and context.pick.remember is not None:
        key = rollouts.key_of(context.channel, context.said.device_id)
        call.state.device_store.rollout_decisions[key] = context.pick.remember
    if decision.stat is None:
        return
    if decision.bundle is None:
        effects.record_device(call, app, context.said)
        return
    # The record runs ahead of the device: it tells the bundle that was offered, not yet the one that runs (30 §6).
    effects.record_device(call, app, context.said, decision.bundle.name)
    effects.count_delivery(call, app, decision.bundle.name)
