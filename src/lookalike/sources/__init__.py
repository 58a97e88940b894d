"""Where images come from."""

from lookalike.sources.folder import FolderSource, looks_like_image

__all__ = ["FolderSource", "looks_like_image"]
