"""One frozen record per stage: the only place with defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lookalike.errors import ConfigError
from lookalike.plan_config import PlanConfig

__all__ = [
    "EFFORTS",
    "LINKAGES",
    "TRAINING",
    "ClusterConfig",
    "DecodeConfig",
    "Effort",
    "EmbeddingConfig",
    "FindConfig",
    "HashConfig",
    "KeepConfig",
    "LocalConfig",
    "PlanConfig",
    "RunConfig",
    "SettleConfig",
    "SystemConfig",
    "TrainConfig",
    "TrainKind",
    "TrainStart",
    "VerifyConfig",
    "ViewConfig",
]

Effort = Literal["fast", "standard", "thorough"]
Linkage = Literal["star", "complete", "average", "single", "ward"]
TrainKind = Literal["copy", "rotation", "vae"]
TrainStart = Literal["imagenet", "random"]
EFFORTS: tuple[Effort, ...] = ("fast", "standard", "thorough")
LINKAGES: tuple[Linkage, ...] = ("star", "complete", "average", "single", "ward")


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """How pixels are read.

    Attributes:
        min_side: the short side of a reduced image is at least this many pixels (where the
            image has them); JPEGs are reduced by powers of two while decoding.
        max_pixels: an image whose header claims more is refused before any decoder runs.
    """

    min_side: int = 112
    max_pixels: int = 300_000_000


@dataclass(frozen=True, slots=True)
class HashConfig:
    """When two PDQ hashes make a candidate; thumbs then decide.

    Attributes:
        max_distance: differing bits of 256, inclusive; Meta calls 31 a match, and thumbs are
            strict enough to look further.
        min_quality: PDQ's gradient measure, 0..100, under which an image has too little
            information to match by anything but its bytes.
    """

    max_distance: int = 48
    min_quality: int = 20


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """Which network, on which engine, and which distances make a candidate.

    Attributes:
        model: name in the registry or path of an ONNX file.
        engine: ``onnxruntime`` or ``openvino``.
        max_distance: cosine distance up to which a pair is a candidate, inclusive.
        max_neighbours: near images per image at most, the closest first.
        proposes: whether near pairs are verified too; keypoints find more, and sooner.
        similar_distance: cosine distance up to which a pair that shows no common pixels counts as
            ``similar``, where the user asks for such pairs.
    """

    model: str = "efficientnet-lite0-multi"
    engine: Literal["onnxruntime", "openvino"] = "onnxruntime"
    max_distance: float = 0.8
    max_neighbours: int = 16
    proposes: bool = False
    similar_distance: float = 0.35


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """Which pairs that share keypoints become candidates.

    Attributes:
        tables: random substrings of the keypoints' bits that are compared.
        least_substring: bits in one at least; as many more as keep chance meetings rare.
        largest_group: keypoints of one substring that still vote.
        max_neighbours: candidates per image at most, those with most votes first.
        min_votes: keypoints that must meet in one pose.
        every_pair: images up to which every pair is a candidate.
    """

    tables: int = 8
    least_substring: int = 22
    largest_group: int = 24
    max_neighbours: int = 20
    min_votes: int = 3
    every_pair: int = 8


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """What a copy must show.

    Attributes:
        min_inliers: correspondences at different places that one transform explains.
        min_agreement: share of the textured blocks, after alignment, that correlate.
        min_blocks: number of such blocks.
        min_covered: share of one picture's texture that the other shows.
        min_overlap: share of the smaller picture, after alignment, that both show: two strangers
            under one caption share only the caption, before one wall only the wall.
        min_thumb_agreement: the same share for whole frames compared as 32×32 thumbs.
        min_thumb_correlation: mean correlation of the thumbs' blocks.
    """

    min_inliers: int = 5
    min_agreement: float = 0.25
    min_blocks: int = 24
    min_covered: float = 0.3
    min_overlap: float = 0.7
    min_thumb_agreement: float = 0.9
    min_thumb_correlation: float = 0.85


@dataclass(frozen=True, slots=True)
class SettleConfig:
    """Which verified matches count by themselves, and which only together with others.

    Attributes:
        strong_agreement: from this share on a match of whole frames counts by itself; below, it
            can only tie an image without other matches to one cluster.
        moved_agreement: likewise for a match of a part.
        within_agreement: likewise where one picture lies in the other whole and much supports it:
            a picture photographed again, with glare on it and other things around it.
        strong_inliers: inliers of a match that counts by itself.
        strong_support: likewise inliers per keypoint: a wall of bricks fits another in some.
        most_fruitless: verifications that did not join an image, after which it is only compared
            with images that have had fewer.
        weak_weight: inliers × agreement (twice where the frames coincide) of a match that does not
            count by itself.
        copy_agreement: from this agreement on a pair is a copy,
        firm_likeness: if what agrees is at least so alike;
        copy_likeness: below ``copy_agreement`` it must be so alike, or it is another shot;
        within_likeness: likewise where one picture lies in the other whole.
    """

    strong_agreement: float = 0.9
    moved_agreement: float = 0.75
    within_agreement: float = 0.65
    strong_inliers: int = 6
    strong_support: float = 0.1
    most_fruitless: int = 5
    weak_weight: float = 6.0
    copy_agreement: float = 0.8
    firm_likeness: float = 0.85
    copy_likeness: float = 0.88
    within_likeness: float = 0.83


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """How matches become clusters.

    Attributes:
        linkage: ``star`` (every member matches the centre), ``complete`` (every pair
            matches), ``average`` (pairs match on average), ``single`` (chains allowed), ``ward``
            (least variance; only for one Euclidean descriptor).
        similar: whether matches of tier ``similar`` join clusters too.
    """

    linkage: Linkage = "star"
    similar: bool = False

    def __post_init__(self) -> None:
        if self.linkage not in LINKAGES:
            raise ConfigError(
                "unknown linkage", got=repr(self.linkage), expected=f"one of {', '.join(LINKAGES)}"
            )


@dataclass(frozen=True, slots=True)
class KeepConfig:
    """Which image of a cluster stays: the first rule that tells two apart decides."""

    rules: tuple[str, ...] = (
        "unpadded",
        "resolution",
        "lossless",
        "size",
        "exif",
        "sharpness",
        "oldest",
        "path",
    )


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What every kind of run needs.

    Attributes:
        recipe: name under which these settings were asked for; empty for none.
        threads: images worked on at once; the answer does not depend on it.
        batch: images remembered in one step of the collection; nor on this.
    """

    recipe: str = ""
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    hashes: HashConfig = field(default_factory=HashConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    batch: int = 1024

    def __post_init__(self) -> None:
        if self.threads < 1 or self.batch < 1:
            raise ConfigError(
                "threads and batch must be positive", got=f"{self.threads} and {self.batch}"
            )


@dataclass(frozen=True, slots=True)
class FindConfig(RunConfig):
    """Every setting of lookalike's own cascade.

    Attributes:
        effort: ``fast`` compares bytes, pixels and hashes; ``standard`` also an embedding, and
            verifies by keypoints what descriptors alone do not decide; ``thorough`` also looks
            for pairs that share keypoints.
    """

    effort: Effort = "standard"
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    local: LocalConfig = field(default_factory=LocalConfig)
    verify: VerifyConfig = field(default_factory=VerifyConfig)
    settle: SettleConfig = field(default_factory=SettleConfig)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which keypoints, of ``keypoints.KINDS``, the cheaper first."""
        return {"fast": (), "standard": ("orb",), "thorough": ("orb", "sift")}[self.effort]

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        if self.effort not in EFFORTS:
            raise ConfigError(
                "unknown effort", got=repr(self.effort), expected=f"one of {', '.join(EFFORTS)}"
            )
        if self.cluster.linkage == "ward":
            raise ConfigError(
                "ward needs distances, the cascade gives verified matches",
                expected="linkage star, complete, average or single",
            )


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


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a network is trained; its ``kind`` decides what the other defaults are.

    Attributes:
        kind: ``copy``, ``rotation`` or ``vae``.
        epochs: passes over the pictures; 0 exports the start as it is.
        batch: pictures in a step.
        side: pixels of the square that training sees.
        graph_side: pixels of the square that the finished graph takes.
        rate: largest learning rate of the network.
        start: ``imagenet`` for the published weights, ``random``.
        seed: of everything random.
        threads: processors to use.
        frozen: blocks of EfficientNet-Lite0, from the first, that are left as they are.
    """

    kind: TrainKind
    epochs: int
    batch: int
    side: int
    graph_side: int
    rate: float
    start: TrainStart = "random"
    seed: int = 0
    threads: int = 1
    frozen: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch - 2, self.threads - 1, self.seed) < 0:
            raise ConfigError(
                "a count is out of range",
                got=f"epochs {self.epochs}, batch {self.batch}, threads {self.threads}, "
                f"seed {self.seed}",
                expected="epochs and seed from 0, threads from 1, batch from 2",
            )
        for side in (self.side, self.graph_side):
            if side < 32 or side % 32:
                raise ConfigError(
                    "no network takes pictures of this side",
                    got=str(side),
                    expected="a multiple of 32 from 32",
                )
        if self.kind == "vae" and (self.start, self.graph_side) != ("random", self.side):
            raise ConfigError(
                "a VAE starts at random and describes pictures of the side it learnt on",
                got=f"start {self.start}, side {self.side}, graph side {self.graph_side}",
            )


TRAINING: Mapping[TrainKind, TrainConfig] = {
    "copy": TrainConfig("copy", 11, 48, 160, 192, 2e-4, "imagenet", frozen=5),
    "rotation": TrainConfig("rotation", 6, 64, 96, 224, 1e-3),
    "vae": TrainConfig("vae", 20, 64, 64, 64, 1e-3),
}
