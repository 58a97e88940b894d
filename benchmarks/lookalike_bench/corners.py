"""Which pairs of points tell corners apart: the choice behind ``lookalike.descriptors.binary``.

As in ORB (Rublee et al., ICCV 2011): of random pairs, those whose comparison is as often true as
false, each unlike all chosen before. Among these the ones come first that an edited copy answers
alike. The mirror image of every pair is chosen with it.

    python -m lookalike_bench.corners PHOTOS
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lookalike.descriptors.binary import REACH, Corners, as_text, seen
from lookalike.descriptors.keypoints import (
    KINDS,
    LEVELS,
    find_corners,
    fitted,
    shrunk,
)
from lookalike.model.arrays import IntArray, UInt8Array
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.sources import FolderSource, looks_like_image

__all__ = ["choose_pairs", "main"]

_PHOTOS, _CORNERS, _LEAST_CORNERS = 1200, 40, 40
_TRIED, _CHOSEN = 16_000, 128
_LEAST_LENGTH, _BIAS = 3.0, 0.08
_LIKE, _LIKE_STEP = 0.42, 0.03
_EDGE = 16


def choose_pairs(photos: Sequence[UInt8Array], *, seed: int = 0) -> IntArray:
    """Pairs of points for ``descriptors.binary``.

    Args:
        photos: lumas ``(h, w)`` uint8.
        seed: of the edits and of the pairs tried.

    Returns:
        ``(128, 4)`` x and y of either end.

    Raises:
        ConfigError: too few photos with texture.
    """
    random = np.random.default_rng(seed)
    points = _disc()
    looked = [both for luma in photos if (both := _before_and_after(luma, points, random))]
    if len(looked) * _CORNERS < 10 * _CHOSEN:
        raise ConfigError(
            "too few photos with corners", got=str(len(looked)), expected="hundreds of photos"
        )
    before, after = (np.concatenate(some) for some in zip(*looked, strict=True))
    ends = random.integers(0, len(points), (2, 4 * _TRIED))
    mirror = _mirrored(points)
    length = np.hypot(*(points[ends[0]] - points[ends[1]]).T)
    ends = ends[:, (length >= _LEAST_LENGTH) & (mirror[ends[0]] != ends[1])][:, :_TRIED]
    chosen = _unlike(before, after, ends, mirror[ends])
    return np.concatenate([points[ends[0, chosen]], points[ends[1, chosen]]], axis=1)


def _disc() -> IntArray:
    """All points within reach."""
    side = np.arange(-REACH, REACH + 1)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    return np.asarray(points[np.hypot(*points.T) <= REACH])


def _mirrored(points: IntArray) -> IntArray:
    """The number of every point's mirror image."""
    number = {tuple(point): n for n, point in enumerate(points.tolist())}
    return np.array([number[x, -y] for x, y in points.tolist()])


def _before_and_after(
    luma: UInt8Array, points: IntArray, random: Generator
) -> tuple[UInt8Array, UInt8Array] | None:
    """What corners of a photo and of an edited copy show, ``(k, m)`` each; None for too few."""
    kind = KINDS["orb"]
    work = shrunk(luma, fitted(luma.shape[1], luma.shape[0], kind.side))
    corners = find_corners(work, kind.count)
    if len(corners.places) < _LEAST_CORNERS:
        return None
    some = random.choice(len(corners.places), _CORNERS, replace=False)
    corners = corners._replace(
        places=corners.places[some], angles=corners.angles[some], levels=corners.levels[some]
    )
    turn = random.uniform(-180, 180) if random.random() < 0.4 else random.normal(0, 3)
    grow = float(np.exp(random.normal(0, 0.2)))
    edited, move = _moved(work, turn, grow)
    edited = _worn(edited, random)
    levels = np.rint(corners.levels + np.log(grow) / np.log(corners.scale)).astype(np.int64)
    levels = np.clip(levels, 0, LEVELS - 1)
    size = np.power(corners.scale, levels)[:, None]
    # a corner is never found in quite the same place and pose
    places = np.column_stack([corners.places, np.ones(len(some))]) @ move.T
    places += random.normal(0, 0.7, places.shape) * size
    angles = corners.angles - turn + random.normal(0, 7, len(some))
    room = np.array(edited.shape[::-1]) / size
    spots = places / size
    there = ((spots >= _EDGE) & (spots < room - _EDGE)).all(axis=1)
    again = Corners(places[there], angles[there], levels[there], corners.scale)
    return seen(work, corners, points)[there], seen(edited, again, points)


