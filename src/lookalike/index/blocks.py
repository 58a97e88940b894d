"""Any metric, block by block: range search, nearest neighbours and curves without n² memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.index.distances import check_metric
from lookalike.model.arrays import FloatArray, IntArray

__all__ = [
    "RowSource",
    "among_nearest",
    "block_distances",
    "blocks_of",
    "nearest_rows",
    "pairs_within",
]

# bounds of memory: bytes of a block, and rows of it that stay in a processor's cache
_BLOCK_BYTES = 64_000_000
_STRIP = 64
# share of a distance below which a difference of large numbers is mostly rounding
_NEAR = 1e-3


class RowSource(Protocol):
    """Descriptors that may lie on disk: an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and values a row."""
        ...

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Some rows, by a slice or by numbers."""
        ...


def blocks_of(rows: RowSource, n_bytes: int = _BLOCK_BYTES) -> Iterator[slice]:
    """Cut ``rows`` into slices of about ``n_bytes`` each as float32."""
    count, dim = rows.shape[0], rows.shape[1]
    step = max(1, min(8192, n_bytes // (4 * max(1, dim))))
    return (slice(at, min(at + step, count)) for at in range(0, count, step))


def block_distances(a: NDArray[Any], b: NDArray[Any], metric: str, *, p: float = 3.0) -> FloatArray:
    """Compute distances of two blocks; equal to ``distances`` by test, several times faster.

    Args:
        a: ``(n, dim)`` float, or packed bits uint8 for ``hamming``.
        b: ``(m, dim)`` alike.
        metric: key of ``distances.METRICS``.
        p: exponent of ``minkowski``.

    Returns:
        ``(n, m)`` float32.
    """
    check_metric(metric)
    if metric == "hamming":
        return _hamming(a, b)
    left, right = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if metric in ("minkowski", "manhattan"):
        return _minkowski(left, right, p if metric == "minkowski" else 1.0)
    if metric == "dice-binary":
        left, right = (left > 0).astype(np.float32), (right > 0).astype(np.float32)
    return _by_product(left, right, metric)


def _by_product(left: FloatArray, right: FloatArray, metric: str) -> FloatArray:
    """Compute cosine, Dice or Euclidean distances from one matrix product."""
    size_left = np.einsum("ij,ij->i", left, left, dtype=np.float64)
    size_right = np.einsum("ij,ij->i", right, right, dtype=np.float64)
    product = (left @ right.T).astype(np.float64)
    if metric == "cosine":
        norm = np.sqrt(size_left[:, None] * size_right)
        cosine = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0)
        return np.maximum(1.0 - cosine, 0.0).astype(np.float32)
    total = size_left[:, None] + size_right
    if metric != "euclidean":
        share = np.divide(2 * product, total, out=np.ones_like(total), where=total > 0)
        return np.maximum(1.0 - share, 0.0).astype(np.float32)
    squared = total - 2 * product
    # the difference of large numbers is rounding for near pairs: measure those again
    for i, j in zip(*np.nonzero(squared <= _NEAR * total), strict=True):
        difference = left[i].astype(np.float64) - right[j]
        squared[i, j] = difference @ difference
    return np.sqrt(np.maximum(squared, 0.0)).astype(np.float32)


def _minkowski(left: FloatArray, right: FloatArray, p: float) -> FloatArray:
    out = np.empty((len(left), len(right)), np.float32)
    scratch = np.empty((_STRIP, right.shape[1]), np.float32)
    for at in range(0, len(right), _STRIP):
        strip = right[at : at + _STRIP]
        for number, row in enumerate(left):
            difference = np.abs(np.subtract(strip, row, out=scratch[: len(strip)]))
            out[number, at : at + _STRIP] = _power(difference, p).sum(axis=1)
    return np.asarray(out ** (1.0 / p), dtype=np.float32)


def _power(values: FloatArray, p: float) -> FloatArray:
    """``values ** p``; whole exponents by multiplication, twenty times faster."""
    if p == 1.0:
        return values
    if p == 2.0:
        return values * values
    return values * values * values if p == 3.0 else values**p


def _hamming(a: NDArray[Any], b: NDArray[Any]) -> FloatArray:
    left, right = _words(a), _words(b)
    out = np.empty((len(left), len(right)), np.float32)
    for number, row in enumerate(left):
        out[number] = np.bitwise_count(right ^ row).sum(axis=1, dtype=np.int32)
    return out


def _words(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack bytes into 64-bit words, filled up with zeros."""
    short = -rows.shape[1] % 8
    padded = np.pad(rows, ((0, 0), (0, short))) if short else rows
    return np.ascontiguousarray(padded).view(np.uint64)


Measure = Callable[[slice, slice], FloatArray]


def pairs_within(
    measure: Measure, rows: RowSource, max_distance: float, *, threads: int = 1
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find every pair ``i < j`` within ``max_distance`` (inclusive), sorted.

    Args:
        measure: distances of two slices of the same rows.
        rows: only for the size of the blocks.
        max_distance: in the measure's unit.
        threads: blocks worked on at once.
    """
    slices = list(blocks_of(rows))
    corners = [(a, b) for n, a in enumerate(slices) for b in slices[n:]]

    def near(corner: tuple[slice, slice]) -> tuple[IntArray, IntArray, FloatArray]:
        a, b = corner
        distance = measure(a, b)
        i, j = np.nonzero(distance <= max_distance)
        kept = i + a.start < j + b.start
        i, j = i[kept], j[kept]
        return i + a.start, j + b.start, distance[i, j]

    with ThreadPoolExecutor(threads) as pool:
        parts = [
            part
            for at in range(0, len(corners), 2 * threads)
            for part in pool.map(near, corners[at : at + 2 * threads])
        ]
    left, right, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((right, left))
    return left[order], right[order], distance[order]


def nearest_rows(
    query: NDArray[Any], rows: RowSource, k: int, metric: str, *, p: float = 3.0
) -> tuple[IntArray, FloatArray]:
    """Find the ``k`` nearest rows of every query, nearest first, ties by row number.

    Args:
        query: ``(q, dim)``.
        rows: ``(n, dim)``, read block by block.
        k: at most n are returned.
        metric: key of ``distances.METRICS``.
        p: exponent of ``minkowski``.

    Returns:
        ``(q, min(k, n))`` row numbers and distances.
    """
    k = min(k, rows.shape[0])
    best = np.full((len(query), 0), 0, np.int64)
    near = np.full((len(query), 0), 0.0, np.float32)
    for block in blocks_of(rows):
        distance = block_distances(query, rows[block], metric, p=p)
        numbers = np.broadcast_to(np.arange(block.start, block.stop), distance.shape)
        near, best = np.hstack([near, distance]), np.hstack([best, numbers])
        near, best = _smallest(near, best, k)
    return best, near


def _smallest(near: FloatArray, best: IntArray, k: int) -> tuple[FloatArray, IntArray]:
    """Choose the ``k`` smallest of every row in order, ties by number."""
    some = 4 * k
    if near.shape[1] > 4 * some:
        part = np.argpartition(near, some - 1, axis=1)[:, :some]
        values = np.take_along_axis(near, part, 1)
        # unless more than were looked at tie with the last that counts
        if (np.sort(values, axis=1)[:, k - 1] < values.max(axis=1)).all():
            near, best = values, np.take_along_axis(best, part, 1)
    order = np.lexsort((best, near), axis=1)[:, :k]
    return np.take_along_axis(near, order, 1), np.take_along_axis(best, order, 1)


def among_nearest(query: IntArray, ref: IntArray, distance: FloatArray, limit: int) -> IntArray:
    """Choose pairs that are among the ``limit`` nearest of either of their ends."""
    ends = np.concatenate([query, ref])
    pair = np.tile(np.arange(len(query)), 2)
    order = np.lexsort((pair, np.tile(distance, 2), ends))
    ends, pair = ends[order], pair[order]
    starts = np.flatnonzero(np.r_[True, ends[1:] != ends[:-1]]) if len(ends) else ends
    place = np.arange(len(ends)) - np.repeat(starts, np.diff(np.r_[starts, len(ends)]))
    return np.unique(pair[place < limit])
