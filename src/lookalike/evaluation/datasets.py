"""Make sets with known answers from a folder of photos."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from lookalike.config import DecodeConfig
from lookalike.descriptors.hashes import describe_hashes, turns_of
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.images.decode import decode, sniff
from lookalike.index.hamming import HammingIndex
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure

__all__ = [
    "Label",
    "Split",
    "at_least",
    "make_copies",
    "make_speed_set",
    "photos_in",
    "read_labels",
    "read_photo",
    "split_photos",
    "without_twins",
    "write_labels",
]

Split = Literal["development", "held-back", "capability", "all"]
_CAPABILITY = 60
_TWIN_BITS = 40


@dataclass(frozen=True, slots=True)
class Label:
    """The true label of a picture in a set.

    Attributes:
        path: relative to the set.
        group: pictures of one group are the same picture.
        edit: how it was made; ``source`` for the picture itself.
    """

    path: str
    group: str
    edit: str


def read_labels(folder: Path) -> tuple[Label, ...]:
    """Read ``labels.csv`` of a set: columns path, group, edit."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Label(row["path"], row["group"], row["edit"]) for row in csv.DictReader(file))


def split_photos(photos: Sequence[Path], split: Split) -> list[Path]:
    """Choose one half by the digest of the name: tuning and reporting never share a source.

    ``capability`` is the first 60 of the held-out half.
    """
    if split == "all":
        return list(photos)
    want = 0 if split == "development" else 1
    half = [p for p in photos if hashlib.sha256(p.name.encode()).digest()[0] % 2 == want]
    return half[:_CAPABILITY] if split == "capability" else half


def make_copies(
    photos: Path,
    out: Path,
    edits: Sequence[str],
    *,
    canvases: Path | None,
    split: Split,
    seed: int = 0,
) -> tuple[Label, ...]:
    """Write sources with an edited copy for every edit, and all other photos as distractors.

    Of photos that look alike already (PDQ within 40 bits in some orientation) the later one is left
    out, as the truth would be wrong.

    Args:
        photos: a folder of photos.
        out: the set, with ``labels.csv``.
        edits: names.
        canvases: another folder of pictures, to paste on and to cover with; each is used once, and
            none is in the set, as a pasted copy shows its canvas too. By default canvases are
            seeded noise.
        split: half from which sources are taken; distractors come from everywhere.
        seed: of the edits.

    Raises:
        ConfigError: too few photos.
    """
    kept = without_twins(photos_in(photos))
    sources = set(split_photos(kept, split))
    jobs = [tuple(edits) if photo in sources else () for photo in kept]
    starts = np.cumsum([0, *map(len, jobs)]).tolist()
    pool_of_canvases: list[Path | int] = list(range(starts[-1]))
    if canvases is not None:
        pool_of_canvases = list(photos_in(canvases))
        pool_of_canvases *= -(-starts[-1] // len(pool_of_canvases))
    own = [
        pool_of_canvases[start : start + len(job)] for start, job in zip(starts, jobs, strict=False)
    ]
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        made = pool.map(
            _write_group,
            kept,
            jobs,
            own,
            repeat(out),
            repeat(seed),
            chunksize=8,
        )
        labels = tuple(label for group in made for label in group)
    write_labels(out, labels)
    return labels


def make_speed_set(
    photos: Path, out: Path, *, count: int = 10_000, seed: int = 0
) -> tuple[Label, ...]:
    """Write real JPEGs of about 640×480: photos repeated with small random edits."""
    files = photos_in(photos)
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        labels = tuple(
            pool.map(
                _write_small,
                (files[number % len(files)] for number in range(count)),
                range(count),
                repeat(out),
                repeat(seed),
                chunksize=64,
            )
        )
    write_labels(out, labels)
    return labels


def photos_in(folder: Path) -> list[Path]:
    """List the pictures directly in a folder, by name.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(
            "no folder of photos",
            got=str(folder),
            expected="a folder of at least 100 photos",
            remedy="pass --photos DIR",
        )
    return sorted(p for p in folder.iterdir() if p.is_file() and sniff(p.read_bytes()[:64]))


def without_twins(photos: Sequence[Path]) -> list[Path]:
    """Drop photos that look like an earlier one: PDQ within 40 bits in some orientation."""
    hashes, readable = [], []
    for path in photos:
        picture = decode(str(path), path.read_bytes(), DecodeConfig())
        if not isinstance(picture, Failure):
            readable.append(path)
            hashes.append(describe_hashes(picture).pdq)
    if not readable:
        return []
    rows = turns_of(np.stack(hashes))
    index = HammingIndex(np.ascontiguousarray(rows[:, 0]))
    twins = set()
    for turn in range(8):
        turned = np.ascontiguousarray(rows[:, turn])
        _, later, _ = index.pairs_with(turned, _TWIN_BITS, upper_triangle=True)
        twins |= set(later.tolist())
    return [path for number, path in enumerate(readable) if number not in twins]


def read_photo(path: Path) -> UInt8Array:
    """Read a photo as ``(h, w, 3)`` uint8 RGB."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def at_least(rgb: UInt8Array, side: int) -> UInt8Array:
    """Enlarge a picture to a long side of so many pixels; larger ones stay."""
    factor = side / max(rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor)) if factor > 1 else rgb


def _write_group(
    photo: Path, edits: Sequence[str], canvases: Sequence[Path | int], out: Path, seed: int
) -> list[Label]:
    name = f"{photo.stem}.jpg"
    (out / name).write_bytes(photo.read_bytes())
    labels = [Label(name, photo.stem, "source")]
    rgb = read_photo(photo) if edits else None
    for number, (edit, canvas) in enumerate(zip(edits, canvases, strict=True)):
        assert rgb is not None
        other = at_least(_noise(canvas) if isinstance(canvas, int) else read_photo(canvas), 512)
        copy = edit_picture(rgb, edit, source=photo.stem, other=other, seed=seed)
        name = f"{photo.stem}__{number:02d}_{edit}.jpg"
        (out / name).write_bytes(encode_jpeg(copy))
        labels.append(Label(name, photo.stem, edit))
    return labels


def _noise(seed: int) -> UInt8Array:
    """Make a picture of soft noise of several sizes."""
    random = np.random.default_rng(seed)
    canvas = np.zeros((480, 640, 3), np.float32)
    for cells in (3, 7, 19, 53):
        noise = random.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        canvas += cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC) / 4
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _write_small(photo: Path, number: int, out: Path, seed: int) -> Label:
    rgb = cv2.resize(read_photo(photo), (640, 480), interpolation=cv2.INTER_AREA)
    copy = edit_picture(rgb, "small_random", source=f"{photo.stem}{number}", other=rgb, seed=seed)
    quality = 75 + number % 20
    name = f"{number // 1000:03d}/{number:06d}.jpg"
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_bytes(encode_jpeg(copy, quality))
    return Label(name, photo.stem, "small_random")


def write_labels(out: Path, labels: Sequence[Label]) -> None:
    """Write ``labels.csv`` of a set."""
    with (out / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "group", "edit"])
        writer.writerows(_rows(labels))


def _rows(labels: Sequence[Label]) -> Iterator[tuple[str, str, str]]:
    return ((label.path, label.group, label.edit) for label in labels)
