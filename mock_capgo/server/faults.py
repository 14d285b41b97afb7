"""Faults: what a test asked to go wrong, for which requests, how often.

Belongs here: the rules of a universe, whether one of them fires for a request, and what it does on the way.
Chance is seeded and time is the world's, so that a faulty run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mock_capgo.errors import CATALOGUE, Error
from mock_capgo.operations import OPERATIONS
from mock_capgo.request import Request
from mock_capgo.world.clock import iso_millis, parse_time
from mock_capgo.world.records import Micros

EFFECTS = {
    "latency": "seconds to wait before the work, or {min, max} for a random wait",
    "status": "any HTTP status, with the dialect's error envelope",
    "message": "the sentence of the error that `status` makes",
    "error": "a catalogued error: its name (CANNOT_FIND_CHANNEL) or its code (cannot_find_channel)",
    "retry_after": "429 with this many seconds in Retry-After",
    "reset": "'before' or 'after' the work was done: the connection is reset and no answer sent",
    "truncate": "bytes of the body to send; the connection is closed after them",
    "malformed": "true: the body is cut so that it is no JSON",
    "content_type": "the content type to send instead",
    "drip": "{bytes, seconds}: send so many bytes, wait so long, and so on",
    "stale": "true: answer a GET with what was answered the last time, before later writes",
}
MATCHERS = {
    "operation": "operation id, `*` allowed",
    "method": "HTTP method",
    "path": "path, `*` allowed",
    "key": "id of the API key",
    "device": "device id in the body or the query",
    "nth": "fire on the nth matching request only",
    "after": "let this many matching requests pass first",
    "times": "fire this often, then no more",
    "probability": "chance to fire, 0 to 1, drawn from `seed`",
    "seed": "seed of the chance, and of random waits",
    "from": "world time at which the rule begins",
    "until": "world time at which it ends",
}

_MOMENTS = ("from", "until")


class FaultError(Exception):
    """A rule that makes no sense; the text has the member and the reason."""


@dataclass(slots=True)
class Fault:
    """One rule: what it matches, what it does, and how often it did."""

    id: str
    match: dict[str, Any]
    effect: dict[str, Any]
    seen: int = 0
    fired: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def as_json(self) -> dict[str, Any]:
        """The rule as it was given, with what came of it."""
        match = {name: iso_millis(value) if name in _MOMENTS else value for name, value in self.match.items()}
        return {"id": self.id, **match, **self.effect, "seen": self.seen, "fired": self.fired}

    def wait(self) -> float:
        """How many seconds this request waits."""
        latency = self.effect.get("latency", 0)
        if isinstance(latency, dict):
            return self.chance.uniform(latency["min"], latency["max"])
        return float(latency)


class Faults:
    """The rules of one universe, in the order in which they were added; the first that fires counts."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._number = 0

    def add(self, rule: dict[str, Any]) -> Fault:
        """Add a rule. Raises FaultError, and adds nothing then."""
        fault = parse_fault(rule, f"fault-{self._number + 1}")
        if any(fault.id == other.id for other in self.rules):
            raise FaultError(f"id: there is a fault {fault.id} already")
        self._number += 1
        self.rules.append(fault)
        return fault

    def remove(self, fault_id: str | None = None) -> int:
        """Remove one rule, or all. Returns how many there were."""
        kept = [] if fault_id is None else [rule for rule in self.rules if rule.id != fault_id]
        removed = len(self.rules) - len(kept)
        self.rules = kept
        return removed

    def pick(self, request: Request, now: Micros, facts: Callable[[], Facts]) -> Fault | None:
        """The rule that fires for a request. `facts` is asked only when a rule needs more than the request."""
        for rule in self.rules:
            if _matches(rule, request, now, facts) and _fires(rule):
                rule.fired += 1
                return rule
        return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may match beyond the request itself."""

    operation: str | None
    key_id: int | None


def parse_fault(rule: dict[str, Any], fault_id: str) -> Fault:
    """A rule from its JSON form. Raises FaultError."""
    known = {*EFFECTS, *MATCHERS, "id"}
    for name in rule:
        if name not in known:
            raise FaultError(f"{name}: there is no such member; there are {', '.join(sorted(known))}")
    match = {name: rule[name] for name in MATCHERS if name in rule}
    effect = {name: rule[name] for name in EFFECTS if name in rule}
    if not effect:
        raise FaultError(f"a rule needs an effect: {', '.join(EFFECTS)}")
    for name in _MOMENTS:
        if name in match:
            match[name] = _moment(name, match[name])
    _check_match(match)
    _check_effect(effect)
    return Fault(str(rule.get("id", fault_id)), match, effect, chance=random.Random(match.get("seed", 0)))


def find_error(name: str) -> Error | None:
    """A catalogued error by its name, or the first one with its code."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    return next((error for error in CATALOGUE.values() if error.code == name), None)


