"""Choose which picture of a cluster stays."""
