"""Pictures photographed again: from paper, from a package, from a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.ingredients import (
    Ingredients,
    SetFolder,
    cover,
    longest,
)

__all__ = ["MATERIALS", "fill_rephotographed", "rephotograph"]

_SOURCES = 90
_STRANGERS = 40
_FRAME = (720, 540)
_MADE = 560


def fill_rephotographed(given: Ingredients, out: SetFolder) -> None:
    """90 sources with one or two photographs of them, and distractors.

    The copy lies in front of another picture, seen from an angle, as a print on paper, on a bent
    package or on a screen, with uneven light, glare, texture or moiré, blur, noise and JPEG. The
    edit is the material. Distractors are the half's other photos, 40 of them only as photographs.
    """
    names = list(MATERIALS)
    for number, path in enumerate(given.photos):
        is_source = number < _SOURCES
        only_again = _SOURCES <= number < _SOURCES + _STRANGERS
        if not only_again:
            out.add_photo(path)
        times = 1 + number % 2 if is_source else int(only_again)
        for time in range(times):
            material = names[(number + time) % len(names)]
            random = given.random("paper", path.stem, time)
            behind = given.canvas(2 * number + time)
            copy = rephotograph(read_photo(path), material, behind=behind, random=random)
            quality = int(random.integers(55, 88))
            name = f"{path.stem}__{time}_{material}"
            out.add(name, copy, group=path.stem, edit=material, quality=quality)


def rephotograph(
    rgb: UInt8Array, material: str, *, behind: UInt8Array, random: Generator
) -> UInt8Array:
    """A photograph of a picture.

    Args:
        rgb: the picture, ``(h, w, 3)`` uint8.
        material: key of ``MATERIALS``.
        behind: what lies around it.
        random: places, light and noise.

    Returns:
        ``(540, 720, 3)`` uint8, or on end for a picture on end.
    """
    width, height = _FRAME if rgb.shape[1] >= rgb.shape[0] else _FRAME[::-1]
    made = MATERIALS[material](longest(rgb, _MADE), random)
    scene = cover(behind, width, height).astype(np.float32)
    shade = cv2.GaussianBlur(scene, (0, 0), random.uniform(0.5, 3))
    warp = _view(made.shape[1], made.shape[0], width, height, random)
    flags = cv2.INTER_LINEAR if material == "screen" else cv2.INTER_AREA
    seen = cv2.warpPerspective(made, warp, (width, height), flags=flags).astype(np.float32)
    mask = np.ones(made.shape[:2], np.float32)
    mask = cv2.warpPerspective(mask, warp, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    # what lies on a table throws a soft shadow
    shadow = cv2.GaussianBlur(np.roll(mask, (8, 10), (0, 1)), (0, 0), 9)[..., None]
    photo = shade * (1 - 0.45 * shadow) * (1 - mask) + seen * mask
    photo = _lit(photo, mask, random)
    photo = cv2.GaussianBlur(photo, (0, 0), random.uniform(0.5, 1.3))
    return np.clip(photo + random.normal(0, random.uniform(2, 6), photo.shape), 0, 255).astype(
        np.uint8
    )


def _view(wide: int, tall: int, width: int, height: int, random: Generator) -> FloatArray:
    """From the picture to the frame: 45–75 % of its area, turned, each corner moved."""
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    factor = np.sqrt(random.uniform(0.45, 0.75) * width * height / (wide * tall))
    factor = min(factor, 0.96 * width / wide, 0.96 * height / tall)
    centred = (corners - (wide / 2, tall / 2)) * factor
    turn = np.deg2rad(random.uniform(-9, 9))
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    moved = centred @ spin + random.uniform(-0.06, 0.06, (4, 2)) * (width, height)
    free = np.array([width - wide * factor, height - tall * factor])
    moved += np.array([width, height]) / 2 + random.uniform(-0.4, 0.4, 2) * free
    return np.asarray(cv2.getPerspectiveTransform(corners, moved.astype(np.float32)))


def _lit(photo: FloatArray, mask: FloatArray, random: Generator) -> FloatArray:
    """Light that falls off to one side, a colour cast, and glare on the picture."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)) * 2
    light = 1 + random.uniform(0.15, 0.4) * slope
    cast = random.uniform(0.88, 1.1, 3).astype(np.float32)
    photo = photo * light[..., None] * cast
    at = random.uniform(0.25, 0.75, 2) * (width, height)
    radius = random.uniform(0.06, 0.16, 2) * max(width, height)
    far = ((x - at[0]) / radius[0]) ** 2 + ((y - at[1]) / radius[1]) ** 2
    glare = np.exp(-far)[..., None] * mask * random.uniform(90, 230)
    return np.asarray(photo + glare, np.float32)


