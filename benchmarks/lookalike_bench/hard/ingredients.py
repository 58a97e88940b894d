"""What a hard set is made of, and the folder that it is written to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import (
    Label,
    Split,
    photos_in,
    read_photo,
    split_photos,
    without_twins,
    write_labels,
)
from lookalike.evaluation.drawing import resized
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError

__all__ = ["Ingredients", "SetFolder", "cover", "gather", "longest"]

_CANVASES = 320


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Photos and canvases of one half, in seeded order, none like another.

    Attributes:
        photos: sources.
        canvases: other pictures: backgrounds, furniture, distractors.
        pool: all canvases of the half, of which ``canvases`` are some.
        people: a folder with one folder of photos for every person, where it is there.
        split: the half.
        seed: of the whole set.
    """

    photos: Sequence[Path]
    canvases: Sequence[Path]
    pool: Sequence[Path]
    people: Path
    split: Split
    seed: int

    def random(self, *names: object) -> Generator:
        """A generator of its own for everything that has another name."""
        return _generator(self.seed, *names)

    def canvas(self, number: int) -> UInt8Array:
        """A canvas by its number; they are used again where there are too few."""
        return read_photo(self.canvases[number % len(self.canvases)])


class SetFolder:
    """A set that is being written: pictures one by one, then its labels.

    Args:
        out: the set.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.labels: list[Label] = []
        out.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, rgb: UInt8Array, *, group: str, edit: str, quality: int = 88) -> None:
        """Write a picture as JPEG."""
        self.add_bytes(f"{name}.jpg", encode_jpeg(rgb, quality), group=group, edit=edit)

    def add_png(self, name: str, rgb: UInt8Array, *, group: str, edit: str) -> None:
        """Write a picture without loss."""
        done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        if not done:
            raise ValueError(f"cannot encode a picture of shape {rgb.shape}")
        self.add_bytes(f"{name}.png", data.tobytes(), group=group, edit=edit)

    def add_bytes(self, name: str, data: bytes, *, group: str, edit: str) -> None:
        """Write a file as it is."""
        (self.out / name).write_bytes(data)
        self.labels.append(Label(name, group, edit))

    def add_photo(self, photo: Path, *, edit: str = "source") -> None:
        """A photo's own bytes, in a group of its name."""
        self.add_bytes(photo.name, photo.read_bytes(), group=photo.stem, edit=edit)

    def add_copies(
        self, name: str, rgb: UInt8Array, edits: Sequence[str], *, other: UInt8Array, seed: int
    ) -> None:
        """Edited copies in the group of that name."""
        for edit in edits:
            copy = edit_picture(rgb, edit, source=name, other=other, seed=seed)
            self.add(f"{name}__{edit}", copy, group=name, edit=edit)

    def close(self) -> tuple[Label, ...]:
        """Write the labels, by path."""
        self.labels.sort(key=lambda label: label.path)
        write_labels(self.out, self.labels)
        return tuple(self.labels)


def gather(photos: Path, canvases: Path, *, split: Split, seed: int) -> Ingredients:
    """Ingredients from two folders, both split by the digest of the name.

    Pictures that look like an earlier one (PDQ in some orientation) are left out, canvases that
    look like a photo too.

    Raises:
        ConfigError: a folder is missing, or has nothing of this half.
    """
    kept = split_photos(photos_in(photos), split)
    others = split_photos(photos_in(canvases), split)
    order = _generator(seed, "canvases").permutation(len(others))
    alone = without_twins([*kept, *(others[number] for number in order[:_CANVASES])])
    own = set(kept)
    sources = [path for path in alone if path in own]
    if not sources or len(alone) == len(sources):
        raise ConfigError(
            "too few pictures for a hard set",
            got=f"{len(sources)} photos, {len(alone) - len(sources)} canvases of {split}",
            expected="hundreds of both",
        )
    shuffled = _generator(seed, "photos").permutation(len(sources))
    return Ingredients(
        photos=[sources[number] for number in shuffled],
        canvases=[path for path in alone if path not in own],
        pool=[others[number] for number in order],
        people=canvases / "people",
        split=split,
        seed=seed,
    )


def cover(rgb: UInt8Array, width: int, height: int) -> UInt8Array:
    """A picture enlarged or shrunk to fill an area, its middle kept: ``(height, width, 3)``."""
    factor = max(width / rgb.shape[1], height / rgb.shape[0])
    large = resized(rgb, max(width, rgb.shape[1] * factor), max(height, rgb.shape[0] * factor))
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width]


def longest(rgb: UInt8Array, side: float) -> UInt8Array:
    """A picture at a long side of so many pixels."""
    factor = side / max(rgb.shape[:2])
    return resized(rgb, rgb.shape[1] * factor, rgb.shape[0] * factor)


def _generator(seed: int, *names: object) -> Generator:
    words = "\0".join(map(str, (seed, *names)))
    digest = hashlib.sha256(words.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))
