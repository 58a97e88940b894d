"""Score one recipe's predictions, from the files of ``predict`` and the labels."""

from __future__ import annotations

import csv
import itertools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluation.metrics import PairCounts, macro_of_images
from lookalike.evaluation.ranking import (
    PairScores,
    Steps,
    false_pairs_per_million,
    micro_average_precision,
    recall_at_precision,
    score_pairs,
    steps,
)
from lookalike.evaluation.truth import Pair, Truth, condensed_index

__all__ = ["Scores", "read_clusters", "read_pairs", "score"]

_KS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that is reported of a recipe on a set.

    Attributes:
        recipe: name.
        micro: pairs of images in one cluster against the true pairs.
        macro: (precision, recall, F1), mean over images with a duplicate, or over query sets.
        pairs: the pair protocol.
        all_recall: recall over all pairs of the set at precision .99 and .999.
        per_million: false pairs to expect among a million different images, at the clusters; where
            none was seen, the upper end of the 95 % interval (rule of three), negative.
        retrieval: recall@k, mAP and µAP.
        by_edit: share of copies in one cluster with their source, by edit.
        found_by_edit: share of copies whose source is the nearest image that is not a copy, by
            edit.
        by_query: pair counts of every query set, where there are any.
        cost: seconds, megabytes, images a second.
    """

    recipe: str
    micro: PairCounts
    macro: tuple[float, float, float]
    pairs: PairScores
    all_recall: Mapping[str, float]
    per_million: float
    retrieval: Mapping[str, float]
    by_edit: Mapping[str, float] = field(default_factory=dict)
    found_by_edit: Mapping[str, float] = field(default_factory=dict)
    by_query: Mapping[str, PairCounts] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float | str]:
        """Make one flat line of the metrics table."""
        best = self.pairs.best
        return {
            "recipe": self.recipe,
            "precision": self.micro.precision,
            "recall": self.micro.recall,
            "f1": self.micro.f1,
            "true_pairs": self.micro.tp,
            "false_pairs": self.micro.fp,
            "missed_pairs": self.micro.fn,
            "pairs_apart_in_both": self.micro.tn,
            "macro_precision": self.macro[0],
            "macro_recall": self.macro[1],
            "macro_f1": self.macro[2],
            "auroc": self.pairs.auroc,
            "auroc_1000": self.pairs.auroc_1000,
            "ap": self.pairs.average_precision,
            "best_f1": best.f1,
            "best_threshold": best.threshold,
            **{f"recall_at_fpr_{k}": v for k, v in self.pairs.recall_at_fpr.items()},
            **{f"recall_at_p{k}": v for k, v in self.all_recall.items()},
            "false_pairs_per_million_images": self.per_million,
            **self.retrieval,
            "images_per_second": self.cost["images_per_second"],
            "seconds": self.cost["seconds"],
            "megabytes": self.cost["megabytes"],
        }


def score(
    recipe: str, folder: Path, truth: Truth, pairs: Sequence[Pair], labels: NDArray[np.bool_]
) -> Scores:
    """Score the predictions in a folder, and write ``scores.json`` there.

    Args:
        recipe: name.
        folder: files of ``predict``.
        truth: labels.
        pairs: the pair protocol's pairs.
        labels: whether each is a duplicate.
    """
    clusters = read_clusters(folder)
    distances = read_pairs(folder)
    asked = np.array([distances.get(pair, np.inf) for pair in pairs])
    protocol = steps(asked, labels)
    whole = _whole(folder, truth) or protocol
    micro = _counts(clusters, truth.duplicates, len(truth.images))
    by_query = _by_query(clusters, truth)
    found = Scores(
        recipe=recipe,
        micro=micro,
        macro=_macro(by_query) if by_query else macro_of_images(clusters, truth.duplicates),
        pairs=score_pairs(protocol),
        all_recall={f"{p:g}": recall_at_precision(whole, p)[0] for p in (0.99, 0.999)},
        per_million=false_pairs_per_million(micro.fp, whole.negatives),
        retrieval=_retrieval(folder, truth),
        by_edit=_by_edit(clusters, truth),
        found_by_edit=_found_by_edit(folder, truth),
        by_query=by_query,
        cost=json.loads((folder / "cost.json").read_text(encoding="utf-8")),
    )
    plain = {**asdict(found), "row": found.row()}
    (folder / "scores.json").write_text(json.dumps(plain, indent=2), encoding="utf-8")
    return found


def read_clusters(folder: Path) -> list[list[str]]:
    """Read the members of every predicted cluster."""
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _rows(folder / "clusters.csv"):
        members[row["query"], row["cluster"]].append(row["path"])
    return list(members.values())


def read_pairs(folder: Path) -> dict[Pair, float]:
    """Read the predicted distance of every pair that was asked for."""
    return {
        (row["first"], row["second"]): float(row["distance"]) for row in _rows(folder / "pairs.csv")
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _together(clusters: Sequence[Sequence[str]]) -> set[Pair]:
    return {
        (a, b) if a < b else (b, a)
        for members in clusters
        for a, b in itertools.combinations(members, 2)
    }


def _counts(
    clusters: Sequence[Sequence[str]], duplicates: frozenset[Pair], images: int
) -> PairCounts:
    together = _together(clusters)
    tp = len(together & duplicates)
    either = len(together | duplicates)
    apart = images * (images - 1) // 2 - either
    return PairCounts(tp, len(together) - tp, len(duplicates) - tp, apart)


def _by_query(clusters: Sequence[Sequence[str]], truth: Truth) -> dict[str, PairCounts]:
    counts = {}
    for query, images in truth.queries.items():
        inside = set(images)
        same = frozenset(pair for pair in truth.duplicates if pair[0] in inside)
        own = [some for some in clusters if some[0] in inside]
        counts[query] = _counts(own, same, len(inside))
    return counts


def _macro(by_query: Mapping[str, PairCounts]) -> tuple[float, float, float]:
    """Average over the query sets, as dupimage's Table 1 does."""
    counts = list(by_query.values())
    columns = (("precision", 0.0), ("recall", 0.0), ("f1", 0.0))
    means = [sum(getattr(c, name) for c in counts) / len(counts) for name, _ in columns]
    return means[0], means[1], means[2]


