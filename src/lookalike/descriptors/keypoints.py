"""Find local features: keypoints by which other pictures are recognised, each with 256 bits.

``orb`` is fast (Rublee et al., ICCV 2011). ``sift`` (Lowe, IJCV 2004) finds far more of what was
shrunk, blurred or covered, at several times the cost; its square-rooted histogram (Arandjelović
and Zisserman, CVPR 2012) becomes bits by the signs of random projections (Charikar, STOC 2002),
so that both kinds are indexed and compared alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.binary import BYTES, Corners, corner_bits, swapped
from lookalike.descriptors.limits import KEYPOINTS
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.image import DescriptorSpec

__all__ = [
    "KINDS",
    "LEVELS",
    "ROW",
    "KeypointKind",
    "Keypoints",
    "describe_keypoints",
    "find_corners",
    "fitted",
    "pack_rows",
    "shrunk",
    "unpack_rows",
]

ROW = 6 + BYTES
# levels of the pyramid in which corners are found
LEVELS = 6
# steps of a stored row: per pixel, per octave and per turn
_COORDINATE_STEPS, _SIZE_STEPS, _TURN_STEPS = 64, 16, 256
# how much a picture shrinks each time, and the pixels on a level that a corner's bits come from
_ORB_SCALE, _ORB_PATCH, _ORB_EDGE = 1.3, 31, 16
# levels of an octave, as in the paper; seed of the directions that make bits
_SIFT_LAYERS, _SIFT_SEED = 3, 0


@dataclass(frozen=True, slots=True)
class KeypointKind:
    """How keypoints are found, and when two correspond.

    Attributes:
        name: ``orb`` or ``sift``.
        side: long side of the luma they are looked for in, pixels.
        count: keypoints per image at most, the strongest first; of ``sift`` those of each of 16
            parts in turn.
        min_side: short side in pixels that the decoded picture keeps.
        max_bits: differing bits of 256 up to which two may correspond.
        ratio: a correspondence must be closer than this share of the second best.
        rare_bits: bits of a substring beyond those that number all keypoints; more where many
            keypoints are alike.
    """

    name: str
    side: int
    count: int
    min_side: int
    max_bits: int
    ratio: float
    rare_bits: int

    @property
    def spec(self) -> DescriptorSpec:
        """How rows are stored."""
        return DescriptorSpec(
            self.name,
            "7",
            "keypoints",
            ROW,
            "uint8",
            f"luma, long side {self.side}, {self.count} at most; x, y in 1/64 px as uint16, angle "
            "in 1/256 turn, size in 1/16 octave, 256 bits, whose halves a mirror swaps",
        )


KINDS: Mapping[str, KeypointKind] = {
    "orb": KeypointKind("orb", 256, 250, 224, max_bits=80, ratio=0.9, rare_bits=8),
    "sift": KeypointKind("sift", 224, 500, 224, max_bits=75, ratio=0.9, rare_bits=8),
}


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Keypoints of one picture.

    Attributes:
        places: ``(k, 2)`` float32, x and y in the luma they were found in.
        angles: ``(k,)`` float32 radians, clockwise on the screen.
        octaves: ``(k,)`` float32 base-2 logarithm of the size.
        bits: ``(k, 32)`` uint8.
    """

    places: FloatArray
    angles: FloatArray
    octaves: FloatArray
    bits: UInt8Array

    @classmethod
    def from_rows(cls, rows: UInt8Array) -> Keypoints:
        """Read stored rows."""
        places, turns, octaves, bits = unpack_rows(rows)
        return cls(places, turns * np.float32(2 * np.pi), octaves, bits)

    def __len__(self) -> int:
        return len(self.bits)

    def mirrored(self, width: int) -> Keypoints:
        """Make the keypoints of the picture mirrored left to right.

        Args:
            width: of the luma that they were found in, pixels.
        """
        places = self.places.copy()
        places[:, 0] = width - 1 - places[:, 0]
        turned = np.float32(np.pi) - self.angles
        return Keypoints(places, turned, self.octaves, swapped(self.bits))


class Unpacked(NamedTuple):
    """Stored rows of keypoints, taken apart.

    Attributes:
        places: ``(k, 2)`` float32, x and y in the luma they were found in, pixels.
        turns: ``(k,)`` float32 direction, 0..1 of a whole turn, clockwise on the screen.
        octaves: ``(k,)`` float32 base-2 logarithm of the size in pixels.
        bits: ``(k, 32)`` uint8.
    """

    places: FloatArray
    turns: FloatArray
    octaves: FloatArray
    bits: UInt8Array


def unpack_rows(rows: UInt8Array) -> Unpacked:
    """Split stored rows ``(k, 38)`` uint8 into their values."""
    packed = np.ascontiguousarray(rows[:, :4]).view(np.uint16)
    return Unpacked(
        packed.astype(np.float32) * np.float32(1 / _COORDINATE_STEPS),
        rows[:, 4] * np.float32(1 / _TURN_STEPS),
        rows[:, 5] * np.float32(1 / _SIZE_STEPS),
        np.ascontiguousarray(rows[:, 6:]),
    )


