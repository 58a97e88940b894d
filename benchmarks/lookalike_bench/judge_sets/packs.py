"""Packs of one brand in other flavours, and logos of one shape with other words."""

from __future__ import annotations

import math

from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.people import painted
from lookalike_bench.judge_sets.sheet import Ink, Sheet, bars, mixed
from lookalike_bench.judge_sets.studio import Place

__all__ = ["logo", "product"]

_FLAVOURS: tuple[tuple[str, Ink], ...] = (
    *(("Strawberry", (214, 44, 66)), ("Lemon", (240, 214, 50)), ("Blueberry", (66, 76, 160))),
    *(("Orange", (240, 140, 30)), ("Apple", (120, 180, 50)), ("Cherry", (150, 16, 40))),
    *(("Grape", (112, 56, 140)), ("Mint", (70, 190, 150)), ("Vanilla", (238, 220, 160))),
    *(("Cocoa", (96, 58, 36)), ("Peach", (246, 168, 120)), ("Kiwi", (140, 160, 60))),
)


def product(at: Place) -> UInt8Array:
    """A pack on white: brand, shape and slogan stay; flavour, colour, fruit and weight change."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.5, 1.5))
    sheet = Sheet((500, 640), (255, 255, 255), at.studio.fonts.reading(style), zoom=zoom)
    name, ink = _FLAVOURS[(at.number + at.layout) % len(_FLAVOURS)]
    shape = w.pick(style, ("box", "bag", "can", "bottle"))
    brand, second = w.company(style).split()[0], mixed(style, dark=True)
    # some brands colour the whole pack, some a band
    whole = style.random() < 0.5
    body, edge = (ink, second) if whole else (mixed(style), ink)
    _body(sheet, shape, body)
    sheet.box((100, 150, 400, 240), fill=second)
    sheet.text((250, 195), brand, 54, bold=True, fill=(255, 255, 255), anchor="mm")
    sheet.box((100, 440, 400, 500), fill=edge)
    light = sum(edge) > 420
    sheet.text(
        (250, 470), name, 38, bold=True, fill=(20, 20, 20) if light else "white", anchor="mm"
    )
    _fruit(sheet, ink, content)
    sheet.text((250, 520), w.pick(style, w.SENTENCES["en"])[:30], 15, anchor="ma")
    sheet.text((380, 560), f"{content.integers(2, 20) * 50} g", 20, bold=True, anchor="ra")
    bars(sheet, (120, 556, 200, 586), content)
    return painted(sheet.rgb, style, content, bent=0.002) if style.random() < 0.5 else sheet.rgb


def _body(sheet: Sheet, shape: str, ink: Ink) -> None:
    if shape == "box":
        sheet.box((90, 60, 410, 610), fill=ink)
        sheet.shape((410, 60, 450, 90, 450, 590, 410, 610), fill=tuple(v * 2 // 3 for v in ink))
    elif shape == "bag":
        sheet.shape((100, 40, 400, 40, 420, 110, 410, 610, 90, 610, 80, 110), fill=ink)
        sheet.line((90, 80, 410, 80), fill=(255, 255, 255), width=3)
    elif shape == "can":
        sheet.box((90, 60, 410, 610), fill=ink, radius=40)
        sheet.oval((95, 40, 405, 110), fill=(190, 194, 200), outline=(120, 120, 124), width=4)
    else:
        sheet.box((90, 140, 410, 610), fill=ink, radius=60)
        sheet.box((190, 40, 310, 160), fill=ink, radius=10)
        sheet.box((185, 20, 315, 64), fill=(60, 60, 64), radius=8)


def _fruit(sheet: Sheet, ink: Ink, random: Generator) -> None:
    lighter = tuple(min(255, value + 50) for value in ink)
    sheet.oval((140, 262, 360, 424), fill=(250, 246, 236))
    for _ in range(int(random.integers(3, 8))):
        x, y = random.uniform(185, 315), random.uniform(300, 390)
        size = random.uniform(20, 38)
        sheet.oval(
            (x - size, y - size, x + size, y + size), fill=ink, outline=(40, 30, 30), width=2
        )
        sheet.oval((x - size * 0.6, y - size * 0.6, x, y), fill=lighter)
        sheet.line((x, y - size, x + 8, y - size - 16), fill=(60, 110, 40), width=5)


def logo(at: Place) -> UInt8Array:
    """A mark beside or over a name: the mark stays, the words change, at times the colour."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.6, 1.8))
    ink, beside = mixed(style), style.random() < 0.5
    size = (520, 200) if beside else (360, 360)
    paper = w.pick(style, ((255, 255, 255), (246, 246, 240), (24, 28, 36)))
    sheet = Sheet(size, paper, at.studio.fonts.reading(style), zoom=zoom)
    _mark(sheet, (100.0 if beside else 180.0, 100.0 if beside else 140.0), ink, style)
    words = w.company(content).split()
    text: Ink = (240, 240, 240) if sum(paper) < 200 else (30, 30, 30)
    place, anchor = ((200, 72), "la") if beside else ((180, 252), "ma")
    sheet.text(place, words[0], 44, bold=True, fill=text, anchor=anchor)
    sheet.text((place[0], place[1] + 54), words[1], 22, fill=text, anchor=anchor)
    return sheet.rgb


def _mark(sheet: Sheet, middle: tuple[float, float], ink: Ink, style: Generator) -> None:
    """Rings and petals around a point."""
    x, y = middle
    other = mixed(style)
    sheet.oval((x - 80, y - 80, x + 80, y + 80), outline=other, width=int(style.integers(4, 20)))
    petals, reach = int(style.integers(3, 8)), float(style.uniform(40, 66))
    for petal in range(petals):
        turn = 2 * math.pi * petal / petals
        ends = [turn - 0.35, turn, turn + 0.35]
        far = [(x + reach * math.cos(a), y + reach * math.sin(a)) for a in ends]
        points = [x, y, *(value for point in far for value in point)]
        sheet.shape(points, fill=ink if petal % 2 else other)
    sheet.oval((x - 16, y - 16, x + 16, y + 16), fill=ink)
