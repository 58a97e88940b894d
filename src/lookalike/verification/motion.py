"""Parts that moved by themselves: what tells another shot of a scene from an edited copy.

An edit moves a whole picture, or covers some of it. Between two shots a person turns, a car drives
on: their keypoints still correspond, but under a transform of their own, and where the two pictures
do not agree.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.keypoints import Keypoints
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.verification.block_correlation import GRID
from lookalike.verification.limits import MOTION
from lookalike.verification.matrices import growth_of

__all__ = ["own_motion"]


def own_motion(
    query: Keypoints,
    ref: Keypoints,
    pairs: IntArray,
    transform: NDArray[np.floating],
    *,
    frames: tuple[tuple[int, int], tuple[int, int]],
    shown: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> int:
    """Count the places of the largest part that moved by itself; few come by chance.

    Args:
        query: keypoints of the one picture.
        ref: keypoints of the other.
        pairs: ``(k, 2)`` numbers of corresponding keypoints.
        transform: ``(3, 3)`` between the places of both, query → ref.
        frames: width and height that the places of the query and of the ref lie in.
        shown: ``(8, 8)`` parts of the query and of the ref that the other shows too.
    """
    first, second = query.places[pairs[:, 0]], ref.places[pairs[:, 1]]
    placed = np.column_stack([first, np.ones(len(first))]) @ transform.T
    way = second - placed[:, :2] / placed[:, 2:]
    far = np.hypot(way[:, 0], way[:, 1])
    growth = math.sqrt(abs(growth_of(transform)))
    side = max(frames[1])
    kept = (far > MOTION.away * max(1.0, growth)) & (far < MOTION.farthest * side)
    if np.count_nonzero(kept) < 2:
        return 0
    # where it was, the other shows what was behind it, and so where it is
    kept &= ~(_at(first, frames[0], shown[0]) | _at(second, frames[1], shown[1]))
    angle = math.atan2(transform[1, 0], transform[0, 0])
    turn = ref.angles[pairs[:, 1]] - query.angles[pairs[:, 0]] - angle
    kept &= np.cos(turn) > math.cos(math.radians(MOTION.turn))
    octaves = ref.octaves[pairs[:, 1]] - query.octaves[pairs[:, 0]]
    kept &= np.abs(octaves - math.log2(max(growth, 1e-6))) < MOTION.octaves
    if np.count_nonzero(kept) < 2:
        return 0
    first, second, way = first[kept], second[kept], way[kept]
    apart = _distances(first)
    alike = _distances(way) < MOTION.together * max(1.0, growth) + MOTION.bent * apart
    alike &= apart < MOTION.part * side
    largest = alike[int(alike.sum(axis=1).argmax())]
    return min(_spots(first[largest]), _spots(second[largest]))


def _at(places: FloatArray, frame: tuple[int, int], shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which places lie in a part that is shown."""
    cells = np.clip((places / frame * GRID).astype(np.int64), 0, GRID - 1)
    return np.asarray(shown[cells[:, 1], cells[:, 0]])


def _distances(points: NDArray[np.floating]) -> NDArray[np.floating]:
    away = points[:, None] - points
    return np.asarray(np.hypot(away[..., 0], away[..., 1]))


def _spots(places: NDArray[np.floating]) -> int:
    """Count different places: a pyramid finds one corner several times."""
    return len({*map(tuple, np.rint(places / MOTION.spot).astype(np.int64).tolist())})
