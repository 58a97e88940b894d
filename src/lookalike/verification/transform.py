"""From corresponding keypoints to one transform: every correspondence is a hypothesis of its own.

A keypoint has a place, an angle and a size, so a single correspondence gives a similarity; the one
that most others agree with is refined to an affine map by least squares, and to a homography where
that explains clearly more (Philbin et al., CVPR 2007, "fast spatial matching"). Unlike sampling
three points at random this needs no luck where a tenth of the correspondences is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.keypoints import Keypoints
from lookalike.descriptors.limits import CORNERS
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.verification.limits import FRAMES, POSES
from lookalike.verification.matrices import stretches

__all__ = ["fit_transform", "in_place"]

# of the products of sums, below which rounding alone keeps points off one line
_FLATTEST = 1e-6


def fit_transform(
    query: Keypoints, ref: Keypoints, pairs: IntArray, least: int
) -> tuple[NDArray[np.floating], int] | None:
    """Fit the transform that most correspondences agree with.

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
    pairs = pairs[: POSES.most_pairs]
    first, second = query.places[pairs[:, 0]], ref.places[pairs[:, 1]]
    rows = np.concatenate([first, np.ones((len(first), 1)), second], axis=1)
    inside = _largest_pose(query, ref, pairs)
    affine = None
    for tolerance in POSES.tolerances:
        if np.count_nonzero(inside) < max(POSES.least_fitted, least):
            return None
        affine = _least_squares(rows[inside])
        if affine is None:
            return None
        growth = max(1.0, abs(affine[0, 0] * affine[1, 1] - affine[0, 1] * affine[1, 0]))
        apart = rows[:, :3] @ affine.T - rows[:, 3:]
        error = apart[:, 0] ** 2 + apart[:, 1] ** 2
        inside = error < tolerance**2 * growth
    assert affine is not None
    count = _places(rows[error < POSES.counted**2 * growth])
    if count < least:
        return None
    transform = np.vstack([affine, [0.0, 0.0, 1.0]])
    near = error < POSES.near**2 * growth
    is_bent = np.count_nonzero(near) > POSES.more_near * np.count_nonzero(inside)
    if count >= POSES.least_bent and is_bent:
        bent = _homography(rows[near], POSES.bent * math.sqrt(growth))
        straight = _places(rows[error < POSES.bent**2 * growth])
        is_better = bent is not None and bent[1] > POSES.more_bent * straight
        if bent is not None and is_better and _is_orderly(bent[0], first):
            return bent
    return transform, count


def in_place(
    query: Keypoints,
    ref: Keypoints,
    pairs: IntArray,
    sizes: Sequence[tuple[int, int]],
    least: int,
) -> tuple[NDArray[np.floating], int] | None:
    """Lay one frame on the other, if some correspondences agree with that.

    What a sticker or scribbled lines leave of a plain picture has too few keypoints for any other
    transform to stand out.

    Args:
        query: keypoints of the one picture.
        ref: keypoints of the other.
        pairs: ``(k, 2)`` numbers of corresponding keypoints.
        sizes: width and height of what the keypoints were found in, of either picture.
        least: correspondences at different places that must agree.

    Returns:
        As ``fit_transform``; None also for frames of different shapes.
    """
    (width, height), (wide, high) = sizes
    across, down = wide / width, high / height
    if len(pairs) < least or max(across, down) > FRAMES.same_shape * min(across, down):
        return None
    first, second = query.places[pairs[:, 0]], ref.places[pairs[:, 1]]
    apart = first * np.array([across, down]) - second
    near = (apart * apart).sum(axis=1) < POSES.counted**2 * across * down
    rows = np.concatenate([first, np.ones((len(first), 1)), second], axis=1)[near]
    count = _places(rows)
    return (np.diag([across, down, 1.0]), count) if count >= least else None


