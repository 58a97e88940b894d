"""Peers' pairs are scored as counted by hand, and their scripts say what is close."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from lookalike.evaluation.datasets import Label
from lookalike.evaluation.metrics import PairCounts
from lookalike_bench.bench_peers import PEERS, SCRIPTS, usable_python
from lookalike_bench.peer_scores import (
    best_point,
    point_at,
    read_scored_pairs,
    recall_of_edits,
)

ROOT = Path(__file__).resolve().parents[2]
# a picture with two copies, a stranger
LABELS = (
    Label("a", "one", "source"),
    Label("b", "one", "blur"),
    Label("c", "one", "crop"),
    Label("x", "two", "source"),
)


def _written(path: Path, rows: str) -> Path:
    path.write_text("first,second,score\n" + rows.replace(" ", "\n") + "\n", encoding="utf-8")
    return path


def test_points_by_hand(tmp_path: Path) -> None:
    """Two right pairs, then a wrong one; closing the right ones to a cluster finds the third."""
    pairs = read_scored_pairs(_written(tmp_path / "p.csv", "b,a,.9 c,b,.8 c,x,.7"), LABELS)
    direct = best_point(pairs, "pairs")
    assert direct.threshold == 0.8 and direct.counts == PairCounts(2, 0, 1)
    chained = best_point(pairs, "chained")
    assert chained.threshold == 0.8 and chained.counts == PairCounts(3, 0, 0)
    assert point_at(pairs, "pairs", 0.7).counts == PairCounts(2, 1, 1)
    assert point_at(pairs, "chained", 0.7).counts == PairCounts(3, 3, 0)
    assert point_at(pairs, "pairs", 0.85).counts == PairCounts(1, 0, 2)
    assert best_point(pairs, "pairs", precision=0.6).counts == PairCounts(2, 0, 1)


def test_equal_scores_count_together(tmp_path: Path) -> None:
    """No threshold separates a right pair from a wrong one of the same score."""
    pairs = read_scored_pairs(_written(tmp_path / "p.csv", "a,b,.9 a,x,.9"), LABELS)
    best = best_point(pairs, "pairs")
    assert best.threshold == np.inf and best.counts == PairCounts(0, 0, 3)
    assert best_point(pairs, "pairs", precision=0.5).counts == PairCounts(1, 1, 2)


def test_nothing_said(tmp_path: Path) -> None:
    """A peer that finds nothing has no recall and no false pair."""
    pairs = read_scored_pairs(_written(tmp_path / "p.csv", ""), LABELS)
    assert point_at(pairs, "chained", 0.0).counts == PairCounts(0, 0, 3)
    assert recall_of_edits(pairs, LABELS, "pairs", 0.0) == {"blur": 0, "crop": 0}


def test_recall_of_edits_by_hand(tmp_path: Path) -> None:
    """The crop meets its source only over the blurred copy."""
    pairs = read_scored_pairs(_written(tmp_path / "p.csv", "b,a,.9 c,b,.8"), LABELS)
    assert recall_of_edits(pairs, LABELS, "pairs", 0.8) == {"blur": 1, "crop": 0}
    assert recall_of_edits(pairs, LABELS, "chained", 0.8) == {"blur": 1, "crop": 1}
    assert recall_of_edits(pairs, LABELS, "chained", 0.9) == {"blur": 1, "crop": 0}


def test_sweep_equals_brute_force(tmp_path: Path) -> None:
    """At every threshold the counts are those of looking at every pair."""
    random = np.random.default_rng(0)
    labels = [Label(str(at), str(random.integers(6)), "source") for at in range(20)]
    said = {
        pair: random.integers(1, 9) / 8
        for pair in combinations(range(20), 2)
        if random.random() < 0.1
    }
    rows = " ".join(f"{a},{b},{score}" for (a, b), score in said.items())
    pairs = read_scored_pairs(_written(tmp_path / "p.csv", rows), labels)
    assert len(set(said.values())) == 6
    for threshold in sorted(set(said.values())):
        right = [pair for pair, score in said.items() if score >= threshold]
        tp = sum(labels[a].group == labels[b].group for a, b in right)
        counts = point_at(pairs, "pairs", threshold).counts
        assert (counts.tp, counts.fp) == (tp, len(right) - tp)
        place = list(range(20))
        for a, b in right:
            place = [place[a] if at == place[b] else at for at in place]
        together = [(a, b) for a, b in combinations(range(20), 2) if place[a] == place[b]]
        tp = sum(labels[a].group == labels[b].group for a, b in together)
        counts = point_at(pairs, "chained", threshold).counts
        assert (counts.tp, counts.fp) == (tp, len(together) - tp)


def test_close_pairs_equal_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts' search finds the pairs within a distance in some orientation."""
    monkeypatch.syspath_prepend(str(ROOT / SCRIPTS))
    from pairs_file import close_pairs

    hashes = np.random.default_rng(1).integers(0, 2, (300, 3, 16)).astype(np.uint8)
    found = {(a, b): score for a, b, score in close_pairs(hashes, 3)}
    expected = {}
    for a, b in combinations(range(300), 2):
        distance = int((hashes[a] != hashes[b, 0]).sum(axis=1).min())
        if distance <= 3:
            expected[a, b] = 1 - distance / 16
    assert found == expected


def test_every_peer_has_a_script() -> None:
    """A peer is lookalike itself or a script that is there, its packages pinned."""
    others = [peer for peer in PEERS if peer.packages]
    assert 3 < len(others) < len(PEERS)
    for peer in others:
        assert (ROOT / SCRIPTS / peer.script).is_file()
        assert "==" in peer.packages[0]


def test_no_interpreter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no interpreter of a version runs there is none, whatever the path names."""
    monkeypatch.setenv("PEERS_PYTHON", "/nowhere/python")
    assert usable_python("2.1") == ""
    assert usable_python("") == sys.executable
