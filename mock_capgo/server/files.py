"""Files over HTTP: resumable uploads (TUS 1.0.0), upload addresses, downloads with ranges.

Belongs here: headers, statuses and the protocol's own errors. What a file means is in
`mock_capgo.device_api.files` (reference 40 §5, 30 §4).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import unquote

import orjson

from mock_capgo import errors
from mock_capgo.access.keys import bindings_of
from mock_capgo.call import Call, Caller
from mock_capgo.device_api import files
from mock_capgo.device_api.answers import failure
from mock_capgo.errors import Error, Refusal
from mock_capgo.request import Request
from mock_capgo.server.dispatch import Answer, identify
from mock_capgo.server.headers import RawHeaders, cors_headers, preflight_headers, request_id
from mock_capgo.server.universe import Universe
from mock_capgo.world.clock import as_datetime
from mock_capgo.world.records import DAY, StoredFile

MAX_PART = 103_809_024
"""Bytes of one part, as the service tells its clients."""

_ROUTE = re.compile(r"(?:/private)?/files(/config|/upload_link|/(?:upload|read)/attachments(?:/.*)?)/?")
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_JSON = (b"content-type", b"application/json")
_TUS: RawHeaders = [
    (b"tus-resumable", b"1.0.0"),
    (b"tus-version", b"1.0.0"),
    (b"tus-max-size", str(files.MAX_FILE).encode()),
    (b"tus-extension", b"creation,creation-defer-length,creation-with-upload,expiration"),
]
CONFIG = {
    "partialUpload": True,
    "partialUploadForced": False,
    "maxUploadLength": files.MAX_FILE,
    "maxChunkSize": MAX_PART,
    "alertUploadSize": 20 * 1024 * 1024,
    "TUSUpload": True,
    "TUSUploadForced": True,
}


def _error(name: str, status: int, code: str, message: str) -> Error:
    return Error(name, status, code, message, status, message, "code_and_message")


MISSING_CONTENT_TYPE = _error("MISSING_CONTENT_TYPE", 415, "missing_content_type", "Missing content type")
INVALID_CONTENT_TYPE = _error("INVALID_CONTENT_TYPE", 415, "invalid_content_type", "Invalid content type")
MISSING_UPLOAD_LENGTH = _error("MISSING_UPLOAD_LENGTH", 400, "missing_upload_length", "Missing upload length")
BAD_UPLOAD_DEFER_LENGTH = _error("BAD_UPLOAD_DEFER_LENGTH", 400, "bad_upload_defer_length", "Bad upload defer length")
INVALID_ENCODING = _error("INVALID_ENCODING", 400, "invalid_file_path_encoding", "Invalid file path encoding")
TOO_LARGE = _error("TOO_LARGE", 413, "payload_too_large", "The file is over 1 GiB")


def is_file_route(path: str) -> bool:
    """Whether a path is one of this module's; its bodies may be larger than those of the API."""
    return path.startswith(("/files/", "/private/files/"))


def answer_file(universe: Universe, request: Request) -> Answer:
    """Serve a request about files."""
    universe.world.tick()
    common = [request_id(request.headers), *cors_headers(request.headers)]
    found = _ROUTE.fullmatch(request.path)
    call = Call(
        world=universe.world,
        quirks=universe.dialect.quirks,
        read=lambda: orjson.loads(request.body),
        path={},
        limits=universe.limits,
        request=request,
    )
    try:
        answered = _serve(universe, request, call, found[1] if found else "")
    except Refusal as refusal:
        reply = failure(refusal)
        body = {"error": "not_found", "message": "Not found"} if refusal.error is errors.NOT_FOUND else reply.body
        answered = Answer(reply.status, orjson.dumps(body), [_JSON], refusal=refusal.error.name)
    told = {name for name, _ in answered.headers}
    answered.headers = [*answered.headers, *(header for header in common if header[0] not in told)]
    answered.head = request.method == "HEAD"
    return answered


def _serve(universe: Universe, request: Request, call: Call, route: str) -> Answer:
    handler = _HANDLERS.get((request.method, "/".join(route.split("/", 3)[:3])))
    if handler is None and request.method == "OPTIONS":
        return Answer(204, b"", preflight_headers(request.headers))  # as on any path (00 §1)
    if handler is None:
        raise Refusal(errors.NOT_FOUND)
    path = unquote(route.split("/", 3)[3]).strip("/") if route.count("/") > 2 else ""
    return handler(universe, request, call, path)


def _config(_: Universe, __: Request, ___: Call, ____: str) -> Answer:
    return Answer(200, orjson.dumps(CONFIG), [_JSON], "getFilesConfig")


def _options(_: Universe, __: Request, ___: Call, ____: str) -> Answer:
    return Answer(204, b"", list(_TUS), "optionsUpload")


def _create(universe: Universe, request: Request, call: Call, _: str) -> Answer:
    """Begin a resumable upload; its first bytes may come along."""
    identify(universe, call, "K")
    path = _named_path(request)
    length = _length(request)
    file = files.start(call, path, length)
    if request.body:
        file = files.append(call, path, 0, request.body) or file
    headers = [
        (b"tus-resumable", b"1.0.0"),
        (b"location", f"{request.base_url}/files/upload/attachments/{path}".encode()),
        *_progress(file),
    ]
    return Answer(201, b"", headers, "createUpload")


