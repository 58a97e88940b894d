"""What evidence makes a copy, and what only another shot: one question a function."""

from __future__ import annotations

from lookalike.config.find import SettleConfig
from lookalike.model.match import Match, Verification

__all__ = ["counts_alone", "is_copy", "is_leaf", "is_shot", "is_strong", "weight"]

_COINCIDING = 0.88


_WITHIN = 0.985


def counts_alone(seen: Verification, config: SettleConfig) -> bool:
    """Whether evidence ties two images that nothing else is known of."""
    weight = seen.inliers * seen.agreement
    firm = seen.agreement >= config.alone_agreement and weight >= config.alone_weight
    return firm or _is_firm(seen, config)


def is_strong(match: Match, config: SettleConfig) -> bool:
    """Whether a match counts by itself, whatever else its images match."""
    return match.verification is None or _is_firm(match.verification, config)


def _is_firm(seen: Verification, config: SettleConfig) -> bool:
    """Pages of one template lie on each other frame by frame; a moved part is no accident."""
    if not (is_copy(seen, config) and _is_sure(seen, config)):
        return False
    if _is_coinciding(seen):
        return seen.agreement >= config.strong_agreement
    if _is_within(seen):
        return seen.agreement >= config.within_agreement
    return seen.agreement >= config.moved_agreement and seen.inliers >= config.moved_inliers


def _is_sure(seen: Verification, config: SettleConfig) -> bool:
    """Whether so many keypoints correspond that the two show one scene."""
    return seen.support >= config.strong_support


def is_shot(seen: Verification, config: SettleConfig) -> bool:
    """Whether what is no copy is another shot of the scene."""
    return _has_moved(seen, config) or _is_sure(seen, config)


def _has_moved(seen: Verification, config: SettleConfig) -> bool:
    """Whether a part went its own way; of very many inliers, some do by chance."""
    return seen.moved > max(config.most_moved, config.moved_share * seen.inliers)


def is_copy(seen: Verification, config: SettleConfig) -> bool:
    """An edit leaves what it does not cover as it was; another shot is a little unlike all over.

    Of a picture and its edit one mostly lies in the other whole; two shots overlap.
    """
    least = config.within_likeness if _is_within(seen) else config.copy_likeness
    return seen.likeness >= least and not _has_moved(seen, config)


def _is_coinciding(seen: Verification) -> bool:
    return min(seen.overlap_query, seen.overlap_ref) >= _COINCIDING


def _is_within(seen: Verification) -> bool:
    return max(seen.overlap_query, seen.overlap_ref) >= _WITHIN


def is_leaf(match: Match, config: SettleConfig, *, is_alone: bool) -> bool:
    """Whether weak evidence ties an image to a cluster, or to another that stands alone."""
    seen = match.verification
    if seen is None or not is_copy(seen, config) or weight(match, config) == 0:
        return False
    if seen.agreement >= config.mostly_agreement and seen.support < config.weak_support:
        # where nearly all agrees keypoints do too, but for textures that repeat
        return False
    return not is_alone or seen.agreement >= config.alone_agreement


def weight(match: Match, config: SettleConfig) -> float:
    """Inliers by how much agrees where they lie.

    A part that moved and then agrees in half of its textures is another thing before the same
    wall; frames that only overlap are two shots.
    """
    seen = match.verification
    if seen is None:
        return 0.0
    is_part = _is_within(seen) and seen.agreement >= config.part_agreement
    return seen.inliers * seen.agreement if is_part or _is_coinciding(seen) else 0.0
