"""Who may use the control routes: nobody's web page, and on anything but loopback only who has the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
from urllib.parse import urlsplit

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN_HEADER = "x-mock-token"  # noqa: S105 - the name of a header
_OPEN_PATH = re.compile(r"(/w/[^/]+)?/_mock/health/?")


class Guard:
    """Before the control routes: a foreign `Host` or `Origin` is refused (DNS rebinding), and a wrong token.

    `token` empty means that none is asked for. Health is open to every probe.
    """

    def __init__(self, app: ASGIApp, host: str, token: str = "") -> None:
        self.app = app
        self.host = host
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._refusal(scope) if scope["type"] == "http" else None
        if reason is None:
            await self.app(scope, receive, send)
            return
        response = Response(orjson.dumps({"error": reason}), 403, media_type="application/json")
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if origin is not None and not is_loopback(_host(origin)):
            return f"control routes take no requests from pages of {origin}"
        if _OPEN_PATH.fullmatch(scope["path"]):
            return None
        if is_loopback(self.host):
            named = _host(f"//{headers.get(b'host', 'localhost')}")
            if not is_loopback(named):
                return f"control routes are asked for by a loopback name, not as {named}"
        if self.token and not hmac.compare_digest(headers.get(b"x-mock-token", "").encode(), self.token.encode()):
            return f"control routes ask for the token of this server in {TOKEN_HEADER}"
        return None


def _host(address: str) -> str:
    """The host of an address; empty where it has none that can be read."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host, by its name alone, is this machine."""
    if host in ("localhost", "testserver") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
