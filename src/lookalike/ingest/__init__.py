"""From files to a described collection."""
