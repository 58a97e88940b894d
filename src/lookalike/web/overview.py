"""Numbers for charts: a map of the pictures, distances of their hashes, a cluster as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.clustering.dendrogram import check_available, outline, tree
from lookalike.descriptors.hashes import ORIENTATIONS, PDQ_SPEC, THUMB_SPEC, turns_of
from lookalike.index.blocks import block_distances
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.report import Cluster, Report
from lookalike.store import Collection
from lookalike.systems.pca import fit_reduction

__all__ = ["Gaps", "Map", "Tree", "cluster_tree", "hash_gaps", "picture_map"]


@dataclass(frozen=True, slots=True)
class Map:
    """Images on a plane, alike ones near each other.

    Attributes:
        images: ids, one a point.
        points: ``(n, 2)`` float32, principal components of the thumbs, no unit.
        share: of the variance that the plane shows, 0..1.
    """

    images: tuple[str, ...]
    points: FloatArray
    share: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """How far images are from the nearest copy and from the nearest stranger, by their hashes.

    Attributes:
        copies: ``(k,)`` bits of 256 to the nearest image of the same cluster, in the best of 8
            orientations.
        strangers: ``(n,)`` likewise to the nearest image of no common cluster.
    """

    copies: IntArray
    strangers: IntArray


@dataclass(frozen=True, slots=True)
class Tree:
    """A cluster as a dendrogram, average linkage over hash distances.

    Attributes:
        images: ids, the leaves from left to right, one a content.
        across: ``(k, 4)`` places of each merge; leaf number j stands at ``5 + 10 j``.
        heights: ``(k, 4)`` bits of 256.
    """

    images: tuple[str, ...]
    across: FloatArray
    heights: FloatArray


def picture_map(report: Report, collection: Collection, most: int) -> Map:
    """Place a sample of the images on a plane, one of every content, clusters first."""
    first = _sample(report, collection, most)
    if len(first) < 3:
        return Map((), np.empty((0, 2), np.float32), 0.0)
    rows = collection.rows(THUMB_SPEC, list(first)).astype(np.float32)
    components = min(len(first), 2)
    reduction = fit_reduction(rows, components=components)
    total = float(np.var(rows, axis=0).sum()) or 1.0
    return Map(
        tuple(first.values()), reduction.apply(rows), float(reduction.variance.sum()) / total
    )


def hash_gaps(report: Report, collection: Collection, most: int) -> Gaps:
    """Measure how far a sample of images is from the nearest copy and the nearest stranger."""
    first = _sample(report, collection, most)
    if len(first) < 2:
        return Gaps(np.empty(0, np.int64), np.empty(0, np.int64))
    bits = _bits(collection, list(first))
    home = {member: c.id for c in report.clusters for member in c.members}
    own = np.array([home.get(image, image) for image in first.values()])
    same = own[:, None] == own[None]
    np.fill_diagonal(bits, 999)
    nearest_copy = np.where(same, bits, 999).min(axis=1)
    nearest_stranger = np.where(same, 999, bits).min(axis=1)
    return Gaps(
        nearest_copy[nearest_copy < 999].astype(np.int64),
        nearest_stranger[nearest_stranger < 999].astype(np.int64),
    )


def cluster_tree(report: Report, cluster: Cluster, collection: Collection, most: int) -> Tree:
    """Make a dendrogram of a cluster, at most of so many contents.

    Raises:
        ConfigError: SciPy is missing.
    """
    check_available("average")
    first: dict[str, str] = {}
    for member in cluster.members:
        first.setdefault(report.images[member].sha256, member)
    shas = sorted(collection.described([PDQ_SPEC]) & first.keys(), key=lambda sha: first[sha])
    shas = shas[:most]
    if len(shas) < 2:
        return Tree((), np.empty((0, 4), np.float32), np.empty((0, 4), np.float32))
    bits = _bits(collection, shas)
    across, heights, leaves = outline(tree(np.minimum(bits, bits.T), "average"))
    return Tree(tuple(first[shas[leaf]] for leaf in leaves), across, heights)


def _sample(report: Report, collection: Collection, most: int) -> Mapping[str, str]:
    """Sample contents with one image of each: those of clusters first, then evenly the rest."""
    described = collection.described([PDQ_SPEC, THUMB_SPEC])
    clustered = [member for cluster in report.clusters for member in cluster.members]
    inside = set(clustered)
    rest = [image for image in report.images if image not in inside]
    chosen = _evenly(clustered, most // 2 if rest else most)
    chosen += _evenly(rest, most - len(chosen))
    first: dict[str, str] = {}
    for image in chosen:
        sha = report.images[image].sha256
        if sha in described:
            first.setdefault(sha, image)
    return first


def _evenly(items: Sequence[str], most: int) -> list[str]:
    step = max(1, -(-len(items) // max(1, most)))
    return list(items[::step])


def _bits(collection: Collection, shas: Sequence[str]) -> FloatArray:
    """``(n, n)`` Hamming distances of the hashes, in the best orientation of the column's image."""
    turned = turns_of(collection.rows(PDQ_SPEC, shas))
    upright = np.ascontiguousarray(turned[:, 0])
    best = np.full((len(shas), len(shas)), 256, np.float32)
    for turn in range(len(ORIENTATIONS)):
        distance = block_distances(upright, np.ascontiguousarray(turned[:, turn]), "hamming")
        np.minimum(best, distance, out=best)
    return np.minimum(best, best.T)
