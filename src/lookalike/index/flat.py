"""Exact cosine range search among embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.index.product import products_at_least
from lookalike.model.arrays import FloatArray, IntArray, UInt8Array

__all__ = ["CosineIndex"]


class CosineIndex:
    """Exact cosine range search; equal to ``distances.cosine`` by test.

    Rows are rounded to bytes to propose pairs; the rounding error of every row is known, so the
    proposal is a superset, and each proposed pair is measured again in float32.

    Args:
        rows: ``(n, dim)`` float, L2-normalised.
        threads: blocks worked on at once.
    """

    def __init__(self, rows: NDArray[np.floating], *, threads: int = 1) -> None:
        self._threads = threads
        self._rows = np.ascontiguousarray(rows, dtype=np.float32)
        peak = float(np.abs(self._rows).max(initial=0.0)) or 1.0
        self._fine_step, self._coarse_step = peak / 127.0, peak / 63.0
        fine = np.rint(self._rows / self._fine_step)
        coarse = np.rint(self._rows / self._coarse_step)
        self._slack = _largest_norm(self._rows - fine * self._fine_step) + 1.01 * _largest_norm(
            self._rows - coarse * self._coarse_step
        )
        self._left: UInt8Array = (fine + 128).astype(np.uint8)
        self._right = coarse.astype(np.int8)

    def pairs_within(self, max_distance: float) -> tuple[IntArray, IntArray, FloatArray]:
        """Find every pair of rows ``i < j`` with ``1 − cosine ≤ max_distance``, sorted."""
        least = (1.0 - max_distance - self._slack) / (self._fine_step * self._coarse_step)
        minimum = int(np.floor(least)) + 128 * self._right.sum(axis=1, dtype=np.int64)
        parts = []
        for hits in products_at_least(
            self._left, self._right, minimum, upper_triangle=True, threads=self._threads
        ):
            cosine = np.einsum("ij,ij->i", self._rows[hits.left], self._rows[hits.right])
            near = (1.0 - cosine) <= max_distance
            parts.append((hits.left[near], hits.right[near], (1.0 - cosine[near])))
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        left, right, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((right, left))
        return left[order], right[order], distance[order].astype(np.float32)


def _largest_norm(residual: FloatArray) -> float:
    return float(np.sqrt((residual * residual).sum(axis=1).max(initial=0.0)))
