"""The two ways to find: our own cascade, and published systems, behind one protocol."""

from lookalike.methods.method import Method, method_of

__all__ = ["Method", "method_of"]
