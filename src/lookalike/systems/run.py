"""Run a published system: descriptors, a reduction, a distance, a threshold, a linkage.

Nothing is verified, so every pair they accept is of tier ``similar``, however near.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lookalike.clustering.components import label_components, parts_of
from lookalike.clustering.dendrogram import cut, tree
from lookalike.clustering.stars import label_stars
from lookalike.config import SystemConfig
from lookalike.index.blocks import among_nearest, blocks_of, nearest_rows, pairs_within
from lookalike.index.cells import CellIndex, fit_cells
from lookalike.matching.match_graph import Found
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.errors import ConfigError
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.systems.space import Space

__all__ = ["cluster_labels", "find_in_space", "near_pairs"]

_SMALL = 16
_ASKING = 64


def find_in_space(space: Space, config: SystemConfig, images: Mapping[str, ImageRef]) -> Found:
    """Find near pairs and cluster them."""
    left, right, distance = near_pairs(space, config)
    counts = {"candidates": len(left)}
    order = sorted(
        range(len(space.shas)),
        key=lambda n: (
            -images[space.shas[n]].width * images[space.shas[n]].height,
            images[space.shas[n]].id,
        ),
    )
    labels = cluster_labels(space, config, (left, right, distance), order)
    kept = _worth_listing(left, right, distance, labels, order)
    metric = "+".join(view.config.descriptor for view in space.views)
    matches = tuple(
        Match(space.shas[a], space.shas[b], "similar", round(d, 6), metric)
        if images[space.shas[a]].id < images[space.shas[b]].id
        else Match(space.shas[b], space.shas[a], "similar", round(d, 6), metric)
        for a, b, d in zip(
            left[kept].tolist(), right[kept].tolist(), distance[kept].tolist(), strict=True
        )
    )
    return Found(matches, _parts(space, labels, (left, right), order), counts)


def near_pairs(space: Space, config: SystemConfig) -> tuple[IntArray, IntArray, FloatArray]:
    """Find accepted pairs ``i < j``: near, among the neighbours asked for, and voted for."""
    if len(space.shas) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    if config.cells:
        found = _within_cells(space, config)
    else:
        found = pairs_within(
            space.measure, space.widest, space.max_distance, threads=config.threads
        )
    left, right, distance = found
    if config.neighbours:
        kept = among_nearest(left, right, distance, config.neighbours)
        left, right, distance = left[kept], right[kept], distance[kept]
    if config.metrics:
        chosen = _voted_for(space, config, left, right)
        left, right, distance = left[chosen], right[chosen], distance[chosen]
    return left, right, distance


def _within_cells(space: Space, config: SystemConfig) -> tuple[IntArray, IntArray, FloatArray]:
    first = space.views[0]
    if first.metric == "hamming":
        raise ConfigError("cells need numbers", got=first.config.descriptor)
    rows: FloatArray = np.array(first.rows[slice(None)], np.float32)
    if first.metric == "cosine":
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(norm > 0, norm, 1)
    index = CellIndex(_cells(space, config, rows), rows)
    parts = []
    for asking, members in index.candidates(config.probes):
        distance = first.distances(rows[asking], rows[members])
        i, j = np.nonzero(distance <= first.config.max_distance)
        a, b = asking[i], members[j]
        parts.append(np.stack([np.minimum(a, b), np.maximum(a, b), distance[i, j]]))
    low, high, near = np.concatenate(parts, axis=1)
    flat = low.astype(np.int64) * len(rows) + high.astype(np.int64)
    _, once = np.unique(flat, return_index=True)
    once = once[low[once] < high[once]]
    return low[once].astype(np.int64), high[once].astype(np.int64), near[once].astype(np.float32)


def _cells(space: Space, config: SystemConfig, rows: FloatArray) -> FloatArray:
    """Load centres that were fitted before, so that new images only join cells; else fit them.

    They are fitted anew when the set has doubled since.
    """
    shelf = f"cells-{config.cells}-{space.views[0].identity}"
    for name in space.collection.fitted(shelf):
        data = space.collection.load_fitted(shelf, name)
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            if held["count"] * 2 >= len(rows):
                return np.asarray(held["centres"])
    centres = fit_cells(rows, min(config.cells, len(rows)))
    written = io.BytesIO()
    np.savez(written, centres=centres, count=len(rows))
    space.collection.keep_fitted(shelf, "centres", written.getvalue())
    return centres


def _voted_for(
    space: Space, config: SystemConfig, left: IntArray, right: IntArray
) -> NDArray[np.bool_]:
    """Keep pairs for which more than half the metrics vote: one is among the other's nearest."""
    view = space.views[0]
    asked = np.unique(np.concatenate([left, right]))
    parts = [asked[at : at + _ASKING] for at in range(0, len(asked), _ASKING)]

    def ballots(task: tuple[str, IntArray]) -> set[tuple[int, int]]:
        metric, some = task
        best, _ = nearest_rows(
            view.rows[some], view.rows, config.ballot + 1, metric, p=view.config.p
        )
        return {
            (min(query, item), max(query, item))
            for query, named in zip(some.tolist(), best.tolist(), strict=True)
            for item in [item for item in named if item != query][: config.ballot]
        }

    votes: Counter[tuple[int, int]] = Counter()
    with ThreadPoolExecutor(config.threads) as pool:
        for metric in config.metrics:
            votes.update(set().union(*pool.map(ballots, ((metric, some) for some in parts))))
    needed = len(config.metrics) // 2 + 1
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return np.array([votes[pair] >= needed for pair in pairs], bool)


