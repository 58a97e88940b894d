"""Worker processes, inference, progress, output files and plug-ins."""
