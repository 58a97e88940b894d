"""How two copies differ: what was added to which, and which is the parent."""
