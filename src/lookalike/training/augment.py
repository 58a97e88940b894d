"""Edit pictures at random for training, as people and platforms do.

These edits are independent of those by which descriptors are judged (``evaluation.edits``): they
share no code or settings, and some of those (perspective, noise, pixelation, posterisation,
vignette) are left out here, so that the gain on edits that were never trained for can be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array

__all__ = ["View", "light_view", "squared", "strong_view"]

_Change = Callable[[UInt8Array, Generator], UInt8Array]
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz   ABCDEFGHIJKLMNOPRSTUVW0123456789.!?"))


@dataclass(frozen=True, slots=True)
class View:
    """An edited picture.

    Attributes:
        rgb: ``(h, w, 3)`` uint8.
        other_share: part of the area that shows the other picture, 0..1.
    """

    rgb: UInt8Array
    other_share: float


def light_view(rgb: UInt8Array, random: Generator) -> View:
    """Edit a picture barely visibly; half the time not at all."""
    if random.random() < 0.5:
        rgb = _crop(rgb, random, random.uniform(0.75, 1.0))
        rgb = _maybe(0.3, _tone, rgb, random)
        rgb = _maybe(0.5, _jpeg, rgb, random)
    return View(rgb, 0.0)


def strong_view(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Edit a picture so that it is hard to recognise: always one edit, often several.

    Args:
        rgb: ``(h, w, 3)`` uint8.
        other: another picture, to paste on and to cover with.
        random: the generator of all choices.
    """
    if random.random() < 0.55:
        rgb = _chosen(_GEOMETRY, rgb, random)
    rgb = _maybe(0.25, _mirror, rgb, random)
    rgb = _maybe(0.12, _flip, rgb, random)
    if random.random() < 0.4:
        rgb = _chosen(_TONES, rgb, random)
    rgb = _maybe(0.1, _grey, rgb, random)
    view = View(rgb, 0.0)
    draw = random.random()
    if draw < 0.3:
        view = _scene(rgb, other, random)
    elif draw < 0.6:
        view = _covered(rgb, other, random)
    rgb = view.rgb
    if random.random() < 0.45:
        rgb = _chosen(_QUALITY, rgb, random)
    rgb = _maybe(0.08, _quarter_turn, rgb, random)
    return View(rgb, view.other_share)


def squared(rgb: UInt8Array, side: int) -> UInt8Array:
    """Squash to a square by area, as descriptors see pictures."""
    return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA))


def _maybe(chance: float, change: _Change, rgb: UInt8Array, random: Generator) -> UInt8Array:
    return change(rgb, random) if random.random() < chance else rgb


def _chosen(
    changes: tuple[tuple[float, _Change], ...], rgb: UInt8Array, random: Generator
) -> UInt8Array:
    weights = np.array([weight for weight, _ in changes])
    number = int(random.choice(len(changes), p=weights / weights.sum()))
    return changes[number][1](rgb, random)


def _bytes(values: np.ndarray) -> UInt8Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _sized(rgb: UInt8Array, width: float, height: float) -> UInt8Array:
    size = max(8, round(width)), max(8, round(height))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def _ink(random: Generator) -> tuple[int, int, int]:
    if random.random() < 0.5:
        grey = int(random.choice(np.array([0, 0, 255, 255, random.integers(256)])))
        return grey, grey, grey
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


# --- geometry


def _crop(rgb: UInt8Array, random: Generator, share: float) -> UInt8Array:
    """Keep ``share`` of the area at a random place, in a slightly different aspect."""
    height, width = rgb.shape[:2]
    stretch = np.exp(random.uniform(-0.25, 0.25))
    tall = min(height, max(8, round(height * np.sqrt(share) * stretch)))
    wide = min(width, max(8, round(width * np.sqrt(share) / stretch)))
    top = int(random.integers(0, height - tall + 1))
    left = int(random.integers(0, width - wide + 1))
    return rgb[top : top + tall, left : left + wide]


def _any_crop(rgb: UInt8Array, random: Generator) -> UInt8Array:
    return _crop(rgb, random, random.uniform(0.2, 0.9))


def _mirror(rgb: UInt8Array, random: Generator) -> UInt8Array:
    return rgb[:, ::-1]


def _flip(rgb: UInt8Array, random: Generator) -> UInt8Array:
    return rgb[::-1]


def _quarter_turn(rgb: UInt8Array, random: Generator) -> UInt8Array:
    return np.rot90(rgb, int(random.integers(1, 4)))


