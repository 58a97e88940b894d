"""A sheet that is drawn on in units of a design and comes out at another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import cover
from lookalike_bench.judge_sets.fonts import Family, font

__all__ = ["Ink", "Sheet", "bars", "mixed", "square_code"]

Ink = tuple[int, int, int]


class Sheet:
    """A canvas; every length is in units of the design, times ``zoom`` in pixels.

    Args:
        size: width and height of the design.
        ink: of the empty sheet.
        family: of its text.
        zoom: pixels a unit.
    """

    def __init__(
        self, size: tuple[float, float], ink: Ink, family: Family, *, zoom: float = 1.0
    ) -> None:
        self.zoom = zoom
        self.family = family
        pixels = (round(size[0] * zoom), round(size[1] * zoom))
        self.image = Image.new("RGB", pixels, ink)
        self.pen = ImageDraw.Draw(self.image)

    @property
    def rgb(self) -> UInt8Array:
        """The sheet as ``(h, w, 3)`` uint8."""
        return np.array(self.image)

    def text(
        self, at: tuple[float, float], words: str, size: float, *, bold: bool = False, **look: Any
    ) -> float:
        """One line; ``look`` is Pillow's ``fill`` and ``anchor``. Its width in units."""
        face = font(self.family.bold if bold else self.family.regular, round(size * self.zoom))
        look.setdefault("fill", (20, 20, 20))
        self.pen.text((at[0] * self.zoom, at[1] * self.zoom), words, font=face, **look)
        return face.getlength(words) / self.zoom

    def fitted(self, words: str, size: float, room: float) -> str:
        """As many of the words as a room in units holds, at least one."""
        face = font(self.family.regular, round(size * self.zoom))
        while " " in words and face.getlength(words) > room * self.zoom:
            words = words.rpartition(" ")[0]
        return words

    def box(self, ends: Sequence[float], **look: Any) -> None:
        """A rectangle from left, top to right, bottom; ``radius`` in units; Pillow's look."""
        radius = look.pop("radius", 0) * self.zoom
        self.pen.rounded_rectangle(self.scaled(ends), radius, **self._wide(look))

    def oval(self, ends: Sequence[float], **look: Any) -> None:
        """An ellipse in a rectangle."""
        self.pen.ellipse(self.scaled(ends), **self._wide(look))

    def arc(self, ends: Sequence[float], turn: tuple[float, float], **look: Any) -> None:
        """A part of an ellipse's line, from and to an angle in degrees."""
        self.pen.arc(self.scaled(ends), *turn, **self._wide(look))

    def line(self, points: Sequence[float], **look: Any) -> None:
        """A line through points given as x, y, x, y and so on."""
        self.pen.line(self.scaled(points), joint="curve", **self._wide(look))

    def shape(self, points: Sequence[float], **look: Any) -> None:
        """A filled polygon through points given as x, y, x, y and so on."""
        self.pen.polygon(self.scaled(points), **self._wide(look))

    def picture(self, ends: Sequence[float], rgb: UInt8Array) -> None:
        """A picture that fills a rectangle."""
        left, top, right, bottom = (round(end) for end in self.scaled(ends))
        small = np.ascontiguousarray(cover(rgb, right - left, bottom - top))
        self.image.paste(Image.fromarray(small), (left, top))

    def scaled(self, lengths: Sequence[float]) -> list[float]:
        """Units as pixels."""
        return [length * self.zoom for length in lengths]

    def _wide(self, look: dict[str, Any]) -> dict[str, Any]:
        if "width" in look:
            look["width"] = max(1, round(look["width"] * self.zoom))
        return look


def mixed(random: Generator, *, dark: bool = False) -> Ink:
    """A colour: strong, or dark enough for white text."""
    low, high = (20, 130) if dark else (40, 230)
    values = [int(value) for value in random.integers(low, high, 3)]
    return values[0], values[1], values[2]


def bars(sheet: Sheet, ends: Sequence[float], random: Generator) -> None:
    """A barcode: bars one to four units of code wide."""
    left, top, right, bottom = ends
    module = max(1.0 / sheet.zoom, (right - left) / 120)
    x = left
    while x < right - 3 * module:
        bar, gap = (int(n) for n in random.integers(1, 4, 2))
        sheet.box((x, top, min(right, x + bar * module), bottom), fill=(0, 0, 0))
        x += (bar + gap) * module


def square_code(sheet: Sheet, ends: Sequence[float], random: Generator) -> None:
    """A square code of 25 modules with three marks in its corners."""
    code = (random.random((25, 25)) < 0.5).astype(np.uint8)
    mark = np.zeros((8, 8), np.uint8)
    mark[:7, :7] = 1
    mark[1:6, 1:6] = 0
    mark[2:5, 2:5] = 1
    code[:8, :8], code[:8, -8:], code[-8:, :8] = mark, mark[:, ::-1], mark[::-1]
    left, top, right, bottom = (round(end) for end in sheet.scaled(ends))
    tiles = Image.fromarray(255 - 255 * code).resize(
        (right - left, bottom - top), Image.Resampling.NEAREST
    )
    sheet.image.paste(tiles.convert("RGB"), (left, top))
