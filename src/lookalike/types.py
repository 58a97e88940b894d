"""The frozen records that travel between stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.model.files import Addressed, Failure, Returned

__all__ = [
    "Answer",
    "BoolArray",
    "Cluster",
    "Containment",
    "Decision",
    "DescriptorSpec",
    "Failure",
    "FileEntry",
    "FloatArray",
    "Frame",
    "Hit",
    "ImageRef",
    "IntArray",
    "Match",
    "Picture",
    "Report",
    "Returned",
    "Tier",
    "UInt8Array",
    "Verification",
]

Tier = Literal["exact", "pixel", "copy", "similar"]
Frame = Literal[
    "same", "extended", "bordered", "inset", "cropped", "unbordered", "cut out", "overlapping"
]
UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FileEntry(Addressed):
    """One file that a source offers, before anything of it is read.

    Attributes:
        id: source-relative POSIX path or URL, unique within the run.
        path: path or address by which the file can be opened, as the user addressed it.
        key: absolute path or address, the name under which a collection remembers the file.
        n_bytes: file size in bytes.
        modified_ns: modification time in nanoseconds since the epoch.
        inode: (device, inode), equal for hard links of one file; of what has none, (-1, digest of
            where it lies and of its version).
    """

    id: str
    path: str
    key: str
    n_bytes: int
    modified_ns: int
    inode: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ImageRef(Addressed):
    """One image of a run.

    Attributes:
        id: source-relative POSIX path, or URL.
        path: path by which the file can be opened, as the user addressed it.
        sha256: hex SHA-256 of the bytes.
        n_bytes: file size in bytes.
        width: pixels, after EXIF orientation.
        height: pixels, after EXIF orientation.
        format: sniffed container, upper case, for example ``JPEG``.
        modified_ns: modification time in nanoseconds since the epoch.
        lossless: whether the pixels were stored without loss.
        exif_fields: number of EXIF tags.
        sharpness: variance of the Laplacian of the reduced picture, and of its alpha where it has
            one; higher is sharper.
        low_information: blank, or a slope from tone to tone; such an image matches by its bytes, by
            keypoints, or because both look the same everywhere, never by a hash.
        damage: what is missing or corrupt in a file that opens, in words; empty where nothing is.
    """

    id: str
    path: str
    sha256: str
    n_bytes: int
    width: int
    height: int
    format: str
    modified_ns: int = 0
    lossless: bool = False
    exif_fields: int = 0
    sharpness: float = 0.0
    low_information: bool = False
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image: upright, sRGB, opaque, reduced.

    Attributes:
        rgb: ``(h, w, 3)`` uint8, alpha laid over white.
        width: full width in pixels, after EXIF orientation.
        height: full height in pixels, after EXIF orientation.
        format: sniffed container, upper case.
        lossless: whether the pixels were stored without loss.
        exif_fields: number of EXIF tags.
        alpha: ``(h, w)`` uint8 as reduced, None where all is opaque.
        pixel_digest: of the full-size pixels, None of a JPEG, which its decoder reduced.
        damage: as of ``ImageRef``.
    """

    rgb: UInt8Array
    width: int
    height: int
    format: str
    lossless: bool
    exif_fields: int
    alpha: UInt8Array | None = None
    pixel_digest: str | None = None
    damage: str = ""


@dataclass(frozen=True, slots=True)
class DescriptorSpec:
    """What a descriptor is: two descriptors may be compared only if their specs are equal.

    Attributes:
        name: registry name.
        version: changes whenever the values would.
        metric: ``hamming``, ``cosine``, ``euclidean``, ``correlation`` or ``keypoints``.
        dim: bits for Hamming, values per row otherwise.
        dtype: NumPy name of the stored type, for example ``uint8`` or ``float16``.
        preprocessing: how pixels became input, in words; part of the identity.
    """

    name: str
    version: str
    metric: str
    dim: int
    dtype: str
    preprocessing: str

    @property
    def key(self) -> str:
        """One line that identifies the spec, used as the cache key."""
        return "|".join(
            (self.name, self.version, self.metric, str(self.dim), self.dtype, self.preprocessing)
        )

    @property
    def row_width(self) -> int:
        """Values in one stored row: ``dim / 8`` bytes for Hamming, ``dim`` otherwise."""
        return self.dim // 8 if self.metric == "hamming" else self.dim


