"""What pictures are made with: fonts, photos, a browser, random numbers for every place."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.model.arrays import UInt8Array
from lookalike.store.closing import Closing
from lookalike_bench.judge_sets.fonts import Family, Fonts
from lookalike_bench.review_page import browser

__all__ = ["Draw", "Kind", "Place", "Studio", "seeded"]

# what a browser's page waits for at most, ms
_PATIENCE = 20_000


def seeded(*names: object) -> Generator:
    """A generator of its own for everything that has another name."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


class Studio(Closing):
    """Fonts, the photos of one kind and a browser that starts when a page is first shown.

    Args:
        fonts: families.
        photos: this kind's own, no other kind has them.
        backgrounds: photos that are in no picture by themselves, to paste on and cover with.
    """

    def __init__(self, fonts: Fonts, photos: Sequence[Path], backgrounds: Sequence[Path]) -> None:
        self.fonts = fonts
        self.photos = photos
        self.backgrounds = backgrounds
        self._open = ExitStack()
        self._page: Any = None
        self._file = Path()

    def close(self) -> None:
        """Close the browser, if one was opened."""
        self._open.close()

    def photo(self, number: int) -> UInt8Array:
        """A photo of this kind by its number."""
        return read_photo(self.photos[number])

    def background(self, random: Generator) -> UInt8Array:
        """One of the photos that no picture shows by itself."""
        return read_photo(self.backgrounds[int(random.integers(len(self.backgrounds)))])

    def shown(self, html: str, width: int, height: int, family: Family) -> UInt8Array:
        """A page as a browser shows it, ``(height, width, 3)``, in a family of fonts.

        Raises:
            OSError: no browser can be started, and why.
        """
        if self._page is None:
            folder = self._open.enter_context(tempfile.TemporaryDirectory())
            self._file = Path(folder) / "page.html"
            self._page = self._open.enter_context(browser()).new_page()
        self._file.write_text(_HEAD.format(family=family) + html, encoding="utf-8")
        self._page.set_viewport_size({"width": width, "height": height})
        self._page.goto(self._file.as_uri(), timeout=_PATIENCE)
        shot = np.frombuffer(self._page.screenshot(animations="disabled"), np.uint8)
        return np.asarray(cv2.cvtColor(cv2.imdecode(shot, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


_HEAD = """<!doctype html><meta charset="utf-8"><style>
@font-face {{ font-family: own; src: url("{family.regular}"); }}
@font-face {{ font-family: own; font-weight: bold; src: url("{family.bold}"); }}
* {{ box-sizing: border-box; }}
html {{ height: 100%; }}
body {{ margin: 0; min-height: 100%; overflow: hidden; font-family: own, "DejaVu Sans"; }}
table {{ border-collapse: collapse; }}
</style>"""


@dataclass(frozen=True, slots=True)
class Place:
    """Which picture of a kind is to be drawn.

    Attributes:
        studio: what to draw with.
        layout: number of the layout, scene or series.
        number: of the picture in its layout.
        index: of the picture in its kind.
        style: random numbers that are the same for the whole layout.
        content: random numbers of this picture alone.
    """

    studio: Studio
    layout: int
    number: int
    index: int
    style: Generator
    content: Generator


Draw = Callable[[Place], UInt8Array]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of pictures and how many are made at scale 1.

    Attributes:
        draw: one picture: ``(h, w, 3)`` uint8, or with alpha ``(h, w, 4)``.
        layouts: how many.
        each: pictures of a layout.
        photos: how many photos of its own a layout needs.
        photos_each: how many a picture needs.
        source: of these: ``large`` ones, ``any`` of the photos, or ``small`` ones to train with.
        cannot: groups of edits after which nobody could tell its pictures apart.
        one_picture: all of a layout are edits of its first; the name of that edit.
        parts: a layout's pictures after the first are shown small inside the first.
        dated: frames of one camera: every second layout says when they were taken.
        stops: of light from one frame to the next.
    """

    draw: Draw
    layouts: int = 8
    each: int = 8
    photos: int = 0
    photos_each: int = 0
    source: Literal["large", "any", "small"] = "any"
    cannot: frozenset[str] = frozenset()
    one_picture: str = ""
    parts: bool = False
    dated: bool = False
    stops: float = 0.0

    def at_scale(self, scale: float) -> tuple[int, int]:
        """How many layouts, at least two, and pictures of each, at least two."""
        each = max(2, round(self.each * min(1.0, math.sqrt(scale))))
        return max(2, round(self.layouts * self.each * scale / each)), each

    def photos_at(self, scale: float) -> int:
        """How many photos are its own."""
        layouts, each = self.at_scale(scale)
        return layouts * (self.photos + each * self.photos_each)
