"""Pairs of images that share keypoints: votes by random substrings of binary descriptors.

Global descriptors miss pictures that share only a part. Keypoint descriptors of the shared part
are nearly equal bit for bit, so some random substring of theirs is equal (hashing by bit sampling,
Indyk and Motwani 1998). Every table groups keypoints by one substring; images in
one small group get a vote. Large groups tell nothing: they are sky, text or a repeated texture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.types import IntArray, UInt8Array

__all__ = ["vote_pairs"]


def vote_pairs(
    bits: UInt8Array,
    image: IntArray,
    *,
    tables: int,
    substring: int,
    largest_group: int,
    seed: int = 0,
) -> tuple[IntArray, IntArray, IntArray]:
    """Pairs of images by the number of tables and keypoints in which they meet.

    Args:
        bits: ``(n, 32)`` uint8 binary descriptors of all keypoints.
        image: ``(n,)`` number of the image of each keypoint.
        tables: substrings tried; more find more.
        substring: bits in each, at most 63; more are stricter.
        largest_group: keypoints in a group that still votes.
        seed: of the substrings.

    Returns:
        ``(k,)`` lower and higher image numbers, and votes; every pair once, sorted.
    """
    count = int(image.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    keys, votes = np.empty(0, np.int64), np.empty(0, np.int64)
    for _ in range(tables):
        places = random.permutation(bits.shape[1] * 8)[:substring]
        fresh = _meetings(_substrings(bits, places), image, largest_group, count)
        keys, votes = _merged(keys, votes, fresh)
    low, high = np.divmod(keys, max(1, count))
    return low, high, votes


def _substrings(bits: UInt8Array, places: IntArray) -> IntArray:
    """``(n,)`` one number of the chosen bits of every descriptor."""
    keys = np.zeros(len(bits), np.int64)
    for place in places.tolist():
        keys = (keys << 1) | ((bits[:, place // 8] >> (7 - place % 8)) & 1)
    return keys


def _meetings(keys: IntArray, image: IntArray, largest_group: int, count: int) -> NDArray[np.int64]:
    """One number for every pair of different images in every small group."""
    order = np.argsort(keys, kind="stable")
    sorted_keys, images = keys[order], image[order]
    starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    found = []
    for size in range(2, largest_group + 1):
        groups = starts[sizes == size]
        if not len(groups):
            continue
        members = images[groups[:, None] + np.arange(size)]
        for a in range(size):
            for b in range(a + 1, size):
                low = np.minimum(members[:, a], members[:, b])
                high = np.maximum(members[:, a], members[:, b])
                apart = low != high
                found.append(low[apart] * count + high[apart])
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _merged(keys: IntArray, votes: IntArray, fresh: IntArray) -> tuple[IntArray, IntArray]:
    values, counts = np.unique(fresh, return_counts=True)
    merged, place = np.unique(np.concatenate([keys, values]), return_inverse=True)
    total = np.zeros(len(merged), np.int64)
    np.add.at(total, place, np.concatenate([votes, counts]))
    return merged, total
