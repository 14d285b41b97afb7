"""Semantic versions: reading, ordering, and from which version on a plugin can do what.

Belongs here: the rules of versions themselves, prereleases included. Does not belong here: what is refused for a
version (`mock_capgo.device_api.rules`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from mock_capgo.resources.values import MAX_SAFE_INTEGER, SEMVER

MAX_LENGTH = 256
"""Longer text is no version, whatever it says."""

_NO_VERSION = {"builtin", "unknown"}

Precedence = tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version by semver 2.0.0. Ordered and equal by `precedence` alone: build metadata does not count."""

    precedence: Precedence
    text: str = field(compare=False)

    @property
    def major(self) -> int:
        return self.precedence[0][0]

    @property
    def minor(self) -> int:
        return self.precedence[0][1]

    @property
    def patch(self) -> int:
        return self.precedence[0][2]

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=8192)
def parse(text: str) -> Version | None:
    """A version; a leading `v` and blanks around it are let go. None for anything else."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    text = text.removeprefix("v")
    match = SEMVER.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = (int(match[part]) for part in (1, 2, 3))
    if max(major, minor, patch) > MAX_SAFE_INTEGER:
        return None
    # A release comes after its prereleases; numbers come before words; a longer list after its own beginning.
    parts = match[4].split(".") if match[4] else []
    order = tuple((False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts)
    return Version(((major, minor, patch), not parts, order), text)


@lru_cache(maxsize=8192)
def parse_native(text: str) -> Version | None:
    """A native version as devices spell it: `2` and `2.1` are filled up, placeholders count as 0.0.0 (30 §2).

    The service counts the dots and appends what is missing to the very end, so a blank or a prerelease at the
    end of a shortened version spoils it.
    """
    if text in _NO_VERSION:
        return parse("0.0.0")
    dots = text.count(".")
    return parse(text + ("" if dots > 1 else ".0" if dots else ".0.0"))


def reaches(plugin: Version, five: str, six: str, seven: str, eight: str | None = None) -> bool:
    """Whether a plugin is at least as new as its major asks. Majors without a bound of their own always are."""
    wanted = {5: five, 6: six, 7: seven, 8: eight}.get(plugin.major)
    return wanted is None or at_least(plugin, wanted)


def at_least(plugin: Version, wanted: str) -> bool:
    """Whether a plugin is of a version or newer, whatever its major."""
    bound = parse(wanted)
    return bound is not None and plugin >= bound


@lru_cache(maxsize=1024)
def keeps_own_channel(plugin_version: str | None) -> bool:
    """Whether a plugin keeps the channel that its device chose itself, instead of the service (32 §1)."""
    plugin = parse(plugin_version or "0.0.0")
    return plugin is not None and reaches(plugin, "5.34.0", "6.34.0", "7.34.0")


@lru_cache(maxsize=1024)
def reads_manifest(plugin: Version) -> bool:
    """Whether a plugin can download a bundle file by file (30 §4)."""
    return reaches(plugin, "5.10.0", "6.25.0", "7.0.35")


def reads_metadata(plugin: Version) -> bool:
    """Whether a plugin takes a bundle's link and comment (30 §4)."""
    return reaches(plugin, "5.35.0", "6.35.0", "7.35.0", "8.35.0")
