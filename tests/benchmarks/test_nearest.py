"""Recall of sources, by hand."""

from __future__ import annotations

import numpy as np

from lookalike.evaluation.datasets import Label
from lookalike_bench.nearest import recall_of_sources, source_ranks

LABELS = (
    Label("a.jpg", "a", "source"),
    Label("a1.jpg", "a", "grey"),
    Label("a2.jpg", "a", "blur"),
    Label("b.jpg", "b", "source"),
    Label("b1.jpg", "b", "grey"),
)
# a's blurred copy lies nearer to b's grey copy than to a
ROWS = np.array([[1, 0], [0.9, 0.1], [0.5, 0.6], [0, 1], [0.5, 0.5]], np.float32)


def test_siblings_do_not_count_and_copies_of_others_do() -> None:
    """a2 is nearer to b1 and b than to a; b1 is as near to a as to b, and nearer to a's copies."""
    assert source_ranks(ROWS, LABELS).tolist() == [1, 3, 4]
    assert source_ranks(ROWS, LABELS, photos_only=True).tolist() == [1, 2, 2]


def test_recall_is_by_edit_and_ties_do_not_flatter() -> None:
    """Every edit has its own share; a descriptor that says one thing of all finds nothing first."""
    scores = recall_of_sources(ROWS, LABELS)
    assert scores.first == {"grey": 0.5, "blur": 0.0} and scores.ten == {"grey": 1.0, "blur": 1.0}
    assert scores.means == (0.25, 1.0)
    blind = recall_of_sources(np.ones((5, 2), np.float32), LABELS)
    assert blind.first == {"grey": 0.0, "blur": 0.0}