@dataclass(frozen=True, slots=True)
class Verification:
    """Geometric evidence that two images show the same pixels.

    Attributes:
        inliers: correspondences that agree with the transform; 0 where the whole frames
            were compared without keypoints.
        support: inliers per keypoint that lies where both pictures show something, of the picture
            that has fewer there, 0..1; small where textures only resemble each other.
        transform: row-major 3×3, query pixels → ref pixels, both full size and upright.
        mirrored: whether the transform reverses orientation.
        overlap_query: share of the query's area that lies inside the ref, 0..1.
        overlap_ref: share of the ref's area that the query covers, 0..1.
        agreement: share of the textured blocks of the aligned pixels that correlate, 0..1.
        likeness: mean correlation of the blocks that correlate, .6..1.
        covered: share of all texture of one picture that the other shows, of the picture where
            it is more, 0..1.
        shared_query: which parts of the query the ref shows too: 8 × 8 cells row by row, as 64
            bits in hexadecimal.
        shared_ref: which parts of the ref the query shows too.
        scale: query pixels per ref pixel along the geometric mean of both axes.
        angle: degrees by which the ref is turned counter-clockwise relative to the query.
        gain: luma contrast of the ref relative to the query.
        offset: luma added in the ref relative to the query, in grey levels.
        frame: how the frames lie: ``same``; the ref shows more: ``extended``, ``bordered`` (only
            a plain border) or ``inset`` (the picture is a smaller part of it); the query shows
            more: ``cropped``, ``unbordered`` or ``cut out``; ``overlapping``.
        edit: the edit in words, from query to ref, for example ``cropped to 76%``.
        moved: places of the largest part that moved by itself, as between two shots of a scene.
    """

    inliers: int
    support: float
    transform: tuple[float, ...]
    mirrored: bool
    overlap_query: float
    overlap_ref: float
    agreement: float
    likeness: float
    covered: float
    shared_query: str
    shared_ref: str
    scale: float
    angle: float
    gain: float
    offset: float
    frame: Frame
    edit: str
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """An accepted pair.

    Attributes:
        query: image id, the smaller of the two in a self-join.
        ref: image id.
        tier: how the two are related.
        distance: in the unit of ``metric``, lower is closer.
        metric: which descriptor measured ``distance``: ``bytes``, ``pixels``, ``pdq`` or the
            name of an embedding.
        verification: geometric evidence, where the tier needs any.
        confidence: probability that both show the same picture, 0..1; None where nothing tells:
            of tier ``similar``.
    """

    query: str
    ref: str
    tier: Tier
    distance: float
    metric: str
    verification: Verification | None = None
    confidence: float | None = None

    @property
    def edit(self) -> str:
        """The edit in words, from query to ref."""
        if self.tier == "exact":
            return "identical bytes"
        if self.tier == "pixel":
            return "identical pixels"
        return self.verification.edit if self.verification else "same scene"


@dataclass(frozen=True, slots=True)
class Containment:
    """One picture that lies in a larger one; it makes no cluster.

    Attributes:
        small: image id; the path where a search gives it.
        large: likewise.
        box: left, top, width and height of where it lies, within the large picture, pixels.
        corners: of the small picture, x and y in the large one, from its top left clockwise.
        verification: from small to large, with scale, angle and whether it is mirrored.
    """

    small: str
    large: str
    box: tuple[int, int, int, int]
    corners: tuple[tuple[float, float], ...]
    verification: Verification


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search.

    Attributes:
        image: what was found.
        tier: how the query is related to it.
        distance: of the descriptor that ranked it; lower is closer.
        metric: name of that distance.
        verification: from the query to the image, for a copy that keypoints confirm.
        votes: place in every metric that voted for it, from 1.
        confidence: as of a ``Match``.
    """

    image: ImageRef
    tier: Tier
    distance: float
    metric: str
    verification: Verification | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    confidence: float | None = None

    @property
    def edit(self) -> str:
        """The edit in words, from the query to the image."""
        return Match("", "", self.tier, self.distance, self.metric, self.verification).edit


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one search.

    Attributes:
        query: path of the picture searched with; ``in_set``: of images with its very bytes.
        searched: images looked among.
        hits: nearest first; a query in the set finds itself as ``exact``.
        containments: where the query lies in an image or one in it, if that was asked for.
    """

    query: str
    searched: int
    in_set: tuple[str, ...]
    hits: tuple[Hit, ...]
    containments: tuple[Containment, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Two or more images that are the same picture.

    Attributes:
        id: digest of the members' ids, independent of their order.
        members: image ids, sorted.
        center: the member to which the linkage ties every other one (star), else the medoid.
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
    """What is to become of one image of a cluster.

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
        """How many of ``matches`` are to be expected wrong: their doubts, summed.

        Matches without a confidence are not in it.
        """
        doubts = (1.0 - m.confidence for m in self.matches if m.confidence is not None)
        return round(math.fsum(doubts), 4)

    def keeper_of(self, cluster: Cluster) -> str:
        """Id of the image that stays in ``cluster``."""
        for decision in self.decisions:
            if decision.image in cluster.members:
                return decision.keeper
        raise KeyError(cluster.id)
