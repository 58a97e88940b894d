"""256 comparisons of brightness around a corner; a mirror swaps their two halves.

Rotated BRIEF, as in ORB (Rublee et al., ICCV 2011), with pairs of points of our own: the second
half are the first 128 mirrored. So the bits of the mirrored picture need neither a second look at
the pixels nor a place in the collection. ``lookalike.training.corners`` chose the pairs.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from lookalike.types import FloatArray, IntArray, UInt8Array

__all__ = ["BYTES", "REACH", "Corners", "as_text", "corner_bits", "from_text", "seen", "swapped"]

BYTES = 32
REACH = 13
_TURNS = 256
# sums of 5×5, as ORB compares them
_WINDOW = (5, 5)
_PAIRS = """
3=9bY4Gj(i3<(Vn3l|Lx4+#zq4h#(d5eyd<5&{nn2n_)e1QrSn6c-Q=4iOO<2LlTa2@VGs4igOt3k(Ys4+{|!2oD4Z5E&2-3
=s_)4ipay3K0eu6A>8*5Ec;&6$29v2?`1n6BH2*2oeJY5eO3z2L%WZ3IPfa2M`Gf4-yU;4Hpaw4HFIz5(E$t3IhrX1r7!S5(
E<r69p9z4HgX$0SpHa0SE>W1rY}Y2nhoP2?z%i3Kk3r6%rE*5*QN+76ua(2?h!b83+~?0~7`f3J(bh4+{_v0t*Ed6$2Lz4;c
>%2@(kz7Znr_3IYrV1Plie1_=oa5C{(y5(yRt4+{_m0~7%W5C#$y3K9zg1Ox^P1QrAb6bBa#5(^aw2muHa0ucuh7Zer=5e^d
y1P}xV6bl&&2m%We6BrT_6bu*+1qKHg5eX6v6%Z8{6b%;%2Mh=Z84nf;2o(qr2^9td0uKff6BiN&6bTp$5*HN&4hIkz1ri4j
7!nx@0~G@f1P})g2p9?!6%iH-3k3`a8Vwf*5*ZK`4FC=W0S^Ta6ABat0T2Wh1rP!f69yLr01X5W0}cTQ1`-Ds7Y-K`5*8B@3
m6Rs5ET*u0uBTT6&4s04+ahy1s4bv5djhf1`Gxe5fKp-3Iz)p1qTHS3Ks|g77rK_
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
    """Bits ``(k, 32)`` uint8 of corners of a picture ``(h, w)`` uint8."""
    values = seen(luma, corners, None)
    half = values.shape[1] // 2
    return np.packbits(values[:, :half] < values[:, half:], axis=1)


def swapped(bits: UInt8Array) -> UInt8Array:
    """Bits ``(n, 32)`` uint8 as the mirrored picture has them."""
    return np.roll(bits, BYTES // 2, axis=1)


def seen(luma: UInt8Array, corners: Corners, points: IntArray | None) -> UInt8Array:
    """Brightness at points around every corner, smoothed.

    Args:
        luma: ``(h, w)`` uint8.
        corners: of it.
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
    """Pairs ``(128, 4)``, x and y of either end, as printable text."""
    return base64.b85encode((pairs + REACH).astype(np.uint8).tobytes()).decode()


def from_text(text: str) -> IntArray:
    """The pairs again."""
    packed = np.frombuffer(base64.b85decode("".join(text.split())), np.uint8)
    return packed.astype(np.int64).reshape(-1, 4) - REACH


def _stacked(luma: UInt8Array, count: int, scale: float) -> tuple[UInt8Array, IntArray]:
    """Ever smaller copies one below the other, smoothed, and the row where each begins."""
    height, width = luma.shape
    sizes = [(round(width / scale**n), round(height / scale**n)) for n in range(count)]
    starts = np.cumsum([0, *(size[1] for size in sizes)])
    # one width for upright and lying pictures: what depends on it is made once
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
    """``(256, m)`` int32 places of points in rows of ``width``, for every turn."""
    turn = np.arange(_TURNS) * (2 * np.pi / _TURNS)
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y = points.T
    across, down = np.rint(cosine * x - sine * y), np.rint(sine * x + cosine * y)
    return np.asarray(down * width + across, dtype=np.int32)
