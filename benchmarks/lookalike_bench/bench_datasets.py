"""The bench of leaks and conflicts: sets in which both are planted, and what is found of them.

    python -m lookalike_bench.bench_datasets --photos DIR --canvases DIR [--split held-back]

Writes the result ``datasets``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2

from lookalike.config import FindConfig
from lookalike.config.recipes import load_recipe
from lookalike.datasets import Pair, conflicts, leaks
from lookalike.evaluation.datasets import (
    Split,
    at_least,
    photos_in,
    read_photo,
    split_photos,
    without_twins,
)
from lookalike.evaluation.edits import FIVE, FOURTEEN, ROBUSTNESS, edit_picture, encode_jpeg
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike.model.report import Report
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["Planted", "main", "make_conflict_set", "make_leak_set"]

# what happens to pictures that are collected twice, and what people do to hide that
ORDINARY = tuple(dict.fromkeys(("bytes", "pixels", *FIVE, *ROBUSTNESS)))
STRONG = tuple(edit for edit in FOURTEEN if edit not in ORDINARY)
_EFFORTS = ("default", "thorough")
_CLASSES = 8
_COPIES = 5
_ABOUT = (
    f"Photos with {_COPIES} edited copies each, and the photos of the other half as strangers. "
    "Leaks: the photo is in the training set, its copies in the test set. Conflicts: about half of "
    "its copies lie in another class's folder. Found: a planted copy is reported with an image of "
    "its photo. Invented: reported pairs of different photos."
)


@dataclass(frozen=True, slots=True)
class Planted:
    """One file of a set.

    Attributes:
        path: relative to the set.
        group: photo that it shows.
        edit: how it was made; ``source`` for the photo itself.
        wrong: whether it was planted: a copy in another split, or under another label.
    """

    path: str
    group: str
    edit: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was found of one kind of set.

    Attributes:
        lines: the table.
        found: of the ordinary edits, by the last effort: how many of how many.
        invented: pairs of different photos, by the last effort.
    """

    lines: list[str]
    found: str
    invented: int


