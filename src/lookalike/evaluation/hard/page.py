"""A page to draw on: boxes, words, icons and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from lookalike.evaluation.hard.ingredients import cover
from lookalike.types import UInt8Array

__all__ = ["ICONS", "Area", "Ink", "Page", "sentence"]

Ink = tuple[int, int, int]
ICONS = ("heart", "star", "bubble", "home", "person", "lines", "plus", "lens")
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
        x, y, w, h = area.left, area.top, area.width, area.height
        thick = max(1, w // 10)
        if name == "heart":
            self._draw.ellipse((x, y, x + w * 0.55, y + h * 0.6), fill=ink)
            self._draw.ellipse((x + w * 0.45, y, x + w, y + h * 0.6), fill=ink)
            below = [(x + w * 0.05, y + h * 0.45), (x + w * 0.95, y + h * 0.45), (x + w / 2, y + h)]
            self._draw.polygon(below, fill=ink)
        elif name == "star":
            turns = np.arange(10) * np.pi / 5 - np.pi / 2
            radius = np.where(np.arange(10) % 2, 0.22, 0.5)
            points = np.stack(
                [x + w * (0.5 + radius * np.cos(turns)), y + h * (0.5 + radius * np.sin(turns))], 1
            )
            self._draw.polygon([(float(a), float(b)) for a, b in points], fill=ink)
        elif name == "bubble":
            self._draw.rounded_rectangle((x, y, x + w, y + h * 0.75), w // 4, outline=ink, width=2)
            tail = [(x + w * 0.2, y + h * 0.7), (x + w * 0.5, y + h * 0.7), (x + w * 0.2, y + h)]
            self._draw.polygon(tail, fill=ink)
        elif name == "home":
            self._draw.polygon([(x, y + h / 2), (x + w / 2, y), (x + w, y + h / 2)], fill=ink)
            self._draw.rectangle((x + w * 0.2, y + h / 2, x + w * 0.8, y + h), fill=ink)
        elif name == "person":
            self._draw.ellipse((x + w * 0.28, y, x + w * 0.72, y + h * 0.45), fill=ink)
            self._draw.pieslice((x, y + h * 0.5, x + w, y + h * 1.5), 180, 360, fill=ink)
        elif name == "lines":
            for row in (0.2, 0.5, 0.8):
                self._draw.line((x, y + h * row, x + w, y + h * row), ink, thick + 1)
        elif name == "plus":
            self._draw.line((x, y + h / 2, x + w, y + h / 2), ink, thick + 1)
            self._draw.line((x + w / 2, y, x + w / 2, y + h), ink, thick + 1)
        else:
            self._draw.ellipse((x, y, x + w * 0.7, y + h * 0.7), outline=ink, width=thick + 1)
            self._draw.line((x + w * 0.6, y + h * 0.6, x + w, y + h), ink, thick + 2)


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
