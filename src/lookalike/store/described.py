"""Descriptors of a collection in a folder: row files, and a table of who has which rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import CollectionError
from lookalike.model.image import DescriptorSpec
from lookalike.store.catalogue import Catalogue
from lookalike.store.records import differing_specs
from lookalike.store.rows import MemoryRows, RowFile, Spans, StoredRows

__all__ = ["ALL_AT_ONCE", "Described"]

_LOG = logging.getLogger(__name__)
#: above so many, reading a whole table is quicker than asking for each
ALL_AT_ONCE = 2000


class Described:
    """The descriptors of one collection.

    Args:
        catalogue: its tables.
        folder: of its row files; None keeps rows in memory.
    """

    def __init__(self, catalogue: Catalogue, folder: Path | None) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._specs: dict[str, tuple[int, str, RowFile | MemoryRows, int]] = {}
        self.load()
        self._forget_damaged()

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions."""
        held = self._specs.get(spec.name)
        if held is not None and held[1] != spec.key:
            raise differing_specs(spec, held[1])

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """List contents that have no descriptor of this spec, in the order asked."""
        held = self._places(spec, shas)
        return [sha for sha in shas if sha not in held]

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Find contents that have all of some descriptors."""
        ids = [self._specs[spec.name][0] for spec in specs if spec.name in self._specs]
        if len(ids) < len(specs):
            return set()
        found: list[tuple[Any, ...]] = self._catalogue.rows_in(
            "SELECT sha256 FROM descriptor JOIN content ON content.id = descriptor.content "
            "WHERE damage IS NOT NULL AND spec IN (?) "
            "GROUP BY content HAVING count(*) = " + str(len(ids)),
            ids,
        )
        return {row[0] for row in found}

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Read descriptors ``(n, row_width)`` in the order asked.

        Raises:
            CollectionError: a content has none.
        """
        at = np.array([row for row, _ in self._asked(spec, shas)], np.int64)
        return np.asarray(self._map(spec)[at])

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRows | NDArray[Any]:
        """Give access to descriptors ``(n, row_width)`` in the order asked, read block by block.

        Raises:
            CollectionError: a content has none.
        """
        at = np.array([row for row, _ in self._asked(spec, shas)], np.int64)
        return self._specs[spec.name][2].at(at)

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Read descriptors of varying length ``(k, row_width)`` in the order asked."""
        spans, mapped = self._asked(spec, shas), self._map(spec)
        return [np.array(mapped[row : row + count]) for row, count in spans]

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """Give access to descriptors of varying length by content, read when asked for."""
        asked = dict(zip(shas, self._asked(spec, shas), strict=True))
        if spec.name not in self._specs:
            return Spans({}, np.dtype(spec.dtype), spec.row_width, {})
        return self._specs[spec.name][2].spans(asked)

    def append(
        self, spec: DescriptorSpec, shas: Sequence[str], arrays: Sequence[NDArray[Any]]
    ) -> None:
        """Add descriptors ``(k, row_width)`` of contents that lack one, inside a transaction.

        ``load`` has to follow the transaction, also one that failed.
        """
        if spec.name not in self._specs:
            self._catalogue.write(
                "INSERT INTO spec(name, key, dtype, row_width) VALUES (?,?,?,?)",
                [(spec.name, spec.key, spec.dtype, spec.row_width)],
            )
            self.load()
        number, _, file, committed = self._specs[spec.name]
        held = self._places(spec, shas)
        fresh = {s: a for s, a in zip(shas, arrays, strict=True) if s not in held}
        if not fresh:
            return
        with self._catalogue.writing():
            end = file.append(np.concatenate(list(fresh.values())), committed)
        counts = [len(array) for array in fresh.values()]
        starts = committed + np.cumsum([0, *counts[:-1]])
        self._catalogue.write(
            "INSERT INTO descriptor SELECT ?, id, ?, ? FROM content WHERE sha256 = ?",
            (
                (number, int(start), count, sha)
                for sha, start, count in zip(fresh, starts, counts, strict=True)
            ),
        )
        self._catalogue.write("UPDATE spec SET committed = ? WHERE id = ?", [(end, number)])

    def load(self) -> None:
        """Read again what the catalogue holds."""
        before, self._specs = self._specs, {}
        for number, name, key, dtype, width, committed in self._catalogue.rows(
            "SELECT id, name, key, dtype, row_width, committed FROM spec"
        ):
            if self._folder is not None:
                path = self._folder / f"{number}.bin"
                self._specs[name] = (number, key, RowFile(path, dtype, width), committed)
            else:
                # rows in memory exist only here: keep the same object
                held = before.get(name)
                rows = held[2] if held else MemoryRows(dtype, width)
                self._specs[name] = (number, key, rows, committed)

    def _forget_damaged(self) -> None:
        """Forget descriptors whose row file has another length than was committed.

        A content without a descriptor is described again where it is next needed.
        """
        for number, _, file, committed in self._specs.values():
            if not isinstance(file, RowFile) or not (wrong := file.damage(committed)):
                continue
            _LOG.error("the collection is damaged: %s; its rows are described again", wrong)
            with self._catalogue.transaction():
                self._catalogue.write("DELETE FROM descriptor WHERE spec = ?", [(number,)])
                self._catalogue.write("UPDATE spec SET committed = 0 WHERE id = ?", [(number,)])
            file.remove()
        self.load()

    def _places(self, spec: DescriptorSpec, shas: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Look up the first row and the number of rows of every content with this spec."""
        self.check_spec(spec)
        held = self._specs.get(spec.name)
        if held is None:
            return {}
        wanted = list(shas)
        select = (
            "SELECT sha256, row, count FROM descriptor "
            "JOIN content ON content.id = descriptor.content WHERE spec = ?"
        )
        if len(wanted) > ALL_AT_ONCE:
            rows = self._catalogue.rows(select, (held[0],))
        else:
            rows = self._catalogue.rows_in(f"{select} AND sha256 IN (?)", wanted, (held[0],))
        return {row[0]: (row[1], row[2]) for row in rows}

    def _asked(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[tuple[int, int]]:
        """Look up first rows and numbers of rows in the order asked; raises where some lack."""
        places = self._places(spec, shas)
        for sha in shas:
            if sha not in places:
                raise CollectionError(
                    f"the collection holds no {spec.name!r} descriptor of a content", got=sha
                )
        return [places[sha] for sha in shas]

    def _map(self, spec: DescriptorSpec) -> NDArray[Any]:
        if spec.name not in self._specs:
            return np.empty((0, spec.row_width), spec.dtype)
        _, _, file, committed = self._specs[spec.name]
        return file.read(committed)
