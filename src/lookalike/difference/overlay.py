"""Two pictures laid over each other: tone and sharpness fitted, then where they still differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.difference.limits import OVERLAYS
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.verification.edit import Tone
from lookalike.verification.limits import BLOCKS

__all__ = ["Detail", "Laid", "lay_over", "outside_of"]


@dataclass(frozen=True, slots=True)
class Detail:
    """How strongly the fine texture of the other picture stands out in this one.

    1 for equals; above 1 this one is sharper, below 1 it is softer, or the other is noisy.

    Attributes:
        fine: slope of this one's texture of 3 to 8 px on the other's.
        finest: likewise from pixel to pixel.
    """

    fine: float
    finest: float


@dataclass(frozen=True, slots=True)
class Laid:
    """One picture in the frame of another.

    Attributes:
        is_swapped: whether the query is the fixed one; else the ref is.
        fixed: ``(h, w)`` float32 luma of the picture that stays.
        moved: ``(h, w)`` float32 luma of the other in its frame, tone and sharpness fitted.
        onto: ``(3, 3)`` pixels of the moved one → the fixed one.
        inside: ``(h, w)`` bool, where both show something.
        different: ``(h, w)`` bool, where they do not show the same.
        tone: of the ref relative to the query, where they show the same.
        detail: of the fixed one and of the moved one.
    """

    is_swapped: bool
    fixed: FloatArray
    moved: FloatArray
    onto: NDArray[np.floating]
    inside: NDArray[np.bool_]
    different: NDArray[np.bool_]
    tone: Tone
    detail: tuple[Detail, Detail]


def lay_over(query: UInt8Array, ref: UInt8Array, onto: NDArray[np.floating]) -> Laid:
    """Compare in the frame in which what both show is larger.

    Args:
        query: ``(h, w, 3)`` uint8.
        ref: ``(h', w', 3)`` uint8.
        onto: ``(3, 3)`` query pixels → ref pixels.
    """
    is_swapped = abs(float(np.linalg.det(onto[:2, :2]))) < 1.0
    fixed, moving = (query, ref) if is_swapped else (ref, query)
    move = np.linalg.inv(onto) if is_swapped else onto
    size = (fixed.shape[1], fixed.shape[0])
    moved = cv2.warpPerspective(moving, move, size, borderMode=cv2.BORDER_REPLICATE)
    inside = _well_inside(~outside_of(moving.shape, move, fixed.shape), move)
    a, b = fixed.astype(np.float32), moved.astype(np.float32)
    alike = _correlation(_luma(a), _luma(b))
    same = inside & (alike[0] > BLOCKS.agreeing) & alike[1]
    if same.sum() < OVERLAYS.least_same * max(1, inside.sum()):
        same = inside
    grey = (_is_grey(a, same), _is_grey(b, same))
    if grey[0] != grey[1]:
        a, b = (np.repeat(_luma(plane)[..., None], 3, axis=2) for plane in (a, b))
    fitted = _toned(a, b, same)
    different = _different(*_equally_sharp(a, fitted, same), inside)
    widened = cv2.dilate(different.astype(np.uint8), np.ones((OVERLAYS.spread, OVERLAYS.spread)))
    kept = inside & ~widened.astype(bool)
    kept = kept if kept.sum() > OVERLAYS.least_kept else inside
    first, second = (fixed, moved) if is_swapped else (moved, fixed)
    return Laid(
        is_swapped=is_swapped,
        fixed=_luma(a),
        moved=_luma(fitted),
        onto=move,
        inside=inside,
        different=different,
        tone=_tone(first, second, kept, grey, is_swapped),
        detail=_detail(_luma(a), _luma(fitted), kept, move),
    )


def outside_of(
    shape: tuple[int, ...], onto: NDArray[np.floating], into: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Mark pixels of a picture of shape ``into`` outside another's placed frame."""
    held = np.full(shape[:2], 255, np.uint8)
    return np.asarray(cv2.warpPerspective(held, onto, (into[1], into[0])) < 128)