def _largest_pose(query: Keypoints, ref: Keypoints, pairs: IntArray) -> NDArray[np.bool_]:
    """Choose the correspondences that agree with the similarity that most agree with."""
    left, right = pairs[:, 0], pairs[:, 1]
    octaves = ref.octaves[right] - query.octaves[left]
    growth = np.exp2(octaves)
    turn = ref.angles[right] - query.angles[left]
    cosine, sine = np.cos(turn), np.sin(turn)
    # every hypothesis meets every correspondence in three matrix products
    (x, y), (u, v) = query.places[left].T, ref.places[right].T
    turned, crossed = growth * cosine, growth * sine
    start = np.ones((4, len(pairs)), np.float32)
    start[0], start[1] = x, y
    maps = np.empty((4, len(pairs)), np.float32)
    maps[0], maps[1] = turned, -crossed
    maps[2] = u - turned * x + crossed * y
    maps[3], start[3] = -1.0, u
    across = maps.T @ start
    maps[0], maps[1] = crossed, turned
    maps[2], start[3] = v - crossed * x - turned * y, v
    down = maps.T @ start
    reach = (POSES.place * np.maximum(1.0, growth)) ** 2
    agreeing = across * across + down * down < reach[:, None]
    facing = np.stack([cosine, sine], axis=1)
    agreeing &= facing @ facing.T > math.cos(math.radians(POSES.turn))
    agreeing &= np.abs(octaves[:, None] - octaves) < POSES.octaves
    return np.asarray(agreeing[int(agreeing.sum(axis=1).argmax())])


def _least_squares(rows: NDArray[np.floating]) -> NDArray[np.floating] | None:
    """Fit an affine map ``(2, 3)``; None where it folds the plane or squeezes it to a line.

    Args:
        rows: ``(k, 5)`` x, y and 1 in the one picture, then x and y in the other.
    """
    # one product has every sum; the two normal equations are then cheaper by hand than a solver
    sums = (rows.T @ rows).tolist()
    x, y, count, u, v = sums[2]
    x, y, u, v = x / count, y / count, u / count, v / count
    xx, xy, yy = sums[0][0] - count * x * x, sums[0][1] - count * x * y, sums[1][1] - count * y * y
    xu, xv = sums[0][3] - count * x * u, sums[0][4] - count * x * v
    yu, yv = sums[1][3] - count * y * u, sums[1][4] - count * y * v
    whole = xx * yy - xy * xy
    if whole <= _FLATTEST * (xx + yy) ** 2:
        return None
    linear = (
        (yy * xu - xy * yu) / whole,
        (xx * yu - xy * xu) / whole,
        (yy * xv - xy * yv) / whole,
        (xx * yv - xy * xv) / whole,
    )
    if not _is_even(*linear):
        return None
    a, b, c, d = linear
    return np.array([[a, b, u - a * x - b * y], [c, d, v - c * x - d * y]])


def _is_even(a: float, b: float, c: float, d: float) -> bool:
    """Whether ``[[a, b], [c, d]]`` neither shrinks, grows nor squeezes beyond what edits do."""
    most, least = stretches(a, b, c, d)
    return (
        least > POSES.least_growth
        and most <= POSES.most_growth
        and most <= FRAMES.most_stretch * least
    )


def _homography(
    rows: NDArray[np.floating], tolerance: float
) -> tuple[NDArray[np.floating], int] | None:
    # it draws from a seed of its own, so the answer is the same on any thread
    bent, held = cv2.findHomography(
        rows[:, :2], rows[:, 3:], cv2.USAC_FAST, tolerance, maxIters=POSES.homography_tries
    )
    if bent is None:
        return None
    return bent, _places(rows[held.reshape(-1) > 0])


def _places(rows: NDArray[np.floating]) -> int:
    """Keep correspondences at different places: a pyramid finds one corner several times."""
    spots = np.rint(rows / CORNERS.same).astype(np.int64)
    spots = spots * (65536, 1, 0, 65536, 1)
    return min(
        len(set((spots[:, 0] + spots[:, 1]).tolist())),
        len(set((spots[:, 3] + spots[:, 4]).tolist())),
    )


def _is_orderly(transform: NDArray[np.floating], points: FloatArray) -> bool:
    """Tell whether a transform neither folds the plane nor squeezes it to a line."""
    if not _is_even(*transform[:2, :2].reshape(-1).tolist()):
        return False
    depth = points @ transform[2, :2] + transform[2, 2]
    return bool(depth.min() > 1 / POSES.most_depth and depth.max() < POSES.most_depth)
