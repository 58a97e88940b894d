"""Agreement of aligned pixels: which parts of two pictures show the same texture.

Keypoints alone lie: two strangers that share a caption, a texture or a sky have corresponding
keypoints too. So keypoints only propose a transform; then both pictures are laid over each other
and compared block by block.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import FloatArray, UInt8Array

__all__ = ["GRID", "Agreement", "agree_aligned", "is_flat_beyond", "refine"]

GRID = 8
_BLOCK = 12
_REFINE_STEPS = 25
_TEXTURE_VARIANCE = 20.0
_AGREEING = 0.6
_BORDER_LEVELS = 4
_BORDER_SHARE = 0.5


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


def agree_aligned(
    query: UInt8Array, ref: UInt8Array, transform: NDArray[np.floating]
) -> Agreement | None:
    """Compare two planes in the coarser frame of the two.

    Args:
        query: ``(h, w)`` uint8 luma.
        ref: ``(h', w')`` uint8 luma.
        transform: ``(3, 3)`` query pixels → ref pixels.

    Returns:
        None where both together show too little texture to tell.
    """
    fixed, moving, is_swapped = ref, query, False
    if abs(np.linalg.det(transform[:2, :2])) < 0.5:
        # the query would shrink to few pixels: compare in its own frame instead
        transform, fixed, moving, is_swapped = np.linalg.inv(transform), query, ref, True
    size = (fixed.shape[1], fixed.shape[0])
    warped = cv2.warpPerspective(moving, transform, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.full_like(moving, 255), transform, size) > 127
    seen = _Blocks.of(warped, fixed, inside)
    textured = seen.textured.sum()
    if textured < 3:
        return None
    agreeing = int(seen.agreeing.sum())
    growth = abs(float(np.linalg.det(transform[:2, :2])))
    whole_moving = _texture(moving) * growth
    covered = max(
        float((seen.agreeing & seen.textured_fixed).sum() / max(1, seen.textured_fixed.sum())),
        agreeing / max(1.0, whole_moving),
    )
    gain, offset = _tone(warped[inside], fixed[inside], is_swapped=is_swapped)
    own, other = _cells(seen.agreeing, fixed, moving, transform)
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
    query: UInt8Array, ref: UInt8Array, transform: NDArray[np.floating]
) -> NDArray[np.floating]:
    """The transform moved to where the pixels correlate best (ECC, Evangelidis and Psarakis 2008).

    A flat picture that was photographed again then fits to a pixel; another shot of a scene
    still does not.

    Args:
        query: ``(h, w)`` uint8 luma.
        ref: ``(h', w')`` uint8 luma.
        transform: ``(3, 3)`` query pixels → ref pixels, nearly right.
    """
    is_swapped = abs(np.linalg.det(transform[:2, :2])) < 1.0
    fixed, moving = (ref, query) if is_swapped else (query, ref)
    start = np.linalg.inv(transform) if is_swapped else transform
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _REFINE_STEPS, 1e-3)
    inside = cv2.warpPerspective(
        np.full_like(moving, 255),
        start,
        (fixed.shape[1], fixed.shape[0]),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    held = np.where(inside > 0, fixed, 0).astype(np.uint8)
    try:
        _, better = cv2.findTransformECC(
            held,
            moving,
            (start / start[2, 2]).astype(np.float32),
            cv2.MOTION_HOMOGRAPHY,
            ends,
            None,
            5,
        )
    except cv2.error:
        return transform
    better = better.astype(np.float64)
    if not np.isfinite(better).all() or abs(np.linalg.det(better)) < 1e-6:
        return transform
    return np.asarray(np.linalg.inv(better) if is_swapped else better)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Overlapping blocks of the fixed frame."""

    correlation: FloatArray
    agreeing: NDArray[np.bool_]
    textured: NDArray[np.bool_]
    textured_fixed: NDArray[np.bool_]

    @classmethod
    def of(cls, warped: UInt8Array, fixed: UInt8Array, inside: NDArray[np.bool_]) -> _Blocks:
        a, b = _smooth(warped), _smooth(fixed)
        mean_a, mean_b = _mean(a), _mean(b)
        variance_a = np.maximum(_mean(a * a) - mean_a * mean_a, 0)
        variance_b = np.maximum(_mean(b * b) - mean_b * mean_b, 0)
        covariance = _mean(a * b) - mean_a * mean_b
        spread = np.sqrt((variance_a + 2.0) * (variance_b + 2.0))
        correlation = np.asarray(covariance / spread, dtype=np.float32)
        whole = _mean(inside.astype(np.float32)) > 0.95
        textured = (np.maximum(variance_a, variance_b) > _TEXTURE_VARIANCE) & whole
        agreeing = (correlation > _AGREEING) & textured
        return cls(correlation, agreeing, textured, variance_b > _TEXTURE_VARIANCE)


def _smooth(plane: UInt8Array) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), 1.2), dtype=np.float32)


def _mean(plane: FloatArray) -> FloatArray:
    step = _BLOCK // 2
    box = cv2.boxFilter(plane, cv2.CV_32F, (_BLOCK, _BLOCK))
    return np.asarray(box[step::step, step::step], dtype=np.float32)


def _texture(plane: UInt8Array) -> int:
    smooth = _smooth(plane)
    mean = _mean(smooth)
    return int((_mean(smooth * smooth) - mean * mean > _TEXTURE_VARIANCE).sum())


def _cells(
    agreeing: NDArray[np.bool_],
    fixed: UInt8Array,
    moving: UInt8Array,
    transform: NDArray[np.floating],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which eighths of both frames agree, by the middle of the blocks."""
    size = (fixed.shape[1], fixed.shape[0])
    shown = cv2.resize(agreeing.astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
    back = cv2.warpPerspective(
        shown, np.linalg.inv(transform), (moving.shape[1], moving.shape[0]), flags=cv2.INTER_NEAREST
    )
    return _eighths(shown), _eighths(back)


def _eighths(shown: UInt8Array) -> NDArray[np.bool_]:
    return np.asarray(cv2.resize(shown, (GRID, GRID), interpolation=cv2.INTER_AREA) >= 96)


def _tone(moving: UInt8Array, fixed: UInt8Array, *, is_swapped: bool) -> tuple[float, float]:
    """Contrast and brightness of the ref relative to the query."""
    query, ref = (fixed, moving) if is_swapped else (moving, fixed)
    spread = float(query.std())
    gain = float(ref.std()) / spread if spread > 1.0 else 1.0
    return gain, float(ref.mean()) - gain * float(query.mean())


def is_flat_beyond(side: UInt8Array, other: UInt8Array, onto: NDArray[np.floating]) -> bool:
    """Whether what a picture shows beyond another is mostly one grey, as a border or page is.

    Args:
        side: ``(h, w)`` luma of the picture where the border would be.
        other: ``(h', w')`` luma of the picture inside.
        onto: pixels of ``other`` → ``side``.
    """
    size = (side.shape[1], side.shape[0])
    covered = cv2.warpPerspective(np.full_like(other, 255), onto, size) > 0
    beyond = side[~covered]
    if len(beyond) == 0:
        return False
    commonest = int(np.bincount(beyond, minlength=256).argmax())
    near = np.abs(beyond.astype(np.int16) - commonest) <= _BORDER_LEVELS
    return bool(near.mean() >= _BORDER_SHARE)
