"""Verification: correspondences → one transform → agreement of the aligned pixels → the edit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.agreement import agree_aligned, is_flat_beyond, refine
from lookalike.config import VerifyConfig
from lookalike.engine import byte_product
from lookalike.explain import Alignment, Seen, Tone, explain
from lookalike.geometry import fit_transform
from lookalike.keypoints import KeypointKind, Keypoints, describe_keypoints, fitted, shrunk
from lookalike.types import DescriptorSpec, IntArray, Picture, UInt8Array, Verification

__all__ = ["PLANE_SPEC", "VERIFIER", "Side", "describe_side", "verify"]

VERIFIER = "pose-agreement/6"
_PLANE_SIDE = 160
_REFINE_FROM, _REFINE_TO, _REFINE_INLIERS = 0.4, 0.8, 15
_COINCIDING = 0.05

PLANE_SPEC = DescriptorSpec(
    "plane", "2", "pixels", 1, "uint8", f"luma, long side {_PLANE_SIDE}, area, row by row"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a verification.

    Attributes:
        width: full width of the image, pixels.
        height: full height of the image, pixels.
        rows: keypoints as stored.
        plane: ``(h, w)`` uint8 luma, long side 160.
    """

    width: int
    height: int
    rows: UInt8Array
    plane: UInt8Array

    @classmethod
    def from_rows(cls, width: int, height: int, keypoints: UInt8Array, plane: UInt8Array) -> Side:
        """Rebuild a side from stored rows of keypoints and of ``PLANE_SPEC``."""
        shape = fitted(width, height, _PLANE_SIDE)
        return cls(width, height, keypoints, plane.reshape(shape[1], shape[0]))


def describe_side(picture: Picture, kind: KeypointKind) -> tuple[UInt8Array, UInt8Array]:
    """Keypoints and the small plane of one picture, as stored rows.

    Args:
        picture: reduced and upright.
        kind: of the keypoints.

    Returns:
        ``(k, 70)`` uint8 of ``kind.spec`` and ``(h * w, 1)`` uint8 of ``PLANE_SPEC``.
    """
    luma = np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY))
    size = (picture.width, picture.height)
    plane = shrunk(luma, fitted(*size, _PLANE_SIDE))
    return describe_keypoints(luma, size, kind), plane.reshape(-1, 1)


