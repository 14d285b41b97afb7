"""`mock-capgo fixture`: look at worlds as files, check one, start one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

_NEW: dict[str, Any] = {
    "$schema": "fixture.json",
    "format": 1,
    "description": "A world of my own.",
    "users": [{"id": "0c0ffee0-0000-4000-8000-00000000b101", "email": "me@example.com", "created_at": "now-30d"}],
    "organizations": [
        {
            "id": "0c0ffee0-0000-4000-8000-00000000a101",
            "created_by": "me@example.com",
            "name": "Mine",
            "tier": "standard",
        }
    ],
    "members": [{"org": "Mine", "user": "me@example.com", "role": "org_super_admin"}],
    "api_keys": [
        {
            "user": "me@example.com",
            "name": "full rights",
            "label": "admin",
            "key": "c0ffee00-0000-4000-8000-000000000101",
            "bindings": [{"role": "org_super_admin", "org": "Mine"}],
        }
    ],
    "apps": [{"app_id": "com.example.mine", "name": "Mine", "org": "Mine"}],
    "bundles": [
        {
            "app_id": "com.example.mine",
            "name": "1.0.0",
            "external_url": "https://cdn.example.com/mine/1.0.0.zip",
            "checksum": "a" * 64,
        }
    ],
    "channels": [{"app_id": "com.example.mine", "name": "production", "public": True, "version": "1.0.0"}],
}


def add_parser(commands: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser("fixture", help="list, show, check and start worlds as files")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add(verbs, "list", "the worlds that come with mock-capgo", _list)
    _add(verbs, "show", "print a world as JSON", _show, "NAME")
    _add(verbs, "validate", "check a file; says where and why it is refused", _validate, "FILE")
    _add(verbs, "new", "write a small world to start from", _new, "FILE")


def _add(verbs: Any, name: str, help_text: str, run: Callable[[str], int], argument: str | None = None) -> None:
    parser = verbs.add_parser(name, help=help_text, description=help_text)
    if argument is not None:
        parser.add_argument("fixture", metavar=argument)
    parser.set_defaults(run=lambda options: _guarded(run, options.get("fixture", "")))


def _guarded(run: Callable[[str], int], name: str) -> int:
    from mock_capgo.world.fixture import FixtureError  # noqa: PLC0415 - `--help` need not load it

    try:
        return run(name)
    except FixtureError as error:
        print(f"mock-capgo: {error}", file=sys.stderr)
        return 2


def _list(_: str) -> int:
    from mock_capgo.world.fixture import builtin_fixtures, read_fixture  # noqa: PLC0415

    for name in builtin_fixtures():
        print(f"{name:<12} {read_fixture(name).document.get('description', '')}")
    return 0


def _show(name: str) -> int:
    from mock_capgo.world.fixture import read_fixture  # noqa: PLC0415

    print(orjson.dumps(read_fixture(name).document, option=orjson.OPT_INDENT_2).decode())
    return 0


def _validate(name: str) -> int:
    from mock_capgo.world.clock import wall_clock  # noqa: PLC0415
    from mock_capgo.world.fixture import read_fixture  # noqa: PLC0415
    from mock_capgo.world.state import TABLES  # noqa: PLC0415

    state = read_fixture(name).load(wall_clock()).state
    held = ", ".join(f"{len(getattr(state, table))} {table}" for table in TABLES if len(getattr(state, table)))
    print(f"{name}: good; {held or 'empty'}")
    return 0


def _new(name: str) -> int:
    path = Path(name)
    if path.exists():
        print(f"mock-capgo: {name} is there already; nothing was written", file=sys.stderr)
        return 2
    path.write_bytes(orjson.dumps(_NEW, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"wrote {name}; start it with: mock-capgo serve --fixture {name}")
    return 0
