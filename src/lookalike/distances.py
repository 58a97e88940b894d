"""The metrics in plain NumPy: the oracle that every fast path must equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.types import FloatArray, UInt8Array

__all__ = ["cosine", "hamming"]


def hamming(a: UInt8Array, b: UInt8Array) -> FloatArray:
    """Differing bits between every row of ``a`` and every row of ``b``.

    Args:
        a: ``(n, bits / 8)`` uint8.
        b: ``(m, bits / 8)`` uint8.

    Returns:
        ``(n, m)`` float32, 0..bits, lower is closer.
    """
    return np.bitwise_count(a[:, None] ^ b[None]).sum(axis=2, dtype=np.int64).astype(np.float32)


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> FloatArray:
    """One minus the cosine between every row of ``a`` and every row of ``b``.

    Args:
        a: ``(n, dim)`` float; a zero row is at distance 1 from everything.
        b: ``(m, dim)`` float.

    Returns:
        ``(n, m)`` float32, 0..2, lower is closer.
    """
    return (1.0 - _unit(a) @ _unit(b).T).astype(np.float32)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = np.asarray(rows, dtype=np.float64)
    norm = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.divide(wide, norm, out=np.zeros_like(wide), where=norm > 0)
