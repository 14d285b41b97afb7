"""The life of a webhook: made, told, tried, changed and deleted, with what became of its deliveries."""

from __future__ import annotations

from typing import Any

from contract_tests.kit.explore import Effort
from contract_tests.kit.reading import one, rows
from contract_tests.kit.scene import HOOK_URL, Scene
from contract_tests.kit.session import Session


def life(session: Session, effort: Effort) -> None:
    """A webhook hears of what it asked for and of nothing else; nobody sees its secret twice."""
    scene = Scene.make(session)
    told, deaf = scene.add_hook(events=["apps"]), scene.add_hook(events=["apps"], enabled=False)

    def read(hook: str) -> dict[str, Any]:
        return one(session.must("getWebhooks", {"orgId": scene.org, "webhookId": hook}))

    def deliveries(hook: str, **more: Any) -> list[dict[str, Any]]:
        return rows(session.must("listDeliveries", {"orgId": scene.org, "webhookId": hook, **more}))

    listed = [row["id"] for row in rows(session.must("getWebhooks", {"orgId": scene.org}))]
    newest = [hook for hook in listed if hook in (told, deaf)]
    session.demand(newest == [deaf, told], "read-your-writes", "new webhooks are not listed once, the newest first")
    session.must("updateApp", {"appId": scene.app, "name": "Told"})
    session.must("upsertChannel", {"app_id": scene.app, "channel": "stable", "allow_dev": False})
    # Others may change apps of theirs meanwhile, and a server apps of ours: what was sent here is told once.
    heard = [(row["event_type"], row["request_payload"]["data"]) for row in deliveries(told)]
    once = [event for event, data in heard if data["record_id"] == scene.app and "name" in data["changed_fields"]]
    session.demand(once == ["apps.UPDATE"], "webhook-events", f"of a change of an app it was told as {once}")
    beside = sorted({event for event, _ in heard if not event.startswith("apps.")})
    session.demand(not beside, "webhook-events", f"it was told of {beside}, for which it did not ask")
    session.demand(not deliveries(deaf), "webhook-events", "a webhook that is switched off was told something")

    before = read(told)
    session.must("updateWebhook", {"orgId": scene.org, "webhookId": told, "name": f"{session.run_id} renamed"})
    changed = {name for name, value in read(told).items() if before.get(name) != value}
    session.demand(
        "name" in changed and changed <= {"name", "updated_at"}, "untouched", f"a new name changed {sorted(changed)}"
    )
    session.demand(read(told).get("url") == HOOK_URL, "read-your-writes", "the address is not the one that was sent")

    tried = one(session.must("testWebhook", {"orgId": scene.org, "webhookId": told}))
    found = next((row for row in deliveries(told) if row["id"] == tried["delivery_id"]), {})
    session.demand(
        found.get("event_type") == "test.ping" and found.get("audit_log_id", 0) is None,
        "read-your-writes",
        f"a test is not among the deliveries as test.ping: {found.get('event_type')!r}",
    )
    failed = deliveries(told, status="failed")
    session.demand(
        all(row["status"] == "failed" for row in failed), "answers-the-question", "other deliveries than failed ones"
    )
    if found.get("status") == "failed":
        session.must("retryDelivery", {"orgId": scene.org, "deliveryId": found["id"]})
        again = next((row for row in deliveries(told) if row["id"] == found["id"]), {})
        fresh = (again.get("status"), again.get("attempt_count"), again.get("completed_at"))
        session.demand(fresh == ("pending", 0, None), "read-your-writes", f"a delivery to be retried is {fresh}")
        twice = session.ask("retryDelivery", {"orgId": scene.org, "deliveryId": found["id"]})
        session.demand(twice.status == 400, "protected", f"a pending delivery was retried: {twice.status}")

    session.must("deleteWebhook", {"orgId": scene.org, "webhookId": told})
    for name, values in (("getWebhooks", {"webhookId": told}), ("listDeliveries", {"webhookId": told})):
        answer = session.ask(name, {"orgId": scene.org, **values})
        session.demand(answer.status == 400, "cascade", f"after its end {name} answers {answer.status}")
    session.demand(read(deaf)["enabled"] is False, "untouched", "with one webhook went another, or it was switched on")
