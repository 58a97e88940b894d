"""Our own cascade: hashes, keypoints and pixels decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.config import FindConfig, SystemConfig, ViewConfig
from lookalike.containment.find import Inside, contain, one_per_frame, told_by
from lookalike.containment.limits import INSETS, REGIONS
from lookalike.containment.regions import load_regions
from lookalike.decisions.limits import KEEPER
from lookalike.descriptors import load_embedding
from lookalike.descriptors.limits import CORNERS, KEYPOINTS, THUMB_CELLS
from lookalike.index.limits import VOTES
from lookalike.ingest.describe import Describer
from lookalike.matching.cascade import find_pairs
from lookalike.matching.limits import CASCADE
from lookalike.matching.local_candidates import CollectionStages
from lookalike.matching.match_graph import Found
from lookalike.model.limits import version_of
from lookalike.model.match import Containment
from lookalike.model.protocols import Descriptor
from lookalike.verification.confidence import calibration
from lookalike.verification.limits import CERTAINTY, PLAIN, THUMBS
from lookalike.verification.verify import LIMITS as VERIFIED_BY

__all__ = ["LIMITS", "Cascade"]

#: every number by which the cascade decides, but for those that users set
LIMITS = (
    *(CASCADE, CERTAINTY, CORNERS, INSETS, KEEPER, KEYPOINTS, PLAIN, REGIONS, THUMBS, THUMB_CELLS),
    VOTES,
    *VERIFIED_BY,
)


@dataclass(frozen=True, slots=True)
class Cascade:
    """Finds by hashes, keypoints and pixels; implements ``Method``.

    Attributes:
        config: its settings.
    """

    config: FindConfig

    @property
    def ranking(self) -> SystemConfig:
        """Rank by the embedding, or by PDQ where the effort uses none."""
        config = self.config
        if config.effort == "fast":
            view = ViewConfig("pdq", max_distance=config.hashes.max_distance)
        else:
            view = ViewConfig(config.embedding.model, config.embedding.max_distance)
        return SystemConfig(
            views=(view,),
            turns=8 if config.effort == "fast" else 1,
            decode=config.decode,
            threads=config.threads,
        )

    @property
    def judging(self) -> FindConfig:
        """Judge ranked images by the cascade's own settings."""
        return self.config

    @property
    def versions(self) -> dict[str, str]:
        """How certain matches are depends on a fit."""
        return {"confidence": calibration().version}

    @property
    def limits(self) -> str:
        """Digest of ``LIMITS``."""
        return version_of("cascade", *LIMITS)

    @property
    def regions(self) -> str:
        """What proposes regions of larger pictures; a detector by its content."""
        if not self.config.inside.wanted:
            return ""
        return load_regions(self.config.inside.regions, self.config.embedding.engine).name

    def descriptors(self) -> tuple[Descriptor, ...]:
        """Load the network, where pairs are proposed or called similar by it."""
        config = self.config
        if config.effort == "fast" or not (config.embedding.proposes or config.cluster.similar):
            return ()
        network = config.embedding
        return (load_embedding(network.model, network.engine, threads=config.threads),)

    def find(self, describer: Describer, descriptors: Sequence[Descriptor]) -> Found:
        """Propose, verify and judge pairs, and cluster what matches."""
        network = descriptors[0] if descriptors else None
        stages = CollectionStages(describer, self.config)
        return find_pairs(list(describer.images.values()), stages, self.config, network=network)

    def contained(
        self, describer: Describer, found: Found
    ) -> tuple[tuple[Containment, ...], dict[str, int]]:
        """Find pictures inside larger ones; and counts for the funnel."""
        images = describer.images
        telling = {sha: image for sha, image in images.items() if not image.low_information}
        inside = Inside(describer, self.config)
        seen, counts = inside.among(one_per_frame(telling, found.matches))
        seen = told_by(found.matches, images, self.config.inside) | seen
        held = [contain(images[small], images[large], v) for (small, large), v in seen.items()]
        held.sort(key=lambda item: (item.large, item.small))
        return tuple(held), {**counts, "containments": len(held)}
