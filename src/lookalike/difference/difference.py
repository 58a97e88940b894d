"""How two pictures of a match differ: what both show, what was added, which is likely the parent.

The match's transform lays them over each other at up to 480 px and is refined there; tone and
sharpness are fitted; what still differs lies outside the range of colours around its place in the
other picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.difference.additions import (
    AddedKind,
    Patch,
    patches_beyond,
    patches_within,
)
from lookalike.difference.limits import COMPARISON
from lookalike.difference.overlay import (
    Detail,
    Laid,
    lay_over,
    outside_of,
)
from lookalike.difference.parent import Parent, Signs, likely_parent
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import ImageRef, Picture
from lookalike.model.match import Match, Verification
from lookalike.sources.reading import read_again
from lookalike.verification.block_correlation import agree_aligned, refine
from lookalike.verification.edit import Tone, reverse, whole_frame
from lookalike.verification.limits import REFINEMENT
from lookalike.verification.plane import Plane

__all__ = ["Box", "Difference", "Region", "describe_difference", "difference_of"]

Box = tuple[int, int, int, int]
SideName = Literal["query", "ref"]


@dataclass(frozen=True, slots=True)
class Region:
    """One thing that was added.

    Attributes:
        side: which of the two pictures has it.
        kind: what it is.
        box: left, top, right, bottom in pixels of that picture, full size and upright.
        share: of that picture's area, 0..1.
    """

    side: SideName
    kind: AddedKind
    box: Box
    share: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How the two pictures of a match differ.

    Attributes:
        query_box: the part of the query that the ref shows too: left, top, right, bottom in pixels
            of the query, full size and upright; where the ref is a crop, its crop box.
        ref_box: the part of the ref that the query shows too, in pixels of the ref.
        transform: row-major 3×3, query pixels → ref pixels, refined at the size compared.
        tone: light and colour of what both show, of the ref relative to the query.
        regions: what was added to either, the largest first.
        query_mask: ``(h, w)`` uint8, 255 where something was added to the query, else 0; the
            query's shape with a long side of 480 px at most.
        ref_mask: likewise for the ref.
        parent: which of the two the other was likely made of; ``unknown`` where evidence is even.
        reason: why, in words.
    """

    query_box: Box
    ref_box: Box
    transform: tuple[float, ...]
    tone: Tone
    regions: tuple[Region, ...]
    query_mask: UInt8Array
    ref_mask: UInt8Array
    parent: Parent
    reason: str


def difference_of(
    match: Match,
    sides: tuple[ImageRef, ImageRef],
    *,
    turned: bool = False,
    side: int = COMPARISON.side,
) -> Difference | Failure:
    """Explain how the two files of a match differ; a failure where one cannot be read.

    Args:
        match: of the two.
        sides: its query and its ref.
        turned: tell it from ref to query: the ref is then the query of the answer.
        side: long side at which pixels are compared, at most.
    """
    query, ref = sides
    sizes = (query.width, query.height), (ref.width, ref.height)
    # equal bytes or pixels need no evidence
    seen = match.verification or whole_frame(*sizes, (False, False, False), (1.0, 1.0), Tone())
    if turned:
        query, ref, seen = ref, query, reverse(seen, *sizes)
    first, second = _read(query.path, side), _read(ref.path, side)
    if isinstance(first, Failure):
        return first
    return second if isinstance(second, Failure) else describe_difference(first, second, seen, side)


def describe_difference(
    query: Picture, ref: Picture, seen: Verification, side: int = COMPARISON.side
) -> Difference:
    """Explain what both pictures show, what was added to which, and the likely parent.

    Args:
        query: the one picture, decoded with a short side of half of ``side`` at least.
        ref: the other.
        seen: how they lie, from query to ref.
        side: long side at which pixels are compared, at most.
    """
    query_rgb, ref_rgb = _shrunk(query.rgb, side), _shrunk(ref.rgb, side)
    grow_query, grow_ref = _growth(query, query_rgb), _growth(ref, ref_rgb)
    onto = np.linalg.inv(grow_ref) @ np.array(seen.transform).reshape(3, 3) @ grow_query
    onto = _refined(query_rgb, ref_rgb, onto / onto[2, 2])
    laid = lay_over(query_rgb, ref_rgb, onto)
    back = np.linalg.inv(onto)
    query_beyond, query_more = _beyond(query_rgb, ref_rgb, back)
    ref_beyond, ref_more = _beyond(ref_rgb, query_rgb, onto)
    within = patches_within(laid.fixed, laid.moved, laid.different)
    query_patches = [*query_beyond, *_moved_to(within, laid, query_rgb, is_query=True)]
    ref_patches = [*ref_beyond, *_moved_to(within, laid, ref_rgb, is_query=False)]
    regions = [
        *(_region(patch, "query", grow_query) for patch in query_patches),
        *(_region(patch, "ref", grow_ref) for patch in ref_patches),
    ]
    full = grow_ref @ onto @ np.linalg.inv(grow_query)
    query_detail, ref_detail = _details(laid)
    pixels = _pixels(full, (query.width, query.height))
    parent, reason = likely_parent(
        Signs(
            _telling(query_patches),
            query_more,
            1.0 / pixels,
            laid.tone.grey < 0,
            query_detail,
            query.exif_fields,
        ),
        Signs(
            _telling(ref_patches),
            ref_more,
            pixels,
            laid.tone.grey > 0,
            ref_detail,
            ref.exif_fields,
        ),
    )
    return Difference(
        query_box=_shared_box((query.width, query.height), (ref.width, ref.height), full),
        ref_box=_shared_box(
            (ref.width, ref.height), (query.width, query.height), np.linalg.inv(full)
        ),
        transform=tuple(float(f"{value:.7g}") for value in (full / full[2, 2]).reshape(-1)),
        tone=laid.tone,
        regions=tuple(sorted(regions, key=lambda region: (-region.share, region.box))),
        query_mask=_mask(query_patches, query_rgb),
        ref_mask=_mask(ref_patches, ref_rgb),
        parent=parent,
        reason=reason,
    )


