"""Capgo's REST API on your own machine, with state, API keys, roles and rate limits."""

__version__ = "0.1.0"
