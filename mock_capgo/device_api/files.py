"""Files of bundles: uploaded in parts or whole, and downloaded by devices (40 §5, 30 §4).

Belongs here: which path a key may write, when a file is whole, and what its bundle then is. Does not belong
here: the headers of the upload protocol and of ranges (`mock_capgo.server.files`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

from mock_capgo import errors
from mock_capgo.call import Call
from mock_capgo.device_api.effects import count_download
from mock_capgo.errors import Error, Refusal
from mock_capgo.resources.common import find_bundle
from mock_capgo.world.records import App, Bundle, StoredFile, archive_path

MAX_FILE = 1024 * 1024 * 1024
"""Bytes that the service takes in one file."""
MAX_STORED = 512 * 1024 * 1024
"""Bytes that one world keeps in memory."""

_PATH = re.compile(r"orgs/([^/]+)/apps/([^/]+)/(.+)")
_APP_IN_PATH = re.compile(r"/apps/([^/]+)/")


def _error(name: str, status: int, code: str, message: str) -> Error:
    return Error(name, status, code, message, status, message, "code_and_message")


INVALID_FILE_PATH = _error("INVALID_FILE_PATH", 400, "invalid_file_path", "Invalid file path")
INSUFFICIENT_PERMISSIONS = _error(
    "INSUFFICIENT_PERMISSIONS", 403, "insufficient_permissions", "Insufficient permissions"
)
OWNER_ORG_MISMATCH = _error("OWNER_ORG_MISMATCH", 403, "owner_org_mismatch", "Owner org mismatch")
BUNDLE_ALREADY_READY = _error("BUNDLE_ALREADY_READY", 409, "bundle_already_ready", "Bundle is already ready")
TOO_MUCH_STORED = _error("TOO_MUCH_STORED", 413, "payload_too_large", "The world keeps 512 MiB of files at the most")
UNKNOWN_VERSION = _error("UNKNOWN_VERSION", 404, "error_version_not_found", "Error version not found")
UNKNOWN_APP = _error("UNKNOWN_APP", 404, "error_app_not_found", "Error app not found")
APP_ACCESS_DENIED = _error("APP_ACCESS_DENIED", 400, "app_access_denied", "You can't access this app")


def start(call: Call, path: str, length: int | None) -> StoredFile:
    """Begin an upload under a path that the key may write; an unfinished one there starts over."""
    writable(call, path)
    file = StoredFile(path=path, data=b"", length=length, created_at=call.now)
    return _keep(call, file)


def append(call: Call, path: str, offset: int, part: bytes) -> StoredFile | None:
    """Add a part at `offset`; None where the file does not end there. The last part makes the bundle ready."""
    writable(call, path)
    file = call.state.files.get(path)
    if file is None:
        raise Refusal(errors.NOT_FOUND)
    if offset != len(file.data) or (file.length is not None and offset + len(part) > file.length):
        return None
    return _keep(call, replace(file, data=file.data + part))


def put(call: Call, path: str, data: bytes) -> StoredFile:
    """Store a file whole."""
    writable(call, path)
    return _keep(call, StoredFile(path=path, data=data, length=len(data), created_at=call.now))


def get(call: Call, path: str) -> StoredFile:
    """A whole file. Raises NOT_FOUND."""
    file = call.state.files.get(path)
    if file is None or not file.whole:
        raise Refusal(errors.NOT_FOUND)
    return file


def count(call: Call, path: str, device_id: str, sent: int) -> None:
    """Count the bytes that a device downloaded; downloads of nobody are not counted."""
    named = _APP_IN_PATH.search(f"/{path}")
    app = call.state.apps.get(named[1]) if named else None
    if app is not None and device_id:
        count_download(call, app.app_id, sent)


def upload_path(call: Call, params: dict[str, Any]) -> str:
    """Where the archive of a bundle goes that was announced and has no bytes yet."""
    app = call.state.apps.get(str(params.get("app_id")))
    if app is None:
        raise Refusal(UNKNOWN_APP)
    if not call.may_app("app.upload_bundle", app):
        raise Refusal(APP_ACCESS_DENIED)
    bundle = find_bundle(call, app.app_id, str(params.get("name")))
    if bundle is None:
        raise Refusal(UNKNOWN_VERSION)
    return archive_path(app, bundle.name)


def upload_token(call: Call, path: str) -> str:
    """A token that lets whoever has it store one file there, in the name of the calling key."""
    token = call.world.uuid()
    call.state.upload_links[token] = (path, call.caller.key.id)
    return token


def writable(call: Call, path: str) -> App:
    """The app that a path belongs to, where the key may write there. Raises Refusal."""
    parts = _PATH.fullmatch(path)
    if parts is None or ".." in path.split("/") or "\x00" in path:
        raise Refusal(INVALID_FILE_PATH)
    app = call.state.apps.get(parts[2])
    if app is None or not call.may_app("app.upload_bundle", app):
        raise Refusal(INSUFFICIENT_PERMISSIONS)
    if app.owner_org != parts[1]:
        raise Refusal(OWNER_ORG_MISMATCH)
    ready = call.state.files.get(path)
    bundle = find_bundle(call, app.app_id, parts[3].removesuffix(".zip"))
    if ready is not None and ready.whole and bundle is not None and bundle.r2_path == path:
        raise Refusal(BUNDLE_ALREADY_READY)
    return app


def _keep(call: Call, file: StoredFile) -> StoredFile:
    stored = sum(len(one.data) for one in call.state.files.values() if one.path != file.path)
    if stored + len(file.data) > MAX_STORED:
        raise Refusal(TOO_MUCH_STORED)
    call.state.files[file.path] = file
    if file.whole:
        _ready(call, file)
    return file


def _ready(call: Call, file: StoredFile) -> None:
    """A whole archive makes its bundle one that is stored here; a bundle that was not announced is made.

    The service's own client announces a bundle through another door before it uploads (40 §4, step 7); here the
    upload alone is enough.
    """
    app = _app_of(call, file.path)
    name = file.path.rsplit("/", 1)[-1]
    if app is None or not name.endswith(".zip") or file.path != archive_path(app, name.removesuffix(".zip")):
        return
    name = name.removesuffix(".zip")
    checksum = hashlib.sha256(file.data).hexdigest()
    bundle = find_bundle(call, app.app_id, name)
    if bundle is not None:
        stored = replace(
            bundle,
            r2_path=file.path,
            size=len(file.data),
            checksum=bundle.checksum or checksum,
            storage_provider="external" if bundle.external_url else "r2",
            updated_at=call.now,
        )
        call.world.update(call.state.bundles, bundle, stored, call.actor)
        return
    if call.state.bundles.first("name", (app.app_id, name)) is not None:
        return
    made = Bundle(
        id=call.state.next_id("bundle"),
        created_at=call.now,
        updated_at=call.now,
        app_id=app.app_id,
        name=name,
        owner_org=app.owner_org,
        user_id=call.caller.key.user_id,
        checksum=checksum,
        storage_provider="r2",
        r2_path=file.path,
        size=len(file.data),
    )
    call.world.insert(call.state.bundles, made, call.actor)
    call.state.schedule(call.now, "last_version", app.app_id, name)


def _app_of(call: Call, path: str) -> App | None:
    """The app that a path names."""
    parts = _PATH.fullmatch(path)
    return call.state.apps.get(parts[2]) if parts else None
