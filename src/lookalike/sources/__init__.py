"""Where images come from."""

from lookalike.sources.folder import RESULT_MARK, FolderSource, looks_like_image

__all__ = ["RESULT_MARK", "FolderSource", "looks_like_image"]
