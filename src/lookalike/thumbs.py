"""Verification of whole frames: thumbs, turned as the hash says, compared block by block.

A perceptual hash proposes that two whole frames are one picture in a known orientation. Thumbs of
32×32 settle that for thousands of pairs at once, far cheaper than keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.config import VerifyConfig
from lookalike.descriptors.hashes import CHROMA_SIDE, ORIENTATIONS, THUMB_SIDE, orient_thumbs
from lookalike.explain import Tone, whole_frame
from lookalike.types import FloatArray, ImageRef, IntArray, UInt8Array, Verification

__all__ = ["ThumbAgreement", "agree", "explain_whole_frame"]

_WINDOW = 8
_STEP = 4
_TEXTURE_VARIANCE = 12.0
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class ThumbAgreement:
    """How pairs of thumbs agree, one value a pair.

    Attributes:
        share: ``(k,)`` float32, share of textured blocks that correlate at .6, 0..1.
        correlation: ``(k,)`` float32, mean correlation of textured blocks, −1..1.
        gain: ``(k,)`` float32, luma contrast of the ref relative to the query.
        offset: ``(k,)`` float32, grey levels added in the ref.
        grey: ``(k,)`` int8, +1 where only the ref is colourless, −1 where only the query is.
        tint: ``(k,)`` float32, mean chroma difference in grey levels.
    """

    share: FloatArray
    correlation: FloatArray
    gain: FloatArray
    offset: FloatArray
    grey: NDArray[np.int8]
    tint: FloatArray

    def accepted(self, config: VerifyConfig) -> NDArray[np.bool_]:
        """``(k,)`` which pairs are one picture."""
        return (self.share >= config.min_thumb_agreement) & (
            self.correlation >= config.min_thumb_correlation
        )


def agree(
    thumbs: UInt8Array, query: IntArray, ref: IntArray, orientation: IntArray
) -> ThumbAgreement:
    """Compare pairs of rows of ``thumbs``.

    Args:
        thumbs: ``(n, 1152)`` uint8 of ``THUMB_SPEC``.
        query: ``(k,)`` rows; these are turned into ``orientation`` first.
        ref: ``(k,)`` rows.
        orientation: ``(k,)`` indices of ``ORIENTATIONS``.
    """
    order = np.argsort(orientation, kind="stable")
    columns = np.empty((6, len(query)), np.float32)
    for turn in range(len(ORIENTATIONS)):
        rows = order[orientation[order] == turn]
        for at in range(0, len(rows), _CHUNK):
            some = rows[at : at + _CHUNK]
            columns[:, some] = _agree(thumbs[query[some]], thumbs[ref[some]], turn)
    share, correlation, gain, offset, grey, tint = columns
    return ThumbAgreement(share, correlation, gain, offset, grey.astype(np.int8), tint)


def explain_whole_frame(
    query: ImageRef, ref: ImageRef, orientation: int, agreement: ThumbAgreement, row: int
) -> Verification:
    """The evidence of one accepted pair, its edit named from query to ref."""
    return whole_frame(
        query_size=(query.width, query.height),
        ref_size=(ref.width, ref.height),
        orientation=ORIENTATIONS[orientation],
        agreement=float(agreement.share[row]),
        tone=Tone(
            gain=float(agreement.gain[row]),
            offset=float(agreement.offset[row]),
            grey=int(agreement.grey[row]),
            tint=float(agreement.tint[row]),
        ),
    )


def _agree(query: UInt8Array, ref: UInt8Array, orientation: int) -> FloatArray:
    """``(6, k)``: share, correlation, gain, offset, grey, tint."""
    cells = THUMB_SIDE * THUMB_SIDE
    a = orient_thumbs(_plane(query[:, :cells], THUMB_SIDE), orientation)
    b = _plane(ref[:, :cells], THUMB_SIDE)
    mean_a, mean_b = _blocks(a), _blocks(b)
    variance_a = np.maximum(_blocks(a * a) - mean_a**2, 0)
    variance_b = np.maximum(_blocks(b * b) - mean_b**2, 0)
    covariance = _blocks(a * b) - mean_a * mean_b
    correlation = covariance / np.sqrt((variance_a + 2.0) * (variance_b + 2.0))
    textured = np.maximum(variance_a, variance_b) > _TEXTURE_VARIANCE
    count = np.maximum(textured.sum(axis=1), 1)
    enough = textured.sum(axis=1) >= 3
    share = ((correlation > 0.6) & textured).sum(axis=1) / count * enough
    mean = np.where(textured, correlation, 0).sum(axis=1) / count
    spread_a, spread_b = a.std(axis=(1, 2)), b.std(axis=(1, 2))
    gain = spread_b / np.maximum(spread_a, 1.0)
    offset = b.mean(axis=(1, 2)) - gain * a.mean(axis=(1, 2))
    grey, tint = _chroma(query[:, cells:], ref[:, cells:], orientation)
    return np.stack([share, mean, gain, offset, grey, tint]).astype(np.float32)


def _chroma(
    query: UInt8Array, ref: UInt8Array, orientation: int
) -> tuple[FloatArray, FloatArray]:
    half = CHROMA_SIDE * CHROMA_SIDE
    planes = []
    for at in (0, half):
        a = orient_thumbs(_plane(query[:, at : at + half], CHROMA_SIDE), orientation) - 128
        planes.append((a, _plane(ref[:, at : at + half], CHROMA_SIDE) - 128))
    colour = [sum(np.abs(pair[side]).mean(axis=(1, 2)) for pair in planes) for side in (0, 1)]
    tint = sum(np.abs(a - b).mean(axis=(1, 2)) for a, b in planes)
    grey = ((colour[1] < 2) & (colour[0] > 6)).astype(np.float32)
    grey -= (colour[0] < 2) & (colour[1] > 6)
    return grey, np.asarray(tint, dtype=np.float32)


def _plane(rows: UInt8Array, side: int) -> FloatArray:
    return rows.reshape(-1, side, side).astype(np.float32)


def _blocks(planes: FloatArray) -> FloatArray:
    """Means of overlapping windows, ``(k, 49)``."""
    cells = planes.reshape(len(planes), THUMB_SIDE // _STEP, _STEP, THUMB_SIDE // _STEP, _STEP)
    small = cells.mean(axis=(2, 4))
    sides = _WINDOW // _STEP
    last = THUMB_SIDE // _STEP - sides + 1
    windows = sum(small[:, i : i + last, j : j + last] for i in range(sides) for j in range(sides))
    return np.asarray(windows / sides**2, dtype=np.float32).reshape(len(planes), -1)
