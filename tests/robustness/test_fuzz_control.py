"""Control routes under fire: good documents with a value, or a member, that is not; refused or taken, no failure."""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import FULL, SHOP
from tests.control.hub import Hub
from tests.robustness.vocabulary import BROKEN, ODD

REQUESTS = int(os.environ.get("MOCK_CAPGO_FUZZ", "8000")) // 20
RULE = {
    "operation": "listApps", "method": "GET", "path": "/app", "key": FULL, "nth": 2, "after": 1, "times": 3,
    "probability": 0.5, "seed": 3, "from": "2026-01-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "status": 503,
    "latency": {"min": 0, "max": 0}, "error": "cannot_find_channel", "retry_after": 3, "truncate": 3, "malformed": True,
    "content_type": "text/html", "drip": {"bytes": 3, "seconds": 0}, "stale": True, "reset": "after", "message": "m",
}  # fmt: skip
EXPECTED = {"operation": "listApps", "method": "GET", "path": "/app", "status": 200, "count": 1, "min": 0, "max": 3}
DOCUMENTS: dict[tuple[str, str], list[Any]] = {
    ("POST", "/clock"): [{"set": "2026-05-01T00:00:00Z"}, {"advance": 60}, {"rate": 2}, {"freeze": True}],
    ("POST", "/keys"): [{"name": "k", "role": "org_admin", "org": "Acme"}, {"role": "app_reader", "app": SHOP}],
    ("POST", "/faults"): [{name: RULE[name]} for name in RULE] + [RULE],
    ("POST", "/verify"): [{"expect": [EXPECTED]}, {"expect": [EXPECTED], "ordered": True}],
    ("POST", "/worlds"): [{"limits": "off", "seed": 3, "ttl": 1, "dialect": "live", "now": "2026-05-01T00:00:00Z"}],
    ("POST", "/reset"): [{}],
    ("POST", "/checkpoints/a"): [{}],
    ("POST", "/checkpoints/a/restore"): [{}],
}
QUERIES: dict[str, dict[str, Any]] = {
    "/journal": {"operation": "listApps", "status": 200, "after": 1, "limit": 3, "path": "/app", "key": "x"},
    "/journal/next": {"operation": "listApps", "timeout": 0, "after": 0},
    "/journal.har": {"method": "GET", "limit": 1},
    "/explain": {"app_id": SHOP, "device_id": "d0000000-0000-4000-8000-000000000001", "platform": "ios"},
}


def spoiled(chance: random.Random, document: Any) -> Any:
    """A copy of a document in which something, somewhere, was changed, left out or added."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 3))):
        at = document
        while True:
            places = list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ()
            if not places:
                break
            place = chance.choice(list(places))
            if isinstance(at[place], (dict, list)) and at[place] and chance.random() < 0.8:
                at = at[place]
                continue
            change = chance.randrange(4)
            if change == 0:
                del at[place]
            elif change == 1 and isinstance(at, dict):
                at[chance.choice(("x", "", "id", "now", "format"))] = copy.deepcopy(chance.choice(ODD))
            else:
                at[place] = copy.deepcopy(chance.choice(ODD))
            break
    return document


@pytest.mark.parametrize("seed", range(4))
def test_no_control_request_breaks_the_server(seed: int) -> None:
    """Whatever a control route is sent, it says yes or what is wrong, and the world stays whole."""
    chance = random.Random(seed)
    hub = Hub(limits="off")
    exported = hub.ok("GET", "/_mock/state")
    rows = {name: value[:2] for name, value in exported.items() if isinstance(value, list)}
    documents = {**DOCUMENTS, ("PUT", "/state"): [exported], ("POST", "/seed"): [{name: rows[name]} for name in rows]}
    statuses: Counter[int] = Counter()
    for number in range(REQUESTS // 4):
        if chance.random() < 0.2:
            path, query = chance.choice(list(QUERIES.items()))
            sent = {name: str(chance.choice(ODD)) if chance.random() < 0.3 else value for name, value in query.items()}
            if "timeout" in sent:
                sent["timeout"] = chance.choice((0, "x", -1, "NaN"))  # others would be waited for
            text = urlencode(sent, errors="replace")
            answer = hub("GET", f"/_mock{path}?{text if len(text) < 20_000 else ''}")
        else:
            method, path = chance.choice(list(documents))
            body = chance.choice(documents[method, path])
            raw = json.dumps(spoiled(chance, body) if chance.random() < 0.9 else body).encode()
            answer = hub(method, f"/_mock{path}", raw=chance.choice(BROKEN) if chance.random() < 0.05 else raw)
        statuses[answer.status] += 1
        assert answer.status < 500 or (answer.status == 503 and path == "/worlds"), (path, answer)
        assert b"Traceback" not in answer.raw
        if number % 100 == 99:
            assert hub.app.state.universe.world.state.check() == []
            hub("DELETE", "/_mock/faults")
            hub.universes.default.reset()
            for world in hub.ok("GET", "/_mock/worlds")["worlds"]:
                hub("DELETE", f"/_mock/worlds/{world['id']}")
    assert statuses[200] + statuses[201] > sum(statuses.values()) // 20, statuses
