"""Pairs of images that share keypoints: votes by random substrings of binary descriptors.

Global descriptors miss pictures that share only a part. Keypoint descriptors of the shared part
are nearly equal bit for bit, so some random substring of theirs is equal (hashing by bit sampling,
Indyk and Motwani 1998). Every table groups keypoints by one substring; two keypoints in one small
group meet. Large groups tell nothing: they are sky, text or a repeated texture. Of what two images
share only keypoints turned and resized alike count (weak geometric consistency, Jégou, Douze and
Schmid 2008): strangers meet by chance, not in one pose.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.binary import swapped
from lookalike.descriptors.keypoints import unpack_rows
from lookalike.descriptors.limits import CORNERS
from lookalike.index.limits import VOTES
from lookalike.model.arrays import FloatArray, IntArray, UInt8Array

__all__ = [
    "Features",
    "VoteSettings",
    "Votes",
    "features_of",
    "meetings_of",
    "substring_keys",
    "vote_between",
    "vote_pairs",
    "votes_of",
]

# bounds of memory: meetings held at once, those of a keypoint in the mean, pairs looked at at once
_MOST_MEETINGS = 60_000_000
_MEETINGS_EACH = 6
_POSES_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Features:
    """Keypoints of many images.

    Attributes:
        bits: ``(n, 32)`` uint8.
        image: ``(n,)`` number of the image of each.
        turns: ``(n,)`` float32 angle, 1 for a full turn.
        octaves: ``(n,)`` float32 base-2 logarithm of the size.
        places: ``(n,)`` complex64, x + iy, pixels.
    """

    bits: UInt8Array
    image: IntArray
    turns: FloatArray
    octaves: FloatArray
    places: NDArray[np.complex64]


class Votes(NamedTuple):
    """Pairs of images that share keypoints, sorted, every pair once.

    Attributes:
        low: ``(k,)`` lower image numbers.
        high: ``(k,)`` higher image numbers.
        votes: ``(k,)`` keypoints that meet in one pose.
    """

    low: IntArray
    high: IntArray
    votes: IntArray


@dataclass(frozen=True, slots=True)
class VoteSettings:
    """How images come to meet.

    Attributes:
        tables: substrings tried; more find more.
        substring: bits in each, at most 63; more are stricter.
        largest_group: keypoints in a group that still votes.
        min_votes: keypoint pairs in one pose that make a candidate.
        threads: tables sorted at once; the answer does not depend on it.
        seed: of the substrings.
    """

    tables: int
    substring: int
    largest_group: int
    min_votes: int
    threads: int = 1
    seed: int = 0


def features_of(rows: UInt8Array, image: IntArray) -> tuple[Features, Features]:
    """Unpack keypoints of many images, as they are and as their mirror images have them.

    Args:
        rows: ``(n, 38)`` uint8, see ``keypoints.KeypointKind.spec``.
        image: ``(n,)`` number of the image of each.
    """
    both, turns, octaves, bits = unpack_rows(rows)
    places = both.view(np.complex64)[:, 0]
    upright = Features(bits, image, turns, octaves, places)
    mirrored = Features(
        swapped(upright.bits),
        image,
        (np.float32(0.5) - turns) % np.float32(1),
        octaves,
        # where the mirror stands only shifts all places of an image alike
        -places.conj(),
    )
    return upright, mirrored


def vote_pairs(
    features: Features, settings: VoteSettings, *, mirrored: Features | None = None
) -> tuple[Votes, Votes]:
    """Vote for pairs of images by their keypoints that meet in one pose.

    Args:
        features: keypoints of all images.
        settings: see there.
        mirrored: the same keypoints as the mirror images have them, in the same order.

    Returns:
        Votes between images as they are; then between the lower image as it is and the higher
        one mirrored, none without ``mirrored``.
    """
    whole = features if mirrored is None else _joined(features, mirrored)
    return _voted(whole, len(features.image), settings)


def vote_between(first: Features, second: Features, settings: VoteSettings) -> Votes:
    """Vote for pairs between images of ``first`` and of ``second`` only.

    Args:
        first: keypoints of some images.
        second: keypoints of others, whose numbers are all higher.
        settings: see there.
    """
    whole = _joined(first, second)
    return _voted(whole, len(first.image), settings, across=True)[1]


def _voted(
    whole: Features, turned: int, settings: VoteSettings, *, across: bool = False
) -> tuple[Votes, Votes]:
    """Count votes among the keypoints before ``turned``, and between those and the others."""
    parts = settings.threads * (1 + len(whole.image) * _MEETINGS_EACH // _MOST_MEETINGS)
    with ThreadPoolExecutor(settings.threads) as pool:
        tables = list(pool.map(partial(_table, whole.bits, settings), range(settings.tables)))

        def vote(part: int) -> tuple[IntArray, IntArray]:
            asked = partial(_meetings, whole.image, turned, (part, parts), across=across)
            meetings = _distinct(np.concatenate([*map(asked, tables), np.empty(0, np.int64)]))
            return _votes(whole, turned, meetings, settings.min_votes)

        found = list(pool.map(vote, range(parts)))
    keys, votes = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.argsort(keys)
    return _parted(whole, keys[order], votes[order])


def _parted(whole: Features, keys: IntArray, votes: IntArray) -> tuple[Votes, Votes]:
    """Split votes into those of upright and of mirrored pairs."""
    images = int(whole.image.max(initial=0)) + 1
    first = int(np.searchsorted(keys, images * images))
    upright = Votes(*np.divmod(keys[:first], images), votes[:first])
    return upright, Votes(*np.divmod(keys[first:] - images * images, images), votes[first:])


def _joined(first: Features, second: Features) -> Features:
    return Features(
        np.concatenate([first.bits, second.bits]),
        np.concatenate([first.image, second.image]),
        np.concatenate([first.turns, second.turns]),
        np.concatenate([first.octaves, second.octaves]),
        np.concatenate([first.places, second.places]),
    )


def substring_keys(
    bits: UInt8Array, settings: VoteSettings, number: int, total: int
) -> NDArray[np.int64]:
    """Extract the substring ``(n,)`` of every keypoint that table ``number`` compares.

    Args:
        bits: ``(n, 32)`` uint8.
        settings: see there.
        number: of the table.
        total: keypoints in all, of which these may be a part.
    """
    # whole bytes first: a table reads a few columns, and tables share as few as they can
    order = np.random.default_rng(settings.seed).permutation(bits.shape[1])
    width = -(-settings.substring // 8)
    chosen = order[(number * width + np.arange(width)) % len(order)]
    keys = np.zeros(len(bits), np.int64)
    for byte in chosen.tolist():
        keys = (keys << 8) | bits[:, byte]
    return keys >> max(8 * width - settings.substring, 8 * width + _room(total) - 63)


def _room(count: int) -> int:
    """Bits that number so many keypoints."""
    return max(1, count - 1).bit_length()


def _table(bits: UInt8Array, settings: VoteSettings, number: int) -> list[IntArray]:
    """Group keypoints with one substring: ``(m, size)`` rows for every size."""
    return _groups(substring_keys(bits, settings, number, len(bits)), settings.largest_group)


def _groups(keys: NDArray[np.int64], largest: int) -> list[IntArray]:
    """Group places of equal keys: ``(m, size)`` rows for every size from 2 on, ascending."""
    # the number of a keypoint behind its key: one sort of numbers, no sort of places
    room = _room(len(keys))
    keys = (keys << room) | np.arange(len(keys))
    keys.sort()
    starts = np.flatnonzero(np.r_[True, np.diff(keys >> room) != 0]) if len(keys) else keys
    sizes = np.diff(np.r_[starts, len(keys)])
    # most keypoints are alone
    voting = (sizes > 1) & (sizes <= largest)
    starts, sizes = starts[voting], sizes[voting]
    keys &= (1 << room) - 1
    return [
        keys[starts[sizes == size][:, None] + np.arange(size)]
        for size in np.flatnonzero(np.bincount(sizes, minlength=1)).tolist()
    ]


def meetings_of(
    image: IntArray, turned: int, keys: NDArray[np.int64], largest: int
) -> tuple[IntArray, IntArray]:
    """Find keypoints of different images that meet in one table: of the lower, of the higher image.

    Args:
        image: ``(n,)`` number of the image of each.
        turned: keypoints from here on are those of mirror images: the lower's is none of them.
        keys: ``(n,)`` of ``substring_keys``.
        largest: keypoints in a group that still votes.

    Returns:
        Their places, ``(k,)`` each.
    """
    met = _meetings(image, turned, (0, 1), _groups(keys, largest), across=False)
    low, high = np.divmod(met, max(1, len(image)))
    return low, high


def votes_of(
    features: Features, turned: int, low: IntArray, high: IntArray, least: int
) -> tuple[Votes, Votes]:
    """Count votes of given meetings, each once: of images as they are, then with mirrored ones.

    Args:
        features: keypoints, in the order of all.
        turned: keypoints from here on are those of mirror images.
        low: ``(k,)`` places of the keypoints of lower images.
        high: ``(k,)`` places of those they meet.
        least: meetings in one pose that count.
    """
    met = _distinct(low * len(features.image) + high)
    return _parted(features, *_votes(features, turned, met, least))


def _meetings(
    image: IntArray, turned: int, part: tuple[int, int], groups: list[IntArray], *, across: bool
) -> NDArray[np.int64]:
    """One number for every two keypoints of different images in one group.

    The lower image's keypoint is one before ``turned``; with ``across`` the other is not.
    """
    found = [np.empty(0, np.int64)]
    count = len(image)
    for a, b in _cross(groups):
        low, high = np.where(image[a] < image[b], (a, b), (b, a))
        kept = (image[low] != image[high]) & (low < turned)
        if across:
            kept &= high >= turned
        if part[1] > 1:
            kept &= image[low] % part[1] == part[0]
        found.append(low[kept] * count + high[kept])
    return np.concatenate(found)


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort values and drop repetitions; NumPy's own, by hashing, takes many times as long."""
    ordered = np.sort(values)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered


