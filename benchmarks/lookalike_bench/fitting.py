"""The calibration of confidence: which labelled pairs count how much, and its file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import lookalike.models
from lookalike.config import FindConfig, VerifyConfig
from lookalike.evaluation.reliability import fit_logistic
from lookalike.matching.judge import verdict
from lookalike.model.match import Verification
from lookalike.verification.confidence import (
    FEATURES,
    Fit,
    Kind,
    bits_of,
    calibration,
    features_of,
    kind_of,
)
from lookalike_bench.trials import Trial

__all__ = ["Evidenced", "fit_confidence", "write_calibration"]

_RIDGE = 1.0
_KINDS: tuple[Kind, ...] = tuple(FEATURES)


@dataclass(frozen=True, slots=True)
class Evidenced:
    """What was seen of a labelled set.

    Attributes:
        tried: every pair looked at, whatever else its images match.
        reported: the matches of a run.
    """

    tried: Sequence[Trial]
    reported: Sequence[Trial]


def fit_confidence(seen: Sequence[Evidenced]) -> dict[Kind, tuple[Fit, int, int]]:
    """Fit one function for each kind of evidence.

    What probabilities look like comes from every pair whose evidence counts by itself, joined by
    others already or not; how frequent strangers are, from what runs report. So pairs of a set
    that are true (or not) weigh as much as the true (or false) matches reported of it, but never
    less than one. Matches that count only together with others are taken as reported.

    Args:
        seen: of every labelled set.

    Returns:
        The function, the pairs it was fitted on, and the strangers among them.
    """
    fits = {}
    for kind in _KINDS:
        rows: list[Trial] = []
        weights: list[float] = []
        for one in seen:
            alone = [trial for trial in one.tried if _is(trial, kind) and _counts(trial)]
            told = [trial for trial in one.reported if _is(trial, kind)]
            tied = [trial for trial in told if not _counts(trial)]
            tried = Counter(trial.is_true for trial in alone)
            reported = Counter(trial.is_true for trial in told if _counts(trial))
            rows += [*alone, *tied]
            weights += [max(1, reported[t.is_true]) / tried[t.is_true] for t in alone]
            weights += [1.0] * len(tied)
        same = np.array([trial.is_true for trial in rows], bool)
        fit = fit_logistic(_features(rows), same, np.array(weights), _RIDGE)
        fits[kind] = (fit, len(rows), int((~same).sum()))
    return fits


def write_calibration(fits: dict[Kind, tuple[Fit, int, int]], path: Path | None = None) -> None:
    """Put a calibration where runs look for it, or elsewhere.

    Args:
        fits: of ``fit_confidence``.
        path: the JSON file; by default the package's own.
    """
    plain: dict[str, object] = {
        kind: {
            "intercept": fit.intercept,
            "weights": dict(zip(FEATURES[kind], fit.weights, strict=True)),
            "most": fit.most,
            "fitted_on": {"pairs": pairs, "strangers": strangers},
        }
        for kind, (fit, pairs, strangers) in fits.items()
    }
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]
    target = path or Path(str(lookalike.models.__file__)).with_name("confidence.json")
    target.write_text(json.dumps({"version": digest, **plain}, indent=2) + "\n", encoding="utf-8")
    calibration.cache_clear()


def _is(trial: Trial, kind: Kind) -> bool:
    seen = trial.match.verification
    return seen is not None and kind_of(seen) == kind


def _counts(trial: Trial) -> bool:
    """Whether a run accepts the pair by its evidence alone."""
    seen = trial.match.verification
    assert seen is not None
    verify = VerifyConfig()
    if kind_of(seen) == "whole_frames":
        hashes = FindConfig().hashes
        is_enough = seen.agreement >= hashes.min_agreement
        return is_enough and seen.likeness >= hashes.min_correlation
    is_copy = verdict(seen, "among", FindConfig().settle) == "copy"
    return _is_verified(seen, verify) and is_copy


def _is_verified(seen: Verification, verify: VerifyConfig) -> bool:
    shared = max(seen.overlap_query, seen.overlap_ref)
    return (
        seen.agreement >= verify.min_agreement
        and seen.covered >= verify.min_covered
        and shared >= verify.min_overlap
    )


def _features(trials: Sequence[Trial]) -> NDArray[np.float64]:
    rows = []
    for trial in trials:
        assert trial.match.verification is not None
        rows.append(features_of(trial.match.verification, bits_of(trial.match)))
    return np.array(rows, np.float64)
