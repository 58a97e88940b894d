"""Published systems: the descriptors, distances and linkage of a recipe."""
