"""Agreement of aligned pixels: which parts of two pictures show the same texture.

Keypoints alone lie: two strangers that share a caption, a texture or a sky have corresponding
keypoints too. So keypoints only propose a transform; then both pictures are laid over each other
and compared block by block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.verification.limits import BLOCKS, REFINEMENT
from lookalike.verification.matrices import growth_of, inverse
from lookalike.verification.plane import (
    Faint,
    Plane,
    mean_and_variance,
    means,
    smoothed,
)

__all__ = ["GRID", "Agreement", "agree_aligned", "is_flat_beyond", "refine"]

# cells along each side of a frame, as evidence has them, and what is looked up to fill them
GRID, _FINER = 8, 32
# pixels beyond which a corner is drawn no farther: its number must fit
_FAR = 10_000
# where the refinement has come to rest, and where a map has collapsed
_AT_REST, _COLLAPSED = 1e-3, 1e-6


class _Level(NamedTuple):
    """From which variance beyond a slope a block tells, and what of it is noise: grey levels²."""

    variance: float
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two aligned pictures have in common.

    Attributes:
        share: share of the textured blocks in both that correlate, 0..1.
        blocks: number of those blocks.
        likeness: mean correlation of the blocks that agree, .6..1: an edit leaves what it does not
            cover nearly as it was, another shot does not.
        covered: share of all the texture of that picture which the other shows more of, 0..1.
        gain: luma contrast of the ref relative to the query.
        offset: luma added in the ref, grey levels.
        query_cells: ``(8, 8)`` which parts of the query the ref shows too.
        ref_cells: ``(8, 8)`` which parts of the ref the query shows too.
    """

    share: float
    blocks: int
    likeness: float
    covered: float
    gain: float
    offset: float
    query_cells: NDArray[np.bool_]
    ref_cells: NDArray[np.bool_]


def agree_aligned(query: Plane, ref: Plane, transform: NDArray[np.floating]) -> Agreement | None:
    """Compare two pictures block by block after alignment.

    Args:
        query: the one picture.
        ref: the other.
        transform: ``(3, 3)`` query pixels → ref pixels.

    Returns:
        None where both together show too little texture to tell.
    """
    fixed, moving, is_swapped = ref, query, False
    if abs(growth_of(transform)) < BLOCKS.least_growth:
        # the query would shrink to few pixels: compare in its own frame instead
        transform, fixed, moving, is_swapped = inverse(transform), query, ref, True
    warped = cv2.warpPerspective(moving.pixels, transform, fixed.size, flags=cv2.INTER_LINEAR)
    growth = abs(growth_of(transform))
    inside = _shade(moving.size, transform, fixed.size)
    # what is magnified lacks detail that the other has: neither may count it
    is_magnified = growth > BLOCKS.magnified
    reach = max(BLOCKS.least_average, round(math.sqrt(growth))) if is_magnified else 0
    is_faint = fixed.is_faint or moving.is_faint
    seen = _Blocks.of(smoothed(warped), fixed, inside, reach, is_faint=is_faint)
    textured_moving = moving.blocks[1] > BLOCKS.textured
    if is_faint:
        textured_moving |= moving.faint.variance > seen.faintest
    textured = int(seen.textured.sum())
    if textured < BLOCKS.fewest:
        return None
    agreeing = int(seen.agreeing.sum())
    whole_moving = int(textured_moving.sum()) * growth
    covered = max(
        float((seen.agreeing & seen.textured_fixed).sum() / max(1, seen.textured_fixed.sum())),
        agreeing / max(1.0, whole_moving),
    )
    gain, offset = seen.tone(is_swapped=is_swapped)
    own, other = _cells(seen.agreeing, fixed.size, moving.size, transform)
    return Agreement(
        share=agreeing / float(textured),
        blocks=agreeing,
        likeness=float(seen.correlation[seen.agreeing].mean()) if agreeing else 0.0,
        covered=min(1.0, covered),
        gain=gain,
        offset=offset,
        query_cells=own if is_swapped else other,
        ref_cells=other if is_swapped else own,
    )


