"""The bench of hard sets: where a method that looks right on clean copies goes wrong.

    python -m lookalike_bench.bench_hard --photos DIR --canvases DIR [--split held-back]

Writes the result ``hard``.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from lookalike.evaluation.datasets import Label, Split, read_labels
from lookalike.evaluation.metrics import PairCounts, count_pairs
from lookalike.evaluation.predict import measured_find
from lookalike.model.report import Report
from lookalike_bench.hard.inside import LEAST_IOU, proposals_table, score_boxes
from lookalike_bench.hard.relations import Relation, count_relations
from lookalike_bench.hard.sets import HARD_SETS, make_hard_set
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["main"]

_EFFORTS = ("default", "thorough")
_SHOTS = ("bursts", "faces")


def main() -> None:
    """Make the sets, run the command, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--split", choices=("development", "held-back"), default="held-back")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work/hard"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--detector", type=Path, help="an ONNX detector to compare")
    asked = parser.parse_args()
    lines = [
        "Pairs over clusters; other shots of one scene count as strangers. What each set holds: "
        "`benchmarks/lookalike_bench/hard`.",
        "",
        "| set | recipe | images | precision | recall | true pairs | false pairs | images/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    more: list[str] = []
    inside: list[str] = []
    counted: dict[tuple[str, str], PairCounts] = {}
    for name in HARD_SETS:
        folder = _made(name, asked)
        if name == "inside":
            inside = _inside_lines(folder, asked)
            continue
        for recipe in _EFFORTS:
            report, seconds, _ = measured_find([folder], recipe, _fresh(asked.work / "collection"))
            labels = read_labels(folder)
            counted[name, recipe] = found = _counts(report, labels, folder)
            lines.append(
                f"| {name} | {recipe} | {len(labels)} | {found.precision:.4f} | "
                f"{found.recall:.4f} | {found.tp} | {found.fp} | {len(labels) / seconds:.0f} |"
            )
            if name in _SHOTS:
                known = asked.work / "collection"
                wider, _, _ = measured_find([folder], recipe, known, ("--similar",))
                more.append(_shots_row(f"{name}, {recipe}", (report, wider), labels, folder))
            print(lines[-1], flush=True)
    lines += ["", *more, *inside]
    title, command = f"Hard sets, {asked.split} half", this_command(__spec__.name)
    result = Result("hard", title, _headline(counted), command, lines)
    print(f"written: {write_result(asked.out, result)}")


def _made(name: str, asked: argparse.Namespace) -> Path:
    split: Split = asked.split
    folder = Path(asked.work) / f"{name}-{split}"
    if not (folder / "labels.csv").exists():
        make_hard_set(name, asked.photos, asked.canvases, folder, split=split)
    return folder


def _fresh(collection: Path) -> Path:
    shutil.rmtree(collection, ignore_errors=True)
    return collection


def _name(report: Report, image: str, folder: Path) -> str:
    return str(Path(report.images[image].path).relative_to(folder))


def _counts(report: Report, labels: Sequence[Label], folder: Path) -> PairCounts:
    clusters = [[_name(report, m, folder) for m in cluster.members] for cluster in report.clusters]
    return count_pairs(clusters, {label.path: label.group for label in labels})


def _headline(counted: Mapping[tuple[str, str], PairCounts]) -> str:
    """Where the last effort is worst."""
    last = {name: found for (name, recipe), found in counted.items() if recipe == _EFFORTS[-1]}
    wrong = min(last, key=lambda name: last[name].precision)
    missing = min(last, key=lambda name: last[name].recall)
    return (
        f"{_EFFORTS[-1]}: precision from {last[wrong].precision:.4f} ({wrong}), recall from "
        f"{last[missing].recall:.4f} ({missing})"
    )


def _shots_row(
    name: str, reports: tuple[Report, Report], labels: Sequence[Label], folder: Path
) -> str:
    """The confusion of copies, other shots and strangers, in a line.

    Args:
        name: of the set and recipe.
        reports: of a plain run, whose clusters are copies, and of one with ``--similar``.
        labels: of the set.
        folder: of the set.
    """
    plain, wider = reports
    said: dict[tuple[str, str], Relation] = _together(wider, folder, "similar")
    said |= _together(plain, folder, "copy")
    cells = {(c.truth, c.said): c.pairs for c in count_relations(labels, said)}
    truths: tuple[tuple[Relation, str], ...] = (
        ("copy", "copies"),
        ("similar", "other shots"),
        ("none", "strangers"),
    )
    words = [
        f"{kind}: {cells[truth, 'copy']} copy, {cells[truth, 'similar']} similar, "
        f"{cells[truth, 'none']} apart"
        for truth, kind in truths
    ]
    return f"- {name}, said of pairs of {'; '.join(words)}."


def _together(report: Report, folder: Path, said: Relation) -> dict[tuple[str, str], Relation]:
    """Every pair in one cluster."""
    pairs: dict[tuple[str, str], Relation] = {}
    for cluster in report.clusters:
        members = [_name(report, m, folder) for m in cluster.members]
        pairs |= {(a, b): said for a in members for b in members if a < b}
    return pairs


def _inside_lines(folder: Path, asked: argparse.Namespace) -> list[str]:
    """What ``find --inside`` says of pasted pictures, and with which regions."""
    report, seconds, _ = measured_find(
        [folder], "default", _fresh(asked.work / "collection"), ("--inside",)
    )
    score = score_boxes(report, folder)
    images = len(report.images)
    return [
        "",
        f"`find --inside`: {score.found} of {score.pasted} pasted pictures are found with IoU ≥ "
        f"{LEAST_IOU} (mean {score.mean_iou:.3f}); {score.on_empty} in the {score.empty} canvases "
        f"with nothing pasted, {score.elsewhere} wrong elsewhere; {images / seconds:.1f} images/s.",
        "",
        "Regions that are looked at closely (`--regions`):",
        "",
        *proposals_table(folder, asked.detector),
        "",
    ]


if __name__ == "__main__":
    main()
