"""Verification of candidates: nearest first, joined pairs left out, weak matches held back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lookalike.accepted import Pair, Pairs, Verify
from lookalike.cluster import components, star
from lookalike.config import VerifyConfig
from lookalike.types import Match, Verification

__all__ = ["add_similar", "counts_alone", "settle"]

_VERIFY_BATCH = 256
_LEAST_ALONE = 0.7
_CLEARLY = 1.5


def settle(pairs: Pairs, proposed: dict[Pair, float], verify: Verify, config: VerifyConfig) -> None:
    """Verify candidates nearest first, leaving out pairs that are joined already."""
    pairs.counts["candidates"] = len(proposed)
    order = sorted(proposed, key=lambda pair: (proposed[pair], pair))
    parent = {sha: sha for sha in pairs.images}

    def root(sha: str) -> str:
        while parent[sha] != sha:
            parent[sha] = parent[parent[sha]]
            sha = parent[sha]
        return sha

    def join(some: Iterable[Pair]) -> None:
        for a, b in some:
            parent[root(a)] = root(b)

    join(pairs.matches)
    weak: dict[Pair, Match] = {}
    for at in range(0, len(order), _VERIFY_BATCH):
        apart = [p for p in order[at : at + _VERIFY_BATCH] if root(p[0]) != root(p[1])]
        near = [pair for pair in apart if proposed[pair] <= config.mirror_distance]
        far = [pair for pair in apart if proposed[pair] > config.mirror_distance]
        found = _verified(pairs, near, verify) | _verified(pairs, far, verify, mirrored=False)
        firm = {pair: m for pair, m in found.items() if _is_strong(m, config)}
        weak |= {pair: m for pair, m in found.items() if pair not in firm}
        pairs.matches |= firm
        join(firm)
    _confirm_stars(pairs, verify, config)
    _attach_leaves(pairs, weak, verify, config)


def add_similar(
    pairs: Pairs, proposed: dict[Pair, float], max_distance: float, metric: str
) -> None:
    """Near pairs that share no pixels: another shot of the scene, by the descriptor alone."""
    copies = components(pairs.images, list(pairs.matches))
    home = {sha: group[0] for group in copies for sha in group}
    for pair, distance in sorted(proposed.items()):
        apart = home.get(pair[0], pair[0]) != home.get(pair[1], pair[1])
        if apart and distance <= max_distance:
            pairs.matches[pair] = Match(*pair, "similar", round(distance, 4), metric)


def counts_alone(seen: Verification, config: VerifyConfig) -> bool:
    """Whether evidence ties two images that nothing else is known of."""
    firm = seen.agreement >= config.strong_agreement and seen.inliers >= config.strong_inliers
    return firm or (seen.agreement >= _LEAST_ALONE and seen.inliers >= config.weak_inliers)


def _is_strong(match: Match, config: VerifyConfig) -> bool:
    """Whether a match counts by itself, whatever else its images match."""
    seen = match.verification
    return seen is None or (
        seen.agreement >= config.strong_agreement and seen.inliers >= config.strong_inliers
    )


def _verified(
    pairs: Pairs, some: Iterable[Pair], verify: Verify, *, mirrored: bool = True
) -> dict[Pair, Match]:
    """The pairs that keypoints and pixels confirm, with their matches."""
    asked = sorted({pairs.order(*pair) for pair in some})
    if not asked:
        return {}
    verdicts = verify(asked, mirrored=mirrored)
    pairs.counts["verified"] += len(asked)
    found = {
        pair: Match(*pair, "copy", round(1.0 - seen.agreement, 4), "agreement", seen)
        for pair in asked
        if (seen := verdicts[pair])
    }
    pairs.counts["verified_accepted"] += len(found)
    return found


def _confirm_stars(pairs: Pairs, verify: Verify, config: VerifyConfig) -> None:
    """Compare centres with members that lazy order skipped: those a common match ties to them."""
    graph = pairs.graph()

    def confirm(centre: str, members: Sequence[str]) -> None:
        left = set(members)
        while near := {member for member in left if graph[member] & graph[centre]}:
            left -= near
            found = _verified(pairs, [(centre, member) for member in near], verify)
            for (a, b), match in found.items():
                if _is_strong(match, config):
                    pairs.matches[a, b] = match
                    graph[a].add(b)
                    graph[b].add(a)

    for group in components(pairs.images, list(pairs.matches)):
        star(group, graph, pairs.rank, confirm)


def _attach_leaves(
    pairs: Pairs, weak: dict[Pair, Match], verify: Verify, config: VerifyConfig
) -> None:
    """Weak matches count only for images that have no other, and that point one way.

    Half of two pages may agree because both carry the same frame, sticker or background. An
    image that weakly matches the centres of several clusters says only that they share
    something; one that matches a single centre is taken for its copy.
    """
    graph = pairs.graph()
    home: dict[str, str] = {}
    for group in components(pairs.images, list(pairs.matches)):
        for centre, members in star(group, graph, pairs.rank):
            home.update(dict.fromkeys(members, centre))
    leads: dict[str, dict[str, Match]] = defaultdict(dict)
    for (a, b), match in sorted(weak.items()):
        for leaf, other in ((a, b), (b, a)):
            if leaf not in home:
                target = home.get(other, other)
                leads[leaf][target] = max(leads[leaf].get(target, match), match, key=_inliers)
    asked = {}
    for leaf in sorted(leads):
        lead = _only_lead(leaf, leads, set(home.values())) or _best_lead(leads[leaf], home, config)
        if lead is not None:
            asked[leaf] = pairs.order(leaf, lead)
    found = _verified(pairs, asked.values(), verify)
    for pair in asked.values():
        seen = found[pair].verification if pair in found else None
        least = 0.0 if pair[0] in home or pair[1] in home else _LEAST_ALONE
        if seen and seen.agreement >= least and seen.inliers >= config.weak_inliers:
            pairs.matches[pair] = found[pair]


def _inliers(match: Match) -> int:
    return match.verification.inliers if match.verification else 0


def _only_lead(
    leaf: str, leads: Mapping[str, Mapping[str, Match]], centres: set[str]
) -> str | None:
    """The one cluster, or the one other leaf, that all weak matches of ``leaf`` point to."""
    clusters = leads[leaf].keys() & centres
    others = leads[leaf].keys() - centres
    for other in others:
        clusters |= leads[other].keys() & centres
    if len(clusters) == 1:
        return next(iter(clusters))
    if not clusters and len(others) == 1 and leads[next(iter(others))].keys() == {leaf}:
        return next(iter(others))
    return None


def _best_lead(
    leads: Mapping[str, Match], home: Mapping[str, str], config: VerifyConfig
) -> str | None:
    """The cluster that a leaf of several weak matches shows as a part of itself.

    Pages of one template lie on each other frame by frame; what a page shows lies elsewhere and
    in another size, so a match of whole frames tells nothing where there is another kind.
    """
    moved = {
        target: match
        for target, match in leads.items()
        if match.verification and match.verification.frame != "same" and target in home
    }
    if not moved or not config.choose_part:
        return None
    ranked = sorted(moved, key=lambda target: (-_inliers(moved[target]), target))
    best = _inliers(moved[ranked[0]])
    second = _inliers(moved[ranked[1]]) if len(ranked) > 1 else 0
    enough = best >= config.weak_inliers and best >= _CLEARLY * second
    return ranked[0] if enough else None