def _well_inside(shown: NDArray[np.bool_], move: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Take what both show without its rim, or with it where nothing else is left.

    A pixel of the smaller picture is several here, and its outermost are mixed with what lies
    around it.
    """
    growth = np.sqrt(abs(float(np.linalg.det(move[:2, :2]))))
    rim = 2 * round(OVERLAYS.rim + OVERLAYS.rim * growth) + 1
    eroded = cv2.erode(
        shown.astype(np.uint8),
        np.ones((rim, rim), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    if eroded.any():
        return np.asarray(eroded > 0)
    return shown if shown.any() else np.ones(shown.shape, bool)


def _largest(rgb: FloatArray) -> FloatArray:
    """Largest of the three channels; NumPy's own is ten times slower along so short an axis."""
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def _luma(rgb: FloatArray) -> FloatArray:
    return np.asarray(cv2.cvtColor(np.clip(rgb, 0, 255), cv2.COLOR_RGB2GRAY))


def _is_grey(rgb: FloatArray, same: NDArray[np.bool_]) -> bool:
    pixels = _sample(rgb, same)
    return bool((_largest(pixels) + _largest(-pixels)).mean() < OVERLAYS.grey_levels)


def _sample(rgb: NDArray[Any], of: NDArray[np.bool_]) -> NDArray[Any]:
    """Sample pixels ``(n, 3)`` evenly, some thousands at most."""
    spots = np.flatnonzero(of)
    return rgb.reshape(-1, 3)[spots[:: max(1, len(spots) // OVERLAYS.fit_pixels)]]


def _correlation(a: FloatArray, b: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Correlate two planes locally, and mark where either has texture."""

    def mean(plane: FloatArray) -> FloatArray:
        return np.asarray(cv2.boxFilter(plane, cv2.CV_32F, (OVERLAYS.window, OVERLAYS.window)))

    a, b = (cv2.GaussianBlur(plane, (0, 0), OVERLAYS.soft) for plane in (a, b))
    mean_a, mean_b = mean(a), mean(b)
    variance_a = np.maximum(mean(a * a) - mean_a**2, 0)
    variance_b = np.maximum(mean(b * b) - mean_b**2, 0)
    covariance = mean(a * b) - mean_a * mean_b
    noise = OVERLAYS.noise
    correlation = covariance / np.sqrt((variance_a + noise) * (variance_b + noise))
    textured = np.maximum(variance_a, variance_b) > OVERLAYS.textured
    return np.asarray(correlation), np.asarray(textured)


def _toned(fixed: FloatArray, moved: FloatArray, same: NDArray[np.bool_]) -> FloatArray:
    """Map the moved picture to the fixed one's colours: quadratic, least trimmed squares.

    A curve of tones, another white balance and a turn of the hues are all nearly such a map.
    """
    soft = [cv2.GaussianBlur(plane, (0, 0), OVERLAYS.fit_blur) for plane in (fixed, moved)]
    wanted, held = (_sample(plane, same) for plane in soft)
    features = _quadratic(held)
    keep = np.ones(len(held), bool)
    solved = _identity(features.shape[1])
    for _ in range(OVERLAYS.fit_rounds):
        ridge = OVERLAYS.fit_ridge * keep.sum() * np.eye(features.shape[1])
        part = features[keep].astype(np.float64)
        start = _identity(features.shape[1])
        solved = start + np.linalg.solve(
            part.T @ part + ridge, part.T @ (wanted[keep] / 255.0 - part @ start)
        )
        error = _largest(np.abs(features @ solved - wanted / 255.0))
        keep = error <= np.quantile(error, OVERLAYS.fit_kept)
    return _mapped(moved / 255.0, solved)


def _quadratic(rgb: FloatArray) -> FloatArray:
    r, g, b = (rgb / 255.0).T
    columns = (r, g, b, np.ones_like(r), r * r, g * g, b * b, r * g, r * b, g * b)
    return np.stack(columns, axis=1).astype(np.float32)


def _mapped(rgb: FloatArray, solved: NDArray[np.floating]) -> FloatArray:
    """``_quadratic(rgb) @ solved``, without a table of ten columns for every pixel."""
    turned = rgb[..., [1, 2, 0]]
    rows = solved[[7, 9, 8]].T
    whole = cv2.transform(rgb, np.ascontiguousarray(solved[:4].T))
    whole += cv2.transform(rgb * rgb, np.ascontiguousarray(solved[4:7].T))
    whole += cv2.transform(rgb * turned, np.ascontiguousarray(rows))
    return np.asarray(np.clip(whole * 255.0, 0, 255), dtype=np.float32)


def _identity(rows: int) -> NDArray[np.float64]:
    """The map that changes nothing, towards which the fit is drawn."""
    return np.eye(rows, 3)


def _equally_sharp(
    fixed: FloatArray, moved: FloatArray, same: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Blur the sharper picture until it fits the other best."""

    def apart(a: FloatArray, b: FloatArray) -> float:
        return float(np.abs(_sample(a, same) - _sample(b, same)).mean())

    best = (fixed, moved)
    least = apart(*best) * OVERLAYS.nearer
    for sigma in OVERLAYS.blurs:
        for pair in (
            (cv2.GaussianBlur(fixed, (0, 0), sigma), moved),
            (fixed, cv2.GaussianBlur(moved, (0, 0), sigma)),
        ):
            distance = apart(*pair)
            if distance < least:
                best, least = pair, distance * OVERLAYS.nearer
    settled = OVERLAYS.settled
    return cv2.GaussianBlur(best[0], (0, 0), settled), cv2.GaussianBlur(best[1], (0, 0), settled)


def _different(
    fixed: FloatArray,
    moved: FloatArray,
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Mark where one picture leaves the range of colours around its place in the other."""
    window = np.ones((OVERLAYS.shift, OVERLAYS.shift), np.uint8)
    beyond = np.zeros(fixed.shape[:2], np.float32)
    for one, other in ((fixed, moved), (moved, fixed)):
        high, low = cv2.dilate(other, window), cv2.erode(other, window)
        beyond = np.maximum(beyond, _largest(np.maximum(one - high, low - one)))
    if not inside.any():
        return np.zeros(inside.shape, bool)
    usual = float(np.median(_largest(np.abs(fixed - moved))[inside]))
    bar = OVERLAYS.noise_times * usual
    bar = float(np.clip(bar, OVERLAYS.least_levels, OVERLAYS.most_levels))
    # what blur spread around a stroke is not the stroke
    peak = cv2.dilate(beyond, np.ones((OVERLAYS.peak, OVERLAYS.peak)))
    seen = (beyond > bar) & (beyond > OVERLAYS.of_peak * peak) & inside
    seen &= ~_same_texture(fixed, moved)
    # single pixels are noise; OpenCV's own opening would move the rest by one
    square = np.ones((2, 2), np.uint8)
    kept = cv2.erode(seen.astype(np.uint8), square, anchor=(0, 0))
    return np.asarray(cv2.dilate(kept, square, anchor=(1, 1)) > 0)


def _same_texture(fixed: FloatArray, moved: FloatArray) -> NDArray[np.bool_]:
    """Mark where light and colours vary alike; a colour that the map missed is off in level."""
    same, textured = np.ones(fixed.shape[:2], bool), np.zeros(fixed.shape[:2], bool)
    for plane in range(3):
        a, b = (
            _luma(rgb) if plane == 0 else rgb[..., plane] - rgb[..., 0] for rgb in (fixed, moved)
        )
        correlation, varied = _correlation(np.ascontiguousarray(a), np.ascontiguousarray(b))
        same &= ~varied | (correlation > OVERLAYS.alike)
        textured |= varied
    return np.asarray(same & textured)


def _tone(
    query: UInt8Array,
    ref: UInt8Array,
    same: NDArray[np.bool_],
    grey: tuple[bool, bool],
    is_swapped: bool,
) -> Tone:
    """Of the ref relative to the query; ``grey`` is of (fixed, moved)."""
    a, b = (_sample(rgb, same).astype(np.float32) for rgb in (query, ref))
    if not len(a):
        return Tone()
    luma = np.array([0.299, 0.587, 0.114], np.float32)
    light = (a @ luma, b @ luma)
    spread = float(light[0].std())
    gain = float(light[1].std()) / spread if spread > BLOCKS.contrast else 1.0
    chroma = [(part - part.mean(axis=1, keepdims=True)) for part in (a, b)]
    query_grey, ref_grey = grey if is_swapped else grey[::-1]
    return Tone(
        gain=gain,
        offset=float(light[1].mean()) - gain * float(light[0].mean()),
        grey=int(ref_grey) - int(query_grey),
        tint=float(np.abs(chroma[1] - chroma[0]).mean()),
    )


def _detail(
    fixed: FloatArray, moved: FloatArray, same: NDArray[np.bool_], onto: NDArray[np.floating]
) -> tuple[Detail, Detail]:
    """Of the fixed and of the moved picture; equal where one was enlarged to compare them."""
    if abs(float(np.linalg.det(onto[:2, :2]))) > OVERLAYS.enlarged or not same.any():
        return Detail(1.0, 1.0), Detail(1.0, 1.0)
    slopes = []
    for inner, outer in (OVERLAYS.fine, OVERLAYS.finest):
        fine = [(_blurred(p, inner) - _blurred(p, outer))[same] for p in (fixed, moved)]
        both = float((fine[0] * fine[1]).mean())
        powers = [float((part * part).mean()) for part in fine]
        # a drawing's plain areas tell nothing
        is_telling = min(powers) > OVERLAYS.flat
        slopes.append([both / power for power in powers] if is_telling else [1.0, 1.0])
    (on_fixed, on_moved), (finest_on_fixed, finest_on_moved) = slopes
    return Detail(on_moved, finest_on_moved), Detail(on_fixed, finest_on_fixed)


def _blurred(plane: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma)) if sigma else plane
