"""Capgo's REST API on your own machine, with state, API keys, roles and rate limits.

PYTEST_DONT_REWRITE: pytest knows the package as a plugin, and warns when it was imported before.
"""

__version__ = "0.1.0"
