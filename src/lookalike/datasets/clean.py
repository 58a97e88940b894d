"""Make a data set in which every picture is once."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Sequence
from pathlib import Path
from typing import Any

from lookalike.config import FindConfig, RunConfig
from lookalike.model.errors import ConfigError
from lookalike.model.image import ImageRef
from lookalike.model.protocols import Source
from lookalike.model.report import Report
from lookalike.report.as_folder import write_kept
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike.sources import Inputs, ListForm, ListSource, open_source
from lookalike.sources.reading.addresses import absolute
from lookalike.sources.tables import Table, is_table, write_table

__all__ = ["clean_table", "unique", "write_unique"]


def unique(
    paths: Inputs,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    form: ListForm | None = None,
    progress: Progress | None = None,
) -> tuple[ImageRef, ...]:
    """List every picture of a data set once: the keepers, and all images without copies.

    Args:
        paths: the data set, as for ``find``.
        db: folder of the collection.
        config: settings of ``find``.
        form: how lists are read.
        progress: called with (stage, done, total).

    Returns:
        Images sorted by id.
    """
    config = config or FindConfig()
    source = open_source(paths, form or ListForm(read=config.read))
    return _staying(find(source, db=db, config=config, progress=progress))


def write_unique(report: Report, out: Path, source: Source) -> int:
    """Write what stays: a list or table by the suffix of ``out``, or copies in a folder.

    Args:
        report: of ``find`` on the source.
        out: ``.txt``, ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``, or a folder.
        source: where the images came from; rows of a table are kept whole.

    Returns:
        Pictures listed or copied.

    Raises:
        ConfigError: an unknown suffix, or a folder that is not empty.
    """
    stay = _staying(report)
    if not is_table(out):
        if out.suffix and not os.path.isdir(out):  # noqa: PTH112
            raise ConfigError(
                "cannot tell what to write",
                got=str(out),
                expected=".txt, .csv, .tsv, .jsonl, .parquet or the name of a folder",
            )
        write_kept(report, out)
        return len(stay)
    write_table(out, clean_table(stay, out.parent, source))
    return len(stay)


def clean_table(images: Collection[ImageRef], folder: Path, source: Source) -> Table:
    """Make a table of some images that can be read as a source.

    Args:
        images: what to list.
        folder: where the table will lie: paths below it are written relative to it, so that
            the folder can be moved, others are absolute.
        source: where the images came from. Rows of a table are taken whole, but of several URLs in
            a row only those of listed images; of other sources paths are listed.
    """
    if not isinstance(source, ListSource):
        names = (image.url or _written(image.path, folder) for image in images)
        return Table(("path",), tuple((name,) for name in sorted(names)))
    wanted = {absolute(image.path) for image in images}
    place = source.table.columns.index(source.path_column)
    rows = []
    for row, paths in zip(source.table.rows, source.paths(), strict=True):
        if not any(absolute(path) in wanted for path in paths):
            continue
        if source.names_urls:
            rows.append(_with_urls(row, source, wanted))
        else:
            rows.append((*row[:place], _written(paths[0], folder), *row[place + 1 :]))
    return Table(source.table.columns, tuple(rows))


def _with_urls(row: Sequence[Any], source: ListSource, wanted: Container[str]) -> tuple[Any, ...]:
    """Remove URLs of unwanted pictures from a row; URLs that were not looked at stay."""
    cells = list(row)
    for column in source.columns:
        place = source.table.columns.index(column)
        urls = source.named_in(row[place])
        files = [source.file_of(url) for url in urls]
        stay = [
            url
            for url, file in zip(urls, files, strict=True)
            if file is None or (file and os.path.abspath(file) in wanted)  # noqa: PTH100
        ]
        if len(stay) < len(urls):
            cells[place] = stay if isinstance(row[place], list) else " ".join(stay)
    return tuple(cells)


def _staying(report: Report) -> tuple[ImageRef, ...]:
    dropped = {decision.image for decision in report.decisions if decision.action == "drop"}
    return tuple(image for image in report.images.values() if image.id not in dropped)


def _written(path: str, folder: Path) -> str:
    whole = absolute(path)
    return whole.removeprefix(os.path.abspath(folder).rstrip(os.sep) + os.sep)  # noqa: PTH100
