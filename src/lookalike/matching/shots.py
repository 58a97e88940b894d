"""Add pairs that are no copies: other shots of one scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lookalike.clustering.components import components
from lookalike.matching.match_graph import Pair, Pairs
from lookalike.model.match import Match

__all__ = ["add_shots", "add_similar"]


def add_shots(pairs: Pairs, shots: Mapping[Pair, Match]) -> None:
    """Add confirmed pairs that are no copies as other shots of one scene, with their evidence."""
    home = _homes(pairs)
    for pair, match in sorted(shots.items()):
        if home.get(pair[0], pair[0]) != home.get(pair[1], pair[1]):
            pairs.matches[pair] = replace(match, tier="similar")


def add_similar(
    pairs: Pairs, proposed: Mapping[Pair, float], max_distance: float, metric: str
) -> None:
    """Add near pairs that share no pixels: other shots of the scene, by the descriptor alone."""
    home = _homes(pairs)
    for pair, distance in sorted(proposed.items()):
        apart = home.get(pair[0], pair[0]) != home.get(pair[1], pair[1])
        if apart and distance <= max_distance and pair not in pairs.matches:
            pairs.matches[pair] = Match(*pair, "similar", round(distance, 4), metric)


def _homes(pairs: Pairs) -> dict[str, str]:
    """Name, for every content that has a copy, the set that copies tie together."""
    copies = [pair for pair, match in pairs.matches.items() if match.tier != "similar"]
    return {sha: group[0] for group in components(pairs.images, copies) for sha in group}
