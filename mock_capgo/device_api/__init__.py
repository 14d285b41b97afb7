"""The device API: update checks, device events, and the channel that a device sets for itself.

It speaks one dialect whatever the world speaks, since the devices that call it know only one (reference 30 §1).
Nothing is imported here: `mock_capgo.world.state` takes the store of this package, which knows nothing of a state.
"""
