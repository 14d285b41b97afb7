"""The rules that a finding may name: one sentence each, and where it comes from.

Schema violations carry a pointer of their own; what is here is the meaning that no schema can hold. References
are to `docs/documented-dialect.md` (D) and to sections of the published documentation.
"""

from __future__ import annotations

RULES: dict[str, tuple[str, str]] = {
    # Every answer
    "status-documented": ("An operation answers only statuses that its contract has.", "OpenAPI responses"),
    "no-server-error": ("No request makes the server fail.", "D rule 7; OpenAPI responses"),
    "body-schema": ("A body honours the schema of its status.", "OpenAPI responses"),
    "body-is-json": ("A documented JSON body is JSON.", "OpenAPI responses"),
    "content-type": ("JSON is announced as application/json.", "OpenAPI content"),
    "header-documented": ("A required header is there and has its form.", "OpenAPI headers"),
    "error-sentence": ("A refusal carries the documented text.", "D rules 2 to 6"),
    "secret-kept": ("A key's value is answered only where the contract says so.", "D Bodies: createApiKey"),
    "tenant-isolation": ("No data of one organization is in an answer to another.", "D rule 4"),
    "head-is-get": ("HEAD is GET without the body.", "D rule 10"),
    # Valid requests
    "valid-accepted": ("A valid request about existing things succeeds.", "D Bodies"),
    "answers-the-question": ("An answer is about what was asked for.", "D Bodies"),
    "slash-optional": ("Paths are served with and without the trailing slash.", "D rule 10"),
    "key-headers": ("A key is taken from authorization and from x-api-key.", "Authentication"),
    "same-answer": ("The same question has the same answer while nothing changes.", "D Bodies"),
    "live-headers": ("Request id, CORS and security policy are as the service has them.", "live: headers"),
    "content-type-open": ("The Content-Type of a request is not looked at.", "D rule 9"),
    "body-or-query": ("A DELETE without a body is read from its query.", "D rule 9"),
    "statistics-range": ("A series has each day of its range once, in order.", "Statistics"),
    # Invalid requests
    "invalid-refused": ("A request that breaks the contract is refused with 400.", "D rule 8"),
    "refusal-harmless": ("A refused request changes nothing.", "D rule 8"),
    "unknown-route": ("An unknown route, or a known path with another method, is 404.", "D rule 5"),
    "body-limit": ("A body over 1 MiB is 413.", "D rule 6"),
    "order-of-checks": ("Key before contract, contract before permission.", "D rule 8"),
    # Access
    "credential-required": ("Without a valid key the answer is 401.", "D rule 3"),
    "permission-required": ("Without the permission the answer is a refusal.", "D rule 4; roles and permissions"),
    "subkeys": ("Behind another key's number a key may do what that key may.", "live: x-limited-key-id"),
    "permission-suffices": ("A role that holds the permission is let in.", "roles and permissions"),
    "no-probing": ("What is out of reach looks like what does not exist.", "D rule 4"),
    # Limits
    "limit-enforced": ("Over the budget of its tier an account gets 429.", "D rule 6"),
    "limit-not-early": ("Within the budget nobody gets 429.", "D rule 6"),
    "retry-after-honest": (
        "After Retry-After the next request succeeds, and one second earlier it does not.",
        "D rule 6",
    ),
    "limit-shared": ("All keys of an account share its budget, other accounts do not.", "D Account and tier"),
    "health-unlimited": ("Health is never limited.", "D Bodies: getHealth"),
    # State
    "read-your-writes": ("What was written is read.", "D Bodies"),
    "deletes-stay": ("What was deleted is gone, and stays gone.", "D rule 5"),
    "unique": ("Names are unique where the contract says so.", "D Bodies"),
    "cascade": ("A deletion takes along what hangs on it, and nothing else.", "D Bodies"),
    "protected": ("What is in use cannot be deleted.", "D Choices"),
    "pagination": ("Pages lose nothing and repeat nothing.", "D Bodies: pages"),
    "cursor-stable": ("A cursor leads on from where it was given, whatever was added meanwhile.", "D getDevices"),
    "public-channel": ("A platform has one public channel.", "D upsertChannel"),
    "override-rule": ("An override is one per device, and not on a public channel.", "D linkDevice"),
    "webhook-events": ("A webhook is told of the events that it asked for, and of no other.", "live: webhooks"),
    "audit": ("Each change is in the audit log, with who made it and what it changed.", "live: audit log"),
    "last-admin": ("The last super admin cannot be removed.", "D Choices"),
    "key-lifecycle": ("A new key works, a replaced, expired or deleted one does not.", "D createApiKey, updateApiKey"),
    "untouched": ("A write changes what it names and nothing else.", "D Bodies"),
    # Devices
    "device-offer": ("What a device is offered follows from the state of its channel.", "device API"),
    # The run itself
    "clean-up": ("Everything that the run created is gone at its end.", "the kit's promise"),
    "coverage": ("The run reaches as much of the contract as it has to.", "the kit's promise"),
}
