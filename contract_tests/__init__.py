"""The contract-test kit: a pytest suite that asks the same questions of the mock and of the live service."""
