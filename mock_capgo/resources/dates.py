"""Dates as JavaScript's `new Date()` reads them, in a runtime whose local time is UTC.

Belongs here: text and JSON values to a moment, and nothing about what the moment is for. The reference says
"anything `new Date()` parses" of statistics ranges (24 §1) and of an API key's expiry (12): that is the ISO form,
whose days run to 31 in every month (2026-02-30 is 2 March), and a forgiving form that picks numbers, month names,
a time and a zone out of running text.

One difference is on purpose: JavaScript's calendar reaches from the year -271821 to 275760, and this project
writes four-digit years. A moment outside of the years 1 to 9999 counts as no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from mock_capgo.resources.values import js_text
from mock_capgo.world.clock import micros
from mock_capgo.world.records import DAY, MINUTE, SECOND, Micros

MILLISECOND: Micros = SECOND // 1000
FIRST = micros(datetime.min.replace(tzinfo=UTC))
LAST = micros(datetime.max.replace(tzinfo=UTC))

_ISO = re.compile(
    r"(?!-000000)(?P<year>[+-]\d{6}|\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?:Z|(?P<sign>[+-])(?P<zone_hour>\d\d):?(?P<zone_minute>\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)
_PIECE = re.compile(r"\d+|[A-Za-z_\u0080-\U0010ffff]+|\s+|.", re.ASCII | re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
_HALVES = {"am": 0, "pm": 12}


def parse_js_date(value: Any) -> Micros | None:
    """The moment that `new Date(value)` makes of a JSON value; None for an invalid date.

    Numbers are milliseconds; null and booleans are the numbers 0 and 1; all else is read as its text.
    """
    if value is None or isinstance(value, (bool, int, float)):
        try:
            return _within(int(value or 0) * MILLISECOND)
        except (OverflowError, ValueError):
            return None
    return parse_date(js_text(value))


def parse_date(text: str) -> Micros | None:
    """The moment that `new Date(text)` makes of text, cut to milliseconds; None for an invalid date."""
    text = text.strip()
    iso = _ISO.fullmatch(text)
    try:
        return _within(_iso_moment(iso) if iso else _Running(text).moment())
    except ValueError:
        return None


def _iso_moment(iso: re.Match[str]) -> Micros:
    days = _days(int(iso["year"]), int(iso["month"] or 1), int(iso["day"] or 1))
    hour, minute, second = (int(iso[part] or 0) for part in ("hour", "minute", "second"))
    zone = 0
    if iso["sign"]:
        _check_time(int(iso["zone_hour"]), int(iso["zone_minute"]))
        zone = int(iso["zone_hour"]) * 60 + int(iso["zone_minute"])
        zone = -zone if iso["sign"] == "-" else zone
    return days * DAY + _in_day(hour, minute, second, _milliseconds(iso["fraction"] or "")) - zone * MINUTE


class _Running:
    """The forgiving form: what is not understood before the first number is skipped, after it refused."""

    def __init__(self, text: str) -> None:
        self._pieces = list(_outside_parentheses(_PIECE.findall(text)))
        self._at = 0
        self._numbers: list[int] = []
        self._time: list[int] = []
        self._time_is_whole = False
        self._month: int | None = None
        self._half: int | None = None
        self._zone: int | None = None
        self._zone_sign = 1
        self._zone_waits_for_minutes = False
        self._any_number = False

    def moment(self) -> Micros:
        """The moment. Raises ValueError where there is none."""
        for piece in self._remaining():
            if piece.isdecimal():
                self._any_number = True
                self._number(piece)
            elif piece[0].isalpha() or piece[0] == "_":
                self._word(piece.lower())
            elif piece in "+-" and (self._zone == 0 or self._time):
                self._any_number = True
                self._offset(-1 if piece == "-" else 1)
            elif piece in "+-)" and self._any_number:
                raise ValueError(piece)
        hour, minute, second, millisecond = (*self._time, 0, 0, 0, 0)[:4]
        if self._half is not None:
            if hour > 12:
                raise ValueError(hour)
            hour = hour % 12 + self._half
        zone = (self._zone or 0) * self._zone_sign
        return self._days() * DAY + _in_day(hour, minute, second, millisecond) - zone * MINUTE

    def _remaining(self) -> Iterator[str]:
        while self._at < len(self._pieces):
            self._at += 1
            yield self._pieces[self._at - 1]

    def _peek(self) -> str:
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def _skip(self, symbol: str) -> bool:
        found = self._peek() == symbol
        self._at += found
        return found

    def _number(self, digits: str) -> None:
        number = int(digits[:9])
        if self._skip(":"):
            if self._time_is_whole or len(self._time) == 3:
                raise ValueError(digits)
            self._time.append(number)
            if self._skip(":"):
                self._time.append(0)
        elif self._peek() == "." and self._time_takes(number):
            self._at += 1
            if not self._peek().isdecimal():
                raise ValueError(digits)
            self._time = [*self._time, number, *[0] * (2 - len(self._time)), _milliseconds(self._peek())]
            self._at += 1
            self._time_is_whole = True
        elif self._zone_waits_for_minutes:
            self._zone = (self._zone or 0) + number
            self._zone_waits_for_minutes = False
        elif self._time_takes(number):
            self._time.append(number)
            self._time_is_whole = True
            following = self._peek()
            if following and not following.isspace() and following not in ("+", "-", "z", "Z"):
                raise ValueError(following)
        else:
            if len(self._numbers) == 3:
                raise ValueError(digits)
            self._numbers.append(number)
            self._skip("-")

    def _time_takes(self, number: int) -> bool:
        return not self._time_is_whole and len(self._time) in (1, 2) and number < 60

    def _word(self, word: str) -> None:
        if word in _HALVES and self._time:
            self._half = _HALVES[word]
        elif word[:3] in _MONTHS:
            self._month = _MONTHS.index(word[:3]) + 1
            self._skip("-")
        elif word in _ZONES and self._any_number:
            self._zone, self._zone_sign = _ZONES[word] * 60, 1
        elif self._any_number or self._peek().isdecimal():
            raise ValueError(word)

    def _offset(self, sign: int) -> None:
        digits = ""
        if self._peek().isdecimal():
            digits = self._peek()
            self._at += 1
        self._zone_sign = sign
        if self._peek() == ":":
            self._zone, self._zone_waits_for_minutes = int(digits or 0) * 60, True
        elif len(digits) in (1, 2):
            self._zone = int(digits) * 60
        elif len(digits) in (3, 4):
            self._zone = int(digits[:-2]) * 60 + int(digits[-2:])
        else:
            raise ValueError(digits)

    def _days(self) -> int:
        if not self._numbers:
            raise ValueError("no number")
        first, second, third = (*self._numbers, 1, 1)[:3]
        year_first = not 1 <= first <= 31
        if self._month is None:
            year, month, day = (first, second, third) if year_first else (third, first, second)
        else:
            month = self._month
            year, day = (first, second) if year_first else (second, first)
        if year < 100:
            year += 2000 if year < 50 else 1900
        return _days(year, month, day)


def _outside_parentheses(pieces: list[str]) -> Iterator[str]:
    depth = 0
    for piece in pieces:
        if piece == "(":
            depth += 1
        elif depth == 0:
            yield piece
        elif piece == ")":
            depth -= 1


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970. A day up to 31 runs over into the next month where the month is shorter."""
    if not 1 <= day <= 31:
        raise ValueError(day)
    # `date` refuses other months, and years that this project does not write.
    return date(year, month, 1).toordinal() - date(1970, 1, 1).toordinal() + day - 1


def _check_time(hour: int, minute: int, second: int = 0) -> None:
    if not (hour < 24 and minute < 60 and second < 60):
        raise ValueError(hour, minute, second)


def _in_day(hour: int, minute: int, second: int, millisecond: int) -> Micros:
    if (hour, minute, second, millisecond) != (24, 0, 0, 0):
        _check_time(hour, minute, second)
    return ((hour * 60 + minute) * 60 + second) * SECOND + millisecond * MILLISECOND


def _milliseconds(fraction: str) -> int:
    return int(fraction[:3].ljust(3, "0"))


def _within(moment: Micros) -> Micros | None:
    return moment if FIRST <= moment <= LAST else None
