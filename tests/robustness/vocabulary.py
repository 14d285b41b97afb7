"""The words of generated requests: likely values, unlikely ones, those of a good request, and broken bodies."""

from __future__ import annotations

from typing import Any

from tests.conftest import ACME, COURIER, ENTERPRISE, FULL, GLOBEX, HASHED, READER, SHOP, UPLOADER

KEYS = (*[FULL] * 12, *[ENTERPRISE] * 6, READER, UPLOADER, HASHED, HASHED, "nonsense", "")
DEVICES = tuple(f"d0000000-0000-4000-8000-{number:012d}" for number in range(1, 12))
WEBHOOK, DELIVERY = "0c0ffee0-0000-4000-8000-00000000d001", "0c0ffee0-0000-4000-8000-00000000d101"
APPS = (SHOP, SHOP, SHOP, COURIER, "com.example.new", "com.example.newer", "no app")
LIKELY: dict[str, tuple[Any, ...]] = {
    "app_id": APPS,
    "appId": APPS,
    "orgId": (ACME, ACME, GLOBEX, "no-uuid"),
    "owner_org": (ACME, GLOBEX),
    "org_id": (ACME, GLOBEX),
    "channel": ("production", "beta", "staging", "made", "made-2"),
    "channel_id": (1, 2, 3, 99),
    "version": ("1.0.0", "1.2.0", "2.0.0", "9.9.9", "builtin"),
    "version_name": ("1.0.0", "1.2.0", "builtin", "unknown"),
    "version_id": (1, 2, 99),
    "version_build": ("1.0.0", "2", "x"),
    "version_os": ("14", "17.2"),
    "plugin_version": ("7.0.0", "5.0.0", "4.1"),
    "platform": ("ios", "android", "electron", "web"),
    "device_id": DEVICES,
    "email": ("dev@example.com", "mia@example.com", "new@example.com", "no email"),
    "role": ("org_admin", "org_member", "admin", "read", "super_admin", "owner"),
    "invite_type": ("read", "write", "admin"),
    "mode": ("all", "read", "write", "upload", "none"),
    "id": (1, 2, 3, 6, 7, "1", "x"),
    "limit": (1, 50, "10", 0, 1e9, -1),
    "page": (0, 1, "2", -1),
    "from": ("2026-01-01", "2026-10-01T00:00:00Z", "x"),
    "to": ("2026-11-01", "2026-11-20T00:00:00Z"),
    "external_url": ("https://cdn.example.com/a.zip", "http://x", "x"),
    "checksum": ("a" * 64, "x"),
    "action": ("set", "set_fail", "uninstall", "delete", "nothing"),
    "url": ("https://example.com/hook", "http://localhost:1/", "x"),
    "events": (["apps"], ["channels", "orgs"], ["nothing"], []),
    "name": ("Name", "Acme", "", "x" * 300),
    "webhookId": (WEBHOOK, "x"),
    "deliveryId": (DELIVERY, "x"),
    "rolloutPercentageBps": (0, 5000, 10_000, -1, 10_001),
    "rolloutVersion": ("1.3.0-beta.1", "1.2.0", "9.9.9"),
    "disableAutoUpdate": ("major", "minor", "patch", "none", "x"),
}
FRESH = tuple(f"3.{number}.0" for number in range(5))
HOOK = {"orgId": (ACME,), "name": ("hook",), "url": ("https://example.com/hook",), "events": (["apps"],)}
GOOD: dict[str, dict[str, tuple[Any, ...]]] = {
    "createOrganization": {"name": tuple(f"Labs {number}" for number in range(40))},
    "deleteOrganization": {"orgId": (GLOBEX, GLOBEX, ACME)},
    "upsertOrganizationMember": {
        "orgId": (ACME,),
        "email": ("lee@example.com", "noor@example.com", "jonas@example.com"),
        "role": ("read", "write"),
        "invite_type": ("read", "write"),
    },
    "deleteOrganizationMember": {"orgId": (ACME,), "email": ("mia@example.com", "lee@example.com")},
    "createApiKey": {"name": ("made",), "mode": ("read", "all"), "bindings": ([{"role_name": "org_member",
                     "scope_type": "org", "org_id": ACME}],)},
    "updateApiKey": {"id": (1, 2, 3, 6), "name": ("renamed",)},
    "updateApiKeyByBody": {"id": (2, 3, 6), "name": ("renamed",)},
    "deleteApiKey": {"id": (3, 6, 8, 9, 10)},
    "createApp": {"app_id": tuple(f"com.example.new{number}" for number in range(20))},
    "deleteApp": {"appId": (COURIER, "com.example.new1", "com.example.new2", SHOP)},
    "createBundle": {"version": FRESH},
    "deleteBundle": {"app_id": (SHOP,), "version": FRESH},
    "upsertChannel": {"channel": ("made", "made-2", "beta")},
    "deleteChannel": {"channel": ("made", "made-2")},
    "createWebhook": HOOK,
    "updateWebhook": {**HOOK, "webhookId": (WEBHOOK,)},
    "deleteWebhook": {"orgId": (ACME,), "webhookId": (WEBHOOK,)},
    "testWebhook": {"orgId": (ACME,), "webhookId": (WEBHOOK,)},
    "retryDelivery": {"orgId": (ACME,), "deliveryId": (DELIVERY,)},
    "listDeliveries": {"orgId": (ACME,), "webhookId": (WEBHOOK,)},
}  # fmt: skip
"""What a good request of an operation has beside or instead of the first likely value of each member."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**18, 2**64, 2**200, "", " ", "x" * 5000, "\x00", "\ud800", "é\u202e😀",
    "'; --", "../../etc/passwd", "%00", "null", "NaN", [], {}, [None], {"a": {"b": []}}, ["x"] * 50,
    "{app}", "%s%n", "1" * 400, "9999-12-31T23:59:59Z", "0001-01-01", "now", [[[[[[[[1]]]]]]]],
)  # fmt: skip
BROKEN = (
    b"", b"{", b"null", b"[]", b'"text"', b"5", b"NaN", b"{]", b"\xff\xfe\x00", b'{"a":"\xc3\x28"}',
    b'{"a":1}{"b":2}', b"[" * 3000, b'{"a":' * 500, b'{"app_id":1e400}', b'{"app_id":"\\ud800"}', b"\xef\xbb\xbf{}",
    b'{"a":1,"a":2}', b"a=b&c=d",
)  # fmt: skip
IDLE = {"/ok", "/ko", "/plugin/ok", "/latency", "/files/config", "/nothing", "/plugin/stats", "/plugin/updates"}
OF_UPLOADS = {"content-type", "upload-metadata", "upload-length", "upload-offset"}
HEADERS = {
    "origin": ("http://localhost:3000", "https://evil.example.com", "null"),
    "x-limited-key-id": ("2", "0", "x", "99999999999999999999"),
    "x-forwarded-for": ("10.0.0.1", "10.0.0.1, 10.0.0.2", ","),
    "x-request-id": ("a", "é", ""),
    "content-type": ("application/json", "text/plain", "application/offset+octet-stream"),
    "upload-metadata": ("filename b3Jncy9h", "filename !!!", "x", "filename " + "b3Jncy9h" * 30),
    "upload-length": ("10", "-1", "x", "99999999999999999999"),
    "upload-offset": ("0", "5", "x", "²"),
    "upload-defer-length": ("1", "2"),
    "range": ("bytes=0-1", "bytes=-", "bytes=9-1", "bytes=-99999999999999999999", "x"),
    "x-mock-explain": ("1",),
    "x-mock-fault": ('{"status": 503}',),
    "cf-ipcountry": ("DE", "XX", "x"),
}
