"""Mutated samples against the normaliser: `python -m tests.fuzz --minutes 30`."""