def refine(
    query: Plane,
    ref: Plane,
    transform: NDArray[np.floating],
    *,
    steps: int = REFINEMENT.steps,
    halved: bool = True,
) -> NDArray[np.floating]:
    """Move a transform to where the pixels correlate best (ECC, Evangelidis and Psarakis 2008).

    A flat picture that was photographed again then fits to a pixel; another shot of a scene
    still does not.

    Args:
        query: the one picture.
        ref: the other.
        transform: ``(3, 3)`` query pixels → ref pixels, nearly right.
        steps: at most.
        halved: at half the size, to a pixel or so: enough for blocks, in a third of the time;
            otherwise to a fraction of a pixel.
    """
    is_swapped = abs(growth_of(transform)) < 1.0
    fixed, moving = (ref, query) if is_swapped else (query, ref)
    start = inverse(transform) if is_swapped else transform
    shaded = fixed.pixels * _shade(moving.size, inverse(start), fixed.size)
    shrink = _halved if halved else _whole
    (held, held_size), (met, met_size) = shrink(shaded), shrink(moving.pixels)
    start = met_size @ start @ inverse(held_size)
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, _AT_REST)
    try:
        _, better = cv2.findTransformECC(
            held,
            met,
            (start / start[2, 2]).astype(np.float32),
            cv2.MOTION_HOMOGRAPHY,
            ends,
            None,
            1 if halved else REFINEMENT.blur,
        )
    except cv2.error:
        return transform
    better = inverse(met_size) @ better.astype(np.float64) @ held_size
    if not np.isfinite(better).all() or abs(np.linalg.det(better)) < _COLLAPSED:
        return transform
    return np.asarray(inverse(better) if is_swapped else better)


def _halved(pixels: UInt8Array) -> tuple[UInt8Array, NDArray[np.floating]]:
    """Halve a plane, and give the map there."""
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    across, down = half.shape[1] / pixels.shape[1], half.shape[0] / pixels.shape[0]
    return np.asarray(half, np.uint8), np.diag([across, down, 1.0])


