"""The bench: the command itself on sets with known answers, its accuracy, speed and memory.

    python -m lookalike_bench.bench --photos DIR --canvases DIR [--out FOLDER]

Every figure comes from ``lookalike find`` run as a command of its own. Writes the results
``accuracy`` and ``speed``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.evaluation.datasets import (
    Label,
    Split,
    make_copies,
    make_speed_set,
    read_labels,
)
from lookalike.evaluation.edits import FIVE, FOURTEEN
from lookalike.evaluation.metrics import PairCounts, count_pairs, recall_by_edit
from lookalike.evaluation.predict import TIMER
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["main"]

_SETS = {"five": FIVE, "fourteen": FOURTEEN}
_SPLITS: tuple[Split, ...] = ("development", "held-back")
_EFFORTS = ("fast", "standard", "thorough")
_HEADLINE = ("fourteen", "held-back", "standard")
_ABOUT = (
    "Sources of copies come from two halves of the photos, split by the digest of the name; "
    "thresholds were chosen on the *development* half. All other photos are distractors, and "
    "precision counts all pairs. Canvases of pasted copies and stickers are not in the sets."
)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the command.

    Attributes:
        report: the JSON it printed.
        seconds: wall time of the whole command.
        megabytes: peak resident memory.
    """

    report: dict[str, Any]
    seconds: float
    megabytes: float

    @property
    def images_per_second(self) -> float:
        """Images in the set by wall time."""
        return self.report["funnel"]["images"] / self.seconds


def main() -> None:
    """Make the sets, run the command, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--speed-images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    accuracy = _accuracy(arguments.photos, arguments.canvases, arguments.work)
    print(f"written: {write_result(arguments.out, accuracy)}")
    speed = _speed(arguments.photos, arguments.work, arguments.speed_images, arguments.repeats)
    print(f"written: {write_result(arguments.out, speed)}")


def _run(folder: Path, collection: Path, effort: str) -> _Run:
    output = collection.with_suffix(".json")
    command = [sys.executable, "-m", "lookalike", "find", str(folder), "--json"]
    with output.open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", TIMER, *command, "--effort", effort, "--db", str(collection)],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    code, seconds, kilobytes = done.stderr.split()[-3:]
    if int(code) not in (0, 11):
        raise SystemExit(f"lookalike find failed on {folder}: {done.stderr.decode()}")
    return _Run(json.loads(output.read_bytes()), float(seconds), int(kilobytes) / 1024)


def _accuracy(photos: Path, canvases: Path, work: Path) -> Result:
    lines, headline = [_ABOUT, ""], ""
    for name, edits in _SETS.items():
        lines += [
            f"## {len(edits)} edits of every source",
            "",
            "| photos | effort | images | precision | recall | F1 | false pairs | images/s |",
            "|---|---|---|---|---|---|---|---|",
        ]
        by_edit: list[tuple[str, dict[str, float]]] = []
        for split in _SPLITS:
            folder = work / f"{name}-{split}"
            if not (folder / "labels.csv").exists():
                make_copies(photos, folder, edits, canvases=canvases, split=split)
            labels = read_labels(folder)
            for effort in _EFFORTS:
                counts, recalls, rate = _judge(folder, work, effort, labels)
                lines.append(
                    f"| {split} | {effort} | {len(labels)} | {counts.precision:.5f} | "
                    f"{counts.recall:.4f} | {counts.f1:.4f} | {counts.fp} | {rate:.0f} |"
                )
                if (name, split, effort) == _HEADLINE:
                    headline = (
                        f"{len(edits)} edits, {split}, {effort}: P {counts.precision:.5f}, "
                        f"R {counts.recall:.4f}, {rate:.0f} images/s"
                    )
                by_edit.append((f"{split} {effort}", recalls))
                print(lines[-1], flush=True)
        lines += ["", *_edit_table(edits, by_edit), ""]
    command = this_command(__spec__.name)
    return Result("accuracy", "Accuracy of the main job", headline, command, lines)


def _judge(
    folder: Path, work: Path, effort: str, labels: Sequence[Label]
) -> tuple[PairCounts, dict[str, float], float]:
    """Pairs counted over clusters, recall of every edit, images a second."""
    collection = _fresh(work / "collection")
    run = _run(folder, collection, effort)
    clusters = [
        [str(Path(member["path"]).relative_to(folder)) for member in cluster["members"]]
        for cluster in run.report["clusters"]
    ]
    groups = {label.path: label.group for label in labels}
    counts = count_pairs(clusters, groups)
    recalls = recall_by_edit(clusters, groups, {label.path: label.edit for label in labels})
    return counts, recalls, run.images_per_second


def _edit_table(edits: Sequence[str], by_edit: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    return [
        "Copies that share a cluster with their source:",
        "",
        "| edit | " + " | ".join(name for name, _ in by_edit) + " |",
        "|---|" + "---|" * len(by_edit),
        *(
            f"| {edit} | " + " | ".join(f"{recalls[edit]:.3f}" for _, recalls in by_edit) + " |"
            for edit in edits
        ),
    ]


def _speed(photos: Path, work: Path, count: int, repeats: int) -> Result:
    folder = work / f"speed-{count}"
    if not (folder / "labels.csv").exists():
        make_speed_set(photos, folder, count=count)
    headline = ""
    lines = [
        "Whole command, cold collection, warm file cache; medians of "
        f"{repeats} runs (smallest–largest).",
        "",
        "| effort | images/s | seconds | peak memory MB | second run s | second / first |",
        "|---|---|---|---|---|---|",
    ]
    for effort in _EFFORTS[:2]:
        first, second = [], []
        for _ in range(repeats):
            collection = _fresh(work / "collection")
            first.append(_run(folder, collection, effort))
            second.append(_run(folder, collection, effort))
        rates = sorted(run.images_per_second for run in first)
        seconds = statistics.median(run.seconds for run in first)
        again = statistics.median(run.seconds for run in second)
        most = max(run.megabytes for run in first)
        lines.append(
            f"| {effort} | {statistics.median(rates):.0f} ({rates[0]:.0f}–{rates[-1]:.0f}) | "
            f"{seconds:.1f} | {most:.0f} | {again:.2f} | "
            f"{again / seconds:.1%} |"
        )
        print(lines[-1], flush=True)
        # the last is what users have unless they ask for another
        headline = (
            f"{count:,} JPEGs, {effort}: {statistics.median(rates):.0f} images/s, {most:.0f} MB; "
            f"a second run takes {again / seconds:.1%} of the first"
        )
    title = f"Speed: {count:,} JPEGs of about 640×480"
    return Result("speed", title, headline, this_command(__spec__.name), lines)


def _fresh(collection: Path) -> Path:
    shutil.rmtree(collection, ignore_errors=True)
    return collection


if __name__ == "__main__":
    main()
