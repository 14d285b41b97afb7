"""Whether the service is there (reference 00 §1)."""

from __future__ import annotations

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.errors import Refusal


def ok(_: Call) -> None:
    """Always well."""


def ko(_: Call) -> None:
    """The service's route for trying out its error reporting."""
    raise Refusal(errors.KO)
