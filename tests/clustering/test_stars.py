"""Linkages keep their promise."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.clustering.components import components
from lookalike.clustering.stars import agglomerate, label_stars, star, star_pairs
from lookalike.matching.match_graph import graph_of

NODES = list("abcdefgh")
EDGES = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda e: e[0] != e[1])
)


def flat(node: str) -> tuple[float, ...]:
    """No preference."""
    return ()


@given(EDGES, st.randoms())
def test_stars_are_disjoint_and_tied_to_their_centre(
    edges: list[tuple[str, str]], chance: random.Random
) -> None:
    """Every member matches the centre; no order of the edges changes the answer."""
    graph = graph_of(NODES, edges)
    stars = [s for g in components(NODES, edges) for s in star(g, graph, flat)]
    seen = [member for _, members in stars for member in members]
    assert len(seen) == len(set(seen))
    for centre, members in stars:
        assert len(members) >= 2
        assert all(member == centre or member in graph[centre] for member in members)
    shuffled = list(edges)
    chance.shuffle(shuffled)
    again = graph_of(NODES, shuffled)
    assert stars == [s for g in components(NODES, shuffled) for s in star(g, again, flat)]


@given(EDGES)
def test_kept_pairs_are_stars(edges: list[tuple[str, str]]) -> None:
    """Of many pairs, those kept tie every node to at most one centre."""
    pairs = sorted({tuple(sorted((NODES.index(a), NODES.index(b)))) for a, b in edges})
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    kept = [pairs[row] for row in star_pairs(left, right, range(len(NODES)), 0)]
    assert set(kept) <= set(pairs) and bool(kept) == bool(pairs)
    assert len(star_pairs(left, right, range(len(NODES)), 8)) == len(pairs)
    named = [(NODES[a], NODES[b]) for a, b in kept]
    for group in components(NODES, named):
        graph = graph_of(NODES, named)
        centre = max(group, key=lambda node: len(graph[node]))
        assert graph[centre] == set(group) - {centre}


@given(EDGES, st.permutations(range(len(NODES))))
def test_stars_of_rows_are_those_of_graphs(edges: list[tuple[str, str]], order: list[int]) -> None:
    """What is made for millions of pairs gives the stars of ``star``: one meaning of the word."""
    pairs = sorted({tuple(sorted((NODES.index(a), NODES.index(b)))) for a, b in edges})
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    place = {NODES[node]: (float(order.index(node)),) for node in range(len(NODES))}
    graph = graph_of(NODES, edges)
    found = [s for g in components(NODES, edges) for s in star(g, graph, place.__getitem__)]
    expected = list(range(len(NODES)))
    for centre, members in found:
        for member in members:
            expected[NODES.index(member)] = NODES.index(centre)
    assert label_stars(left, right, order).tolist() == expected
    ties = {(m, c) for c, members in found for m in members if m != c}
    kept = star_pairs(left, right, order, 0).tolist()
    named = {(NODES[a], NODES[b]) for a, b in (pairs[row] for row in kept)}
    assert {tuple(sorted(tie)) for tie in ties} == {tuple(sorted(pair)) for pair in named}


def test_what_a_star_took_no_longer_counts() -> None:
    """Of what 6 is tied to, 0 takes three: 8, with three of its own, goes before it."""
    pairs = [(0, n) for n in range(1, 6)] + [(6, n) for n in (1, 2, 3, 7, 8)] + [(8, 9), (8, 10)]
    left, right = np.array(pairs, np.int64).T
    assert label_stars(left, right, range(11)).tolist() == [0] * 6 + [8, 7, 8, 8, 8]


def test_a_chain_does_not_join_strangers() -> None:
    """Of a–b–c–d–e, no star holds two that do not share its centre."""
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]
    assert star(list("abcde"), graph_of(NODES, edges), flat) == [
        ("b", ["a", "b", "c"]),
        ("d", ["d", "e"]),
    ]


@given(EDGES)
def test_complete_linkage_has_every_pair(edges: list[tuple[str, str]]) -> None:
    """Within a part, every pair matches."""
    graph = graph_of(NODES, edges)
    for group in components(NODES, edges):
        inside = [edge for edge in edges if edge[0] in group]
        for part in agglomerate(group, inside, graph, 1.0):
            assert all(b in graph[a] for a in part for b in part if a != b)


@given(EDGES)
def test_single_linkage_is_components(edges: list[tuple[str, str]]) -> None:
    """Chains allowed: parts are the connected components."""
    graph = graph_of(NODES, edges)
    parts = [
        part
        for group in components(NODES, edges)
        for part in agglomerate(group, [e for e in edges if e[0] in group], graph, 0.0)
    ]
    assert parts == components(NODES, edges)
