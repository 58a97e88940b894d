"""The bench of levers: what each part of the cascade contributes, and what stays unsolved.

    python -m lookalike_bench.bench_ablation --photos DIR --canvases DIR [--row NAME...]

Every row is a recipe that differs from another in one thing, run as the command itself on the sets
of ``make bench``. Writes the result ``ablation``, and a page with every copy that stays apart from
its source, which is not committed, for it shows the photos.
"""

from __future__ import annotations

import argparse
import base64
import html
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.evaluation.datasets import Split, make_copies, read_labels
from lookalike.evaluation.edits import FIVE, FOURTEEN
from lookalike.evaluation.metrics import count_pairs
from lookalike.evaluation.predict import measured_find
from lookalike.model.report import Report
from lookalike.report.as_html import thumbnail
from lookalike.run.compare import compare
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["ROWS", "Missed", "main", "missed_copies"]

_SETS = {"five": FIVE, "fourteen": FOURTEEN}
_SPLITS: tuple[Split, ...] = ("development", "held-back")
_BEST = "+ SIFT for what is left (thorough)"
_SOURCE = "source"
# name: the recipe, as TOML
ROWS: Mapping[str, str] = {
    "bytes, pixels, hashes (fast)": 'effort = "fast"',
    "+ network candidates, no keypoint candidates": (
        "embedding = { proposes = true }\nlocal = { max_neighbours = 0, every_pair = 0 }"
    ),
    "+ ORB candidates, upright only": "local = { mirrored = false }",
    "+ mirrored votes (standard)": "",
    "standard + network candidates": "embedding = { proposes = true }",
    _BEST: 'effort = "thorough"',
    "thorough + network candidates": 'effort = "thorough"\nembedding = { proposes = true }',
    "thorough, every verified match counts by itself": (
        'effort = "thorough"\nsettle = { strong_agreement = 0, moved_agreement = 0, '
        "moved_inliers = 0, within_agreement = 0, strong_support = 0 }"
    ),
    "thorough, without the likeness rule": (
        'effort = "thorough"\nsettle = { copy_likeness = 0, within_likeness = 0 }'
    ),
    "thorough, no limit of fruitless verifications": (
        'effort = "thorough"\nsettle = { most_fruitless = 1000000 }'
    ),
    "thorough, pixels need not agree": (
        'effort = "thorough"\nverify = { min_agreement = 0, min_blocks = 0, min_covered = 0, '
        "min_overlap = 0 }\nsettle = { strong_agreement = 0, moved_agreement = 0, "
        "within_agreement = 0, copy_likeness = 0, within_likeness = 0 }"
    ),
}


@dataclass(frozen=True, slots=True)
class Missed:
    """A copy that shares no cluster with its source.

    Attributes:
        source: path of the picture.
        copy: path of the copy.
        edit: how it was made.
        verifies: whether comparing the two alone finds them to be one picture: then they were not
            proposed as a pair, or the match was too weak to count among others.
    """

    source: Path
    copy: Path
    edit: str
    verifies: bool


