"""The state of one universe: typed records in indexed tables, a clock, seeded randomness. Knows no HTTP."""
