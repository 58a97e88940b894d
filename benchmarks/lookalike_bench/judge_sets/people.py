"""Drawn people: one person's face with other expressions, and badges with faces."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.shots import bend
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.sheet import Ink, Sheet, mixed, square_code
from lookalike_bench.judge_sets.studio import Place

__all__ = ["badge", "face"]

_SKINS: tuple[Ink, ...] = ((236, 196, 168), (214, 164, 128), (172, 120, 86), (118, 78, 54))
_HAIRS: tuple[Ink, ...] = (
    (40, 28, 22),
    (96, 62, 34),
    (190, 148, 82),
    (120, 120, 122),
    (150, 62, 30),
)


@dataclass(frozen=True, slots=True)
class Person:
    """What stays of a person from picture to picture.

    Attributes:
        skin: colour.
        hair: colour.
        shirt: colour.
        wide: of the face, share of its height.
        eyes: distance from the middle, share of the width.
        long_hair: to the shoulders.
        glasses: worn.
        beard: worn.
    """

    skin: Ink
    hair: Ink
    shirt: Ink
    wide: float
    eyes: float
    long_hair: bool
    glasses: bool
    beard: bool

    @classmethod
    def drawn_from(cls, random: Generator) -> Person:
        """Somebody."""
        return cls(
            skin=w.pick(random, _SKINS),
            hair=w.pick(random, _HAIRS),
            shirt=mixed(random),
            wide=float(random.uniform(0.66, 0.86)),
            eyes=float(random.uniform(0.17, 0.24)),
            long_hair=bool(random.random() < 0.45),
            glasses=bool(random.random() < 0.35),
            beard=bool(random.random() < 0.3),
        )


@dataclass(frozen=True, slots=True)
class Mood:
    """What changes: all between -1 and 1.

    Attributes:
        smile: corners of the mouth up or down.
        mouth: open.
        lids: closed at -1.
        brows: up or down.
        turn: of the head to a side.
        gaze: of the eyes to a side.
    """

    smile: float
    mouth: float
    lids: float
    brows: float
    turn: float
    gaze: float

    @classmethod
    def drawn_from(cls, random: Generator) -> Mood:
        """Any mood."""
        return cls(*(float(value) for value in random.uniform(-1, 1, 6)))


def draw_person(sheet: Sheet, who: Person, mood: Mood) -> None:
    """Head and shoulders on a sheet of 400×480 units."""
    turn, middle = 26 * mood.turn, 200.0
    side = 150 * who.wide
    dark = tuple(int(value * 0.72) for value in who.skin)
    if who.long_hair:
        sheet.box((middle - side - 26, 120, middle + side + 26, 400), fill=who.hair, radius=70)
    sheet.box((70, 390, 330, 560), fill=who.shirt, radius=60)
    sheet.box((165, 340, 235, 420), fill=dark, radius=20)
    sheet.oval((middle - side, 70, middle + side, 390), fill=who.skin)
    for ear in (-1, 1):
        x = middle + ear * side * (1 - 0.05 * ear * mood.turn)
        sheet.oval((x - 14, 215, x + 14, 270), fill=dark)
    sheet.arc((middle - side - 6, 52, middle + side + 6, 300), (180, 360), fill=who.hair, width=58)
    middle += turn
    _eyes(sheet, who, mood, middle)
    sheet.line(
        (middle, 225, middle + 12 * (1 if turn > 0 else -1), 282, middle - 6, 288),
        fill=dark,
        width=4,
    )
    if who.beard:
        sheet.arc((middle - 80, 230, middle + 80, 382), (20, 160), fill=who.hair, width=34)
    _mouth(sheet, mood, middle)


def _eyes(sheet: Sheet, who: Person, mood: Mood, middle: float) -> None:
    away = 300 * who.wide * who.eyes
    tall = 15 * max(0.1, 0.6 + 0.4 * mood.lids)
    for side in (-1, 1):
        x = middle + side * away * (1 - 0.15 * side * mood.turn)
        sheet.oval((x - 24, 215 - tall, x + 24, 215 + tall), fill=(252, 252, 250))
        iris = x + 8 * mood.gaze
        small = min(11, tall)
        sheet.oval((iris - 11, 215 - small, iris + 11, 215 + small), fill=(60, 80, 90))
        sheet.oval((iris - 5, 215 - small / 2, iris + 5, 215 + small / 2), fill=(10, 10, 10))
        brow = 180 - 12 * mood.brows
        ends = (
            x - 28,
            brow + 6 * side * mood.smile,
            x,
            brow - 6,
            x + 28,
            brow - 6 * side * mood.smile,
        )
        sheet.line(ends, fill=who.hair, width=9)
        if who.glasses:
            sheet.oval((x - 38, 180, x + 38, 252), outline=(30, 30, 34), width=5)
    if who.glasses:
        sheet.line((middle - away + 38, 212, middle + away - 38, 212), fill=(30, 30, 34), width=5)


def _mouth(sheet: Sheet, mood: Mood, middle: float) -> None:
    red: Ink = (170, 62, 60)
    if mood.mouth > 0.2:
        tall = 24 * mood.mouth
        sheet.oval(
            (middle - 42, 328 - tall, middle + 42, 328 + tall),
            fill=(92, 24, 26),
            outline=red,
            width=5,
        )
        sheet.box(
            (middle - 26, 328 - tall * 0.7, middle + 26, 328 - tall * 0.2), fill=(250, 250, 246)
        )
        return
    curve = 26 * abs(mood.smile) + 3
    if mood.smile > 0:
        sheet.arc(
            (middle - 52, 328 - curve, middle + 52, 328 + curve), (10, 170), fill=red, width=8
        )
    else:
        sheet.arc((middle - 52, 328, middle + 52, 328 + 2 * curve), (190, 350), fill=red, width=8)


def face(at: Place) -> UInt8Array:
    """A tight crop of one person, painted softly, with another expression."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.6, 1.5))
    wall = mixed(style)
    sheet = Sheet((400, 480), wall, at.studio.fonts.reading(style), zoom=zoom)
    draw_person(sheet, Person.drawn_from(style), Mood.drawn_from(content))
    return painted(sheet.rgb, style, content)


