"""Measure a ranking of pairs exactly: AUROC, average precision, recall at a precision.

All take ``distance`` ``(n,)`` (lower is closer) and ``same`` ``(n,)`` bool. Pairs of equal distance
are accepted together, so the order among ties does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Operating",
    "PairScores",
    "Steps",
    "auroc",
    "auroc_by_thresholds",
    "average_precision",
    "micro_average_precision",
    "recall_at_fpr",
    "recall_at_precision",
    "score_pairs",
    "steps",
]

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
_MILLION = 1e6 * (1e6 - 1) / 2


@dataclass(frozen=True, slots=True)
class Steps:
    """Accepted pairs at every threshold that occurs as a distance.

    Attributes:
        threshold: ``(k,)`` rising.
        tp: ``(k,)`` duplicates accepted.
        fp: ``(k,)`` strangers accepted.
        positives: all duplicates, those without a finite distance too.
        negatives: all strangers.
    """

    threshold: Floats
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    positives: int
    negatives: int

    @property
    def precision(self) -> Floats:
        """Share of the accepted pairs that are duplicates."""
        return self.tp / np.maximum(1, self.tp + self.fp)

    @property
    def recall(self) -> Floats:
        """Share of the duplicates that are accepted."""
        return self.tp / max(1, self.positives)

    @property
    def fpr(self) -> Floats:
        """Share of the strangers that are accepted."""
        return self.fp / max(1, self.negatives)


def steps(distance: Floats, same: Bools) -> Steps:
    """Count at every distinct distance; infinite ones are never accepted."""
    finite = np.isfinite(distance)
    order = np.argsort(distance[finite], kind="stable")
    values, hits = distance[finite][order], same[finite][order]
    last = np.flatnonzero(np.r_[values[1:] != values[:-1], len(values) > 0])
    tp = np.cumsum(hits, dtype=np.int64)[last]
    positives = int(same.sum())
    return Steps(values[last], tp, last + 1 - tp, positives, len(same) - positives)


def auroc(found: Steps) -> float:
    """Compute the chance that a duplicate is closer than a stranger, ties counted half."""
    if not found.positives or not found.negatives:
        return float("nan")
    tp = np.r_[0, found.tp, found.positives]
    fp = np.r_[0, found.fp, found.negatives]
    return float(np.trapezoid(tp, fp) / (found.positives * found.negatives))


def auroc_by_thresholds(found: Steps, count: int = 1000, upper: float = 2.0) -> float:
    """Compute the area under the curve through ``count`` thresholds in [0, upper]."""
    grid = np.linspace(0.0, upper, count)
    at = np.searchsorted(found.threshold, grid, side="right")
    recall, fpr = np.r_[0.0, found.recall][at], np.r_[0.0, found.fpr][at]
    area = np.trapezoid(np.r_[0.0, recall, 1.0], np.r_[0.0, fpr, 1.0])
    return float(area) if found.positives and found.negatives else float("nan")


def average_precision(found: Steps) -> float:
    """Average the precision at every duplicate's threshold; missing duplicates count 0."""
    if not found.positives:
        return float("nan")
    gained = np.diff(np.r_[0, found.tp])
    return float((gained * found.precision).sum() / found.positives)


def recall_at_precision(found: Steps, precision: float) -> tuple[float, float]:
    """Find the largest recall with ``precision``, and its threshold (−inf for none)."""
    good = np.flatnonzero((found.precision >= precision) & (found.tp > 0))
    if not len(good):
        return 0.0, float("-inf")
    return float(found.recall[good[-1]]), float(found.threshold[good[-1]])


def recall_at_fpr(found: Steps, fpr: float) -> float:
    """Find the largest recall at which at most ``fpr`` of the strangers are accepted."""
    good = np.flatnonzero(found.fpr <= fpr)
    return float(found.recall[good[-1]]) if len(good) else 0.0


def micro_average_precision(distance: Floats, same: Bools, positives: int) -> float:
    """Compute µAP: average precision over the predictions of all queries in one ranking.

    Args:
        distance: ``(n,)`` of the predicted (query, reference) pairs.
        same: which of them are right.
        positives: right pairs in all, predicted or not.
    """
    found = steps(distance, same)
    return average_precision(Steps(found.threshold, found.tp, found.fp, positives, found.negatives))


@dataclass(frozen=True, slots=True)
class Operating:
    """The figures of a method at one threshold.

    Attributes:
        threshold: accepted up to here.
        precision: at the threshold.
        recall: at the threshold.
        f1: of both.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class PairScores:
    """The figures of the pair protocol.

    Attributes:
        auroc: exact.
        auroc_1000: through 1,000 thresholds in [0, 2].
        average_precision: of the ranking.
        best: threshold of the largest F1.
        recall_at_fpr: by false positive rate 1e-2, 1e-3, 0.
        recall_at_precision: by precision .99, .999.
    """

    auroc: float
    auroc_1000: float
    average_precision: float
    best: Operating
    recall_at_fpr: dict[str, float]
    recall_at_precision: dict[str, float]


def score_pairs(found: Steps) -> PairScores:
    """Compute all figures of one ranking."""
    return PairScores(
        auroc=auroc(found),
        auroc_1000=auroc_by_thresholds(found),
        average_precision=average_precision(found),
        best=best_f1(found),
        recall_at_fpr={f"{rate:g}": recall_at_fpr(found, rate) for rate in (1e-2, 1e-3, 0.0)},
        recall_at_precision={
            f"{least:g}": recall_at_precision(found, least)[0] for least in (0.99, 0.999)
        },
    )


def best_f1(found: Steps) -> Operating:
    """Find the threshold with the largest F1; the smallest such."""
    if not len(found.tp):
        return Operating(float("nan"), 1.0, 0.0, 0.0)
    f1 = 2 * found.tp / (found.tp + found.fp + found.positives)
    at = int(f1.argmax())
    return Operating(
        float(found.threshold[at]),
        float(found.precision[at]),
        float(found.recall[at]),
        float(f1[at]),
    )


def false_pairs_per_million(false_pairs: int, strangers: int) -> float:
    """Estimate false pairs among a million different images, at the rate seen here.

    If none was seen, minus the upper end of the 95 % interval: 3 / strangers (rule of three).
    """
    seen = false_pairs if false_pairs else -3
    return seen / max(1, strangers) * _MILLION
