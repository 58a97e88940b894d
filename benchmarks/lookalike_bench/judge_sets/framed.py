"""Photos in frames of one template, with captions, in collages and on contact sheets."""

from __future__ import annotations

from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import longest
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.fonts import Family
from lookalike_bench.judge_sets.sheet import Ink, Sheet, mixed
from lookalike_bench.judge_sets.studio import Place

__all__ = ["captioned", "collage", "contact_sheet", "meme", "phone_page", "phone_screen"]


def phone_page(at: Place) -> UInt8Array:
    """A phone's screen of one program around another photo."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.8, 1.9))
    bars = (float(style.integers(64, 110)), float(style.integers(90, 170)))
    sheet = phone_screen(
        at.studio.photo(at.index), at.studio.fonts.reading(style), bars, zoom, (style, content)
    )
    return sheet.rgb


def phone_screen(
    rgb: UInt8Array,
    family: Family,
    bars: tuple[float, float],
    zoom: float,
    randoms: tuple[Generator, Generator],
) -> Sheet:
    """A picture across a phone's screen, between status bar and buttons.

    Args:
        rgb: the picture.
        family: fonts.
        bars: height of the bars above and below it, at least 58 and 70 units.
        zoom: pixels a unit; the screen is 390 units wide.
        randoms: of the program: colours, buttons; of this screen: clock, battery, counts.
    """
    style, content = randoms
    dark = style.random() < 0.5
    paper, text = ((12, 12, 14), (240, 240, 240)) if dark else ((255, 255, 255), (20, 20, 20))
    tall = 390 * min(1.3, max(0.6, rgb.shape[0] / rgb.shape[1]))
    head, foot = bars
    sheet = Sheet((390, head + tall + foot), paper, family, zoom=zoom)
    bar = mixed(style, dark=True) if style.random() < 0.5 else paper
    name = w.company(style).split()[0]
    sheet.box((0, 0, 390, head), fill=bar)
    white: Ink = (255, 255, 255) if bar is not paper else text
    sheet.text((16, 6), w.clock(content), 15, bold=True, fill=white)
    sheet.text((374, 6), f"LTE {content.integers(5, 100)} %", 13, fill=white, anchor="ra")
    sheet.text((16, head - 32), f"< {name}", 22, bold=True, fill=white)
    sheet.picture((0, head, 390, head + tall), rgb)
    y, signs = head + tall + 14, int(style.integers(3, 6))
    for number in range(signs):
        x = 16 + number * 52
        shape = sheet.oval if number % 2 else sheet.box
        shape((x, y, x + 24, y + 24), outline=text, width=3)
    sheet.text((16, y + 34), f"{content.integers(1, 9000)} likes", 15, bold=True, fill=text)
    if foot > 120:
        sheet.text((16, y + 56), w.pick(content, w.TALK), 14, fill=text)
    bottom = head + tall + foot
    sheet.box((130, bottom - 12, 260, bottom - 7), fill=text, radius=2)
    return sheet


def meme(at: Place) -> UInt8Array:
    """A meme's frame of one maker, another photo in it and another joke."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.8, 1.6))
    dark = style.random() < 0.4
    paper, text = ((16, 16, 20), (250, 250, 250)) if dark else ((255, 255, 255), (10, 10, 10))
    sheet = Sheet((500, 620), paper, at.studio.fonts.reading(style), zoom=zoom)
    first = w.pick(
        style, ("NOBODY:", "MONDAY MORNING:", "MY BOSS:", "THE INTERNET:", "ME AT 3 AM:")
    )
    sheet.text((20, 14), first, 34, bold=True, fill=text)
    sheet.text((20, 62), w.pick(content, w.TALK), 26, fill=text)
    rim = float(style.integers(6, 40))
    sheet.box((rim - 4, 106, 504 - rim, 564), fill=mixed(style))
    sheet.picture((rim, 110, 500 - rim, 560), at.studio.photo(at.index))
    sheet.oval((20, 572, 60, 612), fill=mixed(style))
    sheet.text((72, 578), f"@{w.company(style).split()[0].lower()}memes", 22, fill=text)
    return sheet.rgb


def captioned(at: Place) -> UInt8Array:
    """One photo with other captions: the first of a layout is without."""
    rgb = longest(at.studio.photo(at.layout), int(at.style.integers(400, 900)))
    if not at.number:
        return rgb
    content = at.content
    height, width = rgb.shape[:2]
    sheet = Sheet((width, height), (0, 0, 0), w.pick(content, at.studio.fonts.text))
    sheet.picture((0, 0, width, height), rgb)
    size = width / 15
    for y in (0.04, 0.96):
        words = w.pick(content, w.TALK).upper()[: int(content.integers(12, 24))]
        look = {"anchor": "ma" if y < 0.5 else "md", "fill": (255, 255, 255)}
        edge = {"stroke_width": max(1, round(size / 12)), "stroke_fill": (0, 0, 0)}
        sheet.text((width / 2, y * height), words, size, bold=True, **look, **edge)
    return sheet.rgb


def collage(at: Place) -> UInt8Array:
    """Two to six photos of which two neighbours in a layout share the place, not the photos."""
    style = at.style
    cells = _CELLS[at.layout % len(_CELLS)]
    size = (int(style.integers(500, 1000)), int(style.integers(400, 900)))
    sheet = Sheet(size, mixed(style), at.studio.fonts.reading(style))
    gap = float(style.integers(2, 16))
    for number, (left, top, right, bottom) in enumerate(cells):
        ends = (left * size[0], top * size[1], right * size[0], bottom * size[1])
        inner = (ends[0] + gap, ends[1] + gap, ends[2] - gap, ends[3] - gap)
        sheet.picture(inner, at.studio.photo(at.index * 6 + number))
    return sheet.rgb


_CELLS: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
    ((0, 0, 0.5, 1), (0.5, 0, 1, 1)),
    ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)),
    ((0, 0, 0.6, 1), (0.6, 0, 1, 0.5), (0.6, 0.5, 1, 1)),
    (
        *((0, 0, 0.33, 0.5), (0.33, 0, 0.67, 0.5), (0.67, 0, 1, 0.5)),
        *((0, 0.5, 0.33, 1), (0.33, 0.5, 0.67, 1), (0.67, 0.5, 1, 1)),
    ),
    ((0, 0, 1, 0.5), (0, 0.5, 1, 1)),
    ((0, 0, 0.4, 0.6), (0.4, 0, 1, 0.6), (0, 0.6, 1, 1)),
)


def contact_sheet(at: Place) -> UInt8Array:
    """The first of a layout is a page of twelve photos; the others are four of these alone."""
    rgb = [at.studio.photo(at.layout * 12 + number) for number in range(12)]
    if at.number:
        return rgb[at.number - 1]
    style = at.style
    columns = int(style.choice([3, 4]))
    side, gap = int(style.integers(150, 260)), int(style.integers(6, 30))
    lines = 12 // columns
    size = (columns * (side + gap) + gap, lines * (side + gap + 18) + gap)
    paper = w.pick(style, ((255, 255, 255), (20, 20, 20), (238, 234, 226)))
    sheet = Sheet(size, paper, at.studio.fonts.reading(style))
    for number, photo in enumerate(rgb):
        x = gap + (number % columns) * (side + gap)
        y = gap + (number // columns) * (side + gap + 18)
        sheet.picture((x, y, x + side, y + side), photo)
        label = f"IMG_{w.digits(at.content, 4)}"
        sheet.text((x, y + side + 1), label, 13, fill=(128, 128, 128))
    return sheet.rgb
