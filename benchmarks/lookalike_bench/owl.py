"""The owl test: does a query with coloured lines over it find its subject, or other lined pictures?

    python -m lookalike_bench.owl --photos DIR --recipe NAME... [--subjects 40]

DeDup's authors saw a lined owl return other lined pictures. Here every subject has four pictures
without lines in the collection (itself, cropped, recoloured, recompressed), among lined pictures of
strangers and plain ones. Recall@5 is the share of the subject's own four among the first five hits.
Writes the result ``owl``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.config import RunConfig
from lookalike.config.recipes import load_recipe
from lookalike.evaluation.datasets import Split, read_photo, split_photos
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.model.arrays import UInt8Array
from lookalike.retrieval.focus import Focus
from lookalike.retrieval.query import Question
from lookalike.run.find import find
from lookalike.run.search import search
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["OwlScore", "main", "owl_test"]

_OWN = ("crop_95", "saturation", "jpeg_20")
_LONGEST = 640


@dataclass(frozen=True, slots=True)
class OwlScore:
    """Recall@5 of the subjects' own pictures.

    Attributes:
        recipe: name.
        plain: queries without lines, the most that can be had.
        off: lined queries as they are.
        on: lined queries with overlays ignored.
    """

    recipe: str
    plain: float
    off: float
    on: float


def owl_test(
    photos: Sequence[Path], recipes: Sequence[str], *, subjects: int, work: Path
) -> list[OwlScore]:
    """Score recipes by their search alone.

    Args:
        photos: more than four times as many as subjects.
        recipes: names.
        subjects: queries.
        work: a folder to make the pictures in.
    """
    own = list(photos[:subjects])
    lined = list(photos[subjects : 3 * subjects])
    rest = list(photos[3 * subjects :])
    for number, photo in enumerate(own):
        rgb = _small(photo)
        _save(work / "set" / f"{number:03d}_own.jpg", rgb)
        for edit in _OWN:
            copy = edit_picture(rgb, edit, source=photo.stem, other=rgb)
            _save(work / "set" / f"{number:03d}_{edit}.jpg", copy)
        _save(work / "plain" / f"{number:03d}.jpg", rgb, 80)
        _save(work / "lined" / f"{number:03d}.jpg", _with_lines(rgb, photo.stem))
    for photo in lined:
        _save(work / "set" / f"lined_{photo.stem}.jpg", _with_lines(_small(photo), photo.stem))
    for photo in rest:
        _save(work / "set" / f"plain_{photo.stem}.jpg", _small(photo))
    return [_scored(name, load_recipe(name).config, subjects, work) for name in recipes]


def _scored(name: str, config: RunConfig, subjects: int, work: Path) -> OwlScore:
    db = work / "db"
    find(work / "set", db=db, config=config)

    def recall(folder: str, focus: Focus | None) -> float:
        shares = []
        for number in range(subjects):
            question = Question(work / folder / f"{number:03d}.jpg", 5, focus=focus)
            hits = search(question, db=db, config=config).hits
            mine = [h for h in hits if Path(h.image.path).name.startswith(f"{number:03d}_")]
            shares.append(len(mine) / (1 + len(_OWN)))
        return float(np.mean(shares))

    ignoring = Focus(ignore_overlays=True)
    return OwlScore(name, recall("plain", None), recall("lined", None), recall("lined", ignoring))


def _small(photo: Path) -> UInt8Array:
    rgb = read_photo(photo)
    factor = _LONGEST / max(rgb.shape[:2])
    if factor >= 1:
        return rgb
    return edit_picture(rgb, "resize_50", source="", other=rgb) if factor > 0.5 else rgb


def _with_lines(rgb: UInt8Array, name: str) -> UInt8Array:
    """Lines twice: thirty, of random colours."""
    once = edit_picture(rgb, "lines", source=name, other=rgb)
    return edit_picture(once, "lines", source=f"{name} again", other=rgb)


def _save(path: Path, rgb: UInt8Array, quality: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(rgb, quality))


def main() -> None:
    """Make the pictures, score the recipes, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--split", default="held-back")
    parser.add_argument("--recipe", action="append", required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    split: Split = arguments.split
    photos = split_photos(sorted(p for p in arguments.photos.iterdir() if p.is_file()), split)
    with tempfile.TemporaryDirectory() as folder:
        scores = owl_test(photos, arguments.recipe, subjects=arguments.subjects, work=Path(folder))
    lines = [
        f"{arguments.subjects} subjects of the {split} half, 30 coloured lines over each "
        "query, among lined pictures of strangers. Recall@5 of the subject's own four pictures.",
        "",
        "| recipe | query without lines | lines, focus off | lines, focus on |",
        "|---|---|---|---|",
        *(f"| {s.recipe} | {s.plain:.3f} | {s.off:.3f} | {s.on:.3f} |" for s in scores),
    ]
    print("\n".join(lines))
    first = scores[0]
    headline = (
        f"{first.recipe}, recall@5: {first.plain:.3f} without lines, {first.off:.3f} with lines "
        f"over the query, {first.on:.3f} with the focus on"
    )
    result = Result("owl", "The owl test", headline, this_command(__spec__.name), lines)
    print(f"written: {write_result(arguments.out, result)}")


if __name__ == "__main__":
    main()
