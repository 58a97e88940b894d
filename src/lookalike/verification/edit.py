"""From a transform and the aligned pixels to the edit, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.model.match import Frame, Verification
from lookalike.verification.limits import FRAMES, WORDS
from lookalike.verification.matrices import growth_of, stretches

__all__ = ["Alignment", "Seen", "Tone", "explain", "reverse", "tone_words", "whole_frame"]

Size = tuple[int, int]
_EVERYWHERE = "f" * 16
_TURNS = {
    (False, False, False): (False, 0.0),
    (False, False, True): (True, 0.0),
    (False, True, False): (True, 180.0),
    (False, True, True): (False, 180.0),
    (True, False, False): (True, 90.0),
    (True, False, True): (False, -90.0),
    (True, True, False): (False, 90.0),
    (True, True, True): (True, -90.0),
}


@dataclass(frozen=True, slots=True)
class Tone:
    """How the ref's light and colour differ from the query's.

    Attributes:
        gain: luma contrast of the ref relative to the query.
        offset: luma added in the ref, grey levels.
        grey: +1 where only the ref is colourless, −1 where only the query is.
        tint: mean chroma difference, grey levels.
    """

    gain: float = 1.0
    offset: float = 0.0
    grey: int = 0
    tint: float = 0.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two images laid over each other.

    Attributes:
        transform: ``(3, 3)`` query pixels → ref pixels, full size.
        query_size: width and height in pixels.
        ref_size: width and height in pixels.
        tone: light and colour.
        flat_query: tells whether what only the query shows is plain, as a border is.
        flat_ref: tells whether what only the ref shows is plain.
    """

    transform: NDArray[np.floating]
    query_size: Size
    ref_size: Size
    tone: Tone
    flat_query: Callable[[], bool]
    flat_ref: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Seen:
    """What both images were found to have in common.

    Attributes:
        inliers: correspondences that the transform explains.
        support: inliers per keypoint in the overlap, 0..1.
        agreement: share of textured blocks that correlate, 0..1.
        likeness: mean correlation of the blocks that agree.
        covered: share of one picture's texture that the other shows, 0..1.
        query_cells: ``(8, 8)`` bool, parts of the query that the ref shows too.
        ref_cells: ``(8, 8)`` bool, parts of the ref that the query shows too.
        moved: places of a part that moved by itself.
    """

    inliers: int
    support: float
    agreement: float
    likeness: float
    covered: float
    query_cells: NDArray[np.bool_]
    ref_cells: NDArray[np.bool_]
    moved: int = 0


def explain(alignment: Alignment, seen: Seen) -> Verification:
    """Name the edit that evidence shows, from query to ref."""
    linear = _linear_at_centre(alignment)
    determinant = growth_of(linear)
    mirrored = determinant < 0
    growth = math.sqrt(abs(determinant)) or 1e-9
    angle = _angle(linear, mirrored=mirrored)
    overlap_query, overlap_ref = _overlaps(alignment)
    stretch = stretches(*linear.reshape(-1).tolist())
    bend = np.abs(alignment.transform[2, :2]) @ np.array(alignment.query_size, np.float64)
    frame = _frame_relation(alignment, overlap_query, overlap_ref, growth)
    words = [
        *_turn_words(angle, mirrored=mirrored),
        *_frame_words(frame, overlap_query, overlap_ref),
        *_shape_words(stretch[0] / max(stretch[1], 1e-9), growth),
        *(["perspective"] if bend > WORDS.bent else []),
        *tone_words(alignment.tone, seen.agreement),
    ]
    return Verification(
        inliers=seen.inliers,
        support=round(seen.support, 4),
        transform=tuple(float(f"{value:.7g}") for value in alignment.transform.reshape(-1)),
        mirrored=mirrored,
        overlap_query=round(overlap_query, 4),
        overlap_ref=round(overlap_ref, 4),
        agreement=round(seen.agreement, 4),
        likeness=round(seen.likeness, 4),
        covered=round(seen.covered, 4),
        shared_query=_as_hex(seen.query_cells),
        shared_ref=_as_hex(seen.ref_cells),
        scale=float(f"{1.0 / growth:.5g}"),
        angle=round(angle, 2),
        gain=round(alignment.tone.gain, 4),
        offset=round(alignment.tone.offset, 2),
        frame=frame,
        edit=", ".join(words) or "re-encoded",
        moved=seen.moved,
    )


