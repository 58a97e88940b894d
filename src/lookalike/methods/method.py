"""Define what a way to find must do, and choose the one that settings ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lookalike.config import FindConfig, RunConfig, SystemConfig
from lookalike.ingest.describe import Describer
from lookalike.matching.match_graph import Found
from lookalike.methods.cascade import Cascade
from lookalike.methods.published import PublishedSystem
from lookalike.model.match import Containment
from lookalike.model.protocols import Descriptor

__all__ = ["Method", "method_of"]


class Method(Protocol):
    """A way to find which images are the same picture, and which are nearest to one."""

    @property
    def ranking(self) -> SystemConfig:
        """Descriptors and distances by which it ranks images."""
        ...

    @property
    def judging(self) -> FindConfig:
        """Settings that say of a ranked image how it is related."""
        ...

    @property
    def versions(self) -> dict[str, str]:
        """What its answers depend on beside settings and descriptors."""
        ...

    @property
    def limits(self) -> str:
        """Digest of the numbers by which it decides, but for those that users set."""
        ...

    @property
    def regions(self) -> str:
        """What proposes regions of larger pictures; empty where nothing is looked for inside."""
        ...

    def descriptors(self) -> tuple[Descriptor, ...]:
        """Load what it describes pictures by, beyond hashes and keypoints.

        Raises:
            ConfigError: settings that cannot work.
            ModelError: weights that are not here.
        """
        ...

    def find(self, describer: Describer, descriptors: Sequence[Descriptor]) -> Found:
        """Find pairs and clusters.

        Args:
            describer: of the contents.
            descriptors: as ``descriptors`` gave them.
        """
        ...

    def contained(
        self, describer: Describer, found: Found
    ) -> tuple[tuple[Containment, ...], dict[str, int]]:
        """Find pictures inside larger ones; and counts for the funnel. Only with ``regions``."""
        ...


def method_of(config: RunConfig) -> Method:
    """Choose the way to find that settings ask for."""
    if isinstance(config, SystemConfig):
        return PublishedSystem(config)
    assert isinstance(config, FindConfig)
    return Cascade(config)
