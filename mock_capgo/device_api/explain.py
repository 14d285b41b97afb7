"""Why a device would get what it would get, told without anything happening: `GET /_mock/explain`.

Belongs here: what is asked, with the stored device for what is left out, and the way to the decision in words and
values. Neither the device nor its rollout decision is written; where a draw would decide, the answer is the one that
the next draw would give.
"""

from __future__ import annotations

from dataclasses import asdict
from random import Random
from typing import Any

from mock_capgo.call import Call
from mock_capgo.device_api import schemas
from mock_capgo.device_api.check_in import check_in
from mock_capgo.device_api.context import Context, look_up
from mock_capgo.device_api.decision import decide, trace
from mock_capgo.device_api.updates import body
from mock_capgo.resources.values import Fields, fields

_FALLBACKS = {
    "platform": "android",
    "version_build": "1.0.0",
    "plugin_version": "8.0.0",
    "version_os": "",
}
_FLAGS = ("is_prod", "is_emulator")


def explain(call: Call) -> dict[str, Any]:
    """What an update check would be told now, and by which rules. Raises what the check would be refused with."""
    said = check_in(call, _asked(call, fields(call.params)), schemas.UPDATE)
    context = look_up(call, said, _next_draws(call))
    decision = decide(context)
    return {
        "asked": asdict(said),
        "channel": _channel(context),
        "rollout": _rollout(context),
        "bundle": context.bundle_name if context.resolved else None,
        "steps": [asdict(step) for step in trace(context)],
        "rule": decision.rule,
        "stat": decision.stat,
        "status": decision.status,
        "answer": body(call.request.base_url, context, decision),
    }


def _asked(call: Call, params: Fields) -> Fields:
    """The check-in to explain: what was asked, else what is stored about the device, else a usual device."""
    stored = call.state.devices.get((str(params.get("app_id")), str(params.get("device_id", "")).lower()))
    known: Fields = {name: params[name] for name in ("app_id", "device_id") if params.get(name)}
    for name, fallback in _FALLBACKS.items():
        known[name] = params.get(name) or (getattr(stored, _column(name)) if stored else "") or fallback
    known["version_name"] = params.get("version") or (stored.version_name if stored else None) or "builtin"
    for flag in _FLAGS:
        default = getattr(stored, flag) if stored else flag == "is_prod"
        known[flag] = default if params.get(flag) in (None, "") else params[flag] in (True, "true", "1")
    # Sent empty these two say that the device has none, which is another question than leaving them out.
    for name, asked in (("defaultChannel", "default_channel"), ("key_id", "key_id")):
        known[name] = params.get(asked, getattr(stored, asked) if stored else None) or ""
    return known


def _column(name: str) -> str:
    return "os_version" if name == "version_os" else name


def _next_draws(call: Call) -> Random:
    """Randomness that says what the world's own would say next, and leaves that alone."""
    twin = Random()
    twin.setstate(call.world.random.getstate())
    return twin


def _channel(context: Context) -> Fields | None:
    if context.resolved is None:
        return None
    return {"id": context.channel.id, "name": context.channel.name, "found_by": context.resolved.source}


def _rollout(context: Context) -> Fields | None:
    if context.pick is None or context.resolved is None:
        return None
    pick, channel = context.pick, context.channel
    return {
        "rule": pick.rule,
        "chance_bps": pick.chance_bps,
        "percentage_bps": channel.rollout_percentage_bps,
        "enabled": channel.rollout_enabled,
        "paused": channel.rollout_paused_at is not None,
        "takes_target": pick.bundle is not None and pick.bundle.id == channel.rollout_version,
    }
