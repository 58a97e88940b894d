"""How many of the nearest are judged, and how many every metric votes for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lookalike.config import ViewConfig
from lookalike.model.arrays import FloatArray
from lookalike.retrieval.query import Question
from lookalike.retrieval.rank import ranked, with_hash_candidates
from lookalike.systems.space import Space, View

COUNT = 80


class Place:
    """Describes every picture by where it lies: at 0."""

    min_side = 8
    spec = SimpleNamespace(name="place", metric="euclidean")

    def describe(self, picture: object) -> FloatArray:
        """``(2,)``."""
        return np.array([0.0, 1.0], np.float32)


def line() -> Space:
    """Contents on a line, the nearest to 0 first."""
    rows = np.stack([np.arange(COUNT), np.ones(COUNT)], axis=1).astype(np.float32)
    place: Any = Place()
    view = View(ViewConfig("place", 1.0), place, "euclidean", rows, None, 1)
    collection: Any = None
    return Space(collection, tuple(f"{n:02}" for n in range(COUNT)), (view,), 1.0)


QUERY: Any = SimpleNamespace(reduced=lambda side: None)


@pytest.mark.parametrize(("wanted", "count"), [(6, 32), (32, 32), (33, 33), (90, COUNT)])
def test_the_nearest_are_judged(wanted: int, count: int) -> None:
    """32 of them, or as many as are wanted."""
    found = ranked(line(), QUERY, Question("q", k=wanted), ())
    assert [near.sha for near in found] == [f"{n:02}" for n in range(count)]
    assert found[3].distance == 3 and found[3].metric == "place euclidean"
    again = ranked(line(), QUERY, Question("q", k=wanted, metrics=("manhattan",)), ("manhattan",))
    assert [near.sha for near in again] == [near.sha for near in found]
    assert {near.metric for near in again} == {"manhattan"}


@pytest.mark.parametrize(("wanted", "count"), [(1, 5), (5, 5), (6, 6)])
def test_metrics_vote_for_five(wanted: int, count: int) -> None:
    """Or for as many as are wanted."""
    names = ("euclidean", "manhattan")
    found = ranked(line(), QUERY, Question("q", k=wanted, voting=True), names)
    assert [near.sha for near in found] == [f"{n:02}" for n in range(count)]
    assert found[0].votes.keys() == {*names} and found[0].metric == "vote"


def test_hashes_add_as_many() -> None:
    """The nearest 32 of those that the descriptor ranks further down."""
    near = ranked(line(), QUERY, Question("q"), ())
    places = np.arange(10, COUNT)
    frames: Any = SimpleNamespace(
        near=lambda shas: SimpleNamespace(places=places, bits=(COUNT - places).astype(np.int64))
    )
    found = with_hash_candidates(near, frames, line())
    added = found[len(near) :]
    assert len(near) == len(added) == 32
    assert [one.sha for one in added] == [f"{n:02}" for n in range(COUNT - 1, COUNT - 33, -1)]
    assert {one.metric for one in added} == {"pdq hamming"} and added[0].distance == 1
