"""What the service's queue and its nightly jobs do, run when the world's clock has passed their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mock_capgo.world.records import changed
from mock_capgo.world.world import SYSTEM, World


def run_due(world: World) -> None:
    """Do what is due. Called at the start of every call, so that no timer is needed."""
    if not world.state.jobs or world.state.jobs[0].due > world.now:
        return
    for job in list(world.state.due_jobs(world.now)):
        _JOBS[job.kind](world, *job.args)


def _last_version(world: World, app_id: str, name: str) -> None:
    app = world.state.apps.get(app_id)
    if app is not None:
        world.update(world.state.apps, app, changed(app, updated_at=world.now, last_version=name), SYSTEM)


def _device_count(world: World, app_id: str) -> None:
    app = world.state.apps.get(app_id)
    if app is not None:
        count = world.state.overrides.count("app", app_id)
        world.update(world.state.apps, app, changed(app, updated_at=world.now, channel_device_count=count), SYSTEM)


def _clean_up_app(world: World, app_id: str, record_id: str) -> None:
    """The rest of a deleted app; nothing when a new app has taken its id in the meantime."""
    state = world.state
    successor = state.apps.get(app_id)
    if successor is not None and successor.id != record_id:
        return
    state.remove_devices(app_id)
    for usage in state.daily_usage.where("app", app_id):
        state.daily_usage.remove(usage)
    for version in state.daily_versions.where("app", app_id):
        state.daily_versions.remove(version)


_JOBS: dict[str, Callable[..., Any]] = {
    "last_version": _last_version,
    "device_count": _device_count,
    "clean_up_app": _clean_up_app,
}
