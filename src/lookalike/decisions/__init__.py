"""Which picture of a cluster stays."""
