"""Large worlds, written as fixture files: so many devices, so many objects, so many apps with a year of figures."""

from __future__ import annotations

import json
from pathlib import Path

KEY = "be7c4000-0000-4000-8000-000000000001"
ORG = "be7c4000-0000-4000-8000-00000000a001"
USER = "be7c4000-0000-4000-8000-00000000b001"
APP = "com.example.bench"


def device_id(number: int) -> str:
    """The id of one of many devices; ids are in the order of their numbers."""
    return f"d0000000-0000-4000-8000-{number:012d}"


def world_of(folder: Path, *, devices: int = 0, channels: int = 0, apps: int = 1, days: int = 0) -> Path:
    """A fixture file with so much in it. Written piece by piece: a million rows need no memory of ours."""
    path = folder / f"world-{devices}-{channels}-{apps}-{days}.json"
    if path.exists():
        return path
    names = [APP, *(f"{APP}.app{number}" for number in range(1, apps))]
    head = {
        "format": 1,
        "users": [{"id": USER, "email": "bench@example.com", "created_at": "now-400d"}],
        "organizations": [
            {"id": ORG, "name": "Bench", "created_by": USER, "created_at": "now-400d", "tier": "enterprise"}
        ],
        "members": [{"org": ORG, "user": USER, "role": "org_super_admin", "created_at": "now-400d"}],
        "api_keys": [
            {
                "id": 1,
                "user": USER,
                "name": "bench",
                "label": "admin",
                "key": KEY,
                "created_at": "now-400d",
                "global_permissions": ["org.create"],
                "bindings": [{"role": "org_super_admin", "org": ORG}],
            }
        ],
        "apps": [{"app_id": name, "org": ORG, "name": name, "created_at": "now-400d"} for name in names],
        "bundles": [
            {"id": number, "app_id": APP, "name": f"1.{number}.0", "created_at": "now-300d", "external_url": _URL}
            for number in (1, 2)
        ],
        "channels": [
            {
                "id": number + 1,
                "app_id": APP,
                "name": f"channel-{number}",
                "created_at": "now-300d",
                "version": "1.2.0",
                "public": not number,  # a device that checks in finds one default channel, and a bundle that is new
            }
            for number in range(channels)
        ],
    }
    if days:
        figures = {name: list(range(1, days + 1)) for name in ("mau", "bandwidth", "get")}
        head["usage"] = [{"app_id": name, "from": 1 - days, **figures} for name in names]
    text = json.dumps({name: rows for name, rows in head.items() if rows})
    with path.open("w") as file:
        file.write(text[:-1])
        if devices:
            file.write(', "devices": [')
            for number in range(devices):
                file.write(("," if number else "") + _device(number))
            file.write("]")
        file.write("}")
    return path


_URL = "https://cdn.example.com/bench/1.0.0.zip"


def _device(number: int) -> str:
    return (
        f'{{"app_id": "{APP}", "device_id": "{device_id(number)}", "platform": "android", "version_name": "1.1.0", '
        f'"plugin_version": "7.0.0", "os_version": "14", "version_build": "1.0.0", "updated_at": "now-{number % 90}d"}}'
    )
