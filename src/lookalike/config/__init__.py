"""Settings, and recipes: whole pipelines as data."""
