"""The answer of one search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lookalike.model.image import ImageRef
from lookalike.model.match import Containment, Match, Tier, Verification

__all__ = ["Answer", "Hit"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One image that a search found.

    Attributes:
        image: what was found.
        tier: how it is related to the query.
        distance: of the descriptor that ranked it; lower is closer.
        metric: name of that distance.
        verification: from the query to the image, for a copy that keypoints confirm.
        votes: place in every metric that voted for it, from 1.
        confidence: probability that both show the same picture, 0..1; None for ``similar``.
    """

    image: ImageRef
    tier: Tier
    distance: float
    metric: str
    verification: Verification | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    confidence: float | None = None

    @property
    def edit(self) -> str:
        """The edit from the query to the image, in words."""
        return Match("", "", self.tier, self.distance, self.metric, self.verification).edit


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one search.

    Attributes:
        query: path of the picture searched with; ``in_set``: those of images with the same bytes.
        searched: images looked among.
        hits: nearest first; a query in the set finds itself as ``exact``.
        containments: where the query lies in an image or one in it, if that was asked for.
    """

    query: str
    searched: int
    in_set: tuple[str, ...]
    hits: tuple[Hit, ...]
    containments: tuple[Containment, ...] = ()
