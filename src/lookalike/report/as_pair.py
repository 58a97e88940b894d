"""Show how two pictures of a match differ: in words, JSON, a sheet, a page."""

from __future__ import annotations

import base64
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lookalike.config import DecodeConfig
from lookalike.difference.difference import Box, Difference, Region
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.report.pages import write_page
from lookalike.runtime.output import writing
from lookalike.sources.reading import read_again
from lookalike.verification.edit import reverse, tone_words

__all__ = [
    "added_in_words",
    "difference_in_words",
    "difference_to_dict",
    "mask_png",
    "write_pair_page",
    "write_pair_sheet",
]

Sides = tuple[ImageRef, ImageRef]
_SIDE, _GAP = 640, 12
_ADDED = (230, 40, 40)
_FRAME = (255, 213, 74)
_BACKGROUND = 250


def difference_in_words(match: Match, found: Difference, sides: Sides) -> list[str]:
    """Say what both show, tone, what was added where, and which is likely the parent.

    Args:
        match: of the two pictures.
        found: how they differ.
        sides: query and ref.
    """
    query, ref = (image.path for image in sides)
    lines = [f"both show {_box(found.query_box)} of {query}, {_box(found.ref_box)} of {ref}"]
    lines += [f"damaged: {image.path}: {image.damage}" for image in sides if image.damage]
    tone = tone_words(found.tone)
    if tone:
        lines.append(f"tone from {query} to {ref}: {', '.join(tone)}")
    for region in found.regions:
        name = query if region.side == "query" else ref
        words = f"{region.kind}, {_box(region.box)}, {region.share:.1%} of it"
        lines.append(f"added in {name}: {words}")
    if found.parent == "unknown":
        return [*lines, f"parent unknown: {found.reason}"]
    parent = query if found.parent == "query" else ref
    return [*lines, f"parent {parent}: {found.reason}", f"made of it: {_made(match, found, sides)}"]


def added_in_words(regions: list[Region]) -> str:
    """Say what was added to one picture, the largest first: ``caption 17%, lines 4%``."""
    shares: dict[str, float] = {}
    for region in regions:
        shares[region.kind] = shares.get(region.kind, 0.0) + region.share
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{kind} {share:.0%}" if share >= 0.01 else kind for kind, share in ordered)


def difference_to_dict(found: Difference) -> dict[str, Any]:
    """Convert to plain values; the masks are left to ``mask_png``."""
    plain = asdict(found)
    del plain["query_mask"], plain["ref_mask"]
    return plain


def mask_png(mask: UInt8Array) -> bytes:
    """Make a PNG to lay over a picture: red where the mask is set, transparent elsewhere."""
    sheet = np.zeros((*mask.shape, 4), np.uint8)
    sheet[mask > 0] = (*_ADDED[::-1], 150)
    return _encoded(sheet, ".png")


def write_pair_sheet(found: Difference, sides: Sides, path: Path) -> Path:
    """Write one PNG: query and ref with what was added in red, then one laid over the other.

    Args:
        found: how they differ.
        sides: query and ref.
        path: the PNG; its folder is created when missing.
    """
    query, ref = (_picture(image) for image in sides)
    cells = [
        _marked(query, found.query_mask, found.query_box, sides[0]),
        _marked(ref, found.ref_mask, found.ref_box, sides[1]),
        _laid_over(query, ref, found, sides),
    ]
    height = max(cell.shape[0] for cell in cells)
    width = sum(cell.shape[1] + _GAP for cell in cells) + _GAP
    sheet = np.full((height + 2 * _GAP, width, 3), _BACKGROUND, np.uint8)
    left = _GAP
    for cell in cells:
        sheet[_GAP : _GAP + cell.shape[0], left : left + cell.shape[1]] = cell
        left += cell.shape[1] + _GAP
    with writing(path) as place:
        place.write_bytes(_encoded(cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), ".png"))
    return path


