"""Limits of votes: which meetings of two keypoints lie in one pose.

``ADR n`` after a field is the decision in ``docs/adr`` that gives the number or why there is one;
``by eye`` means that it was chosen when it was written and no measurement of it is kept. What users
set stands in ``config.stages``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VOTES", "VoteLimits"]


@dataclass(frozen=True, slots=True)
class VoteLimits:
    """Which meetings the similarity of one of them explains.

    Attributes:
        place: pixels from where it puts a keypoint, times its growth where that is more than 1
            (ADR 10).
        turn: by which the turns of two meetings differ, 1 for a full turn (ADR 10).
        octaves: by which the growths of two meetings differ, octaves (ADR 10).
        most_meetings: meetings of two images that are looked at, spread over all of them (by eye).
    """

    place: float = 20.0
    turn: float = 0.08
    octaves: float = 0.7
    most_meetings: int = 24


VOTES = VoteLimits()
