"""The bench of result lists: 20 pictures of 640×480, with copies among them, collapsed.

    python -m lookalike_bench.bench_collapse --photos DIR

Writes the result ``collapse``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from lookalike.config import DecodeConfig, FindConfig
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.image import Picture
from lookalike.run.collapse import Candidate, collapse
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["main"]

_EDITS = ("crop_87", "mirror", "resize_50", "jpeg_20", "brightness", "screenshot", "caption_bar")
_SOURCES, _SIZE = 13, (640, 480)
_LISTS, _REPEATS = 12, 5
_HEADLINE = ("JPEG bytes", 2, None)


def main() -> None:
    """Make the lists, collapse them, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    made = [_made(asked.photos, number) for number in range(_LISTS)]
    load = os.getloadavg()[0]
    lines = [
        f"Load {load:.1f} before it began. {_LISTS} lists of {_SOURCES} photos and {len(_EDITS)} "
        f"edited copies ({', '.join(_EDITS)}), photos 640×480, shuffled; {_REPEATS} calls each, "
        "warm. CPU time counts all threads, and does not grow with what else the machine does, or "
        "little.",
        "",
        "| candidates | threads | k | median ms | fastest ms | median CPU ms | copies joined | "
        "strangers joined |",
        "|---|---|---|---|---|---|---|---|",
    ]
    headline = ""
    for form in ("JPEG bytes", "arrays"):
        for threads, k in ((1, None), (2, None), (2, 6)):
            cells = _cells(made, form, threads, k)
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
            if (form, threads, k) == _HEADLINE:
                headline = (
                    f"{_SOURCES + len(_EDITS)} JPEGs, {threads} threads: median {cells[3]} ms, "
                    f"{cells[6]} copies joined, {cells[7]} strangers"
                )
    result = Result("collapse", "Result lists", headline, this_command(__spec__.name), lines)
    print(f"written: {write_result(asked.out, result)}")


def _made(photos: Path, number: int) -> tuple[list[UInt8Array], list[int]]:
    """Pictures of one list in their order, and the source that each one shows."""
    random = np.random.default_rng(number)
    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    chosen = [files[n] for n in random.permutation(len(files))[: _SOURCES + 1]]
    *sources, other = [_photo(path) for path in chosen]
    pictures, shown = list(sources), list(range(_SOURCES))
    for place, edit in enumerate(_EDITS):
        pictures.append(
            edit_picture(sources[place], edit, source=chosen[place].name, other=other, seed=number)
        )
        shown.append(place)
    order = random.permutation(len(pictures))
    return [pictures[n] for n in order], [shown[n] for n in order]


def _photo(path: Path) -> UInt8Array:
    picture = decode(str(path), path.read_bytes(), DecodeConfig(min_side=_SIZE[1]))
    assert isinstance(picture, Picture), picture
    height, width = picture.rgb.shape[:2]
    # cut to 4:3, not squashed: a photo keeps its look
    wide, tall = min(width, height * 4 // 3), min(height, width * 3 // 4)
    cut = picture.rgb[(height - tall) // 2 :, (width - wide) // 2 :][:tall, :wide]
    return np.asarray(cv2.resize(cut, _SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cells(
    made: Sequence[tuple[list[UInt8Array], list[int]]], form: str, threads: int, k: int | None
) -> list[str]:
    """A row of the table."""
    config = FindConfig(threads=threads)
    walls, processor = [], []
    true = joined = wrong = 0
    for pictures, shown in made:
        candidates: list[Candidate] = list(pictures)
        if form != "arrays":
            candidates = [encode_jpeg(picture) for picture in pictures]
        collapse(candidates, k, config=config)
        for _ in range(_REPEATS):
            begun, worked = time.perf_counter(), time.process_time()
            found = collapse(candidates, k, config=config)
            walls.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
        together = {pair for kept in found.kept for pair in combinations(kept.stands_for, 2)}
        copies = {(a, b) for a, b in combinations(range(found.looked), 2) if shown[a] == shown[b]}
        true, joined = true + len(copies), joined + len(copies & together)
        wrong += len(together - copies)
    times = (np.median(walls), min(walls), np.median(processor))
    cells = (form, threads, k or "all", *(f"{1e3 * value:.0f}" for value in times))
    return [*map(str, cells), f"{joined} of {true}", str(wrong)]


if __name__ == "__main__":
    main()
