"""Series made of photos: fixed cameras, pans, parallax, exposure brackets, focus stacks.

Every frame has noise of its own, and none is a copy of another.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.ingredients import cover, longest
from lookalike_bench.hard.shots import bend
from lookalike_bench.judge_sets.studio import Place

__all__ = ["bracket", "focus_stack", "pan", "parallax", "video"]


def _finished(photo: np.ndarray, strength: float, random: Generator) -> UInt8Array:
    """With a sensor's noise, more of it in the shades than its share of the light."""
    light = np.sqrt(np.clip(photo, 4, 255) / 128)
    return np.clip(photo + random.normal(0, strength, photo.shape) * light, 0, 255).astype(np.uint8)


def _base(at: Place, least: int, most: int) -> UInt8Array:
    """The layout's photo at a size, its own noise and JPEG blocks smoothed."""
    rgb = longest(at.studio.photo(at.layout), int(at.style.integers(least, most)))
    return np.asarray(cv2.bilateralFilter(rgb, 5, 14, 2))


def _thing(at: Place, side: int) -> tuple[UInt8Array, FloatArray]:
    """A round piece of another photo and its soft mask: what moves in a scene."""
    piece = cover(at.studio.background(at.style), side, side)
    mask = np.zeros((side, side), np.float32)
    axes = (round(side * at.style.uniform(0.3, 0.46)), round(side * at.style.uniform(0.3, 0.46)))
    cv2.ellipse(mask, (side // 2, side // 2), axes, 0, 0, 360, 1, -1, cv2.LINE_AA)
    return piece, cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]


def _placed(
    scene: FloatArray, thing: tuple[UInt8Array, FloatArray], x: float, y: float
) -> FloatArray:
    """A thing before a scene at a place that need not be a whole pixel."""
    height, width = scene.shape[:2]
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)
    piece = cv2.warpAffine(thing[0], move, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(thing[1], move, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    return np.asarray(scene * (1 - mask) + piece * mask, np.float32)


def video(at: Place) -> UInt8Array:
    """A camera that stands still: other noise, and a small thing farther on its way."""
    style, content = at.style, at.content
    scene = _base(at, 400, 800).astype(np.float32)
    height, width = scene.shape[:2]
    thing = _thing(at, round(max(24, width * style.uniform(0.06, 0.22))))
    start = style.uniform(0.05, 0.6, 2) * (width, height)
    step = style.uniform(-0.03, 0.05, 2) * width
    swaying = style.random() < 0.3
    if swaying:
        scene = bend(scene.astype(np.uint8), 0.0015, content, cells=9).astype(np.float32)
    x, y = start + step * at.number
    frame = _placed(scene, thing, float(x), float(y)) * content.normal(1, 0.006)
    return _finished(frame, float(style.uniform(1.2, 4.5)), content)


def pan(at: Place) -> UInt8Array:
    """A camera that turns: views that share 60–98 % of their width with the one before."""
    style, content = at.style, at.content
    base = _base(at, 1300, 1700)
    tall, wide = base.shape[:2]
    window = int(min(wide, tall * 1.3) * style.uniform(0.5, 0.62))
    height, focus = round(window * 0.72), 1.3 * window
    half = np.arctan(0.5 / 1.3)
    most = np.arctan(wide / 2 / focus) - half
    turns = np.cumsum(style.uniform(0.02, 0.4, 32) * window / focus)[at.number]
    # there and back again
    yaw = abs((turns + most) % (4 * most) - 2 * most) - most
    nod = content.normal(0, 0.008)
    view = _view((wide, tall), (window, height), focus, (float(yaw), float(nod)))
    flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(base, view, (window, height), flags=flags)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : window * 1j].astype(np.float32)
    shade = (1 - style.uniform(0.08, 0.25) * (x * x + y * y) / 2)[..., None]
    gain = content.normal(1, 0.03) * content.normal(1, 0.008, 3)
    return _finished(seen * shade * gain, float(style.uniform(1.5, 4)), content)


def _view(
    base: tuple[int, int], frame: tuple[int, int], focus: float, turn: tuple[float, float]
) -> FloatArray:
    """From a frame's pixels to those of the base, for a camera turned aside and up, radians."""

    def lens(size: tuple[int, int]) -> FloatArray:
        return np.array([[focus, 0, size[0] / 2], [0, focus, size[1] / 2], [0, 0, 1]])

    aside, _ = cv2.Rodrigues(np.array([0, turn[0], 0]))
    up, _ = cv2.Rodrigues(np.array([turn[1], 0, 0]))
    return np.asarray(lens(base) @ aside @ up @ np.linalg.inv(lens(frame)))


def parallax(at: Place) -> UInt8Array:
    """A camera that moves aside: near things move by more pixels than far ones."""
    style, content = at.style, at.content
    base = _base(at, 500, 900)
    height, width = base.shape[:2]
    way = (at.number - 3.5) * style.uniform(0.003, 0.014) * width
    rise = (at.number - 3.5) * style.uniform(-0.002, 0.002) * width
    field = style.uniform(0, 1, (4, 5)).astype(np.float32)
    near = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    near = 0.3 * near + 0.4 * np.linspace(0, 1, height, dtype=np.float32)[:, None]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    moved = cv2.remap(
        base, x - way * near, y - rise * near, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    scene = moved.astype(np.float32)
    for depth in (1.0, 1.6):
        thing = _thing(at, round(width * style.uniform(0.16, 0.3)))
        x0, y0 = style.uniform(0.15, 0.65) * width, style.uniform(0.25, 0.7) * height
        scene = _placed(scene, thing, float(x0 + way * depth), float(y0 + rise * depth))
    rim = round(0.03 * width)
    return _finished(scene[rim:-rim, rim:-rim], float(style.uniform(1, 4)), content)


def bracket(at: Place) -> UInt8Array:
    """A bracket: the same moment at -2.4 to +2.5 stops, clipped, with noise of its own."""
    style, content = at.style, at.content
    linear = (_base(at, 500, 900).astype(np.float32) / 255) ** 2.2
    stops = 0.7 * (at.number - 3.5)
    exposed = np.clip(linear * 2**stops, 0, 1.0)
    # a shorter exposure is noisier once it is brightened; a camera's curve is steep in the middle
    curve = exposed ** (1 / 2.2)
    curve = curve + style.uniform(0, 0.12) * np.sin(2 * np.pi * (curve - 0.5)) / np.pi
    hand = np.array([[1, 0, content.normal(0, 0.7)], [0, 1, content.normal(0, 0.7)]])
    size = (curve.shape[1], curve.shape[0])
    steady = style.random() < 0.5
    if not steady:
        curve = cv2.warpAffine(curve, hand, size, borderMode=cv2.BORDER_REFLECT)
    return _finished(255 * curve, float(style.uniform(1.5, 4)), content)


def focus_stack(at: Place) -> UInt8Array:
    """A focus stack: another depth sharp in every frame, and slightly other magnification."""
    style, content = at.style, at.content
    base = _base(at, 500, 900)
    height, width = base.shape[:2]
    field = style.uniform(0, 1, (3, 4)).astype(np.float32)
    depth = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    sharp = at.number / 7
    away = np.abs(np.clip(depth, 0, 1) - sharp) * style.uniform(5, 12)
    levels = (0.0, 1.0, 2.2, 4.5, 9.0)
    stack = [base if not s else cv2.GaussianBlur(base, (0, 0), s) for s in levels]
    frame = np.zeros(base.shape, np.float32)
    for number, blurred in enumerate(stack):
        before = levels[number - 1] if number else -1.0
        after = levels[number + 1] if number + 1 < len(levels) else 99.0
        rise = (away - before) / (levels[number] - before)
        fall = (after - away) / (after - levels[number])
        weight = np.clip(np.minimum(rise, fall), 0, 1)
        frame += weight[..., None] * blurred
    breathing = cv2.getRotationMatrix2D((width / 2, height / 2), 0, 1 + 0.004 * at.number)
    frame = cv2.warpAffine(frame, breathing, (width, height), borderMode=cv2.BORDER_REFLECT)
    return _finished(frame, float(style.uniform(1, 3)), content)
