"""What of a query counts: a box, a mask, or all but what was drawn over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.errors import ConfigError
from lookalike.images import decode
from lookalike.types import Failure, Picture, UInt8Array

__all__ = ["Focus", "focused", "overlay_mask", "read_mask"]

_LEAST_SIDE = 8
_SIDE = 512
_STEP = 24
_CONTRAST = 30
_FEW_PIXELS = 0.0004
_EXTENT = 0.10
_THIN = 0.035


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
    """The picture as it is searched with: cropped, and filled in where it does not count.

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
    """Pixels of thin lines of one colour that were drawn over a picture.

    A drawn line keeps its colour over a long way and differs from what lies on both its sides, as
    nothing in a photograph does for long. So: where a median filter changes a pixel much, pixels
    of one colour that hang together, reach far and are thin.

    Args:
        rgb: ``(h, w, 3)`` uint8.

    Returns:
        ``(h, w)`` bool.
    """
    factor = min(1.0, _SIDE / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    diagonal = float(np.hypot(*small.shape[:2]))
    window = max(9, int(diagonal * _THIN) | 1)
    background = cv2.medianBlur(small, window)
    change = cv2.absdiff(small, background).max(axis=2)
    found = np.zeros(small.shape[:2], np.uint8)
    for colour in _common_colours(small[change > _CONTRAST]):
        near = (np.abs(small.astype(np.int16) - colour).max(axis=2) <= _STEP) & (change > _CONTRAST)
        found |= _long_and_thin(near.astype(np.uint8), diagonal)
    # the soft rims of a line are neither its colour nor the picture's
    grown = cv2.dilate(found, np.ones((5, 5), np.uint8))
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(cv2.resize(grown, size, interpolation=cv2.INTER_NEAREST) > 0)


def _common_colours(pixels: UInt8Array) -> list[NDArray[np.int16]]:
    """Centres of the colours that many pixels share, the most frequent first."""
    if not len(pixels):
        return []
    bins = pixels.astype(np.int64) // _STEP
    flat = (bins[:, 0] * 16 + bins[:, 1]) * 16 + bins[:, 2]
    values, counts = np.unique(flat, return_counts=True)
    often = np.argsort(-counts, kind="stable")[:48]
    chosen = values[often[counts[often] >= max(12, _FEW_PIXELS * len(pixels))]]
    return [pixels[flat == value].mean(axis=0).astype(np.int16) for value in chosen]


def _long_and_thin(near: UInt8Array, diagonal: float) -> UInt8Array:
    joined = cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    reach = np.hypot(width, height)
    thickness = stats[:, cv2.CC_STAT_AREA] / reach
    kept = (reach >= _EXTENT * diagonal) & (thickness <= _THIN * diagonal)
    kept[0] = False
    return np.asarray(kept[labels].astype(np.uint8)) if count > 1 else np.zeros_like(near)


def _filled(rgb: UInt8Array, mask: NDArray[np.bool_]) -> UInt8Array:
    return np.asarray(cv2.inpaint(rgb, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA))


def _masked(picture: Picture, mask: UInt8Array) -> Picture:
    """Fill in what does not count, then crop to what does."""
    height, width = picture.rgb.shape[:2]
    wanted = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 127
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if len(rows) < _LEAST_SIDE or len(columns) < _LEAST_SIDE:
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
    if x < 0 or y < 0 or width < _LEAST_SIDE or height < _LEAST_SIDE:
        inside = False
    else:
        inside = x + width <= picture.width and y + height <= picture.height
    if not inside:
        raise ConfigError(
            "the box does not lie in the picture",
            got=f"{x},{y},{width},{height}",
            expected=f"x,y,w,h within {picture.width}×{picture.height}, sides from {_LEAST_SIDE}",
        )
    factor = picture.rgb.shape[1] / picture.width
    left, top = round(x * factor), round(y * factor)
    right, bottom = round((x + width) * factor), round((y + height) * factor)
    part: Any = picture.rgb[top : max(bottom, top + 2), left : max(right, left + 2)]
    return replace(picture, rgb=np.ascontiguousarray(part), width=width, height=height)


def read_mask(path: Path) -> UInt8Array:
    """A mask from a picture file: its luma.

    Raises:
        ConfigError: not a readable picture.
    """
    try:
        picture = decode(str(path), path.read_bytes(), DecodeConfig())
    except OSError as error:
        raise ConfigError("the mask cannot be read", got=f"{path}: {error.strerror}") from error
    if isinstance(picture, Failure):
        raise ConfigError("the mask is not a picture", got=f"{path}: {picture.message}")
    return np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY))