def _print(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Matt paper with a white margin: less contrast, grain of the paper, a fold."""
    margin = round(random.uniform(0.01, 0.06) * rgb.shape[1])
    sheet = cv2.copyMakeBorder(rgb, *[margin] * 4, cv2.BORDER_CONSTANT, value=(255,) * 3)
    paper = 18 + sheet.astype(np.float32) * random.uniform(0.78, 0.9)
    grain = random.normal(0, 9, paper.shape[:2]).astype(np.float32)
    paper += cv2.GaussianBlur(grain, (0, 0), 1.2)[..., None] * 1.6
    if random.random() < 0.5:
        column = int(random.uniform(0.25, 0.75) * paper.shape[1])
        away = np.abs(np.arange(paper.shape[1], dtype=np.float32) - column)
        paper *= (1 - 0.25 * np.exp(-away / 5) + 0.08 * np.exp(-away / 25))[None, :, None]
    return np.clip(paper, 0, 255).astype(np.uint8)


def _package(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Printed on a round package: bent around its axis, darker at the sides, dots of print."""
    height, width = rgb.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)
    turned = np.arcsin(across * 0.85) / np.arcsin(0.85)
    sag = random.uniform(0.02, 0.06) * height * (1 - across**2)
    x = np.tile((turned + 1) / 2 * (width - 1), (height, 1)).astype(np.float32)
    y = (np.arange(height, dtype=np.float32)[:, None] - sag[None]).astype(np.float32)
    bent = cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    dots = np.sin(np.arange(width) * 1.9)[None] * np.sin(np.arange(height) * 1.9)[:, None]
    shade = (0.55 + 0.45 * np.sqrt(1 - (0.85 * across) ** 2))[None, :, None]
    inked = bent.astype(np.float32) * 0.92 * shade + 10 * dots[..., None]
    return np.clip(inked, 0, 255).astype(np.uint8)


def _screen(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """A screen's pixels, which the camera's own grid turns into moiré, in a dark frame."""
    height, width = rgb.shape[:2]
    fine = cv2.resize(rgb, (3 * width, 3 * height), interpolation=cv2.INTER_NEAREST)
    stripes = np.full((*fine.shape[:2], 3), 0.45, np.float32)
    for channel in range(3):
        stripes[:, channel::3, channel] = 1.25
    stripes[::3] *= 0.6
    # seen at a factor that is no whole number, the stripes beat with the camera's pixels
    factor = random.uniform(0.36, 0.47)
    glow = fine.astype(np.float32) * stripes * 1.12
    size = (round(3 * width * factor), round(3 * height * factor))
    seen = cv2.resize(glow, size, interpolation=cv2.INTER_LINEAR) + 12
    frame = round(random.uniform(0.02, 0.05) * size[0])
    screen = np.clip(seen, 0, 255).astype(np.uint8)
    return np.asarray(
        cv2.copyMakeBorder(screen, *[frame] * 4, cv2.BORDER_CONSTANT, value=(16, 16, 18))
    )


MATERIALS: Mapping[str, Callable[[UInt8Array, Generator], UInt8Array]] = {
    "print": _print,
    "package": _package,
    "screen": _screen,
}
