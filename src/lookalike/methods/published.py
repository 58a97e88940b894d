"""Published systems: descriptors and distances decide, nothing is verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.config import FindConfig, SystemConfig
from lookalike.ingest.describe import Describer
from lookalike.matching.match_graph import Found
from lookalike.model.match import Containment
from lookalike.model.protocols import Descriptor
from lookalike.systems.run import find_in_space
from lookalike.systems.space import fit_space, load_views

__all__ = ["PublishedSystem"]


@dataclass(frozen=True, slots=True)
class PublishedSystem:
    """Finds by descriptors and distances alone; implements ``Method``.

    Attributes:
        config: its settings.
    """

    config: SystemConfig

    @property
    def ranking(self) -> SystemConfig:
        """Rank as the system does."""
        return self.config

    @property
    def judging(self) -> FindConfig:
        """Judge ranked images by the cascade's defaults."""
        return FindConfig(threads=self.config.threads, read=self.config.read)

    @property
    def versions(self) -> dict[str, str]:
        """Nothing beside settings and descriptors."""
        return {}

    @property
    def limits(self) -> str:
        """Nothing: a recipe says all of its numbers."""
        return ""

    @property
    def regions(self) -> str:
        """Nothing: no published system places pictures in others."""
        return ""

    def descriptors(self) -> tuple[Descriptor, ...]:
        """Load the descriptor of every view."""
        return load_views(self.config)

    def find(self, describer: Describer, descriptors: Sequence[Descriptor]) -> Found:
        """Find pairs within the distances of every view, and their clusters."""
        shas = [sha for sha, image in describer.images.items() if not image.low_information]
        space = fit_space(self.config, descriptors, shas, describer.collection, describer.embed)
        return find_in_space(space, self.config, describer.images)

    def contained(
        self, describer: Describer, found: Found
    ) -> tuple[tuple[Containment, ...], dict[str, int]]:
        """Find nothing."""
        return (), {}
