"""One call on its way to its answer: what a handler is given.

Belongs here: the inputs of a handler and the questions it asks all the time. A call holds no response and
no dialect; where the dialects differ in effect, it answers `has(Quirk.NAME)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mock_capgo.access.limits import Limits
from mock_capgo.access.permissions import allowed
from mock_capgo.quirks import Quirk
from mock_capgo.request import Request
from mock_capgo.world.records import ApiKey, App, Binding, Channel, Micros, Tier
from mock_capgo.world.state import State
from mock_capgo.world.world import Actor, World

_UNREAD: Any = object()


@dataclass(slots=True, eq=False)
class Caller:
    """Who calls: the key whose bindings decide, and behind `x-limited-key-id` the key that was sent.

    A caller is itself alone: as long as nothing changes that it follows from, the same key is the same object.
    `account` is whose budget a call spends in the documented dialect, and its tier.
    """

    key: ApiKey
    bindings: tuple[Binding, ...]
    parent: ApiKey | None = None
    parent_bindings: tuple[Binding, ...] = ()
    account: tuple[str, Tier] = ("", "standard")


@dataclass(slots=True)
class Call:
    """The inputs of a handler.

    `read` reads the parameters from the request and may refuse them; `path` holds the path's parameters.
    """

    world: World
    quirks: frozenset[Quirk]
    read: Callable[[], Any]
    path: dict[str, str]
    limits: Limits
    request: Request
    caller_or_none: Caller | None = None
    _params: Any = _UNREAD

    @property
    def params(self) -> Any:
        """The JSON value of the body, or the query as a dict of text.

        Read when first asked for: some operations check the caller before they look at the body.
        """
        if self._params is _UNREAD:
            self._params = self.read()
        return self._params

    @property
    def state(self) -> State:
        return self.world.state

    @property
    def now(self) -> Micros:
        return self.world.now

    @property
    def caller(self) -> Caller:
        """The caller of an operation that needs a key; authentication has run before any handler."""
        if self.caller_or_none is None:
            raise AssertionError("an operation without authentication asked for its caller")
        return self.caller_or_none

    @property
    def actor(self) -> Actor:
        """The caller as the audit log names it: the key, and its owner's account."""
        key = self.caller.key
        owner = self.state.users.get(key.user_id)
        return Actor(key.user_id, owner.email if owner else None, key.id, key.name)

    def has(self, quirk: Quirk) -> bool:
        """Whether this world imitates a quirk of the live service."""
        return quirk in self.quirks

    def may(self, permission: str, org_id: str) -> bool:
        """Whether the caller holds a permission on an organization that exists."""
        return org_id in self.state.organizations and allowed(self.caller.bindings, permission, org_id=org_id)

    def may_app(self, permission: str, app: App | None) -> bool:
        """Whether the caller holds a permission on an app; never on one that is not there."""
        return app is not None and allowed(self.caller.bindings, permission, org_id=app.owner_org, app_id=app.app_id)

    def may_channel(self, permission: str, channel: Channel | None) -> bool:
        """Whether the caller holds a permission on a channel; never on one that is not there."""
        return channel is not None and allowed(
            self.caller.bindings,
            permission,
            org_id=channel.owner_org,
            app_id=channel.app_id,
            channel_id=channel.id,
        )

    def sees_channel(self, channel: Channel | None) -> bool:
        """Whether a channel is visible to the caller: whoever reads the app sees all of its channels."""
        if channel is None:
            return False
        app = self.state.apps.get(channel.app_id)
        return self.may_channel("channel.read", channel) or self.may_app("app.read", app)
