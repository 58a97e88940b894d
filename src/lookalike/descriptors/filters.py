"""Handcrafted descriptors: raw pixels, and the four filters of a VisiPics-like comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.image import DescriptorSpec, Picture

__all__ = ["FILTERS", "FilterDescriptor"]

_SIDE = 128


class FilterDescriptor:
    """Describes pictures by one of the filters.

    Args:
        name: key of ``FILTERS``.
    """

    min_side = 224

    def __init__(self, name: str) -> None:
        self._compute, dim, metric, dtype, preprocessing = FILTERS[name]
        self.spec = DescriptorSpec(name, "1", metric, dim, dtype, preprocessing)

    def describe(self, picture: Picture) -> NDArray[np.generic]:
        """Compute ``(dim,)`` values of the spec's type."""
        return self._compute(picture.rgb).astype(self.spec.dtype)


def _square(rgb: UInt8Array, side: int = _SIDE) -> UInt8Array:
    return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA))


def _raw(rgb: UInt8Array) -> UInt8Array:
    """Take 224×224 pixels, channels first: the "raw pixels" of an ImageNet network."""
    return _square(rgb, 224).transpose(2, 0, 1).reshape(-1)


def _root(counts: NDArray[Any]) -> FloatArray:
    """Take roots of shares: Euclidean distance is then √2 times Hellinger's."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.sqrt(counts / np.where(total > 0, total, 1)).astype(np.float32)


def _colour(rgb: UInt8Array) -> FloatArray:
    """Count 64 bins of RGB in each quarter, each quarter with weight 1/4."""
    square = _square(rgb).astype(int) // 64
    bins = square[..., 0] * 16 + square[..., 1] * 4 + square[..., 2]
    return _quarters(bins, 64)


def _texture(rgb: UInt8Array) -> FloatArray:
    """Count local binary patterns (Ojala et al. 2002) of a smoothed luma in each quarter."""
    luma = cv2.GaussianBlur(cv2.cvtColor(_square(rgb), cv2.COLOR_RGB2GRAY), (5, 5), 0)
    inner = luma[1:-1, 1:-1].astype(np.int16)
    around = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    code = np.zeros(inner.shape, int)
    for bit, (y, x) in enumerate(around):
        code |= (luma[y : y + inner.shape[0], x : x + inner.shape[1]] > inner + 2) << bit
    return _quarters(code, 256)


def _quarters(bins: NDArray[np.signedinteger], count: int) -> FloatArray:
    half = bins.shape[0] // 2
    parts = [
        np.bincount(bins[y : y + half, x : x + half].reshape(-1), minlength=count)
        for y in (0, half)
        for x in (0, half)
    ]
    return np.asarray(_root(np.stack(parts)).reshape(-1) / 2, np.float32)


def _edges(rgb: UInt8Array) -> FloatArray:
    """Sum edge strength in 8 directions (0..180°) of 4×4 blocks."""
    luma = cv2.cvtColor(_square(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    strength = np.hypot(across, down)
    direction = np.minimum((np.arctan2(down, across) % np.pi / np.pi * 8).astype(int), 7)
    block = _SIDE // 4
    place = np.add.outer(np.arange(_SIDE) // block * 4, np.arange(_SIDE) // block)
    bins = (place * 8 + direction).reshape(-1)
    return _root(np.bincount(bins, strength.reshape(-1), minlength=128))


def _luminance(rgb: UInt8Array) -> FloatArray:
    """Take 16×16 luma, without its mean, of unit length: the layout of light and dark."""
    luma = cv2.cvtColor(_square(rgb), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(luma, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    centred: FloatArray = (small - small.mean()).reshape(-1)
    return np.asarray(centred / (float(np.linalg.norm(centred)) or 1.0), np.float32)


_Filter = tuple[Callable[[UInt8Array], NDArray[np.generic]], int, str, str, str]
FILTERS: Mapping[str, _Filter] = {
    "raw": (_raw, 3 * 224 * 224, "cosine", "uint8", "224x224 RGB, channels first"),
    "colour": (_colour, 256, "euclidean", "float16", "128x128, 64 colours a quarter, rooted"),
    "edges": (_edges, 128, "euclidean", "float16", "128x128 luma, 8 directions a block, rooted"),
    "texture": (_texture, 1024, "euclidean", "float16", "128x128 luma, patterns a quarter, rooted"),
    "luminance": (_luminance, 256, "euclidean", "float16", "16x16 luma, centred, unit length"),
}
