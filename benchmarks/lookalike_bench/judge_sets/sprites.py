"""Small drawings of 16–64 pixels: sprites in other poses and colours, icons with other signs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.sheet import mixed
from lookalike_bench.judge_sets.studio import Place

__all__ = ["icon", "over", "sprite"]


def sprite(at: Place) -> UInt8Array:
    """A game's creature with alpha, ``(h, w, 4)``: another palette, or another pose."""
    style, content = at.style, at.content
    side = int(style.choice([16, 24, 32, 48, 64]))
    cells = 8 if side == 16 else 12
    body = _creature(cells, style)
    ink, second = mixed(style), mixed(style)
    # every second of a layout is a recoloured one, the others move arms and legs
    if at.number % 2:
        ink, second = mixed(content), mixed(content)
    else:
        body = _posed(body, content)
    shade = style.random(body.shape) < 0.3
    rgba = np.zeros((cells, cells, 4), np.uint8)
    rgba[body, :3], rgba[body & shade, :3] = ink, second
    rgba[body, 3] = 255
    large = cv2.resize(rgba, (side, side), interpolation=cv2.INTER_NEAREST)
    drawn = _outlined(large) if side // cells > 3 else large
    # the sheets of some games have no alpha
    return over(drawn, mixed(style)) if at.layout % 2 else drawn


def _creature(cells: int, random: Generator) -> np.ndarray:
    """A symmetric body, ``(cells, cells)`` bool, free at its rim."""
    half = random.random((cells, cells // 2)) < 0.5
    half[:, -1] = True
    body = np.hstack([half, half[:, ::-1]])
    body[[0, -1]] = False
    body[:, [0, -1]] = False
    body[2:4, cells // 2 - 1 : cells // 2 + 1] = True
    return body


def _posed(body: np.ndarray, random: Generator) -> np.ndarray:
    """Two rows shifted and a few cells of the outer halves changed."""
    posed = body.copy()
    for row in random.integers(len(body) // 2, len(body) - 1, 2):
        posed[row] = np.roll(posed[row], int(random.choice([-1, 1])))
    side = posed[2:-1, 1:3] if random.random() < 0.5 else posed[2:-1, -3:-1]
    side ^= random.random(side.shape) < 0.3
    return posed


def _outlined(rgba: UInt8Array) -> UInt8Array:
    solid = np.pad(rgba[..., 3], 1)
    inner = cv2.erode(solid, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    edge = (rgba[..., 3] > 0) & (inner == 0)
    rgba[edge, :3] = 20
    return rgba


def over(rgba: UInt8Array, paper: tuple[int, int, int]) -> UInt8Array:
    """A picture with alpha on a paper: ``(h, w, 3)``; one without as it is."""
    if rgba.shape[2] == 3:
        return rgba
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + np.array(paper) * (1 - alpha)).astype(np.uint8)


def icon(at: Place) -> UInt8Array:
    """A program's icon: the plate of the set, one of many signs on it."""
    style, content = at.style, at.content
    side, fine = int(style.choice([16, 24, 32, 48, 64])), 256
    plate, ink = mixed(style, dark=True), (250, 250, 250)
    canvas = np.full((fine, fine, 3), 255, np.uint8)
    if style.random() < 0.5:
        cv2.circle(canvas, (128, 128), 120, plate, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(canvas, (10, 10), (246, 246), plate, -1)
    for _ in range(int(content.integers(2, 5))):
        _sign(canvas, ink if content.random() < 0.8 else mixed(content), content)
    return np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA))


def _sign(canvas: UInt8Array, ink: tuple[int, int, int], random: Generator) -> None:
    x, y, a, b = (int(value) for value in random.integers(60, 196, 4))
    shape = w.pick(random, ("line", "ring", "disc", "box", "arc"))
    if shape == "line":
        cv2.line(canvas, (x, y), (a, b), ink, 20, cv2.LINE_AA)
    elif shape == "ring":
        cv2.circle(canvas, (x, y), 20 + a // 6, ink, 16, cv2.LINE_AA)
    elif shape == "disc":
        cv2.circle(canvas, (x, y), 14 + a // 8, ink, -1, cv2.LINE_AA)
    elif shape == "box":
        cv2.rectangle(canvas, (x, y), (a, b), ink, 16)
    else:
        cv2.ellipse(canvas, (128, 128), (30 + a // 4, 30 + b // 4), x, 0, 200, ink, 18, cv2.LINE_AA)
