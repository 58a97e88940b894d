"""What every peer's script shares: which files, which pairs are close, and the file of pairs.

A script is run as ``python run_NAME.py FOLDER OUT.csv`` by an interpreter that has the peer. It
writes the columns first, second and score (higher is more alike) of the pairs worth a look, paths
relative to the folder. It never reads the labels.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from multiprocessing import Pool
from pathlib import Path

import numpy as np

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


def pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)


def in_processes(work, files: list[Path]) -> list:
    """What a function says of every file, on all processors, in order."""
    with Pool() as pool:
        return pool.map(work, map(str, files), chunksize=16)


def close_pairs(hashes: np.ndarray, most: int) -> Iterator[tuple[int, int, float]]:
    """Pairs within so many bits in some orientation, and the share of equal bits.

    hashes: ``(images, orientations, bits)`` of 0 and 1; the first orientation is as stored.
    """
    count, _, bits = hashes.shape
    signs = hashes.astype(np.float32) * 2 - 1
    stored = np.ascontiguousarray(signs[:, 0])
    for start in range(0, count, 256):
        block = signs[start : start + 256]
        products = block.reshape(-1, bits) @ stored.T
        equal = products.reshape(*block.shape[:2], count).max(axis=1)
        distance = (bits - equal) / 2
        for row, column in zip(*np.nonzero(distance <= most), strict=True):
            if start + row < column:
                yield start + int(row), int(column), float(1 - distance[row, column] / bits)


def write_pairs(out: Path, rows: Iterable[tuple[str, str, float]]) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("first", "second", "score"))
        writer.writerows(rows)


def write_close(
    out: Path, folder: Path, files: list[Path], pairs: Iterable[tuple[int, int, float]]
) -> None:
    names = [path.relative_to(folder).as_posix() for path in files]
    write_pairs(out, ((names[a], names[b], round(score, 6)) for a, b, score in pairs))


def compare_hashes(hashes, most: int) -> None:
    """The whole script of a peer that is a hash of one picture: a path in, bits out."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = pictures(folder)
    write_close(out, folder, files, close_pairs(np.stack(in_processes(hashes, files)), most))