def pack_rows(
    places: NDArray[np.floating],
    turns: NDArray[np.floating],
    octaves: NDArray[np.floating],
    bits: UInt8Array,
) -> UInt8Array:
    """Pack keypoints into stored rows, rounded; takes the arrays of ``Unpacked``."""
    angles = np.rint(turns * _TURN_STEPS).astype(int) % _TURN_STEPS
    pose = np.stack([angles, np.clip(np.rint(octaves * _SIZE_STEPS), 0, 255)], axis=1)
    packed = np.clip(np.rint(places * _COORDINATE_STEPS), 0, 65535).astype(np.uint16)
    return np.concatenate([packed.view(np.uint8), pose.astype(np.uint8), bits], axis=1)


class _Found(NamedTuple):
    """Keypoints as they are found: ``(k, 2)`` places, degrees, octaves, ``(k, 32)`` bits."""

    places: FloatArray
    degrees: FloatArray
    octaves: FloatArray
    bits: UInt8Array


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Compute the size of a picture with ``side`` as its long side."""
    scale = side / max(width, height)
    return max(8, round(width * scale)), max(8, round(height * scale))


def shrunk(plane: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Resize a plane, by area where it gets smaller."""
    how = cv2.INTER_AREA if size[0] < plane.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), dtype=np.uint8)


def describe_keypoints(luma: UInt8Array, size: tuple[int, int], kind: KeypointKind) -> UInt8Array:
    """Find the keypoints of one picture, as stored rows.

    Args:
        luma: ``(h, w)`` uint8 of the reduced, upright picture.
        size: full width and height, pixels.
        kind: of keypoints.

    Returns:
        ``(k, 38)`` uint8, see ``KeypointKind.spec``.
    """
    work = shrunk(luma, fitted(*size, kind.side))
    places, degrees, octaves, bits = (_orb if kind.name == "orb" else _sift)(work, kind.count)
    return pack_rows(places, degrees * (1 / 360), octaves, bits)


def find_corners(work: UInt8Array, count: int) -> Corners:
    """Find the strongest corners of a picture ``(h, w)`` uint8, as ORB does."""
    for contrast in KEYPOINTS.corner_contrasts:
        # faint corners are many and slow to rank, and only soft or nearly plain pictures need them
        orb = cv2.ORB_create(
            count,
            scaleFactor=_ORB_SCALE,
            nlevels=LEVELS,
            edgeThreshold=_ORB_EDGE,
            patchSize=_ORB_PATCH,
            fastThreshold=contrast,
        )
        found = orb.detect(work, None)
        if len(found) >= KEYPOINTS.enough_corners * count:
            break
    pose = np.array([(point.angle, point.octave) for point in found], np.float32).reshape(-1, 2)
    return Corners(_places_of(found), pose[:, 0], pose[:, 1].astype(np.int64), _ORB_SCALE)


def _places_of(found: Sequence[cv2.KeyPoint]) -> FloatArray:
    return np.asarray(cv2.KeyPoint_convert(found), np.float32).reshape(-1, 2)


def _orb(work: UInt8Array, count: int) -> _Found:
    corners = find_corners(work, count)
    octaves = math.log2(_ORB_PATCH) + corners.levels * math.log2(_ORB_SCALE)
    return _Found(corners.places, corners.angles, octaves, corner_bits(work, corners))


def _sift(work: UInt8Array, count: int) -> _Found:
    for contrast, longest in KEYPOINTS.spots:
        # soft pictures have only faint and long spots
        sift = cv2.SIFT_create(0, _SIFT_LAYERS, contrast, longest)
        spots = sift.detect(work, None)
        if len(spots) >= KEYPOINTS.enough_spots * count:
            break
    found, histograms = sift.compute(work, _spread(spots, work.shape, count))
    if histograms is None:
        found, histograms = (), np.empty((0, 128), np.float32)
    total = histograms.sum(axis=1, keepdims=True)
    values = np.sqrt(histograms / np.maximum(total, 1.0)).astype(np.float32)
    pose = np.array([(point.angle, point.size) for point in found], np.float32).reshape(-1, 2)
    bits = np.packbits(values @ _projection() > 0, axis=1)
    return _Found(_places_of(found), pose[:, 0], np.log2(pose[:, 1]), bits)


def _spread(
    found: Sequence[cv2.KeyPoint], shape: Sequence[int], count: int
) -> Sequence[cv2.KeyPoint]:
    """Select the strongest of every part of the picture in turn.

    The strongest of all often lie on a sticker, on lines drawn over it, or on the page around it.
    """
    if len(found) <= count:
        return found
    sides = KEYPOINTS.parts
    strength = np.array([point.response for point in found])
    spots = cv2.KeyPoint_convert(found).reshape(-1, 2) * sides / (shape[1], shape[0])
    parts = np.clip(spots.astype(int), 0, sides - 1) @ (1, sides)
    order = np.lexsort((-strength, parts))
    turn = np.arange(len(order)) - np.searchsorted(parts[order], parts[order])
    return [found[n] for n in order[np.lexsort((-strength[order], turn))[:count]]]


@lru_cache(maxsize=1)
def _projection() -> FloatArray:
    """Make ``(128, 256)`` random directions, the second half those of a mirrored histogram.

    Every direction sums to zero, as histograms lie far from zero.
    """
    directions = np.random.default_rng(_SIFT_SEED).normal(size=(128, 4 * BYTES))
    directions -= directions.mean(axis=0)
    # 4 rows × 4 columns × 8 directions; a mirror reverses the rows and the directions
    turned = directions.reshape(4, 4, 8, -1)[::-1][..., [0, 7, 6, 5, 4, 3, 2, 1], :]
    both = np.concatenate([directions, turned.reshape(128, -1)], axis=1)
    return np.asarray(both, dtype=np.float32)
