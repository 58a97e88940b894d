"""From a transform and the aligned pixels to the edit, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import Verification

__all__ = ["Alignment", "explain"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two images laid over each other.

    Attributes:
        transform: ``(3, 3)`` query pixels → ref pixels, full size.
        query_size: width and height in pixels.
        ref_size: width and height in pixels.
        agreement: share of textured blocks that correlate, 0..1.
        correlation: mean correlation of the textured blocks, −1..1.
        gain: luma contrast of the ref relative to the query.
        offset: luma added in the ref, grey levels.
        flat_outside: whether what one image shows beyond the other is plain, as a border is.
        grey: +1 where only the ref is colourless, −1 where only the query is.
        tint: mean chroma difference, grey levels.
    """

    transform: NDArray[np.float64]
    query_size: tuple[int, int]
    ref_size: tuple[int, int]
    agreement: float
    correlation: float
    gain: float
    offset: float
    flat_outside: bool
    grey: int = 0
    tint: float = 0.0


def explain(alignment: Alignment, *, inliers: int, putative: int) -> Verification:
    """The evidence with its edit named, from query to ref."""
    linear = _linear_at_centre(alignment)
    determinant = float(np.linalg.det(linear))
    mirrored = determinant < 0
    # ref pixels per query pixel; scale is the other way round, see Verification
    growth = math.sqrt(abs(determinant)) or 1e-9
    angle = _angle(linear, mirrored=mirrored)
    overlap_query, overlap_ref = _overlaps(alignment)
    words = [
        *_turn_words(angle, mirrored=mirrored),
        *_frame_words(alignment, overlap_query, overlap_ref, growth),
        *_shape_words(alignment, linear, growth),
        *_tone_words(alignment),
    ]
    return Verification(
        inliers=inliers,
        putative=putative,
        transform=tuple(float(value) for value in alignment.transform.reshape(-1)),
        mirrored=mirrored,
        overlap_query=overlap_query,
        overlap_ref=overlap_ref,
        agreement=alignment.correlation,
        scale=1.0 / growth,
        angle=angle,
        gain=alignment.gain,
        offset=alignment.offset,
        edit=", ".join(words) or "re-encoded",
    )


def _linear_at_centre(alignment: Alignment) -> NDArray[np.float64]:
    """Derivative of the transform at the query's centre, ``(2, 2)``."""
    transform = alignment.transform
    x, y = alignment.query_size[0] / 2, alignment.query_size[1] / 2
    u, v, w = transform @ np.array([x, y, 1.0])
    rows = [(transform[0, :2] * w - u * transform[2, :2]) / w**2]
    rows.append((transform[1, :2] * w - v * transform[2, :2]) / w**2)
    return np.array(rows)


def _angle(linear: NDArray[np.float64], *, mirrored: bool) -> float:
    """Counter-clockwise turn in degrees, −180..180, after undoing a left-right mirror."""
    straight = linear @ np.diag([-1.0, 1.0]) if mirrored else linear
    u, _, vt = np.linalg.svd(straight)
    turn = u @ vt
    angle = -math.degrees(math.atan2(turn[1, 0], turn[0, 0]))
    return 180.0 if angle <= -179.99 else angle


def _overlaps(alignment: Alignment) -> tuple[float, float]:
    width, height = alignment.query_size
    corners = np.array([[[0, 0]], [[width, 0]], [[width, height]], [[0, height]]], np.float64)
    placed = cv2.perspectiveTransform(corners, alignment.transform).astype(np.float32)
    placed = cv2.convexHull(placed)
    ref_width, ref_height = alignment.ref_size
    frame = np.array(
        [[[0, 0]], [[ref_width, 0]], [[ref_width, ref_height]], [[0, ref_height]]], np.float32
    )
    shared, _ = cv2.intersectConvexConvex(placed, frame)
    area = float(cv2.contourArea(placed)) or 1.0
    return min(1.0, float(shared) / area), min(1.0, float(shared) / (ref_width * ref_height))


def _turn_words(angle: float, *, mirrored: bool) -> list[str]:
    if mirrored and abs(abs(angle) - 180) < 2:
        return ["flipped top to bottom"]
    words = ["mirrored"] if mirrored else []
    if abs(angle) >= 1.0:
        words.append(f"rotated {round(angle) % 360}°")
    return words


def _frame_words(
    alignment: Alignment, overlap_query: float, overlap_ref: float, growth: float
) -> list[str]:
    """What one shows beyond the other: a crop, a border, or a larger picture around it."""
    words = []
    if overlap_query < 0.97:
        words.append(f"cropped to {overlap_query:.0%}")
    if overlap_ref < 0.97:
        if overlap_query < 0.97:
            words.append(f"shifted, shared part is {overlap_ref:.0%} of the result")
        elif alignment.flat_outside:
            words.append(f"border added around {overlap_ref:.0%}")
        elif 0.9 < growth < 1.1:
            words.append(f"extended, the query is a crop of {overlap_ref:.0%}")
        else:
            words.append(f"placed inside, fills {overlap_ref:.0%}")
    return words


def _shape_words(
    alignment: Alignment, linear: NDArray[np.float64], growth: float
) -> list[str]:
    words = []
    stretch = np.linalg.svd(linear, compute_uv=False)
    if stretch[0] > 1.04 * max(stretch[1], 1e-9):
        words.append(f"stretched {stretch[0] / max(stretch[1], 1e-9):.2f}:1")
    bend = np.abs(alignment.transform[2, :2]) @ np.array(alignment.query_size, np.float64)
    if bend > 0.05:
        words.append("perspective")
    if abs(growth - 1) > 0.03:
        words.append(f"resized to {growth:.0%}")
    return words


def _tone_words(alignment: Alignment) -> list[str]:
    words = []
    if alignment.agreement < 0.85:
        words.append("partly covered")
    if alignment.grey:
        words.append("made grey" if alignment.grey > 0 else "colour where the query is grey")
    elif alignment.tint > 12:
        words.append("recoloured")
    middle = alignment.gain * 128 + alignment.offset - 128
    if abs(middle) > 12:
        words.append("brighter" if middle > 0 else "darker")
    if not 0.83 < alignment.gain < 1.2:
        words.append("more contrast" if alignment.gain > 1 else "less contrast")
    return words
