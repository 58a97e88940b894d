"""Verification of whole frames: thumbs, turned as the hash says, compared block by block.

A perceptual hash proposes that two whole frames are one picture in a known orientation. Thumbs of
32×32 settle that for thousands of pairs at once, far cheaper than keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.config import HashConfig
from lookalike.descriptors.cells import Cells
from lookalike.descriptors.hashes import ORIENTATIONS, THUMB_SIDE, orient_thumbs, thumb_planes
from lookalike.descriptors.limits import THUMB_CELLS
from lookalike.model.arrays import BoolArray, FloatArray, IntArray, UInt8Array
from lookalike.model.image import ImageRef
from lookalike.model.match import Verification
from lookalike.verification.edit import Tone, whole_frame
from lookalike.verification.limits import BLOCKS, FRAMES, THUMBS

__all__ = ["ThumbAgreement", "agree", "explain_whole_frames"]

# pairs compared at once: what memory holds
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class ThumbAgreement:
    """How pairs of thumbs agree, one value a pair.

    Attributes:
        share: ``(k,)`` float32, share of textured blocks that correlate at .6, 0..1; 1 where there
            are too few to tell.
        correlation: ``(k,)`` float32, mean correlation of textured blocks, −1..1.
        least: ``(k,)`` float32, lowest correlation of a block that is textured in both, −1..1; 1
            where there is none.
        shown: ``(k,)`` float32, share of the cells that agree beyond a slope, faint ones too, 0..1.
        rest: ``(k,)`` float32, mean correlation of the cells that are not plainly the same, −1..1;
            1 where there are none.
        gain: ``(k,)`` float32, luma contrast of the ref relative to the query.
        offset: ``(k,)`` float32, grey levels added in the ref.
        grey: ``(k,)`` int8, +1 where only the ref is colourless, −1 where only the query is.
        tint: ``(k,)`` float32, mean chroma difference in grey levels.
    """

    share: FloatArray
    correlation: FloatArray
    least: FloatArray
    shown: FloatArray
    rest: FloatArray
    gain: FloatArray
    offset: FloatArray
    grey: NDArray[np.int8]
    tint: FloatArray

    def take(self, rows: IntArray) -> ThumbAgreement:
        """Some of the pairs."""
        return ThumbAgreement(*(getattr(self, name)[rows] for name in self.__slots__))

    def accepted(self, config: HashConfig, stretches: NDArray[np.floating]) -> BoolArray:
        """Tell which ``(k,)`` pairs are one picture.

        Two pages of one template may agree nearly everywhere; where they do not, both show
        something, or one does, faintly. Such pairs are left to keypoints.

        Args:
            config: settings.
            stretches: ``(k,)`` as of ``descriptors.hashes.stretches_of``.
        """
        beyond_frame = self.shown >= config.mostly_shown
        beyond_frame |= self.rest >= config.min_rest * (1 - self.shown)
        return (
            (self.share >= config.min_agreement)
            & (self.correlation >= config.min_correlation)
            & (self.least >= config.min_block)
            & (self.shown >= config.min_shown)
            & (stretches <= FRAMES.most_stretch)
            & beyond_frame
        )


def agree(
    thumbs: UInt8Array,
    query: IntArray,
    ref: IntArray,
    orientation: IntArray,
    *,
    threads: int = 1,
) -> ThumbAgreement:
    """Compare pairs of rows of ``thumbs``.

    Args:
        thumbs: ``(n, 1152)`` uint8 of ``THUMB_SPEC``.
        query: ``(k,)`` rows; these are turned into ``orientation`` first.
        ref: ``(k,)`` rows.
        orientation: ``(k,)`` indices of ``ORIENTATIONS``.
        threads: chunks worked on at once.
    """
    columns = np.empty((len(ThumbAgreement.__slots__), len(query)), np.float32)
    chunks = []
    for turn in range(len(ORIENTATIONS)):
        rows = np.flatnonzero(orientation == turn)
        chunks += [(turn, rows[at : at + _CHUNK]) for at in range(0, len(rows), _CHUNK)]

    def work(chunk: tuple[int, IntArray]) -> None:
        turn, rows = chunk
        # neighbouring pairs share most of their thumbs
        own, asked = np.unique(query[rows], return_inverse=True)
        others, met = np.unique(ref[rows], return_inverse=True)
        turned, upright = _Planes.of(thumbs[own], turn), _Planes.of(thumbs[others], 0)
        columns[:, rows] = _agree(turned, upright, asked, met)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, chunks))
    share, correlation, least, shown, rest, gain, offset, grey, tint = columns
    kind = grey.astype(np.int8)
    return ThumbAgreement(share, correlation, least, shown, rest, gain, offset, kind, tint)


def explain_whole_frames(
    queries: Sequence[ImageRef],
    refs: Sequence[ImageRef],
    orientation: IntArray,
    agreement: ThumbAgreement,
) -> list[Verification]:
    """Make the evidence of accepted pairs, the edit of each named from query to ref."""
    columns = (
        np.round(getattr(agreement, name).astype(np.float64), 4).tolist()
        for name in ("share", "correlation", "gain", "offset", "grey", "tint")
    )
    return [
        whole_frame(
            (query.width, query.height),
            (ref.width, ref.height),
            ORIENTATIONS[turn],
            (share, likeness),
            Tone(gain, offset, grey, tint),
        )
        for query, ref, turn, share, likeness, gain, offset, grey, tint in zip(
            queries, refs, orientation.tolist(), *columns, strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class _Planes:
    """All thumbs in one orientation, with the statistics that no pair changes.

    Attributes:
        luma: ``(n, 1024)`` float32.
        mean: ``(n, 49)`` float32 of overlapping windows.
        variance: ``(n, 49)`` float32.
        level: ``(n,)`` float32 mean of the whole.
        spread: ``(n,)`` float32 standard deviation of the whole.
        chroma: ``(n, 128)`` float32, around zero.
        cells: of the luma.
    """

    luma: FloatArray
    mean: FloatArray
    variance: FloatArray
    level: FloatArray
    spread: FloatArray
    chroma: FloatArray
    cells: Cells

    @classmethod
    def of(cls, thumbs: UInt8Array, turn: int) -> _Planes:
        luma, *chroma = (_turned(plane, turn) for plane in thumb_planes(thumbs))
        mean = luma @ _windows()
        return cls(
            luma=luma,
            mean=mean,
            variance=np.maximum((luma * luma) @ _windows() - mean * mean, 0),
            level=luma.mean(axis=1),
            spread=luma.std(axis=1),
            chroma=np.concatenate(chroma, axis=1) - 128,
            cells=Cells.of(luma),
        )


def _agree(turned: _Planes, upright: _Planes, query: IntArray, ref: IntArray) -> FloatArray:
    """``(9, k)``: the columns of ``ThumbAgreement``."""
    whole = turned.luma[query] * upright.luma[ref]
    product = whole @ _windows()
    variance_a, variance_b = turned.variance[query], upright.variance[ref]
    covariance = product - turned.mean[query] * upright.mean[ref]
    correlation = covariance / np.sqrt((variance_a + BLOCKS.noise) * (variance_b + BLOCKS.noise))
    textured = np.maximum(variance_a, variance_b) > THUMBS.textured
    blocks = textured.sum(axis=1)
    count = np.maximum(blocks, 1)
    share = ((correlation > BLOCKS.agreeing) & textured).sum(axis=1) / count
    mean = np.where(textured, correlation, 0).sum(axis=1) / count
    share, mean = (np.where(blocks < BLOCKS.fewest, 1, values) for values in (share, mean))
    in_both = np.minimum(variance_a, variance_b) > THUMBS.textured
    worst = np.where(in_both, correlation, 1).min(axis=1)
    covariance = whole.mean(axis=1) - turned.level[query] * upright.level[ref]
    shown, rest = _cells_that_agree(
        turned.cells.take(query),
        upright.cells.take(ref),
        whole,
        covariance / np.maximum(turned.spread[query] ** 2, THUMBS.least_variance),
        (turned.level[query], upright.level[ref]),
    )
    # what has no contrast has none to lose
    least = BLOCKS.contrast
    gain = np.maximum(upright.spread[ref], least) / np.maximum(turned.spread[query], least)
    offset = upright.level[ref] - gain * turned.level[query]
    a, b = turned.chroma[query], upright.chroma[ref]
    colour_a, colour_b = (2 * np.abs(plane).mean(axis=1) for plane in (a, b))
    lacks, has = THUMBS.colourless, THUMBS.colourful
    grey = ((colour_b < lacks) & (colour_a > has)).astype(np.float32)
    grey -= (colour_a < lacks) & (colour_b > has)
    tint = 2 * np.abs(a - b).mean(axis=1)
    made = (share, mean, worst, shown, rest, gain, offset, grey, tint)
    return np.stack(made).astype(np.float32)


def _cells_that_agree(
    query: Cells,
    ref: Cells,
    product: FloatArray,
    gain: FloatArray,
    levels: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Measure the share ``(k,)`` of cells that agree, and the correlation ``(k,)`` of the rest.

    Two plain pictures in one frame agree in the frame; what is faint then tells.

    Args:
        query: cells of the queries.
        ref: cells of the refs.
        product: ``(k, 1024)`` of the luma of both.
        gain: ``(k,)`` levels of the ref for one of the query.
        levels: ``(k,)`` mean luma of both.
    """
    noise = THUMBS.cell_noise
    spread = np.sqrt((query.variance + noise) * (ref.variance + noise))
    correlation = query.covariance(ref, product) / spread
    least = np.minimum(query.variance, ref.variance)
    telling = np.maximum(query.variance, ref.variance) > THUMB_CELLS.telling
    agreeing = (least > THUMB_CELLS.telling) & (correlation > BLOCKS.agreeing)
    expected = levels[1][:, None] + gain[:, None] * (query.mean - levels[0][:, None])
    shifted = ~telling & (np.abs(ref.mean - expected) > BLOCKS.lighter)
    rest = shifted | (telling & ~(agreeing & (least > THUMBS.textured)))
    count = rest.sum(axis=1)
    sums = np.where(rest & telling, correlation, 0).sum(axis=1)
    mean = np.where(count < THUMBS.least_rest, 1, sums / np.maximum(count, 1))
    return agreeing.mean(axis=1), mean


def _turned(planes: UInt8Array, turn: int) -> FloatArray:
    return orient_thumbs(planes, turn).reshape(len(planes), -1).astype(np.float32)


@lru_cache(maxsize=1)
def _windows() -> FloatArray:
    """``(1024, 49)``: means of overlapping windows of 8×8 at steps of 4."""
    side = THUMBS.side
    starts = range(0, THUMB_SIDE - side + 1, THUMBS.step)
    masks = []
    for top in starts:
        for left in starts:
            mask = np.zeros((THUMB_SIDE, THUMB_SIDE), np.float32)
            mask[top : top + side, left : left + side] = 1 / side**2
            masks.append(mask.reshape(-1))
    return np.stack(masks, axis=1)
