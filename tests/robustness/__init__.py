"""Robustness: what a hostile, clumsy or unlucky client, or a kill, may not bring about."""
