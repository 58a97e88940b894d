"""What every picture of the sets is, and what any two are to each other."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

__all__ = ["PictureLabel", "Truth", "pairs", "read_labels", "write_labels"]


@dataclass(frozen=True, slots=True)
class PictureLabel:
    """One row of ``labels.csv``.

    Attributes:
        path: relative to the set.
        picture: equal for the same picture, edited or not.
        kind: key of the table of kinds.
        layout: equal for pictures of one layout, scene or series: the hard negatives.
        edit: how it was made; empty for a source. ``part`` is a page that shows other pictures of
            its layout small, a picture of its own.
        split: ``fit`` or ``check``; a layout is in one of them.
        source_size: ``WxH`` of the source in pixels.
    """

    path: str
    picture: str
    kind: str
    layout: str
    edit: str
    split: str
    source_size: str


def read_labels(folder: Path) -> tuple[PictureLabel, ...]:
    """``labels.csv`` of a set."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return tuple(PictureLabel(**row) for row in csv.DictReader(file))


def write_labels(folder: Path, labels: Iterable[PictureLabel]) -> None:
    """Write ``labels.csv``, by path."""
    columns = [field.name for field in fields(PictureLabel)]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(asdict(label) for label in sorted(labels, key=lambda label: label.path))


@dataclass(frozen=True)
class Truth:
    """Whether any two paths of a set show the same picture.

    Attributes:
        labels: of the set.
    """

    labels: tuple[PictureLabel, ...]

    @cached_property
    def by_path(self) -> dict[str, PictureLabel]:
        """Labels by path."""
        return {label.path: label for label in self.labels}

    def same(self, first: str, second: str) -> bool:
        """Whether two paths, relative to the set, show the same picture.

        Raises:
            KeyError: a path has no label.
        """
        return self.by_path[first].picture == self.by_path[second].picture

    def hard(self, first: str, second: str) -> bool:
        """Whether they are other pictures of one layout, scene or series."""
        one, other = self.by_path[first], self.by_path[second]
        return one.picture != other.picture and one.layout == other.layout


def pairs(folder: Path) -> Truth:
    """The truth of a set for any two of its paths."""
    return Truth(read_labels(folder))
