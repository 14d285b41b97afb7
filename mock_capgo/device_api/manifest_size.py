"""How many bytes the files of a bundle have that a device is about to load one by one (30 §7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from mock_capgo.call import Call
from mock_capgo.device_api import schemas
from mock_capgo.device_api.answers import Reply, from_database
from mock_capgo.device_api.check_in import check_in
from mock_capgo.resources.common import find_bundle
from mock_capgo.resources.values import Fields, fields, parse_int
from mock_capgo.world.records import Bundle

NAMES = ("file_name", "file_hash", "download_url")


def manifest_size(call: Call) -> Reply:
    """The size of each file, and of all that are known. Neither the app nor its plan is looked at."""
    said = check_in(call, call.params, schemas.MANIFEST)
    params = fields(call.params)
    asked = [_asked(entry) for entry in params.get("manifest") or params.get("files") or [] if _is_file(entry)]
    # The same entry twice is one file.
    files = list({tuple(file.items()): file for file in asked}.values())
    told = []
    for file in files:
        size = _size(_bundle(call, said.app_id, file, params), file)
        told.append({**file, "error": "size_unknown"} if size is None else {**file, "size": size})
    known = [file["size"] for file in told if "size" in file]
    return from_database(
        {"totalSize": sum(known), "knownFiles": len(known), "unknownFiles": len(told) - len(known), "files": told}
    )


def _is_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("file_hash"), str)


def _asked(entry: Fields) -> Fields:
    return {name: entry[name] for name in NAMES if isinstance(entry.get(name), str)}


def _bundle(call: Call, app_id: str, file: Fields, params: Fields) -> Bundle | None:
    """The bundle that a file belongs to: by the address's key, else by id, else by name, else any that has it."""
    key = parse_qs(urlsplit(file.get("download_url", "")).query).get("key", [""])[0]
    for wanted in (key, params.get("version_id")):
        number = parse_int(wanted)
        bundle = call.state.bundles.get(number) if number is not None and number > 0 else None
        if bundle is not None and bundle.app_id == app_id and not bundle.deleted:
            return bundle
    name = params.get("version")
    named = find_bundle(call, app_id, name) if isinstance(name, str) else None
    if named is not None:
        return named
    for bundle in call.state.bundles.where("app", app_id):
        if not bundle.deleted and _size(bundle, file) is not None:
            return bundle
    return None


def _size(bundle: Bundle | None, file: Fields) -> int | None:
    """The size that a bundle's own list of files tells; nothing else knows it."""
    for entry in (bundle.manifest if bundle else None) or []:
        if entry.get("file_hash") == file["file_hash"] and entry.get("file_name") == file.get("file_name"):
            size = entry.get("file_size")
            return size if isinstance(size, int) else None
    return None
