"""How certain a match is: evidence → the probability that both show the same picture.

Two logistic functions of what ``Verification`` says, one for keypoints and one for whole frames,
fitted on labelled pairs by ``make bench-confidence``. More evidence never makes a match less
certain, and the probability never exceeds what the number of pairs looked at can vouch for.

It is the chance of a match that a run reports in collections like those it was fitted on: mostly
edited copies, some bursts. Where nearly all look-alikes are frames of bursts, fewer matches hold
than it says; where there are none, more (``models/confidence.json`` and the results say how many).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, TypeVar

from lookalike.clustering.disjoint_set import Joined
from lookalike.model.match import Match, Tier, Verification
from lookalike.model.report import Cluster
from lookalike.verification.limits import CERTAINTY

__all__ = [
    "FEATURES",
    "Calibration",
    "Fit",
    "bits_of",
    "calibration",
    "certain_enough",
    "confidence_of",
    "features_of",
    "kind_of",
    "weakest_tie",
    "with_confidence",
]

Kind = Literal["keypoints", "whole_frames"]
Key = TypeVar("Key")
FEATURES: Mapping[Kind, tuple[str, ...]] = {
    "keypoints": (
        "log_inliers",
        "log_support",
        "agreement",
        "likeness",
        "covered",
        "larger_overlap",
        "same_frame",
    ),
    "whole_frames": ("same_bits", "agreement", "likeness"),
}
_HASH_BITS = 256
# decimal places of a probability
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Fit:
    """One fitted function.

    Attributes:
        intercept: log odds where every feature is 0.
        weights: log odds per unit of each of ``FEATURES``, in their order.
        most: largest probability it gives, below 1.
    """

    intercept: float
    weights: tuple[float, ...]
    most: float

    def __call__(self, features: tuple[float, ...]) -> float:
        """Probability, 0..``most``."""
        odds = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return min(self.most, 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds)))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted.

    Attributes:
        version: changes whenever a probability would.
        fits: one function for each kind of evidence.
    """

    version: str
    fits: Mapping[Kind, Fit]


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """Load the calibration that the package holds."""
    text = resources.files("lookalike.models").joinpath("confidence.json").read_text("utf-8")
    plain: dict[str, Any] = json.loads(text)
    fits = {
        kind: Fit(
            plain[kind]["intercept"],
            tuple(plain[kind]["weights"][name] for name in FEATURES[kind]),
            plain[kind]["most"],
        )
        for kind in FEATURES
    }
    return Calibration(plain["version"], fits)


def kind_of(seen: Verification) -> Kind:
    """Choose the function that evidence belongs to."""
    return "keypoints" if seen.inliers else "whole_frames"


def bits_of(match: Match) -> float:
    """Read the bits in which the hashes differ, where they made the match."""
    return match.distance if match.metric == "pdq" else 0.0


def features_of(seen: Verification, bits: float = 0.0) -> tuple[float, ...]:
    """Compute ``FEATURES`` of the evidence's kind, in their order.

    Shares enter as log odds: from .99 to 1 is as far as from .5 to .81.

    Args:
        seen: the evidence.
        bits: in which the hashes of whole frames differ, of 256.
    """
    agreement, likeness = _log_odds(seen.agreement), _log_odds(seen.likeness)
    if kind_of(seen) == "whole_frames":
        return 1.0 - bits / _HASH_BITS, agreement, likeness
    return (
        math.log(seen.inliers),
        math.log(max(CERTAINTY.least_support, seen.support)),
        agreement,
        likeness,
        _log_odds(seen.covered),
        _log_odds(max(seen.overlap_query, seen.overlap_ref)),
        1.0 if seen.frame == "same" else 0.0,
    )


def _log_odds(share: float) -> float:
    near_one = CERTAINTY.near_one
    return math.log((share + near_one) / (1.0 - share + near_one))


def confidence_of(tier: Tier, seen: Verification | None, bits: float = 0.0) -> float | None:
    """Estimate the probability that a match shows one picture; None for tier ``similar``.

    Args:
        tier: equal bytes and equal pixels are certain.
        seen: evidence of a copy.
        bits: in which the hashes of whole frames differ, of 256.
    """
    if tier in ("exact", "pixel"):
        return 1.0
    if seen is None:
        return None
    return round(calibration().fits[kind_of(seen)](features_of(seen, bits)), _DIGITS)


def with_confidence(matches: Mapping[Key, Match]) -> dict[Key, Match]:
    """Add its confidence to each match."""
    return {
        key: replace(
            match, confidence=confidence_of(match.tier, match.verification, bits_of(match))
        )
        for key, match in matches.items()
    }


def weakest_tie(cluster: Cluster, keeper: str) -> float | None:
    """Find the least sure tie of a member to what stays, and its probability.

    A match with the keeper counts as it is, and files of equal bytes or pixels are one picture. A
    member that has no match with it is tied by the surest of the shortest ways through others,
    which holds only if every match on it does: their probabilities are multiplied.

    Returns:
        0..1; None where nothing tells of a member.
    """
    same = Joined(cluster.members)
    for match in cluster.matches:
        if match.tier in ("exact", "pixel"):
            same.join(match.query, match.ref)
    near: dict[str, dict[str, float]] = defaultdict(dict)
    for match in cluster.matches:
        a, b = same.root(match.query), same.root(match.ref)
        if a != b and match.confidence is not None:
            near[a][b] = near[b][a] = max(match.confidence, near[a].get(b, 0.0))
    level = {same.root(keeper): 1.0}
    sure = dict(level)
    while level:
        reached: dict[str, float] = {}
        for here, chance in level.items():
            for there, tie in near[here].items():
                if there not in sure:
                    reached[there] = max(chance * tie, reached.get(there, 0.0))
        sure |= reached
        level = reached
    if any(same.root(member) not in sure for member in cluster.members):
        return None
    return round(min(sure.values()), _DIGITS)


def certain_enough(matches: Mapping[Key, Match], precision: float) -> dict[Key, Match]:
    """Keep as many matches, the most certain first, as a wanted precision allows.

    Matches as certain as each other stay or go together. What is certain by definition stays, and
    does not buy doubtful ones a place.

    Args:
        matches: with their confidence; those without one are left out.
        precision: expected share of true ones among the copies that stay.
    """
    copies = [m.confidence for m in matches.values() if m.tier == "copy" and m.confidence]
    least = _least_confidence(copies, precision)
    return {
        key: match
        for key, match in matches.items()
        if match.confidence is not None and match.confidence >= least
    }


def _least_confidence(confidences: list[float], precision: float) -> float:
    """Find where the mean of all that are as certain or more is still the precision."""
    ordered = sorted(confidences, reverse=True)
    least, doubt = 1.0, 0.0
    for count, confidence in enumerate(ordered, start=1):
        doubt += 1.0 - confidence
        is_last_of_equals = count == len(ordered) or ordered[count] < confidence
        if is_last_of_equals:
            if doubt > (1.0 - precision) * count + 1e-12:
                break
            least = confidence
    return least
