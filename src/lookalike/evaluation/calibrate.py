"""Advise a threshold for a wanted precision, with evidence."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.config.recipes import load_recipe
from lookalike.evaluation.ranking import Steps, steps
from lookalike.evaluation.reliability import wilson
from lookalike.evaluation.scoring_space import ScoringSpace, open_scoring_space
from lookalike.evaluation.truth import load_truth
from lookalike.methods import method_of
from lookalike.model.errors import ConfigError
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike.systems.space import load_views

__all__ = ["Advice", "advise_from_examples", "advise_from_labels", "advise_from_steps"]


@dataclass(frozen=True, slots=True)
class Advice:
    """A threshold, with the evidence for it.

    Attributes:
        threshold: accept distances up to here; NaN where no threshold keeps the precision.
        precision: seen at the threshold among the pairs looked at.
        at_least: lower end of its 95 % Wilson interval.
        recall: share of the duplicates accepted.
        accepted: pairs accepted.
        wrong: strangers among them.
        evidence: in words.
    """

    threshold: float
    precision: float
    at_least: float
    recall: float
    accepted: int
    wrong: int
    evidence: str


def advise_from_steps(found: Steps, precision: float) -> Advice:
    """Choose the largest threshold that keeps the wanted precision on labelled pairs.

    It lies halfway to the next distance that occurs, so that rounding does not matter.
    """
    if not 0 < precision <= 1:
        raise ConfigError("no such precision", got=str(precision), expected="above 0, up to 1")
    good = np.flatnonzero((found.precision >= precision) & (found.tp > 0))
    if not len(good):
        return Advice(
            math.nan, 0.0, 0.0, 0.0, 0, 0, "no threshold keeps this precision on these pairs"
        )
    at = int(good[-1])
    tp, fp = int(found.tp[at]), int(found.fp[at])
    following = found.threshold[at + 1] if at + 1 < len(found.threshold) else found.threshold[at]
    threshold = float((found.threshold[at] + following) / 2)
    low, _ = wilson(tp, tp + fp)
    return Advice(
        threshold,
        tp / (tp + fp),
        low,
        float(found.recall[at]),
        tp + fp,
        fp,
        f"{tp} duplicates and {fp} strangers lie within it, of {found.positives} duplicates and "
        f"{found.negatives} strangers; precision {low:.4f} or more with 95 % confidence",
    )


def advise_from_labels(recipe: str, dataset: str, precision: float, progress: Progress) -> Advice:
    """Choose the largest threshold by all pairs of a labelled set under a recipe's distance."""
    truth = load_truth(dataset)
    paths = [truth.folder / image for image in truth.images]
    place = {image: number for number, image in enumerate(truth.images)}
    with tempfile.TemporaryDirectory() as folder:
        space = _space(recipe, paths, Path(folder), progress)
        same = np.zeros((len(paths), len(paths)), bool)
        for a, b in truth.duplicates:
            same[place[a], place[b]] = same[place[b], place[a]] = True
        distances, labels = [], []
        for rows, lines in space.row_blocks():
            later = np.arange(len(paths)) > rows[:, None]
            distances.append(lines[later])
            labels.append(same[rows][later])
    return advise_from_steps(steps(np.concatenate(distances), np.concatenate(labels)), precision)


def advise_from_examples(
    recipe: str, first: Path, second: Path, against: Path | None, progress: Progress
) -> Advice:
    """Choose a threshold that just accepts two example photos, and say what else it accepts.

    Args:
        recipe: whose distance.
        first: a photo.
        second: another that should count as the same.
        against: a folder; how many of its pairs lie within the threshold is the evidence.
        progress: called with (stage, done, total).
    """
    others = [] if against is None else sorted(p for p in against.rglob("*") if p.is_file())
    paths = [first, second, *(p for p in others if p not in (first, second))]
    with tempfile.TemporaryDirectory() as folder:
        space = _space(recipe, paths, Path(folder), progress)
        if (space.place[:2] < 0).any():
            raise ConfigError("an example cannot be read", got=f"{first} and {second}")
        wanted = float(space.of_pairs(np.array([0]), np.array([1]))[0])
        within = total = 0
        for rows, lines in space.row_blocks():
            later = (np.arange(len(paths)) > rows[:, None]) & (rows[:, None] > 1)
            known = lines[later & np.isfinite(lines)]
            within += int((known <= wanted).sum())
            total += len(known)
    share = within / total if total else 0.0
    words = f"the examples are {wanted:.4g} apart"
    if total:
        words += f"; {within:,} of {total:,} other pairs of {against} are as near ({share:.4%})"
    return Advice(wanted, math.nan, math.nan, math.nan, within, 0, words)


def _space(recipe: str, paths: list[Path], folder: Path, progress: Progress) -> ScoringSpace:
    config = load_recipe(recipe).config
    load_views(method_of(config).ranking)
    report = find(paths, db=folder / "db", config=config, hidden=True, progress=progress)
    return open_scoring_space(config, paths, folder / "db", report, progress)