def _whole(pixels: UInt8Array) -> tuple[UInt8Array, NDArray[np.floating]]:
    return pixels, np.eye(3)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Overlapping blocks of the fixed frame.

    Attributes:
        correlation: of each block.
        agreeing: which show one texture.
        textured: which show texture in either picture.
        textured_fixed: which show texture in the fixed one.
        whole: which lie in both pictures.
        moments: sums over the blocks that lie in both: number, then mean and mean square of the
            moving and of the fixed picture.
        faintest: variance from which faint blocks count; infinite where none do.
    """

    correlation: FloatArray
    agreeing: NDArray[np.bool_]
    textured: NDArray[np.bool_]
    textured_fixed: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    moments: tuple[float, ...]
    faintest: float = math.inf

    @classmethod
    def of(
        cls, warped: FloatArray, fixed: Plane, inside: UInt8Array, reach: int, *, is_faint: bool
    ) -> _Blocks:
        """Compare them.

        Args:
            warped: the moving picture.
            fixed: the other.
            inside: ``(h, w)`` 1 where the moving one lies.
            reach: pixels each way over which both are averaged first; 0 for none.
            is_faint: whether what is faint counts too.
        """
        smooth, (mean_b, variance_b) = fixed.smooth, fixed.blocks
        if reach:
            # no whole numbers any more: sums would depend on the processor
            warped, smooth = (cv2.blur(p, (reach, reach)).astype(float) for p in (warped, smooth))
            mean_b, variance_b = mean_and_variance(smooth)
        mean_a, variance_a = mean_and_variance(warped)
        covariance = means(warped * smooth) - mean_a * mean_b
        spread = np.sqrt((variance_a + BLOCKS.noise) * (variance_b + BLOCKS.noise))
        correlation = np.asarray(covariance / spread, dtype=np.float32)
        whole = means(inside.astype(np.float32)) > BLOCKS.least_inside
        textured = (np.maximum(variance_a, variance_b) > BLOCKS.textured) & whole
        agreeing = (correlation > BLOCKS.agreeing) & textured
        weight = whole.astype(np.float32)
        moments = (
            float(weight.sum()),
            float((mean_a * weight).sum()),
            float(((variance_a + mean_a * mean_a) * weight).sum()),
            float((mean_b * weight).sum()),
            float(((variance_b + mean_b * mean_b) * weight).sum()),
        )
        strong = cls(correlation, agreeing, textured, variance_b > BLOCKS.textured, whole, moments)
        if not is_faint:
            return strong
        own, other = Faint.of(warped, mean_a, variance_a), Faint.of(smooth, mean_b, variance_b)
        gain, offset = strong.tone(is_swapped=False)
        lighter = np.abs(mean_b - gain * mean_a - offset) > BLOCKS.lighter
        level = _Level(BLOCKS.faint)
        faint = strong.with_faint(own, other, covariance, lighter, level)
        if faint.agreeing.sum() >= BLOCKS.enough:
            return faint
        # where nothing else shows, the grain of a sky still tells
        level = _Level(BLOCKS.grain, BLOCKS.grain_noise)
        return strong.with_faint(own, other, covariance, lighter, level)

    def with_faint(
        self,
        own: Faint,
        other: Faint,
        covariance: FloatArray,
        lighter: NDArray[np.bool_],
        level: _Level,
    ) -> _Blocks:
        """Compare faint texture too, without the slopes that skies and walls share.

        Two plain pictures in one frame agree in the frame: what is faint in them, or plainly
        lighter in one, differs.
        """
        beyond = covariance - own.down * other.down - own.across * other.across
        noise = BLOCKS.faint_noise
        spread = np.sqrt((own.variance + noise) * (other.variance + noise))
        correlation = beyond / spread
        least = np.minimum(own.variance, other.variance)
        most = np.maximum(own.variance, other.variance)
        left = self.whole & ~self.textured
        telling = left & (least > level.variance)
        unlike = (most > BLOCKS.contrary) & (correlation < BLOCKS.contrary_below)
        unlike |= (most < level.variance) & lighter
        agreeing = telling & (correlation > BLOCKS.agreeing)
        if level.noise:
            # correction for attenuation (Spearman 1904): noise makes both seem less alike
            pure = (np.maximum(one.variance - level.noise, level.noise) for one in (own, other))
            correlation = np.minimum(1, beyond / np.sqrt(math.prod(pure)))
        return replace(
            self,
            correlation=np.where(telling, correlation, self.correlation),
            agreeing=self.agreeing | agreeing,
            textured=self.textured | telling | (left & unlike),
            textured_fixed=self.textured_fixed | (left & (other.variance > level.variance)),
            faintest=level.variance,
        )

    def tone(self, *, is_swapped: bool) -> tuple[float, float]:
        """Fit contrast and brightness of the ref relative to the query."""
        count, *sums = self.moments
        means = [value / max(1.0, count) for value in sums]
        moving = (means[0], np.sqrt(max(0.0, means[1] - means[0] ** 2)))
        fixed = (means[2], np.sqrt(max(0.0, means[3] - means[2] ** 2)))
        query, ref = (fixed, moving) if is_swapped else (moving, fixed)
        gain = float(ref[1] / query[1]) if query[1] > BLOCKS.contrast else 1.0
        return gain, float(ref[0] - gain * query[0])


def _shade(
    size: tuple[int, int], transform: NDArray[np.floating], onto: tuple[int, int]
) -> UInt8Array:
    """Mark ``(h, w)`` where a frame of ``size`` falls on one of size ``onto``."""
    # from the middle of the first pixel to that of the last: a border of black is no picture
    x, y = size[0] - 1, size[1] - 1
    corners = np.array([[0, 0, 1], [x, 0, 1], [x, y, 1], [0, y, 1]], np.float64)
    placed = corners @ transform.T
    spots = np.clip(np.rint(placed[:, :2] / placed[:, 2:]), -_FAR, _FAR).astype(np.int32)
    shade = np.zeros((onto[1], onto[0]), np.uint8)
    cv2.fillConvexPoly(shade, spots, 1)
    return shade


def _cells(
    agreeing: NDArray[np.bool_],
    fixed: tuple[int, int],
    moving: tuple[int, int],
    transform: NDArray[np.floating],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which eighths of both frames agree, by the blocks there."""
    shown = agreeing.astype(np.uint8) * 255
    to_blocks = np.diag([shown.shape[1] / fixed[0], shown.shape[0] / fixed[1], 1.0])
    from_finer = np.diag([moving[0] / _FINER, moving[1] / _FINER, 1.0])
    back = cv2.warpPerspective(
        shown,
        to_blocks @ transform @ from_finer,
        (_FINER, _FINER),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    return _eighths(shown), _eighths(back)


def _eighths(shown: UInt8Array) -> NDArray[np.bool_]:
    small = cv2.resize(shown.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(small >= BLOCKS.shown * 255)


def is_flat_beyond(side: Plane, other: Plane, onto: NDArray[np.floating]) -> bool:
    """Tell whether what a picture shows beyond another is mostly one grey, as a border or page is.

    Args:
        side: the picture where the border would be.
        other: the picture inside.
        onto: ``(3, 3)`` pixels of ``other`` → ``side``.
    """
    beyond = side.pixels[_shade(other.size, onto, side.size) == 0]
    if len(beyond) == 0:
        return False
    counts = np.bincount(beyond, minlength=256)
    commonest = int(counts.argmax())
    low, high = commonest - BLOCKS.border_levels, commonest + BLOCKS.border_levels
    near = counts[max(0, low) : high + 1].sum()
    return bool(near >= BLOCKS.border_share * len(beyond))
