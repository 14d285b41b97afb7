"""The handlers: one module for each resource. A handler takes a `Call` and returns a value or raises `Refusal`.

Belongs here: the rules of the API, in the order of the reference. Does not belong here: status codes, JSON,
headers, the wall clock, or the question which dialect is spoken (only `call.has(Quirk.NAME)`).
"""
