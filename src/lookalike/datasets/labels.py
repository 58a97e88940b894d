"""Read labels of a data set: from names of folders, or from a table."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from lookalike.model.image import ImageRef
from lookalike.sources import ListForm, ListSource, cell_values, chosen_column
from lookalike.sources.reading.addresses import absolute, is_address, member_of

__all__ = ["LABEL_COLUMNS", "labels_of_folders", "read_labels"]

LABEL_COLUMNS = ("label", "labels", "class", "category", "ground_truth")


def read_labels(
    path: str | Path,
    *,
    label_column: str | None = None,
    form: ListForm | None = None,
    beside: Path | None = None,
) -> dict[str, frozenset[str]]:
    """Read labels by absolute path.

    A picture may have several: in several rows, as a list, or in one cell with bars between them.

    Args:
        path: CSV, TSV, JSON Lines or Parquet with a column of paths and one of labels.
        label_column: by default the first of ``label``, ``labels``, ``class``, ``category`` and
            ``ground_truth`` that there is.
        form: how paths are read.
        beside: folder of relative paths that do not exist below the table's own folder.

    Raises:
        ConfigError: no such table or column.
    """
    source = ListSource(path, form)
    column = chosen_column(source.table, label_column, LABEL_COLUMNS, str(path))
    place = source.table.columns.index(source.path_column)
    labels: dict[str, set[str]] = defaultdict(set)
    for row, paths, value in zip(
        source.table.rows, source.paths(), source.table.column(column), strict=True
    ):
        for located in paths:
            is_plain = not is_address(located)
            if beside is not None and is_plain and not os.path.exists(located):  # noqa: PTH110
                located = str(beside / str(row[place]))
            labels[absolute(located)] |= set(cell_values(value))
    return {key: frozenset(some) for key, some in sorted(labels.items())}


def labels_of_folders(images: Iterable[ImageRef]) -> dict[str, frozenset[str]]:
    """Label images by the name of their folder; none at the top.

    An archive does not count as a folder, but the folders inside it do.
    """
    members = ((image.id, member_of(image.path)) for image in images)
    paths = ((name, PurePosixPath(member.member if member else name)) for name, member in members)
    parents = ((name, path.parent.name) for name, path in paths)
    return {name: frozenset([folder] if folder else []) for name, folder in parents}


def labels_of_table(
    images: Iterable[ImageRef], table: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Label images, by id, with what the table has for their path."""
    paths = ((image.id, absolute(image.path)) for image in images)
    return {name: table.get(path, frozenset()) for name, path in paths}