def _patch(universe: Universe, request: Request, call: Call, path: str) -> Answer:
    """Add a part."""
    identify(universe, call, "K")
    content_type = request.headers.get("content-type")
    if content_type is None:
        raise Refusal(MISSING_CONTENT_TYPE)
    if content_type != "application/offset+octet-stream":
        raise Refusal(INVALID_CONTENT_TYPE)
    file = call.state.files.get(path)
    declared = request.headers.get("upload-length", "")
    if file is not None and file.length is None and declared.isdecimal():
        call.state.files[path] = StoredFile(path=path, data=file.data, length=int(declared), created_at=file.created_at)
    offset = request.headers.get("upload-offset", "")
    added = files.append(call, path, int(offset), request.body) if offset.isdecimal() else None
    if added is None:
        return Answer(409, b"incorrect upload offset", [(b"content-type", b"text/plain")], "patchUpload")
    return Answer(204, b"", [(b"tus-resumable", b"1.0.0"), *_progress(added)], "patchUpload")


def _progress_of(universe: Universe, _: Request, call: Call, path: str) -> Answer:
    """How far an upload is."""
    identify(universe, call, "K")
    file = call.state.files.get(path)
    if file is None:
        raise Refusal(errors.NOT_FOUND)
    headers = [(b"tus-resumable", b"1.0.0"), (b"cache-control", b"no-store"), *_progress(file)]
    if file.length is not None:
        headers.append((b"upload-length", str(file.length).encode()))
    return Answer(200, b"", headers, "headUpload")


def _link(universe: Universe, request: Request, call: Call, _: str) -> Answer:
    """An address that takes a bundle's archive in one piece."""
    identify(universe, call, "K")
    try:
        params = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Refusal(errors.INVALID_JSON) from None
    path = files.upload_path(call, params if isinstance(params, dict) else {})
    url = f"{request.base_url}/files/upload/attachments/{path}?token={files.upload_token(call, path)}"
    return Answer(200, orjson.dumps({"url": url}), [_JSON], "createUploadLink", secret=True)


def _put(universe: Universe, request: Request, call: Call, path: str) -> Answer:
    """Take an archive in one piece, by key or by the token of an upload address."""
    token = dict(request.query()).get("token", "")
    linked = call.state.upload_links.get(token)
    key = call.state.api_keys.get(linked[1]) if linked and linked[0] == path else None
    if key is not None:
        call.caller_or_none = Caller(key, bindings_of(universe.world, key, call.quirks))
    else:
        identify(universe, call, "K")
    files.put(call, path, request.body)
    return Answer(200, orjson.dumps({"status": "ok"}), [_JSON], "putUpload")


def _read(_: Universe, request: Request, call: Call, path: str) -> Answer:
    """A file, or a range of it; what a device downloads is counted, what is only looked at is not."""
    file = files.get(call, path)
    size = len(file.data)
    headers = [
        (b"content-type", b"application/zip" if path.endswith(".zip") else b"application/octet-stream"),
        (b"cache-control", b"public, max-age=31536000, immutable, no-transform"),
        (b"etag", f'"{hashlib.sha256(file.data).hexdigest()}"'.encode()),
        (b"content-disposition", f'attachment; filename="{path}"'.encode("utf-8", "replace")),
        (b"accept-ranges", b"bytes"),
        (b"last-modified", format_datetime(as_datetime(file.created_at), usegmt=True).encode()),
    ]
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    first, last = _bounds(asked, size) if asked else (0, size - 1)
    if asked and first > last:
        return Answer(416, b"", [(b"content-range", f"bytes */{size}".encode())], "readFile")
    part = file.data[first : last + 1]
    if request.method == "GET":
        files.count(call, path, dict(request.query()).get("device_id", ""), len(part))
    if asked:
        headers.append((b"content-range", f"bytes {first}-{last}/{size}".encode()))
    return Answer(206 if asked else 200, part, headers, "readFile")


def _bounds(asked: re.Match[str], size: int) -> tuple[int, int]:
    """The first and the last byte of a range; first over last where there are none."""
    if not asked[1]:
        wanted = int(asked[2] or 0)
        return (max(0, size - wanted), size - 1) if wanted else (1, 0)
    first = int(asked[1])
    last = min(int(asked[2]) if asked[2] else size - 1, size - 1)
    return (first, last) if first < size and first <= last else (1, 0)


def _named_path(request: Request) -> str:
    """The storage path in `Upload-Metadata`."""
    for entry in request.headers.get("upload-metadata", "").split(","):
        name, _, value = entry.strip().partition(" ")
        if name == "filename":
            try:
                return b64decode(value, validate=True).decode("utf-8")
            except (Base64Error, UnicodeDecodeError):
                raise Refusal(INVALID_ENCODING) from None
    raise Refusal(errors.NOT_FOUND)


def _length(request: Request) -> int | None:
    deferred = request.headers.get("upload-defer-length")
    if deferred is not None:
        if deferred != "1":
            raise Refusal(BAD_UPLOAD_DEFER_LENGTH)
        return None
    declared = request.headers.get("upload-length", "")
    if not declared.isdecimal():
        raise Refusal(MISSING_UPLOAD_LENGTH)
    if int(declared) > files.MAX_FILE:
        raise Refusal(TOO_LARGE)
    return int(declared)


def _progress(file: StoredFile) -> RawHeaders:
    expires = format_datetime(as_datetime(file.created_at + DAY), usegmt=True)
    return [(b"upload-offset", str(len(file.data)).encode()), (b"upload-expires", expires.encode())]


_HANDLERS: dict[tuple[str, str], Callable[[Universe, Request, Call, str], Answer]] = {
    ("GET", "/config"): _config,
    ("POST", "/upload_link"): _link,
    ("OPTIONS", "/upload/attachments"): _options,
    ("POST", "/upload/attachments"): _create,
    ("PATCH", "/upload/attachments"): _patch,
    ("HEAD", "/upload/attachments"): _progress_of,
    ("PUT", "/upload/attachments"): _put,
    ("GET", "/read/attachments"): _read,
    ("HEAD", "/read/attachments"): _read,
}
