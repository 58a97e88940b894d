"""Finds which images are the same picture, says how each pair is related, and which to keep."""

__version__ = "0.1.0"
