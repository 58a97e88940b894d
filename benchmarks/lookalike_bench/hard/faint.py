"""Photos that show little: in fog, at night, out of focus; and what people do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.evaluation.edits import FIVE, encode_jpeg
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.ingredients import Ingredients, SetFolder, longest

__all__ = ["FAINT", "fill_faint"]

_EACH = 20
_SIDE = 640
_EDITS = (*FIVE, "crop_50", "tiny_jpeg", "blur", "caption_bar", "screenshot", "perspective")
Maker = Callable[[UInt8Array, Generator], FloatArray]


def fill_faint(given: Ingredients, out: SetFolder) -> None:
    """20 photos of each of three kinds, and eleven edited copies of each.

    Truth: copies belong to their source. What frames them, a caption, the chrome of a phone, the
    black corners of a turned picture, is stronger than anything they show.
    """
    for place, (kind, make) in enumerate(FAINT.items()):
        for path in given.photos[place * _EACH : (place + 1) * _EACH]:
            name = f"{kind}_{path.stem}"
            random = given.random("faint", name)
            values = make(longest(read_photo(path), _SIDE), random)
            noisy = values + random.normal(0, 1, (*values.shape[:2], 1))
            data = encode_jpeg(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), 90)
            out.add_bytes(f"{name}.jpg", data, group=name, edit="source")
            rgb = read_photo(out.out / f"{name}.jpg")
            out.add_copies(name, rgb, _EDITS, other=given.canvas(0), seed=given.seed)


def _fog(rgb: UInt8Array, random: Generator) -> FloatArray:
    """A tenth of the contrast, over grey."""
    contrast, level = random.uniform(0.06, 0.14), random.uniform(120, 215)
    return np.asarray((rgb.astype(np.float32) - 128) * contrast + level)


def _night(rgb: UInt8Array, random: Generator) -> FloatArray:
    """Nearly black but for the lights."""
    return np.asarray((rgb.astype(np.float32) / 255) ** 3 * random.uniform(40, 60) + 3)


def _blurred(rgb: UInt8Array, random: Generator) -> FloatArray:
    """Out of focus by a thirtieth of the width."""
    sigma = max(rgb.shape[:2]) * random.uniform(0.025, 0.05)
    return cv2.GaussianBlur(rgb, (0, 0), sigma).astype(np.float32)


FAINT: Mapping[str, Maker] = {"fog": _fog, "night": _night, "out_of_focus": _blurred}
