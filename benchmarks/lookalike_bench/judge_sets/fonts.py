"""Fonts of the machine, by what they are used for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from numpy.random import Generator
from PIL import ImageFont

from lookalike_bench.judge_sets.words import pick

__all__ = ["Family", "Fonts", "find_fonts", "font"]

_SYSTEM = Path("/usr/share/fonts")
_HANDS = ("dkg", "dancing", "humor", "comic")
_MONO = ("mono", "inconsolata", "ocr")
# other scripts, symbols
_NOT_TEXT = ("math", "arabic", "devanagari", "hebrew", "thai", "symbol", "emoji", "display")
_REGULAR = ("regular", "book", "roman", "medium")


@dataclass(frozen=True, slots=True)
class Family:
    """A typeface in two weights; where there is no bold file, the regular one twice.

    Attributes:
        name: as the files say it.
        regular: file.
        bold: file.
    """

    name: str
    regular: Path
    bold: Path


@dataclass(frozen=True, slots=True)
class Fonts:
    """Families by use, each at least one.

    Attributes:
        text: for reading.
        mono: of one width, for receipts and code.
        hand: like handwriting.
    """

    text: tuple[Family, ...]
    mono: tuple[Family, ...]
    hand: tuple[Family, ...]

    def reading(self, random: Generator) -> Family:
        """One for reading."""
        return pick(random, self.text)


def find_fonts(more: Path | None = None) -> Fonts:
    """Families of the system and of a folder; those that come with matplotlib where it has none."""
    import matplotlib

    shipped = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    # matplotlib also brings signs without letters
    names = sorted(shipped.glob("DejaVuSans*.ttf")) + sorted(shipped.glob("DejaVuSerif*.ttf"))
    for folder in (_SYSTEM, more):
        if folder is not None and folder.is_dir():
            names += sorted((*folder.rglob("*.ttf"), *folder.rglob("*.otf")))
    families = tuple(sorted(_families(names), key=lambda family: family.name))
    hand = tuple(family for family in families if _named(family, _HANDS))
    mono = tuple(family for family in families if _named(family, _MONO))
    text = tuple(family for family in families if family not in (*hand, *mono))
    return Fonts(text or families, mono or families, hand or families)


@lru_cache(maxsize=512)
def font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels."""
    return ImageFont.truetype(str(path), max(5, size))


def _named(family: Family, words: tuple[str, ...]) -> bool:
    return any(word in family.name.lower() for word in words)


def _families(paths: list[Path]) -> Iterator[Family]:
    weights: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        name, style = (part or "" for part in font(path, 10).getname())
        if not any(word in name.lower() for word in _NOT_TEXT):
            weights[name].setdefault(style.lower(), path)
    for name, files in weights.items():
        regular = next((files[style] for style in _REGULAR if style in files), None)
        if regular is not None:
            yield Family(name, regular, files.get("bold", regular))
