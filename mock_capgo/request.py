"""A request as the API reads it: whole, and with the little of HTTP that matters to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(slots=True)
class Request:
    """Method, decoded path, raw query, headers by lower-case name, and the body in full.

    `scheme` is how it reached the server, and `root` what stood before the path.
    """

    method: str
    path: str
    query_string: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    scheme: str = "http"
    root: str = ""

    @property
    def base_url(self) -> str:
        """Where the client finds the API, without a slash at the end."""
        return own_address(self.headers, self.scheme) + self.root

    def query(self) -> list[tuple[str, str]]:
        """The query's names and values in order, empty values included."""
        raw = self.query_string
        if not raw:
            return []
        if b"%" not in raw and b"+" not in raw:  # nothing is encoded: most queries, at a tenth of the cost
            parts = [part.partition("=") for part in raw.decode("latin-1").split("&") if part]
            return [(name, value) for name, _, value in parts]
        return parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True, errors="replace")

    def address(self) -> str | None:
        """The client's address as the service's edge tells it; None when no header does (reference 00 §4)."""
        headers = self.headers
        forwarded = headers["x-forwarded-for"].split(",")[0].strip() if "x-forwarded-for" in headers else None
        return headers.get("cf-connecting-ip") or forwarded or headers.get("x-real-ip") or None


def own_address(headers: Mapping[str, str], scheme: str) -> str:
    """Scheme and host as a client used them: addresses in answers are to work for the client.

    A proxy in between tells its client's scheme. uvicorn has a middleware for it, which every request would go through.
    """
    forwarded = headers.get("x-forwarded-proto")
    if forwarded in ("http", "https"):
        scheme = forwarded
    return f"{scheme}://{headers.get('host') or 'localhost'}"