def _any_turn(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Rotate by any angle; the canvas grows to hold everything, or stays and cuts the corners."""
    height, width = rgb.shape[:2]
    degrees = random.uniform(-180, 180) if random.random() < 0.4 else random.normal(0, 20)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    wide, tall = width, height
    if random.random() < 0.7:
        cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
        wide, tall = round(height * sin + width * cos), round(height * cos + width * sin)
        turn[:, 2] += (wide - width) / 2, (tall - height) / 2
    ink = _ink(random)
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(rgb), turn, (wide, tall), borderValue=ink)
    )


_GEOMETRY: tuple[tuple[float, _Change], ...] = (
    (0.4, _any_crop),
    (0.35, _any_turn),
    (0.25, _quarter_turn),
)


# --- tone


def _tone(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Change gain and offset, the same for all channels or slightly different."""
    gain = random.uniform(0.6, 1.6)
    tint = random.uniform(-12, 12, 3) if random.random() < 0.4 else np.zeros(3)
    return _bytes((rgb.astype(np.float32) - 128) * gain + 128 + random.uniform(-45, 45) + tint)


def _hue(rgb: UInt8Array, random: Generator) -> UInt8Array:
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + random.uniform(-35, 35)) % 180
    hsv[..., 1] *= random.uniform(0.4, 1.9)
    hsv[..., 2] *= random.uniform(0.7, 1.3)
    return np.asarray(cv2.cvtColor(_bytes(hsv), cv2.COLOR_HSV2RGB))


def _gamma(rgb: UInt8Array, random: Generator) -> UInt8Array:
    table = _bytes(255 * (np.arange(256) / 255) ** np.exp(random.uniform(-0.7, 0.7)))
    return table[rgb]


def _grey(rgb: UInt8Array, random: Generator) -> UInt8Array:
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    if random.random() < 0.3:  # sepia and the like
        return _bytes(grey[..., None] * random.uniform(0.7, 1.1, 3))
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


_TONES: tuple[tuple[float, _Change], ...] = ((0.4, _tone), (0.4, _hue), (0.2, _gamma))


# --- quality


def _blur(rgb: UInt8Array, random: Generator) -> UInt8Array:
    sigma = random.uniform(0.002, 0.009) * max(rgb.shape)
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma))


def _jpeg(rgb: UInt8Array, random: Generator) -> UInt8Array:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(10, 70))]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), quality)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _shrunk(rgb: UInt8Array, random: Generator) -> UInt8Array:
    factor = random.uniform(0.25, 0.7)
    small = _sized(rgb, rgb.shape[1] * factor, rgb.shape[0] * factor)
    small = _maybe(0.5, _jpeg, small, random)
    return np.asarray(cv2.resize(small, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR))


def _sharpened(rgb: UInt8Array, random: Generator) -> UInt8Array:
    soft = cv2.GaussianBlur(rgb, (0, 0), 1.5).astype(np.float32)
    return _bytes(rgb + random.uniform(0.5, 2.0) * (rgb - soft))


_QUALITY: tuple[tuple[float, _Change], ...] = (
    (0.3, _blur),
    (0.35, _jpeg),
    (0.25, _shrunk),
    (0.1, _sharpened),
)


# --- covering


