"""Office pages shown by a browser: invoices, forms, tables, calendars, slides."""

from __future__ import annotations

import calendar
from html import escape

from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.fonts import Family
from lookalike_bench.judge_sets.paper import scan
from lookalike_bench.judge_sets.sheet import Ink, mixed
from lookalike_bench.judge_sets.studio import Place

__all__ = ["calendar_page", "filled_form", "invoice", "slide", "table_page"]


def css(ink: Ink) -> str:
    """A colour as CSS says it."""
    return f"rgb({ink[0]},{ink[1]},{ink[2]})"


def rows(cells: list[list[str]], tag: str = "td") -> str:
    """Table rows."""
    lines = ("".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for row in cells)
    return "".join(f"<tr>{line}</tr>" for line in lines)


def _scaled(at: Place, html: str, size: tuple[int, int], family: Family) -> UInt8Array:
    """A page at the layout's own zoom."""
    zoom = float(at.style.uniform(0.6, 1.3))
    page = f"<style>html {{ zoom: {zoom:.3f}; }}</style>{html}"
    return at.studio.shown(page, round(size[0] * zoom), round(size[1] * zoom), family)


def invoice(at: Place) -> UInt8Array:
    """A firm's invoice: letterhead and table of the layout; receiver, goods and sums its own."""
    style, content = at.style, at.content
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    firm, street = w.company(style), ", ".join(w.address(style))
    left = style.random() < 0.5
    stripes = style.random() < 0.5
    head = w.pick(style, ("Invoice", "Bill", "Rechnung", "Factura", "Delivery note"))
    scanned = style.random() < 0.35
    total, goods = 0.0, []
    for name in w.some(content, w.GOODS, int(content.integers(3, 13))):
        count, cost = int(content.integers(1, 40)), w.price(content)
        total += count * cost
        cells = [name, w.digits(content, 5), str(count), f"{cost:.2f}", f"{count * cost:.2f}"]
        goods.append(cells)
    receiver = "<br>".join(escape(words) for words in (w.person(content), *w.address(content)))
    html = f"""<style>
    body {{ padding: 46px; font-size: 15px; }}
    .head {{ display: flex; flex-direction: {"row" if left else "row-reverse"}; gap: 20px; }}
    .mark {{ width: 70px; height: 70px; background: {css(ink)}; color: white; font-size: 34px;
      line-height: 70px; text-align: center; border-radius: {style.integers(0, 36)}px; }}
    h1 {{ color: {css(ink)}; margin: 0 0 6px; font-size: 28px; }}
    table {{ width: 100%; margin-top: 26px; }} td, th {{ padding: 6px 8px; text-align: left; }}
    th {{ background: {css(ink)}; color: white; }} td {{ border-bottom: 1px solid #ccc; }}
    tr:nth-child(even) td {{ background: {"#f1f3f6" if stripes else "white"}; }}
    .sum {{ text-align: right; font-size: 21px; margin-top: 18px; }}
    footer {{ position: absolute; bottom: 26px; left: 46px; font-size: 12px; color: #666; }}
    </style><div class=head><div class=mark>{firm[0]}</div><div><h1>{firm}</h1>{street}</div></div>
    <p style="margin-top: 34px; float: left">{receiver}</p>
    <p style="margin-top: 34px; text-align: right">{w.day(content)}<br>
    No. {w.digits(content, 7)}</p><h2 style="clear: both">{head}</h2>
    <table>{rows([["Item", "No.", "Qty", "Price", "Sum"]], "th")}{rows(goods)}</table>
    <p class=sum>Net {total:.2f}<br>Tax 19% {total * 0.19:.2f}<br>
    <b>Total {total * 1.19:.2f} EUR</b></p><footer>Payable within 30 days to account
    {w.digits(style, 10)}, bank of {w.address(style)[1]}. Court of registry {w.digits(style, 5)}.
    </footer>"""
    page = _scaled(at, html, (780, 1060), family)
    return scan(page, content) if scanned else page


