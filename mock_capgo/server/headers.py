"""The headers on every answer: request id, security, CORS (reference 00 §6)."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Mapping

BACKEND_VERSION = "12.201.7"
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "script-src 'none'; style-src 'none'; img-src 'none'; connect-src 'none'; upgrade-insecure-requests"
)
_REQUEST_ID = re.compile(r"[\w\-=]{1,255}", re.ASCII)
_ALLOWED_ORIGIN = re.compile(
    r"https://(console\.)?((preprod|development)\.)?capgo\.app"
    r"|https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?"
    r"|(capacitor|ionic|localhost)://localhost"
)
_ALLOWED_METHODS = b"POST,GET,PUT,PATCH,DELETE,OPTIONS"
_ALLOWED_HEADERS = (
    b"Content-Type,Authorization,X-Capgo-Spoof-Admin-Authorization,capgkey,capgo_api,x-api-key,x-limited-key-id,"
    b"apisecret,apikey,x-client-info"
)

RawHeaders = list[tuple[bytes, bytes]]

ALWAYS: RawHeaders = [
    (b"x-worker-source", f"mock-capgo-{BACKEND_VERSION}".encode()),
    (b"content-security-policy", _CONTENT_SECURITY_POLICY.encode()),
]
"""Where an answer was made, and that it loads nothing. Every answer gets them on its way out (`wire`)."""
_VARY: RawHeaders = [(b"vary", b"Origin")]


def request_id(headers: Mapping[str, str]) -> tuple[bytes, bytes]:
    """`x-request-id`: the client's own where it has the right form, else the edge's, else a new one."""
    sent = headers.get("x-request-id")
    if sent is None or not _REQUEST_ID.fullmatch(sent):
        sent = headers.get("cf-ray")
    return b"x-request-id", sent.encode("latin-1") if sent else _new_id()


_PREFIX = str(uuid.uuid4())[:-12].encode()
_numbers = itertools.count(1)


def _new_id() -> bytes:
    """An id in the form of a UUID that no other answer of this process has."""
    return b"%b%012x" % (_PREFIX, next(_numbers))


def cors_headers(headers: Mapping[str, str]) -> RawHeaders:
    """An allowed origin is echoed; there is never a `*`, and no credentials header."""
    origin = headers.get("origin")
    if origin is None or not is_allowed_origin(origin):
        return _VARY
    return [*_VARY, (b"access-control-allow-origin", origin.encode("latin-1"))]


def preflight_headers(headers: Mapping[str, str]) -> RawHeaders:
    """The answer to OPTIONS on any path; a refused origin gets it too, without its name."""
    allowed = [header for header in cors_headers(headers) if header[0] != b"vary"]
    return [
        *allowed,
        (b"access-control-allow-methods", _ALLOWED_METHODS),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"vary", b"Origin, Access-Control-Request-Headers"),
    ]


def is_allowed_origin(origin: str) -> bool:
    """Whether a page from this origin may read answers: Capgo's console, loopback, and app web views."""
    return _ALLOWED_ORIGIN.fullmatch(origin) is not None
