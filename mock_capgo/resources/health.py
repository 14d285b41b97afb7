"""Whether the service is there (reference 00 §1)."""

from __future__ import annotations

import re

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Refusal

# Which versions there are is not known; a version has a number in front (reference 00 §1 tells only of bad ones).
_VERSION = re.compile(r"v?[0-9][0-9A-Za-z.+-]*")


def get_ok(call: Call) -> None:
    """Always well, unless asked for a version of the API that is none. The other routes do not read it."""
    if not _VERSION.fullmatch(call.request.headers.get("capgo_api", "0")):
        raise Refusal(errors.INVALID_VERSION_HEADER)


def ok(_: Call) -> None:
    """Always well."""


def ko(_: Call) -> None:
    """The service's route for trying out its error reporting."""
    raise Refusal(errors.KO)
