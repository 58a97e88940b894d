"""Verification of candidates: surest first, joined pairs left out, weak matches held back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lookalike.accepted import Lead, Pair, Pairs, Verify
from lookalike.cluster import components, star, stars
from lookalike.config import SettleConfig
from lookalike.types import Match, Verification

__all__ = ["add_similar", "counts_alone", "is_strong", "settle"]

_LEAST_ALONE = 0.8
_CLEARLY = 1.5
_OWN_SHARE = 0.5
_COINCIDING, _TWICE = 0.88, 2.0
_LEAST_MOVED = 0.6
_WITHIN = 0.985
_PLENTY, _PLENTY_SUPPORT, _OVERLAPPING = 20, 0.15, 9


def settle(
    pairs: Pairs, proposed: Mapping[Pair, Lead], verify: Verify, config: SettleConfig
) -> None:
    """Verify candidates, the surest first, leaving out pairs that are joined already."""
    pairs.counts["candidates"] = len(proposed)
    left = sorted(proposed, key=lambda pair: (proposed[pair], pair))
    joined = _Joined(pairs.images)
    for pair in pairs.matches:
        joined.join(*pair)
    weak: dict[Pair, Match] = {}
    fruitless: Counter[str] = Counter()
    while left:
        asked, left = joined.forest(left)
        found = _verified(pairs, {pair: proposed[pair].mirrored for pair in asked}, verify)
        for pair, match in found.items():
            if is_strong(match, config):
                pairs.matches[pair] = match
                joined.join(*pair)
            elif match.verification and _is_copy(match.verification, config):
                weak[pair] = match
        for pair in asked:
            if pairs.order(*pair) not in pairs.matches:
                fruitless.update(pair)
        tired = {sha for sha, times in fruitless.items() if times >= config.most_fruitless}
        left = [pair for pair in left if not tired.issuperset(pair)]
    _confirm_stars(pairs, verify, config)
    _attach_leaves(pairs, weak, verify, config)


class _Joined:
    """Which contents are tied together, directly or by others."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._parent = {node: node for node in nodes}

    def join(self, a: str, b: str) -> None:
        """Tie two."""
        self._parent[_root(self._parent, a)] = _root(self._parent, b)

    def forest(self, order: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
        """Pairs that would each join two parts if all held, and those that then need no look.

        Pairs that are joined already are in neither.
        """
        parent = dict(self._parent)
        asked, later = [], []
        for a, b in order:
            if _root(self._parent, a) == _root(self._parent, b):
                continue
            first, second = _root(parent, a), _root(parent, b)
            if first == second:
                later.append((a, b))
            else:
                parent[first] = second
                asked.append((a, b))
        return asked, later


def _root(parent: dict[str, str], node: str) -> str:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def add_similar(
    pairs: Pairs, proposed: Mapping[Pair, float], max_distance: float, metric: str
) -> None:
    """Near pairs that share no pixels: another shot of the scene, by the descriptor alone."""
    copies = components(pairs.images, list(pairs.matches))
    home = {sha: group[0] for group in copies for sha in group}
    for pair, distance in sorted(proposed.items()):
        apart = home.get(pair[0], pair[0]) != home.get(pair[1], pair[1])
        if apart and distance <= max_distance:
            pairs.matches[pair] = Match(*pair, "similar", round(distance, 4), metric)


def counts_alone(seen: Verification, config: SettleConfig) -> bool:
    """Whether evidence ties two images that nothing else is known of."""
    weight = seen.inliers * seen.agreement
    firm = seen.agreement >= _LEAST_ALONE and weight >= config.weak_weight
    return firm or _is_firm(seen, config)


def is_strong(match: Match, config: SettleConfig) -> bool:
    """Whether a match counts by itself, whatever else its images match."""
    return match.verification is None or _is_firm(match.verification, config)


def _is_firm(seen: Verification, config: SettleConfig) -> bool:
    """Pages of one template lie on each other frame by frame; a moved part is no accident."""
    if not _is_copy(seen, config):
        return False
    if seen.inliers < config.strong_inliers or seen.support < config.strong_support:
        return False
    if _is_coinciding(seen):
        return seen.agreement >= config.strong_agreement
    if _is_within(seen):
        is_plenty = seen.inliers >= _PLENTY and seen.support >= _PLENTY_SUPPORT
        return seen.agreement >= (config.within_agreement if is_plenty else config.moved_agreement)
    return seen.agreement >= config.moved_agreement and seen.inliers >= _OVERLAPPING


def _holds_alone(seen: Verification) -> bool:
    """Whether weak evidence ties two images that have no other match."""
    return seen.agreement >= _LEAST_ALONE and seen.support >= _PLENTY_SUPPORT


def _is_copy(seen: Verification, config: SettleConfig) -> bool:
    """An edit leaves what it does not cover as it was; another shot is a little unlike all over.

    Of a picture and its edit one mostly lies in the other whole; two shots overlap.
    """
    if seen.agreement >= config.copy_agreement and seen.likeness >= config.firm_likeness:
        return True
    return seen.likeness >= (config.within_likeness if _is_within(seen) else config.copy_likeness)


def _is_coinciding(seen: Verification) -> bool:
    return min(seen.overlap_query, seen.overlap_ref) >= _COINCIDING


def _is_within(seen: Verification) -> bool:
    return max(seen.overlap_query, seen.overlap_ref) >= _WITHIN


def _verified(pairs: Pairs, some: Mapping[Pair, bool], verify: Verify) -> dict[Pair, Match]:
    """The pairs that keypoints and pixels confirm, with their matches."""
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


def _confirm_stars(pairs: Pairs, verify: Verify, config: SettleConfig) -> None:
    """Compare centres with members that lazy order skipped: those a common match ties to them."""
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
            # a strong match with a member is behind every one of these: here weak ones suffice
            for (a, b), match in _verified(pairs, asked, verify).items():
                if match.verification is None or not _is_copy(match.verification, config):
                    continue
                pairs.matches[a, b] = match
                graph[a].add(b)
                graph[b].add(a)

    stars(components(pairs.images, list(pairs.matches)), graph, pairs.rank, confirm)


def _attach_leaves(
    pairs: Pairs, weak: dict[Pair, Match], verify: Verify, config: SettleConfig
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
                leads[leaf][target] = max(leads[leaf].get(target, match), match, key=_weight)
    own = {leaf: _without_furniture(leaf, leads) for leaf in leads}
    asked: dict[Pair, bool] = {}
    for leaf in sorted(own):
        lead = _only_lead(leaf, own, set(home.values())) or _best_lead(own[leaf], home, config)
        if lead is not None:
            best = own[leaf].get(lead)
            if best is not None and _weight(best) >= config.weak_weight:
                seen = best.verification
                asked[pairs.order(leaf, lead)] = bool(seen and seen.mirrored)
    found = _verified(pairs, asked, verify)
    for pair, match in found.items():
        seen = match.verification
        is_alone = pair[0] not in home and pair[1] not in home
        is_proof = seen is not None and _is_copy(seen, config) and _weight(match) > 0
        if seen and is_proof and (not is_alone or _holds_alone(seen)):
            pairs.matches[pair] = match


def _without_furniture(leaf: str, leads: Mapping[str, Mapping[str, Match]]) -> dict[str, Match]:
    """Leads of ``leaf`` that show more than what strangers to them show too.

    The frame of a page recurs with every other page of its template; what the page shows does
    not. Another leaf that leads to the same cluster is no stranger.
    """
    cells = {target: _cells_of(leaf, match) for target, match in leads[leaf].items()}
    kept = {}
    for target, match in leads[leaf].items():
        elsewhere = 0
        for other, mask in cells.items():
            if other != target and target not in leads.get(other, {}):
                elsewhere |= mask
        alone = cells[target] & ~elsewhere
        if alone.bit_count() >= _OWN_SHARE * cells[target].bit_count():
            kept[target] = match
    return kept


def _cells_of(leaf: str, match: Match) -> int:
    """Bits of the parts of ``leaf`` that the match shows."""
    seen = match.verification
    assert seen is not None
    return int(seen.shared_query if match.query == leaf else seen.shared_ref, 16)


def _weight(match: Match) -> float:
    """Inliers by how much agrees where they lie.

    Frames that coincide are half the proof. A part that moved and then agrees in half of its
    textures is another thing before the same wall; frames that only overlap are two shots.
    """
    seen = match.verification
    if seen is None:
        return 0.0
    if _is_coinciding(seen):
        return _TWICE * seen.inliers * seen.agreement
    is_part = _is_within(seen) and seen.agreement >= _LEAST_MOVED
    return seen.inliers * seen.agreement if is_part else 0.0


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
    leads: Mapping[str, Match], home: Mapping[str, str], config: SettleConfig
) -> str | None:
    """The cluster that a leaf of several weak matches shows as a part of itself.

    Pages of one template lie on each other frame by frame; what a page shows lies elsewhere and
    in another size, so a match of whole frames tells nothing where there is another kind.
    """
    moved = {
        target: match
        for target, match in leads.items()
        if match.verification and not _is_coinciding(match.verification) and target in home
    }
    if not moved:
        return None
    ranked = sorted(moved, key=lambda target: (-_weight(moved[target]), target))
    best = _weight(moved[ranked[0]])
    second = _weight(moved[ranked[1]]) if len(ranked) > 1 else 0.0
    return ranked[0] if best >= config.weak_weight and best >= _CLEARLY * second else None
