"""Edits beside those of the library: what people, sites and phones do, in drawn fonts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image

from lookalike.evaluation.drawing import draw_face, resized
from lookalike.evaluation.edits import EDITS, encode_jpeg
from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.paper import rephotograph
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.fonts import Fonts
from lookalike_bench.judge_sets.framed import phone_screen
from lookalike_bench.judge_sets.sheet import Ink, Sheet, mixed

__all__ = ["ALL_EDITS", "GROUPS", "OWN_EDITS", "Desk", "edited", "fitting_edits"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What an edit is made with.

    Attributes:
        random: places, colours, strengths.
        fonts: for what is written.
        other: another picture, for pasting on and covering with.
    """

    random: Generator
    fonts: Fonts
    other: UInt8Array


OwnEdit = Callable[[UInt8Array, Desk], UInt8Array]


def edited(rgb: UInt8Array, name: str, desk: Desk) -> UInt8Array:
    """An edited copy, ``(h', w', 3)``, by a key of ``ALL_EDITS``."""
    own = OWN_EDITS.get(name)
    made = own(rgb, desk) if own else EDITS[name](rgb, desk.random, desk.other)
    return np.ascontiguousarray(made)


def _sheet(rgb: UInt8Array, desk: Desk, *, more: int = 0, ink: Ink = (255, 255, 255)) -> Sheet:
    """The picture on a sheet, with ``more`` rows below it."""
    height, width = rgb.shape[:2]
    sheet = Sheet((width, height + more), ink, desk.fonts.reading(desk.random))
    sheet.image.paste(Image.fromarray(np.ascontiguousarray(rgb)), (0, 0))
    return sheet


def _words(random: Generator) -> str:
    return w.pick(random, (w.pick(random, w.TALK), w.company(random), w.title(random)))


