"""Let several metrics vote: the image that most of them name comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Voted", "vote"]


@dataclass(frozen=True, slots=True)
class Voted:
    """One image of a voted ranking.

    Attributes:
        item: what was voted for.
        votes: metrics that have it among their nearest.
        mean_rank: mean place in those, from 1.
        distance: smallest distance, each metric's divided by its largest on the ballot.
        by: the metrics that voted for it, with its place in each.
    """

    item: int
    votes: int
    mean_rank: float
    distance: float
    by: Mapping[str, int]


def vote(ballots: Mapping[str, Sequence[tuple[int, float]]]) -> list[Voted]:
    """Merge rankings: most votes first, then smaller mean rank, then smaller distance.

    Args:
        ballots: for every metric its nearest items with their distances, nearest first.
    """
    places: dict[int, dict[str, int]] = defaultdict(dict)
    near: dict[int, float] = {}
    for metric, ballot in ballots.items():
        farthest = max((distance for _, distance in ballot), default=0.0) or 1.0
        for place, (item, distance) in enumerate(ballot, start=1):
            places[item][metric] = place
            near[item] = min(near.get(item, float("inf")), distance / farthest)
    voted = [
        Voted(item, len(by), sum(by.values()) / len(by), near[item], by)
        for item, by in places.items()
    ]
    return sorted(voted, key=lambda v: (-v.votes, v.mean_rank, v.distance, v.item))
