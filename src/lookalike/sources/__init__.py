"""Sources of images: folders, archives, addresses, patterns and lists."""

from lookalike.sources.addressed import ArchiveSource, FarSource, gone, watch
from lookalike.sources.folder import RESULT_MARK, FolderSource, looks_like_image
from lookalike.sources.opening import Inputs, JoinedSource, chosen_rows, open_source
from lookalike.sources.pattern import PatternSource
from lookalike.sources.rows import RowChoice, WebAddress, cell_values, urls_in_cell, web_address
from lookalike.sources.table import Fetch, ListForm, ListSource, UrlCells, chosen_column

__all__ = [
    "RESULT_MARK",
    "ArchiveSource",
    "FarSource",
    "Fetch",
    "FolderSource",
    "Inputs",
    "JoinedSource",
    "ListForm",
    "ListSource",
    "PatternSource",
    "RowChoice",
    "UrlCells",
    "WebAddress",
    "cell_values",
    "chosen_column",
    "chosen_rows",
    "gone",
    "looks_like_image",
    "open_source",
    "urls_in_cell",
    "watch",
    "web_address",
]