def verify(
    query: Side, ref: Side, config: VerifyConfig, kind: KeypointKind, *, mirrored: bool = False
) -> Verification | None:
    """Whether ``ref`` shows the pixels of ``query``, and by which edit; None if not.

    Args:
        query: the one image.
        ref: the other.
        config: what a copy must show.
        kind: of the keypoints.
        mirrored: look for a mirrored copy; keypoints by themselves see only upright ones.

    Returns:
        The evidence, its transform in full-size pixels of ``query`` → ``ref``.
    """
    points, plane = _seen_as(query, kind, mirrored=mirrored)
    others = Keypoints.from_rows(ref.rows)
    pairs = _correspondences(points, others, kind)
    fit = fit_transform(points, others, pairs, config.min_inliers)
    if fit is None:
        return None
    transform, inliers = fit
    full = np.linalg.inv(_to_plane(ref, kind.side)) @ transform @ _to_plane(query, kind.side)
    full /= full[2, 2]
    onto = _between_planes(query, ref, full)
    seen = agree_aligned(plane, ref.plane, onto)
    is_open = seen is not None and _REFINE_FROM <= seen.share < _REFINE_TO
    if seen and is_open and inliers >= _REFINE_INLIERS and not _is_coinciding(query, ref, full):
        closer = refine(plane, ref.plane, onto)
        again = agree_aligned(plane, ref.plane, closer)
        if again is not None and again.share > seen.share:
            seen, onto = again, closer
            full = np.linalg.inv(_to_plane(ref, _PLANE_SIDE)) @ onto @ _to_plane(query, _PLANE_SIDE)
            full /= full[2, 2]
    if seen is None or seen.share < config.min_agreement or seen.blocks < config.min_blocks:
        return None
    cells = seen.query_cells
    if mirrored:
        full = full @ np.array([[-1.0, 0.0, query.width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        cells = cells[:, ::-1]
    alignment = Alignment(
        transform=full,
        query_size=(query.width, query.height),
        ref_size=(ref.width, ref.height),
        tone=Tone(seen.gain, seen.offset),
        flat_query=is_flat_beyond(plane, ref.plane, np.linalg.inv(onto)),
        flat_ref=is_flat_beyond(ref.plane, plane, onto),
    )
    sizes = (
        fitted(query.width, query.height, kind.side),
        fitted(ref.width, ref.height, kind.side),
    )
    found = Seen(
        inliers,
        _support(points, others, transform, sizes, inliers),
        seen.share,
        seen.likeness,
        seen.covered,
        cells,
        seen.ref_cells,
    )
    verification = explain(alignment, found)
    shared = max(verification.overlap_query, verification.overlap_ref)
    is_enough = shared >= config.min_overlap and verification.covered >= config.min_covered
    return verification if is_enough else None


def _seen_as(side: Side, kind: KeypointKind, *, mirrored: bool) -> tuple[Keypoints, UInt8Array]:
    if not mirrored:
        return Keypoints.from_rows(side.rows), side.plane
    width = fitted(side.width, side.height, kind.side)[0]
    turned = np.ascontiguousarray(side.plane[:, ::-1])
    return Keypoints.mirrored_from_rows(side.rows, width), turned


def _correspondences(query: Keypoints, ref: Keypoints, kind: KeypointKind) -> IntArray:
    """``(k, 2)`` keypoints clearly nearer to each other than to the second best, nearest first."""
    if min(len(query.bits), len(ref.bits)) < 2:
        return np.empty((0, 2), np.int64)
    # bits as 0/1 times bits as ±1: Hamming = ones(ref) − product, see index.hamming
    asked = np.unpackbits(query.bits, axis=1)
    held = np.unpackbits(ref.bits, axis=1)
    signs = (held.astype(np.int8) << 1) - 1
    distance = held.sum(axis=1, dtype=np.int32) - byte_product()(
        asked, np.ascontiguousarray(signs.T)
    )
    rows = np.arange(len(asked))
    first = distance.argmin(axis=1)
    nearest = distance[rows, first]
    distance[rows, first] = 257
    kept = (nearest <= kind.max_bits) & (nearest < kind.ratio * distance.min(axis=1))
    pairs = np.stack([rows[kept], first[kept]], axis=1)
    return np.asarray(pairs[np.argsort(nearest[kept], kind="stable")])


def _support(
    query: Keypoints,
    ref: Keypoints,
    transform: NDArray[np.floating],
    sizes: tuple[tuple[int, int], tuple[int, int]],
    inliers: int,
) -> float:
    """Inliers per keypoint in the overlap, of the picture that has fewer there."""
    counts = []
    for points, onto, size in (
        (query, transform, sizes[1]),
        (ref, np.linalg.inv(transform), sizes[0]),
    ):
        placed = np.column_stack([points.places, np.ones(len(points.places))]) @ onto.T
        placed = placed[:, :2] / placed[:, 2:]
        counts.append(int(((placed >= 0) & (placed <= size)).all(axis=1).sum()))
    return min(1.0, inliers / max(1, min(counts)))


def _is_coinciding(query: Side, ref: Side, full: NDArray[np.floating]) -> bool:
    """Whether the middle and a corner of the query fall near those of the ref, or of its turns."""
    spots = np.array([[query.width / 2, query.height / 2, 1.0], [0.0, 0.0, 1.0]])
    placed = spots @ full.T
    x, y = (placed[:, :2] / placed[:, 2:] / (ref.width, ref.height) - 0.5).T
    is_middle = max(abs(x[0]), abs(y[0])) < _COINCIDING
    return bool(is_middle and max(abs(abs(x[1]) - 0.5), abs(abs(y[1]) - 0.5)) < 2 * _COINCIDING)


def _to_plane(side: Side, length: int) -> NDArray[np.floating]:
    width, height = fitted(side.width, side.height, length)
    return np.diag([width / side.width, height / side.height, 1.0])


def _between_planes(query: Side, ref: Side, full: NDArray[np.floating]) -> NDArray[np.floating]:
    into = np.linalg.inv(_to_plane(query, _PLANE_SIDE))
    return np.asarray(_to_plane(ref, _PLANE_SIDE) @ full @ into)
