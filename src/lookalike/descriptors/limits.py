"""Limits of descriptors: from where on a corner, a spot or a cell of a picture counts.

``ADR n`` after a field is the decision in ``docs/adr`` that gives the number or why there is one;
``by eye`` means that it was chosen when it was written and no measurement of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CORNERS",
    "KEYPOINTS",
    "THUMB_CELLS",
    "CellLimits",
    "CornerLimits",
    "KeypointLimits",
]


@dataclass(frozen=True, slots=True)
class KeypointLimits:
    """Which corners and spots become keypoints; who changes one raises the version of their spec.

    Attributes:
        corner_contrasts: grey levels by which a corner stands out; the next where too few do
            (ADR 23, ADR 26).
        enough_corners: share of the keypoints wanted that are enough, 0..1 (ADR 23).
        spots: contrast of a spot, 0..1, and how long it may be against its width, times; the next
            where too few are found (ADR 10, ADR 23).
        enough_spots: share of the keypoints wanted that are enough, 0..1 (ADR 23).
        parts: parts of a picture along each side; the strongest spots of each in turn are kept
            (ADR 10).
    """

    corner_contrasts: tuple[int, ...] = (30, 7, 2)
    enough_corners: float = 0.8
    spots: tuple[tuple[float, int], ...] = ((0.002, 10), (0.0005, 30))
    enough_spots: float = 0.4
    parts: int = 4


@dataclass(frozen=True, slots=True)
class CornerLimits:
    """Which keypoints are one.

    Attributes:
        same: pixels between keypoints, below which they are one corner, found on several levels of
            the pyramid (by eye).
    """

    same: float = 3.0


@dataclass(frozen=True, slots=True)
class CellLimits:
    """Which cells of a thumb show anything; it decides what is told of every picture.

    Attributes:
        telling: variance beyond a slope, squared grey levels, above which one does (ADR 23).
    """

    telling: float = 0.4


KEYPOINTS = KeypointLimits()
CORNERS = CornerLimits()
THUMB_CELLS = CellLimits()
