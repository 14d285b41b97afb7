"""Which bundle a device gets: the rules applied to a context. Pure: asks nothing and changes nothing.

Belongs here: finding the rule that answers, and telling how it was found. Does not belong here: the rules
themselves (`mock_capgo.device_api.rules`), HTTP, or what an outcome changes (`updates`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mock_capgo.device_api.context import Context
from mock_capgo.device_api.rules import RULES, Kind, Rule
from mock_capgo.world.records import Bundle

SERVED = "update"
"""The name of the outcome that is left when no rule hits."""


@dataclass(slots=True)
class Decision:
    """What a device is told. `bundle` is set where it gets one; else `code` and `message` say why not."""

    rule: str
    bundle: Bundle | None = None
    code: str = ""
    message: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    kind: Kind | None = None
    stat: str | None = None
    counts: bool = True
    status: int = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One rule on the way to a decision, with the values that it compared."""

    rule: str
    hit: bool
    compared: dict[str, Any]


def decide(context: Context) -> Decision:
    """What a device is told: the first rule that hits, else the bundle."""
    for rule in RULES:
        if rule.hits(context):
            return _outcome(rule, context)
    return Decision(SERVED, context.bundle, stat="get")


def trace(context: Context) -> list[Step]:
    """The way to the decision: every rule that was asked, the one that hit last."""
    steps = []
    for rule in RULES:
        hit = rule.hits(context)
        steps.append(Step(rule.name, hit, rule.compared(context)))
        if hit:
            return steps
    served = {"bundle": context.bundle_name, "address": context.address, "files": len(context.files)}
    return [*steps, Step(SERVED, True, served)]


def _outcome(rule: Rule, context: Context) -> Decision:
    message = rule.message(context) if callable(rule.message) else rule.message
    return Decision(
        rule.name,
        code=rule.code,
        message=message,
        details=rule.details(context),
        kind=rule.kind,
        stat=rule.stat,
        counts=rule.counts,
        status=rule.status,
    )
