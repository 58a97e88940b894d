"""Open what a user named, folders, lists, addresses, as one source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.model.protocols import Source
from lookalike.runtime.progress import silent
from lookalike.sources.addressed import scan_each, scopes_of
from lookalike.sources.folder import FolderSource, in_order, once, root_labels
from lookalike.sources.naming import is_addressed, open_addressed
from lookalike.sources.reading.addresses import is_address, local_path
from lookalike.sources.table import ListForm, ListSource
from lookalike.sources.tables import is_table

__all__ = ["Inputs", "JoinedSource", "chosen_rows", "open_source"]

_LOG = logging.getLogger(__name__)
Input = str | Path | Source
Inputs = Input | Sequence[Input]


class JoinedSource:
    """Joins several sources; the ids of each start with its label.

    Args:
        parts: sources by their labels.
        every_name: offer a file once for each source that has it.
    """

    def __init__(self, parts: Mapping[str, Source], *, every_name: bool = False) -> None:
        self.parts = dict(parts)
        self.told = silent
        self._every_name = every_name

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of all parts."""
        return scopes_of(self.parts.values())

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List files sorted by id, then failures."""
        items = list(scan_each(self.parts, self.told))
        return in_order(items) if self._every_name else once(items)


def open_source(inputs: Inputs, form: ListForm | None = None) -> Source:
    """Open what a user named as one source.

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
    for item in named:
        if isinstance(item, str | Path):
            _LOG.info("looking at %s", item)
    plain = [item for item in named if isinstance(item, str | Path) and _is_plain(item)]
    if len(plain) == len(named):
        return _folders(plain, form)
    sources = [_opened(item, form) for item in named]
    if len(sources) == 1:
        return sources[0]
    labels = root_labels([_name(item, number) for number, item in enumerate(named, start=1)])
    return JoinedSource(dict(zip(labels, sources, strict=True)), every_name=form.every_name)


def chosen_rows(source: Source) -> dict[str, str]:
    """Say which rows a source uses of its lists, by list; nothing of lists used whole."""
    if isinstance(source, JoinedSource):
        each = map(chosen_rows, source.parts.values())
        return {name: words for said in each for name, words in said.items()}
    if isinstance(source, ListSource) and source.chosen:
        return {source.name: source.chosen}
    return {}


def _opened(item: Input, form: ListForm) -> Source:
    if isinstance(item, str | Path):
        if is_table(item) and not is_address(str(item)):
            return ListSource(item, form)
        if is_addressed(str(item)):
            return open_addressed(
                str(item), hidden=form.hidden, every_name=form.every_name, read=form.read
            )
        return _folders([item], form)
    return item


def _folders(roots: Sequence[str | Path], form: ListForm) -> FolderSource:
    return FolderSource(roots, hidden=form.hidden, every_name=form.every_name, read=form.read)


def _is_plain(item: str | Path) -> bool:
    """Whether it is a folder or a file of this machine, and no list."""
    return not is_table(item) and not is_addressed(str(item))


def _name(item: Input, number: int) -> str:
    name = item if isinstance(item, str | Path) else getattr(item, "name", f"source-{number}")
    return "stdin" if str(name) == "-" else str(name)
