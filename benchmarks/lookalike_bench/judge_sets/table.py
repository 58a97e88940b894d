"""Every kind of picture there is, and which are left out of fitting whole."""

from __future__ import annotations

from collections.abc import Mapping

from lookalike_bench.judge_sets import (
    framed,
    nature,
    packs,
    pages,
    paper,
    people,
    plots,
    screens,
    series,
    sprites,
)
from lookalike_bench.judge_sets.real import DOMAINS, SHOTS
from lookalike_bench.judge_sets.studio import Kind

__all__ = ["COLLECTIONS", "KINDS", "LEFT_OUT", "PHOTOS", "REAL_CANNOT", "every_kind"]

#: how many single photos
PHOTOS = 160
_FINE = frozenset(("soft", "crop"))
_PAINTED = frozenset(("colour", "tone"))
_BARE = frozenset[str]()

KINDS: Mapping[str, Kind] = {
    "invoices": Kind(pages.invoice),
    "receipts": Kind(paper.receipt),
    "tickets": Kind(paper.ticket),
    "parcel_labels": Kind(paper.parcel_label),
    "price_tags": Kind(paper.price_tag),
    "forms_filled": Kind(pages.filled_form),
    "letters_one_digit": Kind(paper.letter, cannot=_FINE),
    "tables": Kind(pages.table_page, cannot=_FINE),
    "calendars": Kind(pages.calendar_page),
    "sheet_music": Kind(paper.sheet_music),
    "slides": Kind(pages.slide),
    "plots": Kind(plots.line_plot, layouts=9, each=7),
    "charts": Kind(plots.bar_chart, layouts=9, each=7),
    "chat": Kind(screens.chat),
    "app_screens": Kind(screens.app_screen, cannot=_FINE | _PAINTED),
    "pages_language": Kind(
        screens.page_in_a_language, 16, 4, photos=1, cannot=frozenset(("crop",))
    ),
    "pages_theme": Kind(screens.page_in_a_theme, 11, 6, photos=1, cannot=_PAINTED),
    "screens_one_line": Kind(screens.log_screen, cannot=_FINE),
    "badges": Kind(people.badge),
    "faces": Kind(people.face),
    "products": Kind(packs.product, cannot=_PAINTED),
    "logos": Kind(packs.logo),
    "sprites": Kind(sprites.sprite, layouts=10, each=7, cannot=_PAINTED),
    "icons": Kind(sprites.icon, layouts=10, each=7),
    "radiographs": Kind(nature.radiograph),
    "maps": Kind(nature.street_map),
    "templates_phone": Kind(framed.phone_page, photos_each=1),
    "templates_memes": Kind(framed.meme, photos_each=1),
    "captions_only": Kind(framed.captioned, 20, 3, photos=1, one_picture="caption_in_it"),
    "collages": Kind(framed.collage, 12, 5, 0, 6, "small"),
    "contact_sheets": Kind(framed.contact_sheet, 12, 5, 12, 0, "small", parts=True),
    "series_video": Kind(series.video, 8, 8, 1, 0, "large", _FINE, dated=True),
    "series_pan": Kind(series.pan, 8, 8, 1, 0, "large", frozenset(("crop",)), dated=True),
    "series_parallax": Kind(series.parallax, 8, 8, 1, 0, "large", dated=True),
    "exposure": Kind(
        series.bracket, 8, 8, 1, 0, "large", _PAINTED | {"soft"}, dated=True, stops=0.7
    ),
    "focus": Kind(
        series.focus_stack, 8, 8, 1, 0, "large", frozenset(("sharp", "soft")), dated=True
    ),
}
#: what real kinds cannot bear
REAL_CANNOT: Mapping[str, frozenset[str]] = {
    "shots_frames": _FINE,
    "shots_viewpoint": _BARE,
    "shots_pan": frozenset(("crop",)),
    "shots_exposure": _PAINTED | {"soft"},
    "shots_focus": frozenset(("sharp", "soft")),
    "web_receipts": _BARE,
    "web_charts": _FINE | _PAINTED,
    "web_sprites": _PAINTED,
    "web_logos": _PAINTED,
    "photos": _BARE,
}
#: never fitted with: one or more of every collection
LEFT_OUT = frozenset(
    (
        *("tickets", "calendars", "sheet_music", "slides", "charts", "app_screens", "badges"),
        *("radiographs", "icons", "products", "templates_memes", "series_parallax", "focus"),
        *("shots_viewpoint", "web_receipts", "web_charts"),
    )
)
#: kinds by what a collection holds
COLLECTIONS: Mapping[str, frozenset[str]] = {
    "documents": frozenset(
        (
            *("invoices", "receipts", "tickets", "parcel_labels", "price_tags", "forms_filled"),
            *("letters_one_digit", "tables", "calendars", "sheet_music", "badges", "web_receipts"),
        )
    ),
    "screens": frozenset(
        (
            *("slides", "chat", "app_screens", "pages_language", "pages_theme"),
            *("screens_one_line", "templates_phone", "templates_memes"),
        )
    ),
    "drawings": frozenset(
        (
            *("plots", "charts", "logos", "sprites", "icons", "maps", "web_charts"),
            *("web_sprites", "web_logos"),
        )
    ),
    "series": frozenset(
        (
            *("series_video", "series_pan", "series_parallax", "exposure", "focus", "faces"),
            *SHOTS,
        )
    ),
    "photos": frozenset(
        ("photos", "captions_only", "collages", "contact_sheets", "products", "radiographs")
    ),
}


def every_kind() -> tuple[str, ...]:
    """Names of all kinds, drawn, rendered and real."""
    return (*KINDS, *SHOTS, *DOMAINS, "photos")