def _moved(luma: UInt8Array, turn: float, grow: float) -> tuple[UInt8Array, NDArray[np.floating]]:
    """A picture turned by degrees and grown, and the ``(2, 3)`` map of its places."""
    height, width = luma.shape
    move = cv2.getRotationMatrix2D((width / 2, height / 2), turn, grow)
    side = int(np.hypot(height, width) * grow) + 4
    move[:, 2] += side / 2 - np.array([width / 2, height / 2])
    return (
        np.asarray(
            cv2.warpAffine(luma, move, (side, side), borderMode=cv2.BORDER_REFLECT), np.uint8
        ),
        np.asarray(move),
    )


def _worn(luma: UInt8Array, random: Generator) -> UInt8Array:
    """Sometimes blurred, noisy, of another tone; mostly compressed."""
    values: NDArray[np.floating] = luma.astype(np.float32)
    if random.random() < 0.4:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), random.uniform(0.5, 1.6)))
    if random.random() < 0.3:
        values = values + random.normal(0, random.uniform(3, 14), values.shape)
    if random.random() < 0.3:
        values = values * random.uniform(0.6, 1.4) + random.uniform(-30, 30)
    worn = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if random.random() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 80))]
        worn = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", worn, quality)[1], cv2.IMREAD_GRAYSCALE), np.uint8
        )
    return worn


def _unlike(before: UInt8Array, after: UInt8Array, ends: IntArray, mirror: IntArray) -> IntArray:
    """Which of the pairs ``(2, n)`` to take, by what they say of corners and of their copies."""
    share = _told(before, ends).mean(axis=0)
    even = np.flatnonzero(np.abs(share - 0.5) < _BIAS)
    if len(even) < _CHOSEN:
        raise ConfigError("too few pairs are as often true as false", got=str(len(even)))
    changed = (_told(before, ends[:, even]) != _told(after, ends[:, even])).mean(axis=0)
    even = even[np.argsort(changed)]
    own = _standard(_told(before, ends[:, even]))
    turned = _standard(_told(before, mirror[:, even]))
    start = np.abs((own * turned).mean(axis=0))
    like = _LIKE
    while True:
        worst, chosen = start.copy(), []
        for pair in range(len(even)):
            if worst[pair] < like:
                chosen.append(pair)
                for side in (own, turned):
                    worst = np.maximum(worst, np.abs(side[:, pair] @ own) / len(own))
                    worst = np.maximum(worst, np.abs(side[:, pair] @ turned) / len(own))
            if len(chosen) == _CHOSEN:
                return np.asarray(even[chosen])
        like += _LIKE_STEP


def _told(values: UInt8Array, ends: IntArray) -> NDArray[np.bool_]:
    """``(k, n)`` whether the first end is darker, of every corner and pair."""
    return np.asarray(values[:, ends[0]] < values[:, ends[1]])


def _standard(told: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Answers with mean 0 and variance 1, so that a mean product is a correlation."""
    share = told.mean(axis=0)
    spread = np.sqrt(share * (1 - share) + 1e-6)
    return np.asarray((told - share) / spread, dtype=np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the pairs as the text that ``descriptors.binary`` holds."""
    parser = argparse.ArgumentParser(
        description="Choose the pairs of lookalike.descriptors.binary."
    )
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    found = list(FolderSource([asked.photos]).scan())
    files = [e.path for e in found if not isinstance(e, Failure) and looks_like_image(e.path)]
    np.random.default_rng(asked.seed).shuffle(files)
    read = [cv2.imread(file, cv2.IMREAD_COLOR) for file in files[:_PHOTOS]]
    lumas = [cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) for bgr in read if bgr is not None]
    print(as_text(choose_pairs(lumas, seed=asked.seed)))


if __name__ == "__main__":
    main()
