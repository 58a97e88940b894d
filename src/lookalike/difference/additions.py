"""What one of two aligned pictures shows that was put there: borders, captions, stickers, lines.

What was added begins at a seam: along its outline the picture that has it jumps, and the other goes
on as if nothing were there. A part beyond the other's frame that has no seam is scene, and the
other is a crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.difference.limits import ADDITIONS
from lookalike.model.arrays import FloatArray, UInt8Array

__all__ = ["ADDED_KINDS", "AddedKind", "Patch", "patches_beyond", "patches_within"]

AddedKind = Literal["border", "caption", "page", "background", "overlay", "lines", "text"]
ADDED_KINDS: tuple[AddedKind, ...] = (
    "border",
    "caption",
    "page",
    "background",
    "overlay",
    "lines",
    "text",
)


@dataclass(frozen=True, slots=True)
class Patch:
    """One connected thing that was added.

    Attributes:
        kind: what it is.
        mask: ``(h, w)`` bool in the frame it was looked for in.
        is_fixed: whether the fixed picture has it (always so beyond the other's frame).
    """

    kind: AddedKind
    mask: NDArray[np.bool_]
    is_fixed: bool


def patches_beyond(
    rgb: UInt8Array, outline: FloatArray, beyond: NDArray[np.bool_]
) -> tuple[list[Patch], bool]:
    """Find what a picture shows beyond the other's frame, and whether it is more of the scene.

    Args:
        rgb: ``(h, w, 3)`` uint8, the picture that shows more.
        outline: ``(4, 2)`` corners of the other's frame in it, pixels.
        beyond: ``(h, w)`` bool, what lies outside the outline.

    Returns:
        Patches, and true where the scene goes on over the outline.
    """
    if beyond.mean() < ADDITIONS.least_beyond:
        return [], False
    is_plain = _plain_share(rgb[beyond]) >= ADDITIONS.plain
    drawn = _drawn_share(rgb[beyond])
    if not _has_seam(rgb, outline) and not (is_plain and drawn > ADDITIONS.drawn):
        # a bar in the very colour of the picture's own ground cannot be told from that ground
        return [], bool(beyond.mean() >= ADDITIONS.least_scene and drawn < ADDITIONS.scene_drawn)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(beyond.astype(np.uint8))
    least = ADDITIONS.least_beyond * ADDITIONS.least_part * beyond.size
    parts = [labels == n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= least]
    kinds = [_kind_beyond(rgb, part) for part in parts]
    for around in ("background", "page"):
        # what surrounds a picture on all sides is one thing
        if around in kinds and beyond.mean() > ADDITIONS.most_caption:
            return [Patch(around, np.logical_or.reduce(parts), True)], False
    return [Patch(kind, part, True) for kind, part in zip(kinds, parts, strict=True)], False


def patches_within(
    fixed: FloatArray, moved: FloatArray, different: NDArray[np.bool_]
) -> list[Patch]:
    """Find what was laid over one of two pictures where both show the scene.

    Args:
        fixed: ``(h, w)`` float32 luma.
        moved: ``(h, w)`` float32 luma of the other, laid over it, its tone fitted.
        different: ``(h, w)`` bool, where they differ.
    """
    side = float(np.sqrt(different.size))
    near = max(ADDITIONS.nearest, round(ADDITIONS.near * side)) | 1
    joined = cv2.morphologyEx(
        different.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((near, near), np.uint8)
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    patches = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] < ADDITIONS.least_within * different.size:
            continue
        group = labels == number
        kind, mask = _kind_within(different & group, group, side)
        own, other, likeness = _along_rim(fixed, moved, mask)
        if likeness < ADDITIONS.same_rim and max(own, other) > ADDITIONS.least_rim:
            patches.append(Patch(kind, mask, own >= other))
    return _at_one(patches)


def _at_one(patches: list[Patch]) -> list[Patch]:
    """Give crumbs the kind of the largest patch, and the picture that clearly has most."""
    if not patches:
        return []
    areas = dict.fromkeys((True, False), 0.0)
    for patch in patches:
        areas[patch.is_fixed] += float(patch.mask.mean())
    largest = max(patches, key=lambda patch: int(patch.mask.sum()))
    mostly = largest.is_fixed
    is_clear = areas[mostly] > ADDITIONS.mostly * areas[not mostly]
    return [
        Patch(
            largest.kind if patch.mask.mean() < ADDITIONS.crumb else patch.kind,
            patch.mask,
            mostly if is_clear else patch.is_fixed,
        )
        for patch in patches
    ]


def _kind_beyond(rgb: UInt8Array, part: NDArray[np.bool_]) -> AddedKind:
    inner = cv2.erode(part.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pixels = rgb[inner] if inner.sum() > ADDITIONS.least_inner else rgb[part]
    plain = _plain_share(pixels)
    if plain >= ADDITIONS.plain:
        return "border"
    is_small = plain >= ADDITIONS.mostly_plain and part.mean() <= ADDITIONS.most_caption
    if is_small and not _has_second(pixels):
        return "caption"
    return "page" if _few_colours(pixels) >= ADDITIONS.page else "background"


def _coarse(pixels: UInt8Array) -> NDArray[np.int64]:
    """Count 512 coarse colours, most frequent first."""
    codes = (pixels >> 5).astype(np.int64) @ np.array([64, 8, 1])
    return np.sort(np.bincount(codes, minlength=512))[::-1]


def _few_colours(pixels: UInt8Array) -> float:
    return float(_coarse(pixels)[: ADDITIONS.page_colours].sum() / max(1, len(pixels)))


def _has_second(pixels: UInt8Array) -> bool:
    """Tell whether a second plain colour fills much of it, as a page's head or foot does."""
    away = _from_commonest(pixels) > 2 * ADDITIONS.plain_levels
    is_much = away.mean() > ADDITIONS.second
    return bool(is_much and _plain_share(pixels[away]) > ADDITIONS.second_plain)


def _plain_share(pixels: UInt8Array) -> float:
    """Measure the share of pixels that nearly have the commonest colour."""
    if not len(pixels):
        return 0.0
    return float((_from_commonest(pixels) <= ADDITIONS.plain_levels).mean())


def _from_commonest(pixels: UInt8Array) -> NDArray[np.int16]:
    luma = pixels.sum(axis=1, dtype=np.int64) // 3
    width = ADDITIONS.commonest
    at = int(np.convolve(np.bincount(luma, minlength=256), np.ones(width), "same").argmax())
    colour = np.median(pixels[np.abs(luma.astype(np.int16) - at) <= width // 2], axis=0)
    return np.abs(pixels.astype(np.int16) - colour.astype(np.int16)).max(axis=1)


def _drawn_share(pixels: UInt8Array) -> float:
    """Measure the share of pixels of the very same colour, as in no sky and on no wall."""
    return float((_from_commonest(pixels) <= ADDITIONS.drawn_levels).mean())


def _has_seam(rgb: UInt8Array, outline: FloatArray) -> bool:
    """Tell whether the picture jumps along an outline more than it changes beside it."""
    near, far, least = ADDITIONS.seam_near, ADDITIONS.seam_far, ADDITIONS.seam_length
    first, last = ADDITIONS.seam_ends, 1 - ADDITIONS.seam_ends
    smooth = cv2.GaussianBlur(rgb, (0, 0), ADDITIONS.seam_blur).astype(np.float32)
    middle = outline.mean(axis=0)
    jumps, steps = [], []
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = float(np.linalg.norm(end - start))
        if length < least:
            continue
        normal = np.array([end[1] - start[1], start[0] - end[0]]) / length
        if normal @ (start - middle) < 0:
            normal = -normal
        along = start + np.linspace(first, last, max(least, int(length)))[:, None] * (end - start)
        lines = [_sampled(smooth, along + offset * normal) for offset in (-far, -near, near, far)]
        known = np.logical_and.reduce([inside for _, inside in lines])
        if known.sum() < least:
            continue
        far_in, near_in, near_out, far_out = (values[known] for values, _ in lines)
        jumps.append(np.abs(near_out - near_in).max(axis=1))
        steps.append(
            (np.abs(near_in - far_in).max(axis=1) + np.abs(far_out - near_out).max(axis=1)) / 2
        )
    if not jumps:
        return False
    jump, step = float(np.concatenate(jumps).mean()), float(np.concatenate(steps).mean())
    return jump > ADDITIONS.seam * step + ADDITIONS.seam_levels


def _sampled(
    plane: FloatArray, places: NDArray[np.floating]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    spots = np.rint(places).astype(np.int64)
    height, width = plane.shape[:2]
    inside = (spots >= 0).all(axis=1) & (spots[:, 0] < width) & (spots[:, 1] < height)
    held = np.clip(spots, 0, [width - 1, height - 1])
    return plane[held[:, 1], held[:, 0]], inside


def _along_rim(
    fixed: FloatArray, moved: FloatArray, mask: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """How steep either picture is across a patch's rim, and how alike their slopes are, −1..1.

    What only the colours' fit missed ends where both pictures have an edge.
    """
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), ADDITIONS.rim_blur)
    normal = _slopes(soft)
    length = np.linalg.norm(normal, axis=0)
    rim = length > ADDITIONS.rim * length.max()
    normal = normal[:, rim] / length[rim]
    a, b = (_slopes(plane)[:, rim] for plane in (fixed, moved))
    alike = float((a * b).sum() / max(1e-6, np.sqrt((a * a).sum() * (b * b).sum())))
    return (
        float(np.abs((a * normal).sum(axis=0)).mean()),
        float(np.abs((b * normal).sum(axis=0)).mean()),
        alike,
    )


def _slopes(plane: FloatArray) -> FloatArray:
    """``(2, h, w)`` derivatives to the right and downwards."""
    return np.stack([cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)])


def _kind_within(
    fine: NDArray[np.bool_], group: NDArray[np.bool_], side: float
) -> tuple[AddedKind, NDArray[np.bool_]]:
    """A solid patch with its hull, or thin strokes as they are."""
    points = cv2.findNonZero(group.astype(np.uint8))
    hull = cv2.convexHull(points)
    filled = cv2.fillConvexPoly(np.zeros(group.shape, np.uint8), hull, 1) > 0
    is_thick = _thickness(group) > ADDITIONS.very_thick * side
    is_thick = is_thick or _thickness(fine) > ADDITIONS.thick * side
    if is_thick and group.sum() > ADDITIONS.solid * filled.sum():
        return "overlay", filled
    (width, height) = cv2.minAreaRect(points)[1]
    count, _, stats, _ = cv2.connectedComponentsWithStats(fine.astype(np.uint8))
    longest = stats[1:count, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=0)
    is_slim = max(width, height) > ADDITIONS.slim * max(1.0, min(width, height))
    if longest > ADDITIONS.long * side or is_slim:
        return "lines", fine
    return ("text" if count > ADDITIONS.letters else "overlay"), fine


def _thickness(mask: NDArray[np.bool_]) -> float:
    return 2.0 * float(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3).max())
