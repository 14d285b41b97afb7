"""The named quirks: where the running service does what its documentation does not say.

Belongs here: one name for each place in which the same request has another *effect* or another *order of
checks* in the live dialect, with the reason. A handler may ask `call.has(Quirk.NAME)`, and never which
dialect is spoken. Does not belong here: other words for the same thing, which the dialects keep
(`mock_capgo.errors`, `mock_capgo.dialects`).

Two kinds. A `RULE` is how the live service is meant to work, and always on in the live dialect. A `FAULT`
looks like a mistake of the service; `--quirks off` serves the sane answer instead.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal


class Quirk(Enum):
    """Each value is (kind, reason with its source in the reference)."""

    kind: Literal["RULE", "FAULT"]
    reason: str

    def __init__(self, kind: Literal["RULE", "FAULT"], reason: str) -> None:
        self.kind = kind
        self.reason = reason

    BODY_OR_QUERY = (
        "RULE",
        "Most routes read their parameters from a JSON body, and from the query string when the body does not"
        " parse, whatever the method (00 §5, 20 §0).",
    )
    BINDINGS_ONLY = (
        "RULE",
        "Key modes are gone: a key without bindings authenticates and may do nothing (00 §2.2).",
    )
    KEYS_DO_NOT_MAKE_KEYS = (
        "RULE",
        "Only a person's session may create an API key; every key is refused before the body is read (12).",
    )
    EMPTY_UPDATE_IS_REFUSED = (
        "RULE",
        "An update of an app or of a bundle's metadata without a known field is 400; the documentation requires"
        " none (20 §5, 21 §5).",
    )
    NAMES_HAVE_THREE_LETTERS = (
        "RULE",
        "A new organization's name has three characters or more; the documentation names no least length (10).",
    )
    QUEUED_UPDATES = (
        "RULE",
        "An app's last_version and device count are written by a queue some seconds after the call (20 §1, 30 §3 D).",
    )
    OVERRIDES_LAST_A_MONTH = (
        "RULE",
        "A device override expires one month after its last change, documented are 90 days (23 §1).",
    )
    DEVICE_LIMITS = (
        "RULE",
        "The limits of the device API (5 a second, the same channel once a minute) also hold on /device (23 §6).",
    )
    SOLE_SUPER_ADMIN_TAKES_ORG_ALONG = (
        "FAULT",
        "Removing the only active super admin succeeds and deletes the whole organization (11).",
    )
    STRING_PAGE_WINDOW = (
        "FAULT",
        "The page arrives as text, so the end of the window is a concatenation: page 1 holds rows 50 to 549 (21 §2).",
    )
    NO_BUNDLES_IS_AN_ERROR = (
        "FAULT",
        "A bundle list without rows, also a page past the end, is 400 cannot_get_bundle (21 §2).",
    )
    UNKNOWN_VERSION_CRASHES = (
        "FAULT",
        "An unknown version on an existing channel, or as rollout target, is 500 unknown_error (22 §3).",
    )
    CHANNEL_WRITE_CRASHES = (
        "FAULT",
        "A channel without a name, or with a setting that the database refuses, is 500 unknown_error (22 §3).",
    )
    TAKEN_ORG_NAME_CRASHES = (
        "FAULT",
        "A key that creates an organization under a name its owner has already used gets 500 unknown_error (10).",
    )
    MALFORMED_ID_CRASHES = (
        "FAULT",
        "An organization id that is no UUID is 500 unknown_error on webhooks and audit (13).",
    )
    NON_STRING_VERSION_CRASHES = (
        "FAULT",
        "A bundle version that is not text is 500 unknown_error (20 §0).",
    )
    ODD_UUIDS_CANNOT_BE_PARSED = (
        "FAULT",
        "Organizations and members are checked again before they are shown: an id that is no RFC 9562 UUID fails"
        " the whole answer (00 §7).",
    )
    NULL_KEY_UPDATE_CRASHES = (
        "FAULT",
        "PUT /apikey with the body `null` is 500 unknown_error (12).",
    )
    HEAD_WITHOUT_QUERY_IS_REFUSED = (
        "FAULT",
        "HEAD without a query is 400 on routes that read body or query: only GET may be empty (00 §1).",
    )
    ANY_CUSTOM_ID_MODE_IS_TRUE = (
        "FAULT",
        "customIdMode is on for any text in the query, also `false` and `0` (23 §3).",
    )
    EMPTY_NAMES_ARE_STORED = (
        "RULE",
        "A name of tags or blanks alone passes for a name, and is stored as empty text (10, 20 §5).",
    )
    UNUSABLE_CURSOR_IS_IGNORED = (
        "FAULT",
        "A device cursor that no answer gave is ignored, and the first page comes again (23 §3).",
    )
    DEVICE_BODY_CRASHES = (
        "FAULT",
        "A JSON null, or a number as device_id or version_build, is 500 unknown_error on the device API (30 §2).",
    )
    STATS_WITHOUT_ACTION_CRASHES = (
        "FAULT",
        "A stats event without an action is 500 unknown_error, in a batch a processing_error (31 §1).",
    )


LIVE = frozenset(Quirk)
LIVE_WITHOUT_FAULTS = frozenset(quirk for quirk in Quirk if quirk.kind == "RULE")
DOCUMENTED: frozenset[Quirk] = frozenset()
