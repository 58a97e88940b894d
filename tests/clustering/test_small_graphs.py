"""Small graphs whose clusters can be told by hand, on both sides of every rule."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from evidence import WHOLE
from lookalike.clustering import dendrogram
from lookalike.clustering.components import components, label_components
from lookalike.clustering.disjoint_set import Joined
from lookalike.clustering.stars import (
    agglomerate,
    label_stars,
    make_cluster,
    separate,
    star,
    star_pairs,
)
from lookalike.matching.match_graph import graph_of
from lookalike.model.errors import ConfigError
from lookalike.model.match import Match


def alike(node: str) -> tuple[float, ...]:
    """No preference."""
    return ()


def test_joined_sets() -> None:
    """Who is tied, whether a tie was new, who stands for whom; a copy is apart."""
    joined = Joined("abcd")
    assert "a" in joined and "e" not in joined
    assert joined.join("a", "b") and joined.join("b", "c")
    assert not joined.join("c", "a")
    assert joined.root("a") == joined.root("b") == "c" and joined.root("d") == "d"
    other = joined.copy()
    assert other.join("d", "a")
    assert joined.parts() == {"c": ["a", "b", "c"], "d": ["d"]}
    assert other.parts() == {"c": ["a", "b", "c", "d"]}


def test_components_by_hand() -> None:
    """Sorted parts of two or more; those who stand alone are in none."""
    pairs = [("f", "b"), ("d", "c"), ("b", "a")]
    assert components("fedcba", pairs) == [["a", "b", "f"], ["c", "d"]]
    numbers = np.array([1, 5, 3, 2]), np.array([0, 1, 2, 3])
    assert label_components(7, *numbers).tolist() == [0, 0, 2, 2, 4, 0, 6]
    chain = np.arange(49)
    assert label_components(50, chain + 1, chain).tolist() == [0] * 50


def test_stars_by_hand() -> None:
    """Most matches make a centre, then rank, then name; what is left makes further stars."""
    graph = graph_of("abcdef", ["ab", "ac", "cd", "de", "ef"])
    ranks = {"d": 0.0}
    assert star("abcdef", graph, alike) == [("a", ["a", "b", "c"]), ("e", ["d", "e", "f"])]
    assert star("abcdef", graph, lambda node: (ranks.get(node, 1.0),)) == [
        ("d", ["c", "d", "e"]),
        ("a", ["a", "b"]),
    ]


@pytest.mark.parametrize(("small", "kept"), [(0, [0, 1]), (2, [0, 1]), (3, [0, 1, 2])])
def test_small_stars_keep_every_pair(small: int, kept: list[int]) -> None:
    """Of three that all match: two ties, or all three where stars of three are small."""
    left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert star_pairs(left, right, [0, 1, 2, 3], small).tolist() == kept
    assert label_stars(left, right, [0, 1, 2, 3]).tolist() == [0, 0, 0, 3]


def test_parts_merge_while_enough_of_their_pairs_match() -> None:
    """Two of four pairs are a half: enough for .5, not for .51; who merges with none is left."""
    edges = ["ab", "cd", "ac", "bd"]
    pairs = [(a, b) for a, b in edges]
    assert agglomerate("abcde", pairs, graph_of("abcdef", edges), 0.5) == [["a", "b", "c", "d"]]
    assert agglomerate("abcde", pairs, graph_of("abcdef", edges), 0.51) == [["a", "b"], ["c", "d"]]
    assert agglomerate("abcde", pairs, graph_of("abcdef", edges), 1.0) == [["a", "b"], ["c", "d"]]
    assert agglomerate("abcd", pairs[:3], graph_of("abcdef", edges[:3]), 0.0) == [
        ["a", "b", "c", "d"]
    ]


def test_a_cluster_holds_the_matches_within_it() -> None:
    """Sorted, its diameter the longest; its id is of its members alone."""
    inside = [Match("c", "d", "copy", 0.3, "pdq"), Match("a", "c", "copy", 0.2, "pdq")]
    across = [Match("a", "x", "copy", 0.9, "pdq"), Match("x", "d", "copy", 0.8, "pdq", WHOLE)]
    cluster = make_cluster(["d", "c", "a"], "c", [*across, *inside], "star")
    assert cluster.members == ("a", "c", "d") and cluster.center == "c"
    assert cluster.matches == (inside[1], inside[0]) and cluster.diameter == 0.3
    assert make_cluster(["a", "c", "d"], "a", [], "star").id == cluster.id
    assert make_cluster(["a", "c"], "a", [], "star").id != cluster.id


def test_those_told_apart_share_no_part() -> None:
    """The centre stays first, then whom rank prefers; the rest tries again."""
    graph = graph_of("abcdef", ["ab", "ac", "ad", "bc"])
    apart = {"b": {"c"}, "c": {"b"}}
    assert separate("abcd", graph, apart, alike) == [("a", ["a", "b", "d"])]
    first = {"c": 0.0}
    assert separate("abcd", graph, apart, lambda node: (first.get(node, 1.0),)) == [
        ("a", ["a", "c", "d"])
    ]
    from_centre = {"a": {"c"}, "c": {"a"}}
    assert separate("abcd", graph, from_centre, lambda node: (first.get(node, 1.0),)) == [
        ("a", ["a", "b", "d"])
    ]
    assert separate("abcd", graph, {}, alike) == [("a", ["a", "b", "c", "d"])]
    # a and d are left with nobody they match
    assert separate("ad", graph, {"a": {"d"}, "d": {"a"}}, alike) == []
    two = graph_of("abcdef", ["ab", "ac", "cd", "bd", "ef"])
    assert separate("abcdef", two, {"a": {"d"}, "d": {"a"}, "b": {"d"}, "c": {"d"}}, alike) == [
        ("a", ["a", "b", "c"]),
        ("e", ["e", "f"]),
    ]


def test_what_matches_the_centre_stays_with_it_when_two_are_told_apart() -> None:
    """Not a larger one that only matched the one it was told apart from."""
    graph = {"a": {"c"}, "b": set[str](), "c": {"a"}}
    apart = {"b": {"c"}, "c": {"b"}}
    assert separate("abc", graph, apart, lambda node: ("abc".index(node),)) == [("a", ["a", "c"])]


def test_cutting_a_tree_by_hand() -> None:
    """A merge at the limit holds, one beyond it does not."""
    merges = np.array([[0, 1, 0.2, 2], [2, 3, 0.5, 2], [4, 5, 0.7, 4]])
    assert dendrogram.cut(merges, 0.5).tolist() == [0, 0, 1, 1]
    assert len(set(dendrogram.cut(merges, 0.49).tolist())) == 3
    assert set(dendrogram.cut(merges, 0.7).tolist()) == {0}


def test_linkages_that_hold_all_distances_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 images, said before anything is held; SciPy is asked for where it is needed."""
    pytest.importorskip("scipy", reason="SciPy is not installed (extra lab)")
    with pytest.raises(ConfigError, match=r"got 30,000 images.*at most 20,000"):
        dendrogram.tree(np.broadcast_to(np.float32(0), (30_000, 30_000)), "average")
    monkeypatch.setattr(dendrogram, "_MOST", 3)
    assert len(dendrogram.tree(np.ones((3, 3), np.float32), "average")) == 2
    with pytest.raises(ConfigError, match="4 images"):
        dendrogram.tree(np.ones((4, 4), np.float32), "average")
    monkeypatch.setitem(sys.modules, "scipy", None)
    dendrogram.check_available("star")
    dendrogram.check_available("single")
    with pytest.raises(ConfigError, match=r"complete linkage needs SciPy.*lookalike\[lab\]"):
        dendrogram.check_available("complete")
