"""Decide which images of a cluster go: cut clusters into groups that may stand for one another.

Within a group, a person's decisions outrank the rules', and protection outranks both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lookalike.clustering.disjoint_set import Joined
from lookalike.config import KeepConfig, PlanConfig, RunConfig
from lookalike.decisions.keeper import decide
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Decision, Report

__all__ = ["Drop", "Grouping", "Left"]


@dataclass(frozen=True, slots=True)
class Drop:
    """An image that goes in favour of another; ``keeper``, ``image`` and ``cluster`` are ids."""

    image: str
    keeper: str
    cluster: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Left:
    """An image that the decisions drop and that stays nevertheless, and why."""

    image: str
    reason: str


class Grouping:
    """Settles what goes, cluster by cluster.

    Args:
        report: clusters, images and decisions.
        config: tiers, confidence, scope and keep rules.
        folders: of the scope, by image id; images outside of all are missing.
        protected: the protected folder an image lies in, by image id.
    """

    def __init__(
        self,
        report: Report,
        config: PlanConfig,
        folders: Mapping[str, str],
        protected: Mapping[str, str],
    ) -> None:
        self._report = report
        self._config = config
        self._folders = folders
        self._protected = protected
        self._decided = {decision.image: decision for decision in report.decisions}

    def settle(self, cluster: Cluster) -> Iterator[Drop | Left]:
        """Decide what becomes of the members that do not simply stay."""
        for members in self._groups(cluster):
            stays, decisions = self._stays(cluster, members)
            if not stays:
                for member in members:
                    yield Left(member, "every copy is to be dropped, and one must stay")
            elif len(members) == 1 and self._decided[members[0]].action == "drop":
                yield Left(
                    members[0],
                    "nothing that the settings let stand for it: tier, confidence or folder",
                )
            else:
                yield from self._protect(cluster, members, stays, decisions)

    def _groups(self, cluster: Cluster) -> list[list[str]]:
        """Group members connected by matches that count, then split by folder."""
        edges = [(m.query, m.ref) for m in cluster.matches if self._counts(m)]
        by_person = [d for m in cluster.members if (d := self._decided[m]).by == "person"]
        edges += [(d.image, d.keeper) for d in by_person if d.keeper in cluster.members]
        joined = Joined(cluster.members)
        for pair in edges:
            joined.join(*pair)
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for member in cluster.members:
            outside = f"\0{member}"  # such a match connects nobody
            if self._config.scope == "any":
                part = ""
            elif self._config.scope == "within":
                part = self._folders.get(member, outside)
            else:
                part = "" if member in self._folders else outside
            groups[joined.root(member), part].append(member)
        return list(groups.values())

    def _counts(self, match: Match) -> bool:
        """Whether a match is good enough to drop one image for the other."""
        least = self._config.min_confidence
        if match.tier not in self._config.tiers:
            return False
        if least is None or match.tier == "exact":
            return True
        return match.confidence is not None and match.confidence >= least

    def _stays(
        self, cluster: Cluster, members: Sequence[str]
    ) -> tuple[list[str], Mapping[str, Decision]]:
        """Choose which members of a group stay, the best first, and say why."""
        decided = {member: self._decided[member] for member in members}
        rules = self._config.keep
        stays = [
            m for m, d in decided.items() if d.action == "keep" and (d.by == "person" or not rules)
        ]
        free = [m for m, d in decided.items() if (d.by, d.action) != ("person", "drop")]
        if stays or not free:
            return stays, decided
        if len(free) == 1:
            return free, decided
        part = replace(
            cluster,
            members=tuple(free),
            matches=tuple(m for m in cluster.matches if m.query in free and m.ref in free),
        )
        rules = rules or tuple(self._report.config.get("keep", {}).get("rules", ()))
        run = RunConfig(keep=KeepConfig(rules)) if rules else RunConfig()
        ruled = {d.image: d for d in decide([part], self._report.images, run)}
        return [m for m in free if ruled[m].action == "keep"], {**decided, **ruled}

    def _protect(
        self,
        cluster: Cluster,
        members: Sequence[str],
        stays: Sequence[str],
        decisions: Mapping[str, Decision],
    ) -> Iterator[Drop | Left]:
        """Keep protected members; a copy that equals one of them goes in its favour."""
        for member in members:
            decision = decisions[member]
            equal = self._equal(cluster, member, members)
            if member in self._protected:
                if member not in stays:
                    folder = self._protected[member]
                    yield Left(member, f"it lies in the protected folder {folder}")
                continue
            if member in stays and (decision.by == "person" or not equal):
                continue
            if member in stays:
                reason = "the same picture lies in a protected folder"
                decision = replace(decision, action="drop", keeper=equal, reason=reason)
            keeper = equal or self._keeper(cluster, decision, stays, members)
            if self._config.scope == "across" and not self._apart(member, keeper):
                yield Left(member, "it lies in the same folder as the picture that stays")
            elif decision.by != "person" and self._loses_transparency(member, keeper):
                yield Left(member, "it has transparent parts, and the picture that stays has none")
            else:
                if decision.keeper != keeper:
                    decision = replace(decision, keeper=keeper)
                yield Drop(member, keeper, cluster.id, decision)

    def _keeper(
        self, cluster: Cluster, decision: Decision, stays: Sequence[str], members: Sequence[str]
    ) -> str:
        """The keeper an image goes for; if that goes too, the protected image it goes for."""
        keeper = decision.keeper if decision.keeper in stays else stays[0]
        if keeper in self._protected or self._decided[keeper].by == "person":
            return keeper
        return self._equal(cluster, keeper, members) or keeper

    def _equal(self, cluster: Cluster, member: str, members: Sequence[str]) -> str:
        """Find a protected member of the same bytes or pixels; empty if there is none."""
        images = self._report.images
        pixel = {
            match.ref if match.query == member else match.query
            for match in cluster.matches
            if match.tier in ("exact", "pixel") and member in (match.query, match.ref)
        }
        for other in members:
            if other == member or other not in self._protected:
                continue
            if images[other].sha256 == images[member].sha256 or other in pixel:
                return other
        return ""

    def _loses_transparency(self, image: str, keeper: str) -> bool:
        """Whether an image with transparent parts has a keeper that was laid over a colour."""
        images = self._report.images
        return images[image].transparent and not images[keeper].transparent

    def _apart(self, image: str, keeper: str) -> bool:
        return self._folders.get(image) != self._folders.get(keeper)
