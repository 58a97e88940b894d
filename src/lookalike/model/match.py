"""Records of how two images are related, and of the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lookalike.model.serialization import Count, Share, in_schema

__all__ = ["Containment", "Frame", "Match", "Tier", "Verification"]

Tier = Literal["exact", "pixel", "copy", "similar"]


Frame = Literal[
    "same", "extended", "bordered", "inset", "cropped", "unbordered", "cut out", "overlapping"
]
Transform = Annotated[tuple[float, ...], in_schema(minItems=9, maxItems=9)]
Cells = Annotated[str, in_schema(pattern="^[0-9a-f]{16}$")]
Corners = Annotated[tuple[tuple[float, float], ...], in_schema(minItems=4, maxItems=4)]


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

    inliers: Count
    support: Share
    transform: Transform
    mirrored: bool
    overlap_query: Share
    overlap_ref: Share
    agreement: Share
    likeness: Share
    covered: Share
    shared_query: Cells
    shared_ref: Cells
    scale: Annotated[float, in_schema(exclusiveMinimum=0)]
    angle: Annotated[float, in_schema(minimum=-180, maximum=180)]
    gain: float
    offset: float
    frame: Frame
    edit: str
    moved: Count = 0


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
        confidence: probability that both show the same picture, 0..1; None of tier ``similar``.
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
        """The edit from query to ref, in words."""
        if self.tier == "exact":
            return "identical bytes"
        if self.tier == "pixel":
            return "identical pixels"
        return self.verification.edit if self.verification else "same scene"


@dataclass(frozen=True, slots=True)
class Containment:
    """A picture that lies in a larger one; it makes no cluster.

    Attributes:
        small: id of the small image; its path in the answer of a search.
        large: likewise of the large one.
        box: left, top, width and height of the small picture within the large one, pixels.
        corners: of the small picture, x and y in the large one, from its top left clockwise.
        verification: from small to large, with scale, angle and whether it is mirrored.
    """

    small: str
    large: str
    box: tuple[Count, Count, Count, Count]
    corners: Corners
    verification: Verification
