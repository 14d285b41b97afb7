"""Tests of the device API, through its handlers and without a server."""
