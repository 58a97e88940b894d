"""What two pictures of a set are to each other: copies, other shots of one scene, strangers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from lookalike.evaluation.datasets import Label

__all__ = ["Relation", "RelationCount", "another_shot", "count_relations", "relation_of"]

Relation = Literal["copy", "similar", "none"]
_MARK = "~"


@dataclass(frozen=True, slots=True)
class RelationCount:
    """One cell of a confusion table.

    Attributes:
        truth: what the pairs are.
        said: what was said of them.
        pairs: how many.
    """

    truth: Relation
    said: Relation
    pairs: int


def another_shot(group: str, shot: str) -> str:
    """Group of another shot of a group's scene: ``NAME~SHOT``, a group of its own."""
    return f"{group}{_MARK}{shot}"


def relation_of(first: Label, second: Label) -> Relation:
    """``copy`` in one group, ``similar`` in groups of one scene, else ``none``."""
    if first.group == second.group:
        return "copy"
    scenes = [label.group.partition(_MARK)[0] for label in (first, second)]
    return "similar" if scenes[0] == scenes[1] else "none"


def count_relations(
    labels: Sequence[Label], said: Mapping[tuple[str, str], Relation]
) -> tuple[RelationCount, ...]:
    """The confusion table over every pair, by truth and then by what was said.

    Args:
        labels: of the set.
        said: by the two paths in either order; pairs that are not named are ``none``.
    """
    cells: Counter[tuple[Relation, Relation]] = Counter()
    for first, second in combinations(labels, 2):
        pair = (first.path, second.path)
        verdict = said.get(pair) or said.get(pair[::-1], "none")
        cells[relation_of(first, second), verdict] += 1
    names: tuple[Relation, ...] = ("copy", "similar", "none")
    return tuple(
        RelationCount(truth, verdict, cells[truth, verdict]) for truth in names for verdict in names
    )
