"""Prepare a set of images as a published system sees it: descriptors, reductions, distances."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lookalike.clustering.dendrogram import check_available
from lookalike.config import SystemConfig, ViewConfig
from lookalike.descriptors.derived import Derived, TurnedDescriptor
from lookalike.descriptors.registry import base_of, load_descriptor
from lookalike.index.blocks import RowSource, block_distances, blocks_of
from lookalike.index.distances import check_metric
from lookalike.model.arrays import FloatArray
from lookalike.model.errors import ConfigError
from lookalike.model.protocols import Descriptor
from lookalike.store import Collection, Ranking
from lookalike.systems.pca import Reduction, fit_reduction

__all__ = ["Space", "View", "fit_space", "load_views"]

Describe = Callable[[Descriptor, Sequence[str]], list[str]]
_IN_MEMORY = 1_500_000_000


@dataclass(frozen=True, slots=True)
class View:
    """One descriptor over a set of images.

    Attributes:
        config: as asked for.
        descriptor: what describes a picture.
        metric: key of ``distances.METRICS``.
        rows: ``(n, dim)``, reduced; with 8 turns ``(n, 8 · dim)``.
        reduction: fitted, or None.
        turns: 1 or 8.
    """

    config: ViewConfig
    descriptor: Descriptor
    metric: str
    rows: RowSource
    reduction: Reduction | None
    turns: int

    def distances(self, a: NDArray[Any], b: NDArray[Any]) -> FloatArray:
        """Compute distances of two blocks of rows; over turns, of the nearest orientation."""
        if self.turns == 1:
            return block_distances(a, b, self.metric, p=self.config.p)
        width = a.shape[1] // self.turns
        upright = np.ascontiguousarray(b[:, :width])
        turned = (
            np.ascontiguousarray(a[:, turn * width : (turn + 1) * width])
            for turn in range(self.turns)
        )
        each = (block_distances(rows, upright, self.metric, p=self.config.p) for rows in turned)
        return np.minimum.reduce(list(each))

    @property
    def identity(self) -> str:
        """Digest what the rows are."""
        return _identity(self.config, self.descriptor)

    def row_of(self, described: NDArray[Any]) -> NDArray[Any]:
        """Reduce rows of new images as they are compared: through the fitted reduction."""
        return described if self.reduction is None else self.reduction.apply(described)


@dataclass(frozen=True, slots=True)
class Space:
    """A set of images as a system sees it.

    Attributes:
        collection: keeps what was fitted.
        shas: contents, in the order of the rows.
        views: one for every descriptor.
        max_distance: up to which a pair is near, inclusive; 1 with several views.
    """

    collection: Collection
    shas: tuple[str, ...]
    views: tuple[View, ...]
    max_distance: float

    def measure(self, a: slice, b: slice) -> FloatArray:
        """Measure two slices; with several views the largest share of a view's limit."""
        return self.between([view.rows[a] for view in self.views], b)

    def between(self, rows: Sequence[NDArray[Any]], b: slice) -> FloatArray:
        """Measure blocks of rows, one a view; else as ``measure``."""
        each = [
            view.distances(some, view.rows[b]) for view, some in zip(self.views, rows, strict=True)
        ]
        if len(each) == 1:
            return each[0]
        limits = (view.config.max_distance or 1e-6 for view in self.views)
        return np.maximum.reduce([d / limit for d, limit in zip(each, limits, strict=True)])

    @property
    def widest(self) -> RowSource:
        """The rows that bound the size of a block."""
        return max((view.rows for view in self.views), key=lambda rows: rows.shape[1])


def load_views(config: SystemConfig) -> tuple[Descriptor, ...]:
    """Load the system's descriptors, before any work.

    Raises:
        ConfigError: an unknown descriptor or metric, one that does not suit the other, or a
            linkage that needs a missing package.
        ModelError: weights that are not here.
    """
    check_available(config.cluster.linkage)
    for name in config.metrics:
        check_metric(name)
    return tuple(_load(view, config) for view in config.views)


