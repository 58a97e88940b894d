"""Every pair that a run would propose for a labelled set, verified, and whether it is true.

A run stops looking at pairs that others have joined already, and at what is clearly no copy; a
probability needs both kinds, so here nothing is left out and less is asked of a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lookalike.config import (
    ClusterConfig,
    FindConfig,
    HashConfig,
    SettleConfig,
    VerifyConfig,
)
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.evaluation.datasets import read_labels
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import ingest
from lookalike.matching.cascade import find_pairs
from lookalike.matching.local_candidates import CollectionStages
from lookalike.model.match import Match, Verification
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike.sources import FolderSource
from lookalike.store import open_collection

__all__ = ["Trial", "judge_set", "reported_pairs"]

Pair = tuple[str, str]
# of larger sets, as many candidates are looked at as a set of so many images has
_ENOUGH_IMAGES = 600
# below what a copy must show, so that strangers are seen too
_LOOSE = VerifyConfig(
    min_agreement=0.15,
    min_blocks=12,
    min_covered=0.1,
    min_overlap=0.1,
)
_LOOSE_THUMBS = HashConfig(min_agreement=0.5, min_correlation=0.3, min_block=-1.0)
# nothing counts, so that nothing is joined and every candidate is looked at
_NOTHING_COUNTS = SettleConfig(
    strong_agreement=2.0,
    moved_agreement=2.0,
    within_agreement=2.0,
    most_fruitless=1_000_000_000,
    copy_likeness=2.0,
    within_likeness=2.0,
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One verified pair of a labelled set.

    Attributes:
        dataset: name of the set.
        first: path of the query within the set.
        second: path of the ref.
        match: as a run would report it.
        is_true: whether both are one picture.
    """

    dataset: str
    first: str
    second: str
    match: Match
    is_true: bool


def judge_set(folder: Path, collection: Path, *, threads: int, progress: Progress) -> list[Trial]:
    """Trials of one labelled set: whole frames by thumbs, the rest by ORB, then by SIFT.

    Args:
        folder: the set, with ``labels.csv``.
        collection: remembers descriptors and verdicts, so that a second run is fast.
        threads: pairs looked at at once.
        progress: called with (stage, done, total).
    """
    config = FindConfig(
        effort="thorough",
        # whole frames are looked at by keypoints too
        hashes=replace(_LOOSE_THUMBS, min_agreement=2.0),
        verify=_LOOSE,
        settle=_NOTHING_COUNTS,
        cluster=ClusterConfig(linkage="single"),
        threads=threads,
    )
    listed = list(FolderSource([folder]).scan())
    with open_collection(collection) as opened:
        images = ingest(listed, opened, config, progress=progress).images
        first = {image.sha256: image for image in reversed(images)}
        telling = [image for image in first.values() if not image.low_information]
        telling.sort(key=lambda image: image.id)
        share = min(1.0, _ENOUGH_IMAGES / max(1, len(telling)))
        describer = Describer(first, opened, config, progress)
        stages = _Recorder(describer, config)
        stages.share = share
        find_pairs(telling, stages, config, network=None)
        fast = replace(config, effort="fast", hashes=_LOOSE_THUMBS)
        quick = CollectionStages(describer, fast)
        whole = find_pairs(telling, quick, fast, network=None).matches
    paths = {sha: image.path for sha, image in first.items()}
    return _labelled([*whole, *stages.matches], paths, folder)


def reported_pairs(
    folder: Path, collection: Path, *, threads: int, progress: Progress
) -> list[Trial]:
    """The matches that ``find --effort thorough`` reports for a labelled set, as trials.

    Args:
        folder: the set, with ``labels.csv``.
        collection: remembers descriptors and verdicts.
        threads: images worked on at once.
        progress: called with (stage, done, total).
    """
    config = FindConfig(effort="thorough", threads=threads)
    report = find(folder, db=collection, config=config, progress=progress)
    paths = {name: image.path for name, image in report.images.items()}
    return _labelled(report.matches, paths, folder)


def _labelled(matches: Sequence[Match], paths: Mapping[str, str], folder: Path) -> list[Trial]:
    group = {label.path: label.group for label in read_labels(folder)}
    place = {name: str(Path(path).relative_to(folder)) for name, path in paths.items()}
    trials = []
    for match in matches:
        first, second = place[match.query], place[match.ref]
        trials.append(Trial(folder.name, first, second, match, group[first] == group[second]))
    return trials


class _Recorder(CollectionStages):
    """Keeps the evidence of pairs, of an even share of those that it is asked about."""

    def __init__(self, describer: Describer, config: FindConfig) -> None:
        super().__init__(describer, config)
        self.matches: list[Match] = []
        self.share = 1.0

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Verify the chosen pairs; refuse the others."""
        chosen = {pair: mirrored for pair, mirrored in pairs.items() if self._is_chosen(pair)}
        found = super().verify(chosen, kind)
        self.matches += [
            Match(*pair, "copy", round(1.0 - seen.agreement, 4), "agreement", seen)
            for pair, seen in found.items()
            if seen is not None
        ]
        return {pair: found.get(pair) for pair in pairs}

    def _is_chosen(self, pair: Pair) -> bool:
        digits = int(pair[0][:8], 16) ^ int(pair[1][:8], 16)
        return digits < self.share * 2**32
