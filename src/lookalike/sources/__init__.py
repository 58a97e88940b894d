"""Where images come from."""

from lookalike.sources.addressed import ArchiveSource, FarSource, gone, watch
from lookalike.sources.folder import RESULT_MARK, FolderSource, looks_like_image
from lookalike.sources.pattern import PatternSource
from lookalike.sources.table import (
    Inputs,
    JoinedSource,
    ListForm,
    ListSource,
    chosen_column,
    open_source,
)

__all__ = [
    "RESULT_MARK",
    "ArchiveSource",
    "FarSource",
    "FolderSource",
    "Inputs",
    "JoinedSource",
    "ListForm",
    "ListSource",
    "PatternSource",
    "chosen_column",
    "gone",
    "looks_like_image",
    "open_source",
    "watch",
]
