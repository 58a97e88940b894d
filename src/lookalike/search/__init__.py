"""One picture against many."""
