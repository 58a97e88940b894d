"""List the pictures that a table or list names."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources.addressed import (
    entries_at,
)
from lookalike.sources.folder import (
    file_entry,
    in_order,
    once,
    why_unseen,
)
from lookalike.sources.reading.addresses import is_address
from lookalike.sources.rows import (
    RowChoice,
    WebAddress,
    choose_rows,
    chosen_urls,
    urls_in_cell,
    web_address,
)
from lookalike.sources.tables import Table, read_table

__all__ = [
    "Fetch",
    "ListForm",
    "ListSource",
    "UrlCells",
    "chosen_column",
]

#: downloads URLs; gives the path of each file, or why there is none, by name of the URL
Fetch = Callable[[Sequence[WebAddress]], Mapping[str, str | Failure]]
_PATH_COLUMNS = ("path", "file_name", "filepath", "filename", "image", "file", "image_path")


@dataclass(frozen=True, slots=True)
class UrlCells:
    """The columns of a list that hold URLs, and what downloads them.

    Attributes:
        columns: one or more, in the order in which the URLs of a row are counted.
        fetch: called with every URL of the list, each once.
        number: which URL of each row, from 1; None for all of them.
    """

    columns: tuple[str, ...]
    fetch: Fetch
    number: int | None = None

    def __post_init__(self) -> None:
        if not self.columns or (self.number is not None and self.number < 1):
            raise ConfigError(
                "which URLs?",
                got=f"columns {self.columns}, number {self.number}",
                expected="one or more columns, and a number from 1",
            )


@dataclass(frozen=True, slots=True)
class ListForm:
    """How lists are read.

    Attributes:
        path_column: where the paths stand; by default the first of ``path``, ``file_name``,
            ``filepath``, ``filename``, ``image``, ``file`` and ``image_path`` that there is.
        root: where relative paths begin; by default the list's own folder.
        hidden: look at hidden files in folders too.
        every_name: offer a file under each of its names.
        separator: one character between the cells; by default as the suffix says.
        choice: which rows are taken.
        urls: where URLs stand; None where the list names paths.
        read: how lists and what they name are read.
    """

    path_column: str | None = None
    root: Path | None = None
    hidden: bool = False
    every_name: bool = False
    separator: str | None = None
    choice: RowChoice = field(default_factory=RowChoice)
    urls: UrlCells | None = None
    read: ReadConfig = field(default_factory=ReadConfig)


class ListSource:
    """Lists the files that a text, CSV, TSV, JSON Lines or Parquet file, or ``-``, names.

    ``-`` is standard input. A row whose file does not exist, or could not be downloaded, is a
    failure. A downloaded picture has its URL as id.

    Args:
        path: the list.
        form: how to read it.

    Raises:
        ConfigError: no such list, or it has no column of paths (when it is first looked at).
    """

    def __init__(self, path: str | Path, form: ListForm | None = None) -> None:
        self.name = str(path)
        self._form = form or ListForm()
        if self.name != "-" and (why := _why_no_file(self.name)):
            raise ConfigError("a list of pictures does not exist", got=f"{self.name!r}: {why}")
        here = Path() if self.name == "-" else Path(path).parent
        self._root = str(self._form.root if self._form.root is not None else here)

    @cached_property
    def table(self) -> Table:
        """The rows that are used."""
        return choose_rows(self._whole, self._form.choice, self.name)

    @property
    def path_column(self) -> str:
        """The column of paths, or the first column of URLs."""
        return self.columns[0]

    @property
    def read(self) -> ReadConfig:
        """How it and what it names are read."""
        return self._form.read

    @property
    def names_urls(self) -> bool:
        """Whether its rows name URLs, not paths."""
        return self._form.urls is not None

    @property
    def chosen(self) -> str:
        """Says which rows are used; empty for all."""
        choice = self._form.choice
        words = [f"{column}={value}" for column, value in choice.where]
        words += [f"limit {choice.limit:,}"] if choice.limit is not None else []
        if not words:
            return ""
        return f"{len(self.table.rows):,} of {self.rows_in_all:,} rows: {', '.join(words)}"

    @property
    def rows_in_all(self) -> int:
        """Number of rows of the whole list, used or not."""
        return len(self._whole.rows)

    def named_in(self, cell: Any) -> list[str]:
        """List the URLs or the path that a cell holds, as written."""
        return (
            urls_in_cell(cell) if self.names_urls else [path for path in [_path_in(cell)] if path]
        )

    def paths(self) -> tuple[tuple[str, ...], ...]:
        """List the paths of every row's files, whether or not they exist; downloads URLs."""
        if self._form.urls is None:
            values = self.table.column(self.path_column)
            return tuple((path,) if path else () for path in map(self._located, values))
        return tuple(
            tuple(file for _, one in urls if isinstance(file := self._found(one), str))
            for urls in self._urls
        )

    def file_of(self, url: str) -> str | None:
        """The path of a URL's file; empty where there is none, None where it was not asked for."""
        found = self._found(web_address(url))
        return "" if isinstance(found, Failure) else found

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List files sorted by id, each once, then rows whose file does not exist."""
        items = list(self._listed() if self._form.urls is None else self._downloaded())
        if not self._form.every_name:
            return once(items)
        named = {item.key: item for item in items if isinstance(item, FileEntry)}
        return in_order([*named.values(), *(i for i in items if isinstance(i, Failure))])

    @cached_property
    def _whole(self) -> Table:
        return read_table(self.name, self._form.separator, self._form.read)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of URLs, or the column of paths."""
        urls = self._form.urls
        asked = [self._form.path_column] if urls is None else urls.columns
        return tuple(chosen_column(self._whole, one, _PATH_COLUMNS, self.name) for one in asked)

    @cached_property
    def _urls(self) -> tuple[list[tuple[str, WebAddress | None]], ...]:
        """The URLs of every row, as written and as parsed."""
        assert self._form.urls is not None
        places = [self.table.columns.index(column) for column in self.columns]
        number = self._form.urls.number
        return tuple(
            [(written, web_address(written)) for written in chosen_urls(row, places, number)]
            for row in self.table.rows
        )

    @cached_property
    def _fetched(self) -> Mapping[str, str | Failure]:
        """The path of each URL's file, or its failure, by name of the URL."""
        assert self._form.urls is not None
        found = {one.name: one for urls in self._urls for _, one in urls if one is not None}
        return self._form.urls.fetch(list(found.values()))

    def _found(self, one: WebAddress | None) -> str | Failure | None:
        """The path of a URL's file or its failure; None where it was not asked for."""
        return None if one is None else self._fetched.get(one.name)

    def _listed(self) -> Iterator[FileEntry | Failure]:
        every = (path for paths in self.paths() for path in paths)
        yield from entries_at((path for path in every if _is_far(path)), self._form.read)
        for number, paths in enumerate(self.paths(), start=1):
            row = f"row {number} of {self.name}"
            for path in paths:
                yield from self._offered(path, row)
            if not paths:
                yield Failure(row, "scan", "has no path")

    def _offered(self, path: str, row: str) -> Iterator[FileEntry | Failure]:
        """List what a cell names: a URL is refused, an address left out, a file examined."""
        if web_address(path) is not None:
            yield Failure(path, "scan", f"{row}: to download it, name its column: --url-column")
        elif _is_far(path):
            return  # ``entries_at`` lists these together
        elif why := _why_no_file(path):
            yield Failure(path, "scan", f"{row} names it, but {why}")
        else:
            yield from file_entry(path, self._id_of(path), path, self._form.read)

    def _downloaded(self) -> Iterator[FileEntry | Failure]:
        assert self._form.urls is not None
        seen: set[str] = set()
        which = f" number {self._form.urls.number}" if self._form.urls.number else ""
        for number, urls in enumerate(self._urls, start=1):
            row = f"row {number} of {self.name}"
            if not urls:
                yield Failure(row, "scan", f"has no URL{which}")
            for written, one in urls:
                if one is None:
                    yield Failure(written, "scan", f"{row}: not a URL of http or https")
                elif one.name not in seen:
                    seen.add(one.name)
                    file = self._fetched[one.name]
                    if isinstance(file, Failure):
                        yield file
                    else:
                        yield from file_entry(file, one.name, file, self._form.read)

    def _located(self, cell: Any) -> str:
        written = _path_in(cell)
        if not written or self._root == "." or is_address(written):
            return written
        return os.path.join(self._root, written)  # noqa: PTH118

    def _id_of(self, path: str) -> str:
        """The path relative to the root; the absolute path of a file outside of it."""
        whole = os.path.abspath(path)  # noqa: PTH100
        root = os.path.abspath(self._root)  # noqa: PTH100
        return whole.removeprefix(root.rstrip(os.sep) + os.sep)


def chosen_column(table: Table, asked: str | None, usual: Sequence[str], name: str) -> str:
    """Choose the column of a name, or the first of the usual ones that exists.

    Raises:
        ConfigError: there is no such column.
    """
    for column in [asked] if asked else usual:
        if column in table.columns:
            return column
    raise ConfigError(
        f"{name} lacks a column",
        got=", ".join(table.columns) or "an empty file",
        expected=asked or " or ".join(usual),
        remedy="name it with --path-column, --url-column or --label-column, or the --separator",
    )


def _is_far(path: str) -> bool:
    """Whether a list's path is an address that is read in place; URLs are downloaded."""
    return is_address(path) and web_address(path) is None


def _why_no_file(path: str) -> str:
    """Say why no file can be read at a path; empty where one can."""
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError, ValueError):
        is_file = False
    except OSError as error:
        return f"it cannot be read: {why_unseen(path, error)}"
    return "" if is_file else "there is no such file"


def _path_in(value: Any) -> str:
    """Read the path in a cell, which Hugging Face datasets keeps beside a picture's bytes."""
    if isinstance(value, Mapping):
        value = value.get("path")
    return str(value) if value else ""
