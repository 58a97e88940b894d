"""Where images come from."""

from lookalike.sources.folder import RESULT_MARK, FolderSource, looks_like_image
from lookalike.sources.rows import RowChoice, WebAddress, cell_values, urls_in_cell, web_address
from lookalike.sources.table import (
    Fetch,
    Inputs,
    JoinedSource,
    ListForm,
    ListSource,
    UrlCells,
    chosen_column,
    chosen_rows,
    open_source,
)

__all__ = [
    "RESULT_MARK",
    "Fetch",
    "FolderSource",
    "Inputs",
    "JoinedSource",
    "ListForm",
    "ListSource",
    "RowChoice",
    "UrlCells",
    "WebAddress",
    "cell_values",
    "chosen_column",
    "chosen_rows",
    "looks_like_image",
    "open_source",
    "urls_in_cell",
    "web_address",
]
