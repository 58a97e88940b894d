"""Give every pair of a set one distance under a recipe, so that any recipes can be ranked.

A published system has one. Our cascade decides and does not measure. Pairs that it joins come
first: 0 by bytes and pixels, the share of differing bits by hash, the share of texture that
disagrees for verified pairs, .9 for pairs joined through others. All others follow, from 1 on, by
the descriptor that proposes candidates.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.config import RunConfig
from lookalike.index.blocks import RowSource
from lookalike.ingest.describe import Describer
from lookalike.methods import method_of
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.match import Match
from lookalike.model.report import Report
from lookalike.store import open_collection
from lookalike.systems.space import Space, fit_space, load_views

__all__ = ["ScoringSpace", "open_scoring_space"]

_BLOCK = 256
_COLUMNS = 2048
_INDIRECT = 0.9
_BITS = 256.0


@dataclass(frozen=True, slots=True)
class ScoringSpace:
    """Distances among the images of a set, in the set's order.

    Attributes:
        place: ``(n,)`` row of every image in ``space``, −1 where it could not be read.
        space: measures distances.
        joined: for every image, the images that a cascade joined it to, with distances; None for a
            published system.
    """

    place: IntArray
    space: Space
    joined: Mapping[int, Sequence[tuple[int, float]]] | None

    @property
    def count(self) -> int:
        """Number of images in the set."""
        return len(self.place)

    @property
    def rows(self) -> RowSource:
        """Read the first descriptor's rows, for a map of the images."""
        return self.space.views[0].rows

    def row_blocks(self) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield image numbers, with their distances to all images (infinite to unreadable ones)."""
        for start in range(0, self.count, _BLOCK):
            images = np.arange(start, min(start + _BLOCK, self.count))
            yield images, self._lines(images)

    def of_pairs(self, first: IntArray, second: IntArray) -> FloatArray:
        """Compute ``(k,)`` distances of pairs of image numbers."""
        out = np.full(len(first), np.inf, np.float32)
        for images, lines in self.row_blocks():
            some = np.flatnonzero((first >= images[0]) & (first <= images[-1]))
            out[some] = lines[first[some] - images[0], second[some]]
        return out

    def _lines(self, images: IntArray) -> FloatArray:
        readable = np.flatnonzero(self.place >= 0)
        lines = np.full((len(images), self.count), np.inf, np.float32)
        asking = np.flatnonzero(self.place[images] >= 0)
        if len(asking) and len(readable):
            at = self.place[images[asking]]
            rows = [np.asarray(view.rows[at]) for view in self.space.views]
            total = len(self.space.shas)
            whole = np.concatenate(
                [
                    self.space.between(rows, slice(start, min(start + _COLUMNS, total)))
                    for start in range(0, total, _COLUMNS)
                ],
                axis=1,
            )
            lines[np.ix_(asking, readable)] = whole[:, self.place[readable]]
        if self.joined is not None:
            lines += 1.0
            for number, image in enumerate(images.tolist()):
                for other, distance in self.joined.get(image, ()):
                    lines[number, other] = distance
        return lines


def open_scoring_space(
    config: RunConfig,
    paths: Sequence[Path],
    collection: Path,
    report: Report,
    progress: Callable[[str, int, int], None],
) -> ScoringSpace:
    """Open distances under the settings that made a report.

    Args:
        config: of the recipe.
        paths: images of the set, in its order.
        collection: holds the run's descriptors; missing ones are made.
        report: of the run.
        progress: called with (stage, done, total).
    """
    numbers = {str(path.resolve()): number for number, path in enumerate(paths)}
    images = {
        numbers[path]: image
        for image in report.images.values()
        if (path := str(Path(image.path).resolve())) in numbers
    }
    first = {image.sha256: image for image in images.values()}
    with open_collection(collection) as opened:
        describer = Describer(first, opened, config, progress)
        system = method_of(config).ranking
        descriptors = load_views(system)
        shas = sorted(first)
        space = fit_space(system, descriptors, shas, opened, describer.embed)
    row = {sha: number for number, sha in enumerate(space.shas)}
    place = np.full(len(paths), -1, np.int64)
    for number, image in images.items():
        place[number] = row.get(image.sha256, -1)
    joined = None
    if config.verifies:
        joined = _joined(report, {image.id: number for number, image in images.items()})
    return ScoringSpace(place, space, joined)


def _joined(report: Report, numbers: Mapping[str, int]) -> dict[int, list[tuple[int, float]]]:
    """List for every image the others in its cluster, with a distance for each."""
    direct = {(m.query, m.ref): _share(m) for m in report.matches}
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for cluster in report.clusters:
        for a, b in itertools.combinations(cluster.members, 2):
            if a in numbers and b in numbers:
                distance = direct.get((a, b), direct.get((b, a), _INDIRECT))
                found[numbers[a]].append((numbers[b], distance))
                found[numbers[b]].append((numbers[a], distance))
    return found


def _share(match: Match) -> float:
    """Turn a match's distance into a share of disagreement, 0..0.9."""
    if match.tier in ("exact", "pixel"):
        return 0.0
    share = match.distance / _BITS if match.metric == "pdq" else match.distance
    return min(share, _INDIRECT)
