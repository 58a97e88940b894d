"""The clusters that are under review, and the decisions about them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from lookalike.decisions.choices import Parts, Reviewed, with_choices
from lookalike.model.image import ImageRef
from lookalike.model.legible import legible as shown
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Report
from lookalike.report.as_text import edit_towards, headline, tie_to_keeper
from lookalike.store.decisions import Change, Decisions
from lookalike.verification.confidence import weakest_tie

__all__ = ["Desk", "as_numbers", "confidence_of", "kinds_of", "shown"]

_TIERS = ("exact", "pixel", "copy", "similar")
_KIND = re.compile(r"^[^\d]*?(?= (?:to|by|was|is) |\s*\d|$)")


class Desk:
    """The clusters of one report by number, as they stand now.

    Pictures and clusters are named by their numbers in the report, contents by SHA-256; nothing
    is named by a path.

    Args:
        report: as rules decided it.
        decisions: where a person's decisions are kept.
    """

    def __init__(self, report: Report, decisions: Decisions) -> None:
        self.report = report
        self.decisions = decisions
        self.images: Sequence[ImageRef] = list(report.images.values())
        self.number = {image.id: n for n, image in enumerate(self.images)}
        self.clusters: Sequence[Cluster] = report.clusters
        self._seen = decisions.choices
        self._reviewed = Reviewed(report, self._seen)
        self._freed, self._states = [0] * len(self.clusters), [0] * len(self.clusters)
        self._sure: list[float | None] = [None] * len(self.clusters)
        self._look_at(range(len(self.clusters)))
        #: numbers of the clusters that hold a content, by its SHA-256
        self._homes: dict[str, list[int]] = defaultdict(list)
        for number, cluster in enumerate(self.clusters):
            for member in cluster.members:
                self._homes[report.images[member].sha256].append(number)
        #: the columns that decisions do not change, one entry a cluster
        self.fixed = self._columns()

    @property
    def reviewed(self) -> Reviewed:
        """The report's clusters with all decisions, also those of other processes."""
        self._catch_up()
        return self._reviewed

    def change(self, change: Change) -> None:
        """Record a change; call it inside ``decisions.writing``."""
        self._catch_up()
        self.decisions.change(change)
        self._made(change)

    def undo(self, step: int) -> Change | None:
        """Undo the last step if it is this one; call it inside ``decisions.writing``."""
        self._catch_up()
        taken = self.decisions.undo(step)
        if taken is not None:
            self._made(taken)
        return taken

    def _catch_up(self) -> None:
        choices = self.decisions.choices
        if choices is not self._seen:
            self._seen = choices
            self._reviewed.see(choices)
            self._look_at(range(len(self.clusters)))

    def _made(self, change: Change) -> None:
        """Update the clusters that our own change concerns; no others have changed."""
        self._seen = self.decisions.choices
        self._reviewed.see(self._seen, change)
        shas = {sha for sha, _ in change.marks}.union(*change.apart)
        self._look_at(sorted({n for sha in shas for n in self._homes.get(sha, ())}))

    def _look_at(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            cluster = self.clusters[number]
            parts = self._reviewed.parts(cluster)
            self._freed[number] = self._freed_by(parts)
            self._sure[number] = _sure(parts)
            self._states[number] = self._state(cluster, parts)

    def decided(self, report: Report) -> Report:
        """Apply all decisions so far to a report, ours or a part of it."""
        return with_choices(report, self.decisions.choices)

    # the list

    def _columns(self) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        folders: dict[str, int] = {}
        columns: dict[str, list[Any]] = {name: [] for name in ("tier", "edits", "size", "folders")}
        for cluster in self.clusters:
            found = {kind for match in cluster.matches for kind in kinds_of(match.edit)}
            where = {member.rpartition("/")[0] or "." for member in cluster.members}
            columns["tier"].append(max(_TIERS.index(m.tier) for m in cluster.matches))
            columns["edits"].append(sorted(kinds.setdefault(kind, len(kinds)) for kind in found))
            columns["size"].append(len(cluster.members))
            columns["folders"].append(
                sorted(folders.setdefault(shown(path), len(folders)) for path in where)
            )
        return {
            "tiers": _TIERS,
            "kinds": list(kinds),
            "folder_names": list(folders),
            "headline": headline(self.report),
            **columns,
        }

    def index(self) -> dict[str, Any]:
        """List everything that clusters are filtered and sorted by, as columns."""
        self._catch_up()
        columns = {"bytes": self._freed, "state": self._states, "confidence": self._sure}
        return {**self.fixed, **columns, **self.standing()}

    def standing(self) -> dict[str, Any]:
        """Say what undo would take back, and the edition of the decisions."""
        last = self.decisions.last
        undo = {"step": last.number, "words": last.words} if last else None
        return {"edition": self.decisions.edition, "undo": undo}

    def rows(self, numbers: Iterable[int]) -> list[dict[str, Any]]:
        """List what the page shows of some clusters in its list."""
        return [self._row(number) for number in numbers]

    def _row(self, number: int) -> dict[str, Any]:
        cluster = self.clusters[number]
        parts = self.reviewed.parts(cluster)
        keeper = parts.decisions[0].keeper if parts.decisions else cluster.members[0]
        others = [member for member in cluster.members if member != keeper]
        tie = tie_to_keeper(cluster, others[0], keeper) if others else None
        return {
            "number": number,
            "name": shown(keeper.rpartition("/")[2]),
            "folder": shown(keeper.rpartition("/")[0] or "."),
            "contents": [self.report.images[m].sha256 for m in (keeper, *others[:2])],
            "edit": edit_towards(self.report, tie, others[0], keeper) if tie else "",
            "bytes": self._freed[number],
            "state": self._states[number],
            "confidence": self._sure[number],
        }

    def is_decided(self, number: int) -> bool:
        """Whether every picture of a cluster was decided."""
        return self._states[number] == 1

    def is_sure(self, number: int, least: float) -> bool:
        """Whether every member matches its keeper with this confidence at least."""
        sure = self._sure[number]
        return sure is not None and sure >= least

    # one cluster

    def version(self, number: int) -> str:
        """A digest of the decisions about this cluster, which changes when they do."""
        cluster = self.clusters[number]
        reviewed = self.reviewed
        shas = {self.report.images[member].sha256 for member in cluster.members}
        apart = reviewed.apart(sorted(shas))
        marks = [reviewed.mark(member) for member in cluster.members]
        told = [marks, sorted((a, *sorted(some)) for a, some in apart.items())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]

    def cluster(self, number: int) -> dict[str, Any]:
        """List what the page shows of one cluster: parts, keepers first, then single pictures."""
        cluster = self.clusters[number]
        parts = self.reviewed.parts(cluster)
        by_image = {decision.image: decision for decision in parts.decisions}
        members = []
        for place, part in enumerate(parts.clusters):
            keeper = by_image[part.members[0]].keeper
            ordered = sorted(part.members, key=lambda m: (m != keeper, m))
            for member in ordered:
                card = self._card(member)
                decision = by_image[member]
                tie = None if member == keeper else tie_to_keeper(part, member, keeper)
                card |= {
                    "part": place,
                    "action": "keeper" if member == keeper else decision.action,
                    "by": decision.by,
                    "reason": shown(decision.reason),
                    "tie": self._tie(tie, member, keeper) if tie else None,
                }
                members.append(card)
        members += [
            {
                **self._card(member),
                "part": -1,
                "action": "apart",
                "by": "person",
                "tie": None,
                "reason": "not the same picture as the others",
            }
            for member in parts.alone
        ]
        row = self._row(number)
        return {
            **row,
            "version": self.version(number),
            "members": members,
            "linkage": cluster.linkage,
        }

    def _card(self, member: str) -> dict[str, Any]:
        image = self.report.images[member]
        folder, _, name = member.rpartition("/")
        return {
            "picture": self.number[member],
            "sha256": image.sha256,
            "name": shown(name),
            "folder": shown(folder or "."),
            "path": shown(image.shown),
            "type": image.format,
            "width": image.width,
            "height": image.height,
            "bytes": image.n_bytes,
            "modified": _date(image.modified_ns),
            "lossless": image.lossless,
            "damage": shown(image.damage),
            "marked": self.reviewed.mark(member),
        }

    def _tie(self, match: Match, member: str, keeper: str) -> dict[str, Any]:
        other = match.query if match.ref == member else match.ref
        return {
            "tier": match.tier,
            "edit": shown(edit_towards(self.report, match, member, keeper)),
            "with": self.number[other],
            "confidence": confidence_of(match),
        }

    def _freed_by(self, parts: Parts) -> int:
        images = self.report.images
        return sum(images[d.image].n_bytes for d in parts.decisions if d.action == "drop")

    def _state(self, cluster: Cluster, parts: Parts) -> int:
        """0 open, 1 decided, 2 decided in part."""
        if not parts.clusters:
            return 1
        alone, mark = set(parts.alone), self._reviewed.mark
        done = [m in alone or mark(m) is not None for m in cluster.members]
        return 1 if all(done) else 2 if any(done) else 0


def confidence_of(match: Match) -> float | None:
    """The confidence of a match, 0..1, 1 for equal bytes or pixels; None where unknown."""
    return 1.0 if match.tier in ("exact", "pixel") else match.confidence


@lru_cache(maxsize=4096)
def kinds_of(edit: str) -> frozenset[str]:
    """Name the edits of a match without their amounts: ``cropped to 77%`` is ``cropped``."""
    words = {found.group().strip() for part in edit.split(", ") if (found := _KIND.match(part))}
    aside = ("picture", "which", "it")
    return frozenset(word for word in words if word and word.split()[0] not in aside)


def _sure(parts: Parts) -> float | None:
    """The confidence of the weakest tie of a member to its keeper; None where one is unknown."""
    keepers = {decision.image: decision.keeper for decision in parts.decisions}
    ties = [weakest_tie(part, keepers[part.members[0]]) for part in parts.clusters]
    told = [tie for tie in ties if tie is not None]
    return min(told) if told and len(told) == len(ties) else None


def _date(modified_ns: int) -> str:
    return datetime.fromtimestamp(modified_ns / 1e9).strftime("%Y-%m-%d %H:%M")


def as_numbers(values: Any, limit: int) -> list[int]:
    """Check that a value from a page is a list of numbers, each below ``limit``.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(values, list) or not all(type(v) is int and 0 <= v < limit for v in values):
        raise ValueError(f"expected a list of numbers below {limit}")
    return values
