"""The live dialect: what the running service answers."""
