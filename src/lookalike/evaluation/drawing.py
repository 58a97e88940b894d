"""Edits that draw: captions, text, lines, faces, a phone's page."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array

__all__ = ["caption_bar", "draw_face", "lines", "resized", "screenshot", "text_overlay"]


def resized(rgb: UInt8Array, width: float, height: float) -> UInt8Array:
    """Resize to a size in pixels: area averages when shrinking, cubic when growing."""
    size = (max(8, round(width)), max(8, round(height)))
    shrinks = size[0] < rgb.shape[1] or size[1] < rgb.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=how))


def _text(canvas: UInt8Array, words: str, at: tuple[int, int], height: float, ink: int) -> None:
    scale = max(0.3, height / 30)
    cv2.putText(
        canvas,
        words,
        at,
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (ink, ink, ink),
        max(1, round(2 * scale)),
        cv2.LINE_AA,
    )


def caption_bar(rgb: UInt8Array, random: Generator, other: UInt8Array) -> UInt8Array:
    """Add a white bar of 20 % of the height, above or below, with two lines of text."""
    height, width = rgb.shape[:2]
    bar = np.full((max(12, round(0.2 * height)), width, 3), 255, np.uint8)
    for line in range(2):
        words = f"WHEN YOU FIND NUMBER {random.integers(10_000)}"
        at = (round(0.03 * width), round(bar.shape[0] * (0.42 + 0.42 * line)))
        _text(bar, words, at, width / 24, 0)
    return np.vstack([bar, rgb] if random.random() < 0.5 else [rgb, bar])


def text_overlay(rgb: UInt8Array, random: Generator, other: UInt8Array) -> UInt8Array:
    """Write two lines of white text over the picture."""
    copy = rgb.copy()
    height, width = rgb.shape[:2]
    for line in range(2):
        at = (round(0.05 * width), round(height * (0.2 + 0.6 * line)))
        _text(copy, f"look at this {random.integers(10_000)}", at, width / 14, 255)
    return copy


def lines(rgb: UInt8Array, random: Generator, other: UInt8Array) -> UInt8Array:
    """Draw 15 lines of random colour across the picture, 1/100 of the width thick."""
    copy = rgb.copy()
    height, width = rgb.shape[:2]
    for _ in range(15):
        ends = random.integers(0, [width, height], (2, 2))
        ink = [int(value) for value in random.integers(0, 256, 3)]
        start, end = ([int(v) for v in point] for point in ends)
        cv2.line(copy, start, end, ink, max(2, width // 100), cv2.LINE_AA)
    return copy


def draw_face(patch: UInt8Array) -> None:
    """Draw a yellow face that fills a patch."""
    tall, wide = patch.shape[:2]
    centre, radius = (wide // 2, tall // 2), min(tall, wide) // 2
    cv2.circle(patch, centre, radius, (255, 204, 50), -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (centre[0] + side * radius // 3, centre[1] - radius // 4)
        cv2.circle(patch, eye, max(1, radius // 8), (60, 40, 10), -1, cv2.LINE_AA)
    mouth = (centre[0], centre[1] + radius // 6)
    axes = (radius // 2, radius // 3)
    cv2.ellipse(patch, mouth, axes, 0, 0, 180, (60, 40, 10), max(1, radius // 12), cv2.LINE_AA)


def screenshot(rgb: UInt8Array, random: Generator, other: UInt8Array) -> UInt8Array:
    """Draw a phone's page of 390×844: bars, text and buttons, the picture across its width."""
    wide, tall = 390, 844
    page = np.full((tall, wide, 3), 250, np.uint8)
    page[:88] = (38, 70, 140)
    _text(page, "9:41", (22, 30), 18, 255)
    _text(page, "Photos", (140, 70), 24, 255)
    height = min(480, round(wide * rgb.shape[0] / rgb.shape[1]))
    width = min(wide, round(height * rgb.shape[1] / rgb.shape[0]))
    left = (wide - width) // 2
    page[118 : 118 + height, left : left + width] = resized(rgb, width, height)
    for line in range(6):
        words = f"seen by {random.integers(1000)} people, line {random.integers(100)}"
        _text(page, words, (16, 118 + height + 34 + 28 * line), 16, 40)
    page[-62:] = 228
    for button in range(5):
        cv2.circle(page, (40 + 78 * button, tall - 32), 14, (96, 96, 96), 2, cv2.LINE_AA)
    return page
