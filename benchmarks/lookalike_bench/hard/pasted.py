"""Small pictures pasted into large photos, with the places where they are."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
from numpy.random import Generator

from lookalike.evaluation.datasets import at_least, read_photo
from lookalike.evaluation.drawing import resized
from lookalike.model.arrays import UInt8Array
from lookalike_bench.hard.ingredients import Ingredients, SetFolder
from lookalike_bench.hard.page import Area

__all__ = ["PastedBox", "fill_inside", "read_boxes"]

_LARGE = 30
_EACH = 2
_SIDE = 640


@dataclass(frozen=True, slots=True)
class PastedBox:
    """A small picture in a large one.

    Attributes:
        large: path of the photo that shows it, relative to the set.
        small: path of the picture itself.
        x0: first column of it in the large photo.
        y0: first row.
        x1: first column behind it.
        y1: first row below it.
    """

    large: str
    small: str
    x0: int
    y0: int
    x1: int
    y1: int


def fill_inside(given: Ingredients, out: SetFolder) -> None:
    """60 small pictures in 30 large photos, two each, and 30 large photos with nothing pasted.

    Pasted at .2–.6 of the shorter sides' ratio, apart from each other. Truth: ``boxes.csv``, pairs
    of a large photo and a small picture; every file is a group of its own, for two pictures in one
    photo are strangers. The edits are ``source``, ``pasted_into`` and ``empty``. Large are the
    half's largest photos, then enlarged canvases; none of them is in the set twice.
    """
    large, small = _shared_out(given)
    boxes: list[PastedBox] = []
    for path in small:
        out.add_photo(path)
    for number, path in enumerate(large):
        rgb = at_least(read_photo(path), _SIDE)
        own = small[_EACH * number : _EACH * (number + 1)] if number < len(large) // 2 else []
        name, edit = (f"{path.stem}_with", "pasted_into") if own else (path.stem, "empty")
        areas = _paste(rgb, [read_photo(photo) for photo in own], given.random("inside", path.stem))
        out.add(name, rgb, group=name, edit=edit, quality=90)
        boxes += [
            PastedBox(f"{name}.jpg", photo.name, area.left, area.top, area.right, area.bottom)
            for photo, area in zip(own, areas, strict=True)
        ]
    with (out.out / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(PastedBox))
        writer.writerows(map(astuple, boxes))


def read_boxes(folder: Path) -> tuple[PastedBox, ...]:
    """``boxes.csv`` of a set."""
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            PastedBox(
                row["large"], row["small"], *(int(row[side]) for side in ("x0", "y0", "x1", "y1"))
            )
            for row in csv.DictReader(file)
        )


def _shared_out(given: Ingredients) -> tuple[list[Path], list[Path]]:
    """Large photos, half of them for pasting, and small pictures."""
    wanted = min(2 * _LARGE, 2 * (len(given.photos) // (2 + _EACH)))
    sides = {path: max(_size(path)) for path in given.photos}
    wide = [path for path in given.photos if sides[path] >= _SIDE][:wanted]
    filling = [path for path in given.canvases if path not in wide][: wanted - len(wide)]
    order = given.random("large").permutation(len(wide) + len(filling))
    both = [*wide, *filling]
    small = [path for path in given.photos if path not in wide][: _EACH * (wanted // 2)]
    return [both[number] for number in order], small


def _size(path: Path) -> tuple[int, int]:
    height, width = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2).shape
    return 2 * width, 2 * height


def _paste(rgb: UInt8Array, small: Sequence[UInt8Array], random: Generator) -> list[Area]:
    """Paste pictures apart from each other, in place."""
    height, width = rgb.shape[:2]
    taken: list[Area] = []
    for picture in small:
        fit = min(height / picture.shape[0], width / picture.shape[1])
        tries = 0
        while True:
            # two large ones may not fit beside each other: shrink little by little
            share = random.uniform(0.2, max(0.25, 0.6 - 0.004 * tries))
            sized = resized(picture, *(share * fit * side for side in picture.shape[1::-1]))
            tall, wide = sized.shape[:2]
            left, top = (
                int(random.integers(0, side + 1)) for side in (width - wide, height - tall)
            )
            area = Area(left, top, wide, tall)
            tries += 1
            if not any(area.meets(other) for other in taken):
                break
        rgb[area.top : area.bottom, area.left : area.right] = sized
        taken.append(area)
    return taken
