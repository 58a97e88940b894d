"""Papers of one form, filled in differently: receipts, tickets, labels, letters, music."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.sheet import Ink, Sheet, bars, mixed, square_code
from lookalike_bench.judge_sets.studio import Place

__all__ = ["letter", "parcel_label", "price_tag", "receipt", "sheet_music", "ticket"]

_GREY: Ink = (110, 110, 110)


def receipt(at: Place) -> UInt8Array:
    """A shop's slip: head and foot of the shop, goods and sums of the purchase."""
    style, content = at.style, at.content
    family = w.pick(style, at.studio.fonts.mono)
    wide = float(style.uniform(280, 360))
    lines = int(content.integers(3, 14))
    tall = 420 + 26 * lines + int(style.integers(0, 60))
    tint = int(style.integers(236, 256))
    sheet = Sheet((wide, tall), (tint, tint, tint - 4), family, zoom=float(style.uniform(1, 2.2)))
    _shop(sheet, wide, style)
    scanned = style.random() < 0.5
    y = 160.0
    sheet.text((18, y), f"{w.day(content)}  {w.clock(content)}", 13)
    sheet.text((18, y + 20), f"Till {content.integers(1, 9)}  No {w.digits(content, 7)}", 13)
    y += 52
    total = 0.0
    for goods in w.some(content, w.GOODS, lines):
        cost = w.price(content, 60)
        total += cost
        sheet.text((18, y), goods[:18], 14)
        sheet.text((wide - 18, y), f"{cost:.2f}", 14, anchor="ra")
        y += 26
    sheet.line((18, y + 4, wide - 18, y + 4), fill=(0, 0, 0), width=1)
    sheet.text((18, y + 12), "TOTAL", 20, bold=True)
    sheet.text((wide - 18, y + 12), f"{total:.2f}", 20, bold=True, anchor="ra")
    paid = w.pick(content, ("CASH", "CARD ****" + w.digits(content, 4), "VOUCHER"))
    sheet.text((18, y + 44), paid, 13)
    sheet.text((18, y + 62), f"Tax 7%  {total * 0.07:.2f}", 13)
    bars(sheet, (40, y + 96, wide - 40, y + 140), content)
    sheet.text((wide / 2, y + 150), "THANK YOU FOR SHOPPING", 13, anchor="ma")
    return scan(sheet.rgb, content) if scanned else sheet.rgb


def _shop(sheet: Sheet, wide: float, style: Generator) -> None:
    street, town = w.address(style)
    sheet.text((wide / 2, 26), w.company(style).upper()[:22], 20, bold=True, anchor="ma")
    for line, words in enumerate((street, town, f"Tel {w.digits(style, 9)}")):
        sheet.text((wide / 2, 60 + 20 * line), words, 13, anchor="ma")
    sheet.text((wide / 2, 126), w.pick(style, ("* * * * *", "----------", "==========")), 14)


