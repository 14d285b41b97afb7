"""Generated requests: no failure that the live service has not, no traceback told, the state whole."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mock_capgo.data import fixtures_dir
from mock_capgo.device_api.table import DEVICE_OPERATIONS
from mock_capgo.errors import CATALOGUE
from mock_capgo.operations import OPERATIONS
from mock_capgo.server.app import Application, create_app
from mock_capgo.settings import Settings
from mock_capgo.world.state import State
from tests.robustness.generator import Sent, requests
from tests.robustness.vocabulary import DELIVERY, WEBHOOK

REQUESTS = int(os.environ.get("MOCK_CAPGO_FUZZ", "8000"))
"""In all four worlds together; `make fuzz` sends a hundred thousand."""
BATCH = 1000

# The refusals that are failures of the live service, each named by a quirk; and faults that the requests asked for.
_LIVE_FAILURES = {name for name, error in CATALOGUE.items() if error.status >= 500}
_NEVER: dict[str, set[str]] = {"documented": set(), "live": {"postKo", "createApiKey"}}
"""What no key may do, by dialect; and what fails whoever asks for it."""


_NUMBERED = ("api_key", "audit_log", "binding", "bundle", "channel", "deployment", "member")
"""The sequences that number the rows of a table, which is called by the plural."""


def overtaken(state: State) -> list[str]:
    """The sequences that would give a number away twice."""
    highest = {name: max((row.id for row in getattr(state, f"{name}s")), default=0) for name in _NUMBERED}
    return [name for name in _NUMBERED if state.sequences.get(name, 1) <= highest[name]]


class Heard(logging.Handler):
    """What the server logged: a failure of its own is logged, one of the live service is not."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


async def send(app: Application, sent: Sent) -> tuple[int, bytes]:
    """The status and the body that a request is answered with, without a socket."""
    answered: dict[str, Any] = {"status": 0, "body": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent.body, "more_body": False}

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered["status"] = message["status"]
            for name, value in message["headers"]:
                assert isinstance(name, bytes), message
                assert isinstance(value, bytes), message
                assert b"\n" not in value, message
                assert b"\r" not in value, message
        else:
            answered["body"] += message.get("body", b"")

    await app(sent.scope(), receive, take)
    return answered["status"], answered["body"]


def world(folder: Path) -> str:
    """The path of a fixture: the default world, and a webhook with a delivery that failed."""
    document = json.loads((fixtures_dir() / "default.json").read_bytes())
    document.pop("$schema", None)
    hook = {"org": "Acme", "name": "w", "url": "https://example.com/w", "events": ["apps"]}
    sent = {"webhook": WEBHOOK, "event_type": "apps.INSERT", "request_payload": {}, "status": "failed"}
    document["webhooks"] = [{"id": WEBHOOK, **hook}]
    document["deliveries"] = [{"id": DELIVERY, **sent}]
    file = folder / "world.json"
    file.write_text(json.dumps(document))
    return str(file)


@pytest.mark.parametrize("limits", ["on", "off"])
@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_no_request_breaks_the_server(dialect: str, limits: str, tmp_path: Path) -> None:
    """Whatever is asked is answered; a failure is one that the live service has; the state stays whole."""
    app = create_app(Settings(fixture=world(tmp_path), dialect=dialect, limits=limits, explain="on"))
    universe = app.state.universe
    heard = Heard()
    logging.getLogger("mock_capgo").addHandler(heard)
    statuses: Counter[int] = Counter()
    succeeded: set[str | None] = set()
    seed = 1 + (dialect == "live") + 2 * (limits == "on")
    stream = requests(seed)
    try:
        with asyncio.Runner() as runner:
            for batch in range(max(1, REQUESTS // 4 // BATCH)):
                for sent in islice(stream, BATCH):
                    status, body = runner.run(send(app, sent))
                    statuses[status] += 1
                    if status < 300:
                        succeeded.add(list(universe.journal)[-1].operation)
                    assert heard.records == [], (sent, heard.records[0].exc_text)
                    assert b"Traceback" not in body, sent
                    assert b'File "' not in body, sent
                    if status >= 500:
                        refusal = list(universe.journal)[-1].refusal
                        assert dialect == "live", (sent, body)
                        assert refusal in _LIVE_FAILURES, (sent, refusal)
                broken = universe.world.state.check() + overtaken(universe.world.state)
                assert broken == [], f"after {BATCH} requests up to {sent}"
                # Jobs, expiry and windows have their turn too; now and then everything starts over.
                universe.world.clock.advance(7 * 3600)
                if batch % 2:
                    universe.reset()  # or the organization that was deleted takes its keys along for good
    finally:
        logging.getLogger("mock_capgo").removeHandler(heard)
    assert statuses[200] > BATCH // 5, statuses
    if limits == "off" and REQUESTS >= 100_000:
        # Who is refused everything proves nothing: each operation was done, too.
        asked = {row.id for row in OPERATIONS if dialect == "live" or row.documented}
        assert (asked | {row.id for row in DEVICE_OPERATIONS}) - succeeded == _NEVER[dialect]
