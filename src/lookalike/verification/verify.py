"""Verification: correspondences → one transform → agreement of the aligned pixels → the edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.config import VerifyConfig
from lookalike.descriptors.keypoints import KeypointKind, Keypoints, fitted
from lookalike.descriptors.limits import CORNERS
from lookalike.model.arrays import IntArray
from lookalike.model.limits import version_of
from lookalike.model.match import Verification
from lookalike.runtime.inference import byte_product
from lookalike.verification.block_correlation import (
    Agreement,
    agree_aligned,
    is_flat_beyond,
    refine,
)
from lookalike.verification.edit import Alignment, Seen, Tone, explain
from lookalike.verification.limits import BLOCKS, FRAMES, MOTION, POSES, REFINEMENT, WORDS
from lookalike.verification.matrices import inverse
from lookalike.verification.motion import own_motion
from lookalike.verification.plane import Plane
from lookalike.verification.side import PLANE_SIDE, Side, Sides
from lookalike.verification.transform import fit_transform, in_place

__all__ = [
    "LIMITS",
    "VERIFIER",
    "correspondences",
    "verify",
    "verify_all",
]

#: what a verdict depends on beside ``VerifyConfig``
LIMITS = (FRAMES, CORNERS, POSES, MOTION, BLOCKS, REFINEMENT, WORDS)
#: under which verdicts are remembered; the number is raised when more than a limit changes
VERIFIER = version_of("pose-agreement/15", *LIMITS)
# more bits than two keypoints can differ in
_FARTHER = 1024


def verify(
    query: Side, ref: Side, config: VerifyConfig, kind: KeypointKind, *, mirrored: bool = False
) -> Verification | None:
    """Verify whether ``ref`` shows the pixels of ``query``, and by which edit; None if not.

    Args:
        query: the one image.
        ref: the other.
        config: what a copy must show.
        kind: of the keypoints.
        mirrored: look for a mirrored copy; keypoints by themselves see only upright ones.

    Returns:
        The evidence, its transform in full-size pixels of ``query`` → ``ref``.
    """
    look = _Look.at(query, ref, kind, mirrored=mirrored)
    laid = look.by_keypoints(config) or look.in_place(config)
    if laid is None:
        return None
    seen, onto = laid.seen, laid.onto
    shown = seen.query_cells, seen.ref_cells
    found = Seen(
        laid.inliers,
        _support(look.points, look.others, laid.transform, look.sizes, laid.inliers),
        seen.share,
        seen.likeness,
        seen.covered,
        seen.query_cells[:, ::-1] if mirrored else seen.query_cells,
        seen.ref_cells,
        own_motion(
            look.points, look.others, look.pairs, look.back(onto), frames=look.sizes, shown=shown
        ),
    )
    full = _scaled(onto, query, ref, PLANE_SIDE, None)
    if mirrored:
        full = full @ np.array([[-1.0, 0.0, query.width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    alignment = Alignment(
        transform=full,
        query_size=(query.width, query.height),
        ref_size=(ref.width, ref.height),
        tone=Tone(seen.gain, seen.offset),
        flat_query=lambda: is_flat_beyond(look.plane, ref.plane, inverse(onto)),
        flat_ref=lambda: is_flat_beyond(ref.plane, look.plane, onto),
    )
    verification = explain(alignment, found)
    shared = max(verification.overlap_query, verification.overlap_ref)
    is_enough = shared >= config.min_overlap and verification.covered >= config.min_covered
    return verification if is_enough else None


def verify_all(
    task: tuple[Sides, Sequence[tuple[str, str]]],
    *,
    config: VerifyConfig,
    kind: KeypointKind,
    mirrored: bool,
) -> list[Verification | None]:
    """Verify some pairs of some sides, in their order; work for another process."""
    sides, pairs = task
    return [
        verify(sides[query], sides[ref], config, kind, mirrored=mirrored) for query, ref in pairs
    ]


class _Laid(NamedTuple):
    """Two pictures laid over each other.

    Attributes:
        seen: how they agree.
        onto: between the planes.
        transform: between the keypoints, as those have it.
        inliers: correspondences that it explains.
    """

    seen: Agreement
    onto: NDArray[np.floating]
    transform: NDArray[np.floating]
    inliers: int


@dataclass(frozen=True, slots=True)
class _Look:
    """Two sides, the query mirrored where asked, and the ways to lay one over the other.

    Attributes:
        query: the one side.
        ref: the other.
        points: keypoints of the query.
        others: keypoints of the ref.
        pairs: ``(k, 2)`` those that correspond.
        plane: of the query.
        sizes: width and height of what the keypoints were found in.
        side: long side of that.
    """

    query: Side
    ref: Side
    points: Keypoints
    others: Keypoints
    pairs: IntArray
    plane: Plane
    sizes: tuple[tuple[int, int], tuple[int, int]]
    side: int

    @classmethod
    def at(cls, query: Side, ref: Side, kind: KeypointKind, *, mirrored: bool) -> _Look:
        points, plane = _seen_as(query, kind, mirrored=mirrored)
        others = ref.points
        first, second = (fitted(one.width, one.height, kind.side) for one in (query, ref))
        pairs = correspondences(points, others, kind)
        return cls(query, ref, points, others, pairs, plane, (first, second), kind.side)

    def back(self, onto: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rescale a transform between planes to keypoints."""
        return _scaled(onto, self.query, self.ref, PLANE_SIDE, self.side)

    def by_keypoints(self, config: VerifyConfig) -> _Laid | None:
        """Align by the transform that most correspondences agree with."""
        fit = fit_transform(self.points, self.others, self.pairs, config.min_inliers)
        laid = self._laid(fit)
        return laid if laid and _is_enough(laid.seen, config) else None

    def in_place(self, config: VerifyConfig) -> _Laid | None:
        """Align frame on frame, if some correspondences agree with that.

        A sticker on a plain picture may have most of the texture, but not of the picture's own.
        """
        fit = in_place(self.points, self.others, self.pairs, self.sizes, config.min_in_place)
        laid = self._laid(fit)
        if laid is None:
            return None
        if laid.inliers >= POSES.many_in_place and laid.seen.covered >= config.covered_in_place:
            config = replace(config, min_agreement=config.agreement_in_place)
        return laid if _is_enough(laid.seen, config) else None

    def _laid(self, fit: tuple[NDArray[np.floating], int] | None) -> _Laid | None:
        if fit is None:
            return None
        transform, inliers = fit
        onto = _scaled(transform, self.query, self.ref, self.side, PLANE_SIDE)
        aligned = _aligned(self.plane, self.ref.plane, onto, inliers)
        if aligned is None:
            return None
        return _Laid(*aligned, transform, inliers)


