"""Worker processes, inference, progress, output files."""
