"""The operations of the device API: routing and the access log read this table.

Belongs here: a row for each route. They need no key and are in no OpenAPI document of the management API, so they
stand apart from `mock_capgo.operations`. Each is served under two paths but for the last (30 §1).
"""

from __future__ import annotations

from dataclasses import dataclass

from mock_capgo.device_api import channel_self, manifest_size, stats, updates
from mock_capgo.device_api.answers import Handler, Input


@dataclass(frozen=True, slots=True)
class DeviceOperation:
    """One row: an operation at one path, and where it reads its parameters."""

    id: str
    method: str
    path: str
    handler: Handler
    source: Input


_PLUGIN = "/plugin"

_ROWS: tuple[DeviceOperation, ...] = (
    DeviceOperation("getUpdates", "GET", "/updates", updates.alive, "none"),
    DeviceOperation("postUpdates", "POST", "/updates", updates.post_updates, "json"),
    DeviceOperation("manifestSize", "POST", "/updates/manifest_size", manifest_size.manifest_size, "json"),
    DeviceOperation("getStats", "GET", "/stats", updates.alive, "none"),
    DeviceOperation("postStats", "POST", "/stats", stats.post_stats, "json"),
    DeviceOperation("setChannelSelf", "POST", "/channel_self", channel_self.set_channel, "json"),
    DeviceOperation("getChannelSelf", "PUT", "/channel_self", channel_self.get_channel, "json"),
    DeviceOperation("listChannelSelf", "GET", "/channel_self", channel_self.list_channels, "query"),
    DeviceOperation("deleteChannelSelf", "DELETE", "/channel_self", channel_self.unset_channel, "query"),
)
_HEALTH: tuple[DeviceOperation, ...] = (
    # `/ok` itself is the management API's.
    DeviceOperation("getPluginHealth", "GET", f"{_PLUGIN}/ok", updates.alive, "none"),
    DeviceOperation("postPluginHealth", "POST", f"{_PLUGIN}/ok", updates.alive, "none"),
    DeviceOperation("latency", "GET", "/latency", updates.alive, "none"),
)

DEVICE_OPERATIONS: tuple[DeviceOperation, ...] = (
    *_ROWS,
    *(DeviceOperation(row.id, row.method, _PLUGIN + row.path, row.handler, row.source) for row in _ROWS),
    *_HEALTH,
)