def _whole(folder: Path, truth: Truth) -> Steps | None:
    """Score every pair of the set, if their distances were written and all others are strangers."""
    path = folder / "distances.npy"
    if not path.is_file() or truth.others:
        return None
    distance = np.load(path, mmap_mode="r")
    place = {image: number for number, image in enumerate(truth.images)}
    count = len(truth.images)
    same = np.zeros(len(distance), bool)
    ends = np.array([(place[a], place[b]) for a, b in truth.duplicates], np.int64)
    same[condensed_index(ends[:, 0], ends[:, 1], count)] = True
    return steps(np.asarray(distance), same)


def _retrieval(folder: Path, truth: Truth) -> dict[str, float]:
    """Compute recall@k and mAP over images that have a duplicate, and µAP over all of them."""
    path = folder / "neighbours.npz"
    if not path.is_file():
        return {}
    with np.load(path) as held:
        best, near = held["best"], held["near"]
    right, relevant = _right(best, truth)
    asking = relevant > 0
    figures: dict[str, float] = {}
    for k in _KS:
        some = right[:, :k].sum(axis=1)[asking] / np.minimum(relevant[asking], k)
        figures[f"recall@{k}"] = float(some.mean()) if asking.any() else float("nan")
    places = np.arange(1, right.shape[1] + 1)
    precision = np.cumsum(right, axis=1) / places
    shown = np.minimum(relevant, right.shape[1])
    average = (precision * right).sum(axis=1)[asking] / shown[asking]
    figures["map"] = float(average.mean()) if asking.any() else float("nan")
    finite = np.isfinite(near)
    figures["micro_ap"] = micro_average_precision(near[finite], right[finite], int(relevant.sum()))
    return figures


def _right(best: NDArray[np.int32], truth: Truth) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Find which neighbours are duplicates of their image, and how many each image has."""
    place = {image: number for number, image in enumerate(truth.images)}
    partners: dict[int, set[int]] = defaultdict(set)
    for a, b in truth.duplicates:
        partners[place[a]].add(place[b])
        partners[place[b]].add(place[a])
    relevant = np.array([len(partners[number]) for number in range(len(truth.images))])
    right = np.zeros(best.shape, bool)
    for number, others in partners.items():
        right[number] = np.isin(best[number], list(others))
    return right, relevant


def _sources(truth: Truth) -> dict[str, str]:
    """Find the source of every copy, if the labels tell which picture is the source."""
    source = {
        group: image
        for image, group in truth.groups.items()
        if truth.edits.get(image) in ("source", "original")
    }
    return {
        image: source[group]
        for image, group in truth.groups.items()
        if group in source and source[group] != image
    }


def _by_edit(clusters: Sequence[Sequence[str]], truth: Truth) -> dict[str, float]:
    place = {image: number for number, some in enumerate(clusters) for image in some}
    found: dict[str, list[bool]] = defaultdict(list)
    for copy, source in _sources(truth).items():
        here = place.get(copy)
        found[truth.edits[copy]].append(here is not None and here == place.get(source))
    return {edit: sum(hits) / len(hits) for edit, hits in found.items()}


def _found_by_edit(folder: Path, truth: Truth) -> dict[str, float]:
    """Compute, for every edit, how often the nearest image that is not a copy is the source."""
    path = folder / "distances.npy"
    sources = _sources(truth)
    if not path.is_file() or not sources:
        return {}
    condensed = np.load(path, mmap_mode="r")
    place = {image: number for number, image in enumerate(truth.images)}
    plain = np.array([place[image] for image in truth.images if image not in sources])
    found: dict[str, list[bool]] = defaultdict(list)
    for copy, source in sources.items():
        distance = condensed[condensed_index(np.full_like(plain, place[copy]), plain, len(place))]
        nearest = distance[plain == place[source]] <= distance.min()
        found[truth.edits[copy]].append(bool(nearest[0] and np.isfinite(distance.min())))
    return {edit: sum(hits) / len(hits) for edit, hits in found.items()}
