"""The channels that the service keeps for devices of legacy plugins, and the API's share in them (32 §1).

Belongs here: when an override that the API sets reaches that store. Written by `POST /device` and `DELETE /device`
(`mock_capgo.resources.devices`), and by the devices themselves (`channel_self`).
"""

from __future__ import annotations

from mock_capgo.device_api.versions import keeps_own_channel
from mock_capgo.world.state import State

PLACEHOLDER = "0.0.0"
"""The plugin version of a device that was entered by hand and has not called yet."""


def force(state: State, app_id: str, device_id: str, channel_id: int) -> None:
    """Let an override of the API count at once, for a device last seen with a legacy plugin or a placeholder.

    A device that was never seen is none of them: it follows the override when the app's count knows of it.
    """
    device = state.devices.get((app_id, device_id))
    if device is None or not device.plugin_version:
        return
    if device.plugin_version == PLACEHOLDER or not keeps_own_channel(device.plugin_version):
        state.device_store.self_set[app_id, device_id] = channel_id


def release(state: State, app_id: str, device_id: str) -> None:
    """Take a channel from the store again, but for a device that keeps its own: what it left there stays (32 §6)."""
    device = state.devices.get((app_id, device_id))
    known = device is not None and device.plugin_version not in ("", PLACEHOLDER)
    if device is None or not known or not keeps_own_channel(device.plugin_version):
        state.device_store.self_set.pop((app_id, device_id), None)
