"""Apply a person's decisions to a report: pairs told apart, pictures kept and dropped."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

from lookalike.clustering.stars import make_cluster, separate
from lookalike.config import KeepConfig, RunConfig
from lookalike.decisions.keeper import choose, decide
from lookalike.model.image import ImageRef
from lookalike.model.report import Cluster, Decision, Report
from lookalike.store.decisions import Action, Change, Choices, Place, pair_of

__all__ = ["Parts", "Reviewed", "place_of", "with_choices"]

_BY_PERSON = {"keeper": "a person chose it", "keep": "a person keeps it too"}


def place_of(image: ImageRef) -> Place:
    """The key under which decisions about a file are remembered."""
    return image.sha256, os.path.abspath(image.path)  # noqa: PTH100


def with_choices(report: Report, choices: Choices) -> Report:
    """Apply a person's decisions to a report; they outrank those of rules.

    Pairs told apart do not match, and share no cluster even if others connect them. Marks name
    keepers, pictures that stay too, and pictures that go. Every cluster keeps at least one picture.
    """
    if not choices.marks and not choices.apart:
        return report
    reviewed = Reviewed(report, choices)
    parts = [reviewed.parts(cluster) for cluster in report.clusters]
    clusters = tuple(sorted((c for part in parts for c in part.clusters), key=lambda c: c.members))
    decisions = {d.image: d for part in parts for d in part.decisions}
    images = report.images

    def is_apart(a: str, b: str) -> bool:
        return pair_of(images[a].sha256, images[b].sha256) in choices.apart

    matches = tuple(match for match in report.matches if not is_apart(match.query, match.ref))
    held = tuple(item for item in report.containments if not is_apart(item.small, item.large))
    funnel = {**report.funnel, "matches": len(matches), "clusters": len(clusters)}
    funnel["clustered"] = sum(len(cluster.members) for cluster in clusters)
    return replace(
        report,
        clusters=clusters,
        matches=matches,
        containments=held,
        funnel=funnel,
        decisions=tuple(decisions[m] for cluster in clusters for m in cluster.members),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What became of one cluster.

    Attributes:
        clusters: it, or what it was split into; none where all of it was told apart.
        decisions: one for every member of these.
        alone: members that are in no cluster any more.
    """

    clusters: tuple[Cluster, ...]
    decisions: tuple[Decision, ...]
    alone: tuple[str, ...]


