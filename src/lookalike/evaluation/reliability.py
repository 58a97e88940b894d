"""Fit probabilities to labelled evidence, and measure whether they hold, in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.verification.confidence import Fit

__all__ = ["Bin", "Reliability", "fit_logistic", "reliability_of", "wilson"]

_STEPS = 100
_ENOUGH = 1e-9
# the 95 % upper bound of a rate of which none was seen in n: 3 / n (Hanley 1983)
_RULE_OF_THREE = 3.0
_EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1.0)
_LEAST = 1e-6
_Z = 1.96

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of about the same probability.

    Attributes:
        least: lower edge of the probabilities.
        most: upper edge.
        pairs: number of pairs.
        wrong: strangers among them.
        predicted: mean probability, 0..1.
        observed: share of true pairs, 0..1.
    """

    least: float
    most: float
    pairs: int
    wrong: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well probabilities hold.

    Attributes:
        bins: of rising probability, none empty.
        error: expected calibration error: mean gap of predicted and observed, by pairs.
        log_loss: mean of −log of the probability given to the truth; lower is better.
        expected_false: sum of one minus the probabilities.
        wrong: number of strangers.
        pairs: number of pairs.
    """

    bins: tuple[Bin, ...]
    error: float
    log_loss: float
    expected_false: float
    wrong: int
    pairs: int


def fit_logistic(features: Array, same: NDArray[np.bool_], weight: Array, ridge: float) -> Fit:
    """Fit a logistic regression in which no feature counts against a pair.

    A feature whose weight would be negative is left out, the most negative first.

    Args:
        features: ``(n, k)``.
        same: ``(n,)`` whether a pair is true.
        weight: ``(n,)`` number of pairs that each stands for.
        ridge: penalty on the squared weight of a feature of unit variance.

    Returns: The function; its largest value is what the number of sure pairs without strangers can
        support.
    """
    used = list(range(features.shape[1]))
    intercept, some = _solve(features, same, weight, ridge)
    while len(used) and some.min() < 0:
        del used[int(some.argmin())]
        intercept, some = _solve(features[:, used], same, weight, ridge)
    weights = np.zeros(features.shape[1])
    weights[used] = some
    odds = features @ weights + intercept
    most = _most(odds, same)
    return Fit(round(intercept, 4), tuple(np.round(weights, 4).tolist()), round(most, 6))


def _solve(
    features: Array, same: NDArray[np.bool_], weight: Array, ridge: float
) -> tuple[float, Array]:
    """Find intercept and weights by iteratively reweighted least squares."""
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    scaled = np.column_stack([np.ones(len(features)), (features - middle) / spread])
    penalty = np.diag([0.0, *[ridge] * features.shape[1]])
    found = np.zeros(scaled.shape[1])
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(scaled @ found, -30, 30)))
        slope = scaled.T @ (weight * (same - chance)) - penalty @ found
        curve = (scaled * (weight * chance * (1.0 - chance))[:, None]).T @ scaled + penalty
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(found)), slope)
        found = found + step
        if np.abs(step).max() < _ENOUGH:
            break
    weights = found[1:] / spread
    return float(found[0] - weights @ middle), weights


def _most(odds: Array, same: NDArray[np.bool_]) -> float:
    """Compute the largest probability that the surest pairs can support.

    For the surest n pairs with k strangers, the rate of strangers is taken as (k + 3) / (n + 3); n
    is chosen where that is least.
    """
    order = np.argsort(-odds, kind="stable")
    wrong = np.cumsum(~same[order])
    count = np.arange(1, len(odds) + 1)
    return float(1.0 - ((wrong + _RULE_OF_THREE) / (count + _RULE_OF_THREE)).min())


def reliability_of(
    chance: Sequence[float] | Array, same: Sequence[bool] | NDArray[np.bool_]
) -> Reliability:
    """Compare probabilities with the truth.

    Args:
        chance: ``(n,)`` probabilities, 0..1.
        same: ``(n,)`` whether a pair is true.
    """
    predicted, true = np.asarray(chance, np.float64), np.asarray(same, bool)
    place = np.clip(np.searchsorted(_EDGES, predicted, side="right") - 1, 0, len(_EDGES) - 2)
    bins = []
    for number in range(len(_EDGES) - 1):
        here = place == number
        count = int(here.sum())
        if count:
            right = int(true[here].sum())
            mean = float(predicted[here].mean())
            least, most = _EDGES[number : number + 2]
            bins.append(Bin(least, most, count, count - right, mean, right / count))
    total = max(1, len(true))
    given = np.clip(np.where(true, predicted, 1.0 - predicted), _LEAST, 1.0)
    return Reliability(
        bins=tuple(bins),
        error=sum(b.pairs * abs(b.predicted - b.observed) for b in bins) / total,
        log_loss=float(-np.log(given).sum() / total),
        expected_false=float((1.0 - predicted).sum()),
        wrong=int((~true).sum()),
        pairs=len(true),
    )


def wilson(count: int, total: int) -> tuple[float, float]:
    """Compute both ends of Wilson's 95 % interval (1927) of a rate."""
    share = count / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    return (middle - spread) / (1 + _Z**2 / total), (middle + spread) / (1 + _Z**2 / total)
