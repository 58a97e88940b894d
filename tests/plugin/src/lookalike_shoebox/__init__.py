"""A descriptor of grey rows, and pictures in a shoebox: a folder named by ``SHOEBOX``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.protocols import FarFile

_SIDE = 16


class RowsOfGrey:
    """Grey pixels of the whole picture as one unit vector, without their mean."""

    spec = DescriptorSpec("rows-of-grey", "1", "cosine", _SIDE * _SIDE, "float32", "16x16 grey")
    min_side = 64

    def describe(self, picture: Picture) -> NDArray[np.float32]:
        """``(256,)`` float32 of length 1."""
        grey = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        row = small.astype(np.float32).ravel()
        row -= row.mean()
        return row / max(float(np.linalg.norm(row)), 1e-6)


class Shoebox:
    """Objects under ``shoebox://NAME``: files of the folder ``$SHOEBOX``."""

    def find(self, address: str) -> Iterator[FarFile]:
        """Every object under an address; of an object's own address that object."""
        place = self._place(address)
        if place.is_file():
            yield self.examine(address)
            return
        for path in sorted(place.rglob("*")):
            if path.is_file():
                below = path.relative_to(place).as_posix()
                yield self._file(f"{address.rstrip('/')}/{below}", path)

    def examine(self, address: str) -> FarFile:
        """What is known of one object without reading it."""
        return self._file(address, self._place(address))

    def read(self, address: str, start: int, end: int | None) -> bytes:
        """Bytes from ``start`` up to ``end``."""
        with self._place(address).open("rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(end - start)

    def _file(self, address: str, path: Path) -> FarFile:
        info = path.stat()
        return FarFile(address, info.st_size, info.st_mtime_ns, str(info.st_mtime_ns))

    def _place(self, address: str) -> Path:
        return Path(os.environ["SHOEBOX"], address.removeprefix("shoebox://"))
