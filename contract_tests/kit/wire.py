"""What goes over the wire, and what is remembered of it.

Belongs here: a call, an answer, the exchange that is kept for reports, and the redaction between the two. An
`Answer` is raw and lives for one check; an `Exchange` is redacted when it is made and is all that any report,
trace or file ever sees. Does not belong here: how bytes are sent (`targets`), or whether an answer is right.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

REDACTED = "[REDACTED]"
KEY_VARIABLE = "MOCK_CAPGO_API_KEY"
SECRET_HEADERS = frozenset({"authorization", "x-api-key", "capgkey", "cookie", "set-cookie", "proxy-authorization"})
_SHOWN = 4000


@dataclass(frozen=True, slots=True)
class Credential:
    """Who calls: a name for reports, and the secret. `header` is where the key is sent; None sends none."""

    name: str
    secret: str | None = field(default=None, repr=False)
    header: str | None = "authorization"

    def headers(self) -> dict[str, str]:
        """The header that carries the key."""
        return {self.header: self.secret} if self.secret is not None and self.header else {}


NOBODY = Credential("none")


@dataclass(slots=True)
class Call:
    """One request. `raw` replaces the JSON body byte for byte."""

    operation: str
    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    has_body: bool = False

    @property
    def url(self) -> str:
        """Path and query as sent."""
        path = quote(self.path, safe="/:@!$&'()*+,;=-._~%")
        return f"{path}?{urlencode(self.query)}" if self.query else path

    def content(self) -> bytes | None:
        """The body as sent, or None."""
        if self.raw is not None:
            return self.raw
        return json.dumps(self.body).encode() if self.has_body else None


@dataclass(slots=True)
class Answer:
    """One answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is no JSON: Python would take NaN and other encodings too."""
        return json.loads(self.content.decode("utf-8"), parse_constant=_no_number)

    def json_or_none(self) -> Any:
        """The parsed body, None when it is no JSON."""
        try:
            return self.json()
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, without secrets."""

    operation: str
    method: str
    url: str
    credential: str
    header: str | None
    request_body: str | None
    status: int
    answer_headers: dict[str, str]
    answer_body: str

    def curl(self) -> str:
        """The request as a command; the key comes from the environment."""
        parts = ["curl", "-sS", "-i", "-X", self.method, shlex.quote(self.url)]
        if self.header:
            parts += ["-H", f'"{self.header}: ${KEY_VARIABLE}"']
        if self.request_body is not None:
            parts += ["-H", "'content-type: application/json'", "--data-raw", shlex.quote(self.request_body)]
        return " ".join(parts)

    def python(self) -> str:
        """The request as a snippet of standard-library Python."""
        headers = f'{{"{self.header}": os.environ["{KEY_VARIABLE}"]}}' if self.header else "{}"
        data = "None" if self.request_body is None else f"{self.request_body!r}.encode()"
        return (
            "import os, urllib.request\n"
            f"request = urllib.request.Request({self.url!r}, method={self.method!r}, headers={headers}, data={data})\n"
            "print(urllib.request.urlopen(request).read().decode())"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "operation": self.operation,
            "request": {"method": self.method, "url": self.url, "as": self.credential, "body": self.request_body},
            "answer": {"status": self.status, "headers": self.answer_headers, "body": self.answer_body},
            "curl": self.curl(),
            "python": self.python(),
        }


class Redactor:
    """Takes secrets out of text: the ones it was told, in every form that a request or answer gives them."""

    def __init__(self, secrets: Iterable[str | None] = ()) -> None:
        self._forms: dict[str, None] = {}
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str | None) -> None:
        """From now on `secret` is written nowhere."""
        if secret and len(secret) >= 6:
            forms = {secret, secret.lower(), secret.upper(), quote(secret, safe=""), json.dumps(secret)[1:-1]}
            self._forms.update(dict.fromkeys(forms))
            # The longest first: a secret that begins with another one must not leave its tail behind.
            self._forms = dict.fromkeys(sorted(self._forms, key=lambda form: (-len(form), form)))

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def learn(self, answer: Answer) -> None:
        """Take over the secrets that an answer hands out: values of new keys and webhook secrets."""
        if b'"key"' in answer.content or b'"secret"' in answer.content:
            for value in _members(answer.json_or_none(), ("key", "secret")):
                self.add(value)


def _no_number(name: str) -> None:
    raise ValueError(name)


def _members(value: Any, names: tuple[str, ...]) -> Iterable[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name in names and isinstance(item, str):
                yield item
            else:
                yield from _members(item, names)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item, names)


def exchange(call: Call, credential: Credential, answer: Answer, base_url: str, redact: Redactor) -> Exchange:
    """The record of a call, redacted."""
    redact.learn(answer)
    content = call.content()
    headers = {
        name: REDACTED if name in SECRET_HEADERS else redact(value) for name, value in sorted(answer.headers.items())
    }
    return Exchange(
        call.operation,
        call.method,
        redact(base_url.rstrip("/") + call.url),
        redact(credential.name),
        credential.header if credential.secret is not None else None,
        None if content is None else redact(content[:_SHOWN].decode("utf-8", "replace")),
        answer.status,
        headers,
        redact(answer.content.decode("utf-8", "replace"))[:_SHOWN],
    )
