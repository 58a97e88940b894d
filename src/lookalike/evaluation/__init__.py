"""What users measure with: edits, labelled sets, metrics, comparisons of recipes."""
