"""Generated requests: no failure that the live service has not, no traceback told, the state whole."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from mock_capgo.errors import CATALOGUE
from mock_capgo.server.app import Application, create_app
from mock_capgo.settings import Settings
from tests.robustness.generator import Sent, requests

REQUESTS = int(os.environ.get("MOCK_CAPGO_FUZZ", "8000"))
"""In all four worlds together; `make fuzz` sends a hundred thousand."""
BATCH = 1000

# The refusals that are failures of the live service, each named by a quirk; and faults that the requests asked for.
_LIVE_FAILURES = {name for name, error in CATALOGUE.items() if error.status >= 500}


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


@pytest.mark.parametrize("limits", ["on", "off"])
@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_no_request_breaks_the_server(dialect: str, limits: str) -> None:
    """Whatever is asked is answered; a failure is one that the live service has; the state stays whole."""
    app = create_app(Settings(dialect=dialect, limits=limits, explain="on"))
    universe = app.state.universe
    heard = Heard()
    logging.getLogger("mock_capgo").addHandler(heard)
    statuses: Counter[int] = Counter()
    seed = 1 + (dialect == "live") + 2 * (limits == "on")
    stream = requests(seed)
    try:
        with asyncio.Runner() as runner:
            for batch in range(max(1, REQUESTS // 4 // BATCH)):
                for sent in islice(stream, BATCH):
                    status, body = runner.run(send(app, sent))
                    statuses[status] += 1
                    assert heard.records == [], (sent, heard.records[0].exc_text)
                    assert b"Traceback" not in body, sent
                    assert b'File "' not in body, sent
                    if status >= 500:
                        refusal = list(universe.journal)[-1].refusal
                        assert dialect == "live", (sent, body)
                        assert refusal in _LIVE_FAILURES, (sent, refusal)
                assert universe.world.state.check() == [], f"after {BATCH} requests up to {sent}"
                # Jobs, expiry and windows have their turn too; now and then everything starts over.
                universe.world.clock.advance(7 * 3600)
                if batch % 2:
                    universe.reset()  # or the organization that was deleted takes its keys along for good
    finally:
        logging.getLogger("mock_capgo").removeHandler(heard)
    assert statuses[200] > BATCH // 20, statuses
