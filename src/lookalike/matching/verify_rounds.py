"""Verify candidates in rounds: surest first, joined pairs left out, weak matches held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lookalike.clustering.disjoint_set import Joined
from lookalike.config import SettleConfig
from lookalike.matching.confirm import confirm_stars, verified
from lookalike.matching.judge import verdict
from lookalike.matching.match_graph import Lead, Pair, Pairs, Verify
from lookalike.matching.weak_matches import attach_leaves
from lookalike.model.match import Match

__all__ = ["settle"]


def settle(
    pairs: Pairs, proposed: Mapping[Pair, Lead], verify: Verify, config: SettleConfig
) -> dict[Pair, Match]:
    """Verify candidates, the surest first, leaving out pairs that are joined already.

    Returns:
        Pairs that were confirmed and yet are no copies: other shots of one scene.
    """
    pairs.counts["candidates"] = len(proposed)
    left = sorted(proposed, key=lambda pair: (proposed[pair], pair))
    joined = Joined(pairs.images)
    for pair in pairs.matches:
        joined.join(*pair)
    weak: dict[Pair, Match] = {}
    shots: dict[Pair, Match] = {}
    fruitless: Counter[str] = Counter()
    turned: dict[Pair, bool] = {pair: proposed[pair].mirrored for pair in left}
    while left:
        asked, left = _forest(joined, left)
        found = verified(pairs, {pair: turned[pair] for pair in asked}, verify)
        for pair, match in found.items():
            assert match.verification is not None
            told = verdict(match.verification, "among", config)
            if told == "copy":
                pairs.matches[pair] = match
                joined.join(*pair)
            elif told == "weak":
                weak[pair] = match
            elif told == "shot":
                shots[pair] = match
        for pair in asked:
            if pairs.order(*pair) in pairs.matches:
                continue
            if proposed[pair].either and turned[pair] == proposed[pair].mirrored:
                turned[pair] = not turned[pair]
                left.append(pair)
            else:
                fruitless.update(pair)
        tired = {sha for sha, times in fruitless.items() if times >= config.most_fruitless}
        left = [pair for pair in left if not tired.issuperset(pair)]
    confirm_stars(pairs, verify, config)
    attach_leaves(pairs, weak, verify, config)
    return shots


def _forest(joined: Joined[str], order: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Split pairs into those that would each join two parts if all held, and those that may wait.

    Pairs that are joined already are in neither.
    """
    hoped = joined.copy()
    asked: list[Pair] = []
    later: list[Pair] = []
    for a, b in order:
        if joined.root(a) != joined.root(b):
            (asked if hoped.join(a, b) else later).append((a, b))
    return asked, later
