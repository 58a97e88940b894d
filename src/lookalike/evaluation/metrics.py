"""Count how right an answer is, over pairs of images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["PairCounts", "count_pairs", "macro_of_images", "recall_by_edit"]


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Unordered pairs of images, judged against the truth.

    Attributes:
        tp: together in the answer and in the truth.
        fp: together in the answer only.
        fn: together in the truth only.
        tn: apart in both.
    """

    tp: int
    fp: int
    fn: int
    tn: int = 0

    @property
    def precision(self) -> float:
        """Share of the answer's pairs that are true; 1 if the answer has none."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that are in the answer; 1 if there are none."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count_pairs(clusters: Iterable[Sequence[str]], groups: Mapping[str, str]) -> PairCounts:
    """Compare clusters with the truth over every pair, without listing pairs.

    Args:
        clusters: disjoint lists of images.
        groups: true group of every image; an image without one is a group of its own.
    """
    tp = together = 0
    for members in clusters:
        sizes = Counter(groups.get(member, member) for member in members)
        tp += sum(_pairs(size) for size in sizes.values())
        together += _pairs(len(members))
    truth = sum(_pairs(size) for size in Counter(groups.values()).values())
    return PairCounts(tp, together - tp, truth - tp)


def recall_by_edit(
    clusters: Iterable[Sequence[str]], groups: Mapping[str, str], edits: Mapping[str, str]
) -> dict[str, float]:
    """Compute the share of edited copies that share a cluster with their source, by edit.

    Args:
        clusters: disjoint lists of images.
        groups: true group of every image.
        edits: how every image was made, ``source`` for the picture itself.
    """
    place = {member: number for number, some in enumerate(clusters) for member in some}
    sources = {group: image for image, group in groups.items() if edits[image] == "source"}
    found: dict[str, list[bool]] = defaultdict(list)
    for image, edit in edits.items():
        source = sources.get(groups[image])
        if edit != "source" and source is not None:
            here = place.get(image)
            found[edit].append(here is not None and here == place.get(source))
    return {edit: sum(hits) / len(hits) for edit, hits in found.items()}


def macro_of_images(
    clusters: Iterable[Sequence[str]], duplicates: Iterable[tuple[str, str]]
) -> tuple[float, float, float]:
    """Average precision, recall and F1 over the images that have a duplicate.

    The precision of an image that was joined to nothing is 1, as for ``PairCounts``.

    Args:
        clusters: disjoint lists of images.
        duplicates: true pairs.
    """
    truth: dict[str, set[str]] = defaultdict(set)
    for a, b in duplicates:
        truth[a].add(b)
        truth[b].add(a)
    mates = {member: set(some) - {member} for some in clusters for member in some}
    counts = []
    for image, wanted in truth.items():
        found = mates.get(image, set())
        tp = len(found & wanted)
        counts.append(PairCounts(tp, len(found) - tp, len(wanted) - tp))
    total = max(1, len(counts))
    return (
        sum(c.precision for c in counts) / total,
        sum(c.recall for c in counts) / total,
        sum(c.f1 for c in counts) / total,
    )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