def main() -> None:
    """Make the sets, look for what was planted, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--split", choices=("development", "held-back"), default="held-back")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work/datasets"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    leaking, conflicting = (_measured(kind, asked) for kind in ("leaks", "conflicts"))
    headline = (
        f"{_EFFORTS[-1]}, ordinary edits: {leaking.found} leaks and {conflicting.found} conflicts "
        f"found; {leaking.invented + conflicting.invented} pairs invented"
    )
    title = f"Leaks and conflicts, {asked.split} half"
    lines = [_ABOUT, "", *leaking.lines, "", *conflicting.lines]
    result = Result("datasets", title, headline, this_command(__spec__.name), lines)
    print(f"written: {write_result(asked.out, result)}")


def make_leak_set(photos: Path, canvases: Path, out: Path, *, split: Split) -> list[Planted]:
    """``train`` and ``test`` below ``out``; every copy in ``test`` leaks.

    Args:
        photos: a folder of photos; those of the half are sources, the others strangers, some in
            each split.
        canvases: other pictures, to paste on and to cover with.
        out: the set, with ``planted.csv``.
        split: half from which sources are taken.

    Raises:
        ConfigError: no photos.
    """
    made = []
    for photo, canvas, edits in _jobs(photos, canvases, split):
        own = ("train", "test")[_digest(photo, "split") % 2] if not edits else "train"
        made.append(_write_photo(photo, out, own))
        made += [_write_copy(photo, canvas, edit, out, "test", wrong=True) for edit in edits]
    return _closed(made, out)


def make_conflict_set(photos: Path, canvases: Path, out: Path, *, split: Split) -> list[Planted]:
    """A folder for every class; about every other copy lies in another class than its photo.

    Arguments and errors are those of ``make_leak_set``.
    """
    made = []
    for photo, canvas, edits in _jobs(photos, canvases, split):
        own = _digest(photo, "class") % _CLASSES
        made.append(_write_photo(photo, out, f"class{own}"))
        for edit in edits:
            wrong = _digest(photo, edit, "wrong") % 2 == 0
            label = (own + 1 + _digest(photo, edit) % (_CLASSES - 1)) % _CLASSES if wrong else own
            made.append(_write_copy(photo, canvas, edit, out, f"class{label}", wrong=wrong))
    return _closed(made, out)


def _jobs(
    photos: Path, canvases: Path, split: Split
) -> Iterable[tuple[Path, Path, tuple[str, ...]]]:
    """Photos with a canvas and the edits of their copies: none for strangers."""
    kept = without_twins(photos_in(photos))
    sources = set(split_photos(kept, split))
    if not sources:
        raise ConfigError("no photos of this half", got=str(photos))
    others = cycle(split_photos(photos_in(canvases), split))
    edits = cycle((*ORDINARY, *STRONG))
    for photo in kept:
        own = tuple(islice(edits, _COPIES)) if photo in sources else ()
        yield photo, next(others), own


def _write_photo(photo: Path, out: Path, folder: str) -> Planted:
    name = f"{folder}/{photo.stem}{photo.suffix}"
    return _write(out, name, photo.read_bytes(), Planted(name, photo.stem, "source", wrong=False))


def _write_copy(
    photo: Path, canvas: Path, edit: str, out: Path, folder: str, *, wrong: bool
) -> Planted:
    suffix = {"bytes": photo.suffix, "pixels": ".png"}.get(edit, ".jpg")
    name = f"{folder}/{hashlib.sha256(f'{photo.stem} {edit}'.encode()).hexdigest()[:12]}{suffix}"
    if edit == "bytes":
        data = photo.read_bytes()
    elif edit == "pixels":
        data = _png(read_photo(photo))
    else:
        other = at_least(read_photo(canvas), 512)
        data = encode_jpeg(edit_picture(read_photo(photo), edit, source=photo.stem, other=other))
    return _write(out, name, data, Planted(name, photo.stem, edit, wrong=wrong))


def _write(out: Path, name: str, data: bytes, planted: Planted) -> Planted:
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_bytes(data)
    return planted


def _png(rgb: UInt8Array) -> bytes:
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"cannot encode a picture of shape {rgb.shape}")
    return data.tobytes()


def _closed(made: Sequence[Planted], out: Path) -> list[Planted]:
    planted = sorted(made, key=lambda item: item.path)
    with (out / "planted.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "group", "edit", "wrong"])
        writer.writerows((p.path, p.group, p.edit, int(p.wrong)) for p in planted)
    return planted


def _digest(photo: Path, *words: str) -> int:
    return hashlib.sha256("\0".join((photo.name, *words)).encode()).digest()[0]


def _measured(kind: str, asked: argparse.Namespace) -> _Measured:
    """The table of one kind of set: planted and found of every edit, by both efforts."""
    folder = asked.work / f"{kind}-{asked.split}"
    shutil.rmtree(folder, ignore_errors=True)
    make = make_leak_set if kind == "leaks" else make_conflict_set
    planted = make(asked.photos, asked.canvases, folder, split=asked.split)
    counts = Counter(item.edit for item in planted if item.wrong)
    found: dict[str, Counter[str]] = {}
    invented: dict[str, int] = {}
    for recipe in _EFFORTS:
        pairs, report = _reported(kind, folder, recipe, asked.work / "collection")
        found[recipe], invented[recipe] = _scored(pairs, report, folder, planted)
    lines = [
        f"| {kind}: edit | planted | {' | '.join(f'found, {name}' for name in _EFFORTS)} |",
        "|---|---|" + "---|" * len(_EFFORTS),
    ]
    for title, edits in (("ordinary edits", ORDINARY), ("stronger edits", STRONG)):
        lines += [_row(edit, [edit], counts, found) for edit in edits]
        lines.append(_row(f"**all {title}**", edits, counts, found))
    shown = " | ".join(str(invented[name]) for name in _EFFORTS)
    lines.append(f"| **invented pairs** ({len(planted):,} images) | 0 | {shown} |")
    print("\n".join(lines), flush=True)
    last = _EFFORTS[-1]
    hits, total = (sum(one[edit] for edit in ORDINARY) for one in (found[last], counts))
    return _Measured(lines, f"{hits} of {total}", invented[last])


def _reported(kind: str, folder: Path, recipe: str, collection: Path) -> tuple[list[Pair], Report]:
    shutil.rmtree(collection, ignore_errors=True)
    config = load_recipe(recipe).config
    assert isinstance(config, FindConfig)
    if kind == "leaks":
        splits = {"train": folder / "train", "test": folder / "test"}
        leaking = leaks(splits, db=collection, config=config)
        return [leak.pair for leak in leaking.leaks], leaking.report
    conflicting = conflicts(folder, db=collection, config=config)
    return [conflict.pair for conflict in conflicting.conflicts], conflicting.report


def _scored(
    pairs: Sequence[Pair], report: Report, folder: Path, planted: Sequence[Planted]
) -> tuple[Counter[str], int]:
    """Planted images found, by edit, and how many pairs show two different photos."""
    truth = {item.path: item for item in planted}
    seen: set[str] = set()
    invented = 0
    for pair in pairs:
        ends = [
            truth[Path(report.images[image].path).relative_to(folder).as_posix()]
            for image in (pair.first, pair.second)
        ]
        if ends[0].group == ends[1].group:
            seen |= {end.path for end in ends if end.wrong}
        else:
            invented += 1
            print("invented:", *(end.path for end in ends), pair.tier, pair.edit, flush=True)
    return Counter(truth[path].edit for path in seen), invented


def _row(
    title: str, edits: Sequence[str], counts: Counter[str], found: dict[str, Counter[str]]
) -> str:
    total = sum(counts[edit] for edit in edits)
    cells = []
    for name in _EFFORTS:
        hits = sum(found[name][edit] for edit in edits)
        cells.append(f"{hits} ({hits / total:.3f})" if total else "–")
    return f"| {title} | {total} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