_FIELDS = (
    *("Last name", "First name", "Date of birth", "Street", "Town", "Telephone", "Occupation"),
    *("Employer", "Policy number", "Account", "Date of accident", "Amount claimed", "Doctor"),
    *("Height / weight", "Registration", "Vehicle", "Next of kin", "Nationality"),
)


def filled_form(at: Place) -> UInt8Array:
    """A printed form, typed or written by hand; boxes ticked."""
    style, content = at.style, at.content
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    by_hand = content.random() < 0.5
    hand = w.pick(content, at.studio.fonts.hand if by_hand else at.studio.fonts.mono)
    pen = w.pick(content, ("#12307a", "#111", "#203a9a")) if by_hand else "#111"
    boxed = style.random() < 0.5
    scanned = style.random() < 0.4
    columns = int(style.integers(1, 3))
    fields = w.some(style, _FIELDS, int(style.integers(9, 15)))
    shape = "border: 1.5px solid #555" if boxed else "border-bottom: 1.5px dotted #555"
    made = "".join(
        f"<label><small>{name}</small><i>{escape(_answer(name, content))}</i></label>"
        for name in fields
    )
    questions = w.some(style, w.SENTENCES["en"], 5)
    ticks = "".join(
        f"<p>{'☒' if yes else '☐'} yes {'☐' if yes else '☒'} no &nbsp; {question}</p>"
        for question, yes in zip(questions, content.random(5) < 0.5, strict=True)
    )
    signed = escape(w.person(content))
    html = f"""<style>
    @font-face {{ font-family: pen; src: url("{hand.regular}"); }}
    body {{ padding: 40px; }} h1 {{ font-size: 24px; color: {css(ink)}; }}
    .grid {{ display: grid; grid-template-columns: repeat({columns}, 1fr); gap: 12px 22px; }}
    label {{ display: block; }} small {{ display: block; color: {css(ink)}; font-size: 11px; }}
    i {{ display: block; {shape}; height: 32px; padding: 2px 8px; color: {pen};
      font: {"24px" if by_hand else "19px"} pen; white-space: nowrap; overflow: hidden; }}
    .sign {{ font: 30px pen; color: {pen}; }}
    </style><h1>Form {style.integers(100, 999)}: {w.title(style)}</h1>
    <p style="font-size: 12px">{" ".join(w.some(style, w.SENTENCES["en"], 3))}</p>
    <div class=grid>{made}</div><div style="font-size: 14px; margin-top: 20px">{ticks}</div>
    <p class=sign>{signed}</p><small>Signature, {w.day(content)}</small>"""
    page = _scaled(at, html, (720, 940 if columns == 1 else 800), family)
    return scan(page, content) if scanned else page


def _answer(field: str, random: Generator) -> str:
    """What a person writes into a field."""
    if field in ("Street", "Town"):
        return w.address(random)[field == "Town"]
    if field.startswith("Date"):
        return w.day(random)
    if field in ("Telephone", "Policy number", "Account", "Registration"):
        return w.digits(random, int(random.integers(6, 11)))
    if field == "Amount claimed":
        return f"{w.price(random, 9000):.2f}"
    if field in ("Employer", "Vehicle"):
        return w.company(random)
    return w.person(random)


def table_page(at: Place) -> UInt8Array:
    """A spreadsheet or a listing: same heads, other figures."""
    style, content = at.style, at.content
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    columns, lines = int(style.integers(4, 8)), int(style.integers(10, 24))
    names = w.some(style, w.GOODS, lines)
    # some layouts have sheets of which only a few cells differ
    alike = style.random() < 0.4
    figures = style.integers(0, 10_000, (lines, columns))
    other = content.integers(0, 10_000, (lines, columns))
    changed = content.random((lines, columns)) < (0.08 if alike else 1.0)
    figures[changed] = other[changed]
    cells = [[name, *map(str, line)] for name, line in zip(names, figures.tolist(), strict=True)]
    heads = [["Item", *w.some(style, w.MONTHS, columns)]]
    lined = w.pick(style, ("border: 1px solid #bbb", "border-bottom: 1px solid #ddd", ""))
    html = f"""<style>
    body {{ padding: 14px; background: {w.pick(style, ("white", "#f7f7f9", "#fffdf5"))}; }}
    td, th {{ padding: 5px 12px; {lined}; font-size: 14px; text-align: right; }}
    td:first-child, th:first-child {{ text-align: left; }}
    th {{ background: {css(ink)}; color: white; }}
    tr:nth-child(odd) td {{ background: {w.pick(style, ("#eef2f7", "transparent"))}; }}
    </style><h2>{w.title(style)} {style.integers(2010, 2030)}</h2>
    <table>{rows(heads, "th")}{rows(cells)}</table>"""
    size = (200 + 100 * columns, 110 + 31 * lines)
    return _scaled(at, html, size, family)


