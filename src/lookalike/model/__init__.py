"""The records that rooms pass to each other."""
