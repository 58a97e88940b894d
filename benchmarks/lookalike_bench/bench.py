"""The bench: the command itself on sets with known answers, its accuracy, speed and memory.

    python -m lookalike_bench.bench --photos DIR --canvases DIR [--out FILE]

Every figure comes from ``lookalike find`` run as a command of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
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
from lookalike.evaluation.metrics import count_pairs, recall_by_edit
from lookalike.evaluation.predict import TIMER

__all__ = ["main"]

_SETS = {"five": FIVE, "fourteen": FOURTEEN}
_SPLITS: tuple[Split, ...] = ("development", "held-back")
_EFFORTS = ("fast", "standard", "thorough")


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
    parser.add_argument("--out", type=Path, default=Path("benchmarks/RESULTS.md"))
    parser.add_argument("--speed-images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    accuracy = _accuracy(arguments.photos, arguments.canvases, arguments.work)
    speed = _speed(arguments.photos, arguments.work, arguments.speed_images, arguments.repeats)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    text = arguments.out.read_text(encoding="utf-8") if arguments.out.exists() else ""
    # parts that other benches wrote stay
    others = text[text.index("<!-- ") :] if "<!-- " in text else ""
    body = "\n".join([*_heading(), *accuracy, *speed, ""])
    arguments.out.write_text(f"{body}\n{others}", encoding="utf-8")
    print(f"written: {arguments.out}")


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


def _accuracy(photos: Path, canvases: Path, work: Path) -> list[str]:
    lines = ["## Accuracy", ""]
    for name, edits in _SETS.items():
        lines += [
            f"### {len(edits)} edits of every source",
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
                row, recalls = _judge(folder, work, effort, labels)
                lines.append(f"| {split} | {effort} | {row}")
                by_edit.append((f"{split} {effort}", recalls))
                print(lines[-1], flush=True)
        lines += ["", *_edit_table(edits, by_edit), ""]
    return lines


def _judge(
    folder: Path, work: Path, effort: str, labels: Sequence[Label]
) -> tuple[str, dict[str, float]]:
    collection = _fresh(work / "collection")
    run = _run(folder, collection, effort)
    clusters = [
        [str(Path(member["path"]).relative_to(folder)) for member in cluster["members"]]
        for cluster in run.report["clusters"]
    ]
    groups = {label.path: label.group for label in labels}
    counts = count_pairs(clusters, groups)
    recalls = recall_by_edit(clusters, groups, {label.path: label.edit for label in labels})
    figures = (
        f"{len(labels)} | {counts.precision:.5f} | {counts.recall:.4f} | {counts.f1:.4f} | "
        f"{counts.fp} | {run.images_per_second:.0f} |"
    )
    return figures, recalls


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


def _speed(photos: Path, work: Path, count: int, repeats: int) -> list[str]:
    folder = work / f"speed-{count}"
    if not (folder / "labels.csv").exists():
        make_speed_set(photos, folder, count=count)
    lines = [
        f"## Speed: {count:,} JPEGs of about 640×480",
        "",
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
        lines.append(
            f"| {effort} | {statistics.median(rates):.0f} ({rates[0]:.0f}–{rates[-1]:.0f}) | "
            f"{seconds:.1f} | {max(run.megabytes for run in first):.0f} | {again:.2f} | "
            f"{again / seconds:.1%} |"
        )
        print(lines[-1], flush=True)
    return lines


def _fresh(collection: Path) -> Path:
    shutil.rmtree(collection, ignore_errors=True)
    return collection


def _heading() -> list[str]:
    packages = ("lookalike", "numpy", "opencv-python-headless", "simplejpeg", "onnxruntime")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    return [
        "# Results",
        "",
        f"- date: {datetime.now(UTC):%Y-%m-%d}",
        f"- hardware: {_processor()}, {os.cpu_count()} cores",
        f"- software: Python {platform.python_version()}, {versions}",
        "- command: `make bench`",
        "- sources of copies come from two halves of the photos, split by the digest of the "
        "name; thresholds were chosen on the *development* half. All other photos are "
        "distractors, and precision counts all pairs. Canvases of pasted copies and stickers are "
        "not in the sets.",
        "",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


if __name__ == "__main__":
    main()
