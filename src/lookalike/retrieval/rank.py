"""Rank the images of a collection by their distance from a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config import SystemConfig
from lookalike.descriptors.registry import base_of
from lookalike.index.blocks import blocks_of, nearest_rows
from lookalike.index.distances import check_metric
from lookalike.model.arrays import IntArray
from lookalike.model.errors import ConfigError
from lookalike.retrieval.limits import SEARCH
from lookalike.retrieval.query import Query, Question
from lookalike.retrieval.query_frames import QueryFrames
from lookalike.store import Ranking
from lookalike.systems.space import Space
from lookalike.systems.voting import Voted, vote

__all__ = ["Near", "metrics", "ranked", "with_hash_candidates"]


_VOTERS = ("euclidean", "manhattan", "cosine", "minkowski", "dice")


@dataclass(frozen=True, slots=True)
class Near:
    """An image that a descriptor ranks among the nearest."""

    sha: str
    distance: float
    metric: str
    votes: Mapping[str, int]


def metrics(ranking: SystemConfig, question: Question) -> tuple[str, ...]:
    """Choose the distances to rank by: those asked for, the recipe's, or the descriptor's own."""
    if question.k < 1:
        raise ConfigError("no hits are wanted", got=f"k = {question.k}", expected="1 or more")
    for name in question.metrics:
        check_metric(name)
    if len(question.metrics) > 1 and not question.voting:
        raise ConfigError(
            "several metrics rank differently",
            got=", ".join(question.metrics),
            remedy="add --vote, or name one",
        )
    if question.metrics:
        return question.metrics
    return ranking.metrics or (_VOTERS if question.voting else ())


def ranked(space: Space, query: Query, question: Question, metrics: Sequence[str]) -> list[Near]:
    """Rank by the space's distance, by one metric, or by the votes of several."""
    count = max(question.k, SEARCH.judged)
    rows = [
        view.row_of(
            np.asarray(view.descriptor.describe(query.reduced(view.descriptor.min_side)))[None]
        )
        for view in space.views
    ]
    view = space.views[0]
    if metrics:
        if view.metric == "hamming" or view.turns > 1:
            raise ConfigError("metrics rank one descriptor of numbers", got=view.config.descriptor)
        ballot = max(question.k, SEARCH.ballot) if len(metrics) > 1 else count
        ballots = {
            name: _nearest(space, nearest_rows(rows[0], view.rows, ballot, name, p=view.config.p))
            for name in metrics
        }
        ranked = vote(ballots) if len(metrics) > 1 else _plain(ballots[metrics[0]], metrics[0])
        name = "vote" if len(metrics) > 1 else metrics[0]
        return [Near(space.shas[v.item], v.distance, name, v.by) for v in ranked[:count]]
    there = _ranked_there(space, rows[0], count)
    if there is None:
        parts = [space.between(rows, block)[0] for block in blocks_of(space.widest)]
        distance = np.concatenate(parts) if parts else np.empty(0, np.float32)
        there = np.arange(len(distance))
    else:
        distance = view.distances(rows[0], view.rows[there])[0]
    order = np.argsort(distance, kind="stable")[:count]
    name = "+".join(f"{v.config.descriptor} {v.metric}" for v in space.views)
    return [Near(space.shas[there[n]], float(distance[n]), name, {}) for n in order.tolist()]


def _ranked_there(space: Space, row: NDArray[Any], count: int) -> IntArray | None:
    """Ask the collection itself for the numbers of the nearest rows, ascending, if it can tell.

    It also ranks contents whose files are gone.
    """
    view, collection = space.views[0], space.collection
    is_plain = len(space.views) == 1 and view.turns == 1 and view.reduction is None
    stored = base_of(view.descriptor) is view.descriptor and view.metric == "cosine"
    if not isinstance(collection, Ranking) or not is_plain or not stored:
        return None
    number = {sha: n for n, sha in enumerate(space.shas)}
    asked = count
    while True:
        near = collection.nearest(view.descriptor.spec, row[0], asked)
        if near is None:
            return None
        found = [number[sha] for sha in near if sha in number]
        if len(found) >= count or len(near) < asked:
            return np.array(sorted(found), np.int64)
        asked *= 4


def _nearest(space: Space, found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, float]]:
    best, near = found
    return list(zip(best[0].tolist(), near[0].tolist(), strict=True))


def _plain(ballot: Sequence[tuple[int, float]], name: str) -> list[Voted]:
    """Turn one metric's ranking into a vote."""
    return [
        Voted(item, 1, float(place), distance, {name: place})
        for place, (item, distance) in enumerate(ballot, start=1)
    ]


def with_hash_candidates(near: list[Near], frames: QueryFrames, space: Space) -> list[Near]:
    """Add what the hash finds in any orientation, which a network may rank far down."""
    known = {item.sha for item in near}
    found = frames.near(space.shas)
    places, first = np.unique(found.places, return_index=True)
    shas = [space.shas[place] for place in places.tolist()]
    more = [
        Near(sha, float(bits), "pdq hamming", {})
        for sha, bits in zip(shas, found.bits[first].tolist(), strict=True)
        if sha not in known
    ]
    return [*near, *sorted(more, key=lambda item: (item.distance, item.sha))[: SEARCH.judged]]
