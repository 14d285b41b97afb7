"""How the same call is read and answered in two dialects.

A dialect turns a request into parameters, and a value or a `Refusal` into a status and a body. It never
touches state. What differs in *effect* is a named quirk (`mock_capgo.quirks`), which a dialect only lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mock_capgo.errors import Refusal
from mock_capgo.quirks import Quirk
from mock_capgo.request import Request

DialectName = Literal["documented", "live"]
Body = Any


@dataclass(frozen=True)
class Dialect:
    """One way of speaking the API.

    `read` gives the parameters of a request to an operation by its id, or raises `Refusal`;
    `success` formats the value of an operation by its id; `failure` gives the status and body of a refusal.
    `checks_input_first` reads the parameters before a handler runs; else a handler's first checks may come
    before the body is looked at.
    """

    name: DialectName
    quirks: frozenset[Quirk]
    checks_input_first: bool
    read: Callable[[Any, Request, Mapping[str, str]], Any]
    success: Mapping[str, Callable[[Any], tuple[int, Body]]]
    failure: Callable[[Refusal], tuple[int, Body]]


def speak(name: DialectName, *, faults: bool = True) -> Dialect:
    """The dialect of that name; without `faults` the live one answers sanely where the service seems mistaken."""
    from mock_capgo.dialects import documented, live  # noqa: PLC0415 - each dialect reads the tables at import

    return documented.DIALECT if name == "documented" else live.dialect(faults=faults)
