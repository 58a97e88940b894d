"""Benches: what is measured of lookalike, and of other programs on the same files."""
