"""How many bytes the files of a bundle have that a device is about to load one by one (30 §7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from mock_capgo.call import Call
from mock_capgo.device_api import schemas
from mock_capgo.device_api.answers import Reply, from_database
from mock_capgo.device_api.check_in import check_in
from mock_capgo.resources.values import MAX_SAFE_INTEGER, Fields, fields, is_integer
from mock_capgo.world.records import Bundle

NAMES = ("file_name", "file_hash", "download_url")


def manifest_size(call: Call) -> Reply:
    """The size of each file, and of all that are known. Neither the app nor its plan is looked at."""
    said = check_in(call, call.params, schemas.UPDATE)
    params = fields(call.params)
    told = []
    for file in _files(params):
        sizes = [size for bundle in _bundles(call, said.app_id, file, params) for size in _sizes(bundle, file)]
        told.append({**file, "size": max(sizes)} if sizes else {**file, "error": "size_unknown"})
    known = [file["size"] for file in told if "size" in file]
    return from_database(
        {"totalSize": sum(known), "knownFiles": len(known), "unknownFiles": len(told) - len(known), "files": told}
    )


def _files(params: Fields) -> list[Fields]:
    """The files asked for, the same one once. What has no hash is no file; anything but a list has none."""
    sent = params.get("manifest")
    sent = params.get("files") if sent is None else sent
    found: dict[tuple[Any, ...], Fields] = {}
    for entry in sent if isinstance(sent, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("file_hash"), str) and entry["file_hash"]:
            file = {name: entry[name] if isinstance(entry.get(name), str) else None for name in NAMES}
            found.setdefault(tuple(file.values()), file)
    return list(found.values())


def _bundles(call: Call, app_id: str, file: Fields, params: Fields) -> list[Bundle]:
    """Where to look for a file: in the bundle of its address, else of the request's id or name, else in all."""
    living = [bundle for bundle in call.state.bundles.where("app", app_id) if not bundle.deleted]
    for wanted in (_key(file["download_url"]), params.get("version_id")):
        number = _id(wanted)
        if number is not None:
            return [bundle for bundle in living if bundle.id == number]
    name = params.get("version")
    return [bundle for bundle in living if bundle.name == name] if isinstance(name, str) else living


def _id(wanted: Any) -> int | None:
    """A bundle's id: a positive whole number, or its digits (30 §7)."""
    if isinstance(wanted, str) and wanted.isascii() and wanted.isdecimal():
        wanted = int(wanted)
    return int(wanted) if is_integer(wanted) and 0 < wanted <= MAX_SAFE_INTEGER else None


def _key(address: str | None) -> str | None:
    try:
        return parse_qs(urlsplit(address or "").query).get("key", [None])[0]
    except ValueError:
        return None


def _sizes(bundle: Bundle, file: Fields) -> list[int]:
    """The sizes that a bundle's own list of files tells for a hash; nothing else knows them."""
    entries = [entry for entry in bundle.manifest or [] if entry.get("file_hash") == file["file_hash"]]
    return [entry["file_size"] for entry in entries if isinstance(entry.get("file_size"), int) and entry["file_size"]]
