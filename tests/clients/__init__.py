"""Clients that nobody here wrote, run against the mock."""
