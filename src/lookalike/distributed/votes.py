"""Find pairs of images that share keypoints: tables by keys, votes by pairs of images.

Keys, groups, meetings and poses are those of ``index.local``; only the place of counting differs. A
group larger than ``largest_group`` does not vote, so a picture that occurs a million times costs
one sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.keypoints import ROW
from lookalike.distributed.rows import Span, runs
from lookalike.distributed.session import Tasks
from lookalike.distributed.work import Work
from lookalike.index.local import (
    Features,
    Votes,
    VoteSettings,
    features_of,
    meetings_of,
    substring_keys,
    votes_of,
)
from lookalike.model.arrays import IntArray, UInt8Array

__all__ = ["find_votes"]

_POSE = 6
_IMAGES = 1024
_KEYPOINTS = 4_000_000
_KEYED = np.dtype([("key", "i8"), ("number", "i8"), ("image", "i4"), ("pose", "u1", (_POSE,))])
_MET = np.dtype(
    [
        ("low", "i8"),
        ("high", "i8"),
        ("images", "i4", (2,)),
        ("poses", "u1", (2, _POSE)),
    ]
)


@dataclass(frozen=True, slots=True)
class _Form:
    """What all tasks of one vote share.

    Attributes:
        settings: of the vote.
        keypoints: of all images as they are.
        mirrored: whether mirror images vote too.
        parts: of every table.
        shares: of the pairs of images.
    """

    settings: VoteSettings
    keypoints: int
    mirrored: bool
    parts: int
    shares: int

    @property
    def total(self) -> int:
        """Number of all keypoints."""
        return self.keypoints * (2 if self.mirrored else 1)


def find_votes(
    tasks: Tasks,
    work: Work,
    spans: Sequence[Span],
    starts: IntArray,
    settings: VoteSettings,
    mirrored: bool,
) -> tuple[Votes, Votes]:
    """Count votes for pairs of images with the answer of ``index.local.vote_pairs``.

    Args:
        tasks: run the work.
        work: holds the keypoints.
        spans: places of the keypoints.
        starts: ``(n + 1,)`` number of the first keypoint of each image, and of all.
        settings: of the vote.
        mirrored: whether the second answer is wanted.
    """
    total = int(starts[-1])
    parts = 1 + 2 * total // _KEYPOINTS
    form = _Form(settings, total, mirrored, parts, max(2 * tasks.cores, settings.tables * parts))
    asked = [
        (work, some, [starts[one.places] for one in some], form) for some in runs(spans, _IMAGES)
    ]
    keyed = tasks.scatter(_keyed, asked, settings.tables * parts)
    met = tasks.scatter(_met, [(form, *column) for column in zip(*keyed, strict=True)], form.shares)
    found = list(tasks.each(_counted, [(form, *column) for column in zip(*met, strict=True)]))
    return _sorted([one for one, _ in found]), _sorted([other for _, other in found])


def _keyed(
    work: Work, spans: Sequence[Span], starts: Sequence[IntArray], form: _Form
) -> list[NDArray[Any]]:
    """Sort keypoints of some images by their keys in every table."""
    rows, images, numbers = _keypoints(work, spans, starts)
    upright, mirrored = features_of(rows, images)
    sides = [(upright.bits, numbers)]
    if form.mirrored:
        sides.append((mirrored.bits, numbers + form.keypoints))
    found = []
    for table in range(form.settings.tables):
        records = []
        for bits, own in sides:
            some = np.empty(len(rows), _KEYED)
            some["key"] = substring_keys(bits, form.settings, table, form.total)
            some["number"], some["image"], some["pose"] = own, images, rows[:, :_POSE]
            records.append(some)
        whole = np.concatenate(records)
        found += _shared_out(whole, _mixed(whole["key"]), form.parts)
    return found


def _keypoints(
    work: Work, spans: Sequence[Span], starts: Sequence[IntArray]
) -> tuple[UInt8Array, IntArray, IntArray]:
    """Read keypoints ``(n, 38)`` of some images, with the image and the number of each."""
    rows = [np.empty((0, ROW), np.uint8)]
    images, numbers = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for span, firsts in zip(spans, starts, strict=True):
        values = work.table(span.name, ["keypoints"])["keypoints"]
        for row, image, first in zip(span.rows, span.places, firsts, strict=True):
            own = np.frombuffer(values[row] or b"", np.uint8).reshape(-1, ROW)
            rows.append(own)
            images.append(np.full(len(own), image))
            numbers.append(first + np.arange(len(own)))
    nothing = np.empty(0, np.int64)
    return (
        np.concatenate(rows),
        np.concatenate([nothing, *images]),
        np.concatenate([nothing, *numbers]),
    )


def _met(form: _Form, *pieces: NDArray[Any]) -> list[NDArray[Any]]:
    """Find who meets in one part of one table, by the pair of images."""
    some = np.concatenate(pieces)
    # ascending runs are merged; sorting whole records would take ten times as long
    some = some[np.argsort(some["number"], kind="stable")]
    turned = int(np.searchsorted(some["number"], form.keypoints))
    images = some["image"].astype(np.int64)
    low, high = meetings_of(images, turned, some["key"], form.settings.largest_group)
    found = np.empty(len(low), _MET)
    found["low"], found["high"] = some["number"][low], some["number"][high]
    found["images"] = np.stack([images[low], images[high]], axis=1)
    found["poses"] = np.stack([some["pose"][low], some["pose"][high]], axis=1)
    pair = (images[low] << 32) | images[high]
    return _shared_out(found, _mixed(pair), form.shares)


def _counted(form: _Form, *pieces: NDArray[Any]) -> tuple[Votes, Votes]:
    """Count votes of one share of the pairs of images."""
    met = np.concatenate(pieces)
    ends = np.concatenate([met["low"], met["high"]])
    numbers, first, place = np.unique(ends, return_index=True, return_inverse=True)
    images = np.concatenate([met["images"][:, 0], met["images"][:, 1]])[first].astype(np.int64)
    poses = np.concatenate([met["poses"][:, 0], met["poses"][:, 1]])[first]
    turned = int(np.searchsorted(numbers, form.keypoints))
    # renumber images densely, so that a pair of them fits into one number
    names, short = np.unique(images, return_inverse=True)
    upright, mirrored = features_of(poses, short)
    whole = Features(
        upright.bits,
        short,
        *(
            np.concatenate([getattr(upright, name)[:turned], getattr(mirrored, name)[turned:]])
            for name in ("turns", "octaves", "places")
        ),
    )
    low, high = place.reshape(2, -1)
    votes = votes_of(whole, turned, low, high, form.settings.min_votes)
    return tuple(Votes(names[some.low], names[some.high], some.votes) for some in votes)  # type: ignore[return-value]


def _sorted(parts: Sequence[Votes]) -> Votes:
    low, high, votes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((high, low))
    return Votes(low[order], high[order], votes[order])


def _mixed(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash numbers, so that equal ranges hold equally many."""
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(mixed >> np.uint64(32))


def _shared_out(
    records: NDArray[Any], mixed: NDArray[np.uint64], shares: int
) -> list[NDArray[Any]]:
    if shares == 1:
        return [records]
    # 16-bit numbers are sorted by counting
    home = (mixed % np.uint64(shares)).astype(np.uint16 if shares < 65_536 else np.uint64)
    order = np.argsort(home, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(home, minlength=shares))])
    ordered = records[order]
    return [ordered[bounds[n] : bounds[n + 1]].copy() for n in range(shares)]
