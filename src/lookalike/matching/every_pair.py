"""Verify every pair of a component, for linkages that count the pairs between two parts.

The cascade leaves out pairs that other matches join already. Star linkage needs no more, but to
complete and average linkage a pair that nobody looked at would be a pair that does not match.
"""

from __future__ import annotations

from itertools import combinations

from lookalike.clustering.components import components
from lookalike.clustering.stars import Graph
from lookalike.config import SettleConfig
from lookalike.matching.confirm import confirm_tied
from lookalike.matching.match_graph import Pair, Pairs, Verify

__all__ = ["confirm_every_pair"]


def confirm_every_pair(pairs: Pairs, verify: Verify, config: SettleConfig) -> None:
    """Verify the remaining pairs within each component, of ``n (n - 1) / 2``.

    Args:
        pairs: accepted pairs, added to.
        verify: asked for all pairs that no match is known of.
        config: which evidence makes a copy.
    """
    graph = pairs.graph()
    asked: dict[Pair, bool] = {}
    for group in components(pairs.images, pairs.matches):
        mirrored = _mirrored(pairs, group, graph)
        for a, b in combinations(group, 2):
            if pairs.order(a, b) not in pairs.matches:
                asked[a, b] = mirrored[a] != mirrored[b]
    confirm_tied(pairs, asked, verify, config)


def _mirrored(pairs: Pairs, group: list[str], graph: Graph) -> dict[str, bool]:
    """Tell which contents of a component are mirrored against its first, along its matches."""
    found = {group[0]: False}
    waiting = [group[0]]
    for one in waiting:
        for other in sorted(graph[one] - found.keys()):
            seen = pairs.matches[pairs.order(one, other)].verification
            found[other] = found[one] != (seen is not None and seen.mirrored)
            waiting.append(other)
    return found
