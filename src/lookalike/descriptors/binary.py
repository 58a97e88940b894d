"""Describe corners by 256 comparisons of brightness, whose two halves a mirror swaps.

Rotated BRIEF, as in ORB (Rublee et al., ICCV 2011), with pairs of points of our own: the second
half are the first 128 mirrored. So bits of the mirrored picture need no second look at the pixels,
and are not stored. ``lookalike_bench.corners`` chose the pairs.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from lookalike.model.arrays import FloatArray, IntArray, UInt8Array

__all__ = ["BYTES", "REACH", "Corners", "as_text", "corner_bits", "from_text", "seen", "swapped"]

# of the bits of a keypoint; pixels from its place to the farthest that they compare
BYTES = 32
REACH = 13
_TURNS = 256
# sums of 5×5 pixels, which ORB compares too
_WINDOW = (5, 5)
_PAIRS = """
4hszu4Gj(!3m6R!76cIt4G0Vk3k?SX4G#_q5&{nn76uXz5&;hi2n_)e2@3@j4+{|!3Kk3t4jB&&2n_`n3<?bZ3K0eu4*?Jg6A2j-
2@MGu3JePr3J?eg7!wl?0|y8a5eO3z3>gj*4H^s!3<(Vs5Cstp5*HH-2n+}n2MGxi6ax_v5C{<t4+Rhr2m%Wc6b%&v3K$C!1r7!S
0|f>T1_lHX2?zxj5(*Lm4HFIz6cH8#6BHH*0SpHa2nhoP6$BX(5eyR%5El*!2@DDm2?+`o0SpEd3k(Vf6crW>4iyg&0uluS1`-DX
4+{_m5f2ax5)u~`3k3@b7zY*-1Plie6$%p&6bKj%1_=oa1P1{U2n7Zd2onkq6BQ8=1`Gxh5epLt1rGuV5C#$y4;c;<0ucuh5C{<&
1QrGc6bl&&2Nwqs0}TTO6bu*+4HFCm2>}ZR5fc*^6ciH!84nf;2M-1c2n-1i2^k3o76=s%1ri4j7Znu{7Y-K{1{Meb8Vwf*5djef
1P})g0S^Ta2N((k1_lNT77ZB@5)l&)4+Rkd7!nx^6BH8=0T2Wh1QG)b3<e4r5d{(#3=|C)01X5W4+ahy5(p9t0ulrc1rY)h6$cp!
2?YuP1Ox^M5fKp-5)~5?6BiNz2LcHN4h0Yw6bBav
"""


class Corners(NamedTuple):
    """Corners of one picture.

    Attributes:
        places: ``(k, 2)`` x and y, pixels; on their level at least 16 pixels from its edges.
        angles: ``(k,)`` degrees, clockwise on the screen.
        levels: ``(k,)`` how often the picture was shrunk to find them.
        scale: how much each time.
    """

    places: FloatArray
    angles: FloatArray
    levels: IntArray
    scale: float


def corner_bits(luma: UInt8Array, corners: Corners) -> UInt8Array:
    """Compute the bits ``(k, 32)`` uint8 of corners of a picture ``(h, w)`` uint8."""
    values = seen(luma, corners, None)
    half = values.shape[1] // 2
    return np.packbits(values[:, :half] < values[:, half:], axis=1)


def swapped(bits: UInt8Array) -> UInt8Array:
    """Turn bits ``(n, 32)`` uint8 into those of the mirrored picture."""
    return np.roll(bits, BYTES // 2, axis=1)


def seen(luma: UInt8Array, corners: Corners, points: IntArray | None) -> UInt8Array:
    """Read the smoothed brightness at points around every corner.

    Args:
        luma: ``(h, w)`` uint8.
        corners: of that picture.
        points: ``(m, 2)`` x along the corner's direction and y, pixels of its level, at most
            ``REACH`` away; None for the first ends of the 256 pairs, then for the second.

    Returns:
        ``(k, m)`` uint8.
    """
    places, angles, levels, scale = corners
    pyramid, starts = _stacked(luma, int(levels.max(initial=0)) + 1, scale)
    width = pyramid.shape[1]
    turns = np.rint(angles * (_TURNS / 360)).astype(np.int64) % _TURNS
    offsets = _own_offsets(width) if points is None else _offsets(width, points)
    spots = np.rint(places / np.power(scale, levels)[:, None]).astype(np.int32)
    at = offsets.take(turns, axis=0)
    at += ((spots[:, 1] + starts[levels]) * width + spots[:, 0])[:, None].astype(np.int32)
    return np.asarray(pyramid.reshape(-1).take(at))


def as_text(pairs: IntArray) -> str:
    """Encode pairs ``(128, 4)``, x and y of either end, as printable text."""
    return base64.b85encode((pairs + REACH).astype(np.uint8).tobytes()).decode()


def from_text(text: str) -> IntArray:
    """Decode pairs from text."""
    packed = np.frombuffer(base64.b85decode("".join(text.split())), np.uint8)
    return packed.astype(np.int64).reshape(-1, 4) - REACH


def _stacked(luma: UInt8Array, count: int, scale: float) -> tuple[UInt8Array, IntArray]:
    """Stack ever smaller copies, smoothed, in one plane; returns the row where each begins."""
    height, width = luma.shape
    sizes = [(round(width / scale**n), round(height / scale**n)) for n in range(count)]
    starts = np.cumsum([0, *(size[1] for size in sizes)])
    # one width for portrait and landscape, so that offsets are computed once
    pyramid = np.zeros((int(starts[-1]), max(luma.shape)), np.uint8)
    level = luma
    for size, start in zip(sizes, starts.tolist(), strict=False):
        if size != (width, height):
            level = np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        pyramid[start : start + size[1], : size[0]] = level
    return np.asarray(cv2.blur(pyramid, _WINDOW), np.uint8), starts


@lru_cache(maxsize=8)
def _own_offsets(width: int) -> IntArray:
    first, second = np.split(from_text(_PAIRS), 2, axis=1)
    mirror = (1, -1)
    return _offsets(width, np.concatenate([first, first * mirror, second, second * mirror]))


def _offsets(width: int, points: IntArray) -> IntArray:
    """Compute ``(256, m)`` int32 offsets of points in rows of ``width``, for every direction."""
    turn = np.arange(_TURNS) * (2 * np.pi / _TURNS)
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y = points.T
    across, down = np.rint(cosine * x - sine * y), np.rint(sine * x + cosine * y)
    return np.asarray(down * width + across, dtype=np.int32)
