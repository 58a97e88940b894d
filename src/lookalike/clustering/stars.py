"""Cluster accepted pairs by linkages with post-conditions.

Star is the default: in a chain a–b–c the strangers a and c must not meet, so a cluster is a
centre and those that match it.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.clustering.components import components
from lookalike.model.arrays import IntArray
from lookalike.model.match import Match
from lookalike.model.report import Cluster

__all__ = [
    "Graph",
    "agglomerate",
    "label_stars",
    "make_cluster",
    "separate",
    "star",
    "star_pairs",
]

Graph = Mapping[str, set[str]]


def _star_center(
    group: Sequence[str], graph: Graph, rank: Callable[[str], tuple[float, ...]]
) -> str:
    """Choose the node of ``group`` with most matches in it; ties by lower ``rank``, then id."""
    inside = set(group)
    return min(group, key=lambda node: (-len(graph[node] & inside), *rank(node), node))


def star(
    group: Sequence[str], graph: Graph, rank: Callable[[str], tuple[float, ...]]
) -> list[tuple[str, list[str]]]:
    """Split one component into stars: a centre and the members that match it.

    Args:
        group: node ids of one component.
        graph: accepted neighbours of every node.
        rank: preference among equally connected centres, lower first.

    Returns:
        (centre, members with the centre, sorted), two or more members each, disjoint.
    """
    return stars([group], graph, rank, lambda unknown: None)


def stars(
    groups: Iterable[Sequence[str]],
    graph: Graph,
    rank: Callable[[str], tuple[float, ...]],
    confirm: Callable[[Mapping[str, Sequence[str]]], None],
) -> list[tuple[str, list[str]]]:
    """Split components into stars, all of them at once, so that ``confirm`` is asked rarely.

    Args:
        groups: node ids of each component.
        graph: accepted neighbours of every node; ``confirm`` may add to it.
        rank: preference among equally connected centres, lower first.
        confirm: called with centres and the members not yet compared with each, to compare
            them and add what it accepts to ``graph``.

    Returns:
        (centre, members with the centre, sorted), two or more members each, disjoint; largest
        stars of the components first.
    """
    left = [set(group) for group in groups]
    found = []
    while left := [rest for rest in left if len(rest) > 1]:
        centres = [_star_center(sorted(rest), graph, rank) for rest in left]
        unknown = {
            centre: sorted(rest - graph[centre] - {centre})
            for centre, rest in zip(centres, left, strict=True)
        }
        confirm({centre: others for centre, others in unknown.items() if others})
        for centre, rest in zip(centres, left, strict=True):
            arms = graph[centre] & rest
            if arms:
                found.append((centre, sorted(arms | {centre})))
            # the best centre has no arms: neither has any other
            rest -= (arms | {centre}) if arms else set(rest)
    return found


def star_pairs(left: IntArray, right: IntArray, order: Sequence[int], small: int) -> IntArray:
    """Choose which of many pairs to keep: of large stars only those with the centre.

    Args:
        left: ``(k,)`` node numbers.
        right: ``(k,)`` node numbers, no pair twice.
        order: every node, the preferred centre first among equally connected ones.
        small: stars of at most this many members keep every pair.

    Returns:
        ``(j,)`` rows of the pairs kept, ascending.
    """
    labels, kept = _stars_of_rows(left, right, order)
    sizes = np.bincount(labels, minlength=len(order))
    is_small = sizes[labels] <= small
    return np.flatnonzero(kept | (is_small[left] & is_small[right]))


def label_stars(left: IntArray, right: IntArray, order: Sequence[int]) -> IntArray:
    """Label each node ``(n,)`` with its star's centre; with itself where it stands alone.

    Args:
        left: ``(k,)`` node numbers.
        right: ``(k,)`` node numbers, no pair twice.
        order: every node, the preferred centre first among equally connected ones.
    """
    return _stars_of_rows(left, right, order)[0]


def _stars_of_rows(
    left: IntArray, right: IntArray, order: Sequence[int]
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Make stars of millions of pairs: every node's centre, and which pairs tie it there.

    What a star takes no longer counts among the neighbours of what is left. Nodes wait in a heap
    by the neighbours they had when they were put there, and go back with those they still have.
    """
    ends, others = np.concatenate([left, right]), np.concatenate([right, left])
    by_end = np.argsort(ends, kind="stable")
    degree = np.bincount(ends, minlength=len(order))
    starts = np.concatenate([[0], np.cumsum(degree)])
    free = np.ones(len(order), bool)
    labels = np.arange(len(order))
    kept = np.zeros(len(left), bool)
    waiting = [(-int(degree[node]), place, node) for place, node in enumerate(order)]
    heapq.heapify(waiting)
    while waiting:
        seen, place, centre = heapq.heappop(waiting)
        if not free[centre] or not degree[centre]:
            continue
        if degree[centre] != -seen:
            heapq.heappush(waiting, (-int(degree[centre]), place, centre))
            continue
        rows = by_end[starts[centre] : starts[centre + 1]]
        arms = rows[free[others[rows]]]
        members = np.append(others[arms], centre)
        free[members] = False
        labels[members] = centre
        kept[arms % len(left)] = True
        gone = np.concatenate([by_end[starts[n] : starts[n + 1]] for n in members.tolist()])
        np.subtract.at(degree, others[gone], 1)
    return labels, kept


