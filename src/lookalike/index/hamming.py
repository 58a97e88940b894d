"""Exact range search among binary hashes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.index.product import products_at_least
from lookalike.model.arrays import FloatArray, IntArray, UInt8Array

__all__ = ["HammingIndex"]


class HammingIndex:
    """Exact Hamming range search; equal to ``distances.hamming`` by test.

    Args:
        hashes: ``(n, bits / 8)`` uint8.
        threads: blocks worked on at once.
    """

    def __init__(self, hashes: UInt8Array, *, threads: int = 1) -> None:
        self._threads = threads
        bits = np.unpackbits(hashes, axis=1)
        self._signs = (bits.astype(np.int8) << 1) - 1
        self._ones = bits.sum(axis=1, dtype=np.int64)

    def pairs_within(self, max_distance: float) -> tuple[IntArray, IntArray, FloatArray]:
        """Find all pairs of rows ``i < j`` with ``max_distance`` differing bits at most, sorted."""
        return self.query((self._signs > 0).astype(np.uint8), max_distance, upper_triangle=True)

    def pairs_with(
        self, queries: UInt8Array, max_distance: float, *, upper_triangle: bool = False
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find every (query, row) within ``max_distance`` bits; ``queries`` ``(m, bits / 8)``.

        With ``upper_triangle`` only pairs whose query number is below the row number: a
        self-join against another orientation of the same images.
        """
        bits = np.unpackbits(queries, axis=1)
        return self.query(bits, max_distance, upper_triangle=upper_triangle)

    def query(
        self, bits: NDArray[np.uint8], max_distance: float, *, upper_triangle: bool
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find the same for queries that are unpacked already, ``(m, bits)`` of 0 and 1."""
        # a·b± = |a∧b| − |a∧¬b|, so Hamming = |b| − a·b±
        minimum = self._ones - int(np.floor(max_distance))
        found = list(
            products_at_least(
                bits,
                self._signs,
                minimum,
                upper_triangle=upper_triangle,
                threads=self._threads,
            )
        )
        left, right, product = (
            np.concatenate([getattr(hits, name) for hits in found] or [np.empty(0, np.int64)])
            for name in ("left", "right", "product")
        )
        distance = (self._ones[right] - product).astype(np.float32)
        order = np.lexsort((right, left))
        return left[order], right[order], distance[order]
