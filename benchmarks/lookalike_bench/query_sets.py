"""Sets in the shape of dupimage's Table 1: queries, each with 20 retrieved images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookalike.config import DecodeConfig
from lookalike.descriptors.neural import SHIPPED
from lookalike.descriptors.registry import load_descriptor
from lookalike.evaluation.datasets import Split, read_photo, split_photos
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.images.decode import decode, sniff
from lookalike.index.blocks import block_distances
from lookalike.model.arrays import FloatArray
from lookalike.model.files import Failure

__all__ = ["make_query_sets"]

# of the picture asked for, and of another one among the results: how result pages repeat pictures
_MANY = ("crop_87", "resize_50", "jpeg_20", "brightness", "text_overlay")
_FEW = ("squash", "saturation", "border")
_PER_QUERY = 20


def make_query_sets(
    photos: Path, out: Path, *, queries: int = 9, split: Split = "held-back"
) -> Path:
    """Write ``labels.csv`` with the columns path, group, edit and query, and its pictures.

    Every query set holds a photo with five copies, its nearest neighbour by the shipped network
    with three, and the next nearest photos, 20 in all. No photo is in two sets.

    Args:
        photos: a folder of photos.
        out: the set.
        queries: how many.
        split: half of the photos to take from.
    """
    files = [p for p in sorted(photos.iterdir()) if p.is_file() and _is_picture(p)]
    left = split_photos(files, split)
    rows = _described(left)
    free = np.ones(len(left), bool)
    labels: list[tuple[str, str, str, str]] = []
    for number in range(queries):
        start = int(np.flatnonzero(free)[number * 7 % int(free.sum())])
        distance = block_distances(rows[start : start + 1], rows, "cosine")[0]
        near = np.argsort(np.where(free, distance, np.inf), kind="stable")
        chosen = near[: _PER_QUERY - len(_MANY) - len(_FEW)].tolist()
        free[chosen] = False
        for rank, at in enumerate(chosen):
            edits = {0: _MANY, 1: _FEW}.get(rank, ())
            labels += _write(left[at], ("source", *edits), out, f"q{number + 1}")
    with (out / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "group", "edit", "query"])
        writer.writerows(labels)
    return out


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return sniff(file.read(64)) is not None


def _described(photos: Sequence[Path]) -> FloatArray:
    descriptor = load_descriptor(SHIPPED)
    rows = []
    for photo in photos:
        picture = decode(str(photo), photo.read_bytes(), DecodeConfig())
        blank = np.zeros(descriptor.spec.dim, np.float16)
        rows.append(blank if isinstance(picture, Failure) else descriptor.describe(picture))
    return np.stack(rows).astype(np.float32)


def _write(
    photo: Path, edits: Sequence[str], out: Path, query: str
) -> list[tuple[str, str, str, str]]:
    rgb = read_photo(photo)
    labels = []
    for edit in edits:
        copy = rgb if edit == "source" else edit_picture(rgb, edit, source=photo.stem, other=rgb)
        name = f"{query}/{photo.stem}_{edit}.jpg"
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(encode_jpeg(copy, 90))
        labels.append((name, photo.stem, edit, query))
    return labels
