"""The bench: edits, data sets, metrics, runs."""
