"""Smooth and branching pictures without text: radiographs of one view, maps of one look."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.shots import bend
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.sheet import Ink, Sheet
from lookalike_bench.judge_sets.studio import Place

__all__ = ["radiograph", "street_map"]


def radiograph(at: Place) -> UInt8Array:
    """A chest or a hand of another patient: same view and marks, other bones and noise."""
    style, content = at.style, at.content
    side = int(style.integers(300, 900))
    chest = at.layout % 2 == 0
    body = _chest(style, content) if chest else _hand(content)
    body = cv2.GaussianBlur(body, (0, 0), 3.5)
    grown = bend(np.clip(body, 0, 255).astype(np.uint8), 0.02, content, cells=4)
    exposed = 255 * (grown / 255.0) ** content.uniform(0.8, 1.2)
    tall = round(side * (1.1 if chest else 1.3))
    sized = cv2.resize(exposed.astype(np.float32), (side, tall), interpolation=cv2.INTER_CUBIC)
    grain = content.normal(0, 1, sized.shape).astype(np.float32)
    noise = content.uniform(3, 7) * cv2.GaussianBlur(grain, (0, 0), 0.8)
    grey = np.clip(sized + noise, 0, 255).astype(np.uint8)
    mark = w.pick(style, ("L", "R", "AP", "PA"))
    place = (round(side * style.uniform(0.05, 0.8)), round(tall * 0.1))
    cv2.putText(grey, mark, place, cv2.FONT_HERSHEY_SIMPLEX, side / 300, 250, 2, cv2.LINE_AA)
    label = f"{w.digits(content, 6)} {w.day(content)}"
    under = (8, tall - 12)
    cv2.putText(grey, label, under, cv2.FONT_HERSHEY_SIMPLEX, side / 900, 230, 1, cv2.LINE_AA)
    return np.repeat(grey[..., None], 3, axis=2)


def _chest(style: Generator, content: Generator) -> FloatArray:
    """Shoulders, lungs, ribs, spine and heart, ``(440, 400)``."""
    body = np.full((440, 400), 18, np.float32)
    cv2.ellipse(body, (200, 260), (190, 250), 0, 0, 360, 150, -1)
    wide = content.uniform(0.85, 1.15, 4)
    for side, growth in ((-1, wide[0]), (1, wide[1])):
        lung = (round(200 + side * 85), 230)
        cv2.ellipse(body, lung, (round(62 * growth), round(150 * wide[2])), 0, 0, 360, 62, -1)
    body = cv2.GaussianBlur(body, (0, 0), 7)
    layer = np.zeros_like(body)
    for rib in range(9):
        y = round(90 + 34 * rib * wide[3] + content.uniform(-3, 3))
        for side in (-1, 1):
            axes = (round(90 * wide[0]), round(34 + content.uniform(-6, 6)))
            turn = round(18 * side + content.uniform(-4, 4))
            cv2.ellipse(layer, (200 + side * 80, y), axes, turn, 180, 360, 42, 9, cv2.LINE_AA)
    for bone in range(16):
        cv2.rectangle(layer, (188, 30 + 26 * bone), (212, 48 + 26 * bone), 40, -1)
    heart = (round(225 + content.uniform(-12, 12)), round(300 + content.uniform(-14, 14)))
    cv2.ellipse(layer, heart, (round(58 * wide[1]), 74), 30, 0, 360, 70, -1)
    for side in (-1, 1):
        ends = ((200 + side * 20, 70), (200 + side * 170, round(50 + content.uniform(-10, 14))))
        cv2.line(layer, *ends, 55, 12, cv2.LINE_AA)
    _vessels(layer, content)
    return np.asarray(body + cv2.GaussianBlur(layer, (0, 0), 1.5), np.float32)


def _vessels(layer: FloatArray, random: Generator) -> None:
    """Branches in both lungs."""
    for side in (-1, 1):
        for _ in range(9):
            x, y, turn = 200.0 + side * 40, 230.0, random.uniform(-1.3, 1.3)
            for thick in (4, 3, 2, 2):
                turn += random.uniform(-0.5, 0.5)
                a, b = x + side * 26 * np.cos(turn), y + 26 * np.sin(turn)
                cv2.line(layer, (round(x), round(y)), (round(a), round(b)), 24, thick)
                x, y = a, b


def _hand(content: Generator) -> FloatArray:
    """Wrist, palm and five fingers of three bones, ``(520, 400)``."""
    flesh, bones = np.full((520, 400), 14, np.float32), np.zeros((520, 400), np.float32)
    cv2.rectangle(flesh, (140, 380), (260, 520), 70, -1)
    cv2.ellipse(flesh, (200, 330), (105, 110), 0, 0, 360, 70, -1)
    for finger in range(5):
        turn = np.deg2rad(-90 + (finger - 2) * 17 + content.uniform(-5, 5) - 26 * (finger == 0))
        x, y = 200.0 + (finger - 2) * 34, 350.0 + 20 * (finger == 0)
        for bone in range(4):
            long = (78, 62, 42, 28)[bone] * content.uniform(0.88, 1.12) * (0.8 + 0.1 * (finger % 4))
            a, b = x + long * np.cos(turn), y + long * np.sin(turn)
            thick = (22, 19, 16, 13)[bone]
            cv2.line(flesh, (round(x), round(y)), (round(a), round(b)), 78, thick * 2, cv2.LINE_AA)
            cv2.line(bones, (round(x), round(y)), (round(a), round(b)), 120, thick - 5, cv2.LINE_AA)
            cv2.circle(bones, (round(a), round(b)), thick // 2, 135, -1, cv2.LINE_AA)
            x, y = a + 7 * np.cos(turn), b + 7 * np.sin(turn)
    for _ in range(8):
        at = (round(content.uniform(160, 240)), round(content.uniform(370, 410)))
        cv2.ellipse(bones, at, (16, 13), round(content.uniform(0, 90)), 0, 360, 110, -1)
    cv2.rectangle(bones, (156, 420), (192, 520), 120, -1)
    cv2.rectangle(bones, (208, 424), (240, 520), 115, -1)
    return np.asarray(cv2.GaussianBlur(flesh, (0, 0), 5) + bones, np.float32)


_LOOKS: tuple[tuple[Ink, Ink, Ink, Ink], ...] = (
    ((242, 239, 233), (255, 255, 255), (170, 211, 223), (200, 226, 180)),
    ((36, 40, 48), (92, 98, 110), (24, 44, 66), (38, 58, 46)),
    ((250, 244, 220), (240, 180, 90), (150, 190, 220), (206, 216, 160)),
    ((235, 235, 235), (150, 150, 150), (205, 215, 225), (222, 228, 222)),
)


def street_map(at: Place) -> UInt8Array:
    """A town's map in the layout's colours, frame and legend; other streets, river and names."""
    style, content = at.style, at.content
    ground, road, water, park = _LOOKS[at.layout % len(_LOOKS)]
    zoom = float(style.uniform(0.6, 1.5))
    size = (int(style.integers(500, 760)), int(style.integers(460, 640)))
    sheet = Sheet(size, ground, at.studio.fonts.reading(style), zoom=zoom)
    for _ in range(int(content.integers(2, 6))):
        x, y = content.uniform(0, size[0]), content.uniform(0, size[1])
        a, b = content.uniform(50, 150, 2)
        sheet.box((x, y, x + a, y + b), fill=park, radius=12)
    _wave(sheet, size, water, 34, content)
    turn = content.uniform(-0.5, 0.5)
    for across in (False, True):
        place = 0.0
        while place < 1.4 * max(size):
            _street(sheet, size, place, turn + across * np.pi / 2, (road, content))
            place += content.uniform(34, 110)
    _wave(sheet, size, (246, 196, 90), 12, content)
    dark = sum(ground) < 300
    for _ in range(int(content.integers(5, 12))):
        place_at = (content.uniform(10, size[0] - 90), content.uniform(10, size[1] - 70))
        name = w.address(content)[content.integers(2)].split(" ", 1)[1]
        sheet.text(place_at, name, 14, fill=(230, 230, 230) if dark else (60, 60, 60))
    sheet.box((10, size[1] - 44, 170, size[1] - 10), fill=(255, 255, 255), outline=(90, 90, 90))
    sheet.line((24, size[1] - 20, 124, size[1] - 20), fill=(0, 0, 0), width=3)
    sheet.text((132, size[1] - 34), "200 m", 12)
    sheet.text((size[0] - 8, size[1] - 20), f"© {w.company(style)}", 11, anchor="ra")
    return sheet.rgb


def _street(
    sheet: Sheet, size: tuple[int, int], place: float, turn: float, how: tuple[Ink, Generator]
) -> None:
    """A straight street through the map, its middle ``place`` away from a corner; some stop."""
    ink, random = how
    way = np.array([np.cos(turn), np.sin(turn)])
    normal = np.array([-way[1], way[0]])
    middle = np.array(size) / 2 + normal * (place - 0.7 * max(size))
    ends = random.choice([0.25, 0.9], 2) * max(size)
    start, end = middle - way * ends[0], middle + way * ends[1]
    sheet.line((*start, *end), fill=ink, width=float(random.choice([3, 5, 9])))


def _wave(sheet: Sheet, size: tuple[int, int], ink: Ink, width: float, random: Generator) -> None:
    """A river, or a road that bends."""
    x = np.linspace(-20, size[0] + 20, 24)
    bends = random.uniform(20, 110) * np.sin(x / random.uniform(60, 200) + random.uniform(0, 6))
    y = random.uniform(0.2, 0.8) * size[1] + bends
    points = np.stack([x, y], 1).ravel().tolist()
    sheet.line(points, fill=ink, width=width)