def write_pair_page(match: Match, found: Difference, sides: Sides, path: Path) -> Path:
    """Write one HTML page: both pictures with what was added, laid over each other, in words."""
    query, ref = (_picture(image) for image in sides)
    cells = (
        ("query", _marked(query, found.query_mask, found.query_box, sides[0])),
        ("ref", _marked(ref, found.ref_mask, found.ref_box, sides[1])),
        ("laid", _laid_over(query, ref, found, sides)),
    )
    names = {"query": sides[0].path, "ref": sides[1].path}
    return write_page(
        path,
        "pair.html.j2",
        headline=f"{match.tier}: {match.edit}",
        lines=difference_in_words(match, found, sides),
        cells=[
            {
                "name": names.get(name, "the first laid over the second"),
                "is_parent": name == found.parent,
                "picture": "data:image/jpeg;base64," + base64.b64encode(_jpeg(cell)).decode(),
            }
            for name, cell in cells
        ],
    )


def _made(match: Match, found: Difference, sides: Sides) -> str:
    """Say the edit from the parent to the other."""
    seen, edit = match.verification, match.edit
    child, side = (sides[1], "ref") if found.parent == "query" else (sides[0], "query")
    if seen is not None and side == "query":
        sizes = tuple((image.width, image.height) for image in sides)
        edit = reverse(seen, sizes[0], sizes[1]).edit
    kinds = [region.kind for region in found.regions if region.side == side]
    # the planes of a match are too small to tell a caption or a page from a plain border
    if kinds:
        edit = edit.replace("border added", f"{kinds[0]} added")
    return f"{child.path}: {edit}"


def _box(box: Box) -> str:
    left, top, right, bottom = box
    return f"{right - left}×{bottom - top} at {left},{top}"


def _picture(image: ImageRef) -> UInt8Array:
    """Read a picture at a long side of at most 640 px; grey where it can no longer be read."""
    try:
        seen = decode(image.path, read_again(image.path), DecodeConfig(min_side=_SIDE // 2))
    except OSError as error:
        seen = Failure(image.path, "read", str(error))
    if isinstance(seen, Failure):
        return np.full((_SIDE // 2, _SIDE // 2, 3), 128, np.uint8)
    factor = min(1.0, _SIDE / max(seen.rgb.shape[:2]))
    size = [max(1, round(side * factor)) for side in seen.rgb.shape[1::-1]]
    return np.asarray(cv2.resize(seen.rgb, size, interpolation=cv2.INTER_AREA))


def _marked(rgb: UInt8Array, mask: UInt8Array, box: Box, image: ImageRef) -> UInt8Array:
    """Mark what was added in red and what both show by a yellow frame."""
    size = (rgb.shape[1], rgb.shape[0])
    shown = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0
    drawn = rgb.copy()
    drawn[shown] = (0.55 * drawn[shown] + 0.45 * np.array(_ADDED)).astype(np.uint8)
    x, y = size[0] / image.width, size[1] / image.height
    corners = (round(box[0] * x), round(box[1] * y)), (round(box[2] * x) - 1, round(box[3] * y) - 1)
    cv2.rectangle(drawn, *corners, _FRAME, 2)
    return drawn


def _laid_over(query: UInt8Array, ref: UInt8Array, found: Difference, sides: Sides) -> UInt8Array:
    """Blend both in the ref's frame; grey where the query shows nothing."""

    def grow(rgb: UInt8Array, image: ImageRef) -> np.ndarray[Any, Any]:
        return np.diag([image.width / rgb.shape[1], image.height / rgb.shape[0], 1.0])

    onto = np.array(found.transform).reshape(3, 3) @ grow(query, sides[0])
    onto = np.linalg.inv(grow(ref, sides[1])) @ onto
    size = (ref.shape[1], ref.shape[0])
    laid = cv2.warpPerspective(query, onto, size, borderValue=(128, 128, 128))
    return np.asarray(cv2.addWeighted(ref, 0.5, laid, 0.5, 0))


def _jpeg(rgb: UInt8Array) -> bytes:
    return _encoded(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), ".jpg")


def _encoded(bgr: UInt8Array, suffix: str) -> bytes:
    done, data = cv2.imencode(suffix, bgr)
    assert done
    return data.tobytes()
