"""The metrics in plain NumPy: the oracle that every fast path must equal.

Every function takes ``a`` ``(n, dim)`` and ``b`` ``(m, dim)`` and returns ``(n, m)`` float32; lower
is closer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.errors import ConfigError

__all__ = [
    "METRICS",
    "check_metric",
    "cosine",
    "dice",
    "dice_binary",
    "euclidean",
    "hamming",
    "manhattan",
    "minkowski",
]

Rows = NDArray[np.floating]


def hamming(a: UInt8Array, b: UInt8Array) -> FloatArray:
    """Differing bits between rows of packed bits ``(n, bits / 8)`` uint8; 0..bits."""
    return np.bitwise_count(a[:, None] ^ b[None]).sum(axis=2, dtype=np.int64).astype(np.float32)


def cosine(a: Rows, b: Rows) -> FloatArray:
    """One minus the cosine, 0..2; a zero row is at distance 1 from everything."""
    return (1.0 - _unit(a) @ _unit(b).T).astype(np.float32)


def euclidean(a: Rows, b: Rows) -> FloatArray:
    """Root of the summed squared differences."""
    return minkowski(a, b, 2.0)


def manhattan(a: Rows, b: Rows) -> FloatArray:
    """Sum of the absolute differences."""
    return minkowski(a, b, 1.0)


def minkowski(a: Rows, b: Rows, p: float = 3.0) -> FloatArray:
    """``(Σ |a − b|^p)^(1/p)``; p = 1 is Manhattan, 2 Euclidean."""
    out = np.empty((len(a), len(b)), np.float32)
    right = np.asarray(b, np.float64)
    for number, row in enumerate(np.asarray(a, np.float64)):
        out[number] = (np.abs(right - row) ** p).sum(axis=1) ** (1.0 / p)
    return out


def dice(a: Rows, b: Rows) -> FloatArray:
    """Sørensen–Dice on real values, ``1 − 2 a·b / (‖a‖² + ‖b‖²)``; two zero rows are at 0."""
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = (left * left).sum(axis=1)[:, None] + (right * right).sum(axis=1)
    share = np.divide(2 * (left @ right.T), size, out=np.ones_like(size), where=size > 0)
    return (1.0 - share).astype(np.float32)


def dice_binary(a: Rows, b: Rows) -> FloatArray:
    """Sørensen–Dice on the pattern of values above 0, 0..1."""
    return dice((np.asarray(a) > 0).astype(np.float32), (np.asarray(b) > 0).astype(np.float32))


METRICS: Mapping[str, Callable[..., FloatArray]] = {
    "euclidean": euclidean,
    "manhattan": manhattan,
    "cosine": cosine,
    "minkowski": minkowski,
    "dice": dice,
    "dice-binary": dice_binary,
    "hamming": hamming,
}


def check_metric(name: str) -> str:
    """The name itself, if it is one of ``METRICS``.

    Raises:
        ConfigError: it is not.
    """
    if name not in METRICS:
        raise ConfigError("unknown metric", got=repr(name), expected=f"one of {', '.join(METRICS)}")
    return name


def _unit(rows: Rows) -> NDArray[np.float64]:
    wide = np.asarray(rows, dtype=np.float64)
    norm = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.divide(wide, norm, out=np.zeros_like(wide), where=norm > 0)
