"""Schemathesis over the contract, against a running server: every check that the decisions of the dialect allow."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from mock_capgo.server.app import create_app
from mock_capgo.settings import Settings
from tests.conftest import FULL
from tests.test_access import DOCUMENTED, example

EXCLUDED = [
    # By decision there is no 405: a known path with another method is as unknown as any other route, and is 404.
    unsupported_method,
    # By decision a rule that refuses well-formed data (a name that is taken) is a 400, as a broken contract is, so the
    # status alone does not tell the two apart. `only_rules_refuse` looks at the reason instead.
    positive_data_acceptance,
]
RULES = {
    "APP_ID_TAKEN",
    "BINDING_INVALID",
    "BINDING_TWICE",
    "CANNOT_DELETE_LINKED",
    "CANNOT_UPDATE_ORG",
    "INVALID_EXPIRATION_DATE",
    "INVALID_WEBSITE",
    "INVALID_GLOBAL_PERMISSIONS",
    "INVITE_ALREADY_INVITED",
    "LAST_SUPER_ADMIN",
    "MISSING_ROLLOUT_VERSION",
    "MISSING_STABLE_VERSION",
    "NAME_OF_TAGS",
    "NO_VALID_FIELDS",
    "ORG_NAME_TAKEN_TOLD",
    "PUBLIC_CHANNEL_OVERRIDE",
    "STATISTICS_INVALID",  # a range of more days than anybody needs
    "INVALID_CURSOR",
    "UNFIT_VALUE",
    "VERSION_ALREADY_EXISTS",
    "VERSION_NAME_HELD",
}
"""What a request that honours the contract may be refused for with 400."""
BOUNDARIES = 150
"""Of more cases than this every second, third, ... one is tried: only channels have so many settings."""


def budget(examples: int, **more: Any) -> settings:
    """The same cases in every run, and no stopwatch."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server on a free port, in a thread of this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(Settings(limits="off", log="off"))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    host, port = listening.getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(5)


@pytest.fixture(scope="module")
def loaded(url: str) -> Any:
    """The document that the server gives away, as Schemathesis understands it."""
    document = httpx.get(f"{url}/openapi.json").json()
    # Addresses of a simple kind: to look for others that have the format and both patterns, and for some that have
    # one and not the other, takes minutes.
    document["components"]["schemas"]["Email"] = {
        "type": "string",
        "pattern": "^[a-z0-9]{1,20}@[a-z]{1,9}[.][a-z]{2,6}$",
    }
    found = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    found.config.update(base_url=url)
    return found


@pytest.fixture
def contract(loaded: Any, url: str) -> Any:
    """The document, and its server in the default world."""
    assert httpx.post(f"{url}/_mock/reset").status_code == 200
    return loaded


def is_positive(case: Any) -> bool:
    """Whether a request honours the contract."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def headers(case: Any) -> dict[str, str]:
    """The headers to send a request with: those that should be good explain themselves when they are not."""
    return {"authorization": FULL, **({"x-mock-explain": "1"} if is_positive(case) else {})}


def only_rules_refuse(_: Any, response: Any, case: Any) -> None:
    """Data that honours the contract is refused by a rule, if at all, and never by the contract."""
    if is_positive(case) and response.status_code == 400:
        reason = response.headers["x-mock-reason"][0]
        assert reason.partition(":")[0] in RULES, reason


def check(case: Any) -> None:
    """Send a request, and hold the answer to the contract."""
    case.call_and_validate(headers=headers(case), additional_checks=[only_rules_refuse], excluded_checks=EXCLUDED)


@pytest.mark.parametrize("operation_id", [operation.id for operation in DOCUMENTED])
def test_boundaries(contract: Any, operation_id: str) -> None:
    """At the bounds of the contract, on either side: good data passes or meets a rule, bad data is refused."""
    operation = contract.find_operation_by_id(operation_id)
    modes = list(GenerationMode)
    configuration = contract.config.generation_for(operation=operation)
    cases = list(contract.iter_coverage_cases(operation, generation_modes=modes, generation_config=configuration))
    assert cases
    for case in cases[:: 1 + len(cases) // BOUNDARIES]:
        check(case)


@pytest.mark.parametrize(
    ("operation_id", "mode"),
    [
        pytest.param(
            operation.id,
            mode,
            id=f"{operation.id}-{mode.value}",
        )
        for operation in DOCUMENTED
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or example(operation.id).asks_for_something()
    ],
)
def test_every_operation(contract: Any, operation_id: str, mode: GenerationMode) -> None:
    """Whatever is sent, the answer is one that the contract has; bad data is refused, and good data by rules only."""
    strategy = contract.find_operation_by_id(operation_id).as_strategy(generation_mode=mode)
    budget(10)(given(case=strategy)(check))()


def test_chains_of_operations(contract: Any) -> None:
    """Following the links of the document from one answer to the next request keeps to the contract."""
    machine = contract.as_state_machine()

    class Chains(machine):  # type: ignore[misc, valid-type]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers(case)}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            case.validate_response(response, additional_checks=[only_rules_refuse], excluded_checks=EXCLUDED)

    Chains.run(settings=budget(10, stateful_step_count=8))
