"""Worker processes, inference, progress, output files, patience with clients."""
