"""Settings of a whole run: what every kind needs, and lookalike's own cascade."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

from lookalike.config.reading import ReadConfig
from lookalike.config.stages import (
    ClusterConfig,
    DecodeConfig,
    EmbeddingConfig,
    HashConfig,
    InsideConfig,
    KeepConfig,
    LocalConfig,
    SettleConfig,
    VerifyConfig,
)
from lookalike.model.errors import ConfigError

__all__ = ["EFFORTS", "Effort", "FindConfig", "RunConfig"]

Effort = Literal["fast", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = ("fast", "standard", "thorough")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What every kind of run needs.

    Attributes:
        recipe: name under which these settings were asked for; empty for none.
        read: how files are read, and how large they may be.
        threads: images worked on at once; the answer does not depend on it.
        batch: images remembered in one step of the collection; nor on this.
    """

    recipe: str = ""
    read: ReadConfig = field(default_factory=ReadConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    hashes: HashConfig = field(default_factory=HashConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    batch: int = 1024

    @property
    def verifies(self) -> bool:
        """Whether pixels decide, or descriptors alone."""
        return False

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which keypoints are looked for, of ``keypoints.KINDS``, the cheaper first."""
        return ()

    def __post_init__(self) -> None:
        if self.threads < 1 or self.batch < 1:
            raise ConfigError(
                "threads and batch must be positive", got=f"{self.threads} and {self.batch}"
            )


@dataclass(frozen=True, slots=True)
class FindConfig(RunConfig):
    """Every setting of lookalike's own cascade.

    Attributes:
        effort: ``fast`` compares bytes, pixels and hashes; ``standard`` also looks for pairs that
            share ORB keypoints, and lets the aligned pixels decide; ``thorough`` then does so with
            SIFT keypoints for what is still alone.
        precision: expected share of true pairs among copies, .5..1: the least certain are left
            out until it holds; None leaves none out.
    """

    effort: Effort = "standard"
    precision: float | None = None
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    local: LocalConfig = field(default_factory=LocalConfig)
    verify: VerifyConfig = field(default_factory=VerifyConfig)
    settle: SettleConfig = field(default_factory=SettleConfig)
    inside: InsideConfig = field(default_factory=InsideConfig)

    @property
    def verifies(self) -> bool:
        """Whether pixels decide: always."""
        return True

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which keypoints are looked for, of ``keypoints.KINDS``, the cheaper first."""
        return {"fast": (), "standard": ("orb",), "thorough": ("orb", "sift")}[self.effort]

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        if self.effort not in EFFORTS:
            raise ConfigError(
                "unknown effort", got=repr(self.effort), expected=f"one of {', '.join(EFFORTS)}"
            )
        if not 0.5 <= (1.0 if self.precision is None else self.precision) <= 1.0:
            raise ConfigError("no such precision", got=str(self.precision), expected="from .5 to 1")
        if self.precision is not None and self.cluster.similar:
            raise ConfigError("precision and similar: nothing tells how certain other shots are")
        if self.cluster.linkage == "ward":
            raise ConfigError(
                "ward needs distances, the cascade gives verified matches",
                expected="linkage star, complete, average or single",
            )
