"""Write a recipe's predictions on a set to files, without looking at the labels.

One folder a recipe: ``config.json`` (what was asked, refused if it changed), ``log.txt``,
``clusters.csv``, ``distances.npy`` (every pair, condensed), ``pairs.csv`` (the pairs asked for),
``neighbours.npz``, ``scatter.npy`` and ``cost.json``.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.config.recipes import Recipe
from lookalike.evaluation.scoring_space import ScoringSpace, open_scoring_space
from lookalike.evaluation.truth import Pair, Truth, condensed_index
from lookalike.model.errors import ConfigError, LookalikeError
from lookalike.model.report import Report
from lookalike.model.version import __version__
from lookalike.report import from_json
from lookalike.runtime.progress import Progress
from lookalike.systems.pca import fit_reduction

__all__ = ["TIMER", "Cost", "Task", "measured_find", "predict"]

_MOST_CONDENSED = 12_000
_NEIGHBOURS = 50
# a process of its own: a child's peak memory starts at that of the process it is forked from
TIMER = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:]).returncode
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(code, seconds, peak, file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run of the whole command.

    Attributes:
        images: in the set.
        seconds: wall time; descriptors that an earlier recipe left are used.
        megabytes: peak resident memory.
        sample: images of the cold run.
        images_per_second: of a cold run over the sample, start of the program included.
    """

    images: int
    seconds: float
    megabytes: float
    sample: int
    images_per_second: float


@dataclass(frozen=True, slots=True)
class Task:
    """What every recipe is asked on one set.

    Attributes:
        truth: only its images and queries are used.
        pairs: pairs whose distance is asked for.
        collection: remembers descriptors between recipes.
        sample: images of the cold run that gives images/s; 0 for none.
    """

    truth: Truth
    pairs: Sequence[Pair]
    collection: Path
    sample: int


def predict(recipe: Recipe, task: Task, folder: Path, *, progress: Progress) -> None:
    """Run a recipe over a set and write its predictions.

    Args:
        recipe: what to run.
        task: the set, and what is asked.
        folder: where to write; predictions of the same configuration are kept.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: the folder holds predictions of another configuration.
    """
    truth = task.truth
    asked = _asked(recipe, truth)
    if _is_done(folder, asked):
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asked, indent=2), encoding="utf-8")
    sets = truth.queries or {"": truth.images}
    clusters: list[tuple[str, int, str]] = []
    asked_for = dict.fromkeys(task.pairs, float("inf"))
    log: list[str] = []
    for name, images in sets.items():
        paths = [truth.folder / image for image in images]
        report, seconds, megabytes = measured_find(
            [truth.folder] if not truth.queries else paths, recipe.name, task.collection
        )
        log.append(f"{name or 'set'}: {json.dumps(dict(report.funnel))} in {seconds:.2f} s")
        clusters += _cluster_rows(name, report, truth)
        space = open_scoring_space(recipe.config, paths, task.collection, report, progress)
        if not truth.queries:
            _write_whole(folder, space)
        _fill(asked_for, space, images, folder)
    cold = _cold_rate(recipe.name, truth, task.sample) if task.sample else (0, float("nan"))
    _write_rows(folder / "clusters.csv", ("query", "cluster", "path"), clusters)
    rows = [(a, b, repr(distance)) for (a, b), distance in asked_for.items()]
    _write_rows(folder / "pairs.csv", ("first", "second", "distance"), rows)
    (folder / "log.txt").write_text("\n".join(log) + "\n", encoding="utf-8")
    cost = Cost(len(truth.images), seconds, megabytes, *cold)
    # the last file: predictions without it are incomplete
    (folder / "cost.json").write_text(json.dumps(asdict(cost)), encoding="utf-8")


def _asked(recipe: Recipe, truth: Truth) -> dict[str, Any]:
    settings = asdict(recipe.config)
    del settings["threads"], settings["batch"], settings["read"]
    asked = {
        "recipe": recipe.name,
        "settings": settings,
        "dataset": truth.name,
        "digest": truth.digest,
        "version": __version__,
    }
    return dict(json.loads(json.dumps(asked)))