def _cross(groups: list[IntArray]) -> Iterator[tuple[IntArray, IntArray]]:
    for members in groups:
        first, second = np.triu_indices(members.shape[1], 1)
        yield members[:, first].reshape(-1), members[:, second].reshape(-1)


def _votes(
    features: Features, turned: int, meetings: NDArray[np.int64], least: int
) -> tuple[IntArray, IntArray]:
    """Count, for pairs of images as one number, the most meetings that one pose explains."""
    first, second = np.divmod(meetings, max(1, len(features.image)))
    count = int(features.image.max(initial=0)) + 1
    pair = ((second >= turned) * count + features.image[first]) * count + features.image[second]
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]]) if len(pair) else order
    lengths = np.diff(np.r_[starts, len(pair)])
    # most pairs meet once or twice and need no look at the pose
    starts, lengths = starts[lengths >= least], lengths[lengths >= least]
    votes = np.zeros(len(starts), np.int64)
    for some in np.array_split(np.argsort(lengths), max(1, len(lengths) // _POSES_AT_ONCE)):
        if len(some):
            width = min(VOTES.most_meetings, int(lengths[some].max()))
            columns = np.arange(width)
            # of many meetings, some spread over all of them tell enough
            spread = columns * np.maximum(1, lengths[some] // width)[:, None]
            rows = order[starts[some][:, None] + np.minimum(spread, lengths[some][:, None] - 1)]
            is_there = spread < lengths[some][:, None]
            agreeing = _in_one_pose(features, first[rows], second[rows], is_there)
            votes[some] = agreeing * lengths[some] // np.maximum(1, is_there.sum(1))
    enough = votes >= least
    return pair[starts[enough]], votes[enough]


def _in_one_pose(
    features: Features, first: IntArray, second: IntArray, is_there: NDArray[np.bool_]
) -> IntArray:
    """Count ``(k,)`` the most meetings of each row that the similarity of one of them explains.

    Args:
        features: keypoints.
        first: ``(k, m)`` numbers of keypoints.
        second: ``(k, m)`` those they meet.
        is_there: ``(k, m)`` which of them count.
    """
    turn = (features.turns[second] - features.turns[first]).astype(np.float32)
    octaves = features.octaves[second] - features.octaves[first]
    start, end = features.places[first], features.places[second]
    growth = np.exp2(octaves)
    factor = growth * np.exp(2j * np.pi * turn).astype(np.complex64)
    shift = end - factor * start
    predicted = factor[:, :, None] * start[:, None] + shift[:, :, None]
    agreeing = np.abs(predicted - end[:, None]) < VOTES.place * np.maximum(1, growth)[:, :, None]
    apart = np.abs((turn[:, :, None] - turn[:, None] + 0.5) % 1 - 0.5)
    agreeing &= apart < VOTES.turn
    agreeing &= np.abs(octaves[:, :, None] - octaves[:, None]) < VOTES.octaves
    agreeing &= is_there[:, None] & is_there[:, :, None]
    # meetings of one corner found twice are one
    near = (np.abs(start[:, :, None] - start[:, None]) < CORNERS.same) & agreeing
    repeated = np.tril(near, -1).any(axis=2)
    return np.asarray((agreeing & ~repeated[:, None]).sum(axis=2).max(axis=1))