def _is_enough(seen: Agreement, config: VerifyConfig) -> bool:
    return seen.share >= config.min_agreement and seen.blocks >= config.min_blocks


def _aligned(
    query: Plane, ref: Plane, onto: NDArray[np.floating], inliers: int
) -> tuple[Agreement, NDArray[np.floating]] | None:
    """Compare the planes; refine the transform between them where that may help."""
    seen = agree_aligned(query, ref, onto)
    if seen is None:
        return None
    is_open = REFINEMENT.agreement_from <= seen.share < REFINEMENT.agreement_below
    is_open &= inliers >= REFINEMENT.least_inliers
    # what agrees well lies well: there the rest shows something else; what is faint is noisy, and
    # its likeness, corrected for that, says less
    is_open &= seen.likeness < REFINEMENT.likeness_below or query.is_faint or ref.is_faint
    if is_open and not _is_unmoved(query, ref, onto):
        closer = refine(query, ref, onto)
        again = agree_aligned(query, ref, closer)
        if again is not None and again.share > seen.share:
            return again, closer
    return seen, onto


def _seen_as(side: Side, kind: KeypointKind, *, mirrored: bool) -> tuple[Keypoints, Plane]:
    if not mirrored:
        return side.points, side.plane
    width = fitted(side.width, side.height, kind.side)[0]
    return side.points.mirrored(width), side.plane.mirrored()


def correspondences(query: Keypoints, ref: Keypoints, kind: KeypointKind) -> IntArray:
    """Match keypoints ``(k, 2)`` clearly nearer to each other than to the second best."""
    if min(len(query.bits), len(ref.bits)) < 2:
        return np.empty((0, 2), np.int64)
    # Hamming = ones(query) + ones(ref) − 2 × bits in common; a row has its query's as a constant
    asked = np.unpackbits(query.bits, axis=1)
    held = np.unpackbits(np.ascontiguousarray(ref.bits.T), axis=0).view(np.int8)
    ones = [
        np.bitwise_count(bits.view(np.uint64)).sum(axis=1, dtype=np.int32)
        for bits in (query.bits, ref.bits)
    ]
    apart = byte_product()(asked, held)
    np.multiply(apart, -2, out=apart)
    apart += ones[1]
    rows = np.arange(len(asked))
    first = apart.argmin(axis=1)
    nearest = apart[rows, first] + ones[0]
    apart[rows, first] = _FARTHER
    second = apart.min(axis=1) + ones[0]
    kept = (nearest <= kind.max_bits) & (nearest < kind.ratio * second)
    pairs = np.stack([rows[kept], first[kept]], axis=1)
    return np.asarray(pairs[np.argsort(nearest[kept], kind="stable")])


def _support(
    query: Keypoints,
    ref: Keypoints,
    transform: NDArray[np.floating],
    sizes: Sequence[tuple[int, int]],
    inliers: int,
) -> float:
    """Count inliers per keypoint in the overlap, of the picture that has fewer there."""
    counts: list[int] = []
    for points, onto, size in (
        (query, transform, sizes[1]),
        (ref, inverse(transform), sizes[0]),
    ):
        x, y = points.places.T
        away = [row[0] * x + row[1] * y + row[2] for row in onto.astype(np.float32)]
        across, down = away[0] / away[2], away[1] / away[2]
        there = (across >= 0) & (across <= size[0]) & (down >= 0) & (down <= size[1])
        counts.append(int(np.count_nonzero(there)))
    return min(1.0, inliers / max(1, min(counts)))


def _is_unmoved(query: Plane, ref: Plane, onto: NDArray[np.floating]) -> bool:
    """Tell whether the middle and a corner of the query fall near those of the ref or its turns."""
    width, height = query.size
    placed = np.array([[width / 2, height / 2, 1.0], [0.0, 0.0, 1.0]]) @ onto.T
    x, y = (placed[:, :2] / placed[:, 2:] / ref.size - 0.5).T
    off = REFINEMENT.unmoved
    is_middle = max(abs(x[0]), abs(y[0])) < off
    return bool(is_middle and max(abs(abs(x[1]) - 0.5), abs(abs(y[1]) - 0.5)) < 2 * off)


def _scaled(
    transform: NDArray[np.floating], query: Side, ref: Side, before: int, after: int | None
) -> NDArray[np.floating]:
    """Rescale a transform between planes of one long side to another, or to full size."""

    def growth(side: Side) -> NDArray[np.floating]:
        start = fitted(side.width, side.height, before)
        end = fitted(side.width, side.height, after) if after else (side.width, side.height)
        return np.array([end[0] / start[0], end[1] / start[1], 1.0])

    full = growth(ref)[:, None] * transform / growth(query)
    return np.asarray(full / full[2, 2])
