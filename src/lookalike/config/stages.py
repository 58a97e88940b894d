"""Settings of the stages: one frozen record each, the only place with their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lookalike.model.errors import ConfigError

__all__ = [
    "LINKAGES",
    "ClusterConfig",
    "DecodeConfig",
    "EmbeddingConfig",
    "HashConfig",
    "InsideConfig",
    "KeepConfig",
    "LocalConfig",
    "SettleConfig",
    "VerifyConfig",
]

Linkage = Literal["star", "complete", "average", "single", "ward"]
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
    """When two PDQ hashes make a candidate, and when 32×32 thumbs of whole frames then agree.

    Decided in ADR 6, for faint pictures and frames in ADR 23. Shares and correlations are 0..1.

    Attributes:
        max_distance: differing bits of 256, inclusive; Meta calls 31 a match, thumbs are strict.
        min_telling: cells of 64 of a thumb that show something; with fewer a hash means nothing.
        min_agreement: share of the textured blocks that correlate.
        min_correlation: mean correlation of those blocks.
        min_block: correlation of every block that is textured in both; below, keypoints decide.
        mostly_shown: share of all cells, faint ones too, that agree; with fewer
        min_rest: what is not plainly the same must correlate so for every cell that does not agree:
            two plain pictures in one frame share the frame alone.
        min_shown: share of the cells that must agree in any case.
    """

    max_distance: int = 48
    min_telling: int = 6
    min_agreement: float = 0.9
    min_correlation: float = 0.85
    min_block: float = 0.4
    mostly_shown: float = 0.7
    min_rest: float = 0.5
    min_shown: float = 0.1


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """Which network, on which engine, and which distances make a candidate.

    Decided in ADR 14. Cosine distances are 0..2.

    Attributes:
        model: name in the registry or path of an ONNX file.
        engine: ``onnxruntime``, ``openvino`` or ``cuda``.
        max_distance: cosine distance up to which a pair is a candidate, inclusive.
        max_neighbours: near images per image at most, the closest first.
        proposes: whether near pairs are verified too; keypoints find more, and sooner.
        similar_distance: cosine distance up to which a pair that shows no common pixels counts as
            ``similar``, where the user asks for such pairs.
    """

    model: str = "copy-lite0"
    engine: Literal["onnxruntime", "openvino", "cuda"] = "onnxruntime"
    max_distance: float = 0.55
    max_neighbours: int = 16
    proposes: bool = False
    similar_distance: float = 0.25


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """Which pairs that share keypoints become candidates.

    Decided in ADR 9, against chance meetings in ADR 26.

    Attributes:
        tables: random substrings of the keypoints' bits that are compared.
        least_substring: bits in one at least; as many more as keep chance meetings rare.
        largest_group: keypoints of one substring that still vote.
        max_neighbours: candidates per image at most, those with most votes first.
        min_votes: keypoints that must meet in one pose.
        every_pair: images up to which every pair is a candidate.
        mirrored: whether keypoints of mirrored pictures vote too.
    """

    tables: int = 8
    least_substring: int = 22
    largest_group: int = 16
    max_neighbours: int = 12
    min_votes: int = 4
    every_pair: int = 8
    mirrored: bool = True


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """What a copy must show.

    Decided in ADR 10, for pictures with little texture in ADR 24. Shares are 0..1.

    Attributes:
        min_inliers: correspondences at different places that one transform explains,
        min_in_place: or that lie in the same place of both frames.
        min_agreement: share of the textured blocks, after alignment, that correlate.
        agreement_in_place: that share if many lie in place and ``covered_in_place`` agrees of one.
        min_blocks: number of such blocks.
        min_covered: share of one picture's texture that the other shows.
        min_overlap: share of the smaller picture, after alignment, that both show: two strangers
            under one caption share only the caption, before one wall only the wall.
    """

    min_inliers: int = 5
    min_in_place: int = 4
    min_agreement: float = 0.25
    agreement_in_place: float = 0.1
    covered_in_place: float = 0.4
    min_blocks: int = 24
    min_covered: float = 0.3
    min_overlap: float = 0.7


@dataclass(frozen=True, slots=True)
class SettleConfig:
    """Which verified matches count by themselves, and which only together with others.

    Decided in ADR 12. Shares, agreements and likenesses are 0..1.

    Attributes:
        copy_likeness: what agrees must be so alike, or the pair is another shot;
        within_likeness: likewise where one picture lies in the other whole.
        strong_agreement: from this share on a match of whole frames counts by itself.
        moved_agreement: likewise for frames that overlap, with
        moved_inliers: so many inliers: the squares of two boards overlap by some.
        within_agreement: likewise where one picture lies in the other whole.
        strong_support: inliers per keypoint of a match that counts by itself.
        most_moved: places of a part that moved by itself; with more, and more than
        moved_share: of the inliers, the pair is another shot.
        most_fruitless: verifications in vain, after which an image meets only others with fewer.
        part_agreement: agreement of a match of a part that does not count by itself.
        mostly_agreement: from this agreement on such a match needs
        weak_support: so many inliers per keypoint.
        alone_agreement: agreement of such a match between two images that nothing else matches.
        alone_weight: likewise inliers × agreement, where a picture is searched for.
        own_share: share of what such a match shows that other pictures do not show too.
        same_lack: two that lack so much of the same part of a third are pages of one template.
    """

    copy_likeness: float = 0.9
    within_likeness: float = 0.85
    strong_agreement: float = 0.9
    moved_agreement: float = 0.75
    moved_inliers: int = 9
    within_agreement: float = 0.65
    strong_support: float = 0.1
    most_moved: int = 3
    moved_share: float = 0.06
    most_fruitless: int = 3
    part_agreement: float = 0.65
    mostly_agreement: float = 0.6
    weak_support: float = 0.08
    alone_agreement: float = 0.8
    alone_weight: float = 6.0
    own_share: float = 0.5
    same_lack: float = 0.8


@dataclass(frozen=True, slots=True)
class InsideConfig:
    """Whether and how pictures are looked for inside larger ones.

    Decided in ADR 13. Shares are 0..1.

    Attributes:
        wanted: whether to look.
        regions: where larger pictures are looked at closely: ``whole``, ``grid``, ``rectangles``,
            or the path of an ONNX detector that proposes regions.
        tables: random substrings of the keypoints' bits that are compared.
        largest_group: keypoints of one substring that still vote.
        min_votes: keypoints that must meet in one pose.
        max_neighbours: candidates per image at most, those with most votes first.
        min_inliers: correspondences at different places that place a picture,
        min_confirmed: and those with the part alone, looked at again, that confirm it.
        min_support: these per keypoint, of the picture that has fewer: a checkerboard fits into
            another in some.
        min_agreement: share of the textured blocks, cut out and aligned, that correlate.
        min_likeness: mean correlation of those.
        min_blocks: number of those.
        min_overlap: share of the small picture's area that lies within the large one.
        max_share: share of the large picture's area that the small one covers at most; beyond,
            both are one picture, and a pair for clusters.
    """

    wanted: bool = False
    regions: str = "whole"
    tables: int = 8
    largest_group: int = 24
    min_votes: int = 2
    max_neighbours: int = 20
    min_inliers: int = 4
    min_confirmed: int = 8
    min_support: float = 0.1
    min_agreement: float = 0.7
    min_likeness: float = 0.85
    min_blocks: int = 24
    min_overlap: float = 0.85
    max_share: float = 0.7


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