def scan(rgb: UInt8Array, random: Generator) -> UInt8Array:
    """Paper as a scanner or phone sees it: turned a little, uneven light, noise."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-1.5, 1.5), 1.0)
    turn[:, 2] += random.uniform(-3, 3, 2)
    turned = cv2.warpAffine(rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(turned, (0, 0), random.uniform(0.4, 0.9)).astype(np.float32)
    ends = random.uniform(0.82, 1.02, 4).astype(np.float32).reshape(2, 2)
    light = cv2.resize(ends, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    noise = random.normal(0, random.uniform(1.5, 4), rgb.shape)
    return np.clip(soft * light + noise, 0, 255).astype(np.uint8)


def ticket(at: Place) -> UInt8Array:
    """A train, concert or plane ticket; layouts differ in colour, sides and code."""
    style, content = at.style, at.content
    ink = mixed(style, dark=True)
    zoom = float(style.uniform(0.9, 1.9))
    sheet = Sheet((760, 300), (250, 248, 240), at.studio.fonts.reading(style), zoom=zoom)
    head = w.pick(style, ("BOARDING PASS", "RAIL TICKET", "CONCERT HALL", "FERRY", "CINEMA"))
    band = style.random() < 0.5
    sheet.box((0, 0, 760, 58) if band else (0, 0, 70, 300), fill=ink)
    sheet.text((90, 12), head, 30, bold=True, fill=(255, 255, 255) if band else ink)
    sheet.text((736, 18), w.company(style), 18, fill=(255, 255, 255) if band else ink, anchor="ra")
    for x in range(0, 300, 12):
        sheet.line((560, x, 560, x + 6), fill=_GREY, width=2)
    start, end = w.some(content, [w.address(content)[1][6:] for _ in range(12)], 2)
    fields = {
        "Name": w.person(content),
        "Date": w.day(content),
        "Time": w.clock(content),
        "Seat": f"{content.integers(1, 60)}{w.pick(content, 'ABCDEF')}",
        "Gate": str(content.integers(1, 40)),
        "Price": f"{w.price(content):.2f} EUR",
    }
    sheet.text((90, 74), f"{start} – {end}", 34, bold=True)
    for number, (name, value) in enumerate(fields.items()):
        x, y = 90 + 155 * (number % 3), 138 + 68 * (number // 3)
        sheet.text((x, y), name, 14, fill=_GREY)
        sheet.text((x, y + 18), value, 22 if number else 17, bold=True)
    if style.random() < 0.6:
        square_code(sheet, (590, 90, 730, 230), content)
    else:
        bars(sheet, (590, 90, 730, 230), content)
    sheet.text((660, 246), w.digits(content, 10), 18, anchor="ma")
    return sheet.rgb


def parcel_label(at: Place) -> UInt8Array:
    """A carrier's label: sender and service of the layout, receiver and code of the parcel."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.8, 2))
    sheet = Sheet((480, 680), (255, 255, 255), at.studio.fonts.reading(style), zoom=zoom)
    sheet.box((8, 8, 472, 672), outline=(0, 0, 0), width=3)
    tall = float(style.uniform(60, 110))
    if style.random() < 0.5:
        sheet.box((8, 8, 472, tall), fill=mixed(style, dark=True))
        sheet.text((24, 20), w.company(style), 30, bold=True, fill=(255, 255, 255))
    else:
        sheet.text((24, 20), w.company(style), 30, bold=True)
        sheet.text((456, 20), w.pick(style, ("EXPRESS", "ECO", "24H", "2ND DAY")), 26, anchor="ra")
    y = tall + 10
    for words in ("From:", w.company(style), *w.address(style)):
        sheet.text((24, y), words, 14)
        y += 18
    sheet.line((8, y + 6, 472, y + 6), fill=(0, 0, 0), width=2)
    y += 16
    for words in ("To:", w.person(content), *w.address(content)):
        sheet.text((60, y), words, 26, bold=True)
        y += 32
    sheet.line((8, y + 4, 472, y + 4), fill=(0, 0, 0), width=2)
    weight = f"{content.uniform(0.2, 30):.1f} kg   {content.integers(1, 4)} of 3   {w.day(content)}"
    sheet.text((24, y + 14), weight, 20)
    if style.random() < 0.5:
        square_code(sheet, (330, y + 44, 450, y + 164), content)
    sheet.text((24, y + 60), w.pick(content, ("A", "B", "C")) + w.digits(content, 3), 64, bold=True)
    bars(sheet, (40, 560, 440, 640), content)
    sheet.text((240, 645), " ".join(w.digits(content, 4) for _ in range(4)), 18, anchor="ma")
    return sheet.rgb


