"""Define what a way to find must do, and choose the one that settings ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lookalike.config.find import FindConfig, RunConfig, SystemConfig
from lookalike.ingest.describe import Describer
from lookalike.matching.match_graph import Found
from lookalike.methods.cascade import Cascade
from lookalike.methods.published import PublishedSystem
from lookalike.model.image import ImageRef
from lookalike.model.match import Containment
from lookalike.model.protocols import Descriptor
from lookalike.runtime.progress import Progress
from lookalike.store import Collection

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

    def find(
        self,
        images: Mapping[str, ImageRef],
        describer: Describer,
        collection: Collection,
        descriptors: Sequence[Descriptor],
        progress: Progress,
    ) -> Found:
        """Find pairs and clusters.

        Args:
            images: one a content, by SHA-256.
            describer: describes them.
            collection: remembers what was computed.
            descriptors: as ``descriptors`` gave them.
            progress: called with (stage, done, total).
        """
        ...

    def contained(
        self,
        images: Mapping[str, ImageRef],
        found: Found,
        describer: Describer,
        collection: Collection,
        progress: Progress,
    ) -> tuple[tuple[Containment, ...], dict[str, int]]:
        """Find pictures inside larger ones; and counts for the funnel. Only with ``regions``."""
        ...


def method_of(config: RunConfig) -> Method:
    """Choose the way to find that settings ask for."""
    if isinstance(config, SystemConfig):
        return PublishedSystem(config)
    assert isinstance(config, FindConfig)
    return Cascade(config)
