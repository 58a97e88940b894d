"""Network files that ship with the package."""