def main() -> None:
    """Make the sets, run every row on each, write the tables and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--row", action="append", choices=tuple(ROWS), help="repeatable")
    asked = parser.parse_args()
    folders = [
        _made(asked, f"{name}-{split}", edits, split)
        for name, edits in _SETS.items()
        for split in _SPLITS
    ]
    names = asked.row or list(ROWS)
    reports: dict[Path, Report] = {}
    best = _BEST if _BEST in names else names[-1]
    lines, headline = [*_heading(folders)], ""
    for name in names:
        cells = []
        for folder in folders:
            report, seconds = _run(folder, asked.work / "ablation", ROWS[name])
            cells.append(_cell(report, seconds, folder))
            if name == best:
                reports[folder] = report
                headline = f"{folder.name}, {name}: recall / precision {cells[-1]}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    missed = {folder: missed_copies(folder, report) for folder, report in reports.items()}
    lines += ["", *_missed_table(missed), ""]
    page = write_page(missed, asked.work / "unsolved.html")
    print(f"written: {page}")
    command = this_command(__spec__.name)
    result = Result("ablation", "What each lever gives", headline, command, lines)
    print(f"written: {write_result(asked.out, result)}")


def missed_copies(folder: Path, report: Report) -> list[Missed]:
    """Copies of a set that share no cluster with their source, each compared with it alone.

    Args:
        folder: of the set.
        report: what was found in it.
    """
    labels = read_labels(folder)
    own = {label.group: label for label in labels if label.edit == _SOURCE}
    cluster_of = {
        _name(report, member, folder): cluster.id
        for cluster in report.clusters
        for member in cluster.members
    }
    missed = []
    for label in labels:
        source = own[label.group]
        home = cluster_of.get(source.path)
        if label is source or (home is not None and cluster_of.get(label.path) == home):
            continue
        paths = folder / source.path, folder / label.path
        missed.append(Missed(*paths, label.edit, compare(*paths)[0] is not None))
    return missed


def write_page(missed: Mapping[Path, Sequence[Missed]], path: Path) -> Path:
    """A page of missed copies beside their sources, by set and edit."""
    parts = ["<!doctype html><meta charset=utf-8><title>unsolved</title>"]
    parts.append("<style>body{font:14px sans-serif}figure{display:inline-block;margin:6px}</style>")
    for folder, copies in missed.items():
        for edit in sorted({one.edit for one in copies}):
            own = [one for one in copies if one.edit == edit]
            parts.append(f"<h2>{html.escape(folder.name)}: {edit}, {len(own)} missed</h2>")
            parts += [_figure(one) for one in own]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _made(asked: argparse.Namespace, name: str, edits: Sequence[str], split: Split) -> Path:
    folder = Path(asked.work) / name
    if not (folder / "labels.csv").exists():
        make_copies(asked.photos, folder, edits, canvases=asked.canvases, split=split)
    return folder


def _run(folder: Path, work: Path, recipe: str) -> tuple[Report, float]:
    """Report and seconds of a cold run of one row."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        toml = Path(place) / "row.toml"
        toml.write_text(recipe, encoding="utf-8")
        report, seconds, _ = measured_find([folder], str(toml), work / "collection")
    shutil.rmtree(work, ignore_errors=True)
    return report, seconds


def _heading(folders: Sequence[Path]) -> list[str]:
    return [
        "Recall / precision of pairs over clusters, and images/s of the whole command over a new "
        "collection.",
        "",
        f"| cascade | {' | '.join(folder.name for folder in folders)} |",
        "|---|" + "---|" * len(folders),
    ]


def _cell(report: Report, seconds: float, folder: Path) -> str:
    labels = read_labels(folder)
    clusters = [[_name(report, m, folder) for m in cluster.members] for cluster in report.clusters]
    found = count_pairs(clusters, {label.path: label.group for label in labels})
    return f"{found.recall:.4f} / {found.precision:.5f}, {len(labels) / seconds:.0f}/s"


def _name(report: Report, image: str, folder: Path) -> str:
    return str(Path(report.images[image].path).resolve().relative_to(folder.resolve()))


def _missed_table(missed: Mapping[Path, Sequence[Missed]]) -> list[str]:
    """Copies apart from their source by edit; in brackets those that compare alone finds."""
    counts: dict[str, dict[Path, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for folder, copies in missed.items():
        for one in copies:
            counts[one.edit][folder].append(one.verifies)
    return [
        "## What stays unsolved",
        "",
        "Copies that share no cluster with their source, and in brackets how many of them "
        "`lookalike compare` alone finds: those were not proposed, or too weak among others. "
        "`benchmarks/work/unsolved.html` shows them.",
        "",
        f"| edit | {' | '.join(folder.name for folder in missed)} |",
        "|---|" + "---|" * len(missed),
        *(
            f"| {edit} | "
            + " | ".join(
                f"{len(own[folder])} ({sum(own[folder])})" if own[folder] else "0"
                for folder in missed
            )
            + " |"
            for edit, own in sorted(counts.items())
        ),
    ]


def _figure(one: Missed) -> str:
    cells = []
    for path in (one.source, one.copy):
        data = base64.b64encode(thumbnail(str(path)) or b"").decode()
        cells.append(f'<img height=160 src="data:image/jpeg;base64,{data}">')
    words = "compare finds it" if one.verifies else "not verified"
    name = html.escape(one.copy.name)
    return f"<figure>{''.join(cells)}<figcaption>{name}: {words}</figcaption></figure>"


if __name__ == "__main__":
    main()
