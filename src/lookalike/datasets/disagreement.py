"""Find pictures that a data set has more than once, with different labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from lookalike.config import FindConfig, RunConfig
from lookalike.datasets.beside import labels_beside
from lookalike.datasets.labels import labels_of_folders, labels_of_table
from lookalike.datasets.ties import Pair, Ties
from lookalike.model.report import Cluster, Decision, Report
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike.sources import Inputs, ListForm, open_source
from lookalike.sources.reading.addresses import absolute

__all__ = ["Conflict", "ConflictReport", "conflicts"]

Labels = frozenset[str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two images of one picture, labelled differently.

    Attributes:
        first_labels: of ``pair.first``.
        second_labels: of ``pair.second``.
        cluster: id of the cluster both are in.
        majority: the labels that most images of the cluster have; empty where none has most.
        pair: the two images, and the matches between them.
    """

    first_labels: Labels
    second_labels: Labels
    cluster: str
    majority: Labels
    pair: Pair


@dataclass(frozen=True, slots=True)
class ConflictReport:
    """What ``conflicts`` found.

    Attributes:
        labels: of every image, by id; empty where it has none.
        conflicts: sorted by (second, first) image; every image whose labels differ from those of
            another image of its picture is in one with each such set of labels.
        unlabelled: images without a label; they conflict with nothing.
        unseen: paths that the table labels and the data set does not have, sorted.
        report: with only the clusters in conflict; nothing is to be dropped.
    """

    labels: Mapping[str, Labels]
    conflicts: tuple[Conflict, ...]
    unlabelled: int
    unseen: tuple[str, ...]
    report: Report


def conflicts(
    paths: Inputs,
    *,
    labels: Mapping[str, Labels] | None = None,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    form: ListForm | None = None,
    progress: Progress | None = None,
) -> ConflictReport:
    """Find pictures that carry different labels.

    Args:
        paths: the data set, as for ``find``.
        labels: by absolute path, from ``read_labels``; by default a picture's label is read beside
            it in its WebDataset shard, or is the name of its folder.
        db: folder of the collection.
        config: settings of ``find``, by default of effort ``thorough``.
        form: how lists are read.
        progress: called with (stage, done, total).
    """
    # a file linked into another class's folder has two labels
    config = config or FindConfig(effort="thorough")
    form = replace(form or ListForm(read=config.read), every_name=True)
    report = find(open_source(paths, form), db=db, config=config, progress=progress)
    images = report.images.values()
    if labels is None:
        own = labels_of_folders(images) | labels_beside(images)
    else:
        own = labels_of_table(images, labels)
    ties = Ties(report)
    found = [conflict for cluster in report.clusters for conflict in _of(cluster, own, ties)]
    seen = {absolute(image.path) for image in images}
    return ConflictReport(
        labels=own,
        conflicts=tuple(sorted(found, key=lambda c: (c.pair.second, c.pair.first))),
        unlabelled=sum(not some for some in own.values()),
        unseen=tuple(path for path in labels or () if path not in seen),
        report=_in_words(report, {conflict.cluster for conflict in found}, own),
    )


def _of(cluster: Cluster, labels: Mapping[str, Labels], ties: Ties) -> list[Conflict]:
    members: dict[Labels, list[str]] = defaultdict(list)
    for member in cluster.members:
        if labels[member]:
            members[labels[member]].append(member)
    majority = _majority(cluster, labels)
    pairs: dict[tuple[str, str], Pair] = {}
    for one, other in combinations(sorted(members, key=sorted), 2):
        both = (
            *ties.nearest(members[other], members[one], cluster),
            *ties.nearest(members[one], members[other], cluster),
        )
        for pair in both:
            ordered = pair if pair.first < pair.second else ties.turned(pair)
            pairs.setdefault((ordered.first, ordered.second), ordered)
    return [
        Conflict(labels[pair.first], labels[pair.second], cluster.id, majority, pair)
        for pair in pairs.values()
    ]


def _majority(cluster: Cluster, labels: Mapping[str, Labels]) -> Labels:
    counts = Counter(labels[member] for member in cluster.members if labels[member])
    most = counts.most_common(2)
    if not most or (len(most) == 2 and most[0][1] == most[1][1]):
        return frozenset()
    return most[0][0]


def _in_words(report: Report, clusters: set[str], labels: Mapping[str, Labels]) -> Report:
    """Reduce the report to clusters in conflict, with labels as reasons and nothing to drop."""
    keepers = {decision.image: decision.keeper for decision in report.decisions}
    kept = tuple(cluster for cluster in report.clusters if cluster.id in clusters)
    decisions = []
    for cluster in kept:
        majority = _majority(cluster, labels)
        for member in cluster.members:
            own = labels[member]
            words = f"labelled {' and '.join(sorted(own))}" if own else "not labelled"
            if majority and own != majority:
                words += f"; most say {' and '.join(sorted(majority))}"
            decisions.append(Decision(member, "keep", keepers[member], words))
    return replace(report, clusters=kept, decisions=tuple(decisions))
