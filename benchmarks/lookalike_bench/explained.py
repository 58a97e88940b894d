"""How right explanations are: masks of what was added, their kinds, and the likely parent.

    python -m lookalike_bench.explained SET... [--sources N] [--out FOLDER]

Every copy of a labelled set is compared with its source, every second one the other way round. What
an edit truly added is what does not depend on its source: the edit is made again of a black and of
a white picture, and where both results are the same, something was added. Writes the result
``explained``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.difference.additions import AddedKind
from lookalike.difference.difference import Difference
from lookalike.evaluation.datasets import Label, read_labels, read_photo
from lookalike.evaluation.edits import edit_picture
from lookalike.model.arrays import UInt8Array
from lookalike.run.compare import explain_pair
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["KINDS_OF_EDITS", "Judged", "judge_pair", "truly_added"]

_SOURCE = "source"
_LEAST_ADDED = 0.001
_UNCHANGED = 64
# what may be said of what each edit adds; a canvas may itself be a page of few colours
KINDS_OF_EDITS: Mapping[str, frozenset[AddedKind]] = {
    "rotate_25": frozenset({"border"}),
    "caption_bar": frozenset({"caption"}),
    "lines": frozenset({"lines"}),
    "sticker": frozenset({"overlay"}),
    "emoji": frozenset({"overlay"}),
    "screenshot": frozenset({"page"}),
    "pasted": frozenset({"background", "page"}),
    "perspective": frozenset({"border"}),
    "letterbox": frozenset({"border"}),
    "border": frozenset({"border"}),
    "text_overlay": frozenset({"text"}),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """How right the explanation of one copy is.

    Attributes:
        edit: how the copy was made.
        has_added: whether the edit added anything.
        iou: of the copy's mask with the truth; where nothing was added 1 for an empty mask, else 0.
        marked: share of the copy that is marked as added.
        marked_source: share of the source that is marked, always wrongly.
        is_kind: whether most of what is marked is of the right kind.
        parent: ``right``, ``wrong`` or ``unknown``.
    """

    edit: str
    has_added: bool
    iou: float
    marked: float
    marked_source: float
    is_kind: bool
    parent: str


def truly_added(source: UInt8Array, edit: str, *, name: str, shape: Sequence[int]) -> UInt8Array:
    """255 where an edited picture shows what was added, else 0.

    Args:
        source: ``(h, w, 3)`` uint8, what was edited; only its shape counts.
        edit: key of ``EDITS``.
        name: of the source, as for ``edit_picture``.
        shape: of the edited picture.
    """
    other = np.zeros((shape[0], shape[1], 3), np.uint8)
    black, white = (
        edit_picture(np.full_like(source, level), edit, source=name, other=other)
        for level in (0, 255)
    )
    apart = np.abs(black.astype(np.int16) - white).max(axis=2)
    return np.where(apart < _UNCHANGED, 255, 0).astype(np.uint8)


def judge_pair(folder: Path, source: Label, copy: Label, *, turned: bool) -> Judged | None:
    """Explain one pair and compare with the truth; None where it is not found to be a pair.

    Args:
        folder: of the set.
        source: the picture.
        copy: made from it.
        turned: ask for the copy first.
    """
    paths = folder / source.path, folder / copy.path
    found = explain_pair(*(paths[::-1] if turned else paths))
    if found is None:
        return None
    picture = read_photo(paths[0])
    shape = read_photo(paths[1]).shape
    truth = truly_added(picture, copy.edit, name=source.group, shape=shape)
    mask, other = (found.query_mask, found.ref_mask)[:: 1 if turned else -1]
    return _judged(found, copy.edit, truth, (mask > 0, other > 0), turned=turned)


def _judged(
    found: Difference,
    edit: str,
    truth: UInt8Array,
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    *,
    turned: bool,
) -> Judged:
    mask, other = masks
    small = cv2.resize(truth, mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    has_added = bool(small.mean() >= _LEAST_ADDED)
    both, either = float((mask & small).sum()), float((mask | small).sum())
    side = "query" if turned else "ref"
    shares: dict[str, float] = defaultdict(float)
    for region in found.regions:
        if region.side == side:
            shares[region.kind] += region.share
    kind = max(shares, key=lambda name: shares[name], default="")
    right = "ref" if turned else "query"
    parent = "unknown" if found.parent == "unknown" else "wrong"
    return Judged(
        edit=edit,
        has_added=has_added,
        iou=both / either if has_added else float(not mask.any()),
        marked=float(mask.mean()),
        marked_source=float(other.mean()),
        is_kind=kind in KINDS_OF_EDITS.get(edit, frozenset({""})),
        parent="right" if found.parent == right else parent,
    )


def _pairs(labels: Sequence[Label], sources: int) -> Iterator[tuple[Label, Label]]:
    """Copies with their sources, of so many sources evenly taken; 0 for all."""
    groups = list(dict.fromkeys(label.group for label in labels if label.edit != _SOURCE))
    step = max(1, len(groups) // sources) if sources else 1
    chosen = set(groups[::step][: sources or None])
    own = {label.group: label for label in labels if label.edit == _SOURCE}
    for label in labels:
        if label.edit != _SOURCE and label.group in chosen:
            yield own[label.group], label


def _table(judged: Mapping[str, Sequence[Judged | None]]) -> list[str]:
    lines = [
        "| edit | pairs | not found | IoU of the mask, mean (least) | kind right | copy marked | "
        "source marked | parent right | unknown | wrong |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for edit, answers in judged.items():
        found = [one for one in answers if one is not None]
        if not found:
            lines.append(f"| {edit} | {len(answers)} | {len(answers)} | | | | | | | |")
            continue
        overlaps = [one.iou for one in found]
        overlap = f"{np.mean(overlaps):.3f} ({min(overlaps):.2f})"
        marked, wrongly = (
            np.mean([getattr(one, name) for one in found]) for name in ("marked", "marked_source")
        )
        parents = [
            f"{np.mean([one.parent == word for one in found]):.3f}"
            for word in ("right", "unknown", "wrong")
        ]
        added = found[0].has_added
        lines.append(
            f"| {edit} | {len(answers)} | {len(answers) - len(found)} | "
            f"{overlap if added else 'nothing added'} | "
            f"{np.mean([one.is_kind for one in found]):.3f} | {marked:.2%} | {wrongly:.2%} | "
            f"{' | '.join(parents)} |"
        )
    return lines


def main() -> None:
    """Explain the copies of labelled sets, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--sources", type=int, default=40, help="of each set; 0 for all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    lines = [
        "Every copy compared with its source, every second one the other way round; "
        f"{asked.sources or 'all'} sources of each set. Kind: most of what is marked is of the "
        "kind that the edit adds, or nothing is marked where it adds nothing. Nothing tells a "
        "mirrored or turned copy from its source but that it was encoded once more.",
    ]
    headline = ""
    for folder in asked.sets:
        judged: dict[str, list[Judged | None]] = defaultdict(list)
        for source, copy in _pairs(read_labels(folder), asked.sources):
            own = judged[copy.edit]
            own.append(judge_pair(folder, source, copy, turned=len(own) % 2 == 1))
        table = ["", f"## {folder.name}", "", *_table(judged)]
        print("\n".join(table), flush=True)
        lines += table
        # of the last set
        headline = f"{folder.name}: {_headline(judged)}"
    command = this_command(__spec__.name)
    result = Result("explained", "Explanations", headline, command, lines)
    print(f"written: {write_result(asked.out, result)}")


def _headline(judged: Mapping[str, Sequence[Judged | None]]) -> str:
    """How many pairs are not found, and the edits whose masks and parents are worst."""
    pairs = sum(map(len, judged.values()))
    missing = sum(one is None for answers in judged.values() for one in answers)
    parts = [f"{missing} of {pairs} pairs not found"]
    found = {edit: [one for one in answers if one] for edit, answers in judged.items()}
    overlap = {
        edit: np.mean([one.iou for one in own])
        for edit, own in found.items()
        if own and own[0].has_added
    }
    wrong = {
        edit: np.mean([one.parent == "wrong" for one in own]) for edit, own in found.items() if own
    }
    if overlap:
        edit = min(overlap, key=overlap.__getitem__)
        parts.append(f"mean IoU of masks from {overlap[edit]:.3f} ({edit})")
    if wrong:
        edit = max(wrong, key=wrong.__getitem__)
        parts.append(f"parent wrong in at most {wrong[edit]:.3f} ({edit})")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
