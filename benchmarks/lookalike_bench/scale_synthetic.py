"""Cells of made-up vectors, up to ten million: does what small sets say hold for large ones?

A vector is a mixture of three real embeddings that are near each other, with a little noise, so
dense and sparse parts are as in the real ones; a copy differs from its source as a real copy does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lookalike.index.blocks import nearest_rows
from lookalike.index.cells import fit_cells, nearest_centres
from lookalike.model.arrays import FloatArray
from lookalike_bench.scale_distributions import (
    Described,
    cells_for,
    probes_needed,
    recalls,
    size_figures,
)

__all__ = ["DIM", "synthetic_figures"]

DIM = 64
_NEAR = 16
_NOISE = 0.02
_BLOCK = 100_000
_PER_CELL = 64
_PAIRS = 5000


class _Maker:
    """Makes any number of vectors; a seed makes the same ones again."""

    def __init__(self, described: Described) -> None:
        whole = described.embeddings
        rows = whole[: described.originals]
        self._middle = rows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov((rows - self._middle).T))
        self._axes = vectors[:, np.argsort(values)[::-1][:DIM]].astype(np.float32)
        self._real = self._reduced(rows)
        self._near, _ = nearest_rows(self._real, self._real, _NEAR + 1, "euclidean")
        copies = self._reduced(whole[described.originals :])
        self._moves = copies - self._real[described.source]

    def _reduced(self, rows: FloatArray) -> FloatArray:
        return np.asarray((rows - self._middle) @ self._axes, np.float32)

    def rows(self, count: int, seed: int) -> FloatArray:
        random = np.random.default_rng(seed)
        first = random.integers(0, len(self._real), count)
        near = self._near[first[:, None], random.integers(1, _NEAR + 1, (count, 2))]
        # three shares that sum to one, evenly over all such
        cuts = np.sort(random.random((count, 2), np.float32), axis=1)
        shares = np.diff(cuts, prepend=0, append=1).astype(np.float32)
        made = self._real[first] * shares[:, :1]
        made += self._real[near[:, 0]] * shares[:, 1:2] + self._real[near[:, 1]] * shares[:, 2:]
        return made + np.float32(_NOISE) * random.standard_normal(made.shape, np.float32)

    def copies(self, rows: FloatArray, seed: int) -> FloatArray:
        chosen = np.random.default_rng(seed).integers(0, len(self._moves), len(rows))
        return rows + self._moves[chosen]


def synthetic_figures(described: Described, counts: Sequence[int]) -> Iterator[dict[str, float]]:
    """Evenness of cells and recall by probes at each count; vectors are never all in memory."""
    maker = _Maker(described)
    for count in counts:
        cells = cells_for(count)
        centres = fit_cells(maker.rows(min(count, _PER_CELL * cells), 2**32), cells)
        sizes = np.zeros(cells, np.int64)
        for at in range(0, count, _BLOCK):
            block = maker.rows(min(_BLOCK, count - at), at)
            sizes += np.bincount(nearest_centres(block, centres, 1)[:, 0], minlength=cells)
        sources = maker.rows(_PAIRS, 2**33)
        needed = probes_needed(sources, maker.copies(sources, 2**34), centres)
        yield {"images": count, **size_figures(sizes), **recalls(needed)}
