"""Pictures with little in them: colours, gradients, text, textures that repeat."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.evaluation.edits import encode_jpeg
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.ingredients import Ingredients, SetFolder
from lookalike_bench.hard.page import Area, Page, sentence

__all__ = ["PLAIN", "fill_plain"]

_EACH = 40
_COPIED = 3
_TONES = ("colour", "gradient")
Maker = Callable[[int, Generator], UInt8Array]


def fill_plain(given: Ingredients, out: SetFolder) -> None:
    """40 pictures of each of eight kinds, all different, and a few copies of them.

    Truth: a picture is only the same as its planted copies: of the first three of every kind the
    same bytes (``same_bytes``), the same pixels as PNG (``lossless``), and, where the kind is not
    colours or gradients alone, a JPEG of less quality (``jpeg_50``). Photos are not used.
    """
    for kind, make in PLAIN.items():
        for number in range(_EACH):
            name = f"{kind}_{number:02d}"
            data = encode_jpeg(make(number, given.random("plain", name)), 92)
            out.add_bytes(f"{name}.jpg", data, group=name, edit="source")
            if number < _COPIED:
                out.add_bytes(f"{name}__same_bytes.jpg", data, group=name, edit="same_bytes")
                rgb = read_photo(out.out / f"{name}.jpg")
                out.add_png(f"{name}__lossless", rgb, group=name, edit="lossless")
                if kind not in _TONES:
                    out.add(f"{name}__jpeg_50", rgb, group=name, edit="jpeg_50", quality=50)


def _ink(number: int, value: float = 0.8, strength: float = 0.7) -> FloatArray:
    """Colours far from each other: hues by the golden ratio."""
    hue = number * 0.618034 % 1.0
    return np.array(colorsys.hsv_to_rgb(hue, strength, value), np.float32) * 255


def _shape(number: int) -> tuple[int, int]:
    return ((480, 640), (640, 480), (512, 512), (360, 640))[number % 4]


def _bytes(values: FloatArray) -> UInt8Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _colour(number: int, random: Generator) -> UInt8Array:
    """One colour: white, black, greys, then eighteen hues, bright and dark."""
    if number < 4:
        ink = np.full(3, (255, 0, 96, 176)[number], np.float32)
    else:
        hue, dark = divmod(number - 4, 2)
        rgb = colorsys.hsv_to_rgb(hue / 18, 0.85, 0.45 if dark else 0.95)
        ink = np.array(rgb, np.float32) * 255
    return _bytes(np.tile(ink, (*_shape(number), 1)))


def _gradient(number: int, random: Generator) -> UInt8Array:
    """From one colour to another, straight or round."""
    height, width = _shape(number)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if number % 3:
        angle = random.uniform(0, 2 * np.pi)
        along = np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5) + 0.5
    else:
        at = random.uniform(0.2, 0.8, 2)
        along = np.hypot(x / width - at[0], y / height - at[1])
    ends = random.uniform(0, 255, (2, 3))
    share = np.clip(along, 0, 1)[..., None]
    return _bytes(ends[0] * (1 - share) + ends[1] * share)


def _text(number: int, random: Generator) -> UInt8Array:
    """A page of text: the same font and layout, other words."""
    page = Page(560, 760, (255, 255, 255))
    page.words(40, 36, sentence(random, 4), size=30)
    for paragraph in range(5):
        area = Area(40, 92 + 130 * paragraph, 480, 118 if paragraph < 4 else 90)
        page.text(area, random, size=15)
    page.words(270, 730, str(random.integers(1, 400)), size=14)
    return page.rgb


def _brick(number: int, random: Generator) -> UInt8Array:
    """Running bond: bricks of slightly different red, grey mortar."""
    height, width = _shape(number)
    tall, wide = ((24, 64), (30, 80), (36, 90))[number % 3]
    y, x = np.mgrid[0:height, 0:width] + random.integers(0, 90, 2)[:, None, None]
    row = y // tall
    column = (x + row % 2 * (wide // 2)) // wide
    base = _ink(0, 0.62, 0.55) * random.uniform(0.7, 1.2)
    tint = random.normal(1, 0.12, (row.max() + 1, column.max() + 1))[row, column]
    wall = base * tint[..., None] + random.normal(0, 7, (height, width, 1))
    joint = (y % tall < 4) | ((x + row % 2 * (wide // 2)) % wide < 4)
    wall[joint] = 176 + random.normal(0, 6, (int(joint.sum()), 1))
    return _bytes(wall)


def _weave(number: int, random: Generator) -> UInt8Array:
    """Threads over and under each other."""
    height, width = _shape(number)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = (14, 18, 24)[number % 3]
    over = (x // pitch + y // pitch) % 2 == 0
    across = np.abs(np.sin(np.pi * y / pitch))
    down = np.abs(np.sin(np.pi * x / pitch))
    light = np.where(over, 0.45 + 0.55 * across, 0.35 + 0.5 * down)
    thread = random.normal(1, 0.06, (int(height // pitch) + 1,))[(y // pitch).astype(int)]
    fibre = cv2.blur(random.normal(0, 16, (height, width)).astype(np.float32), (7, 1))
    return _bytes(_ink(number, 0.85, 0.3) * (light * thread)[..., None] + fibre[..., None])


def _grass(number: int, random: Generator) -> UInt8Array:
    """Blades in all directions, thousands of them."""
    height, width = _shape(number)
    field = np.full((height, width, 3), (34, 62, 22), np.uint8)
    for _ in range(2600):
        start = random.uniform(0, (width, height))
        angle = random.normal(-np.pi / 2, 0.6)
        end = start + random.uniform(14, 46) * np.array([np.cos(angle), np.sin(angle)])
        ink = np.array([80, 130, 44]) * random.uniform(0.5, 1.5)
        ends = [[int(value) for value in point] for point in (start, end)]
        inks = [int(value) for value in np.clip(ink, 0, 255)]
        cv2.line(field, ends[0], ends[1], inks, int(random.integers(1, 3)), cv2.LINE_AA)
    return field


def _checkerboard(number: int, random: Generator) -> UInt8Array:
    """Squares of two colours; every board has other colours and another size."""
    height, width = _shape(number)
    side = 12 + number
    y, x = np.mgrid[0:height, 0:width]
    light = ((x // side + y // side) % 2)[..., None]
    return _bytes(_ink(number, 0.35) * (1 - light) + _ink(number + 7, 0.95, 0.35) * light)


def _stripes(number: int, random: Generator) -> UInt8Array:
    """Stripes of two colours; every picture has other colours, width and direction."""
    height, width = _shape(number)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = np.pi * number / _EACH
    pitch = random.uniform(14, 50)
    wave = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / pitch)
    light = np.clip(wave * pitch / 4 + 0.5, 0, 1)[..., None]
    return _bytes(_ink(number, 0.4) * (1 - light) + _ink(number + 5, 0.95, 0.4) * light)


PLAIN: Mapping[str, Maker] = {
    "colour": _colour,
    "gradient": _gradient,
    "text": _text,
    "brick": _brick,
    "weave": _weave,
    "grass": _grass,
    "checkerboard": _checkerboard,
    "stripes": _stripes,
}
