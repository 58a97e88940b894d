"""How right scored pairs are: every threshold, with and without closing the pairs to clusters."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.clustering.disjoint_set import Joined
from lookalike.evaluation.datasets import Label
from lookalike.evaluation.metrics import PairCounts

__all__ = [
    "LINKAGES",
    "Linkage",
    "Point",
    "ScoredPairs",
    "best_point",
    "point_at",
    "read_scored_pairs",
    "recall_of_edits",
]

Linkage = Literal["pairs", "chained"]
LINKAGES: tuple[Linkage, ...] = ("pairs", "chained")


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """What a peer said of a set, best first.

    Attributes:
        first: place of an image among the labels, ``(n,)``.
        second: of another image.
        score: higher is more alike, falling.
        groups: number of every image's true group.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    score: NDArray[np.float64]
    groups: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Point:
    """Pairs at a threshold, judged.

    Attributes:
        threshold: least score that counts; infinite where nothing does.
        counts: over every pair of the set.
    """

    threshold: float
    counts: PairCounts


def read_scored_pairs(path: Path, labels: Sequence[Label]) -> ScoredPairs:
    """The pairs of a file with the columns first, second and score; other paths are an error."""
    place = {label.path: number for number, label in enumerate(labels)}
    names = {group: number for number, group in enumerate(sorted({la.group for la in labels}))}
    best: dict[tuple[int, int], float] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            a, b = place[row["first"]], place[row["second"]]
            pair = (a, b) if a < b else (b, a)
            best[pair] = max(best.get(pair, -np.inf), float(row["score"]))
    ends = np.array(list(best), np.int64).reshape(-1, 2)
    score = np.array(list(best.values()), np.float64)
    order = np.lexsort((ends[:, 1], ends[:, 0], -score))
    groups = np.array([names[label.group] for label in labels], np.int64)
    return ScoredPairs(ends[order, 0], ends[order, 1], score[order], groups)


def best_point(pairs: ScoredPairs, linkage: Linkage, *, precision: float = 0.999) -> Point:
    """The threshold with most recall of those that are precise enough.

    Precision and recall count every pair of images of the set. With ``chained`` the pairs of a
    threshold are closed to clusters first (single linkage), as most programs show them.

    Args:
        pairs: of a set.
        linkage: ``pairs`` or ``chained``.
        precision: least.
    """
    precise = [point for point in _sweep(pairs, linkage) if point.counts.precision >= precision]
    return max(precise, key=lambda point: (point.counts.tp, point.threshold))


def point_at(pairs: ScoredPairs, linkage: Linkage, threshold: float) -> Point:
    """What a threshold, chosen elsewhere, gives on this set; pairs that reach it count."""
    reached = [point for point in _sweep(pairs, linkage) if point.threshold >= threshold]
    return Point(threshold, reached[-1].counts)


def recall_of_edits(
    pairs: ScoredPairs, labels: Sequence[Label], linkage: Linkage, threshold: float
) -> dict[str, float]:
    """Share of copies that are paired with their source at a threshold, by edit."""
    some = int(np.searchsorted(-pairs.score, -threshold, side="right"))
    ends = zip(pairs.first[:some].tolist(), pairs.second[:some].tolist(), strict=True)
    together = set(ends)
    tree = _Tree(pairs.groups)
    for a, b in together:
        tree.join(a, b)
    sources = {label.group: at for at, label in enumerate(labels) if label.edit == "source"}
    found: dict[str, list[bool]] = defaultdict(list)
    for at, label in enumerate(labels):
        source = sources.get(label.group, at)
        if source != at:
            pair = (min(at, source), max(at, source))
            chained = tree.root(at) == tree.root(source)
            found[label.edit].append(pair in together if linkage == "pairs" else chained)
    return {edit: sum(hits) / len(hits) for edit, hits in found.items()}


class _Tree:
    """Clusters that only grow, with the true groups of their members.

    Args:
        groups: number of every image's true group.
    """

    def __init__(self, groups: NDArray[np.int64]) -> None:
        self._joined = Joined(range(len(groups)))
        self._members = [Counter({group: 1}) for group in groups.tolist()]

    def root(self, image: int) -> int:
        """The image that stands for a cluster."""
        return self._joined.root(image)

    def join(self, a: int, b: int) -> tuple[int, int]:
        """Right and wrong pairs that come together when two clusters become one."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return 0, 0
        large, small = self._members[a], self._members[b]
        if len(large) < len(small):
            a, b, large, small = b, a, small, large
        right = sum(count * large[group] for group, count in small.items())
        every = large.total() * small.total()
        large.update(small)
        self._joined.join(b, a)
        return right, every - right


def _sweep(pairs: ScoredPairs, linkage: Linkage) -> list[Point]:
    """A point for nothing at all, then one for every different score, falling."""
    sizes = np.bincount(pairs.groups)
    truth = int((sizes * (sizes - 1) // 2).sum())
    same = pairs.groups[pairs.first] == pairs.groups[pairs.second]
    gains = np.stack([same, ~same], 1).astype(np.int64)
    if linkage == "chained":
        tree = _Tree(pairs.groups)
        ends = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
        gains = np.array([tree.join(a, b) for a, b in ends], np.int64).reshape(-1, 2)
    sums = gains.cumsum(axis=0)
    last = np.flatnonzero(np.diff(pairs.score, append=-np.inf))
    return [
        Point(np.inf, PairCounts(0, 0, truth)),
        *(
            Point(float(pairs.score[at]), PairCounts(tp, fp, truth - tp))
            for at, (tp, fp) in zip(last.tolist(), sums[last].tolist(), strict=True)
        ),
    ]