def _covered(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Draw or stick something over the picture, or a frame around it."""
    if random.random() < 0.3:
        return _stickered(rgb, other, random)
    covers = ((0.3, _lettered), (0.25, _scribbled), (0.15, _blobs), (0.3, _bars))
    return View(_chosen(covers, np.array(rgb, order="C"), random), 0.0)


def _stickered(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Put another picture over 5–50 % of the area."""
    share = random.uniform(0.05, 0.5)
    rgb = np.array(rgb, order="C")
    height, width = rgb.shape[:2]
    stretch = np.exp(random.uniform(-0.3, 0.3))
    tall = min(height, round(height * np.sqrt(share) * stretch))
    wide = min(width, round(width * np.sqrt(share) / stretch))
    patch = _sized(other, wide, tall)
    tall, wide = min(height, patch.shape[0]), min(width, patch.shape[1])
    top = int(random.integers(0, height - tall + 1))
    left = int(random.integers(0, width - wide + 1))
    rgb[top : top + tall, left : left + wide] = patch[:tall, :wide]
    return View(rgb, share)


def _words(random: Generator, most: int = 24) -> str:
    return "".join(random.choice(_LETTERS, int(random.integers(3, most))))


def _lettered(rgb: UInt8Array, random: Generator) -> UInt8Array:
    height, width = rgb.shape[:2]
    for _ in range(int(random.integers(1, 5))):
        scale = random.uniform(0.3, 1.4) * height / 200
        place = int(random.integers(-width // 6, width // 2)), int(random.integers(8, height))
        font, thick = int(random.choice(_FONTS)), max(1, round(scale * random.uniform(1, 3)))
        if random.random() < 0.4:
            cv2.putText(rgb, _words(random), place, font, scale, (0, 0, 0), thick + 2, cv2.LINE_AA)
        cv2.putText(rgb, _words(random), place, font, scale, _ink(random), thick, cv2.LINE_AA)
    return rgb


def _scribbled(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Draw strokes across the picture: straight, or through several points."""
    size = np.array(rgb.shape[1::-1])
    for _ in range(int(random.integers(1, 10))):
        points = (random.random((int(random.integers(2, 6)), 2)) * size).astype(np.int32)
        thick = max(1, round(random.uniform(0.003, 0.03) * max(size)))
        cv2.polylines(rgb, [points], False, _ink(random), thick, cv2.LINE_AA)
    return rgb


def _blobs(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Draw opaque discs and boxes, like emoji and censoring."""
    height, width = rgb.shape[:2]
    for _ in range(int(random.integers(1, 5))):
        x, y = int(random.integers(width)), int(random.integers(height))
        size = max(3, round(random.uniform(0.05, 0.25) * min(height, width)))
        if random.random() < 0.5:
            cv2.circle(rgb, (x, y), size, _ink(random), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(rgb, (x - size, y - size // 2), (x + size, y + size), _ink(random), -1)
    return rgb


def _bars(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Add bars on some sides, plain or with a line of text."""
    height, width = rgb.shape[:2]
    wanted = random.random(4) < random.choice([0.3, 0.6, 1.0])
    if not wanted.any():
        wanted[int(random.integers(4))] = True
    thick = random.uniform(0.02, 0.3, 2).repeat(2) * (height, height, width, width)
    top, bottom, left, right = (thick * wanted).round().astype(int).tolist()
    ink = _ink(random)
    framed = np.asarray(
        cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_CONSTANT, value=ink)
    )
    for bar, base in ((top, top), (bottom, height + top + bottom)):
        if bar > 10 and random.random() < 0.5:
            pen = tuple(255 - value for value in ink)
            place = int(random.integers(2, max(3, width // 3))), base - bar // 3
            cv2.putText(framed, _words(random), place, _FONTS[0], bar / 50, pen, 1, cv2.LINE_AA)
    return framed


# --- scenes


def _scene(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Make the picture a part of something larger."""
    draw = random.random()
    if draw < 0.5:
        return _pasted(rgb, other, random)
    if draw < 0.65:
        return _beside(rgb, other, random)
    return View(_screen(rgb, random), 0.0)


def _pasted(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Paste on another picture, at 35–80 % of the largest size that fits."""
    canvas = np.array(other, order="C")
    height, width = canvas.shape[:2]
    factor = random.uniform(0.35, 0.8) * min(height / rgb.shape[0], width / rgb.shape[1])
    small = _sized(rgb, rgb.shape[1] * factor, rgb.shape[0] * factor)[:height, :width]
    top = int(random.integers(0, height - small.shape[0] + 1))
    left = int(random.integers(0, width - small.shape[1] + 1))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return View(canvas, 1 - small.shape[0] * small.shape[1] / (height * width))


def _beside(rgb: UInt8Array, other: UInt8Array, random: Generator) -> View:
    """Put beside or above another picture, in any order and proportion."""
    height, width = rgb.shape[:2]
    share = random.uniform(0.3, 0.6)
    if random.random() < 0.5:
        pair = [rgb, _sized(other, width * share / (1 - share), height)]
        return View(np.concatenate(pair[:: int(random.choice([1, -1]))], axis=1), share)
    pair = [rgb, _sized(other, width, height * share / (1 - share))]
    return View(np.concatenate(pair[:: int(random.choice([1, -1]))], axis=0), share)


def _screen(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Show the picture in a window or on a phone, among bars, rows of text and discs."""
    height, width = rgb.shape[:2]
    light = random.random() < 0.6
    paper = int(random.integers(225, 256) if light else random.integers(0, 45))
    pen = (255 - paper,) * 3
    aspect = random.uniform(1.3, 2.3) if random.random() < 0.7 else random.uniform(0.5, 0.8)
    wide = round(width * random.uniform(1.0, 1.35))
    tall = max(round(wide * aspect), height + 8)
    screen = np.full((tall, wide, 3), paper, np.uint8)
    for _ in range(int(random.integers(4, 14))):
        x, y = int(random.integers(wide)), int(random.integers(tall))
        size = random.uniform(0.02, 0.05) * tall
        draw = random.random()
        if draw < 0.55:
            cv2.putText(screen, _words(random, 30), (x // 3, y), _FONTS[0], size / 25, pen, 1, 16)
        elif draw < 0.8:
            cv2.circle(screen, (x, y), round(size), _ink(random), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(screen, (0, y), (wide, y + round(size)), _ink(random), -1)
    top = int(random.integers(0, tall - height + 1))
    left = int(random.integers(0, wide - width + 1))
    screen[top : top + height, left : left + width] = rgb
    return screen
