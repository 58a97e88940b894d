"""Perceptual hashes of the literature, bit for bit equal to those of the libraries named.

aHash, dHash, pHash and wHash as ImageHash 4.3 (https://github.com/JohannesBuchner/imagehash),
blockhash as commonsmachinery's ``bmvbhash`` (https://github.com/commonsmachinery/blockhash), and
the gradient fingerprint of 51,198 bits over 200×128 grey pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.model.arrays import UInt8Array
from lookalike.model.image import DescriptorSpec, Picture

__all__ = ["FINGERPRINT_BITS", "HASHES", "HashDescriptor"]

FINGERPRINT_BITS = 51_198
_WIDE, _TALL = 200, 128
_BANDS = 4

Bits = NDArray[np.bool_]


class HashDescriptor:
    """Describes pictures by one of the hashes: packed bits, compared by Hamming distance.

    Args:
        name: key of ``HASHES``.
    """

    min_side = 224

    def __init__(self, name: str) -> None:
        self._compute, bits, preprocessing = HASHES[name]
        stored = -(-bits // 8) * 8
        self.spec = DescriptorSpec(name, "1", "hamming", stored, "uint8", preprocessing)

    def describe(self, picture: Picture) -> UInt8Array:
        """Compute ``(bits / 8,)`` uint8, most significant bit first, padded with zeros."""
        return np.packbits(self._compute(picture.rgb).reshape(-1))


def _grey(rgb: UInt8Array, width: int, height: int) -> NDArray[np.float64]:
    image = Image.fromarray(rgb).convert("L")
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS), np.float64)


def _average(rgb: UInt8Array) -> Bits:
    grey = _grey(rgb, 8, 8)
    return grey > grey.mean()


def _difference(side: int) -> Callable[[UInt8Array], Bits]:
    def bits(rgb: UInt8Array) -> Bits:
        grey = _grey(rgb, side + 1, side)
        return grey[:, 1:] > grey[:, :-1]

    return bits


def _perceptual(rgb: UInt8Array) -> Bits:
    grey = _grey(rgb, 32, 32)
    position = np.pi * (2 * np.arange(32) + 1) / 64
    cosines = 2 * np.cos(np.arange(8)[:, None] * position)
    low = cosines @ grey @ cosines.T
    return low > np.median(low)


def _wavelet(rgb: UInt8Array) -> Bits:
    """Compute wHash's Haar approximation at 8×8: sums of blocks."""
    side = 1 << max(3, min(rgb.shape[:2]).bit_length() - 1)
    sums = _grey(rgb, side, side).reshape(8, side // 8, 8, side // 8).sum(axis=(1, 3))
    return sums > np.median(sums)


def _block(rgb: UInt8Array) -> Bits:
    """Compute blockhash of 16×16 blocks: sums of RGB against the band's median."""
    height, width = rgb.shape[:2]
    total = rgb.sum(axis=2, dtype=np.float64)
    blocks = _shares(height) @ total @ _shares(width).T
    half = 768 / 2 * (height / 16) * (width / 16)
    bands = blocks.reshape(_BANDS, -1)
    median = np.median(bands, axis=1, keepdims=True)
    near = np.abs(bands - median) < 1
    return np.asarray((bands > median) | (near & (median > half)))


def _shares(length: int) -> NDArray[np.float64]:
    """Make weights ``(16, length)``: how much of every pixel falls into every block."""
    edges = np.linspace(0, length, 17)
    start, end = np.arange(length), np.arange(1, length + 1)
    inside = np.minimum(end, edges[1:, None]) - np.maximum(start, edges[:-1, None])
    return np.clip(inside, 0, 1)


def _fingerprint(rgb: UInt8Array) -> Bits:
    """Compare each grey pixel with the next, along the rows and along the columns."""
    grey = _grey(rgb, _WIDE, _TALL)
    rows, columns = grey.reshape(-1), grey.T.reshape(-1)
    return np.concatenate([rows[1:] > rows[:-1], columns[1:] > columns[:-1]])


HASHES: Mapping[str, tuple[Callable[[UInt8Array], Bits], int, str]] = {
    "ahash": (_average, 64, "8x8 grey, Lanczos"),
    "dhash16": (_difference(4), 16, "5x4 grey, Lanczos"),
    "dhash": (_difference(8), 64, "9x8 grey, Lanczos"),
    "phash": (_perceptual, 64, "32x32 grey, Lanczos, 8x8 cosines"),
    "whash": (_wavelet, 64, "grey, Lanczos to a power of 2, Haar to 8x8"),
    "blockhash": (_block, 256, "16x16 blocks of summed RGB, 4 bands"),
    "fingerprint": (_fingerprint, FINGERPRINT_BITS, "200x128 grey, Lanczos"),
}
