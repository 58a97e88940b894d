"""Read labelled sets in the layouts in which they are published.

A set is named by a folder or file, whose content shows the layout, or as LAYOUT:PATH:

- ``labels``: ``labels.csv`` with path, group, edit and, where the images were retrieved for
  queries, query;
- ``california-nd``: photos and ``gt_all.npy``, the annotators' labels of every pair; duplicates
  are pairs with a mean label of .5 or more (Jinda-Apiraksa, Vonikakis, Winkler 2013);
- ``mfnd``: photos and text files with one cluster of file names or numbers a line
  (Connor et al. 2015, MIR-Flickr near duplicates);
- ``pairs``: photos, ``nd_pairs.txt`` and ``nnd_pairs.txt`` with two file names a line.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.images.decode import sniff
from lookalike.model.errors import ConfigError

__all__ = ["LAYOUTS", "Truth", "condensed_index", "load_truth"]

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """The known answers about a set of images.

    Attributes:
        name: of the set.
        folder: images lie below it.
        images: paths relative to the folder, sorted.
        duplicates: pairs that are the same picture, each as (smaller, larger) path.
        others: pairs known to be different; empty if all other pairs are.
        edits: how an image was made, ``source`` for the picture itself; empty where unknown.
        groups: true group of every image; empty where duplicates are given as pairs.
        queries: images by the query they were retrieved for; empty where all are one set.
    """

    name: str
    folder: Path
    images: tuple[str, ...]
    duplicates: frozenset[Pair]
    others: frozenset[Pair] = frozenset()
    edits: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A digest of the labels and of the sizes of the files."""
        parts = [f"{name} {(self.folder / name).stat().st_size}" for name in self.images]
        parts += [" ".join(pair) for pair in sorted(self.duplicates | self.others)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def asked_pairs(self, seed: int = 0) -> tuple[list[Pair], np.ndarray]:
        """List all duplicates and as many seeded pairs of different pictures, with labels."""
        same = sorted(self.duplicates)
        random = np.random.default_rng(seed)
        if self.others:
            apart = sorted(self.others)
            chosen = random.permutation(len(apart))[: len(same)]
            different = [apart[n] for n in sorted(chosen.tolist())]
        else:
            different = self._random_strangers(len(same), random)
        labels = np.r_[np.ones(len(same), bool), np.zeros(len(different), bool)]
        return [*same, *different], labels

    def _random_strangers(self, count: int, random: np.random.Generator) -> list[Pair]:
        pools = list(self.queries.values()) or [self.images]
        sizes = np.array([len(pool) for pool in pools], float)
        most = sum(len(p) * (len(p) - 1) // 2 for p in pools) - len(self.duplicates)
        found: set[Pair] = set()
        while len(found) < min(count, most):
            pool = pools[int(random.choice(len(pools), p=sizes / sizes.sum()))]
            a, b = random.integers(len(pool), size=2)
            pair = _ordered(pool[a], pool[b])
            if a != b and pair not in self.duplicates:
                found.add(pair)
        return sorted(found)


def load_truth(name: str) -> Truth:
    """Load a labelled set.

    Args:
        name: a folder, a CSV file, or LAYOUT:PATH.

    Raises:
        ConfigError: no such set, or one that does not have the layout.
    """
    layout, colon, rest = name.partition(":")
    if not colon or layout not in LAYOUTS:
        layout, rest = "", name
    path = Path(rest)
    if not path.exists():
        raise ConfigError(
            "unknown data set", got=repr(name), expected=f"a folder, a CSV file, or {_layouts()}"
        )
    folder = path if path.is_dir() else path.parent
    layout = layout or _layout_of(path)
    truth = LAYOUTS[layout](path, folder)
    missing = [image for image in truth.images if not (folder / image).is_file()]
    if missing or len(truth.images) < 2:
        raise ConfigError(
            f"the data set {name!r} is not complete",
            got=f"{len(missing)} of {len(truth.images)} images missing"
            + (f", the first {missing[0]}" if missing else ""),
            expected="two or more images, all there",
        )
    return truth


def _layouts() -> str:
    return " or ".join(f"{name}:PATH" for name in LAYOUTS)


def _layout_of(path: Path) -> str:
    if path.is_file():
        return "labels"
    marks = {"labels": "labels.csv", "california-nd": "gt_all.npy", "pairs": "nd_pairs.txt"}
    for layout, mark in marks.items():
        if (path / mark).is_file():
            return layout
    if any(path.glob("*.txt")):
        return "mfnd"
    raise ConfigError(
        "this folder is not a labelled set",
        got=str(path),
        expected="labels.csv, gt_all.npy, nd_pairs.txt or cluster files in it",
    )


def _ordered(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)


def _labels(path: Path, folder: Path) -> Truth:
    file = path if path.is_file() else folder / "labels.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    needed = {"path", "group"}
    if not rows or not needed <= set(rows[0]):
        raise ConfigError(
            "a label file lacks columns",
            got=", ".join(rows[0]) if rows else "no rows",
            expected="path, group and, if known, edit and query",
        )
    groups: dict[str, str] = {}
    queries: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        # a file may be listed under several names of one picture: the first counts
        groups.setdefault(row["path"], f"{row.get('query') or ''}/{row['group']}")
        if row.get("query"):
            queries[row["query"]].append(row["path"])
    return Truth(
        name=folder.name,
        folder=folder,
        images=tuple(sorted(groups)),
        duplicates=_within(_members(groups).values()),
        edits={row["path"]: row["edit"] for row in rows if row.get("edit")},
        groups=groups,
        queries={query: tuple(some) for query, some in sorted(queries.items())},
    )


def _members(groups: Mapping[str, str]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = defaultdict(list)
    for image, group in groups.items():
        members[group].append(image)
    return members


def _within(clusters: Iterable[Sequence[str]]) -> frozenset[Pair]:
    return frozenset(
        _ordered(a, b) for some in clusters for a, b in itertools.combinations(some, 2)
    )


def _photos(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and _is_picture(path)
    )


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return sniff(file.read(64)) is not None


def _california(path: Path, folder: Path) -> Truth:
    photos = _photos(folder)
    labels = np.load(folder / "gt_all.npy", allow_pickle=False).astype(np.float64)
    if labels.ndim == 3:
        annotators = next(axis for axis in range(3) if labels.shape[axis] != len(photos))
        labels = labels.mean(axis=annotators)
    if labels.shape != (len(photos), len(photos)):
        raise ConfigError(
            "gt_all.npy does not fit the photos",
            got=f"{labels.shape} for {len(photos)} photos",
            expected="a row and a column for every photo, in the order of their names",
        )
    same = np.argwhere(np.triu(np.maximum(labels, labels.T) >= 0.5, 1))
    duplicates = frozenset(_ordered(photos[i], photos[j]) for i, j in same)
    return Truth(folder.name, folder, tuple(photos), duplicates)


def _named(photos: Sequence[str]) -> dict[str, str]:
    """Look photos up by their names, stems and the numbers in them."""
    names: dict[str, str] = {}
    for photo in photos:
        stem = Path(photo).stem
        digits = "".join(character for character in stem if character.isdigit())
        for name in (photo, Path(photo).name, stem, digits, digits.lstrip("0")):
            names.setdefault(name, photo)
    return names


def _looked_up(names: Mapping[str, str], word: str, file: Path) -> str:
    if word not in names:
        raise ConfigError("a label names no photo of the set", got=f"{word!r} in {file}")
    return names[word]


def _lines(file: Path) -> Iterable[list[str]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        words = line.replace(",", " ").split()
        if words and not line.startswith("#"):
            yield words


def _mfnd(path: Path, folder: Path) -> Truth:
    photos = _photos(folder)
    names = _named(photos)
    clusters = [
        [_looked_up(names, word, file) for word in words]
        for file in sorted(folder.glob("*.txt"))
        for words in _lines(file)
    ]
    return Truth(folder.name, folder, tuple(photos), _within(clusters))


def _pairs(path: Path, folder: Path) -> Truth:
    photos = _photos(folder)
    names = _named(photos)
    read: dict[str, frozenset[Pair]] = {}
    for kind in ("nd_pairs.txt", "nnd_pairs.txt"):
        file = folder / kind
        lines = list(_lines(file)) if file.is_file() else []
        if any(len(words) != 2 for words in lines):
            raise ConfigError("a pair file wants two names a line", got=str(file))
        read[kind] = frozenset(
            _ordered(*(_looked_up(names, word, file) for word in words)) for words in lines
        )
    return Truth(
        folder.name, folder, tuple(photos), read["nd_pairs.txt"], others=read["nnd_pairs.txt"]
    )


def condensed_index(
    first: NDArray[np.int64], second: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Index of pairs of different images among all pairs, row by row."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.asarray(low * count - low * (low + 1) // 2 + high - low - 1)


LAYOUTS = {"labels": _labels, "california-nd": _california, "mfnd": _mfnd, "pairs": _pairs}