def calendar_page(at: Place) -> UInt8Array:
    """A month with entries; other months of one planner."""
    style, content = at.style, at.content
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    year, month = int(content.integers(2015, 2030)), int(content.integers(1, 13))
    entries = {
        int(n): w.pick(content, w.TALK)[:16]
        for n in content.integers(1, 29, int(content.integers(2, 9)))
    }
    weeks = calendar.Calendar(int(style.choice([0, 6]))).monthdayscalendar(year, month)
    tint = w.pick(style, ("#fde9c9", "#d9ecff", "#e2f7dd", "#f3ddf4"))
    days = "".join(
        "<tr>"
        + "".join(
            f"<td><b>{day or ''}</b>"
            + (f"<div class=entry>{escape(entries[day])}</div>" if day in entries else "")
            for day in week
        )
        + "</tr>"
        for week in [*weeks, [0] * 7][:6]
    )
    names = "".join(f"<th>{name}</th>" for name in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))
    html = f"""<style>
    body {{ padding: 18px; }} table {{ width: 100%; table-layout: fixed; }}
    h1 {{ color: {css(ink)}; margin: 4px 0 12px; }} th {{ background: {css(ink)}; color: white; }}
    td {{ height: 84px; vertical-align: top; border: 1px solid #aaa; padding: 4px; }}
    .entry {{ background: {tint}; font-size: 11px; border-radius: 4px; padding: 2px 4px; }}
    </style><h1>{w.MONTHS[month - 1]} {year}</h1><table><tr>{names}</tr>{days}</table>"""
    return _scaled(at, html, (840, 640), family)


def slide(at: Place) -> UInt8Array:
    """A slide of a deck: the deck's look, this slide's heading, points and figure."""
    style, content = at.style, at.content
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    dark = style.random() < 0.4
    paper, text = ("#1c2230", "#f2f2f2") if dark else ("white", "#222")
    bar = w.pick(style, ("top", "left", "bottom"))
    rim = {"top": "0 0 auto 0", "left": "0 auto 0 0", "bottom": "auto 0 0 0"}[bar]
    band = "width: 26px" if bar == "left" else "height: 26px"
    points = w.some(content, w.SENTENCES["en"], int(content.integers(2, 6)))
    heights = content.integers(20, 160, 5)
    figure = "".join(f"<span style='height: {height}px'></span>" for height in heights)
    # under many points there is no room for one
    shown = figure if len(points) < 4 else ""
    html = f"""<style>
    body {{ background: {paper}; color: {text}; padding: 50px 60px; }}
    .rim {{ position: absolute; inset: {rim}; {band}; background: {css(ink)}; }}
    h1 {{ font-size: 44px; margin: 10px 0 24px; color: {css(ink) if not dark else "#ffd479"}; }}
    li {{ font-size: 25px; margin-bottom: 14px; }}
    .bars {{ position: absolute; right: 70px; bottom: 80px; display: flex; gap: 10px;
      align-items: flex-end; }}
    .bars span {{ width: 40px; background: {css(ink)}; border: 1px solid {text}; }}
    footer {{ position: absolute; bottom: 34px; left: 60px; font-size: 15px; opacity: .7; }}
    </style><div class=rim></div><h1>{w.title(content)}</h1>
    <ul>{"".join(f"<li>{point}</li>" for point in points)}</ul><div class=bars>{shown}</div>
    <footer>{w.company(style)} &nbsp; {content.integers(1, 60)}</footer>"""
    return _scaled(at, html, (960, 540 if style.random() < 0.6 else 720), family)