def _load(view: ViewConfig, config: SystemConfig) -> Descriptor:
    if view.metric:
        check_metric(view.metric)
    descriptor = load_descriptor(view.descriptor, threads=config.threads)
    binary = descriptor.spec.metric == "hamming"
    if binary != (_metric(view, descriptor) == "hamming"):
        raise ConfigError(
            "this metric does not suit the descriptor",
            got=f"{view.metric} for {view.descriptor}",
            expected="hamming for bits, any other for numbers",
        )
    if binary and (view.scale != "none" or view.components):
        raise ConfigError("bits cannot be scaled or projected", got=view.descriptor)
    if config.turns == 8 and (view.scale != "none" or view.components):
        raise ConfigError("turned rows cannot be scaled or projected", got=view.descriptor)
    if config.turns == 8 and isinstance(descriptor, Derived):
        # PDQ is stored in its 8 orientations; others are described anew in each
        return descriptor.base if view.descriptor == "pdq" else TurnedDescriptor(descriptor)
    return TurnedDescriptor(descriptor) if config.turns == 8 else descriptor


def _metric(view: ViewConfig, descriptor: Descriptor) -> str:
    return view.metric or descriptor.spec.metric


def fit_space(
    config: SystemConfig,
    descriptors: Sequence[Descriptor],
    shas: Sequence[str],
    collection: Collection,
    describe: Describe,
    *,
    refit: bool = True,
) -> Space:
    """Describe and reduce a set of contents.

    Args:
        config: the system.
        descriptors: as ``load_views`` gave them.
        shas: contents.
        collection: holds descriptors and fitted reductions.
        describe: has rows made for contents; returns those that have one.
        refit: fit reductions to this set; otherwise use those that were fitted last.
    """
    present = list(shas)
    for descriptor in descriptors:
        present = describe(base_of(descriptor), present)
    views = [
        _view(config, view, descriptor, present, collection, refit)
        for view, descriptor in zip(config.views, descriptors, strict=True)
    ]
    limit = views[0].config.max_distance if len(views) == 1 else 1.0
    return Space(collection, tuple(present), tuple(views), limit)


def _view(
    config: SystemConfig,
    view: ViewConfig,
    descriptor: Descriptor,
    shas: Sequence[str],
    collection: Collection,
    refit: bool,
) -> View:
    # a search may leave the ranking to the collection, and needs none of them here
    rows = _rows(descriptor, shas, collection, refit or not isinstance(collection, Ranking))
    reduction = None
    if (view.components or view.scale != "none") and shas:
        with threadpool_limits(config.threads):
            reduction = _reduction(view, descriptor, rows, shas, collection, refit)
            rows = reduction.apply_blocks(rows)
    return View(view, descriptor, _metric(view, descriptor), rows, reduction, config.turns)


def _rows(
    descriptor: Descriptor, shas: Sequence[str], collection: Collection, in_memory: bool
) -> RowSource:
    base = base_of(descriptor).spec
    if not shas:
        return np.empty((0, descriptor.spec.row_width), descriptor.spec.dtype)
    stored = collection.stored(base, shas)
    rows: RowSource = stored
    if isinstance(descriptor, Derived):
        rows = _DerivedRows(stored, descriptor)
    size = rows.shape[0] * rows.shape[1] * np.dtype(descriptor.spec.dtype).itemsize
    return rows[slice(None)] if in_memory and size <= _IN_MEMORY else rows


@dataclass(frozen=True, slots=True)
class _DerivedRows:
    """Rows of a derived descriptor, made of its base's rows when read."""

    base: RowSource
    descriptor: Derived

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape[0], self.descriptor.spec.row_width

    def __getitem__(self, some: Any) -> NDArray[Any]:
        if some == slice(None):
            parts = [self.descriptor.derive(self.base[block]) for block in blocks_of(self.base)]
            return np.concatenate(parts)
        return self.descriptor.derive(self.base[some])


def _identity(view: ViewConfig, descriptor: Descriptor) -> str:
    asked = f"{descriptor.spec.key}|{view.scale}|{view.components}"
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _reduction(
    view: ViewConfig,
    descriptor: Descriptor,
    rows: RowSource,
    shas: Sequence[str],
    collection: Collection,
    refit: bool,
) -> Reduction:
    """Fit a reduction to this set, or load the last one, kept for new images."""
    shelf = _identity(view, descriptor)
    name = hashlib.sha256(" ".join(shas).encode()).hexdigest()[:16]
    held = collection.fitted(shelf)
    if name in held or (held and not refit):
        data = collection.load_fitted(shelf, name if name in held else held[-1])
        return Reduction.from_bytes(data)
    most = min(rows.shape[0], rows.shape[1])
    components = most if view.components == "images" else min(int(view.components), most)
    fitted = fit_reduction(rows, components=components, scale=view.scale, streamed=True)
    collection.keep_fitted(shelf, name, fitted.to_bytes())
    return fitted
