"""Small matrices, by plain arithmetic: for one alone NumPy takes ten times as long."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["growth_of", "inverse", "stretches"]


def inverse(transform: NDArray[np.floating]) -> NDArray[np.float64]:
    """Invert a transform ``(3, 3)``; one that is singular divides by zero."""
    (a, b, c), (d, e, f), (g, h, i) = transform.tolist()
    adjugate = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    whole = a * adjugate[0][0] + b * adjugate[1][0] + c * adjugate[2][0]
    return np.array(adjugate) / whole


def growth_of(transform: NDArray[np.floating]) -> float:
    """Compute the determinant of the linear part: pixels for one, negative where it mirrors."""
    (a, b), (c, d) = transform[:2, :2].tolist()
    return float(a * d - b * c)


def stretches(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """Compute the singular values of ``[[a, b], [c, d]]``, the larger first."""
    half, whole = (a * a + b * b + c * c + d * d) / 2, abs(a * d - b * c)
    # their squares have this sum and product
    spread = math.sqrt(max(0.0, half * half - whole * whole))
    return math.sqrt(half + spread), math.sqrt(max(0.0, half - spread))
