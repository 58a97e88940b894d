"""The bench of published systems: every recipe over every set, side by side.

    python -m lookalike_bench.bench_systems --photos DIR --canvases DIR --labelled DIR

Writes the result ``systems``. Predictions of unchanged settings are kept in the work folder.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lookalike.config.recipes import load_recipe
from lookalike.evaluation.datasets import Split, make_copies
from lookalike.evaluation.edits import FIVE, FOURTEEN, ROBUSTNESS
from lookalike.evaluation.predict import measured_find
from lookalike.evaluation.run import Comparison, compare_recipes
from lookalike.evaluation.tables import edit_matrix, main_table
from lookalike.evaluation.truth import load_truth
from lookalike.methods import method_of
from lookalike.model.errors import ModelError
from lookalike.systems.space import load_views
from lookalike_bench.query_sets import make_query_sets
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["main"]

RECIPES = (
    "default",
    "fast",
    "thorough",
    "raw",
    "raw-pca",
    "vgg",
    "vgg-pca",
    "visipics-strict",
    "visipics-basic",
    "visipics-loose",
    "report-hash",
    "report-fingerprint",
    "report-vgg16",
    "dupimage",
    "dupimage-research",
    "dupimage-research@vgg16-composite",
    "dedup-vote",
    "dedup-vote@vgg16-pool5",
    "inditex",
    "inditex@efficientnet-lite0-middle",
    "inditex-clusters",
    "inditex-clusters@efficientnet-lite0-middle",
    "neuralhash",
)
_OURS = ("default", "fast", "thorough")
_HEADLINE = "fourteen-held-back"
TABLE_ONE = ("raw", "raw-pca", "vgg", "vgg-pca", "visipics-basic", "default")
_COLD = 200
_ABOUT = (
    "P, R, F1: pairs of images in one cluster; F1 macro: mean over images that have a duplicate. "
    "AUROC, best F1: all duplicate pairs and as many seeded strangers. R@P.999: over every pair. "
    "false/M: false pairs to expect among a million different images. images/s: a cold run over "
    "200 of the five edits' images. MB: peak of a run over the set, which reuses the descriptors "
    "that other recipes made."
)


_SETS: tuple[tuple[str, str, tuple[str, ...], Split], ...] = (
    ("5 edits of the held-back half", "five-held-back", FIVE, "held-back"),
    ("14 edits of the held-back half", "fourteen-held-back", FOURTEEN, "held-back"),
    ("Capability: 60 sources, 11 edits, all other photos", "robustness", ROBUSTNESS, "capability"),
)


def main() -> None:
    """Make the sets, time, compare, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--labelled", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    work: Path = arguments.work
    for _, name, edits, split in _SETS:
        if not (work / name / "labels.csv").exists():
            canvases = arguments.canvases
            make_copies(arguments.photos, work / name, edits, canvases=canvases, split=split)
    cost, rates = _speeds(work / "five-held-back")
    lines, headline = [_ABOUT, ""], ""
    for title, name, _, _ in _SETS:
        done = _compared(work / name, work)
        lines += _section(title, done, rates)
        if name == _HEADLINE:
            headline = f"{title}, F1: {_best(done)}"
    for folder in sorted(path for path in arguments.labelled.iterdir() if path.is_dir()):
        lines += _section(folder.name, _compared(folder, work), rates, matrix=False)
    lines += [*_table_one(arguments.photos, work), *cost]
    command = this_command(__spec__.name)
    result = Result("systems", "Published systems", headline, command, lines, ("scipy",))
    print(f"written: {write_result(arguments.out, result)}")


def _best(done: Comparison) -> str:
    """The default's F1 and the best of the published systems, which are not ours."""
    f1 = {found.recipe: found.micro.f1 for found in done.scores}
    best = max((name for name in f1 if name not in _OURS), key=f1.__getitem__)
    return f"{_OURS[0]} {f1[_OURS[0]]:.4f}, best published system ({best}) {f1[best]:.4f}"


def _compared(folder: Path, work: Path) -> Comparison:
    run = work / "systems" / folder.name
    return compare_recipes(RECIPES, str(folder), run, sample=0, progress=_told(folder.name))


def _told(name: str) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, total: int) -> None:
        if stage.startswith("recipe"):
            print(f"{name}: {stage}, {done} of {total}", flush=True)

    return report


def _section(
    title: str, done: Comparison, rates: Mapping[str, float], *, matrix: bool = True
) -> list[str]:
    lines = [f"## {title}", "", f"{len(done.truth.images):,} images.", ""]
    lines += [*main_table(done.scores, done.missing, rates), ""]
    if matrix:
        lines += ["Copies that share a cluster with their source:", ""]
        lines += [*edit_matrix(done.scores, "by_edit"), ""]
        lines += ["Copies whose source is the nearest image that is no copy:", ""]
        lines += [*edit_matrix(done.scores, "found_by_edit"), ""]
    return lines


def _table_one(photos: Path, work: Path) -> list[str]:
    """Dupimage's Table 1: 9 queries of 20 images, its five methods and ours."""
    folder = work / "queries"
    if not (folder / "labels.csv").exists():
        make_query_sets(photos, folder)
    done = compare_recipes(
        TABLE_ONE, str(folder), work / "systems" / "queries", sample=0, progress=_told("queries")
    )
    lines = [
        "## dupimage's Table 1: 9 queries with 20 images each",
        "",
        "Mean over the queries, as the paper has it, and pairs of all queries together.",
        "",
        "| recipe | precision | recall | F1 | micro P | micro R | micro F1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in done.scores:
        figures = (*found.macro, found.micro.precision, found.micro.recall, found.micro.f1)
        lines.append(f"| {found.recipe} | " + " | ".join(f"{v:.3f}" for v in figures) + " |")
    return [*lines, ""]


def _speeds(folder: Path) -> tuple[list[str], dict[str, float]]:
    """Cold runs of the whole command over some images: a table, and images a second."""
    rates = {}
    truth = load_truth(str(folder))
    step = max(1, len(truth.images) // _COLD)
    paths = [truth.folder / image for image in truth.images[::step][:_COLD]]
    lines = [
        f"## Cost of a cold run over {len(paths)} images, start of the program included",
        "",
        "| recipe | images/s | seconds | peak memory MB |",
        "|---|---|---|---|",
    ]
    for name in RECIPES:
        try:
            load_views(method_of(load_recipe(name).config).ranking)
        except ModelError:
            lines.append(f"| {name} | not measured | | |")
            continue
        with tempfile.TemporaryDirectory() as place:
            _, seconds, megabytes = measured_find(paths, name, Path(place) / "db")
        rates[name] = len(paths) / seconds
        lines.append(f"| {name} | {rates[name]:.0f} | {seconds:.1f} | {megabytes:.0f} |")
        print(lines[-1], flush=True)
    return [*lines, ""], rates


if __name__ == "__main__":
    main()
