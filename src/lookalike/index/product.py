"""The one fast kernel of exact search: blocked products of small integers.

A distance between rows of bytes is a dot product, and every current processor multiplies bytes
several times faster than floats (here: 190 against 45 billion multiply-adds a second and core).
The caller turns its distance into "dot product at least so much"; nothing of size n² is ever
held.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import IntArray, UInt8Array
from lookalike.runtime.inference import byte_product

__all__ = ["Hits", "products_at_least"]

# of a block: what a processor's caches hold
_ROWS = 512
_COLUMNS = 2048


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs of rows whose product reached the minimum.

    Attributes:
        left: ``(k,)`` int64 rows of the left matrix.
        right: ``(k,)`` int64 rows of the right matrix.
        product: ``(k,)`` int64 dot products.
    """

    left: IntArray
    right: IntArray
    product: IntArray


def products_at_least(
    left: UInt8Array,
    right: NDArray[np.int8],
    minimum: IntArray,
    *,
    upper_triangle: bool = False,
    threads: int = 1,
) -> Iterator[Hits]:
    """Find every pair with ``left[i] · right[j] ≥ minimum[i] + …``, block by block, in order.

    Args:
        left: ``(n, d)`` uint8; with ``right`` beyond ±64 the sums stay exact only on processors
            with VNNI, so keep ``right`` within.
        right: ``(m, d)`` int8 within ±64.
        minimum: ``(m,)`` int64, the least product that counts, for each row of ``right``.
        upper_triangle: only pairs ``i < j`` (a self-join).
        threads: blocks worked on at once; the order of the results does not depend on it.

    Yields:
        Hits of one block, global row numbers.
    """
    multiply = byte_product()
    turned = [
        np.ascontiguousarray(right[at : at + _COLUMNS].T) for at in range(0, len(right), _COLUMNS)
    ]

    def block(corner: tuple[int, int]) -> Hits:
        row, column = corner
        product = multiply(left[row : row + _ROWS], turned[column // _COLUMNS])
        wide = product >= minimum[column : column + _COLUMNS].astype(np.int32)
        flat = np.flatnonzero(wide)
        i, j = np.divmod(flat, product.shape[1])
        hits = Hits(i + row, j + column, product.reshape(-1)[flat].astype(np.int64))
        if not upper_triangle:
            return hits
        above = hits.left < hits.right
        return Hits(hits.left[above], hits.right[above], hits.product[above])

    corners = [
        (row, column)
        for row in range(0, len(left), _ROWS)
        for column in range(0, len(right), _COLUMNS)
        if not upper_triangle or column + _COLUMNS > row
    ]
    if threads == 1:
        yield from map(block, corners)
        return
    with ThreadPoolExecutor(threads) as pool:
        # a window bounds memory: map() alone would hold every finished block
        for at in range(0, len(corners), 2 * threads):
            yield from pool.map(block, corners[at : at + 2 * threads])
