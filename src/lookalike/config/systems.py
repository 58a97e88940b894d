"""Settings of a published system: its descriptors, distances and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lookalike.config.find import RunConfig
from lookalike.model.errors import ConfigError

__all__ = ["SystemConfig", "ViewConfig"]


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """One descriptor of a published system, and when it calls two images near.

    Attributes:
        descriptor: name in the registry, path of an ONNX file, or either with ``#BITS`` or
            ``#BITS.SEED`` for hyperplane bits of it.
        metric: key of ``distances.METRICS``; empty for the descriptor's own.
        max_distance: in the metric's unit, inclusive.
        p: exponent of ``minkowski``.
        scale: ``none``, ``standard`` or ``unit``, before the projection.
        components: principal components to keep, at most as many as images and values; 0 for no
            projection, ``images`` for as many as there are images.
    """

    descriptor: str
    max_distance: float
    metric: str = ""
    p: float = 3.0
    scale: Literal["none", "standard", "unit"] = "none"
    components: int | Literal["images"] = 0


@dataclass(frozen=True, slots=True)
class SystemConfig(RunConfig):
    """A published system: descriptors and distances decide, nothing is verified.

    Attributes:
        views: two images are near where every view calls them near.
        turns: 1, or 8 to compare every image in its 8 orientations.
        neighbours: only pairs among this many nearest of either image; 0 for all.
        cells: k-means cells of the first view to search in; 0 searches everywhere.
        probes: cells looked into for every image.
        metrics: distances that vote on the first view; empty for no vote.
        ballot: nearest images that every metric votes for; a pair needs more than half the votes.
    """

    views: tuple[ViewConfig, ...] = ()
    turns: Literal[1, 8] = 1
    neighbours: int = 0
    cells: int = 0
    probes: int = 8
    metrics: tuple[str, ...] = ()
    ballot: int = 5

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        if not self.views:
            raise ConfigError("a system needs a descriptor", expected="one or more views")
        if self.turns not in (1, 8):
            raise ConfigError("unknown number of turns", got=str(self.turns), expected="1 or 8")
        if min(self.neighbours, self.cells) < 0 or self.probes < 1 or self.ballot < 1:
            raise ConfigError(
                "a count is out of range",
                got=f"neighbours {self.neighbours}, cells {self.cells}, probes {self.probes}, "
                f"ballot {self.ballot}",
                expected="neighbours and cells from 0, probes and ballot from 1",
            )
        if self.cluster.linkage == "ward" and (
            len(self.views) > 1 or self.views[0].metric != "euclidean"
        ):
            raise ConfigError(
                "ward is defined for Euclidean distances of one descriptor",
                got=", ".join(f"{v.descriptor} {v.metric}" for v in self.views),
                expected='one view with metric = "euclidean"',
            )