def whole_frame(
    query_size: Size,
    ref_size: Size,
    orientation: tuple[bool, bool, bool],
    agreement: tuple[float, float],
    tone: Tone,
) -> Verification:
    """Make the evidence for two whole frames in a known orientation; no geometry is fitted.

    Args:
        query_size: width and height in pixels.
        ref_size: width and height in pixels.
        orientation: transpose, flip top-bottom, flip left-right, applied to the query in order.
        agreement: share of textured blocks that correlate and their mean correlation, 0..1.
        tone: light and colour.
    """
    transpose, vertical, horizontal = orientation
    mirrored, angle = _TURNS[orientation]
    across, down = (query_size[1], query_size[0]) if transpose else query_size
    x, y = round(ref_size[0] / across, 6), round(ref_size[1] / down, 6)
    growth = math.sqrt(x * y)
    words = [
        *_turn_words(angle, mirrored=mirrored),
        *_shape_words(max(x, y) / min(x, y), growth),
        *tone_words(tone, 1.0),
    ]
    first = (-x if horizontal else x, float(ref_size[0]) if horizontal else 0.0)
    second = (-y if vertical else y, float(ref_size[1]) if vertical else 0.0)
    rows = (
        (0.0, first[0], first[1], second[0], 0.0, second[1])
        if transpose
        else (first[0], 0.0, first[1], 0.0, second[0], second[1])
    )
    return Verification(
        inliers=0,
        support=1.0,
        transform=(*rows, 0.0, 0.0, 1.0),
        mirrored=mirrored,
        overlap_query=1.0,
        overlap_ref=1.0,
        agreement=agreement[0],
        likeness=max(0.0, agreement[1]),
        covered=agreement[0],
        shared_query=_EVERYWHERE,
        shared_ref=_EVERYWHERE,
        scale=round(1.0 / growth, 5),
        angle=angle,
        gain=tone.gain,
        offset=tone.offset,
        frame="same",
        edit=", ".join(words) or "re-encoded",
    )


def reverse(seen: Verification, query_size: Size, ref_size: Size) -> Verification:
    """Turn evidence round: from ref to query.

    Args:
        seen: evidence from query to ref.
        query_size: width and height of the query in pixels.
        ref_size: width and height of the ref in pixels.
    """
    gain = 1.0 / seen.gain if seen.gain else 1.0
    alignment = Alignment(
        transform=np.linalg.inv(np.array(seen.transform).reshape(3, 3)),
        query_size=ref_size,
        ref_size=query_size,
        tone=Tone(gain, -seen.offset * gain),
        flat_query=lambda: seen.frame == "bordered",
        flat_ref=lambda: seen.frame == "unbordered",
    )
    same = Seen(
        seen.inliers,
        seen.support,
        seen.agreement,
        seen.likeness,
        seen.covered,
        _from_hex(seen.shared_ref),
        _from_hex(seen.shared_query),
        seen.moved,
    )
    return explain(alignment, same)


def _as_hex(cells: NDArray[np.bool_]) -> str:
    return np.packbits(cells).tobytes().hex()


def _from_hex(cells: str) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(cells), np.uint8)).reshape(8, 8) > 0


def _linear_at_centre(alignment: Alignment) -> NDArray[np.float64]:
    """Differentiate the transform at the query's centre, ``(2, 2)``."""
    transform = alignment.transform
    x, y = alignment.query_size[0] / 2, alignment.query_size[1] / 2
    u, v, w = transform @ np.array([x, y, 1.0])
    rows = [(transform[0, :2] * w - u * transform[2, :2]) / w**2]
    rows.append((transform[1, :2] * w - v * transform[2, :2]) / w**2)
    return np.array(rows)


def _angle(linear: NDArray[np.float64], *, mirrored: bool) -> float:
    """Measure the counter-clockwise turn in degrees, −180..180, after undoing a mirror."""
    (a, b), (c, d) = linear.tolist()
    if mirrored:
        a, c = -a, -c
    # of the nearest rotation, by polar decomposition
    angle = -math.degrees(math.atan2(c - b, a + d))
    return 180.0 if angle <= -179.99 else angle


