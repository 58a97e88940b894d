"""Plain pictures: no hash, keypoint or texture tells of them, so they are compared as they look.

A wall of one colour, a lens cap, a slope from tone to tone: two such pictures are one where their
thumbs are equal but for rounding, everywhere and in every tone, and their frames are of about one
shape and size: a black line is not a black page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.hashes import (
    ORIENTATIONS,
    orient_thumbs,
    stretches_of,
    thumb_planes,
)
from lookalike.model.arrays import IntArray, UInt8Array
from lookalike.model.image import ImageRef
from lookalike.verification.limits import PLAIN

__all__ = ["is_plain", "plain_pairs"]


def is_plain(image: ImageRef) -> bool:
    """Tell whether a picture shows nothing that its thumb does not: no star, no fine print."""
    return image.low_information and image.sharpness <= PLAIN.sharpest


def plain_pairs(
    thumbs: UInt8Array, sizes: IntArray, order: Sequence[int]
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Pair plain pictures that look the same in some orientation, each with the first such one.

    A million white pages are then a million pairs, not their square.

    Args:
        thumbs: ``(n, 1152)`` uint8 of ``THUMB_SPEC``.
        sizes: ``(n, 2)`` widths and heights in pixels.
        order: every row, the preferred one of equal ones first.

    Returns:
        ``(k,)`` lower rows; ``(k,)`` higher rows; ``(k,)`` which of ``ORIENTATIONS`` turns the
        lower into the higher; ``(k,)`` grey levels in which they differ most. Sorted by the rows.
    """
    first: dict[int, list[int]] = defaultdict(list)
    tones = _tones(thumbs)
    found = []
    for row in order:
        level = int(tones[row, 0]) // (PLAIN.levels + 1)
        near = np.array([one for step in (-1, 0, 1) for one in first[level + step]], np.int64)
        near = near[(np.abs(tones[near] - tones[row]) <= PLAIN.levels).all(axis=1)]
        apart = _apart(thumbs[row], thumbs[near], sizes[row], sizes[near])
        alike = np.flatnonzero(apart.min(axis=0) <= PLAIN.levels)
        if not len(alike):
            first[level].append(row)
            continue
        pair = sorted((row, int(near[alike[0]])))
        one, other = pair[0], pair[1:]
        levels = _apart(thumbs[one], thumbs[other], sizes[one], sizes[other])[:, 0]
        found.append((*pair, int(levels.argmin()), int(levels.min())))
    low, high, turns, most = np.array(sorted(found), np.int64).reshape(-1, 4).T
    return low, high, turns, most


def _tones(thumbs: UInt8Array) -> NDArray[np.float64]:
    """Compute mean luma, Cb and Cr ``(n, 3)``, which no turn changes."""
    return np.stack([plane.mean(axis=(1, 2)) for plane in thumb_planes(thumbs)], axis=1)


def _apart(
    thumb: UInt8Array, others: UInt8Array, size: IntArray, other_sizes: IntArray
) -> IntArray:
    """Measure the largest difference of any cell ``(8, m)``, for every orientation of one thumb.

    More than any difference where the frames are not of about one shape and size.
    """
    turns = np.arange(len(ORIENTATIONS))
    turned = np.stack([_turned(thumb, turn) for turn in turns.tolist()])
    between = turned[:, None].astype(np.int16) - others
    levels = np.abs(between).max(axis=2, initial=0)
    growth = np.sqrt(other_sizes.prod(axis=1) / size.prod())
    fits = stretches_of(size, other_sizes, turns[:, None]) <= PLAIN.stretch
    fits &= np.maximum(growth, 1 / growth) <= PLAIN.growth
    return np.where(fits, levels, 256)


def _turned(thumb: UInt8Array, turn: int) -> UInt8Array:
    planes = (orient_thumbs(plane, turn).reshape(-1) for plane in thumb_planes(thumb[None]))
    return np.concatenate(list(planes))
