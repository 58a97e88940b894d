"""List files, folders and archives of this machine that match a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.model.protocols import Source
from lookalike.runtime.progress import Progress, silent
from lookalike.sources.addressed import ArchiveSource, scan_each, scopes_of
from lookalike.sources.folder import FolderSource, file_entry, in_order, once
from lookalike.sources.reading.addresses import archive_kind, fits, is_pattern

__all__ = ["PatternSource"]


class PatternSource:
    """Lists files, folders and archives that match a pattern: ``photos/**/*.jpg``.

    Args:
        pattern: with ``*``, ``?``, ``[…]``, and ``**`` for folders at any depth.
        hidden: also what has a name that starts with a dot.
        every_name: offer an inode or an archive's member under each of its names.
        read: how they are read; None for ``ReadConfig()``.

    Raises:
        ConfigError: the folder where the pattern begins does not exist.
    """

    def __init__(
        self,
        pattern: str,
        *,
        hidden: bool = False,
        every_name: bool = False,
        read: ReadConfig | None = None,
    ) -> None:
        self.name = pattern
        self.told: Progress = silent
        self.scopes: tuple[str, ...] = ()
        self._hidden = hidden
        self._every_name = every_name
        self._read = read or ReadConfig()
        parts = Path(pattern).parts
        fixed = [*takewhile(lambda part: not is_pattern(part), parts)]
        self._parts = parts[len(fixed) :]
        self._base = os.path.join("", *fixed)  # noqa: PTH118
        if not os.path.isdir(self._base or "."):  # noqa: PTH112
            raise self._nothing()

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List files sorted by id, each once, then failures.

        Raises:
            ConfigError: nothing matches.
        """
        inside: dict[str, Source] = {}
        items: list[FileEntry | Failure] = []
        # Python's glob would follow symlinks in circles
        for item in self._walked() if "**" in self._parts else self._fitting(inside):
            if isinstance(item, FileEntry) and archive_kind(item.path):
                inside[item.id] = self._archive(item.path)
            else:
                items.append(item)
        if not items and not inside:
            raise self._nothing()
        items += scan_each(inside, self.told)
        self.scopes = scopes_of(inside.values())
        return in_order(items) if self._every_name else once(items)

    def _walked(self) -> Iterator[FileEntry | Failure]:
        """Walk the fixed folders, and list files whose path, or a folder above it, matches."""
        for item in self._folder(self._base or ".").scan():
            if isinstance(item, Failure):
                yield item
            elif fits(item.id.split("/"), self._parts):
                yield item if self._base else replace(item, path=item.path.removeprefix("./"))

    def _fitting(self, inside: dict[str, Source]) -> Iterator[FileEntry | Failure]:
        """List files at the depth of the pattern, and put folders there into ``inside``."""
        real: dict[str, str] = {}
        for path in sorted(glob.glob(self.name, include_hidden=self._hidden)):  # noqa: PTH207
            own = path.removeprefix(self._base).strip(os.sep)
            folder, name = os.path.split(path)
            if os.path.isdir(path):  # noqa: PTH112
                inside[own] = self._folder(path)
            else:
                if folder not in real:
                    real[folder] = os.path.realpath(folder)
                yield from file_entry(path, own, os.path.join(real[folder], name), self._read)  # noqa: PTH118

    def _folder(self, path: str) -> FolderSource:
        return FolderSource(
            [path], hidden=self._hidden, every_name=self._every_name, read=self._read
        )

    def _archive(self, path: str) -> ArchiveSource:
        return ArchiveSource(
            path, hidden=self._hidden, every_name=self._every_name, read=self._read
        )

    def _nothing(self) -> ConfigError:
        return ConfigError(
            "nothing fits this pattern", got=self.name, remedy="check it, or name the folder"
        )