def _overlaps(alignment: Alignment) -> tuple[float, float]:
    """Measure the shares of the query's and of the ref's area that both show."""
    width, height = alignment.query_size
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64)
    placed = corners @ alignment.transform.T
    frame = [(x / w, y / w) for x, y, w in placed.tolist()]
    area = _area(frame) or 1.0
    shared = frame
    for axis, limit in enumerate(alignment.ref_size):
        shared = _clipped(_clipped(shared, axis, 0.0, 1.0), axis, float(limit), -1.0)
    whole = float(alignment.ref_size[0] * alignment.ref_size[1])
    return min(1.0, _area(shared) / area), min(1.0, _area(shared) / whole)


def _clipped(
    polygon: list[tuple[float, float]], axis: int, limit: float, sign: float
) -> list[tuple[float, float]]:
    """Clip a polygon at a limit of one axis (Sutherland and Hodgman 1974).

    OpenCV's intersection of convex polygons loses area where two edges nearly coincide.
    """
    kept = []
    for before, after in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        from_, to = (before[axis] - limit) * sign, (after[axis] - limit) * sign
        if from_ >= 0:
            kept.append(before)
        if from_ * to < 0:
            share = from_ / (from_ - to)
            x, y = (a + share * (b - a) for a, b in zip(before, after, strict=True))
            kept.append((x, y))
    return kept


def _area(polygon: list[tuple[float, float]]) -> float:
    ends = polygon[1:] + polygon[:1]
    return abs(sum(a * d - b * c for (a, b), (c, d) in zip(polygon, ends, strict=True))) / 2


def _turn_words(angle: float, *, mirrored: bool) -> list[str]:
    if mirrored and abs(abs(angle) - 180) < WORDS.flipped:
        return ["flipped top to bottom"]
    words = ["mirrored"] if mirrored else []
    if abs(angle) >= WORDS.turned:
        words.append(f"rotated {round(angle) % 360}°")
    return words


def _frame_relation(
    alignment: Alignment, overlap_query: float, overlap_ref: float, growth: float
) -> Frame:
    """Name what one frame shows beyond the other: a crop, a border, or something else around it."""
    query_inside, ref_inside = overlap_query >= FRAMES.wholly, overlap_ref >= FRAMES.wholly
    if query_inside and ref_inside:
        return "same"
    if query_inside:
        if alignment.flat_ref():
            return "bordered"
        return "inset" if growth < WORDS.smaller else "extended"
    if ref_inside:
        if alignment.flat_query():
            return "unbordered"
        return "cut out" if growth > 1 / WORDS.smaller else "cropped"
    return "overlapping"


def _frame_words(frame: Frame, overlap_query: float, overlap_ref: float) -> list[str]:
    words = {
        "same": "",
        "extended": f"extended, it was a crop of {overlap_ref:.0%}",
        "bordered": f"border added, picture is {overlap_ref:.0%} of the result",
        "inset": f"placed inside, picture is {overlap_ref:.0%} of the result",
        "cropped": f"cropped to {overlap_query:.0%}",
        "unbordered": f"border removed, picture was {overlap_query:.0%}",
        "cut out": f"cut out, picture was {overlap_query:.0%}",
        "overlapping": f"cropped to {overlap_query:.0%}, which is {overlap_ref:.0%} of the result",
    }[frame]
    return [words] if words else []


def _shape_words(stretch: float, growth: float) -> list[str]:
    words = [f"stretched {stretch:.2f}:1"] if stretch > WORDS.stretched else []
    if abs(growth - 1) > WORDS.resized:
        words.append(f"resized to {growth:.0%}")
    return words


def tone_words(tone: Tone, agreement: float = 1.0) -> list[str]:
    """Name what was done to light and colour, from query to ref."""
    words = ["partly covered"] if agreement < WORDS.covered else []
    if tone.grey:
        words.append("made grey" if tone.grey > 0 else "colour where the query is grey")
    elif tone.tint > WORDS.tinted:
        words.append("recoloured")
    middle = tone.gain * 128 + tone.offset - 128
    if abs(middle) > WORDS.lighter:
        words.append("brighter" if middle > 0 else "darker")
    if not WORDS.least_contrast < tone.gain < WORDS.most_contrast:
        words.append("more contrast" if tone.gain > 1 else "less contrast")
    return words