def _watermark(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """One text in slanted rows over the whole picture, see-through by .15–.4."""
    random = desk.random
    height, width = rgb.shape[:2]
    side = math.ceil(math.hypot(height, width))
    layer = Sheet((side, side), (0, 0, 0), desk.fonts.reading(random))
    words = w.pick(random, ("stockphoto", "PREVIEW", "© " + w.person(random), "DO NOT COPY"))
    size = max(12.0, width * random.uniform(0.04, 0.11))
    step = layer.text((0, -9 * size), words, size, bold=True) + size * random.uniform(1, 3)
    for row, y in enumerate(np.arange(0, side, size * random.uniform(1.8, 3.5)).tolist()):
        for x in np.arange(-step * (row % 2) / 2, side, step).tolist():
            layer.text((x, y), words, size, bold=True, fill=(255, 255, 255))
    turned = layer.image.convert("L").rotate(float(random.uniform(-45, 45)))
    mask = np.asarray(turned, np.float32)[:side, :side]
    top, left = (side - height) // 2, (side - width) // 2
    cut = mask[top : top + height, left : left + width, None] / 255
    # white on dark pictures, dark on bright ones, as one can see it
    ink = 255.0 if rgb.mean() < 150 else 20.0
    share = cut * random.uniform(0.15, 0.4)
    return np.rint(rgb * (1 - share) + ink * share).astype(np.uint8)


def _banner(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """An opaque bar with text across the picture, 7–14 % of its height."""
    random = desk.random
    height, width = rgb.shape[:2]
    sheet = _sheet(rgb, desk)
    tall = height * random.uniform(0.07, 0.14)
    top = random.uniform(0, height - tall)
    sheet.box((0, top, width, top + tall), fill=mixed(random, dark=True))
    place = (width / 2, top + tall / 2)
    sheet.text(place, _words(random), tall * 0.55, bold=True, fill=(255, 255, 255), anchor="mm")
    return sheet.rgb


def _caption(rgb: UInt8Array, desk: Desk) -> tuple[UInt8Array, int]:
    """The picture over a bar with one to three lines of text, and the bar's height."""
    random = desk.random
    height, width = rgb.shape[:2]
    lines = int(random.integers(1, 4))
    size = width * random.uniform(0.035, 0.07)
    bar = math.ceil(size * (1.35 * lines + 0.9))
    dark = random.random() < 0.4
    paper, ink = ((12, 12, 12), (250, 250, 250)) if dark else ((255, 255, 255), (10, 10, 10))
    sheet = _sheet(rgb, desk, more=bar, ink=paper)
    for line in range(lines):
        place = (width * 0.03, height + size * (0.4 + 1.35 * line))
        words = sheet.fitted(w.pick(random, w.SENTENCES["en"]), size, 0.94 * width)
        sheet.text(place, words, size, fill=ink)
    return sheet.rgb, bar


def _caption_below(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    return _caption(rgb, desk)[0]


def _caption_above(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    made, bar = _caption(rgb, desk)
    return np.roll(made, bar, axis=0)


def _stickers(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Two to five hearts, stars, faces and bubbles of 10–22 % of the shorter side."""
    random = desk.random
    height, width = rgb.shape[:2]
    sheet = _sheet(rgb, desk)
    faces = []
    for _ in range(int(random.integers(2, 6))):
        side = min(height, width) * random.uniform(0.1, 0.22)
        x, y = random.uniform(0, width - side), random.uniform(0, height - side)
        shape = w.pick(random, ("heart", "star", "face", "bubble"))
        if shape == "face":
            faces.append((int(y), int(x), max(8, int(side))))
        elif shape == "bubble":
            ends = (x, y, x + side * 1.4, y + side * 0.7)
            look = {"fill": (255, 255, 255), "outline": (40, 40, 40), "width": side / 30}
            sheet.box(ends, radius=side / 4, **look)
            sheet.text((x + side * 0.1, y + side * 0.2), _words(random)[:9], side * 0.25)
        else:
            points = _HEART if shape == "heart" else _STAR
            corners = [(x if n % 2 == 0 else y) + side * value for n, value in enumerate(points)]
            sheet.shape(corners, fill=(226, 40, 70) if shape == "heart" else (250, 204, 40))
    made = sheet.rgb
    for top, left, side in faces:
        patch = np.ascontiguousarray(made[top : top + side, left : left + side])
        draw_face(patch)
        made[top : top + side, left : left + side] = patch
    return made


_TURNS = np.linspace(0, 2 * np.pi, 40)
_HEART = tuple(
    value
    for t in _TURNS.tolist()
    for value in (
        0.5 + 0.5 * math.sin(t) ** 3,
        0.45 - (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t)) / 32,
    )
)
_STAR = tuple(
    0.5 + (0.5 if n % 2 == 0 else 0.2) * turn(n * math.pi / 5 - math.pi / 2)
    for n in range(10)
    for turn in (math.cos, math.sin)
)


def _crossed(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Struck out: both diagonals and a few lines, or one drawn by hand."""
    random = desk.random
    height, width = rgb.shape[:2]
    sheet = _sheet(rgb, desk)
    plain = (0, 0, 0) if rgb.mean() > 128 else (255, 255, 255)
    ink = w.pick(random, ((214, 20, 30), (30, 40, 200), plain))
    thick = max(2.0, min(height, width) * random.uniform(0.008, 0.03))
    sheet.line((0, 0, width, height), fill=ink, width=thick)
    sheet.line((0, height, width, 0), fill=ink, width=thick)
    for _ in range(int(random.integers(0, 6))):
        points = random.uniform(0, 1, 8) * ([width, height] * 4)
        sheet.line(points.tolist(), fill=ink, width=thick)
    return sheet.rgb


def _colour_bars(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Two to five coloured stripes of 2–6 % along one direction."""
    random = desk.random
    height, width = rgb.shape[:2]
    sheet = _sheet(rgb, desk)
    upright = random.random() < 0.5
    long = width if upright else height
    for _ in range(int(random.integers(2, 6))):
        start = random.uniform(0, 0.94) * long
        end = start + max(2.0, random.uniform(0.02, 0.06) * long)
        ends = (start, 0, end, height) if upright else (0, start, width, end)
        sheet.box(ends, fill=mixed(random))
    return sheet.rgb


def _part(rgb: UInt8Array, random: Generator) -> tuple[slice, slice]:
    """A place of the size of a face: 16–32 % of the shorter side."""
    height, width = rgb.shape[:2]
    side = round(min(height, width) * random.uniform(0.16, 0.32))
    top, left = int(random.integers(height - side)), int(random.integers(width - side))
    return slice(top, top + side), slice(left, left + side)


def _mosaic(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """One or two regions in squares."""
    made = rgb.copy()
    for _ in range(int(desk.random.integers(1, 3))):
        part = _part(rgb, desk.random)
        cells = (int(desk.random.integers(4, 9)),) * 2
        small = cv2.resize(made[part], cells, interpolation=cv2.INTER_AREA)
        size = (made[part].shape[1], made[part].shape[0])
        made[part] = cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)
    return made


def _blackened(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """One to four places under black bars."""
    random = desk.random
    height, width = rgb.shape[:2]
    made = rgb.copy()
    for _ in range(int(random.integers(1, 5))):
        wide, tall = (
            round(width * random.uniform(0.1, 0.4)),
            round(height * random.uniform(0.03, 0.1)),
        )
        top, left = int(random.integers(height - tall)), int(random.integers(width - wide))
        made[top : top + tall, left : left + wide] = 0
    return made


def _frame(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """A frame of two colours around it, 2–8 % of the sides."""
    random = desk.random
    made = rgb
    for _ in range(2):
        rim = max(2, round(max(rgb.shape[:2]) * random.uniform(0.01, 0.04)))
        ink = mixed(random)
        made = cv2.copyMakeBorder(made, *[rim] * 4, cv2.BORDER_CONSTANT, value=ink)
    return made


def _crop(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """60–90 % of the area, of a shape of its own."""
    random = desk.random
    height, width = rgb.shape[:2]
    share = random.uniform(0.6, 0.9)
    across = random.uniform(share, min(1.0, share**0.3))
    wide, tall = max(8, round(width * across)), max(8, round(height * share / across))
    top, left = int(random.integers(height - tall + 1)), int(random.integers(width - wide + 1))
    return rgb[top : top + tall, left : left + wide]


def _scaled(least: float, most: float) -> OwnEdit:
    def edit(rgb: UInt8Array, desk: Desk) -> UInt8Array:
        factor = min(desk.random.uniform(least, most), max(1, 1900 / max(rgb.shape)))
        return resized(rgb, rgb.shape[1] * factor, rgb.shape[0] * factor)

    return edit


def _soften(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    sigma = desk.random.uniform(0.8, 2) * max(1, max(rgb.shape) / 700)
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma))


def _crisp(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    soft = cv2.GaussianBlur(rgb, (0, 0), desk.random.uniform(0.8, 2)).astype(np.float32)
    return np.clip(rgb + desk.random.uniform(0.6, 1.5) * (rgb - soft), 0, 255).astype(np.uint8)


def _hsv(rgb: UInt8Array, turn: float, factor: float) -> UInt8Array:
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + turn / 2) % 180
    hsv[..., 1] *= factor
    return np.asarray(cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB))


def _hue(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    return _hsv(rgb, float(desk.random.uniform(15, 80) * desk.random.choice([-1, 1])), 1)


def _saturate(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    return _hsv(rgb, 0, float(desk.random.choice([desk.random.uniform(0.2, 0.6), 1.9])))


def _gamma(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    power = 2 ** (desk.random.uniform(0.4, 0.95) * desk.random.choice([-1, 1]))
    return np.rint(255 * (rgb / 255.0) ** power).astype(np.uint8)


def _sepia(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None] / 255.0
    tint = np.array([1.07, 0.87, 0.62]) * desk.random.uniform(0.92, 1.05)
    return np.clip(255 * grey ** np.array([0.85, 1.0, 1.15]) * tint, 0, 255).astype(np.uint8)


def _tilt_crop(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Turned by 2–8° and cut so that no corner is empty."""
    height, width = rgb.shape[:2]
    turn = float(desk.random.uniform(2, 8) * desk.random.choice([-1, 1]))
    warp = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
    made = cv2.warpAffine(rgb, warp, (width, height), flags=cv2.INTER_CUBIC)
    sine = abs(math.sin(math.radians(turn)))
    x, y = math.ceil(height / 2 * sine), math.ceil(width / 2 * sine)
    return np.asarray(made[y : height - y, x : width - x])


def _rephotographed(material: str) -> OwnEdit:
    return lambda rgb, desk: rephotograph(rgb, material, behind=desk.other, random=desk.random)


def _phone(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """A screenshot of a phone that shows it; it fills at least 60 % of the screen."""
    shape = min(1.3, max(0.6, rgb.shape[0] / rgb.shape[1]))
    zoom = min(2.4, max(0.7, rgb.shape[1] / 390))
    bars = (max(58.0, 0.25 * 390 * shape * 0.7), max(70.0, 0.3 * 390 * shape * 0.9))
    family = desk.fonts.reading(desk.random)
    return phone_screen(rgb, family, bars, zoom, (desk.random, desk.random)).rgb


def _recoded(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Three times through other sizes and JPEG qualities, as sent on from friend to friend."""
    made = rgb
    for _ in range(3):
        factor = desk.random.uniform(0.75, 1.05)
        made = resized(made, made.shape[1] * factor, made.shape[0] * factor)
        data = np.frombuffer(encode_jpeg(made, int(desk.random.integers(35, 80))), np.uint8)
        made = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return made


def _as_it_is(rgb: UInt8Array, desk: Desk) -> UInt8Array:
    """Nothing: the file's encoding is the edit."""
    return rgb


OWN_EDITS: Mapping[str, OwnEdit] = {
    "watermark": _watermark,
    "banner": _banner,
    "caption_above": _caption_above,
    "caption_below": _caption_below,
    "stickers": _stickers,
    "crossed": _crossed,
    "colour_bars": _colour_bars,
    "mosaic": _mosaic,
    "blackened": _blackened,
    "frame": _frame,
    "crop_60_90": _crop,
    "jpeg_15_60": _as_it_is,
    "webp_15_70": _as_it_is,
    "shrink": _scaled(0.3, 0.7),
    "enlarge": _scaled(1.3, 2.2),
    "soften": _soften,
    "crisp": _crisp,
    "hue": _hue,
    "saturate": _saturate,
    "gamma_any": _gamma,
    "sepia": _sepia,
    "tilt_crop": _tilt_crop,
    "rephoto_print": _rephotographed("print"),
    "rephoto_screen": _rephotographed("screen"),
    "rephoto_package": _rephotographed("package"),
    "phone_frame": _phone,
    "recoded": _recoded,
}
ALL_EDITS = (*EDITS, *OWN_EDITS)

_REPHOTOS = ("rephoto_print", "rephoto_screen", "rephoto_package")
#: edits that take away what alone tells some kinds' pictures apart
GROUPS: Mapping[str, frozenset[str]] = {
    "colour": frozenset(
        ("colour", "grey", "saturation", "posterize", "hue", "saturate", "sepia", *_REPHOTOS)
    ),
    "tone": frozenset(("brightness", "contrast", "gamma", "gamma_any", "vignette", *_REPHOTOS)),
    "soft": frozenset(
        (
            *("tiny_jpeg", "blur", "soften", "pixelate", "noise", "jpeg_20", "jpeg_15_60"),
            *("shrink", "resize_50", "screenshot", "pasted", "posterize", "recoded", *_REPHOTOS),
            "webp_15_70",
        )
    ),
    "sharp": frozenset(("sharpen", "crisp", "blur", "soften")),
    "crop": frozenset(
        ("crop_50", "crop_50_sides", "crop_60_90", "crop_87", "tilt_crop", "sticker", "emoji")
    ),
}
# under 128 px nothing else leaves enough of a picture
_TINY = frozenset(
    (
        *("mirror", "flip", "rotate_90", "rotate_180", "rotate_270", "transpose", "stretch"),
        *("resize_200", "enlarge", "letterbox", "border", "frame", "brightness", "saturation"),
        *("crop_95", "small_random", "gamma", "caption_above", "caption_below"),
    )
)
_NOT_SMALL = frozenset(("tiny_jpeg", "pixelate", "screenshot", "resize_50", "shrink"))


def fitting_edits(size: tuple[int, int], cannot: Iterable[str] = ()) -> tuple[str, ...]:
    """Edits after which a picture of that size can still be told from its kind's others.

    Args:
        size: pixels.
        cannot: keys of ``GROUPS`` that the kind cannot bear.
    """
    left_out = frozenset().union(*(GROUPS[group] for group in cannot))
    if max(size) < 256:
        left_out |= _NOT_SMALL
    if max(size) < 128:
        left_out |= frozenset(ALL_EDITS) - _TINY
    return tuple(name for name in ALL_EDITS if name not in left_out)
