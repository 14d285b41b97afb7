"""A release script and its tests: what it does on a good day, and on a bad one."""

import httpx
import pytest


def release(client: httpx.Client, app_id: str, bundle: int, channel: int, attempts: int = 3) -> None:
    """The code under test: point a channel at a bundle, and try again when the service is in trouble."""
    body = {"app_id": app_id, "version_id": bundle, "channel_id": channel}
    for attempt in range(1, attempts + 1):
        answer = client.put("/bundle", json=body)
        if answer.status_code < 500 or attempt == attempts:
            answer.raise_for_status()
            return


@pytest.fixture
def client(capgo):
    with httpx.Client(base_url=capgo.base_url, headers={"authorization": capgo.key("admin")}) as client:
        yield client


def test_release(capgo, client):
    release(client, "com.example.shop", bundle=4, channel=1)
    shown = client.get("/channel", params={"app_id": "com.example.shop", "channel": "production"}).json()
    assert shown["version"]["name"] == "1.3.0-beta.1"


def test_release_survives_an_outage(capgo, client):
    capgo.faults.add(operation="setBundleChannel", status=503, times=2)
    release(client, "com.example.shop", bundle=4, channel=1)
    capgo.journal.verify(operation="setBundleChannel", count=3)


def test_key_without_the_right_is_refused(capgo):
    client = httpx.Client(base_url=capgo.base_url, headers={"authorization": capgo.key("app_reader")})
    with client, pytest.raises(httpx.HTTPStatusError, match="403"):
        release(client, "com.example.shop", bundle=4, channel=1)
    capgo.journal.verify(operation="setBundleChannel", status=403, count=1)


def test_budget_comes_back_after_a_minute(capgo, client):
    capgo.clock.freeze()
    while (answer := client.get("/app")).is_success:
        pass
    assert answer.status_code == 429
    capgo.clock.advance(60)
    assert client.get("/app").is_success
