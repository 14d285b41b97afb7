"""What goes along when something is deleted. Every cascade of the reference stands here, and only here."""

from __future__ import annotations

from mock_capgo.world.records import App, Channel, Member, Organization, changed
from mock_capgo.world.world import SYSTEM, Actor, World


def delete_organization(world: World, organization: Organization, actor: Actor) -> None:
    """Apps, members, invitations, bindings and webhooks go; keys and users stay (reference 10)."""
    state = world.state
    for app in state.apps.where("org", organization.id):
        delete_app(world, app, actor)
    for webhook in state.webhooks.where("org", organization.id):
        delete_webhook(world, webhook.id)
    for member in state.members.where("org", organization.id):
        state.members.remove(member)
    for invitation in state.invitations.where("org", organization.id):
        state.invitations.remove(invitation)
    for binding in state.bindings.where("org", organization.id):
        state.bindings.remove(binding)
    state.used_org_ids.add(organization.id)
    world.delete(state.organizations, organization, actor)


def delete_app(world: World, app: App, actor: Actor) -> None:
    """Bundles, channels, overrides, history and bindings go at once; devices and statistics a little later."""
    state = world.state
    for channel in state.channels.where("app", app.app_id):
        _forget_channel(world, channel)
        state.channels.remove(channel)
    for bundle in state.bundles.where("app", app.app_id):
        state.bundles.remove(bundle)
    for override in state.overrides.where("app", app.app_id):
        state.overrides.remove(override)
    for deployment in state.deployments.where("app", app.app_id):
        state.deployments.remove(deployment)
    for binding in state.bindings.where("app", app.app_id):
        state.bindings.remove(binding)
    state.tombstones[app.app_id] = (app.owner_org, world.now)
    # Devices and statistics go with the queued clean-up (reference 20 §6).
    state.schedule(world.now + world.queue_delay, "clean_up_app", app.app_id, app.id)
    world.delete(state.apps, app, actor)


def delete_channel(world: World, channel: Channel, actor: Actor) -> None:
    """Overrides to it, its history and its bindings go; bundles stay (reference 22 §4)."""
    _forget_channel(world, channel)
    world.delete(world.state.channels, channel, actor)
    touch_app(world, channel.app_id, actor)


def remove_member(world: World, member: Member) -> None:
    """The user's bindings, and those of all the user's keys, in this organization go too (reference 11)."""
    state = world.state
    principals = {member.user_id, *(key.rbac_id for key in state.api_keys.where("user", member.user_id))}
    for binding in state.bindings.where("org", member.org_id):
        if binding.principal in principals:
            state.bindings.remove(binding)
    world.delete(state.members, member, SYSTEM)


def remove_key(world: World, key_id: int) -> None:
    """A key with its bindings."""
    state = world.state
    key = state.api_keys[key_id]
    for binding in state.bindings.where("principal", key.rbac_id):
        state.bindings.remove(binding)
    state.api_keys.remove(key)


def delete_webhook(world: World, webhook_id: str) -> None:
    """A webhook with its deliveries."""
    state = world.state
    for delivery in state.deliveries.where("webhook", webhook_id):
        state.deliveries.remove(delivery)
    state.webhooks.remove(state.webhooks[webhook_id])


def touch_app(world: World, app_id: str, actor: Actor) -> None:
    """Note on an app that something in it changed, with what its channels' rollouts add up to (20 §1)."""
    state = world.state
    app = state.apps.get(app_id)
    if app is None:
        return
    rolling = state.channels.where("rolling", app_id)
    paused = {
        state.bundles[channel.rollout_version].name: None
        for channel in rolling
        if channel.rollout_paused_at is not None and channel.rollout_version is not None
    }
    touched = changed(
        app,
        updated_at=world.now,
        rollout_channel_count=sum(channel.rollout_paused_at is None for channel in rolling),
        rollout_paused_version_names=tuple(paused),
    )
    world.update(state.apps, app, touched, actor)


def _forget_channel(world: World, channel: Channel) -> None:
    state = world.state
    for override in state.overrides.where("channel", channel.id):
        state.overrides.remove(override)
    for deployment in state.deployments.where("channel", channel.id):
        state.deployments.remove(deployment)
    for binding in state.bindings.where("channel", channel.id):
        state.bindings.remove(binding)