def price_tag(at: Place) -> UInt8Array:
    """A shelf's price tag."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.7, 1.8))
    paper = w.pick(style, ((255, 255, 255), (255, 236, 90), (255, 250, 235), (232, 244, 255)))
    sheet = Sheet((420, 250), paper, at.studio.fonts.reading(style), zoom=zoom)
    ink = mixed(style, dark=True)
    sheet.box((4, 4, 416, 246), outline=ink, width=4, radius=float(style.integers(0, 22)))
    top = style.random() < 0.5
    sheet.box((4, 4, 416, 50) if top else (4, 200, 416, 246), fill=ink)
    offer = w.pick(style, ("OFFER", "LOW PRICE", "NEW", "WEEKLY DEAL"))
    sheet.text((210, 27 if top else 223), offer, 26, bold=True, fill=(255, 255, 255), anchor="mm")
    y = 62 if top else 16
    cost = w.price(content, 80)
    sheet.text((20, y), w.pick(content, w.GOODS), 24)
    sheet.text((20, y + 30), f"Art. {w.digits(content, 6)}", 14, fill=_GREY)
    sheet.text((400, y + 24), f"{cost:.2f}", 84, bold=True, fill=ink, anchor="ra")
    sheet.text((400, y + 112), f"1 kg = {cost * content.uniform(1, 4):.2f}", 14, anchor="ra")
    bars(sheet, (20, y + 90, 150, y + 130), content)
    return sheet.rgb


def letter(at: Place) -> UInt8Array:
    """A letter of which every picture has one digit, or one word, of its own."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.7, 1.5))
    sheet = Sheet((620, 800), (255, 255, 255), at.studio.fonts.reading(style), zoom=zoom)
    sheet.text((50, 40), w.company(style), 26, bold=True)
    for line, words in enumerate(w.address(style)):
        sheet.text((50, 76 + 18 * line), words, 14)
    sheet.line((50, 120, 570, 120), fill=_GREY, width=1)
    figures = [w.digits(style, 6) for _ in range(6)]
    # the first of a layout as it is; of the others one digit differs
    if at.number:
        row, place = int(content.integers(6)), int(content.integers(6))
        other = str((int(figures[row][place]) + content.integers(1, 10)) % 10)
        figures[row] = figures[row][:place] + other + figures[row][place + 1 :]
    labels = ("Invoice", "Customer", "Account", "Amount", "Reference", "Meter")
    y = 150
    for line, sentence in enumerate(w.some(style, w.SENTENCES["en"], 12)):
        sheet.text((50, y), sentence, 16)
        y += 26
        if line % 2:
            words = f"{labels[line // 2]}: {figures[line // 2]}"
            sheet.text((80, y + 2), words, 17, bold=True)
            y += 36
    sheet.text((50, y + 30), "Yours sincerely", 16)
    sheet.text((50, y + 60), w.person(style), 18, bold=True)
    return sheet.rgb


def sheet_music(at: Place) -> UInt8Array:
    """Staves with other notes; title, key and spacing are the layout's."""
    style, content = at.style, at.content
    zoom = float(style.uniform(0.7, 1.6))
    staves = int(style.integers(4, 8))
    family = at.studio.fonts.reading(style)
    sheet = Sheet((640, 120 + 100 * staves), (253, 252, 246), family, zoom=zoom)
    sheet.text((320, 30), f"Study No {style.integers(1, 60)}", 28, bold=True, anchor="ma")
    sheet.text((600, 70), w.person(style), 14, anchor="ra")
    gap, step = float(style.uniform(8, 11)), float(style.uniform(26, 40))
    flats = int(style.integers(0, 5))
    for stave in range(staves):
        top = 110 + 100 * stave
        for line in range(5):
            y = top + gap * line
            sheet.line((30, y, 610, y), fill=(0, 0, 0), width=1)
        sheet.arc((36, top - 8, 60, top + 4 * gap + 8), (60, 330), fill=(0, 0, 0), width=3)
        sheet.line((50, top - 14, 50, top + 4 * gap + 14), fill=(0, 0, 0), width=2)
        for flat in range(flats):
            sheet.text((66 + 9 * flat, top + gap * (flat % 3)), "b", 16)
        for bar in range(1, 4):
            x = 30 + 580 * bar / 4
            sheet.line((x, top, x, top + 4 * gap), fill=(0, 0, 0), width=1)
        _notes(sheet, top, gap, step, content)
    return sheet.rgb


def _notes(sheet: Sheet, top: float, gap: float, step: float, random: Generator) -> None:
    x = 120.0
    height = int(random.integers(0, 9))
    while x < 590:
        height = int(np.clip(height + random.integers(-3, 4), -1, 10))
        y = top + gap * (4 - height / 2)
        filled = random.random() < 0.75
        head = (x, y - gap * 0.42, x + gap * 1.3, y + gap * 0.42)
        sheet.oval(head, fill=(0, 0, 0) if filled else None, outline=(0, 0, 0), width=2)
        if random.random() < 0.9:
            up = height < 5
            stem = x + gap * 1.25 if up else x
            sheet.line((stem, y, stem, y - 32 if up else y + 32), fill=(0, 0, 0), width=1.6)
        x += step * float(random.choice([0.6, 1, 1, 1.6]))