def _check_match(match: dict[str, Any]) -> None:
    for name in ("nth", "after", "times", "key"):
        if name in match and (not isinstance(match[name], int) or isinstance(match[name], bool) or match[name] < 0):
            raise FaultError(f"{name}: a whole number is expected")
    chance = match.get("probability", 1)
    if not isinstance(chance, (int, float)) or isinstance(chance, bool) or not 0 <= chance <= 1:
        raise FaultError("probability: a number from 0 to 1 is expected")
    for name in ("operation", "method", "path", "device"):
        if not isinstance(match.get(name, ""), str):
            raise FaultError(f"{name}: text is expected")
    ids = {operation.id for operation in OPERATIONS}
    if "operation" in match and not any(fnmatchcase(one, match["operation"]) for one in ids):
        raise FaultError(f"operation: {match['operation']!r} is the id of no operation; see /openapi.json")
    if not isinstance(match.get("seed", 0), (int, str)):
        raise FaultError("seed: a number or text is expected")


def _check_effect(effect: dict[str, Any]) -> None:
    if "error" in effect and (not isinstance(effect["error"], str) or find_error(effect["error"]) is None):
        raise FaultError(f"error: {effect['error']!r} is in no row of the error catalogue; see docs/dialects.md")
    status = effect.get("status", 400)
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise FaultError("status: an HTTP status from 200 to 599 is expected")
    if effect.get("reset", "before") not in ("before", "after"):
        raise FaultError("reset: 'before' or 'after' is expected")
    for name in ("content_type", "message"):
        sent = effect.get(name, "")
        if not isinstance(sent, str) or not sent.isascii() or (sent and not sent.isprintable()):
            raise FaultError(f"{name}: text of printable ASCII letters is expected")
    for name in ("truncate", "retry_after"):
        sent = effect.get(name, 0)
        if not isinstance(sent, int) or isinstance(sent, bool) or sent < 0:
            raise FaultError(f"{name}: a whole number is expected")
    for name in ("malformed", "stale"):
        if not isinstance(effect.get(name, False), bool):
            raise FaultError(f"{name}: true or false is expected")
    _check_latency(effect)


def _check_latency(effect: dict[str, Any]) -> None:
    latency = effect.get("latency", 0)
    bounds: list[Any] = [latency.get("min"), latency.get("max")] if isinstance(latency, dict) else [latency]
    numbers = all(isinstance(bound, (int, float)) and not isinstance(bound, bool) for bound in bounds)
    if not numbers or not all(0 <= bound <= 3600 for bound in bounds) or bounds != sorted(bounds):
        raise FaultError("latency: seconds, or {min, max} in seconds, are expected")
    drip = effect.get("drip")
    if drip is None:
        return
    if not isinstance(drip, dict) or not isinstance(drip.get("bytes"), int) or drip["bytes"] < 1:
        raise FaultError("drip: {bytes, seconds} is expected")
    if not isinstance(drip.get("seconds"), (int, float)) or not 0 <= drip["seconds"] <= 60:
        raise FaultError("drip: seconds from 0 to 60 are expected")


def _moment(name: str, value: Any) -> Micros:
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        raise FaultError(f"{name}: an ISO 8601 time is expected") from None


def _matches(rule: Fault, request: Request, now: Micros, facts: Callable[[], Facts]) -> bool:
    match = rule.match
    if "method" in match and request.method != str(match["method"]).upper():
        return False
    if "path" in match and not fnmatchcase(request.path.rstrip("/"), str(match["path"]).rstrip("/")):
        return False
    if now < match.get("from", now) or now > match.get("until", now):
        return False
    if "operation" in match and not fnmatchcase(facts().operation or "", match["operation"]):
        return False
    if "key" in match and facts().key_id != match["key"]:
        return False
    return "device" not in match or _names_device(request, str(match["device"]).lower())


def _names_device(request: Request, device_id: str) -> bool:
    wanted = device_id.encode()
    return wanted in request.body.lower() or wanted in request.query_string.lower()


def _fires(rule: Fault) -> bool:
    rule.seen += 1
    match = rule.match
    if "nth" in match and rule.seen != match["nth"]:
        return False
    if rule.seen <= match.get("after", 0):
        return False
    if rule.fired >= match.get("times", rule.fired + 1):
        return False
    return "probability" not in match or rule.chance.random() < match["probability"]
