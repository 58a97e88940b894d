"""One picture in a larger one: keypoints of the larger seen closely, pixels compared at its size.

A picture that fills a twelfth of a page keeps few of the keypoints that describe the page as a
whole, and few of the pixels. So the larger is looked at more closely, and what lies where the
smaller should be is cut out and compared in the smaller's own frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import InsideConfig
from lookalike.containment.limits import INSETS
from lookalike.containment.regions import Regions
from lookalike.descriptors.keypoints import (
    KINDS,
    Keypoints,
    describe_keypoints,
    fitted,
    pack_rows,
    shrunk,
    unpack_rows,
)
from lookalike.model.arrays import UInt8Array
from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.limits import version_of
from lookalike.model.match import Verification
from lookalike.verification.block_correlation import (
    GRID,
    Agreement,
    agree_aligned,
    is_flat_beyond,
    refine,
)
from lookalike.verification.edit import Alignment, Seen, Tone, explain
from lookalike.verification.limits import REFINEMENT
from lookalike.verification.plane import Plane
from lookalike.verification.side import Side
from lookalike.verification.transform import fit_transform
from lookalike.verification.verify import LIMITS, correspondences

__all__ = [
    "INSET_KIND",
    "INSET_VERIFIER",
    "PAGE_MIN_SIDE",
    "Placement",
    "confirm_inset",
    "corners_of",
    "describe_page",
    "page_spec",
    "place_inset",
]

INSET_KIND = KINDS["sift"]
#: under which verdicts are remembered; the number is raised when more than a limit changes
INSET_VERIFIER = version_of("inset/5", INSETS, *LIMITS)
# pixels of the short side to which a larger picture is decoded
PAGE_MIN_SIDE = 480
# what ``page_spec`` says of the rows: the picture they lie in, and how many there are
_PAGE_SIDE, _PAGE_COUNT = 640, 1000


@dataclass(frozen=True, slots=True)
class Placement:
    """Where keypoints put a small picture.

    Attributes:
        transform: ``(3, 3)`` pixels of the small picture → pixels of the large, full size, upright;
            of the mirrored small picture where that was looked for.
        inliers: correspondences that it explains.
        support: those per keypoint of the picture that has fewer of them, 0..1; only of the part
            looked at again.
        min_side: pixels that the large picture's short side should have to compare them.
    """

    transform: NDArray[np.floating]
    inliers: int
    support: float
    min_side: int


def page_spec(regions: Regions) -> DescriptorSpec:
    """How the close keypoints of a picture are stored."""
    how = (
        f"{_PAGE_COUNT} at most"
        if regions.is_whole
        else f"whole and regions ({regions.name}) at {INSET_KIND.side}, {INSET_KIND.count} each"
    )
    return replace(
        INSET_KIND.spec,
        name="page" if regions.is_whole else f"page {regions.name}",
        version="1",
        preprocessing=f"sift, luma, long side {_PAGE_SIDE}, {how}; rows as of sift",
    )


def describe_page(picture: Picture, regions: Regions) -> UInt8Array:
    """Keypoints of a picture as a larger one that may hold others.

    Args:
        picture: upright, its short side reduced to ``PAGE_MIN_SIDE`` or more.
        regions: where to look closely.

    Returns:
        ``(k, 38)`` uint8 as of ``INSET_KIND``, places in the picture with a long side of 640.
    """
    luma = np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY))
    long_side = max(luma.shape)
    if regions.is_whole:
        return _seen_closely(luma, _PAGE_SIDE / long_side, _PAGE_SIDE, _PAGE_COUNT)
    growth = _PAGE_SIDE / long_side
    found = [_seen_closely(luma, growth, INSET_KIND.side, INSET_KIND.count)]
    size = np.array(luma.shape[::-1] * 2)
    for left, top, right, bottom in np.rint(regions.propose(picture.rgb) * size).astype(int):
        part = luma[top:bottom, left:right]
        if min(part.shape) >= INSETS.least_side:
            rows = _seen_closely(part, growth, INSET_KIND.side, INSET_KIND.count)
            found.append(_moved(rows, 1.0, (left * growth, top * growth)))
    return np.concatenate(found)


def _seen_closely(luma: UInt8Array, growth: float, side: int, count: int) -> UInt8Array:
    """Keypoints of a plane seen with ``side`` pixels at most, their places times ``growth``."""
    long_side = max(luma.shape)
    side = min(side, long_side)
    kind = replace(INSET_KIND, side=side, count=count)
    rows = describe_keypoints(luma, (luma.shape[1], luma.shape[0]), kind)
    return _moved(rows, growth * long_side / side, (0.0, 0.0))


def _moved(rows: UInt8Array, growth: float, by: tuple[float, float]) -> UInt8Array:
    """Stored keypoints grown, then moved."""
    places, turns, octaves, bits = unpack_rows(rows)
    moved = places.astype(np.float64) * growth + np.array(by)
    return pack_rows(moved, turns, octaves.astype(np.float64) + math.log2(growth), bits)


def place_inset(
    small: Side, large: Side, config: InsideConfig, *, mirrored: bool
) -> Placement | None:
    """Where keypoints put ``small`` in ``large``; None where they do not.

    Args:
        small: with rows of ``INSET_KIND``.
        large: with rows of ``describe_page``.
        config: what an inset must show.
        mirrored: look for the mirrored picture.
    """
    page = fitted(large.width, large.height, _PAGE_SIDE)
    to_page = np.diag([page[0] / large.width, page[1] / large.height, 1.0])
    fit = _fitted(small, large.points, config, mirrored=mirrored)
    if fit is None:
        return None
    transform = np.linalg.inv(to_page) @ fit[0]
    area = _area_within(transform, small, large, config)
    if area is None:
        return None
    wanted = INSETS.compared_side * min(large.width, large.height) / math.sqrt(area)
    finest = max(PAGE_MIN_SIDE, min(INSETS.closest, math.ceil(wanted)))
    return Placement(transform / transform[2, 2], fit[1], 0.0, finest)


def confirm_inset(
    small: Side,
    large: Side,
    placed: Placement,
    page: UInt8Array,
    config: InsideConfig,
    *,
    mirrored: bool,
) -> Verification | None:
    """Whether the pixels of ``large`` agree with ``small`` where keypoints put it.

    Args:
        small: with its plane.
        large: with its plane.
        placed: by ``place_inset``.
        page: ``(h, w)`` uint8 luma of ``large``, as fine as ``placed`` asks for, where it is.
        config: what an inset must show.
        mirrored: as for ``place_inset``.

    Returns:
        The evidence, its transform in full-size pixels of ``small`` → ``large``.
    """
    again = _looked_again(small, large, placed, page, config, mirrored=mirrored)
    if again is None:
        return None
    placed = again
    plane = small.plane.mirrored() if mirrored else small.plane
    part, to_part = _cut_out(page, large, placed.transform, small)
    if min(part.shape) < INSETS.least_side:
        return None
    from_plane = np.diag([small.width / plane.size[0], small.height / plane.size[1], 1.0])
    seen, onto = _compared(plane, Plane(part), to_part @ placed.transform @ from_plane)
    if (
        seen is None
        or seen.share < config.min_agreement
        or seen.likeness < config.min_likeness
        or seen.blocks < config.min_blocks
    ):
        return None
    full = np.linalg.inv(to_part) @ onto @ np.linalg.inv(from_plane)
    if _area_within(full, small, large, config) is None:
        return None
    return _explained(small, large, replace(placed, transform=full), seen, mirrored=mirrored)


def _explained(
    small: Side, large: Side, placed: Placement, seen: Agreement, *, mirrored: bool
) -> Verification:
    """The evidence in the form of every other pair."""
    full = placed.transform
    turned = np.array([[-1.0, 0.0, small.width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    plane = small.plane.mirrored() if mirrored else small.plane
    from_plane = np.diag([small.width / plane.size[0], small.height / plane.size[1], 1.0])
    to_plane = [large.plane.size[0] / large.width, large.plane.size[1] / large.height, 1.0]
    alignment = Alignment(
        transform=(full @ turned if mirrored else full) / full[2, 2],
        query_size=(small.width, small.height),
        ref_size=(large.width, large.height),
        tone=Tone(seen.gain, seen.offset),
        flat_query=lambda: False,
        flat_ref=lambda: is_flat_beyond(large.plane, plane, np.diag(to_plane) @ full @ from_plane),
    )
    found = Seen(
        inliers=placed.inliers,
        support=placed.support,
        agreement=seen.share,
        likeness=seen.likeness,
        covered=seen.covered,
        query_cells=seen.query_cells[:, ::-1] if mirrored else seen.query_cells,
        ref_cells=_cells_of_page(full, small, large),
    )
    return explain(alignment, found)


def _fitted(
    small: Side, others: Keypoints, config: InsideConfig, *, mirrored: bool
) -> tuple[NDArray[np.floating], int] | None:
    """Transform from the full-size small picture to where ``others`` lie, and its inliers."""
    size = fitted(small.width, small.height, INSET_KIND.side)
    points = small.points.mirrored(size[0]) if mirrored else small.points
    pairs = correspondences(points, others, INSET_KIND)
    fit = fit_transform(points, others, pairs, config.min_inliers)
    if fit is None:
        return None
    return fit[0] @ np.diag([size[0] / small.width, size[1] / small.height, 1.0]), fit[1]


def _looked_again(
    small: Side,
    large: Side,
    placed: Placement,
    page: UInt8Array,
    config: InsideConfig,
    *,
    mirrored: bool,
) -> Placement | None:
    """The placement by keypoints of the part alone, if enough of them confirm it.

    Keypoints of a texture that repeats find partners anywhere, but few of them in one place.
    """
    part, to_part = _cut_out(page, large, placed.transform, small, INSET_KIND.side, INSETS.margin)
    if min(part.shape) < INSETS.least_side:
        return None
    kind = replace(INSET_KIND, side=max(part.shape))
    others = Keypoints.from_rows(describe_keypoints(part, (part.shape[1], part.shape[0]), kind))
    fit = _fitted(small, others, config, mirrored=mirrored)
    if fit is None or fit[1] < config.min_confirmed:
        return None
    support = min(1.0, fit[1] / max(1, min(len(small.points), len(others))))
    if support < config.min_support:
        return None
    transform = np.linalg.inv(to_part) @ fit[0]
    return Placement(transform / transform[2, 2], fit[1], support, placed.min_side)


def _area_within(
    transform: NDArray[np.floating], small: Side, large: Side, config: InsideConfig
) -> float | None:
    """Area that a small picture covers; None where it is not an inset: bent, cut off, too large."""
    corners = corners_of(transform, small.width, small.height)
    frame = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * (large.width, large.height)
    area = float(cv2.contourArea(corners))
    if area < 1.0 or not cv2.isContourConvex(corners):
        return None
    shared, _ = cv2.intersectConvexConvex(corners, frame.astype(np.float32))
    if shared < config.min_overlap * area or shared > config.max_share * large.width * large.height:
        return None
    return area


def corners_of(transform: NDArray[np.floating], width: int, height: int) -> NDArray[np.float32]:
    """``(4, 2)`` corners of a picture behind a transform, from its top left clockwise."""
    frame = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    return np.asarray(cv2.perspectiveTransform(frame, transform)[0], np.float32)


def _compared(
    plane: Plane, part: Plane, onto: NDArray[np.floating]
) -> tuple[Agreement | None, NDArray[np.floating]]:
    """How a picture agrees with the part cut out; moved to where pixels fit best, if that helps."""
    onto = onto / onto[2, 2]
    seen = agree_aligned(plane, part, onto)
    if seen is None or seen.share >= INSETS.refine_below:
        return seen, onto
    closer = refine(plane, part, onto, steps=REFINEMENT.steps_closely)
    again = agree_aligned(plane, part, closer)
    return (again, closer) if again is not None and again.share > seen.share else (seen, onto)


def _cut_out(
    page: UInt8Array,
    large: Side,
    transform: NDArray[np.floating],
    small: Side,
    side: int = INSETS.compared_side,
    margin: float = 0.0,
) -> tuple[UInt8Array, NDArray[np.floating]]:
    """The part of a page that an inset covers, of ``side`` pixels at most, and large → part."""
    scale = np.array([page.shape[1] / large.width, page.shape[0] / large.height])
    corners = corners_of(transform, small.width, small.height) * scale
    spare = margin * (corners.max(axis=0) - corners.min(axis=0))
    low = np.floor(np.clip(corners.min(axis=0) - spare, 0, None)).astype(int)
    high = np.ceil(np.minimum(corners.max(axis=0) + spare, page.shape[::-1])).astype(int)
    part = page[low[1] : high[1], low[0] : high[0]]
    if min(part.shape) < 1:
        return np.empty((0, 0), np.uint8), np.eye(3)
    size = fitted(part.shape[1], part.shape[0], min(side, max(part.shape)))
    grown = np.diag([size[0] / part.shape[1], size[1] / part.shape[0], 1.0])
    move = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]], [0.0, 0.0, 1.0]])
    return shrunk(part, size), grown @ move @ np.diag([*scale, 1.0])


def _cells_of_page(transform: NDArray[np.floating], small: Side, large: Side) -> NDArray[np.bool_]:
    """``(8, 8)`` parts of the large picture that the small one touches."""
    fine = 8 * GRID
    corners = corners_of(transform, small.width, small.height) * (
        fine / large.width,
        fine / large.height,
    )
    drawn = np.zeros((fine, fine), np.uint8)
    cv2.fillConvexPoly(drawn, np.rint(corners).astype(np.int32), 1)
    return np.asarray(drawn.reshape(GRID, 8, GRID, 8).max(axis=(1, 3)) > 0)
