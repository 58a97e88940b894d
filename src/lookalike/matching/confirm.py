"""Verify pairs that other matches tie together already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lookalike.clustering.components import components
from lookalike.clustering.stars import stars
from lookalike.config import SettleConfig
from lookalike.matching.judge import verdict
from lookalike.matching.match_graph import Pair, Pairs, Verify
from lookalike.model.match import Match

__all__ = ["confirm_stars", "confirm_tied", "verified"]


def verified(pairs: Pairs, some: Mapping[Pair, bool], verify: Verify) -> dict[Pair, Match]:
    """Verify pairs and make matches of those that keypoints and pixels confirm."""
    asked = {pairs.order(*pair): mirrored for pair, mirrored in sorted(some.items())}
    if not asked:
        return {}
    verdicts = verify(asked)
    pairs.counts["verified"] += len(asked)
    found = {
        pair: Match(*pair, "copy", round(1.0 - seen.agreement, 4), "agreement", seen)
        for pair in asked
        if (seen := verdicts[pair])
    }
    pairs.counts["verified_accepted"] += len(found)
    return found


def confirm_tied(
    pairs: Pairs, asked: Mapping[Pair, bool], verify: Verify, config: SettleConfig
) -> list[Pair]:
    """Verify pairs that other matches tie to each other, and keep those that are copies.

    Strong matches are behind every one of these: here weak ones suffice.
    """
    copies = {
        pair: match
        for pair, match in verified(pairs, asked, verify).items()
        if match.verification and verdict(match.verification, "tied", config) == "copy"
    }
    pairs.matches.update(copies)
    return list(copies)


def confirm_stars(pairs: Pairs, verify: Verify, config: SettleConfig) -> None:
    """Verify centres with members that were skipped because a common match ties them."""
    graph = pairs.graph()

    def is_mirrored(a: str, b: str) -> bool:
        seen = pairs.matches[pairs.order(a, b)].verification
        return seen is not None and seen.mirrored

    def confirm(unknown: Mapping[str, Sequence[str]]) -> None:
        left = {(centre, member) for centre, members in unknown.items() for member in members}
        while near := {pair: both for pair in left if (both := graph[pair[0]] & graph[pair[1]])}:
            left -= near.keys()
            asked = {}
            for (centre, member), common in near.items():
                between = min(common)
                asked[centre, member] = is_mirrored(centre, between) != is_mirrored(between, member)
            for a, b in confirm_tied(pairs, asked, verify, config):
                graph[a].add(b)
                graph[b].add(a)

    stars(components(pairs.images, list(pairs.matches)), graph, pairs.rank, confirm)
