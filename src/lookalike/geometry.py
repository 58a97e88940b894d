"""From corresponding keypoints to one transform: every correspondence is a hypothesis of its own.

A keypoint has a place, an angle and a size, so a single correspondence gives a similarity; the one
that most others agree with is refined to an affine map by least squares, and to a homography where
that explains clearly more (Philbin et al., CVPR 2007, "fast spatial matching"). Unlike sampling
three points at random this needs no luck where a tenth of the correspondences is right.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.keypoints import Keypoints
from lookalike.types import FloatArray, IntArray

__all__ = ["fit_transform"]

_MOST = 160
_POSE_PLACE, _POSE_ANGLE, _POSE_OCTAVES = 16.0, math.radians(25), 0.6
_TOLERANCES = (10.0, 6.0, 4.0, 4.0)
_NEAR = 24.0
_SPOT = 3.0
_HOMOGRAPHY_TRIES = 300
_FEW, _CLEARLY = 8, 1.15


def fit_transform(
    query: Keypoints, ref: Keypoints, pairs: IntArray, least: int
) -> tuple[NDArray[np.floating], int] | None:
    """The transform that most correspondences agree with.

    Args:
        query: keypoints of the one picture.
        ref: keypoints of the other.
        pairs: ``(k, 2)`` numbers of corresponding keypoints, the surest first.
        least: correspondences at different places that it must explain.

    Returns:
        ``(3, 3)`` from query to ref and the number of places explained; None if there is none.
    """
    if len(pairs) < least:
        return None
    pairs = pairs[:_MOST]
    first, second = query.places[pairs[:, 0]], ref.places[pairs[:, 1]]
    inside = _largest_pose(query, ref, pairs)
    affine = None
    for tolerance in _TOLERANCES:
        if inside.sum() < max(4, least):
            return None
        affine = _least_squares(first[inside], second[inside])
        if affine is None:
            return None
        growth = _growth(affine)
        error = np.linalg.norm(first @ affine[:, :2].T + affine[:, 2] - second, axis=1)
        inside = error < tolerance * growth
    assert affine is not None
    count = _places(first[inside], second[inside])
    if count < least:
        return None
    transform = np.vstack([affine, [0.0, 0.0, 1.0]])
    if count >= _FEW and (error < _NEAR * growth).sum() > 1.1 * inside.sum():
        near = error < _NEAR * growth
        bent = _homography(first[near], second[near], 3.0 * growth)
        if bent is not None and bent[1] > _CLEARLY * count and _is_orderly(bent[0], first):
            return bent
    return transform, count


def _largest_pose(query: Keypoints, ref: Keypoints, pairs: IntArray) -> NDArray[np.bool_]:
    """Which correspondences agree with the similarity that most agree with."""
    left, right = pairs[:, 0], pairs[:, 1]
    turn = ref.angles[right] - query.angles[left]
    octaves = ref.octaves[right] - query.octaves[left]
    growth = np.exp2(octaves)
    # places as complex numbers: a similarity is one product and one sum
    start = query.places[left] @ np.array([1, 1j], np.complex64)
    end = ref.places[right] @ np.array([1, 1j], np.complex64)
    factor = growth * np.exp(1j * turn)
    shift = end - factor * start
    error = np.abs(factor[:, None] * start + shift[:, None] - end)
    agreeing = error < _POSE_PLACE * np.maximum(1.0, growth)[:, None]
    apart = np.abs((turn[:, None] - turn + np.pi) % (2 * np.pi) - np.pi)
    agreeing &= apart < _POSE_ANGLE
    agreeing &= np.abs(octaves[:, None] - octaves) < _POSE_OCTAVES
    return np.asarray(agreeing[int(agreeing.sum(axis=1).argmax())])


def _least_squares(first: FloatArray, second: FloatArray) -> NDArray[np.floating] | None:
    """``(2, 3)`` affine map, None where it folds the plane or squeezes it to a line."""
    middle = first.mean(axis=0)
    centred = np.column_stack([first - middle, np.ones(len(first))]).astype(np.float64)
    normal = centred.T @ centred
    if np.linalg.cond(normal) > 1e9:
        return None
    solved = np.linalg.solve(normal, centred.T @ second).T
    solved[:, 2] -= solved[:, :2] @ middle
    return solved if _is_even(solved[:, :2]) else None


def _growth(affine: NDArray[np.floating]) -> float:
    return max(1.0, math.sqrt(abs(float(np.linalg.det(affine[:, :2])))))


def _is_even(linear: NDArray[np.floating]) -> bool:
    stretch = np.linalg.svd(linear, compute_uv=False)
    return bool(stretch[1] > 0.05 and stretch[0] <= 20 and stretch[0] <= 4 * stretch[1])


def _homography(
    first: FloatArray, second: FloatArray, tolerance: float
) -> tuple[NDArray[np.floating], int] | None:
    cv2.setRNGSeed(0)
    bent, held = cv2.findHomography(
        first, second, cv2.RANSAC, tolerance, maxIters=_HOMOGRAPHY_TRIES
    )
    if bent is None:
        return None
    inside = held.reshape(-1).astype(bool)
    return bent, _places(first[inside], second[inside])


def _places(first: FloatArray, second: FloatArray) -> int:
    """Correspondences at different places: a pyramid finds one corner several times."""

    def different(places: FloatArray) -> int:
        spots = np.rint(places / _SPOT).astype(np.int64)
        return len(np.unique(spots[:, 0] * 65536 + spots[:, 1]))

    return min(different(first), different(second)) if len(first) else 0


def _is_orderly(transform: NDArray[np.floating], points: FloatArray) -> bool:
    """A real edit neither folds the plane nor squeezes it to a line."""
    if not _is_even(transform[:2, :2]):
        return False
    depth = points @ transform[2, :2] + transform[2, 2]
    return bool(depth.min() > 0.2 and depth.max() < 5.0)
