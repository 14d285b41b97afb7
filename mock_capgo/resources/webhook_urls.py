"""Which addresses a webhook may have (reference 13, "URL rules").

Belongs here: the rules and their order, and what a refusal tells about an address without repeating it. No name is
looked up: the service accepts a host that it cannot resolve, so one that nobody tries to resolve is accepted too.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mock_capgo import errors
from mock_capgo.errors import Refusal

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def refuse_unfit_url(url: str, *, local: bool) -> None:
    """Raise for an address that is not a public https one; with `local` only for what is no address at all."""
    try:
        parts = urlsplit(url.strip())
        host, is_address = _host(parts)
    except ValueError:
        raise _refusal("Webhook URL is invalid", {"valid": False}) from None
    info = {
        "valid": True,
        "protocol": parts.scheme,
        "hostnameLength": len(host),
        "pathSegmentCount": sum(segment != "" for segment in parts.path.split("/")),
        "hasQuery": parts.query != "",
        "hasCredentials": bool(parts.username or parts.password),
    }
    if local:
        return
    if host == "localhost" or host.endswith(".localhost"):
        raise _refusal("Webhook URL must point to a public host", info)
    if is_address:
        raise _refusal("Webhook URL must use a hostname, not an IP address", info)
    if parts.scheme != "https":
        raise _refusal("Webhook URL must use HTTPS", info)


def _refusal(reason: str, info: dict[str, Any]) -> Refusal:
    return Refusal(errors.WEBHOOK_INVALID_URL, {"urlInfo": info}, words={"reason": reason})


def _host(parts: SplitResult) -> tuple[str, bool]:
    """The host as browsers write it, and whether it is an address. Raises ValueError for a broken one."""
    host = parts.hostname or ""
    if ":" in host:
        return f"[{IPv6Address(host)}]", True
    labels = host.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(labels[-1]):
        return host, False
    # Browsers take 127.1, 0x7f000001 and 2130706433 for the same address: the last number fills what is left.
    *leading, last = (_number(label) for label in labels)
    if len(leading) > 3 or any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        raise ValueError(host)
    value = sum(number << (24 - 8 * at) for at, number in enumerate(leading)) + last
    return str(IPv4Address(value)), True


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8) if len(label) > 1 and label.startswith("0") else int(label)
