"""Compare recipes over one labelled set: predict to files, then score the files."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.config.recipes import Recipe, load_recipe
from lookalike.evaluation import plots
from lookalike.evaluation.predict import Task, predict
from lookalike.evaluation.ranking import Steps, steps
from lookalike.evaluation.score import Scores, read_clusters, read_pairs, score
from lookalike.evaluation.tables import markdown, page
from lookalike.evaluation.truth import Pair, Truth, condensed_index, load_truth
from lookalike.methods import method_of
from lookalike.model.errors import ModelError
from lookalike.runtime.progress import Progress, silent
from lookalike.systems.space import load_views

__all__ = ["Comparison", "compare_recipes"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of one evaluation.

    Attributes:
        truth: the set.
        scores: one a recipe that could be measured, in the order asked for.
        missing: recipes that could not be measured, with the reason.
        folder: of all files; ``results.md`` and ``results.html`` are the tables.
    """

    truth: Truth
    scores: tuple[Scores, ...]
    missing: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()


def compare_recipes(
    names: Sequence[str],
    dataset: str,
    folder: Path,
    *,
    sample: int = 200,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Comparison:
    """Run recipes over a labelled set, score them and write tables and plots.

    Args:
        names: recipes, as ``load_recipe`` takes them.
        dataset: as ``load_truth`` takes it.
        folder: where to write.
        sample: images of the cold run that gives images/s; 0 for none.
        overwrite: drop predictions of another configuration.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: an unknown recipe, descriptor, metric or set, or predictions of another
            configuration, before any work.
    """
    plots.check_available()
    recipes = [load_recipe(name) for name in names]
    truth = load_truth(dataset)
    ready, missing = _measurable(recipes)
    pairs, labels = truth.asked_pairs()
    task = Task(truth, pairs, folder / "collection", sample)
    if overwrite:
        shutil.rmtree(folder / "recipes", ignore_errors=True)
    scores = []
    for number, recipe in enumerate(ready):
        progress(f"recipe {recipe.name}", number, len(ready))
        place = folder / "recipes" / _file_name(recipe.name)
        predict(recipe, task, place, progress=progress)
        scores.append(score(recipe.name, place, truth, pairs, labels))
    done = Comparison(truth, tuple(scores), missing, folder)
    _write_tables(done)
    _write_plots(done, pairs, labels, ready)
    return done


def _file_name(recipe: str) -> str:
    return "".join(c if c.isalnum() or c in "-_@.#" else "_" for c in recipe)


def _measurable(recipes: Sequence[Recipe]) -> tuple[list[Recipe], dict[str, str]]:
    """Find the recipes whose weights are here, and why the others cannot be measured."""
    ready, missing = [], {}
    for recipe in recipes:
        try:
            load_views(method_of(recipe.config).ranking)
            ready.append(recipe)
        except ModelError as error:
            missing[recipe.name] = str(error)
    return ready, missing


def _write_tables(done: Comparison) -> None:
    done.folder.mkdir(parents=True, exist_ok=True)
    rows = [found.row() for found in done.scores]
    with (done.folder / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["recipe"], restval="")
        writer.writeheader()
        writer.writerows(rows)
    text = markdown(done.truth, done.scores, done.missing)
    (done.folder / "results.md").write_text(text, encoding="utf-8")
    (done.folder / "results.html").write_text(page(text, done.folder), encoding="utf-8")


def _write_plots(
    done: Comparison, pairs: Sequence[Pair], labels: NDArray[np.bool_], recipes: Sequence[Recipe]
) -> None:
    curves: dict[str, Steps] = {}
    for found, recipe in zip(done.scores, recipes, strict=True):
        place = done.folder / "recipes" / _file_name(recipe.name)
        held = read_pairs(place)
        distance = np.array([held[pair] for pair in pairs])
        curves[recipe.name] = steps(distance, labels)
        threshold = _threshold(recipe)
        plots.plot_histogram(distance, labels, threshold, place / "distances.png")
        if (place / "scatter.npy").is_file():
            points = np.load(place / "scatter.npy")
            if len(points) == len(done.truth.images):
                groups = [done.truth.groups.get(image, image) for image in done.truth.images]
                plots.plot_map(points, groups, place / "map.png")
        _dendrogram(done.truth, place, recipe, threshold)
        assert found.recipe == recipe.name
    if curves:
        plots.plot_roc(curves, done.folder / "roc.png")
        plots.plot_precision_recall(curves, done.folder / "pr.png")


def _threshold(recipe: Recipe) -> float:
    """The recipe's threshold on its scoring distance: cascades join below 1."""
    views = getattr(recipe.config, "views", ())
    if not views:
        return 1.0
    return float(views[0].max_distance) if len(views) == 1 else 1.0


def _dendrogram(truth: Truth, place: Path, recipe: Recipe, threshold: float) -> None:
    """Draw the largest clusters and what lies near them, as many images as can be read."""
    path = place / "distances.npy"
    if not path.is_file():
        return
    clusters = sorted(read_clusters(place), key=lambda some: (-len(some), some))
    images = [image for some in clusters for image in some][:60]
    numbers = {image: number for number, image in enumerate(truth.images)}
    at = np.array([numbers[image] for image in images if image in numbers])
    if len(at) < 3:
        return
    condensed = np.load(path, mmap_mode="r")
    index = condensed_index(at[:, None], at[None], len(truth.images))
    same = np.eye(len(at), dtype=bool)
    square = np.where(same, 0.0, condensed[np.where(same, 0, index)])
    names = [truth.images[number] for number in at]
    linkage = recipe.config.cluster.linkage
    plots.plot_dendrogram(square, names, linkage, threshold, place / "dendrogram.png")
