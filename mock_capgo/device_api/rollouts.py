"""Which of a channel's two bundles a device gets while a rollout is on its way (30 §5).

Belongs here: the order of the rules, the draw, and what is remembered about a device. A draw is left to chance and
remembered; it does not follow from the device's id, so only 0 and 10000 basis points are certain.
"""

from __future__ import annotations

from math import ceil
from random import Random
from typing import NamedTuple

from mock_capgo.device_api.store import Key, StoredDecision
from mock_capgo.world.records import SECOND, Bundle, Channel, Micros
from mock_capgo.world.state import State

ALL = 10_000
MIN_TTL = 60
MAX_TTL = 31_536_000


class Pick(NamedTuple):
    """The bundle, the rule that chose it, the share drawn with, and what to remember (None: leave it as it is)."""

    bundle: Bundle | None
    rule: str
    chance_bps: int | None = None
    remember: StoredDecision | None = None


def pick(state: State, channel: Channel, device_id: str, reports: str, now: Micros, random: Random) -> Pick:
    """The bundle for a device that reports the name `reports`. Draws from `random`, writes nothing."""
    stable = bundle_of(state, channel.version)
    target = bundle_of(state, channel.rollout_version)
    if not _is_entered(state, channel.app_id, reports):
        return Pick(stable, "no_rollout_in_app")
    if target is None or target.deleted:
        return Pick(stable, "no_target")
    stored = _remembered(state, channel, device_id, now)
    selected, rule, chance, keeps = _decide(channel, target.name == reports, stored, random)
    if keeps:
        return Pick(target if selected else stable, rule, chance)
    ttl = min(max(channel.rollout_cache_ttl_seconds, MIN_TTL), MAX_TTL) * SECOND
    decision = StoredDecision(selected, channel.rollout_percentage_bps, channel.rollout_id, target.id, now + ttl)
    return Pick(target if selected else stable, rule, chance, decision)


def key_of(channel: Channel, device_id: str) -> Key:
    """Where the decision about a device on a channel is kept."""
    return channel.app_id, channel.id, device_id


def bundle_of(state: State, bundle_id: int | None) -> Bundle | None:
    """A bundle by its id; None, the native one, for none."""
    return None if bundle_id is None else state.bundles.get(bundle_id)


def _decide(
    channel: Channel, reports_target: bool, stored: StoredDecision | None, random: Random
) -> tuple[bool, str, int | None, bool]:
    """Whether the target is given, by which rule, drawn at which share, and whether memory stays as it is."""
    bps = channel.rollout_percentage_bps
    if not channel.rollout_enabled:
        return False, "disabled", None, True
    if reports_target and (stored is None or stored.selected):
        return True, "already_on_target", None, False
    if channel.rollout_paused_at is not None:
        return False, "paused", None, True
    if bps <= 0:
        return False, "at_zero", None, True
    if stored is None:
        return _draw(bps, random), "first_draw", bps, False
    if stored.selected:
        if bps >= stored.percentage_bps:
            return True, "stays_selected", None, True
        chance = ceil(bps * ALL / stored.percentage_bps)
        return _draw(chance, random), "redraw_after_decrease", chance, False
    if bps <= stored.percentage_bps:
        return False, "stays_rejected", None, True
    # Of those left out so far, as many are taken in as bring the whole to the new share.
    chance = ceil((bps - stored.percentage_bps) * ALL / (ALL - stored.percentage_bps))
    return _draw(chance, random), "redraw_after_increase", chance, False


def _draw(chance_bps: int, random: Random) -> bool:
    return random.randrange(ALL) < chance_bps


def _is_entered(state: State, app_id: str, reports: str) -> bool:
    """Whether rollouts are looked at: some channel of the app rolls out, or the device runs a paused target.

    So at 0 percent a device on the target goes back to the stable bundle, unless another channel rolls out.
    """
    for channel in state.channels.where("rolling", app_id):
        if channel.rollout_paused_at is None:
            return True
        target = bundle_of(state, channel.rollout_version)
        if target is not None and target.name == reports:
            return True
    return False


def _remembered(state: State, channel: Channel, device_id: str, now: Micros) -> StoredDecision | None:
    stored = state.device_store.rollout_decisions.get(key_of(channel, device_id))
    if stored is None or stored.expires_at <= now:
        return None
    same = stored.rollout_id == channel.rollout_id and stored.rollout_version == channel.rollout_version
    return stored if same else None
