"""Find how the images of a cluster are tied: by a match of their own, or through others."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from lookalike.model.match import Match, Tier
from lookalike.model.report import Cluster, Report
from lookalike.report.as_text import edit_towards

__all__ = ["Pair", "Ties"]

_TIERS: tuple[Tier, ...] = ("exact", "pixel", "copy", "similar")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images of one picture, and the matches that say so.

    Attributes:
        first: image id.
        second: image id.
        ties: matches that lead from the second to the first: one if the two were matched
            themselves, several if other images of the cluster stand between them.
        edit: in words, what makes ``second`` from ``first``.
    """

    first: str
    second: str
    ties: tuple[Match, ...]
    edit: str

    @property
    def tier(self) -> Tier:
        """The weakest tier of the ties."""
        return max((tie.tier for tie in self.ties), key=_TIERS.index)

    @property
    def confidence(self) -> float | None:
        """Probability that both show the same picture; None if a tie has none."""
        chances = [tie.confidence for tie in self.ties if tie.confidence is not None]
        return round(math.prod(chances), 6) if len(chances) == len(self.ties) else None


class Ties:
    """The accepted pairs of a report, between any two images of a cluster.

    A report ties files of equal bytes only to the first of them; matches of an image count for
    every file of the same bytes or pixels.

    Args:
        report: what ``find`` returned.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._sha = {image.id: image.sha256 for image in report.images.values()}
        self._same = {sha: sha for sha in self._sha.values()}
        for match in report.matches:
            if match.tier == "pixel":
                first, second = self._pixels(match.query), self._pixels(match.ref)
                self._same[max(first, second)] = min(first, second)
        self._near: dict[str, dict[str, Match]] = defaultdict(dict)
        for match in report.matches:
            a, b = self._pixels(match.query), self._pixels(match.ref)
            known = self._near[a].get(b)
            if a != b and (known is None or self._rank(match, "") < self._rank(known, "")):
                self._near[a][b] = self._near[b][a] = match

    def score(self, first: str, second: str, cluster: Cluster) -> float:
        """Score how alike two members are, 0..1, higher is more alike: the chance of a copy.

        Two that were not matched themselves are tied through the centre. Other shots of a scene
        have no such chance; theirs is 1 less the network's distance.
        """
        if self._pixels(first) == self._pixels(second):
            return 1.0
        match = self._near[self._pixels(first)].get(self._pixels(second))
        if match is not None:
            chance = match.confidence
            return round(max(0.0, 1 - match.distance) if chance is None else chance, 6)
        through = cluster.center
        if through in (first, second):
            return 0.0
        return round(self.score(first, through, cluster) * self.score(through, second, cluster), 6)

    def nearest(
        self, images: Iterable[str], others: Iterable[str], cluster: Cluster
    ) -> tuple[Pair, ...]:
        """Pair every image with the one of ``others`` that it is tied to most closely.

        Args:
            images: ids of members.
            others: ids of other members.
            cluster: the ties lead through its members.

        Returns: Pairs (other, image), with the shortest chain of ties from each image. Images
            without ties are left out.
        """
        home: dict[str, str] = {}
        for other in sorted(others, reverse=True):
            home[self._pixels(other)] = other
        toward = self._ways(home, {self._pixels(member) for member in cluster.members})
        found = []
        for image in sorted(images):
            content = self._pixels(image)
            if content in toward:
                found.append(self._pair(image, content, toward, home))
        return tuple(found)

    def turned(self, pair: Pair) -> Pair:
        """Swap the two images of a pair."""
        back = tuple(reversed(pair.ties))
        at, words = pair.first, []
        for tie in back:
            end = tie.ref if tie.query == at else tie.query
            words.append((edit_towards(self._report, tie, at, end), end))
            at = end
        return Pair(pair.second, pair.first, back, _in_words(words))

    def _ways(self, home: Mapping[str, str], within: Set[str]) -> dict[str, str]:
        """For every content that can be reached, find the next one on the shortest chain."""
        toward = {content: content for content in sorted(home)}
        level = list(toward)
        while level:
            reached: dict[str, str] = {}
            for content in level:
                for near, match in self._near[content].items():
                    if near in toward or near not in within:
                        continue
                    known = reached.get(near)
                    better = known is None or self._rank(match, content) < self._rank_of(
                        near, known
                    )
                    if better:
                        reached[near] = content
            toward |= reached
            level = sorted(reached)
        return toward

    def _pixels(self, image: str) -> str:
        """Name the content that all images of the same pixels share."""
        sha = self._sha[image]
        while self._same[sha] != sha:
            sha = self._same[sha]
        return sha

    def _rank_of(self, content: str, near: str) -> tuple[int, float, str]:
        return self._rank(self._near[content][near], near)

    def _rank(self, match: Match, content: str) -> tuple[int, float, str]:
        return _TIERS.index(match.tier), match.distance, content

    def _pair(self, image: str, content: str, toward: dict[str, str], home: dict[str, str]) -> Pair:
        if content in home:
            other = home[content]
            query, ref = sorted((image, other))
            exact = self._sha[query] == self._sha[ref]
            tier: Tier = "exact" if exact else "pixel"
            tie = Match(query, ref, tier, 0.0, "bytes" if exact else "pixels", confidence=1.0)
            return Pair(other, image, (tie,), tie.edit)
        ties, words, here = [], [], image
        while content not in home:
            following = toward[content]
            match = self._near[content][following]
            is_query = self._pixels(match.query) == content
            end = home.get(following, match.ref if is_query else match.query)
            tie = (
                replace(match, query=here, ref=end)
                if is_query
                else replace(match, query=end, ref=here)
            )
            ties.append(tie)
            words.append((edit_towards(self._report, tie, here, end), end))
            content, here = following, end
        return Pair(here, image, tuple(ties), _in_words(words))


def _in_words(steps: Sequence[tuple[str, str]]) -> str:
    """Say edits one after another, each with the image it starts from if there are several."""
    if len(steps) == 1:
        return steps[0][0]
    return ", itself ".join(f"{edit} (of {source})" for edit, source in steps)
