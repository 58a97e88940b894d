"""Judge the nearest images: which show the pixels of the query, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookalike.config import FindConfig
from lookalike.descriptors.keypoints import KINDS
from lookalike.images.decode import luma_of, pixel_digest
from lookalike.ingest.describe import Describer
from lookalike.matching.judge import same_frames, verdict
from lookalike.matching.verifier import Verifier
from lookalike.model.answer import Hit
from lookalike.model.image import ImageRef
from lookalike.model.match import Tier, Verification
from lookalike.retrieval.query import Query
from lookalike.retrieval.query_frames import QueryFrames
from lookalike.retrieval.rank import Near
from lookalike.verification.confidence import confidence_of
from lookalike.verification.side import Side, describe_side
from lookalike.verification.whole_frame import explain_whole_frames

__all__ = ["RANK", "hit", "judged", "with_twins"]

RANK: Mapping[Tier, int] = {"exact": 0, "pixel": 1, "copy": 2, "similar": 3}


@dataclass(frozen=True, slots=True)
class _Judged:
    """Evidence of a copy, and in how many bits the hashes of whole frames differ."""

    seen: Verification
    bits: float = 0.0


def judged(
    near: Sequence[Near],
    query: Query,
    verifier: Verifier,
    frames: QueryFrames,
    config: FindConfig,
) -> dict[str, _Judged]:
    """Judge which of the nearest show the query's pixels: whole frames first, then keypoints."""
    shas = [item.sha for item in near]
    found = _whole_frames(shas, query, frames, config)
    kind = KINDS["sift"]
    picture = query.reduced(kind.min_side)
    size = (picture.width, picture.height)
    side = Side.from_rows(*size, *describe_side(luma_of(picture), size, kind))
    seen = verifier.verify_query(side, [sha for sha in shas if sha not in found], kind)
    copies = {sha: v for sha, v in seen.items() if verdict(v, "alone", config.settle) == "copy"}
    return found | {sha: _Judged(v) for sha, v in copies.items()}


def _whole_frames(
    shas: Sequence[str],
    query: Query,
    frames: QueryFrames,
    config: FindConfig,
) -> dict[str, _Judged]:
    """Judge whole frames whose hash is near in some orientation."""
    near = frames.near(shas)
    agreement = frames.agreement(near)
    picture = query.picture
    asking = ImageRef("", "", "", 0, picture.width, picture.height, picture.format)
    others = [frames.images[shas[n]] for n in near.places.tolist()]
    sizes = np.array([(image.width, image.height) for image in others], np.int64).reshape(-1, 2)
    own = np.array([[picture.width, picture.height]], np.int64)
    accepted = np.flatnonzero(same_frames(own, sizes, near.turn, agreement, config.hashes))
    kept = accepted[np.unique(near.places[accepted], return_index=True)[1]]
    refs = [others[n] for n in kept.tolist()]
    turns, bits = near.turn[kept], near.bits[kept].tolist()
    seen = explain_whole_frames([asking] * len(refs), refs, turns, agreement.take(kept))
    return {ref.sha256: _Judged(v, b) for ref, v, b in zip(refs, seen, bits, strict=True)}


def hit(
    item: Near,
    judged: _Judged | None,
    query: Query,
    describer: Describer,
) -> Hit:
    """Make a hit of a ranked image and what the judge says of it."""
    image = describer.images[item.sha]
    tier: Tier = "copy" if judged else "similar"
    if item.sha == query.sha256:
        tier, judged = "exact", None
    elif query.sha256 and judged and _same_pixels(query, item.sha, describer):
        tier, judged = "pixel", None
    seen = judged.seen if judged else None
    confidence = confidence_of(tier, seen, judged.bits if judged else 0.0)
    return Hit(image, tier, round(item.distance, 6), item.metric, seen, item.votes, confidence)


def _same_pixels(query: Query, sha: str, describer: Describer) -> bool:
    own = pixel_digest(query.path, query.data, query.config)
    return own == describer.pixel_digests([sha]).get(sha)


def with_twins(hits: Sequence[Hit], images: Sequence[ImageRef]) -> list[Hit]:
    """Repeat every hit for each file of its content."""
    files: dict[str, list[ImageRef]] = {}
    for image in images:
        files.setdefault(image.sha256, []).append(image)
    return [replace(hit, image=image) for hit in hits for image in files[hit.image.sha256]]
