"""Ingest: from files to a described collection."""
