"""Tests of the mock itself."""
