"""Verification of candidates: surest first, joined pairs left out, weak matches held back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

from lookalike.clustering.disjoint_set import Joined
from lookalike.clustering.stars import components, star, stars
from lookalike.config.find import SettleConfig
from lookalike.matching.match_graph import Lead, Pair, Pairs, Verify
from lookalike.types import Match, Verification

__all__ = ["add_shots", "add_similar", "confirm_tied", "counts_alone", "is_strong", "settle"]

_COINCIDING = 0.88
_WITHIN = 0.985
_EVERY_CELL = (1 << 64) - 1


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
        found = _verified(pairs, {pair: turned[pair] for pair in asked}, verify)
        for pair, match in found.items():
            if is_strong(match, config):
                pairs.matches[pair] = match
                joined.join(*pair)
            elif match.verification and _is_copy(match.verification, config):
                weak[pair] = match
            elif match.verification and _is_shot(match.verification, config):
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
    _confirm_stars(pairs, verify, config)
    _attach_leaves(pairs, weak, verify, config)
    return shots


def _forest(joined: Joined[str], order: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs that would each join two parts if all held, and those that then need no look.

    Pairs that are joined already are in neither.
    """
    hoped = joined.copy()
    asked: list[Pair] = []
    later: list[Pair] = []
    for a, b in order:
        if joined.root(a) != joined.root(b):
            (asked if hoped.join(a, b) else later).append((a, b))
    return asked, later


def add_shots(pairs: Pairs, shots: Mapping[Pair, Match]) -> None:
    """Confirmed pairs that are no copies, as other shots of one scene, with their evidence."""
    home = _homes(pairs)
    for pair, match in sorted(shots.items()):
        if home.get(pair[0], pair[0]) != home.get(pair[1], pair[1]):
            pairs.matches[pair] = replace(match, tier="similar")


def add_similar(
    pairs: Pairs, proposed: Mapping[Pair, float], max_distance: float, metric: str
) -> None:
    """Near pairs that share no pixels: another shot of the scene, by the descriptor alone."""
    home = _homes(pairs)
    for pair, distance in sorted(proposed.items()):
        apart = home.get(pair[0], pair[0]) != home.get(pair[1], pair[1])
        if apart and distance <= max_distance and pair not in pairs.matches:
            pairs.matches[pair] = Match(*pair, "similar", round(distance, 4), metric)


def _homes(pairs: Pairs) -> dict[str, str]:
    """For every content that has a copy, a name of all that are tied to it by copies."""
    copies = [pair for pair, match in pairs.matches.items() if match.tier != "similar"]
    return {sha: group[0] for group in components(pairs.images, copies) for sha in group}


def counts_alone(seen: Verification, config: SettleConfig) -> bool:
    """Whether evidence ties two images that nothing else is known of."""
    weight = seen.inliers * seen.agreement
    firm = seen.agreement >= config.alone_agreement and weight >= config.alone_weight
    return firm or _is_firm(seen, config)


def is_strong(match: Match, config: SettleConfig) -> bool:
    """Whether a match counts by itself, whatever else its images match."""
    return match.verification is None or _is_firm(match.verification, config)


def _is_firm(seen: Verification, config: SettleConfig) -> bool:
    """Pages of one template lie on each other frame by frame; a moved part is no accident."""
    if not (_is_copy(seen, config) and _is_sure(seen, config)):
        return False
    if _is_coinciding(seen):
        return seen.agreement >= config.strong_agreement
    if _is_within(seen):
        return seen.agreement >= config.within_agreement
    return seen.agreement >= config.moved_agreement and seen.inliers >= config.moved_inliers


def _is_sure(seen: Verification, config: SettleConfig) -> bool:
    """Whether so many keypoints correspond that the two show one scene."""
    return seen.support >= config.strong_support


def _is_shot(seen: Verification, config: SettleConfig) -> bool:
    """Whether what is no copy is another shot of the scene."""
    return _has_moved(seen, config) or _is_sure(seen, config)


def _has_moved(seen: Verification, config: SettleConfig) -> bool:
    """Whether a part went its own way; of very many inliers, some do by chance."""
    return seen.moved > max(config.most_moved, config.moved_share * seen.inliers)


def _is_copy(seen: Verification, config: SettleConfig) -> bool:
    """An edit leaves what it does not cover as it was; another shot is a little unlike all over.

    Of a picture and its edit one mostly lies in the other whole; two shots overlap.
    """
    least = config.within_likeness if _is_within(seen) else config.copy_likeness
    return seen.likeness >= least and not _has_moved(seen, config)


def _is_supported(seen: Verification, config: SettleConfig) -> bool:
    """Where nearly all agrees keypoints do too, but for textures that repeat."""
    return seen.agreement < config.mostly_agreement or seen.support >= config.weak_support


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


def confirm_tied(
    pairs: Pairs, asked: Mapping[Pair, bool], verify: Verify, config: SettleConfig
) -> list[Pair]:
    """Verify pairs that other matches tie to each other, and keep those that are copies.

    Strong matches are behind every one of these: here weak ones suffice.
    """
    copies = {
        pair: match
        for pair, match in _verified(pairs, asked, verify).items()
        if match.verification and _is_copy(match.verification, config)
    }
    pairs.matches.update(copies)
    return list(copies)


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
            for a, b in confirm_tied(pairs, asked, verify, config):
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
    furniture = _furniture(weak, home)
    weight = partial(_weight, config=config)
    leads: dict[str, dict[str, Match]] = defaultdict(dict)
    for (a, b), match in sorted(weak.items()):
        for leaf, other in ((a, b), (b, a)):
            if leaf not in home:
                target = home.get(other, other)
                leads[leaf][target] = max(leads[leaf].get(target, match), match, key=weight)
    shown = _shown(pairs, set(home.values()))
    own = {leaf: _without_furniture(leaf, leads, shown, config) for leaf in leads}
    asked: dict[Pair, bool] = {}
    for leaf in sorted(own):
        lead = _only_lead(leaf, own, set(home.values()))
        path = _path(leaf, lead, own, weight) if lead is not None else []
        if lead is not None and path and min(map(weight, path)) > 0:
            turns = [match.verification for match in path]
            asked[pairs.order(leaf, lead)] = (
                sum(bool(seen and seen.mirrored) for seen in turns) == 1
            )
    for pair, match in _verified(pairs, asked, verify).items():
        is_alone = pair[0] not in home and pair[1] not in home
        if _is_leaf(match, config, is_alone=is_alone) and _is_own(match, furniture, config):
            pairs.matches[pair] = match


