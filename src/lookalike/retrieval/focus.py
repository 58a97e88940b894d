"""Focus a query on a box, a mask, or all but what was drawn over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import Picture
from lookalike.retrieval.limits import LINES, SEARCH
from lookalike.sources.reading import read_plain

__all__ = ["Focus", "focused", "overlay_mask", "read_mask"]


@dataclass(frozen=True, slots=True)
class Focus:
    """Which part of a query to search with.

    Attributes:
        box: x, y, width and height in full-size upright pixels; only this part counts.
        mask: ``(h, w)`` uint8 of any size, laid over the whole picture; above 127 counts.
        ignore_overlays: lines drawn over the picture are found and filled in.
    """

    box: tuple[int, int, int, int] | None = None
    mask: UInt8Array | None = None
    ignore_overlays: bool = False


def focused(picture: Picture, focus: Focus) -> Picture:
    """Crop a picture to what counts, and fill in what does not.

    Raises:
        ConfigError: a box outside the picture, or a mask that leaves nothing.
    """
    if focus.ignore_overlays:
        mask = overlay_mask(picture.rgb)
        picture = replace(picture, rgb=_filled(picture.rgb, mask))
    if focus.mask is not None:
        picture = _masked(picture, focus.mask)
    if focus.box is not None:
        picture = _cropped(picture, focus.box)
    return picture


def overlay_mask(rgb: UInt8Array) -> NDArray[np.bool_]:
    """Find pixels of straight thin lines of one colour that were drawn over a picture.

    A drawn line keeps its colour over a long way and differs from what lies on both its sides, as
    little in a photograph does. So: colours that stand out from a median filter; of each, what is
    thin; of that, what lies on long straight lines, over the gaps where other lines cross.

    Args:
        rgb: ``(h, w, 3)`` uint8.

    Returns:
        ``(h, w)`` bool.
    """
    factor = min(1.0, LINES.side / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    found = _drawn_lines(small)
    # with the first ones filled in, those that they crossed are whole
    found |= _drawn_lines(_filled(small, found > 0))
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(cv2.resize(found, size, interpolation=cv2.INTER_NEAREST) > 0)


def _drawn_lines(small: UInt8Array) -> UInt8Array:
    diagonal = float(np.hypot(*small.shape[:2]))
    background = cv2.medianBlur(small, int(diagonal * LINES.window) | 1)
    stands_out = cv2.absdiff(small, background).max(axis=2) > LINES.contrast
    found = np.zeros(small.shape[:2], np.uint8)
    wide = small.astype(np.int16)
    for colour in _common_colours(small[stands_out]):
        near = np.abs(wide - colour).max(axis=2) <= LINES.colour_step
        for line in _segments(_thin(near.astype(np.uint8), diagonal), diagonal):
            _draw_if_drawn(found, wide, line, diagonal)
    # the soft rims of a line are neither its colour nor the picture's
    return np.asarray(cv2.dilate(found, np.ones((5, 5), np.uint8)))


def _common_colours(pixels: UInt8Array) -> list[NDArray[np.int16]]:
    """Find the colours that many pixels share, the most frequent first."""
    if not len(pixels):
        return []
    bins = pixels.astype(np.int64) // LINES.colour_step
    flat = (bins[:, 0] * 16 + bins[:, 1]) * 16 + bins[:, 2]
    values, counts = np.unique(flat, return_counts=True)
    often = np.argsort(-counts, kind="stable")[: LINES.colours]
    chosen = values[often[counts[often] >= max(12, LINES.few_pixels * len(pixels))]]
    return [pixels[flat == value].mean(axis=0).astype(np.int16) for value in chosen]


def _thin(near: UInt8Array, diagonal: float) -> UInt8Array:
    """Keep what an opening with a disc wider than any line takes away."""
    width = max(5, int(diagonal * LINES.widest) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(near & ~cv2.dilate(cv2.morphologyEx(near, cv2.MORPH_OPEN, disc), disc))


def _segments(thin: UInt8Array, diagonal: float) -> NDArray[np.int64]:
    """Find the ends ``(k, 4)`` of long straight segments in a plane."""
    found = cv2.HoughLinesP(
        thin,
        1,
        np.pi / 180,
        int(LINES.shortest * diagonal / 2),
        minLineLength=LINES.shortest * diagonal,
        maxLineGap=LINES.gap * diagonal,
    )
    if found is None:
        return np.empty((0, 4), np.int64)
    return np.asarray(found.reshape(-1, 4)[: LINES.segments], np.int64)


def _draw_if_drawn(
    found: UInt8Array, wide: NDArray[np.int16], line: NDArray[np.int64], diagonal: float
) -> None:
    """Mark a segment if it keeps one colour all along and stands out on both its sides."""
    start, end = line[:2].astype(float), line[2:].astype(float)
    length = float(np.hypot(*(end - start)))
    along = start + np.linspace(0, 1, max(8, int(length) // 2))[:, None] * (end - start)
    if _at(found, along).mean() > LINES.known:
        return
    core = _smoothed(_at(wide, along))
    colour = np.median(core, axis=0)
    same = np.abs(core - colour).max(axis=1) <= LINES.constant
    if same.mean() < LINES.filled:
        return
    side = np.array([start[1] - end[1], end[0] - start[0]]) / length * LINES.aside * diagonal
    for sign in (-1, 1):
        aside = np.abs(_at(wide, along + sign * side) - colour).max(axis=1) > LINES.contrast
        if aside[same].mean() < LINES.apart:
            return
    ends = (int(line[0]), int(line[1])), (int(line[2]), int(line[3]))
    cv2.line(found, *ends, 1, max(2, round(LINES.drawn * diagonal)))


def _smoothed(core: NDArray[np.int16]) -> NDArray[np.int16]:
    """Take medians of runs along a line: compression and crossings are no change of colour."""
    padded = np.pad(core, ((LINES.run // 2, LINES.run // 2), (0, 0)), mode="edge")
    runs = np.lib.stride_tricks.sliding_window_view(padded, LINES.run, axis=0)
    return np.asarray(np.median(runs, axis=2), np.int16)


def _at(plane: NDArray[Any], points: NDArray[np.float64]) -> NDArray[Any]:
    """Read values at (x, y) points, the nearest inside."""
    x = np.clip(points[:, 0].round().astype(int), 0, plane.shape[1] - 1)
    y = np.clip(points[:, 1].round().astype(int), 0, plane.shape[0] - 1)
    return plane[y, x]


def _filled(rgb: UInt8Array, mask: NDArray[np.bool_]) -> UInt8Array:
    return np.asarray(cv2.inpaint(rgb, mask.astype(np.uint8), 5, cv2.INPAINT_NS))


def _masked(picture: Picture, mask: UInt8Array) -> Picture:
    """Fill in what does not count, then crop to what does."""
    height, width = picture.rgb.shape[:2]
    wanted = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 127
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if len(rows) < SEARCH.least_side or len(columns) < SEARCH.least_side:
        raise ConfigError(
            "the mask leaves nothing to search with",
            got=f"{len(columns)}×{len(rows)} pixels above 127",
            expected="a mask that is white where the picture counts",
        )
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    rgb = _filled(picture.rgb[part], ~wanted[part])
    factor = picture.width / width
    return replace(
        picture, rgb=rgb, width=round(rgb.shape[1] * factor), height=round(rgb.shape[0] * factor)
    )


def _cropped(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    x, y, width, height = box
    if x < 0 or y < 0 or width < SEARCH.least_side or height < SEARCH.least_side:
        inside = False
    else:
        inside = x + width <= picture.width and y + height <= picture.height
    if not inside:
        raise ConfigError(
            "the box does not lie in the picture",
            got=f"{x},{y},{width},{height}",
            expected=f"x,y,w,h within {picture.width}×{picture.height}, "
            f"sides from {SEARCH.least_side}",
        )
    factor = picture.rgb.shape[1] / picture.width
    left, top = round(x * factor), round(y * factor)
    right, bottom = round((x + width) * factor), round((y + height) * factor)
    part: Any = picture.rgb[top : max(bottom, top + 2), left : max(right, left + 2)]
    return replace(picture, rgb=np.ascontiguousarray(part), width=width, height=height)


def read_mask(path: Path) -> UInt8Array:
    """Read a mask from a picture file: its luma.

    Raises:
        ConfigError: not a readable picture.
    """
    try:
        picture = decode(str(path), read_plain(path), DecodeConfig())
    except OSError as error:
        raise ConfigError(
            "the mask cannot be read", got=f"{path}: {error.strerror or error}"
        ) from error
    if isinstance(picture, Failure):
        raise ConfigError("the mask is not a picture", got=f"{path}: {picture.message}")
    return np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY))
