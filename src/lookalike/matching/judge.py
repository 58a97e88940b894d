"""Judge evidence: the one place that says whether two pictures are the same picture.

What counts depends on what else is known of the two; the contexts stand here side by side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from lookalike.config import FindConfig, HashConfig, SettleConfig
from lookalike.descriptors.hashes import stretches_of
from lookalike.model.arrays import BoolArray, IntArray
from lookalike.model.match import Verification
from lookalike.verification.limits import FRAMES
from lookalike.verification.whole_frame import ThumbAgreement

__all__ = ["Context", "Verdict", "pair_config", "same_frames", "verdict", "weight"]

#: ``alone``: the two were searched for, nothing else is known of them.
#: ``among``: one candidate of many in a set; what is weak may be confirmed by others.
#: ``tied``: matches with others tie the two already.
#: ``leaf``: one of the two has no match, all its weak ones point to the cluster of the other.
#: ``couple``: neither has a match, their weak ones point to each other.
Context = Literal["alone", "among", "tied", "leaf", "couple"]

#: ``copy``: the same picture. ``weak``: likely the same, too little to count by itself.
#: ``shot``: another shot of the scene. ``nothing``: too little to say.
Verdict = Literal["copy", "weak", "shot", "nothing"]


def verdict(seen: Verification, context: Context, config: SettleConfig) -> Verdict:
    """Say whether evidence shows the same picture.

    Args:
        seen: of keypoints and pixels.
        context: what else is known of the two.
        config: limits.
    """
    if context == "alone":
        return "copy" if _counts_alone(seen, config) else "nothing"
    if context == "tied":
        return "copy" if _is_copy(seen, config) else "nothing"
    if context in ("leaf", "couple"):
        is_leaf = _is_leaf(seen, config, is_alone=context == "couple")
        return "copy" if is_leaf else "nothing"
    if _is_firm(seen, config):
        return "copy"
    if _is_copy(seen, config):
        return "weak"
    return "shot" if _has_moved(seen, config) or _is_sure(seen, config) else "nothing"


def pair_config(config: FindConfig) -> FindConfig:
    """Loosen settings for one pair alone: any evidence counts, as no others contradict it."""
    settle = SettleConfig(strong_agreement=0.0, moved_agreement=0.0, strong_support=0.0)
    return replace(config, effort="thorough", settle=settle)


def same_frames(
    queries: IntArray,
    refs: IntArray,
    turns: IntArray,
    agreement: ThumbAgreement,
    config: HashConfig,
) -> BoolArray:
    """Judge whole frames by their thumbs: ``(k,)`` which pairs are the same picture.

    Args:
        queries: ``(k, 2)`` full widths and heights, pixels.
        refs: ``(k, 2)`` likewise.
        turns: ``(k,)`` numbers of ``ORIENTATIONS`` by which the queries are turned.
        agreement: of the thumbs, so turned.
        config: limits.
    """
    return agreement.accepted(config, stretches_of(queries, refs, turns))


def weight(seen: Verification, config: SettleConfig) -> float:
    """Weigh weak evidence: inliers by how much agrees where they lie.

    A part that moved and then agrees in half of its textures is another thing before the same
    wall; frames that only overlap are two shots: they weigh nothing.
    """
    is_part = _is_within(seen) and seen.agreement >= config.part_agreement
    return seen.inliers * seen.agreement if is_part or _is_coinciding(seen) else 0.0


def _counts_alone(seen: Verification, config: SettleConfig) -> bool:
    weight = seen.inliers * seen.agreement
    firm = seen.agreement >= config.alone_agreement and weight >= config.alone_weight
    return firm or _is_firm(seen, config)


def _is_firm(seen: Verification, config: SettleConfig) -> bool:
    """Tell whether evidence counts by itself."""
    if not (_is_copy(seen, config) and _is_sure(seen, config)):
        return False
    if _is_coinciding(seen):
        return seen.agreement >= config.strong_agreement
    if _is_within(seen):
        return seen.agreement >= config.within_agreement
    return seen.agreement >= config.moved_agreement and seen.inliers >= config.moved_inliers


def _is_sure(seen: Verification, config: SettleConfig) -> bool:
    """Tell whether so many keypoints correspond that the two show one scene."""
    return seen.support >= config.strong_support


def _has_moved(seen: Verification, config: SettleConfig) -> bool:
    """Tell whether a part moved by itself; of very many inliers, some do by chance."""
    return seen.moved > max(config.most_moved, config.moved_share * seen.inliers)


def _is_copy(seen: Verification, config: SettleConfig) -> bool:
    """Tell an edit, which leaves what it does not cover as it was, from another shot.

    Of a picture and its edit one mostly lies in the other whole; two shots overlap.
    """
    least = config.within_likeness if _is_within(seen) else config.copy_likeness
    return seen.likeness >= least and not _has_moved(seen, config)


def _is_coinciding(seen: Verification) -> bool:
    return min(seen.overlap_query, seen.overlap_ref) >= FRAMES.coinciding


def _is_within(seen: Verification) -> bool:
    return max(seen.overlap_query, seen.overlap_ref) >= FRAMES.within


def _is_leaf(seen: Verification, config: SettleConfig, *, is_alone: bool) -> bool:
    """Tell whether weak evidence ties an image to a cluster, or to another that stands alone."""
    if not _is_copy(seen, config) or weight(seen, config) == 0:
        return False
    if seen.agreement >= config.mostly_agreement and seen.support < config.weak_support:
        # where nearly all agrees keypoints do too, but for textures that repeat
        return False
    return not is_alone or seen.agreement >= config.alone_agreement
