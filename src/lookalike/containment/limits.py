"""Limits of pictures inside larger ones: how closely those are looked at, and where.

``ADR n`` after a field is the decision in ``docs/adr`` that gives the number or why there is one;
``by eye`` means that it was chosen when it was written and no measurement of it is kept. What users
set stands in ``config.stages.InsideConfig``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INSETS", "REGIONS", "InsetLimits", "RegionLimits"]


@dataclass(frozen=True, slots=True)
class InsetLimits:
    """How closely the part of a larger picture is looked at.

    Attributes:
        compared_side: pixels of the long side of the part that is compared, at most (by eye).
        least_side: pixels of its short side; less is not looked at (by eye).
        margin: share of the part that is looked at around it, 0..1 (by eye).
        closest: pixels that the short side of the larger picture is decoded to, at most (by eye).
        refine_below: agreement below which the transform is refined, 0..1 (by eye).
    """

    compared_side: int = 160
    least_side: int = 16
    margin: float = 0.15
    closest: int = 1600
    refine_below: float = 0.9


@dataclass(frozen=True, slots=True)
class RegionLimits:
    """Which regions are proposed; who changes one raises the version of ``page_spec``.

    Attributes:
        most: regions of a picture, the likeliest first (ADR 13).
        least_area: share of the picture that one covers at least, 0..1 (by eye).
        most_area: and at most, 0..1 (by eye).
        same: shared by joint area, from which two regions are one, 0..1 (by eye).
        work_side: pixels of the long side of the picture whose edges make rectangles (by eye).
        edges: steepness, in grey levels as ``cv2.Canny`` has it, where an edge goes on and where
            one begins; each pair makes rectangles (by eye).
        least_border: share of each side of a rectangle that lies on edges, 0..1 (by eye).
        least_score: score of a box, 0..1 (by eye).
    """

    most: int = 16
    least_area: float = 0.01
    most_area: float = 0.8
    same: float = 0.6
    work_side: int = 320
    edges: tuple[tuple[int, int], ...] = ((40, 120), (80, 200))
    least_border: float = 0.45
    least_score: float = 0.05


INSETS = InsetLimits()
REGIONS = RegionLimits()
