"""Limits of retrieval: how many are judged, and what counts as drawn over a query.

``by eye`` means that a number was chosen when it was written and no measurement of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LINES", "SEARCH", "LineLimits", "SearchLimits"]


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How a query is ranked and judged.

    Attributes:
        judged: nearest images that are verified, and more that hashes find (by eye).
        ballot: nearest images that every metric votes for, at least (by eye).
        query_side: pixels of the short side of the decoded query, at least (by eye).
        least_side: pixels of the sides of what is searched with, at least (by eye).
    """

    judged: int = 32
    ballot: int = 5
    query_side: int = 448
    least_side: int = 8


@dataclass(frozen=True, slots=True)
class LineLimits:
    """What counts as a line drawn over a query.

    Attributes:
        side: pixels of the long side of the picture that is looked at (by eye).
        colour_step: levels of a channel that count as one colour (by eye).
        contrast: levels by which a line stands out from what lies beside it (by eye).
        few_pixels: share of the pixels that stand out which have a colour, at least, 0..1 (by eye).
        colours: colours looked at, the most frequent first (by eye).
        run: pixels along a line over which colours are smoothed (by eye).
        window: share of the diagonal of the median that is the background, 0..1 (by eye).
        widest: share of the diagonal of the widest line, 0..1 (by eye).
        shortest: share of the diagonal of the shortest line, 0..1 (by eye).
        gap: share of the diagonal of the longest gap in a line, 0..1 (by eye).
        drawn: share of the diagonal that a marked line is wide, 0..1 (by eye).
        filled: share of a segment's pixels that have its colour, 0..1 (by eye).
        apart: share of them that differ from both sides, 0..1 (by eye).
        known: share that is marked already, above which a segment is left alone, 0..1 (by eye).
        constant: levels of a channel by which the pixels of one segment differ (by eye).
        aside: share of the diagonal from a line to what lies beside it, 0..1 (by eye).
        segments: segments looked at, the longest first (by eye).
    """

    side: int = 512
    colour_step: int = 48
    contrast: int = 28
    few_pixels: float = 0.0005
    colours: int = 64
    run: int = 5
    window: float = 0.04
    widest: float = 0.022
    shortest: float = 0.07
    gap: float = 0.03
    drawn: float = 0.008
    filled: float = 0.75
    apart: float = 0.75
    known: float = 0.8
    constant: int = 14
    aside: float = 0.016
    segments: int = 120


SEARCH = SearchLimits()
LINES = LineLimits()
