"""Pages of five shared templates, each photo an inset in two of them.

Strangers share a template's whole furniture: chrome, text, icons and its own pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo
from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import Ingredients, SetFolder
from lookalike_bench.hard.page import Area, Page, sentence

__all__ = ["TEMPLATES", "Inset", "fill_templates"]

_PHOTOS = 100
_FURNITURE = 12


@dataclass(frozen=True, slots=True)
class Inset:
    """What a template shows, and where.

    Attributes:
        rgb: the photo.
        share: of the page's area that is asked for, less where the template has less room.
        across: place from left (0) to right (1).
        down: place from top (0) to bottom (1).
        furniture: the template's own pictures, the same on all of its pages.
        fixed: random numbers of the template.
        own: random numbers of this page: its caption.
    """

    rgb: UInt8Array
    share: float
    across: float
    down: float
    furniture: Sequence[UInt8Array]
    fixed: Generator
    own: Generator

    def place(self, page: Area, room: Area) -> Area:
        """Where the photo goes, of its own shape, inside the room that a page has for it."""
        shape = self.rgb.shape[1] / self.rgb.shape[0]
        width = math.sqrt(self.share * page.width * page.height * shape)
        width = min(width, room.width, room.height * shape)
        size = (math.floor(width), math.floor(width / shape))
        return Area(
            room.left + round(self.across * (room.width - size[0])),
            room.top + round(self.down * (room.height - size[1])),
            *size,
        )


def fill_templates(given: Ingredients, out: SetFolder) -> None:
    """100 photos, each with two pages: half of them of one template, half of two.

    Truth: a photo and its pages are one group; pages of one template are strangers. The edit is
    the template's name. Insets take 20–60 % of a page, as far as the template has room.
    """
    names = list(TEMPLATES)
    for number, path in enumerate(given.photos[:_PHOTOS]):
        out.add_photo(path)
        rgb = read_photo(path)
        first = number % len(names)
        other = (first + 1 + number // 2 % (len(names) - 1)) % len(names)
        for page, name in enumerate((names[first], names[other if number % 2 else first])):
            own = given.random("page", path.stem, page)
            drawn = TEMPLATES[name](_inset(given, name, rgb, own))
            out.add(f"{path.stem}__{page}_{name}", drawn.rgb, group=path.stem, edit=name)


def _inset(given: Ingredients, template: str, rgb: UInt8Array, own: Generator) -> Inset:
    at = list(TEMPLATES).index(template) * _FURNITURE
    return Inset(
        rgb=rgb,
        share=float(own.uniform(0.2, 0.6)),
        across=float(own.choice([0.0, 0.5, 1.0])),
        down=float(own.choice([0.0, 0.5, 1.0])),
        furniture=[given.canvas(at + number) for number in range(_FURNITURE)],
        fixed=given.random("template", template),
        own=own,
    )


def _phone(inset: Inset) -> Page:
    """A phone's screen: bars, a feed with a post before and one after."""
    page = Page(390, 844, (250, 250, 250))
    fixed, furniture = inset.fixed, inset.furniture
    place = inset.place(page.area, Area(0, 140, 390, 560))
    page.picture(Area(0, 90, 390, max(40, place.top - 90)), furniture[0])
    _head(page, Area(0, place.top - 46, 390, 46), furniture[1], sentence(fixed, 2))
    # what the photo leaves free beside it is the app's grey
    page.box(Area(0, place.top, 390, place.height), (225, 228, 232))
    page.picture(place, inset.rgb)
    row = Area(0, place.bottom, 390, 844 - place.bottom)
    page.box(row, (250, 250, 250))
    for number, name in enumerate(("heart", "bubble", "star")):
        page.icon(name, Area(12 + 40 * number, row.top + 8, 22, 22))
    page.words(300, row.top + 8, f"{inset.own.integers(9000)} likes", size=14)
    page.words(12, row.top + 38, sentence(inset.own, 6), size=14)
    page.text(Area(12, row.top + 58, 366, 40), fixed, size=13)
    _head(page, Area(0, row.top + 104, 390, 46), furniture[2], sentence(fixed, 2))
    page.picture(Area(0, row.top + 152, 390, 260), furniture[3])
    page.box(Area(0, 0, 390, 90), (38, 70, 140))
    page.words(20, 8, "9:41", size=15, ink=(255, 255, 255))
    page.words(330, 8, "LTE 82%", size=12, ink=(255, 255, 255))
    page.words(20, 42, "Snapfeed", size=28, ink=(255, 255, 255))
    page.box(Area(0, 786, 390, 58), (236, 236, 240))
    for number, name in enumerate(("home", "lens", "plus", "heart", "person")):
        page.icon(name, Area(24 + 78 * number, 800, 28, 28))
    return page


def _meme(inset: Inset) -> Page:
    """A meme's frame: the joke above, a reaction below, a mark."""
    page = Page(500, 640, (255, 255, 255))
    place = inset.place(page.area, Area(8, 112, 484, 390))
    page.box(Area(0, 104, 500, 406), (28, 28, 34))
    page.words(16, 10, "NOBODY:", size=36)
    page.words(16, 54, "MY CAT AT THREE IN THE MORNING:", size=26)
    page.picture(place, inset.rgb)
    for number in range(3):
        page.picture(Area(8 + 120 * number, 516, 112, 112), inset.furniture[number])
    page.icon("star", Area(390, 520, 56, 56), (220, 60, 40))
    page.words(376, 582, "memeworks", size=20, ink=(220, 60, 40))
    page.words(376, 608, "follow for more", size=14)
    return page


