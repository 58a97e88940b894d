"""A page to draw on: boxes, words, icons and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import cover

__all__ = ["ICONS", "Area", "Ink", "Page", "sentence"]

Ink = tuple[int, int, int]
_TEXT = """
the of and to in a is that for it as was with be by on not he his but at are this have from
or had an they which one you were all her she there would their we him been has when who
will no more if out so up said what its about than into them can only other time new some
could these two may first then do any like my now over such our man me even most made after
also did many off before must well back through years where much your way down should
because long each just state those people too world little good still see men between life
house market river winter council garden evening letter harbour station window minister
bread summer village morning colour music driver island museum cattle bridge doctor
"""
_WORDS = _TEXT.split()


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column behind it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.top + self.height

    def grown(self, margin: int) -> Area:
        """With a margin all around; negative margins shrink it."""
        return Area(
            self.left - margin,
            self.top - margin,
            self.width + 2 * margin,
            self.height + 2 * margin,
        )

    def meets(self, other: Area) -> bool:
        """Whether both share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class _Shape:
    """A part of an icon.

    Attributes:
        kind: ``fill``, ``disc``, ``ring``, ``frame`` or ``line``.
        points: corners, or two opposite ones, as shares of the icon's area.
    """

    kind: str
    points: tuple[tuple[float, float], ...]


def _star() -> tuple[tuple[float, float], ...]:
    turns = [number * math.pi / 5 - math.pi / 2 for number in range(10)]
    radii = [0.22 if number % 2 else 0.5 for number in range(10)]
    return tuple(
        (0.5 + radius * math.cos(turn), 0.5 + radius * math.sin(turn))
        for radius, turn in zip(radii, turns, strict=True)
    )


ICONS: Mapping[str, tuple[_Shape, ...]] = {
    "heart": (
        _Shape("disc", ((0, 0), (0.55, 0.6))),
        _Shape("disc", ((0.45, 0), (1, 0.6))),
        _Shape("fill", ((0.05, 0.45), (0.95, 0.45), (0.5, 1))),
    ),
    "star": (_Shape("fill", _star()),),
    "bubble": (
        _Shape("frame", ((0, 0), (1, 0.75))),
        _Shape("fill", ((0.2, 0.7), (0.5, 0.7), (0.2, 1))),
    ),
    "home": (
        _Shape("fill", ((0, 0.5), (0.5, 0), (1, 0.5))),
        _Shape("fill", ((0.2, 0.5), (0.8, 0.5), (0.8, 1), (0.2, 1))),
    ),
    "person": (
        _Shape("disc", ((0.28, 0), (0.72, 0.45))),
        _Shape("fill", ((0, 1), (0.1, 0.65), (0.3, 0.5), (0.7, 0.5), (0.9, 0.65), (1, 1))),
    ),
    "lines": tuple(_Shape("line", ((0, row), (1, row))) for row in (0.2, 0.5, 0.8)),
    "plus": (_Shape("line", ((0, 0.5), (1, 0.5))), _Shape("line", ((0.5, 0), (0.5, 1)))),
    "lens": (_Shape("ring", ((0, 0), (0.7, 0.7))), _Shape("line", ((0.6, 0.6), (1, 1)))),
}


class Page:
    """A page of one colour; everything drawn covers what was there.

    Args:
        width: pixels.
        height: pixels.
        ink: colour of the empty page.
    """

    def __init__(self, width: int, height: int, ink: Ink) -> None:
        self.area = Area(0, 0, width, height)
        self._image = Image.new("RGB", (width, height), ink)
        self._draw = ImageDraw.Draw(self._image)

    @property
    def rgb(self) -> UInt8Array:
        """The page: ``(height, width, 3)`` uint8."""
        return np.array(self._image)

    def box(self, area: Area, ink: Ink, *, radius: int = 0) -> None:
        """A filled rectangle, its corners rounded."""
        ends = (area.left, area.top, area.right - 1, area.bottom - 1)
        self._draw.rounded_rectangle(ends, radius, fill=ink)

    def picture(self, area: Area, rgb: UInt8Array) -> None:
        """A picture that fills an area; what stands over is cut."""
        small = np.ascontiguousarray(cover(rgb, area.width, area.height))
        self._image.paste(Image.fromarray(small), (area.left, area.top))

    def disc(self, area: Area, rgb: UInt8Array) -> None:
        """A picture in a circle, as of a person on a social page."""
        mask = Image.new("L", (area.width, area.height), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, area.width - 1, area.height - 1), fill=255)
        small = np.ascontiguousarray(cover(rgb, area.width, area.height))
        self._image.paste(Image.fromarray(small), (area.left, area.top), mask)

    def words(self, left: int, top: int, text: str, *, size: int, ink: Ink = (20, 20, 20)) -> None:
        """One line of text."""
        self._draw.text((left, top), text, fill=ink, font=_font(size))

    def text(
        self,
        area: Area,
        random: Generator,
        *,
        size: int,
        ink: Ink = (40, 40, 40),
        around: Area | None = None,
    ) -> None:
        """Made-up text that fills an area, flowing around another."""
        font = _font(size)
        step = round(size * 1.3)
        for top in range(area.top, area.bottom - size, step):
            line = sentence(random, 20)
            free = _beside(Area(area.left, top, area.width, step), around)
            while line and font.getlength(line) > free.width:
                line = line.rpartition(" ")[0]
            if line:
                self._draw.text((free.left, top), line, fill=ink, font=font)

    def icon(self, name: str, area: Area, ink: Ink = (90, 90, 90)) -> None:
        """One of ``ICONS``."""
        for shape in ICONS[name]:
            self._shape(shape, area, ink)

    def _shape(self, shape: _Shape, area: Area, ink: Ink) -> None:
        points = [(area.left + area.width * x, area.top + area.height * y) for x, y in shape.points]
        thick = max(1, area.width // 9)
        if shape.kind == "fill":
            self._draw.polygon(points, fill=ink)
        elif shape.kind == "disc":
            self._draw.ellipse((*points[0], *points[1]), fill=ink)
        elif shape.kind == "ring":
            self._draw.ellipse((*points[0], *points[1]), outline=ink, width=thick)
        elif shape.kind == "frame":
            self._draw.rounded_rectangle(
                (*points[0], *points[1]), area.width // 4, outline=ink, width=thick
            )
        else:
            self._draw.line(points, ink, thick + 1)


def sentence(random: Generator, count: int) -> str:
    """Made-up words, the first with a capital."""
    return " ".join(random.choice(_WORDS, count)).capitalize()


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _beside(line: Area, around: Area | None) -> Area:
    """The longer part of a line that an area leaves free."""
    if around is None or not line.meets(around):
        return line
    before = max(0, around.left - line.left)
    after = max(0, line.right - around.right)
    if before >= after:
        return Area(line.left, line.top, before, line.height)
    return Area(around.right, line.top, after, line.height)
