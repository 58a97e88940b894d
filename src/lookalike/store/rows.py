"""Append-only descriptor files: raw little-endian rows, memory-mapped for reading.

The catalogue says how many rows of a file are committed. Anything beyond is the rest of an
interrupted batch and is cut off before the next append.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowFile"]


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

    @property
    def _row_bytes(self) -> int:
        return self._dtype.itemsize * self._width
