"""Cells of a thumb: what each of the 64 shows beyond an even slope of grey.

Skies, walls and studio backgrounds share their slopes. What remains without them is faint, and
still distinguishes pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.limits import THUMB_CELLS
from lookalike.model.arrays import FloatArray

__all__ = ["CELLS", "Cells"]

CELLS = 64
# side of a thumb and of a cell, in values of luma
_SIDE, _CELL = 32, 4


@dataclass(frozen=True, slots=True)
class Cells:
    """Statistics of the 64 cells of 4×4 of some thumbs, row by row.

    Attributes:
        mean: ``(n, 64)`` float32 grey levels.
        slopes: two of ``(n, 64)`` float32: the part of the deviation that is a slope, down and
            across.
        variance: ``(n, 64)`` float32, squared grey levels beyond that slope.
    """

    mean: FloatArray
    slopes: tuple[FloatArray, FloatArray]
    variance: FloatArray

    @classmethod
    def of(cls, luma: FloatArray) -> Cells:
        """Compute the cells of thumbs ``(n, 1024)``."""
        # a small product for every cell: for a single thumb twice as fast as one large product
        count = _SIDE // _CELL
        rows = luma.reshape(len(luma), count, _CELL, count, _CELL).transpose(0, 1, 3, 2, 4)
        cells = rows.reshape(len(luma), CELLS, _CELL * _CELL)
        mean, down, across = np.moveaxis(cells @ _weights(), -1, 0)
        squares = (cells * cells) @ _weights()[:, 0]
        variance = squares - mean * mean - down * down - across * across
        return cls(mean, (down, across), np.maximum(variance, 0))

    def take(self, rows: NDArray[np.integer]) -> Cells:
        """Select some of the thumbs."""
        down, across = self.slopes
        return Cells(self.mean[rows], (down[rows], across[rows]), self.variance[rows])

    def covariance(self, other: Cells, product: FloatArray) -> FloatArray:
        """Compute the ``(n, 64)`` covariance with other thumbs, beyond the slopes.

        Args:
            other: of as many thumbs.
            product: ``(n, 1024)`` of the luma of both.
        """
        shared = self.mean * other.mean
        for own, theirs in zip(self.slopes, other.slopes, strict=True):
            shared += own * theirs
        return np.asarray(product @ _means() - shared)

    @property
    def telling(self) -> NDArray[np.integer]:
        """Count the cells ``(n,)`` of each thumb that show more than a slope."""
        return np.asarray((self.variance > THUMB_CELLS.telling).sum(axis=1))


@lru_cache(maxsize=1)
def _weights() -> FloatArray:
    """Make weights ``(16, 3)`` of a cell's mean and of its slopes, down and across."""
    even = np.ones(_CELL) / _CELL
    rise = np.arange(_CELL) - (_CELL - 1) / 2
    rise /= np.sqrt((rise**2).mean()) * _CELL
    pairs = ((even, even), (rise, even), (even, rise))
    return np.stack([np.kron(down, across) for down, across in pairs], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _means() -> FloatArray:
    """Make weights ``(1024, 64)`` of the mean of every cell of a thumb."""
    one = np.kron(np.eye(_SIDE // _CELL), np.ones((_CELL, 1)) / _CELL)
    return np.kron(one, one).astype(np.float32)
