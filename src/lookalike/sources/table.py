"""Pictures that a table or a list names; and several sources as one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lookalike.addresses import is_address, local_path
from lookalike.errors import ConfigError
from lookalike.protocols import Source
from lookalike.sources.addressed import (
    entries_at,
    scan_each,
    scopes_of,
    silent,
)
from lookalike.sources.folder import FolderSource, file_entry, in_order, once, root_labels
from lookalike.sources.naming import is_addressed, open_addressed
from lookalike.tables import Table, is_table, read_table
from lookalike.types import Failure, FileEntry

__all__ = ["Inputs", "JoinedSource", "ListForm", "ListSource", "chosen_column", "open_source"]

Input = str | Path | Source
Inputs = Input | Sequence[Input]
_PATH_COLUMNS = ("path", "file_name", "filepath", "filename", "image", "file", "image_path")


@dataclass(frozen=True, slots=True)
class ListForm:
    """How lists are read.

    Attributes:
        path_column: where the paths stand; by default the first of ``path``, ``file_name``,
            ``filepath``, ``filename``, ``image``, ``file`` and ``image_path`` that there is.
        root: where relative paths begin; by default the list's own folder.
        hidden: look at hidden files in folders too.
        every_name: offer a file under each of its names.
    """

    path_column: str | None = None
    root: Path | None = None
    hidden: bool = False
    every_name: bool = False


class ListSource:
    """The files that a list names: text, CSV, TSV, JSON Lines or Parquet; ``-`` is standard input.

    A row whose file does not exist is a failure.

    Args:
        path: the list.
        form: how to read it.

    Raises:
        ConfigError: no such list, or it has no column of paths (when it is first looked at).
    """

    def __init__(self, path: str | Path, form: ListForm | None = None) -> None:
        self.name = str(path)
        self._form = form or ListForm()
        if self.name != "-" and not Path(path).is_file():
            raise ConfigError("a list of pictures does not exist", got=repr(self.name))
        here = Path() if self.name == "-" else Path(path).parent
        self._root = str(self._form.root if self._form.root is not None else here)

    @cached_property
    def table(self) -> Table:
        """What the list says, row by row."""
        return read_table(self.name)

    @cached_property
    def path_column(self) -> str:
        """The column of paths."""
        return chosen_column(self.table, self._form.path_column, _PATH_COLUMNS, self.name)

    def paths(self) -> tuple[str, ...]:
        """Where every row's file lies; empty where the row has no path."""
        values = self.table.column(self.path_column)
        return tuple(self._located(_path_in(value)) for value in values)

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Files sorted by id, each once, then rows whose file is not there."""
        items = list(self._rows())
        if not self._form.every_name:
            return once(items)
        named = {item.key: item for item in items if isinstance(item, FileEntry)}
        return in_order([*named.values(), *(i for i in items if isinstance(i, Failure))])

    def _rows(self) -> Iterator[FileEntry | Failure]:
        yield from entries_at(path for path in self.paths() if is_address(path))
        for number, path in enumerate(self.paths(), start=1):
            row = f"row {number} of {self.name}"
            if not path:
                yield Failure(row, "scan", "has no path")
            elif is_address(path):
                continue
            elif not os.path.isfile(path):  # noqa: PTH113
                yield Failure(path, "scan", f"{row} names it, but there is no such file")
            else:
                yield from file_entry(path, self._id_of(path), path)

    def _located(self, written: str) -> str:
        if not written:
            return ""
        if self._root == "." or is_address(written):
            return written
        return os.path.join(self._root, written)  # noqa: PTH118

    def _id_of(self, path: str) -> str:
        """The path below the root; outside of it the absolute path."""
        whole = os.path.abspath(path)  # noqa: PTH100
        root = os.path.abspath(self._root)  # noqa: PTH100
        return whole.removeprefix(root.rstrip(os.sep) + os.sep)


class JoinedSource:
    """Several sources as one; the ids of each start with its label.

    Args:
        parts: sources by their labels.
        every_name: offer a file that several of them have once for each.
    """

    def __init__(self, parts: Mapping[str, Source], *, every_name: bool = False) -> None:
        self.parts = dict(parts)
        self.told = silent
        self._every_name = every_name

    @property
    def scopes(self) -> tuple[str, ...]:
        """Those of all parts."""
        return scopes_of(self.parts.values())

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Files sorted by id, then what could not be listed."""
        items = list(scan_each(self.parts, self.told))
        return in_order(items) if self._every_name else once(items)


def open_source(inputs: Inputs, form: ListForm | None = None) -> Source:
    """What a user named, as one source.

    Args:
        inputs: folders, pictures, archives, addresses, patterns, lists (by their suffix; ``-`` is
            standard input) or sources.
        form: how lists and folders are read.

    Raises:
        ConfigError: nothing named, or something that does not exist.
    """
    form = form or ListForm()
    named: Sequence[Input]
    named = [inputs] if isinstance(inputs, str | Path | Source) else list(inputs)
    named = [local_path(item) if isinstance(item, str) else item for item in named]
    plain = [item for item in named if isinstance(item, str | Path) and _is_plain(item)]
    if len(plain) == len(named):
        return FolderSource(plain, hidden=form.hidden, every_name=form.every_name)
    sources = [_opened(item, form) for item in named]
    if len(sources) == 1:
        return sources[0]
    labels = root_labels([_name(item, number) for number, item in enumerate(named, start=1)])
    return JoinedSource(dict(zip(labels, sources, strict=True)), every_name=form.every_name)


def chosen_column(table: Table, asked: str | None, usual: Sequence[str], name: str) -> str:
    """The column of that name, or the first usual one that there is.

    Raises:
        ConfigError: there is none.
    """
    for column in [asked] if asked else usual:
        if column in table.columns:
            return column
    raise ConfigError(
        f"{name} lacks a column",
        got=", ".join(table.columns) or "an empty file",
        expected=asked or " or ".join(usual),
        remedy="name it with --path-column or --label-column",
    )


def _opened(item: Input, form: ListForm) -> Source:
    if isinstance(item, str | Path):
        if is_table(item) and not is_address(str(item)):
            return ListSource(item, form)
        if is_addressed(str(item)):
            return open_addressed(str(item), hidden=form.hidden, every_name=form.every_name)
        return FolderSource([item], hidden=form.hidden, every_name=form.every_name)
    return item


def _is_plain(item: str | Path) -> bool:
    """Whether it is a folder or a file of this machine, and no list."""
    return not is_table(item) and not is_addressed(str(item))


def _name(item: Input, number: int) -> str:
    name = item if isinstance(item, str | Path) else getattr(item, "name", f"source-{number}")
    return "stdin" if str(name) == "-" else str(name)


def _path_in(value: Any) -> str:
    """A cell as a path; Hugging Face datasets keeps a picture as its bytes and path."""
    if isinstance(value, Mapping):
        value = value.get("path")
    return str(value) if value else ""
