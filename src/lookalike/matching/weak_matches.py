"""Accept weak matches of images that have no other, where all point one way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations

from lookalike.clustering.components import components
from lookalike.clustering.stars import star
from lookalike.config import SettleConfig
from lookalike.matching.confirm import verified
from lookalike.matching.judge import Context, verdict, weight
from lookalike.matching.match_graph import Pair, Pairs, Verify
from lookalike.model.match import Match

__all__ = ["attach_leaves"]

_EVERY_CELL = (1 << 64) - 1


def attach_leaves(
    pairs: Pairs, weak: dict[Pair, Match], verify: Verify, config: SettleConfig
) -> None:
    """Accept weak matches of images that have no other, where all point one way.

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

    def weigh(match: Match) -> float:
        return weight(match.verification, config) if match.verification else 0.0

    leads: dict[str, dict[str, Match]] = defaultdict(dict)
    for (a, b), match in sorted(weak.items()):
        for leaf, other in ((a, b), (b, a)):
            if leaf not in home:
                target = home.get(other, other)
                leads[leaf][target] = max(leads[leaf].get(target, match), match, key=weigh)
    shown = _shown(pairs, set(home.values()))
    own = {leaf: _without_furniture(leaf, leads, shown, config) for leaf in leads}
    asked: dict[Pair, bool] = {}
    for leaf in sorted(own):
        lead = _only_lead(leaf, own, set(home.values()))
        path = _path(leaf, lead, own, weigh) if lead is not None else []
        if lead is not None and path and min(map(weigh, path)) > 0:
            turns = [match.verification for match in path]
            asked[pairs.order(leaf, lead)] = (
                sum(bool(seen and seen.mirrored) for seen in turns) == 1
            )
    for pair, match in verified(pairs, asked, verify).items():
        is_alone = pair[0] not in home and pair[1] not in home
        context: Context = "couple" if is_alone else "leaf"
        seen = match.verification
        is_copy = seen is not None and verdict(seen, context, config) == "copy"
        if is_copy and _is_own(match, furniture, config):
            pairs.matches[pair] = match


def _furniture(weak: Mapping[Pair, Match], home: Mapping[str, str]) -> dict[str, int]:
    """Find parts of clustered images that images of two other clusters show too.

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
    """Tell whether enough of what a match shows is no furniture of either image."""
    for image in (match.query, match.ref):
        cells = _cells_of(image, match)
        own = cells & ~furniture.get(image, 0)
        if own.bit_count() < config.own_share * cells.bit_count():
            return False
    return True


def _shown(pairs: Pairs, centres: set[str]) -> dict[str, int]:
    """Find parts of centres that some copy shows; all parts where only hashes matched."""
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
    """Keep leads of ``leaf`` that show more than what strangers to them show too.

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
    """Tell whether two leaves lack the same part of what both match."""
    lacks = [
        ~_cells_of(match.ref if match.query == leaf else match.query, match) & shown
        for leaf, match in (one, other)
    ]
    common = (lacks[0] & lacks[1]).bit_count()
    return common >= config.same_lack * max(1, (lacks[0] | lacks[1]).bit_count())


def _cells_of(leaf: str, match: Match) -> int:
    """Read the bits of the parts of ``leaf`` that the match shows."""
    seen = match.verification
    assert seen is not None
    return int(seen.shared_query if match.query == leaf else seen.shared_ref, 16)


def _path(
    leaf: str,
    lead: str,
    leads: Mapping[str, Mapping[str, Match]],
    weight: Callable[[Match], float],
) -> list[Match]:
    """Find the match of ``leaf`` with ``lead``, or the two that lead there by another leaf."""
    if lead in leads[leaf]:
        return [leads[leaf][lead]]
    ways = [
        [leads[leaf][one], leads[one][lead]] for one in sorted(leads[leaf]) if lead in leads[one]
    ]
    return max(ways, key=lambda way: min(map(weight, way)), default=[])


def _only_lead(
    leaf: str, leads: Mapping[str, Mapping[str, Match]], centres: set[str]
) -> str | None:
    """Find the one cluster, or the one other leaf, that all weak matches of ``leaf`` point to."""
    clusters = leads[leaf].keys() & centres
    others = leads[leaf].keys() - centres
    for other in others:
        clusters |= leads[other].keys() & centres
    if len(clusters) == 1:
        return next(iter(clusters))
    if not clusters and len(others) == 1 and leads[next(iter(others))].keys() == {leaf}:
        return next(iter(others))
    return None
