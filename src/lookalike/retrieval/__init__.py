"""Search: one picture against many."""
