"""Hold what the pair stages share: accepted pairs, leads, and how a pair is verified."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lookalike.matching.limits import CASCADE
from lookalike.model.image import ImageRef
from lookalike.model.match import Match, Verification
from lookalike.verification.limits import FRAMES

__all__ = ["Found", "Lead", "Pair", "Pairs", "Verify", "graph_of"]

Pair = tuple[str, str]


class Verify(Protocol):
    """Keypoint verification of pairs; unreadable ones are refused."""

    def __call__(self, pairs: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        """Verify pairs: evidence or None for each, looked at mirrored where the value says so."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Lead:
    """Why a pair is worth verifying.

    Attributes:
        distance: the smaller, the sooner.
        mirrored: whether the pair looks alike when one of it is mirrored.
        either: whether it also looks alike the other way, as symmetric pictures do.
    """

    distance: float
    mirrored: bool = False
    either: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a run decided about contents; all names are SHA-256.

    Attributes:
        matches: accepted pairs.
        parts: disjoint clusters: the centre, and the members with it.
        counts: funnel counts.
    """

    matches: tuple[Match, ...]
    parts: list[tuple[str, list[str]]]
    counts: dict[str, int]


@dataclass(slots=True)
class Pairs:
    """Accepted pairs among contents, by SHA-256, and how many were looked at.

    Attributes:
        images: one image a content, by SHA-256.
        apart: pairs in the canonical order that a person told apart: they never match.
        matches: accepted pairs; query and ref are SHA-256 here, the smaller id as query.
        counts: funnel counts.
    """

    images: dict[str, ImageRef]
    apart: frozenset[Pair] = frozenset()
    matches: dict[Pair, Match] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def order(self, a: str, b: str) -> Pair:
        """Put a pair in its canonical order: the smaller image id is the query."""
        return (a, b) if self.images[a].id < self.images[b].id else (b, a)

    def graph(self) -> dict[str, set[str]]:
        """Collect the accepted neighbours of every content."""
        return graph_of(self.images, self.matches)

    def part_told_apart(self) -> None:
        """Take back matches of pairs that a person told apart."""
        for pair in self.apart & self.matches.keys():
            del self.matches[pair]

    def unless_apart(self, verify: Verify) -> Verify:
        """Wrap a verification so that it refuses, unseen, what a person told apart."""
        if not self.apart:
            return verify

        def verified(pairs: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
            asked = {pair: mirrored for pair, mirrored in pairs.items() if pair not in self.apart}
            return {**dict.fromkeys(pairs), **verify(asked)}

        return verified

    def rank(self, sha: str) -> tuple[float, ...]:
        """Rank a content as a star's centre: more pixels first, then more bytes."""
        image = self.images[sha]
        return (-image.width * image.height, -image.n_bytes)

    def typical(self) -> Callable[[str], tuple[float, ...]]:
        """Rank contents by how well they stand for a cluster: most like all that they match first.

        A noisy copy has the most bytes, and less in common with a part than a clean one; no part
        meets one that was squashed in one pose; a small one lacks what a part may show.
        """
        alike: dict[str, float] = defaultdict(float)
        for pair, match in self.matches.items():
            weight = match.verification.likeness if match.verification else 1.0
            shapes = sorted(self._shape(sha) for sha in pair)
            if shapes[1] > FRAMES.same_shape * shapes[0]:
                weight /= 2
            areas = [self.images[sha].width * self.images[sha].height for sha in pair]
            for sha, area in zip(pair, areas, strict=True):
                alike[sha] += weight if area >= CASCADE.small * max(areas) else weight / 2
        return lambda sha: (-alike[sha], *self.rank(sha))

    def _shape(self, sha: str) -> float:
        """Divide the long side by the short one."""
        short, long = sorted((self.images[sha].width, self.images[sha].height))
        return long / short


def graph_of(nodes: Iterable[str], pairs: Iterable[Pair]) -> dict[str, set[str]]:
    """Collect the neighbours of every node."""
    neighbours: dict[str, set[str]] = {node: set() for node in nodes}
    for a, b in pairs:
        neighbours[a].add(b)
        neighbours[b].add(a)
    return neighbours