def _details(laid: Laid) -> tuple[Detail, Detail]:
    """Of the query and of the ref; the finest is left out where a tone curve changed it."""
    details = laid.detail if laid.is_swapped else laid.detail[::-1]
    tone = laid.tone
    is_same = tone.tint < COMPARISON.same_tint and abs(tone.gain - 1) < COMPARISON.same_gain
    if is_same and not tone.grey:
        return details
    query, ref = (replace(detail, finest=1.0) for detail in details)
    return query, ref


def _telling(patches: Sequence[Patch]) -> list[AddedKind]:
    """Name the kinds of what was added, the largest first, but for crumbs."""
    largest = sorted(patches, key=lambda patch: -int(patch.mask.sum()))
    return [patch.kind for patch in largest if patch.mask.mean() >= COMPARISON.telling]


def _read(path: str, side: int) -> Picture | Failure:
    try:
        data = read_again(path)
    except OSError as error:
        return Failure(path, "read", error.strerror or str(error))
    return decode(path, data, DecodeConfig(min_side=side // 2))


def _shrunk(rgb: UInt8Array, side: int) -> UInt8Array:
    factor = side / max(rgb.shape[:2])
    if factor >= 1:
        return rgb
    size = [max(8, round(length * factor)) for length in rgb.shape[1::-1]]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def _growth(picture: Picture, small: UInt8Array) -> NDArray[np.floating]:
    """From pixels of the small picture to full size."""
    return np.diag([picture.width / small.shape[1], picture.height / small.shape[0], 1.0])


def _refined(
    query: UInt8Array, ref: UInt8Array, onto: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Move the transform to where the pixels correlate best, if they then agree more."""
    a, b = (Plane(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))) for rgb in (query, ref))
    closer = refine(a, b, onto, steps=REFINEMENT.steps_closely, halved=False)
    closer = closer / closer[2, 2]
    before, after = agree_aligned(a, b, onto), agree_aligned(a, b, closer)
    if before is None or after is None:
        return onto
    is_better = after.share * after.likeness > before.share * before.likeness
    return closer if is_better else onto


def _beyond(
    own: UInt8Array, other: UInt8Array, onto: NDArray[np.floating]
) -> tuple[list[Patch], bool]:
    """Find what a picture shows beyond the other's frame, placed in it by ``onto``."""
    corners = _corners((other.shape[1], other.shape[0]))
    outline = cv2.perspectiveTransform(corners, onto)[0].astype(np.float32)
    return patches_beyond(own, outline, outside_of(other.shape, onto, own.shape))


def _moved_to(
    patches: Sequence[Patch], laid: Laid, rgb: UInt8Array, *, is_query: bool
) -> list[Patch]:
    """Take the patches that one picture has, in its own frame."""
    own = [patch for patch in patches if (patch.is_fixed == laid.is_swapped) == is_query]
    if is_query == laid.is_swapped:
        return own
    size = (rgb.shape[1], rgb.shape[0])
    back = np.linalg.inv(laid.onto)
    return [
        replace(
            patch, mask=cv2.warpPerspective(patch.mask.astype(np.uint8) * 255, back, size) > 127
        )
        for patch in own
    ]


def _region(patch: Patch, side: SideName, grow: NDArray[np.floating]) -> Region:
    x, y, width, height = cv2.boundingRect(patch.mask.astype(np.uint8))
    left, top = x * grow[0, 0], y * grow[1, 1]
    right, bottom = (x + width) * grow[0, 0], (y + height) * grow[1, 1]
    box = (round(left), round(top), round(right), round(bottom))
    return Region(side, patch.kind, box, round(float(patch.mask.mean()), 4))


def _mask(patches: Sequence[Patch], rgb: UInt8Array) -> UInt8Array:
    mask = np.zeros(rgb.shape[:2], np.uint8)
    for patch in patches:
        mask[patch.mask] = 255
    return mask


def _corners(size: tuple[int, int]) -> NDArray[np.float64]:
    width, height = size
    return np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)


def _shared_box(own: tuple[int, int], other: tuple[int, int], onto: NDArray[np.floating]) -> Box:
    """Box, in a picture's pixels, what the other shows of it; ``onto``: own → other."""
    placed = cv2.perspectiveTransform(_corners(other), np.linalg.inv(onto))[0].astype(np.float32)
    frame = _corners(own)[0].astype(np.float32)
    _, shared = cv2.intersectConvexConvex(cv2.convexHull(placed), frame)
    if shared is None:
        return (0, 0, 0, 0)
    points = shared.reshape(-1, 2)
    # a transform is right to about a pixel of the size compared
    slack = COMPARISON.snap * max(own)
    ends = []
    for values, length in ((points[:, 0], own[0]), (points[:, 1], own[1])):
        low, high = float(values.min()), float(values.max())
        ends.append(
            (0 if low < slack else round(low), length if high > length - slack else round(high))
        )
    (left, right), (top, bottom) = ends
    return (left, top, right, bottom)


def _pixels(full: NDArray[np.floating], size: tuple[int, int]) -> float:
    """Measure ref pixels for one of the query, at the query's centre."""
    x, y = size[0] / 2, size[1] / 2
    around = np.array([[[x, y], [x + 1, y], [x, y + 1]]], np.float64)
    at = cv2.perspectiveTransform(around, full)[0]
    return max(1e-6, abs(float(np.linalg.det(np.stack([at[1] - at[0], at[2] - at[0]])))))
