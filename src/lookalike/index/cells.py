"""K-means cells: search only near cells, with a declared recall (Jégou et al. 2011, IVF).

Every row lies in one cell; a query looks into the ``probes`` cells whose centres are nearest.
Looking into all of them is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lookalike.index.blocks import RowSource, block_distances, blocks_of
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.errors import ConfigError

__all__ = ["CellIndex", "fit_cells", "nearest_centres"]

# what k-means costs: rounds, and rows it is fitted to for each cell
_ROUNDS = 10
_SAMPLE_PER_CELL = 64


def fit_cells(rows: RowSource, cells: int, *, seed: int = 0) -> FloatArray:
    """Fit centres ``(cells, dim)`` by seeded k-means over a sample of the rows (Lloyd 1982).

    Raises:
        ConfigError: more cells than rows, or none.
    """
    count = rows.shape[0]
    if not 1 <= cells <= count:
        raise ConfigError(
            "this number of cells cannot be", got=str(cells), expected=f"1 to {count}"
        )
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(count)[: max(cells, _SAMPLE_PER_CELL * cells)])
    sample = np.asarray(rows[chosen], np.float32)
    centres = sample[np.sort(random.permutation(len(sample))[:cells])]
    for _ in range(_ROUNDS):
        home = nearest_centres(sample, centres, 1)[:, 0]
        sizes = np.bincount(home, minlength=cells)
        total = np.zeros_like(centres)
        np.add.at(total, home, sample)
        full = sizes > 0
        centres = np.where(full[:, None], total / np.maximum(sizes, 1)[:, None], centres)
        empty = np.flatnonzero(~full)
        if len(empty):
            centres[empty] = sample[random.integers(len(sample), size=len(empty))]
    return centres.astype(np.float32)


class CellIndex:
    """Rows by cells; rows may be added at any time.

    Args:
        centres: ``(cells, dim)``.
        rows: ``(n, dim)`` float32.
    """

    def __init__(self, centres: FloatArray, rows: FloatArray) -> None:
        self._centres = centres
        self._rows = np.empty((0, centres.shape[1]), np.float32)
        self._home = np.empty(0, np.int64)
        self._members: list[IntArray] = []
        self.add(rows)

    def add(self, rows: FloatArray) -> None:
        """Put further rows into their cells; their numbers follow those there."""
        self._rows = np.concatenate([self._rows, np.asarray(rows, np.float32)])
        self._home = np.concatenate([self._home, nearest_centres(rows, self._centres, 1)[:, 0]])
        order = np.argsort(self._home, kind="stable")
        bounds = np.searchsorted(self._home[order], np.arange(len(self._centres) + 1))
        self._members = [
            order[bounds[cell] : bounds[cell + 1]] for cell in range(len(self._centres))
        ]

    def nearest(
        self, query: FloatArray, k: int, probes: int, metric: str = "cosine"
    ) -> tuple[IntArray, FloatArray]:
        """Find the ``k`` nearest rows in the ``probes`` nearest cells.

        Returns:
            ``(q, k)`` row numbers and distances, nearest first; −1 and infinity fill up.
        """
        best = np.full((len(query), k), -1, np.int64)
        near = np.full((len(query), k), np.inf, np.float32)
        for asking, members in self._visits(query, probes):
            distance = block_distances(query[asking], self._rows[members], metric)
            numbers = np.broadcast_to(members, distance.shape)
            merged = np.hstack([near[asking], distance])
            names = np.hstack([best[asking], numbers])
            if merged.shape[1] > 4 * k:
                part = np.argpartition(merged, k, axis=1)[:, : 2 * k]
                merged = np.take_along_axis(merged, part, 1)
                names = np.take_along_axis(names, part, 1)
            order = np.lexsort((names, merged), axis=1)[:, :k]
            near[asking] = np.take_along_axis(merged, order, 1)
            best[asking] = np.take_along_axis(names, order, 1)
        return best, near

    def candidates(self, probes: int) -> Iterator[tuple[IntArray, IntArray]]:
        """List for every cell the rows that look into it, and its members."""
        return self._visits(self._rows, probes)

    def _visits(self, query: FloatArray, probes: int) -> Iterator[tuple[IntArray, IntArray]]:
        looked = nearest_centres(query, self._centres, min(probes, len(self._centres)))
        asking = np.argsort(looked.reshape(-1), kind="stable")
        cells = looked.reshape(-1)[asking]
        bounds = np.searchsorted(cells, np.arange(len(self._centres) + 1))
        for cell, members in enumerate(self._members):
            visitors = asking[bounds[cell] : bounds[cell + 1]] // looked.shape[1]
            for at in range(0, len(visitors), 1024):
                if len(members):
                    yield visitors[at : at + 1024], members


def nearest_centres(rows: NDArray[np.generic], centres: FloatArray, count: int) -> IntArray:
    """Find the cells ``(n, count)`` nearest to rows ``(n, dim)``, nearest first (Euclidean)."""
    parts = []
    half = (centres * centres).sum(axis=1) / 2
    for block in blocks_of(rows):
        score = half - np.asarray(rows[block], np.float32) @ centres.T
        if count == 1:
            parts.append(score.argmin(axis=1)[:, None])
            continue
        some = np.argpartition(score, min(count, score.shape[1] - 1), axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(score, some, 1), axis=1, kind="stable")
        parts.append(np.take_along_axis(some, order, 1))
    return np.concatenate(parts) if parts else np.empty((0, count), np.int64)
