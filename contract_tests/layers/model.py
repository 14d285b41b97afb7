"""The independent model: what apps, bundles and channels there have to be after the calls that were made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERSIONS = ("1.0.0", "1.1.0", "2.0.0-beta.1")
CHANNELS = ("production", "beta", "Beta")
PLATFORMS = ("ios", "android", "electron")
FLAGS = ("allow_emulator", "allow_device", "allow_dev", "allow_prod", "allow_device_self_set")


@dataclass
class App:
    """What the model knows of an app. A deleted bundle keeps its name."""

    values: dict[str, Any]
    bundles: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def linked(self, version: str) -> bool:
        """Whether a channel uses a bundle."""
        return any(channel["version"] == version for channel in self.channels.values())

    def demote(self, name: str) -> None:
        """A platform has one public channel: whoever becomes public takes the place of those that share one."""
        mine = {platform for platform in PLATFORMS if self.channels[name][platform]}
        for other, channel in self.channels.items():
            if other != name and channel["public"] and mine & {p for p in PLATFORMS if channel[p]}:
                channel["public"] = False
