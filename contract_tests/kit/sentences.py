"""What refusals say, where the documentation gives the words: by operation and status, for the documented dialect.

Only what is published: a refusal whose words nobody wrote down may be worded as the server likes.
"""

from __future__ import annotations

from typing import Any

_BUNDLES = ("listBundles", "createBundle", "setBundleChannel", "deleteBundle", "updateBundleMetadata")
_CHANNELS = ("listChannels", "upsertChannel", "deleteChannel")
_MEMBERS = ("listOrganizationMembers", "upsertOrganizationMember", "deleteOrganizationMember")
_DEVICES = ("getDevices", "linkDevice", "deleteDeviceOverride")

WORDS: dict[tuple[str, int], frozenset[str]] = {
    **{(name, 403): frozenset({"Insufficient permissions to manage bundles"}) for name in _BUNDLES},
    **{(name, 403): frozenset({"Insufficient permissions to manage channels"}) for name in _CHANNELS},
    **{(name, 403): frozenset({"Insufficient permissions to manage members"}) for name in _MEMBERS},
    **{(name, 403): frozenset({"cannot_access_app", "cannot_access_channel"}) for name in _DEVICES},
    **{(name, 404): frozenset({"Bundle not found", "Channel not found"}) for name in _BUNDLES},
    ("listChannels", 404): frozenset({"Channel not found"}),
    ("deleteChannel", 404): frozenset({"Channel not found"}),
    ("upsertChannel", 404): frozenset({"Bundle not found", "Channel not found"}),
    ("deleteOrganizationMember", 404): frozenset({"Member not found"}),
    ("getDevices", 404): frozenset({"device_not_found"}),
    ("linkDevice", 403): frozenset({"cannot_access_app", "cannot_access_channel", "channel_not_found"}),
    ("linkDevice", 404): frozenset({"channel_not_found"}),
    ("createOrganization", 403): frozenset({"permission_denied"}),
    ("listApps", 403): frozenset({"You do not have access to this organization"}),
}


def fault(operation: str, status: int, body: Any) -> str | None:
    """What is wrong with the words of a refusal, or None."""
    said = body.get("error") if isinstance(body, dict) else None
    if status == 401:
        return None if said == "Invalid API key" else "401 does not say `Invalid API key`"
    wanted = WORDS.get((operation, status))
    if wanted is None or said in wanted:
        return None
    return f"{status} says {said!r}; documented is {' or '.join(sorted(wanted))!r}"
