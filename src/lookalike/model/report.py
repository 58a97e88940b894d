"""Records of a run's answer: clusters, decisions, failures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lookalike.model.files import Failure, Returned
from lookalike.model.image import ImageRef
from lookalike.model.match import Containment, Match

__all__ = ["Cluster", "Decision", "Report"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Two or more images that are the same picture.

    Attributes:
        id: digest of the members' ids, independent of their order.
        members: image ids, sorted.
        center: the member that matches every other one (star), else the medoid.
        matches: the accepted pairs among the members, sorted.
        linkage: name of the linkage.
        diameter: largest distance among ``matches``.
    """

    id: str
    members: tuple[str, ...]
    center: str
    matches: tuple[Match, ...]
    linkage: str
    diameter: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one image of a cluster.

    Attributes:
        image: image id.
        action: ``keep`` or ``drop``.
        keeper: id of the image that stays.
        reason: why, in words.
        by: ``rule`` or ``person``.
    """

    image: str
    action: Literal["keep", "drop"]
    keeper: str
    reason: str
    by: Literal["rule", "person"] = "rule"


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of one run.

    Attributes:
        schema: version of this record's JSON form.
        config: the settings, as plain values.
        versions: of lookalike and of every descriptor used.
        images: every readable image, by id.
        funnel: counts by stage, in order, so that nothing vanishes unexplained.
        clusters: disjoint, sorted by id of the first member.
        matches: accepted pairs, sorted. With star linkage, of more than 16 whole-frame copies of
            one picture only the pairs with their centre are listed; other linkages list all.
        decisions: one for every member of every cluster.
        failures: what could not be read, sorted by path.
        timings: seconds by stage, and ``images_per_second``.
        containments: pictures inside larger ones, sorted, if that was asked for.
        returned: images that were dropped before, sorted by id.
    """

    schema: str
    config: Mapping[str, Any]
    versions: Mapping[str, str]
    images: Mapping[str, ImageRef]
    funnel: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    matches: tuple[Match, ...]
    decisions: tuple[Decision, ...]
    failures: tuple[Failure, ...]
    timings: Mapping[str, float] = field(default_factory=dict)
    containments: tuple[Containment, ...] = ()
    returned: tuple[Returned, ...] = ()

    @property
    def expected_false_pairs(self) -> float:
        """Expected number of wrong ``matches``: the sum of one minus their confidence.

        Matches without a confidence do not count.
        """
        doubts = (1.0 - m.confidence for m in self.matches if m.confidence is not None)
        return round(math.fsum(doubts), 4)

    def keeper_of(self, cluster: Cluster) -> str:
        """The id of the image that stays in ``cluster``."""
        for decision in self.decisions:
            if decision.image in cluster.members:
                return decision.keeper
        raise KeyError(cluster.id)
