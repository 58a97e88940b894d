"""Records that travel between rooms."""
