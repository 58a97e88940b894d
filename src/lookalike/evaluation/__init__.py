"""Measure: edits, labelled sets, metrics, comparisons of recipes."""
