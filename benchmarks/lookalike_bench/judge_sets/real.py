"""Real pictures: other shots of scenes, pictures of the web's domains, single photos."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOMAINS", "SHOTS", "Taken", "domain", "photos", "shots"]

#: kinds of real series by their relation, and how many pictures are taken
SHOTS = {
    "shots_frames": ("frames", 120),
    "shots_viewpoint": ("viewpoint", 70),
    "shots_pan": ("pan", 48),
    "shots_exposure": ("exposure", 64),
    "shots_focus": ("focus", 33),
}
#: kinds of the web's pictures
DOMAINS = {
    "web_receipts": ("receipts", 64),
    "web_charts": ("charts", 64),
    "web_sprites": ("sprites", 64),
    "web_logos": ("logos", 64),
}
_SERIES = 8
_ALIKE = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """A real picture that goes into a set as it is.

    Attributes:
        path: file.
        picture: equal for files that show the same picture.
        layout: its scene, or its neighbours by name.
    """

    path: Path
    picture: str
    layout: str


def shots(folder: Path, relation: str, count: int) -> list[Taken]:
    """Frames of whole scenes, at most eight that follow each other of each; no two are the same."""
    scenes: dict[str, list[Taken]] = defaultdict(list)
    for row in _rows(folder):
        if row["relation"] == relation:
            taken = Taken(folder / row["path"], row["path"], row["group"])
            scenes[row["group"]].append(taken)
    several = [sorted(scene, key=lambda one: one.picture) for scene in scenes.values()]
    # long scenes in pieces, so that no scene is most of a kind
    pieces = [
        scene[start : start + _SERIES]
        for scene in several
        for start in range(0, len(scene), _SERIES)
        if len(scene) - start > 1
    ]
    return [one for piece in spread(pieces, count / _mean(pieces)) for one in piece][:count]


def domain(folder: Path, name: str, count: int) -> list[Taken]:
    """Pictures of a domain; neighbours by name, which look most alike, share a layout."""
    found = sorted(
        (Taken(folder / row["path"], row["group"], "") for row in _rows(folder, domain=name)),
        key=lambda one: one.path,
    )
    runs = [found[start : start + _ALIKE] for start in range(0, len(found), _ALIKE)]
    taken = spread(runs, count / _ALIKE)
    return [
        Taken(one.path, one.picture, f"run {number}")
        for number, run in enumerate(taken)
        for one in run
    ][:count]


def photos(paths: Sequence[Path]) -> list[Taken]:
    """Photos, each alone in its layout."""
    return [Taken(path, path.name, path.name) for path in paths]


def spread(items: list[list[Taken]], count: float) -> list[list[Taken]]:
    """So many of a list, from everywhere in it."""
    wanted = max(2, round(count))
    if wanted >= len(items):
        return items
    return [items[number * len(items) // wanted] for number in range(wanted)]


def _mean(pieces: list[list[Taken]]) -> float:
    return max(1.0, sum(map(len, pieces)) / max(1, len(pieces)))


def _rows(folder: Path, **equal: str) -> Iterator[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if all(row[name] == value for name, value in equal.items()):
                yield row
