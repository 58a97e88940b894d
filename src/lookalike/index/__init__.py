"""Exact search among descriptors."""
