"""Small planes of luma, and what their blocks show: strong texture, faint texture, slopes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.verification.limits import BLOCKS

__all__ = ["Faint", "Plane", "mean_and_variance", "means", "smoothed"]


class Plane:
    """Luma of one picture, and what comparisons need of it every time.

    Args:
        pixels: ``(h, w)`` uint8.
    """

    __slots__ = ("_is_faint", "_texture", "pixels")

    def __init__(self, pixels: UInt8Array) -> None:
        self.pixels = pixels
        self._texture: tuple[FloatArray, FloatArray] | None = None
        self._is_faint: bool | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def smooth(self) -> FloatArray:
        """Without the noise of compression."""
        return smoothed(self.pixels)

    @property
    def blocks(self) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of every block; threads may make them twice, alike."""
        if self._texture is None:
            self._texture = mean_and_variance(self.smooth)
        return self._texture

    @property
    def is_faint(self) -> bool:
        """Tell whether so little is textured that faint parts must count too."""
        if self._is_faint is None:
            textured = np.count_nonzero(self.blocks[1] > BLOCKS.textured)
            self._is_faint = bool(textured < BLOCKS.faint_share * self.blocks[1].size)
        return self._is_faint

    @property
    def faint(self) -> Faint:
        """Remove the slope of every block."""
        return Faint.of(self.smooth, *self.blocks)

    def mirrored(self) -> Plane:
        """Left to right."""
        return Plane(np.ascontiguousarray(self.pixels[:, ::-1]))


@dataclass(frozen=True, slots=True)
class Faint:
    """What overlapping blocks of 12×12 pixels, six apart, show beyond a slope; ``(rows, columns)``.

    Attributes:
        down: float32, of the deviation, how much is a slope from top to bottom, grey levels.
        across: float32, from left to right, grey levels.
        variance: float32, beyond these, squared grey levels.
    """

    down: FloatArray
    across: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, plane: FloatArray, mean: FloatArray, variance: FloatArray) -> Faint:
        """Of a plane ``(h, w)`` float32 whose blocks have this mean and variance."""
        height, width = plane.shape
        exact = plane.astype(np.float64)
        down = np.asarray(_rising(height) @ exact @ _windows(width).T, np.float32)
        across = np.asarray(_windows(height) @ exact @ _rising(width).T, np.float32)
        return cls(down, across, np.maximum(variance - down * down - across * across, 0))


def smoothed(plane: UInt8Array) -> FloatArray:
    """Smooth the noise of compression out of a plane ``(h, w)``, float32 grey levels."""
    # two boxes of three are nearly a Gaussian of 1.2 pixels, and a quarter of its cost
    box = (BLOCKS.blur, BLOCKS.blur)
    return np.asarray(cv2.blur(cv2.blur(plane, box), box), dtype=np.float32)


def mean_and_variance(plane: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Of every block of a plane ``(h, w)``: ``(rows, columns)`` each, float32."""
    mean = means(plane)
    return mean, np.maximum(means(plane * plane) - mean * mean, 0)


def means(plane: NDArray[np.floating]) -> FloatArray:
    """Means ``(rows, columns)`` of overlapping blocks of a plane ``(h, w)``, float32.

    Two matrix products are cheaper than a filter of every pixel. Of whole numbers below 2^16 they
    are sums that float32 holds exactly, in whatever order a processor adds; others want float64.
    """
    down, across = _inside(plane.shape[0], plane.dtype), _inside(plane.shape[1], plane.dtype)
    return np.asarray(down @ plane @ across.T / _counts(*plane.shape), np.float32)


@lru_cache(maxsize=512)
def _rising(length: int) -> NDArray[np.float64]:
    """``(blocks, length)`` weights that take the slope of every block along one axis."""
    weights = _windows(length)
    at = np.arange(length)
    middle = weights @ at
    rise = (at - middle[:, None]) * (weights > 0)
    rise /= np.sqrt((rise**2 * weights).sum(axis=1, keepdims=True))
    return np.asarray(rise * weights)


@lru_cache(maxsize=512)
def _windows(length: int) -> NDArray[np.float64]:
    """``(blocks, length)`` weights that average every block along one axis."""
    inside = _inside(length, np.dtype(np.float64))
    return np.asarray(inside / inside.sum(axis=1, keepdims=True))


@lru_cache(maxsize=1024)
def _inside(length: int, dtype: np.dtype[np.floating]) -> NDArray[np.floating]:
    """``(blocks, length)`` 1 where a block lies along one axis, else 0."""
    step = BLOCKS.step
    starts = np.arange(max(1, -(-(length - step) // step))) * step
    at = np.arange(length)
    return ((at >= starts[:, None]) & (at < starts[:, None] + BLOCKS.side)).astype(dtype)


@lru_cache(maxsize=512)
def _counts(height: int, width: int) -> FloatArray:
    """``(rows, columns)`` pixels of every block."""
    tall, wide = (_inside(n, np.dtype(np.float32)).sum(axis=1) for n in (height, width))
    return np.asarray(np.outer(tall, wide), np.float32)