def _is_done(folder: Path, asked: dict[str, Any]) -> bool:
    path = folder / "config.json"
    if not path.is_file():
        return False
    held = json.loads(path.read_text(encoding="utf-8"))
    if held != asked:
        changed = [key for key in asked if held.get(key) != asked[key]]
        raise ConfigError(
            "other settings wrote these predictions",
            got=f"{folder}, which differs in {', '.join(changed)}",
            remedy="choose another --out, or pass --overwrite",
        )
    return (folder / "cost.json").is_file()


def measured_find(
    paths: Sequence[Path], recipe: str, collection: Path, options: Sequence[str] = ()
) -> tuple[Report, float, float]:
    """Run ``lookalike find --recipe`` as a command: report, seconds and peak megabytes."""
    asked = [*map(str, paths), "--recipe", recipe, *options]
    command = [sys.executable, "-m", "lookalike", "find", *asked]
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(
            [sys.executable, "-c", TIMER, *command, "--json", "--db", str(collection)],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
        code, seconds, kilobytes = done.stderr.split()[-3:]
        if int(code) not in (0, 11):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise LookalikeError(f"recipe {recipe} failed", got=" ".join(said[:-1])[-500:])
        out.seek(0)
        return from_json(out.read().decode()), float(seconds), int(kilobytes) / 1024


def _cold_rate(recipe: str, truth: Truth, sample: int) -> tuple[int, float]:
    """Measure a cold run over some of the set, evenly chosen: images, and images a second."""
    step = max(1, len(truth.images) // sample)
    paths = [truth.folder / image for image in truth.images[::step][:sample]]
    with tempfile.TemporaryDirectory() as folder:
        _, seconds, _ = measured_find(paths, recipe, Path(folder) / "db")
    return len(paths), len(paths) / seconds


def _cluster_rows(name: str, report: Report, truth: Truth) -> list[tuple[str, int, str]]:
    root = truth.folder.resolve()
    return [
        (name, number, Path(report.images[member].path).resolve().relative_to(root).as_posix())
        for number, cluster in enumerate(report.clusters)
        for member in cluster.members
    ]


def _fill(
    asked: dict[Pair, float], space: ScoringSpace, images: Sequence[str], folder: Path
) -> None:
    """Fill in the distances of the pairs asked for, from the file of all if there is one."""
    place = {image: number for number, image in enumerate(images)}
    inside = [pair for pair in asked if pair[0] in place and pair[1] in place]
    first = np.array([place[a] for a, _ in inside], np.int64)
    second = np.array([place[b] for _, b in inside], np.int64)
    path = folder / "distances.npy"
    if path.is_file():
        distance = np.load(path, mmap_mode="r")[condensed_index(first, second, len(images))]
    else:
        distance = space.of_pairs(first, second)
    asked |= dict(zip(inside, distance.tolist(), strict=True))


def _write_whole(folder: Path, space: ScoringSpace) -> None:
    """Write every pair's distance, every image's nearest, and a map of the images."""
    count = space.count
    best = np.zeros((count, min(_NEIGHBOURS, count - 1)), np.int32)
    near = np.zeros(best.shape, np.float32)
    condensed: Any = None
    if count <= _MOST_CONDENSED:
        shape = (count * (count - 1) // 2,)
        condensed = np.lib.format.open_memmap(
            folder / "distances.npy", "w+", dtype=np.float32, shape=shape
        )
    at = 0
    for rows, distance in space.row_blocks():
        distance[np.arange(len(rows)), rows] = np.inf
        some = np.argpartition(distance, best.shape[1] - 1, axis=1)[:, : best.shape[1]]
        values = np.take_along_axis(distance, some, 1)
        order = np.lexsort((some, values), axis=1)
        best[rows] = np.take_along_axis(some, order, 1)
        near[rows] = np.take_along_axis(values, order, 1)
        if condensed is not None:
            for row, line in zip(rows.tolist(), distance, strict=True):
                condensed[at : at + count - row - 1] = line[row + 1 :]
                at += count - row - 1
    if condensed is not None:
        condensed.flush()
    np.savez(folder / "neighbours.npz", best=best, near=near)
    rows_2d = space.rows
    if min(rows_2d.shape) >= 2:
        flat = fit_reduction(rows_2d, components=2, streamed=True).apply_blocks(rows_2d)
        np.save(folder / "scatter.npy", flat)


def _write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
