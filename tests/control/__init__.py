"""Tests of the control plane: worlds, state, clock, faults, journal, and who may use them."""
