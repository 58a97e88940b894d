"""Every pair of a component, verified, for linkages that count the pairs between two parts.

The cascade leaves out pairs that other matches join already. Star linkage needs no more, but to
complete and average linkage a pair that nobody looked at would be a pair that does not match.
"""

from __future__ import annotations

from itertools import combinations

from lookalike.clustering.components import components
from lookalike.clustering.stars import Graph
from lookalike.config.find import SettleConfig
from lookalike.matching.confirm import confirm_tied
from lookalike.matching.match_graph import Pair, Pairs, Verify

__all__ = ["confirm_every_pair"]


def confirm_every_pair(pairs: Pairs, verify: Verify, config: SettleConfig) -> None:
    """Verify what is left of the pairs within each component; there are ``n (n - 1) / 2`` in one.

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
    """Whether each content of a component is mirrored against its first, by the matches between."""
    found = {group[0]: False}
    waiting = [group[0]]
    for one in waiting:
        for other in sorted(graph[one] - found.keys()):
            seen = pairs.matches[pairs.order(one, other)].verification
            found[other] = found[one] != (seen is not None and seen.mirrored)
            waiting.append(other)
    return found