def painted(
    rgb: UInt8Array, style: Generator, content: Generator, *, bent: float = 0.008
) -> UInt8Array:
    """Flat colours as a photo has them: soft, grained skin and cloth, light from a side, noise.

    Args:
        rgb: what was drawn.
        style: the grain, which stays with the person.
        content: light, a small bend, noise.
        bent: how far, as a share of the longer side.
    """
    height, width = rgb.shape[:2]
    grain = style.normal(0, 1, (height, width)).astype(np.float32)
    grain = 5 * cv2.GaussianBlur(grain, (0, 0), 1.2) + 12 * cv2.GaussianBlur(grain, (0, 0), 4)
    soft = cv2.GaussianBlur(rgb, (0, 0), 0.004 * width + 0.6).astype(np.float32)
    moved = bend(np.clip(soft + grain[..., None], 0, 255).astype(np.uint8), bent, content, cells=5)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    light = 1 + content.uniform(-0.2, 0.2) * x
    noise = content.normal(0, 2.5, rgb.shape)
    return np.clip(moved * light + noise, 0, 255).astype(np.uint8)


def badge(at: Place) -> UInt8Array:
    """A firm's badge with a drawn face, a name and a number."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.8, 1.7))
    ink, standing = mixed(style, dark=True), style.random() < 0.6
    size = (400, 620) if standing else (620, 400)
    sheet = Sheet(size, (250, 250, 250), at.studio.fonts.reading(style), zoom=zoom)
    sheet.box((0, 0, size[0], 84), fill=ink)
    sheet.text(
        (size[0] / 2, 42), w.company(style)[:22], 28, bold=True, fill=(255, 255, 255), anchor="mm"
    )
    sheet.box((0, size[1] - 30, size[0], size[1]), fill=mixed(style))
    portrait = Sheet((400, 480), mixed(style), sheet.family, zoom=0.6)
    draw_person(portrait, Person.drawn_from(content), Mood.drawn_from(content))
    at_left = (90, 104, 310, 370) if standing else (24, 104, 244, 350)
    sheet.picture(at_left, portrait.rgb)
    left, top = (30.0, 392.0) if standing else (270.0, 116.0)
    sheet.text((left, top), w.person(content), 32, bold=True)
    roles = ("Engineer", "Nurse", "Visitor", "Guard", "Designer", "Driver", "Accountant")
    sheet.text((left, top + 42), w.pick(content, roles), 22, fill=(90, 90, 90))
    sheet.text((left, top + 76), f"ID {w.digits(content, 6)}", 22)
    sheet.text((left, top + 106), f"valid until {w.day(content)}", 16)
    square_code(sheet, (left + 220, top + 96, left + 320, top + 196), content)
    return sheet.rgb
