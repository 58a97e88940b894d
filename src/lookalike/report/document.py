"""The JSON form of a report as records; what their docstrings say, its schema says too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lookalike.config import LINKAGES
from lookalike.model import files, match
from lookalike.model.image import ImageRef
from lookalike.model.serialization import Count, Extent, Share, Struct, in_schema

__all__ = ["SCHEMA", "Cluster", "Containment", "Document", "Match", "Member", "Returned"]

SCHEMA = "lookalike-report/3"
Amount = Annotated[float, in_schema(minimum=0)]


class Member(Struct, frozen=True, kw_only=True):
    """One image of a cluster, and what is to become of it.

    Attributes:
        id: image id.
        path: by which the file can be opened.
        width: pixels, upright.
        height: pixels, upright.
        n_bytes: file size in bytes.
        format: container, for example ``JPEG``.
        damage: what is missing or corrupt in the file although it opens, in words; empty where
            nothing is known to be.
        action: whether it stays.
        reason: why, in words.
        by: whether a rule or a person says so.
    """

    id: str
    path: str
    width: Extent
    height: Extent
    n_bytes: Count
    format: str
    damage: str = ""
    action: Literal["keep", "drop"]
    reason: str
    by: Literal["rule", "person"]


class Cluster(Struct, frozen=True):
    """Two or more images that are the same picture.

    Attributes:
        id: digest of the members' ids.
        linkage: how pairs became clusters.
        diameter: largest distance among the matches of the members.
        center: id of the member that the linkage ties to every other, else of the medoid.
        keeper: path of the image that stays.
        keeper_id: its id.
        members: sorted by id.
    """

    id: str
    linkage: Annotated[str, in_schema(enum=LINKAGES)]
    diameter: Amount
    center: str
    keeper: str
    keeper_id: str
    members: Annotated[tuple[Member, ...], in_schema(minItems=2)]


class Match(Struct, frozen=True):
    """An accepted pair.

    Attributes:
        query: image id.
        ref: image id.
        query_path: path of the query.
        ref_path: path of the ref.
        tier: how the two are related: same bytes, same decoded pixels, one picture edited, another
            shot.
        distance: in the unit of the metric, lower is closer.
        metric: what measured the distance.
        confidence: probability that both show the same picture; null where it is unknown.
        edit: the edit in words, from query to ref.
        verification: geometric evidence, where the tier needs any.
    """

    query: str
    ref: str
    query_path: str
    ref_path: str
    tier: match.Tier
    distance: Amount
    metric: str
    confidence: Share | None
    edit: str
    verification: match.Verification | None


class Containment(Struct, frozen=True):
    """One picture that lies in a larger one.

    Attributes:
        small: image id.
        large: image id.
        small_path: path of the small image.
        large_path: path of the large image.
        box: left, top, width and height in pixels of the large image, upright.
        corners: of the small image in the large one, x and y, from its top left clockwise.
        verification: evidence, from small to large.
    """

    small: str
    large: str
    small_path: str
    large_path: str
    box: tuple[Count, Count, Count, Count]
    corners: match.Corners
    verification: match.Verification


@dataclass(frozen=True, slots=True)
class Returned(files.Returned):
    """An image whose bytes were dropped before by ``lookalike apply``.

    Attributes:
        image: image id.
        dropped_at: when it was dropped, UTC, ISO 8601.
        keeper: path of the image that stayed for it.
        keeper_sha256: hex digest of that one's bytes.
        path: path of the image.
    """

    path: str


class Document(Struct, frozen=True, kw_only=True):
    """The answer of one run.

    Attributes:
        schema: version of this form.
        versions: of lookalike and of every descriptor used.
        config: the settings.
        funnel: counts by stage, in order, so that nothing vanishes unexplained.
        timings: seconds by stage, and ``images_per_second``.
        expected_false_pairs: sum of 1 - confidence over the matches that have one.
        returned: images that were dropped before, sorted by id.
        clusters: disjoint, sorted by id of the first member.
        matches: accepted pairs, sorted.
        containments: pictures inside larger ones, if that was asked for.
        failures: what could not be read, sorted by path.
        images: every readable image.
    """

    schema: Annotated[str, in_schema(const=SCHEMA)]
    versions: Mapping[str, str]
    config: Mapping[str, Any]
    funnel: Mapping[str, Count]
    timings: Mapping[str, Amount]
    expected_false_pairs: Amount
    returned: tuple[Returned, ...] = ()
    clusters: tuple[Cluster, ...]
    matches: tuple[Match, ...]
    containments: tuple[Containment, ...]
    failures: tuple[files.Failure, ...]
    images: tuple[ImageRef, ...]
