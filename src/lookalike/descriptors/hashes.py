"""Compute PDQ hashes in 8 orientations, and thumbs, which confirm what a hash proposes.

PDQ follows Meta's reference (https://github.com/facebook/ThreatExchange, ``pdq/``) for a picture
resized to 512×512. The resize, two box filters, the decimation and the cosine transform are all
linear and separable, so each axis is one small matrix, made once per length: the whole hash is
two matrix products. Resizing first matters: decimating a small picture picks pixels off centre, and
a mirrored copy would hash elsewhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.cells import Cells
from lookalike.model.arrays import FloatArray, IntArray, UInt8Array
from lookalike.model.image import DescriptorSpec, Picture

__all__ = [
    "BACKDROPS",
    "HASH_SPECS",
    "ORIENTATIONS",
    "PDQ_SPEC",
    "THUMB_SIDE",
    "THUMB_SPEC",
    "HashRow",
    "describe_backdrops",
    "describe_hashes",
    "orient_thumbs",
    "pdq_coefficients",
    "pdq_hashes",
    "stretches_of",
    "thumb_planes",
    "turns_of",
]

PDQ_SPEC = DescriptorSpec("pdq", "1", "hamming", 8 * 256, "uint8", "luma, resized to 512x512")
THUMB_SIDE = 32
CHROMA_SIDE = 8
THUMB_SPEC = DescriptorSpec(
    "thumb",
    "1",
    "correlation",
    THUMB_SIDE * THUMB_SIDE + 2 * CHROMA_SIDE * CHROMA_SIDE,
    "uint8",
    "32x32 luma of PDQ's buffer, 8x8 Cb, 8x8 Cr, squashed to a square",
)
#: specs of what ``describe_hashes`` gives
HASH_SPECS = (PDQ_SPEC, THUMB_SPEC)
# transpose, flip top-bottom, flip left-right, applied in this order; orientation 0 does nothing
ORIENTATIONS: tuple[tuple[bool, bool, bool], ...] = tuple(
    (bool(t), bool(v), bool(h)) for t in (0, 1) for v in (0, 1) for h in (0, 1)
)
#: greys over which pictures with transparent parts are described too, beside white
BACKDROPS = tuple(range(0, 256, 32))
_RESIZED = 512
_SIDE = 64
_BITS = 16


class HashRow:
    """The hashes of one picture.

    Attributes:
        pdq: ``(256,)`` uint8, the 8 orientations' 256-bit hashes one after the other.
        thumb: ``(1152,)`` uint8, see ``THUMB_SPEC``.
        telling: cells of the thumb that show more than a slope, 0..64.
    """

    __slots__ = ("pdq", "telling", "thumb")

    def __init__(self, pdq: UInt8Array, thumb: UInt8Array, telling: int) -> None:
        self.pdq = pdq
        self.thumb = thumb
        self.telling = telling


def describe_hashes(picture: Picture) -> HashRow:
    """Compute PDQ in 8 orientations and the thumb of one picture."""
    luma = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    return _hash_row(_buffer(luma.astype(np.float32)), _chroma(picture.rgb))


def describe_backdrops(picture: Picture) -> tuple[HashRow, ...]:
    """Hash a picture with transparent parts over each of ``BACKDROPS``; none if it is opaque.

    Transparent parts are white in the picture, and luma, buffer and greys are linear, so two
    buffers give all of them. Grey has no colour, so the tints stay.
    """
    if picture.alpha is None:
        return ()
    luma = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    white, through = _buffer(luma.astype(np.float32)), _buffer(255.0 - picture.alpha)
    chroma = _chroma(picture.rgb)
    shades = (white - through * ((255 - grey) / 255) for grey in BACKDROPS)
    return tuple(_hash_row(np.clip(shade, 0, 255), chroma) for shade in shades)


def pdq_coefficients(luma: FloatArray) -> NDArray[np.floating]:
    """Compute the ``(16, 16)`` float32 cosine coefficients that PDQ thresholds.

    Args:
        luma: ``(h, w)`` float32, 0..255.
    """
    return _coefficients(_buffer(luma))


def pdq_hashes(coefficients: NDArray[np.floating]) -> UInt8Array:
    """Make 256-bit hashes of the 8 orientations from one set of coefficients.

    Turning a picture only transposes its cosine coefficients and flips the sign of the odd
    frequencies, so nothing is transformed twice (as Meta's ``dihedral`` hashes do).

    Returns:
        ``(256,)`` uint8: orientation ``o`` of ``ORIENTATIONS`` at bytes ``32 o .. 32 o + 31``,
        bits row by row, most significant first.
    """
    stack = coefficients.reshape(-1)[_orientation_order()] * _orientation_signs()
    median = np.partition(stack, 127, axis=1)[:, 127:128]
    return np.packbits(stack > median, axis=1).reshape(-1)


def orient_thumbs(luma: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn square planes ``(n, s, s)`` into an orientation of ``ORIENTATIONS``."""
    transpose, vertical, horizontal = ORIENTATIONS[orientation]
    turned = luma.transpose(0, 2, 1) if transpose else luma
    if vertical:
        turned = turned[:, ::-1]
    return turned[:, :, ::-1] if horizontal else turned


def thumb_planes(thumbs: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
    """Split stored rows of ``THUMB_SPEC`` into luma ``(n, 32, 32)``, Cb and Cr ``(n, 8, 8)``."""
    luma, chroma = THUMB_SIDE**2, CHROMA_SIDE**2
    return (
        thumbs[:, :luma].reshape(-1, THUMB_SIDE, THUMB_SIDE),
        thumbs[:, luma : luma + chroma].reshape(-1, CHROMA_SIDE, CHROMA_SIDE),
        thumbs[:, luma + chroma :].reshape(-1, CHROMA_SIDE, CHROMA_SIDE),
    )


def turns_of(rows: UInt8Array) -> UInt8Array:
    """Split stored rows of ``PDQ_SPEC`` into ``(n, 8, 32)`` hashes in every orientation."""
    return rows.reshape(len(rows), len(ORIENTATIONS), -1)


def stretches_of(queries: IntArray, refs: IntArray, turns: IntArray) -> NDArray[np.float64]:
    """Compute ``(k,)`` how much more one side grows than the other, 1 or more, from query to ref.

    Args:
        queries: ``(k, 2)`` widths and heights in pixels.
        refs: ``(k, 2)`` likewise.
        turns: ``(k,)`` numbers of ``ORIENTATIONS`` by which the queries are turned.
    """
    transposed = np.array([transpose for transpose, _, _ in ORIENTATIONS])[turns]
    ratio = refs[..., 0] / refs[..., 1] * queries[..., 1] / queries[..., 0]
    turned = refs[..., 0] / refs[..., 1] * queries[..., 0] / queries[..., 1]
    ratio = np.where(transposed, turned, ratio)
    return np.asarray(np.maximum(ratio, 1 / ratio))


def _hash_row(buffer: FloatArray, chroma: UInt8Array) -> HashRow:
    # shrink by a whole factor, so that areas are means
    cells = cv2.resize(buffer, (THUMB_SIDE, THUMB_SIDE), interpolation=cv2.INTER_AREA)
    small = np.rint(cells).astype(np.uint8).reshape(-1)
    telling = int(Cells.of(small[None].astype(np.float32)).telling[0])
    return HashRow(pdq_hashes(_coefficients(buffer)), np.concatenate([small, chroma]), telling)


def _buffer(luma: FloatArray) -> FloatArray:
    """Filter and decimate luma into ``(64, 64)``."""
    height, width = luma.shape
    return _axis_matrix(height) @ (luma @ _axis_matrix(width).T)


def _coefficients(buffer: FloatArray) -> NDArray[np.floating]:
    return _dct_matrix() @ buffer @ _dct_matrix().T


def _chroma(rgb: UInt8Array) -> UInt8Array:
    """Compute ``(128,)`` Cb and Cr of 8×8 cells; a sample of pixels is enough for a tint."""
    step = max(1, min(rgb.shape[:2]) // 32)
    sample = np.ascontiguousarray(rgb[::step, ::step])
    small = cv2.resize(sample, (CHROMA_SIDE, CHROMA_SIDE), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb).transpose(2, 0, 1)
    return np.asarray(planes[[2, 1]].reshape(-1))


@lru_cache(maxsize=512)
def _axis_matrix(length: int) -> FloatArray:
    """Make the ``(64, length)`` matrix of resizing to 512, two box filters and decimation."""
    window = (_RESIZED + 2 * _SIDE - 1) // (2 * _SIDE)
    half = (window + 2) // 2
    out = np.arange(_RESIZED)
    left = np.maximum(out + half - window, 0)
    right = np.minimum(out + half, _RESIZED)
    inside = (out >= left[:, None]) & (out < right[:, None])
    box = inside / inside.sum(axis=1, keepdims=True)
    kept = ((np.arange(_SIDE) + 0.5) * _RESIZED / _SIDE).astype(int)
    return np.ascontiguousarray(box[kept] @ box @ _resize_matrix(length), dtype=np.float32)


def _resize_matrix(length: int) -> NDArray[np.float64]:
    """Make the ``(512, length)`` matrix of linear interpolation or of area averages."""
    if length == _RESIZED:
        return np.eye(length)
    centres = (np.arange(_RESIZED) + 0.5) * length / _RESIZED - 0.5
    reach = max(1.0, length / _RESIZED)
    weights = np.clip(1 - np.abs(np.arange(length) - centres[:, None]) / reach, 0, None)
    clamped = np.clip(centres, 0, length - 1)
    if reach == 1.0:
        weights = np.clip(1 - np.abs(np.arange(length) - clamped[:, None]), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@lru_cache(maxsize=1)
def _dct_matrix() -> FloatArray:
    frequency = np.arange(1, _BITS + 1)[:, None]
    position = np.arange(_SIDE)[None, :]
    matrix = np.sqrt(2.0 / _SIDE) * np.cos(np.pi / (2 * _SIDE) * frequency * (2 * position + 1))
    return matrix.astype(np.float32)


@lru_cache(maxsize=1)
def _orientation_order() -> NDArray[np.int64]:
    plain = np.arange(_BITS * _BITS).reshape(_BITS, _BITS)
    return np.stack([(plain.T if t else plain).reshape(-1) for t, _, _ in ORIENTATIONS])


@lru_cache(maxsize=1)
def _orientation_signs() -> FloatArray:
    odd = np.where(np.arange(1, _BITS + 1) % 2 == 1, -1.0, 1.0)
    ones = np.ones(_BITS)
    return np.stack(
        [np.outer(odd if v else ones, odd if h else ones).reshape(-1) for _, v, h in ORIENTATIONS]
    ).astype(np.float32)
