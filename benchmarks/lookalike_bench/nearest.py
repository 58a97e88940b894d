"""How often a copy's source is among its nearest: one descriptor, one labelled set.

    python -m lookalike_bench.nearest SET --descriptor NAME_OR_FILE...

A copy is asked for among all images of the set but the other copies of its source, which are right
answers too; a better descriptor is not to be punished for bringing them closer. Copies of other
sources are in the way: a descriptor that sees the edit rather than the picture fails. With
``--photos-only`` they are not.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.descriptors.registry import load_descriptor
from lookalike.evaluation.datasets import Label, read_labels
from lookalike.images.decode import decode
from lookalike.model.arrays import FloatArray
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.protocols import Descriptor

__all__ = ["NearestScores", "describe_set", "recall_of_sources", "source_ranks"]

_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class NearestScores:
    """Share of copies whose source is the nearest image, or among the ten nearest.

    Attributes:
        first: recall@1 by edit, 0..1.
        ten: recall@10 by edit, 0..1.
    """

    first: Mapping[str, float]
    ten: Mapping[str, float]

    @property
    def means(self) -> tuple[float, float]:
        """Recall@1 and recall@10, every edit counted alike."""
        return float(np.mean([*self.first.values()])), float(np.mean([*self.ten.values()]))


def recall_of_sources(
    rows: FloatArray, labels: Sequence[Label], *, photos_only: bool = False
) -> NearestScores:
    """Recall@1 and @10 of every edit.

    Args:
        rows: ``(n, dim)`` float, one for every label; compared by cosine.
        labels: what the images are.
        photos_only: look among sources alone, not among copies of others too.
    """
    ranks = source_ranks(rows, labels, photos_only=photos_only)
    edits = [label.edit for label in labels if label.edit != _SOURCE]
    first, ten = {}, {}
    for edit in dict.fromkeys(edits):
        own = ranks[[other == edit for other in edits]]
        first[edit], ten[edit] = float((own <= 1).mean()), float((own <= 10).mean())
    return NearestScores(first, ten)


def source_ranks(
    rows: FloatArray, labels: Sequence[Label], *, photos_only: bool = False
) -> NDArray[np.int64]:
    """Place of its source for every copy, from 1, in the order of the labels.

    Images as near as the source count as nearer, so that a descriptor that says the same of
    everything finds nothing.
    """
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    groups = np.array([label.group for label in labels])
    sources = {label.group: n for n, label in enumerate(labels) if label.edit == _SOURCE}
    copies = [n for n, label in enumerate(labels) if label.edit != _SOURCE]
    asked = np.array([not photos_only or label.edit == _SOURCE for label in labels])
    ranks = []
    for copy in copies:
        cosine = unit @ unit[copy]
        strangers = (groups != groups[copy]) & asked
        ranks.append(1 + int((cosine[strangers] >= cosine[sources[groups[copy]]]).sum()))
    return np.array(ranks, np.int64)


def describe_set(
    folder: Path, labels: Sequence[Label], descriptor: Descriptor, *, threads: int = 1
) -> FloatArray:
    """``(n, dim)`` float32, one row for every label.

    Raises:
        ConfigError: an image of the set that cannot be read.
    """

    def describe(label: Label) -> FloatArray:
        config = DecodeConfig(min_side=descriptor.min_side)
        picture = decode(label.path, (folder / label.path).read_bytes(), config)
        if isinstance(picture, Failure):
            raise ConfigError("an image of the set cannot be read", got=picture.path)
        return descriptor.describe(picture).astype(np.float32)

    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(describe, labels)))


def main() -> None:
    """Print a table of recall@1 / recall@10, one column for every descriptor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--descriptor", action="append", required=True)
    parser.add_argument("--photos-only", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    for folder in arguments.sets:
        labels = read_labels(folder)
        scores = {}
        for name in arguments.descriptor:
            descriptor = load_descriptor(name, threads=arguments.threads)
            rows = describe_set(folder, labels, descriptor, threads=arguments.threads)
            only = arguments.photos_only
            scores[name] = recall_of_sources(rows, labels, photos_only=only)
        print(f"{folder.name}, recall@1 / recall@10\n")
        print("\n".join(_table(scores)), flush=True)


def _table(scores: Mapping[str, NearestScores]) -> list[str]:
    lines = [f"| edit | {' | '.join(Path(name).stem for name in scores)} |"]
    lines.append(f"|---|{'---|' * len(scores)}")
    for edit in next(iter(scores.values())).first:
        cells = (f"{one.first[edit]:.3f} / {one.ten[edit]:.3f}" for one in scores.values())
        lines.append(f"| {edit} | {' | '.join(cells)} |")
    means = (f"{one.means[0]:.4f} / {one.means[1]:.4f}" for one in scores.values())
    return [*lines, f"| mean | {' | '.join(means)} |", ""]


if __name__ == "__main__":
    main()
