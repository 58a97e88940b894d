"""Where images come from."""

from lookalike.sources.folder import RESULT_MARK, FolderSource, looks_like_image
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
    "FolderSource",
    "Inputs",
    "JoinedSource",
    "ListForm",
    "ListSource",
    "chosen_column",
    "looks_like_image",
    "open_source",
]
