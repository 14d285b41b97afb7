"""From a published bundle to a client that runs it: Capgo's own Electron updater, from its npm package.

`make clients` installs the package; without it, or without Node, these tests say so and skip.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ACME, FULL, SHOP
from tests.serving import serving

HERE = Path(__file__).resolve().parent / "electron"


@dataclass
class Server:
    """A mock behind a real socket."""

    url: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON answer of a call with the full-rights key."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        sent = {"authorization": FULL, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = urllib.request.Request(self.url + path, raw, sent, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answered:  # noqa: S310
            text = answered.read()
        return json.loads(text) if text else None


@pytest.fixture
def server() -> Iterator[Server]:
    """A mock of one's own, in its own process."""
    with serving("--limits", "off") as started:
        yield Server(started["url"])


@pytest.fixture
def client() -> list[str]:
    """The command that runs the client."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    if not (HERE / "node_modules" / "@capgo" / "electron-updater").is_dir():
        pytest.skip("the client is not installed: run `make clients`")
    return [node, str(HERE / "client.cjs")]


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", "<!doctype html><title>new</title>")
        archive.writestr("app.js", "CapacitorUpdater.notifyAppReady()")
    return buffer.getvalue()


def _upload(server: Server, name: str, archive: bytes) -> int:
    """Upload an archive by the resumable protocol in two parts; the id of its bundle."""
    path = f"orgs/{ACME}/apps/{SHOP}/{name}.zip"
    named = f"filename {b64encode(path.encode()).decode()}"
    server.call("POST", "/files/upload/attachments", upload_length=str(len(archive)), upload_metadata=named)
    half = len(archive) // 2
    for offset, part in ((0, archive[:half]), (half, archive[half:])):
        server.call(
            "PATCH",
            f"/files/upload/attachments/{path}",
            part,
            content_type="application/offset+octet-stream",
            upload_offset=str(offset),
        )
    bundles = server.call("GET", f"/bundle/?app_id={SHOP}")["data"]
    return next(int(bundle["id"]) for bundle in bundles if bundle["name"] == name)


def test_a_published_bundle_reaches_a_real_client(server: Server, client: list[str], tmp_path: Path) -> None:
    """Capgo's Electron updater is offered the bundle, downloads and checks it, runs it, and is counted."""
    archive = _archive()
    bundle = _upload(server, "1.4.0", archive)
    server.call("PUT", "/bundle/", {"app_id": SHOP, "version_id": bundle, "channel_id": 1})
    ran = subprocess.run(
        [*client, server.url, SHOP, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    steps = {line["step"]: line["value"] for line in map(json.loads, ran.stdout.splitlines())}
    checksum = hashlib.sha256(archive).hexdigest()

    assert steps["latest"]["version"] == "1.4.0"
    assert steps["latest"]["checksum"] == checksum
    assert steps["download"]["checksum"] == checksum
    assert steps["download"]["status"] == "success"
    assert steps["set"]["bundle"]["version"] == "1.4.0"
    assert steps["again"].get("url") is None
    assert steps["setChannel"]["status"] == "ok"
    assert "Checksum" in steps["wrongChecksum"]["refused"]

    device = server.call("GET", f"/device/?app_id={SHOP}&device_id={steps['device']['deviceId']}")
    assert device["version_name"] == "1.4.0"
    assert device["platform"] == "electron"
    journal = server.call("GET", "/_mock/journal?operation=readFile")
    assert journal["matched"] == 2
    now = server.call("GET", "/_mock/info")["now"][:10]
    usage = server.call("GET", f"/statistics/app/{SHOP}/bundle_usage?from={now}&to={now}")
    assert "1.4.0" in [dataset["label"] for dataset in usage["datasets"]]
