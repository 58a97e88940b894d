"""Append-only descriptor files: raw little-endian rows, memory-mapped for reading.

The catalogue says how many rows of a file are committed. Before a batch is appended, a note beside
the file says where it will end. Rows behind the committed ones, up to that end, are left from an
interrupted batch and are cut off before the next append. A file of any other length is damaged.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import CollectionError

__all__ = ["MemoryRows", "RowFile", "Spans", "StoredRows"]

Places = Mapping[str, tuple[int, int]]


class RowFile:
    """One file of rows of one width and type.

    Args:
        path: created by the first append.
        dtype: NumPy name of the values.
        width: values in a row.
    """

    def __init__(self, path: Path, dtype: str, width: int) -> None:
        self._path = path
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._width = width

    def damage(self, committed: int) -> str | None:
        """Say what is wrong with the file's length, naming the file; None where nothing is."""
        expected = committed * self._row_bytes
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return f"{self._path} is missing, with {expected} bytes" if expected else None
        if size < expected:
            return f"{self._path} holds {size} bytes of {expected}"
        if size > max(expected, self._announced_end()):
            return f"{self._path} holds {size} bytes, more than the {expected} ever written"
        return None

    def remove(self) -> None:
        """Delete the file; the next append creates it again."""
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def append(self, values: NDArray[Any], committed: int) -> int:
        """Write rows behind the ``committed`` ones and flush them to disk; returns the new length.

        Raises:
            CollectionError: the file is damaged.
        """
        rows = np.ascontiguousarray(values, dtype=self._dtype).reshape(-1, self._width)
        if wrong := self.damage(committed):
            raise _damaged(wrong)
        end = (committed + len(rows)) * self._row_bytes
        with self._note.open("w", encoding="ascii") as note:
            note.write(str(end))
            note.flush()
            os.fsync(note.fileno())
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.truncate(committed * self._row_bytes)
            file.seek(0, os.SEEK_END)
            file.write(rows.tobytes())
            file.flush()
            os.fsync(file.fileno())
        return committed + len(rows)

    def read(self, committed: int) -> NDArray[Any]:
        """Map the committed rows ``(committed, width)``, read-only.

        Raises:
            CollectionError: the file is damaged.
        """
        if committed == 0:
            return np.empty((0, self._width), self._dtype)
        if wrong := self.damage(committed):
            raise _damaged(wrong)
        return np.memmap(self._path, dtype=self._dtype, mode="r", shape=(committed, self._width))

    def at(self, places: NDArray[np.int64]) -> StoredRows:
        """Give access to rows by their numbers, read when they are asked for."""
        return StoredRows(self._path, self._dtype, self._width, places)

    def spans(self, places: Places) -> Spans:
        """Give access to some rows for each of some names, read when they are asked for."""
        return Spans(places, self._dtype, self._width, self._path)

    @property
    def _row_bytes(self) -> int:
        return self._dtype.itemsize * self._width

    @property
    def _note(self) -> Path:
        return self._path.with_suffix(".end")

    def _announced_end(self) -> int:
        """Read where the last batch was to end, in bytes; 0 where no note says so."""
        try:
            return int(self._note.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0


def _damaged(wrong: str) -> CollectionError:
    return CollectionError(
        "a file of the collection is damaged",
        got=wrong,
        expected="the rows that the catalogue counts",
        remedy="run the command again: what the file held is then described again",
    )


class MemoryRows:
    """Rows in memory, in place of a ``RowFile``.

    Args:
        dtype: NumPy name of the values.
        width: values in a row.
    """

    def __init__(self, dtype: str, width: int) -> None:
        self._rows: NDArray[Any] = np.empty((0, width), np.dtype(dtype))

    def append(self, values: NDArray[Any], committed: int) -> int:
        """Add rows behind the ``committed`` ones; returns the new length."""
        rows = np.asarray(values, self._rows.dtype).reshape(-1, self._rows.shape[1])
        self._rows = np.concatenate([self._rows[:committed], rows])
        return len(self._rows)

    def read(self, committed: int) -> NDArray[Any]:
        """Return the committed rows ``(committed, width)``."""
        return self._rows[:committed]

    def at(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows by their numbers, ``(n, width)``."""
        return np.asarray(self._rows[places])

    def spans(self, places: Places) -> Spans:
        """Return some rows for each of some names."""
        held = {name: self._rows[row : row + count] for name, (row, count) in places.items()}
        return Spans(places, self._rows.dtype, self._rows.shape[1], held)


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows of varying number by name; other processes read those of a file for themselves.

    Attributes:
        places: first row and number of rows.
        dtype: of the values.
        width: values in a row.
        held: the file, or the rows themselves.
    """

    places: Places
    dtype: np.dtype[Any]
    width: int
    held: Path | Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read the rows of a name, ``(k, width)``."""
        if isinstance(self.held, Mapping):
            return self.held[name]
        row, count = self.places[name]
        out = np.empty((count, self.width), self.dtype)
        with self.held.open("rb", buffering=0) as file:
            _fill(out, file, row)
        return out

    def only(self, names: Iterable[str]) -> Spans:
        """Keep only some names, for a task elsewhere."""
        places = {name: self.places[name] for name in names}
        held = self.held
        if isinstance(held, Mapping):
            held = {name: held[name] for name in places}
        return replace(self, places=places, held=held)


def _fill(out: NDArray[Any], file: FileIO, row: int) -> None:
    """Read the rows from ``row`` on."""
    start = row * out.dtype.itemsize * out.shape[1]
    file.seek(start)
    if len(out) and file.readinto(out.data.cast("B")) != out.nbytes:
        raise _damaged(f"{file.name} ends before byte {start + out.nbytes}")


class StoredRows:
    """Rows ``(n, width)`` of a file that are read when asked for, like an array.

    They are read from the file, not from a memory map, whose touched pages would count as memory.

    Args:
        path: the file.
        dtype: of its values.
        width: values in a row.
        places: ``(n,)`` row numbers in the file.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], width: int, places: NDArray[np.int64]
    ) -> None:
        self._path = path
        self._dtype = dtype
        self._width = width
        self._places = places

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and values a row."""
        return len(self._places), self._width

    def __getitem__(self, some: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Read rows ``(k, width)``; neighbouring ones in one go."""
        places = self._places[some]
        out = np.empty((len(places), self._width), self._dtype)
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        bounds = [0, *breaks.tolist(), len(places)]
        with self._path.open("rb", buffering=0) as file:
            for start, end in itertools.pairwise(bounds):
                if start < end:
                    _fill(out[start:end], file, int(places[start]))
        return out
