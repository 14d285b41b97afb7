"""Where calls go: a server over HTTP. The in-process mock is in `inprocess`.

A target sends bytes and returns bytes; it knows no contract. `sandbox` says whether its world is the run's own, so
that everything in it may be changed.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from contract_tests.kit.wire import Answer, Call

_REASONS = {
    "ConnectionError": "no connection; is it running, and is the address right?",
    "ConnectTimeout": "no connection within --timeout",
    "ReadTimeout": "no answer within --timeout",
    "SSLError": "its certificate is not accepted",
}


class CannotReach(Exception):
    """The target does not answer; the text says why."""


class Target(Protocol):
    """What a session sends through."""

    base_url: str
    sandbox: bool

    def send(self, call: Call, headers: dict[str, str]) -> Answer:
        """Send one call. Raises CannotReach."""

    def wait(self, seconds: float) -> None:
        """Let time pass, as the target sees it."""


class HttpTarget:
    """A server at a base URL."""

    sandbox = False

    def __init__(self, base_url: str, timeout: float = 30.0) -> None:
        import requests  # noqa: PLC0415 - a run in process needs no HTTP client

        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._errors: Any = requests.RequestException
        self._session: Any = requests.Session()
        # With the environment trusted, a .netrc entry for the host would take the place of the key.
        self._session.trust_env = False

    def send(self, call: Call, headers: dict[str, str]) -> Answer:
        """Send one call; a redirect is an answer, and is not followed: the key goes to the target only."""
        try:
            answered = self._session.request(
                call.method,
                self.base_url + call.url,
                data=call.content(),
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
        except (self._errors, UnicodeError) as error:
            # The text of such an error is long, and may hold what was sent.
            reason = _REASONS.get(type(error).__name__, type(error).__name__)
            raise CannotReach(f"{call.method} {self.base_url}{call.path}: {reason}") from None
        return Answer(
            answered.status_code, {name.lower(): value for name, value in answered.headers.items()}, answered.content
        )

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