def _is_leaf(match: Match, config: SettleConfig, *, is_alone: bool) -> bool:
    """Whether weak evidence ties an image to a cluster, or to another that stands alone."""
    seen = match.verification
    if seen is None or not _is_copy(seen, config) or _weight(match, config) == 0:
        return False
    if seen.agreement >= config.mostly_agreement and seen.support < config.weak_support:
        # where nearly all agrees keypoints do too, but for textures that repeat
        return False
    return not is_alone or seen.agreement >= config.alone_agreement


def _furniture(weak: Mapping[Pair, Match], home: Mapping[str, str]) -> dict[str, int]:
    """Parts of clustered images that images of two other clusters show too.

    One other cluster may be of the same picture, not joined yet.
    """
    shown: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for pair, match in weak.items():
        for image, other in (pair, pair[::-1]):
            if image in home and other in home and home[image] != home[other]:
                shown[image][home[other]] |= _cells_of(image, match)
    parts: dict[str, int] = defaultdict(int)
    for image, others in shown.items():
        for first, second in combinations(others.values(), 2):
            parts[image] |= first & second
    return parts


def _is_own(match: Match, furniture: Mapping[str, int], config: SettleConfig) -> bool:
    """Whether enough of what a match shows is no furniture of either image."""
    for image in (match.query, match.ref):
        cells = _cells_of(image, match)
        own = cells & ~furniture.get(image, 0)
        if own.bit_count() < config.own_share * cells.bit_count():
            return False
    return True


def _shown(pairs: Pairs, centres: set[str]) -> dict[str, int]:
    """Parts of centres in which some copy shows something; all where only hashes tell."""
    shown: dict[str, int] = defaultdict(int)
    for pair, match in pairs.matches.items():
        for centre in centres.intersection(pair):
            if match.verification and match.verification.inliers:
                shown[centre] |= _cells_of(centre, match)
    return {centre: shown.get(centre, 0) or _EVERY_CELL for centre in centres}


def _without_furniture(
    leaf: str,
    leads: Mapping[str, Mapping[str, Match]],
    shown: Mapping[str, int],
    config: SettleConfig,
) -> dict[str, Match]:
    """Leads of ``leaf`` that show more than what strangers to them show too.

    The frame of a page recurs with every other page of its template; what the page shows does
    not. Another leaf that leads to the same cluster is no stranger, unless both lack the same
    part of it: pages of one template differ where each shows something else.
    """
    cells = {target: _cells_of(leaf, match) for target, match in leads[leaf].items()}
    kept = {}
    for target, match in leads[leaf].items():
        elsewhere = 0
        for other, mask in cells.items():
            theirs = leads.get(other, {}).get(target)
            telling = shown.get(target, _EVERY_CELL)
            is_page = theirs and _lack_one_part((leaf, match), (other, theirs), telling, config)
            if other != target and (theirs is None or is_page):
                elsewhere |= mask
        alone = cells[target] & ~elsewhere
        if alone.bit_count() >= config.own_share * cells[target].bit_count():
            kept[target] = match
    return kept


def _lack_one_part(
    one: tuple[str, Match], other: tuple[str, Match], shown: int, config: SettleConfig
) -> bool:
    """Whether two leaves do not show the same part of what both match, of its ``shown`` parts."""
    lacks = [
        ~_cells_of(match.ref if match.query == leaf else match.query, match) & shown
        for leaf, match in (one, other)
    ]
    common = (lacks[0] & lacks[1]).bit_count()
    return common >= config.same_lack * max(1, (lacks[0] | lacks[1]).bit_count())


def _cells_of(leaf: str, match: Match) -> int:
    """Bits of the parts of ``leaf`` that the match shows."""
    seen = match.verification
    assert seen is not None
    return int(seen.shared_query if match.query == leaf else seen.shared_ref, 16)


def _weight(match: Match, config: SettleConfig) -> float:
    """Inliers by how much agrees where they lie.

    A part that moved and then agrees in half of its textures is another thing before the same
    wall; frames that only overlap are two shots.
    """
    seen = match.verification
    if seen is None:
        return 0.0
    is_part = _is_within(seen) and seen.agreement >= config.part_agreement
    return seen.inliers * seen.agreement if is_part or _is_coinciding(seen) else 0.0


def _path(
    leaf: str,
    lead: str,
    leads: Mapping[str, Mapping[str, Match]],
    weight: Callable[[Match], float],
) -> list[Match]:
    """The match of ``leaf`` with ``lead``, or the two that lead there by way of another leaf."""
    if lead in leads[leaf]:
        return [leads[leaf][lead]]
    ways = [
        [leads[leaf][one], leads[one][lead]] for one in sorted(leads[leaf]) if lead in leads[one]
    ]
    return max(ways, key=lambda way: min(map(weight, way)), default=[])


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