def _newspaper(inset: Inset) -> Page:
    """A newspaper's page: four columns that flow around the photo, and an advertisement."""
    page = Page(640, 820, (240, 236, 226))
    fixed = inset.fixed
    page.words(120, 6, "The Morning Ledger", size=44)
    page.box(Area(20, 66, 600, 3), (20, 20, 20))
    page.words(24, 72, "No. 18,204       Saturday       Price two shillings", size=13)
    page.box(Area(20, 92, 600, 2), (20, 20, 20))
    page.words(24, 98, "Council Divided Over New Bridge", size=36)
    place = inset.place(page.area, Area(20, 152, 600, 560))
    around = Area(place.left - 6, place.top - 4, place.width + 12, place.height + 24)
    advertisement = Area(474, 690, 146, 110)
    for column in range(4):
        area = Area(20 + 153 * column, 152, 141, 650 if column < 3 else 530)
        page.text(area, fixed, size=11, around=around)
    page.picture(place, inset.rgb)
    page.words(place.left, place.bottom + 3, sentence(inset.own, 7), size=11)
    page.picture(advertisement, inset.furniture[0])
    page.box(Area(474, 776, 146, 24), (20, 20, 20))
    page.words(484, 780, "Sold everywhere", size=14, ink=(240, 236, 226))
    return page


def _shop(inset: Inset) -> Page:
    """A web shop's page: the article, its price, others below."""
    page = Page(780, 640, (255, 255, 255))
    fixed = inset.fixed
    page.box(Area(0, 0, 780, 52), (20, 30, 48))
    page.words(16, 10, "bazaar.example", size=26, ink=(255, 170, 40))
    page.box(Area(250, 12, 360, 28), (245, 245, 245), radius=6)
    page.icon("lens", Area(580, 16, 20, 20))
    for number, name in enumerate(("person", "heart", "lines")):
        page.icon(name, Area(650 + 40 * number, 14, 24, 24), (230, 230, 230))
    page.box(Area(0, 52, 780, 22), (44, 58, 84))
    page.words(16, 54, "Today   Books   Garden   Kitchen   Toys   Music", size=14, ink=(240,) * 3)
    page.picture(inset.place(page.area, Area(12, 84, 490, 410)), inset.rgb)
    page.words(520, 92, sentence(inset.own, 3), size=22)
    for star in range(5):
        page.icon("star", Area(520 + 24 * star, 128, 20, 20), (255, 160, 20))
    page.words(520, 158, f"{inset.own.integers(5, 900)}.99", size=34, ink=(170, 20, 20))
    page.text(Area(520, 210, 244, 120), fixed, size=14)
    page.box(Area(520, 350, 240, 44), (255, 190, 40), radius=20)
    page.words(580, 358, "Add to basket", size=20)
    page.text(Area(520, 410, 244, 80), fixed, size=12)
    page.words(12, 502, "Customers also looked at", size=18)
    for number in range(7):
        page.picture(Area(12 + 109 * number, 530, 100, 84), inset.furniture[number])
        page.words(12 + 109 * number, 616, f"{fixed.integers(5, 90)}.50", size=14)
    return page


def _post(inset: Inset) -> Page:
    """A social page on a wide screen: a post with replies, topics beside it."""
    page = Page(700, 660, (222, 230, 240))
    fixed, furniture = inset.fixed, inset.furniture
    page.box(Area(12, 12, 460, 640), (255, 255, 255), radius=14)
    _head(page, Area(16, 16, 440, 46), furniture[0], sentence(fixed, 2))
    page.words(28, 66, sentence(inset.own, 8), size=15)
    place = inset.place(page.area, Area(16, 92, 452, 420))
    page.picture(place, inset.rgb)
    page.box(Area(16, place.bottom + 4, 452, 1), (200, 200, 200))
    for reply in range(6):
        top = place.bottom + 10 + 58 * reply
        if top + 54 > 648:
            break
        _head(page, Area(16, top, 440, 30), furniture[1 + reply], sentence(fixed, 2))
        page.text(Area(60, top + 28, 390, 24), fixed, size=13)
    page.box(Area(486, 12, 202, 640), (255, 255, 255), radius=14)
    page.words(500, 20, "What happens", size=22)
    for topic in range(7):
        top = 58 + 84 * topic
        page.picture(Area(500, top, 64, 64), furniture[5 + topic])
        page.text(Area(572, top, 108, 70), fixed, size=12)
    return page


def _head(page: Page, area: Area, person: UInt8Array, name: str) -> None:
    """The head of a post: a round picture, a name, icons."""
    side = area.height - 8
    page.box(area, (250, 250, 250))
    page.disc(Area(area.left + 10, area.top + 4, side, side), person)
    page.words(area.left + side + 20, area.top + 5, name, size=max(12, side // 2))
    page.icon("lines", Area(area.right - 34, area.top + side // 4, side // 2, side // 2))


TEMPLATES: Mapping[str, Callable[[Inset], Page]] = {
    "phone": _phone,
    "meme": _meme,
    "newspaper": _newspaper,
    "shop": _shop,
    "post": _post,
}
