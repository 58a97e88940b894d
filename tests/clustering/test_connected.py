"""Components by label propagation are those of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.clustering.components import components, label_components, parts_of


@given(data=st.data(), nodes=st.integers(0, 60))
def test_labels_are_the_least_nodes_of_scipys_components(data: st.DataObject, nodes: int) -> None:
    """Random graphs with loops and repetitions."""
    graphs = pytest.importorskip("scipy.sparse.csgraph")
    sparse = pytest.importorskip("scipy.sparse")
    node = st.integers(0, max(0, nodes - 1))
    rows = data.draw(st.lists(st.tuples(node, node), max_size=80 if nodes else 0))
    left, right = np.array(rows, np.int64).reshape(-1, 2).T
    labels = label_components(nodes, left, right)
    assert labels.shape == (nodes,)
    if nodes:
        there = sparse.coo_array((np.ones(len(rows)), (left, right)), shape=(nodes, nodes))
        count, names = graphs.connected_components(there, directed=False)
        least = [np.flatnonzero(names == name).min() for name in range(count)]
        assert labels.tolist() == [least[name] for name in names]


def test_components_by_name() -> None:
    """Nodes that stand alone are in none; names in any order give one answer."""
    pairs = [("e", "b"), ("b", "a"), ("d", "c")]
    expected = [["a", "b", "e"], ["c", "d"]]
    assert components("abcdef", pairs) == expected
    assert components("fedcba", [(b, a) for a, b in reversed(pairs)]) == expected
    assert components("abc", []) == [] and components("", []) == []


def test_parts_are_two_or_more_under_one_label() -> None:
    """Sorted by their label, ascending within."""
    parts = parts_of(np.array([3, 0, 3, 1, 0, 3]))
    assert [part.tolist() for part in parts] == [[1, 4], [0, 2, 5]]