class Reviewed:
    """Applies a person's choices to the clusters of one report.

    Args:
        report: as rules decided it.
        choices: what a person decided.
    """

    def __init__(self, report: Report, choices: Choices) -> None:
        self._images = report.images
        self._rules = tuple(report.config.get("keep", {}).get("rules", KeepConfig().rules))
        self._decided = {decision.image: decision for decision in report.decisions}
        self._places = {image.id: place_of(image) for image in report.images.values()}
        self._here = set(self._places.values())
        self.see(choices)

    def see(self, choices: Choices, change: Change | None = None) -> None:
        """Take newer choices.

        Args:
            choices: everything decided.
            change: the difference to the choices seen before, if it is known.
        """
        self._choices = choices
        if change is None:
            #: marks of contents at paths that are not in this report
            self._elsewhere: dict[str, dict[str, Action]] = defaultdict(dict)
        for place, action in (change or choices).marks.items():
            if place in self._here:
                continue
            if action is None:
                self._elsewhere[place[0]].pop(place[1], None)
            else:
                self._elsewhere[place[0]][place[1]] = action

    def place(self, image: str) -> Place:
        """The key under which decisions about an image are remembered."""
        return self._places[image]

    def mark(self, image: str) -> Action | None:
        """A person's mark of an image; a file that moved is known by its bytes."""
        place = self._places[image]
        own = self._choices.marks.get(place)
        if own is not None:
            return own
        moved = set(self._elsewhere.get(place[0], {}).values())
        return moved.pop() if len(moved) == 1 else None

    def parts(self, cluster: Cluster) -> Parts:
        """Split a cluster as the person decided."""
        clusters = self._split(cluster)
        inside = set(chain.from_iterable(part.members for part in clusters))
        decisions = chain.from_iterable(self._decide(part, cluster) for part in clusters)
        alone = tuple(member for member in cluster.members if member not in inside)
        return Parts(clusters, tuple(decisions), alone)

    def _split(self, cluster: Cluster) -> tuple[Cluster, ...]:
        shas = sorted({self._images[member].sha256 for member in cluster.members})
        if not self._choices.apart:
            return (cluster,)
        apart = self.apart(shas)
        if not apart:
            return (cluster,)
        files: dict[str, list[str]] = defaultdict(list)
        for member in cluster.members:
            files[self._images[member].sha256].append(member)
        matches, graph = [], {sha: set[str]() for sha in shas}
        for match in cluster.matches:
            a, b = self._images[match.query].sha256, self._images[match.ref].sha256
            if b not in apart.get(a, set()):
                matches.append(match)
                graph[a] |= {b} - {a}
                graph[b] |= {a} - {b}
        parts = separate(shas, graph, apart, lambda sha: _rank(self._images[files[sha][0]]))
        inside = {sha for _, members in parts for sha in members}
        parts += [(sha, [sha]) for sha in shas if sha not in inside and len(files[sha]) > 1]
        made = (
            make_cluster(
                [file for sha in members for file in files[sha]],
                files[centre][0],
                matches,
                cluster.linkage,
            )
            for centre, members in parts
        )
        return tuple(sorted(made, key=lambda part: part.members))

    def apart(self, shas: Sequence[str]) -> Mapping[str, set[str]]:
        """For every content of a cluster, list those told apart from it."""
        told, inside = self._choices.apart, set(shas)
        if len(shas) * (len(shas) - 1) // 2 <= len(told):
            pairs = [pair for pair in combinations(shas, 2) if pair in told]
        else:
            pairs = [pair for pair in told if inside.issuperset(pair)]
        apart: dict[str, set[str]] = defaultdict(set)
        for a, b in pairs:
            apart[a].add(b)
            apart[b].add(a)
        return apart

    def _decide(self, part: Cluster, whole: Cluster) -> Sequence[Decision]:
        decided = [self._decided[member] for member in part.members]
        if part is not whole or any(decision.by == "person" for decision in decided):
            config = RunConfig(keep=KeepConfig(self._rules))
            decided = list(decide([part], self._images, config))
        marks = {m: action for m in part.members if (action := self.mark(m))}
        return self._overruled(decided, marks) if marks else decided

    def _overruled(
        self, decided: Sequence[Decision], marks: Mapping[str, Action]
    ) -> Sequence[Decision]:
        """Put a person's marks over the rules' decisions about one cluster."""
        keeper = self._keeper(decided, marks)
        was = decided[0].keeper
        final = []
        for decision in decided:
            image, mark = decision.image, marks.get(decision.image)
            action, reason = decision.action, decision.reason
            if image == keeper.image:
                action, reason = "keep", keeper.reason
            elif mark == "drop":
                action, reason = "drop", "a person drops it"
            elif mark is not None:
                action, reason = "keep", _BY_PERSON[mark]
            elif keeper.image != was:
                action, reason = "drop", f"{keeper.image} stays instead"
            by = "person" if mark and (mark == "drop") == (action == "drop") else "rule"
            final.append(Decision(image, action, keeper.image, reason, by))  # type: ignore[arg-type]
        return final

    def _keeper(self, decided: Sequence[Decision], marks: Mapping[str, Action]) -> Decision:
        """Choose the keeper of a cluster: the picture marked so, else the best that may stay."""
        for image, mark in sorted(marks.items()):
            if mark == "keeper":
                return Decision(image, "keep", image, _BY_PERSON["keeper"], "person")
        rule = next(d for d in decided if d.image == d.keeper)
        left = [d.image for d in decided if marks.get(d.image) != "drop"]
        if rule.image in left:
            return rule
        if not left:
            return replace(rule, reason="one picture of every cluster stays")
        kept = [image for image in left if image in marks] or left
        if len(kept) == 1:
            return Decision(kept[0], "keep", kept[0], "a person drops the others")
        images = [self._images[image] for image in kept]
        chosen = choose(images, self._rules)
        return next(d for d in chosen if d.action == "keep")


def _rank(image: ImageRef) -> tuple[float, ...]:
    """Order of preference as a centre: more pixels first, then more bytes."""
    return (-image.width * image.height, -image.n_bytes)