def make_cluster(
    members: Sequence[str], centre: str, matches: Iterable[Match], linkage: str
) -> Cluster:
    """Make a cluster with an id that depends on its members alone."""
    inside = set(members)
    own = tuple(
        sorted(
            (m for m in matches if m.query in inside and m.ref in inside),
            key=lambda m: (m.query, m.ref),
        )
    )
    digest = hashlib.sha256("\0".join(sorted(inside)).encode("utf-8", "surrogateescape"))
    return Cluster(
        id=digest.hexdigest()[:16],
        members=tuple(sorted(inside)),
        center=centre,
        matches=own,
        linkage=linkage,
        diameter=max((m.distance for m in own), default=0.0),
    )


def agglomerate(
    group: Sequence[str], edges: Sequence[tuple[str, str]], graph: Graph, least: float
) -> list[list[str]]:
    """Merge along accepted pairs, nearest first, while enough of the cross pairs match.

    Args:
        group: node ids of one component.
        edges: accepted pairs, nearest first.
        graph: accepted neighbours of every node.
        least: share of the pairs between two parts that must match for them to merge:
            1 is complete linkage, .5 average, 0 single.

    Returns:
        Disjoint parts of two or more members, each sorted.
    """
    part = {node: frozenset([node]) for node in group}
    for a, b in edges:
        first, second = part[a], part[b]
        if first is second:
            continue
        matching = sum(len(graph[node] & second) for node in first)
        if matching >= least * len(first) * len(second):
            merged = first | second
            part.update(dict.fromkeys(merged, merged))
    return sorted(sorted(members) for members in set(part.values()) if len(members) > 1)


def separate(
    group: Sequence[str],
    graph: Graph,
    apart: Graph,
    rank: Callable[[str], tuple[float, ...]],
) -> list[tuple[str, list[str]]]:
    """Split one cluster so that no two nodes that a person told apart share a part.

    Args:
        group: node ids of one cluster.
        graph: accepted neighbours of every node.
        apart: for some nodes, those they must not be with.
        rank: preference as a centre, lower first. Of two told apart the one that matches the
            centre stays with it; of two that both do, or neither does, the one of lower rank.

    Returns:
        (centre, members with the centre, sorted), two or more members each, disjoint; nodes that
        are left alone are in none.
    """
    left, parts = sorted(group), []
    while len(left) > 1:
        centre = _star_center(left, graph, rank)
        kept: list[str] = []
        # what matches the centre goes before larger ones that only match its matches
        order = sorted(left, key=lambda n: (n != centre, n not in graph[centre], *rank(n), n))
        for node in order:
            if apart.get(node, set()).isdisjoint(kept):
                kept.append(node)
        ties = ((a, b) for a in kept for b in graph[a] & set(kept))
        tied = [part for part in components(kept, ties) if centre in part]
        if tied:
            parts.append((centre, tied[0]))
        done = set(tied[0]) if tied else {centre}
        left = [node for node in left if node not in done]
    return parts
