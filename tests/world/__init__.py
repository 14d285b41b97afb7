"""Tests of the state itself, without HTTP."""
