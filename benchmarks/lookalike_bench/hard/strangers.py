"""Different photos that share one thing: a sticker, a logo, a caption, a border, chrome, a wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.evaluation.drawing import caption_bar, resized, screenshot
from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import (
    Ingredients,
    SetFolder,
    cover,
    longest,
)
from lookalike_bench.hard.page import Area, Page

__all__ = ["SHARED", "fill_strangers"]

_EACH = 40
_SIDE = 600
_CHOICE = 12
Share = Callable[[UInt8Array, UInt8Array, Generator, Generator], UInt8Array]


def fill_strangers(given: Ingredients, out: SetFolder) -> None:
    """Of each of six kinds 40 photos that share the same thing and nothing else.

    Truth: no pair at all; no photo is in the set twice. The edit is what is shared.
    """
    each = min(_EACH, len(given.photos) // len(SHARED))
    for place, (kind, share) in enumerate(SHARED.items()):
        thing = _most_detailed(given, place)
        for path in given.photos[place * each : (place + 1) * each]:
            rgb = longest(read_photo(path), _SIDE)
            # the same numbers for every photo draw the same thing
            same, own = given.random("shared", kind), given.random(kind, path.stem)
            out.add(f"{kind}_{path.stem}", share(rgb, thing, same, own), group=path.stem, edit=kind)


def _most_detailed(given: Ingredients, place: int) -> UInt8Array:
    """Of some canvases the one with most texture everywhere: there is much to be misled by."""
    some = [given.canvas(place * _CHOICE + number) for number in range(_CHOICE)]
    return max(some, key=_texture)


def _texture(rgb: UInt8Array) -> float:
    """Contrast of the plainest quarter of a picture: drawings on white have little."""
    edges = np.abs(cv2.Laplacian(cover(rgb, 256, 256).mean(axis=2), cv2.CV_64F))
    tiles = edges.reshape(16, 16, 16, 16).mean(axis=(1, 3))
    return float(np.percentile(tiles, 25))


def _sticker(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """The same picture over 15–35 % of the photo, somewhere."""
    area = own.uniform(0.15, 0.35) * rgb.shape[0] * rgb.shape[1]
    factor = np.sqrt(area / (thing.shape[0] * thing.shape[1]))
    factor = min(factor, rgb.shape[0] / thing.shape[0], rgb.shape[1] / thing.shape[1])
    return _laid(rgb, resized(thing, *(factor * side for side in thing.shape[1::-1])), own)


def _laid(below: UInt8Array, above: UInt8Array, own: Generator) -> UInt8Array:
    copy = below.copy()
    height, width = above.shape[:2]
    top = int(own.integers(0, max(1, copy.shape[0] - height)))
    left = int(own.integers(0, max(1, copy.shape[1] - width)))
    copy[top : top + height, left : left + width] = above[: copy.shape[0], : copy.shape[1]]
    return copy


def _logo(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """The same half-transparent mark in the lower right corner, 40 % of the width."""
    mark = Page(240, 90, (0, 0, 0))
    mark.icon("star", Area(6, 6, 76, 76), (255, 255, 255))
    mark.words(88, 12, "PICTURA", size=34, ink=(255, 255, 255))
    mark.words(90, 54, "stock agency", size=22, ink=(255, 255, 255))
    width = 0.4 * rgb.shape[1]
    light = resized(mark.rgb, width, width * 90 / 240).astype(np.float32) / 255
    copy = rgb.astype(np.float32)
    corner = copy[-light.shape[0] - 10 : -10, -light.shape[1] - 10 : -10]
    # a dark edge, so that it is seen on white too
    corner *= 1 - 0.5 * cv2.GaussianBlur(light, (0, 0), 2.5)
    corner += (255 - corner) * light * 0.75
    return copy.astype(np.uint8)


def _caption(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """The same bar of text above or below."""
    return caption_bar(rgb, same, thing)


def _border(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """The same broad pictured frame around the middle of the photo."""
    frame = cover(thing, _SIDE, _SIDE).copy()
    inner = round(_SIDE * 0.76)
    edge = (_SIDE - inner) // 2
    frame[edge - 6 : edge + inner + 6, edge - 6 : edge + inner + 6] = (212, 175, 90)
    frame[edge : edge + inner, edge : edge + inner] = cover(rgb, inner, inner)
    return frame


def _chrome(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """The same phone's page around the photo, word for word."""
    return screenshot(rgb, same, thing)


def _background(rgb: UInt8Array, thing: UInt8Array, same: Generator, own: Generator) -> UInt8Array:
    """On the same other picture, at 40–60 % of its side."""
    wall = cover(thing, _SIDE, round(_SIDE * 0.75))
    fit = min(wall.shape[0] / rgb.shape[0], wall.shape[1] / rgb.shape[1])
    factor = own.uniform(0.4, 0.6) * fit
    return _laid(wall, resized(rgb, *(factor * side for side in rgb.shape[1::-1])), own)


SHARED: Mapping[str, Share] = {
    "sticker": _sticker,
    "logo": _logo,
    "caption": _caption,
    "border": _border,
    "chrome": _chrome,
    "background": _background,
}