def cluster_labels(
    space: Space,
    config: SystemConfig,
    pairs: tuple[IntArray, IntArray, FloatArray],
    order: Sequence[int],
) -> IntArray:
    """Label images ``(n,)``: equal numbers in one cluster."""
    left, right, _ = pairs
    linkage = config.cluster.linkage
    if linkage == "star":
        return label_stars(left, right, order)
    count = len(space.shas)
    if linkage == "ward":
        groups = [np.arange(count)]
    else:
        labels = label_components(count, left, right)
        if linkage == "single":
            return labels
        groups = parts_of(labels)
    labels = np.arange(count)
    for group in groups:
        if len(group) > 1:
            within = _square(space, group)
            parts = cut(tree(within, linkage), space.max_distance)
            for part in range(parts.max() + 1):
                members = group[parts == part]
                labels[members] = members[0]
    return labels


def _square(space: Space, group: IntArray) -> FloatArray:
    """Compute the distances ``(k, k)`` among some images."""
    part = Space(
        space.collection,
        (),
        tuple(replace(v, rows=v.rows[group]) for v in space.views),
        space.max_distance,
    )
    slices = list(blocks_of(part.widest))
    return np.block([[part.measure(a, b) for b in slices] for a in slices])


def _worth_listing(
    left: IntArray, right: IntArray, distance: FloatArray, labels: IntArray, order: Sequence[int]
) -> IntArray:
    """Choose pairs to list: those within a cluster; of large ones each member's nearest only."""
    together = np.flatnonzero(labels[left] == labels[right])
    sizes = np.bincount(labels, minlength=len(order))
    small = sizes[labels[left[together]]] <= _SMALL
    nearest = among_nearest(left[together], right[together], distance[together], 1)
    return np.union1d(together[small], together[nearest])


def _parts(
    space: Space, labels: IntArray, pairs: tuple[IntArray, IntArray], order: Sequence[int]
) -> list[tuple[str, list[str]]]:
    """Collect clusters of two or more, each with the member that is near most others."""
    left, right = pairs
    inside = labels[left] == labels[right]
    degree = np.bincount(np.concatenate([left[inside], right[inside]]), minlength=len(space.shas))
    place = np.empty(len(order), np.int64)
    place[np.array(order, np.int64)] = np.arange(len(order))
    parts = []
    for group in parts_of(labels):
        members = group.tolist()
        centre = min(members, key=lambda n: (-degree[n], place[n]))
        parts.append((space.shas[centre], sorted(space.shas[n] for n in members)))
    return parts
