"""Append-only descriptor files: raw little-endian rows, memory-mapped for reading.

The catalogue says how many rows of a file are committed. Anything beyond is the rest of an
interrupted batch and is cut off before the next append.
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

    def append(self, values: NDArray[Any], committed: int) -> int:
        """Write rows behind the ``committed`` ones and flush them to disk; the new length."""
        rows = np.ascontiguousarray(values, dtype=self._dtype).reshape(-1, self._width)
        mode = "r+b" if self._path.exists() else "w+b"
        with self._path.open(mode) as file:
            file.truncate(committed * self._row_bytes)
            file.seek(0, os.SEEK_END)
            file.write(rows.tobytes())
            file.flush()
            os.fsync(file.fileno())
        return committed + len(rows)

    def read(self, committed: int) -> NDArray[Any]:
        """The committed rows, ``(committed, width)``, mapped and read-only."""
        if committed == 0:
            return np.empty((0, self._width), self._dtype)
        return np.memmap(self._path, dtype=self._dtype, mode="r", shape=(committed, self._width))

    def at(self, places: NDArray[np.int64]) -> StoredRows:
        """Rows by their places, read when they are asked for."""
        return StoredRows(self._path, self._dtype, self._width, places)

    def spans(self, places: Places) -> Spans:
        """Some rows for each of some names, read when they are asked for."""
        return Spans(places, self._dtype, self._width, self._path)

    @property
    def _row_bytes(self) -> int:
        return self._dtype.itemsize * self._width


class MemoryRows:
    """Rows that last as long as the process; as ``RowFile``, without a file.

    Args:
        dtype: NumPy name of the values.
        width: values in a row.
    """

    def __init__(self, dtype: str, width: int) -> None:
        self._rows: NDArray[Any] = np.empty((0, width), np.dtype(dtype))

    def append(self, values: NDArray[Any], committed: int) -> int:
        """Add rows behind the ``committed`` ones; the new length."""
        rows = np.asarray(values, self._rows.dtype).reshape(-1, self._rows.shape[1])
        self._rows = np.concatenate([self._rows[:committed], rows])
        return len(self._rows)

    def read(self, committed: int) -> NDArray[Any]:
        """The committed rows, ``(committed, width)``."""
        return self._rows[:committed]

    def at(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """Rows by their places, ``(n, width)``."""
        return np.asarray(self._rows[places])

    def spans(self, places: Places) -> Spans:
        """Some rows for each of some names."""
        held = {name: self._rows[row : row + count] for name, (row, count) in places.items()}
        return Spans(places, self._rows.dtype, self._rows.shape[1], held)


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows of varying number by name; of a file, other processes read them for themselves.

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
        """``(k, width)``."""
        if isinstance(self.held, Mapping):
            return self.held[name]
        row, count = self.places[name]
        out = np.empty((count, self.width), self.dtype)
        with self.held.open("rb", buffering=0) as file:
            _fill(out, file, row)
        return out

    def only(self, names: Iterable[str]) -> Spans:
        """Less of them, for a task elsewhere."""
        places = {name: self.places[name] for name in names}
        held = self.held
        if isinstance(held, Mapping):
            held = {name: held[name] for name in places}
        return replace(self, places=places, held=held)


def _fill(out: NDArray[Any], file: FileIO, row: int) -> None:
    """Read the rows from ``row`` on."""
    file.seek(row * out.dtype.itemsize * out.shape[1])
    if len(out) and file.readinto(out.data.cast("B")) != out.nbytes:
        raise OSError(f"{file.name} is shorter than the catalogue says")


class StoredRows:
    """Rows of a file that are read when asked for: as an array ``(n, width)``, but on disk.

    Reads go through the file, not a memory map, whose touched pages would count as memory.

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
        """Rows and values a row."""
        return len(self._places), self._width

    def __getitem__(self, some: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Some rows ``(k, width)``; neighbouring places are read in one go."""
        places = self._places[some]
        out = np.empty((len(places), self._width), self._dtype)
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        bounds = [0, *breaks.tolist(), len(places)]
        with self._path.open("rb", buffering=0) as file:
            for start, end in itertools.pairwise(bounds):
                if start < end:
                    _fill(out[start:end], file, int(places[start]))
        return out
