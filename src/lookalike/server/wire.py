"""Requests and answers of the service as records; what their docstrings say, OpenAPI says too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from lookalike.model.match import Tier
from lookalike.model.serialization import Count, Digest, Extent, Meta, Share
from lookalike.run.collapse import Keep

__all__ = [
    "AddRequest",
    "Added",
    "Answer",
    "CollapseRequest",
    "Collapsed",
    "CompareRequest",
    "Comparison",
    "Dropped",
    "Health",
    "Hit",
    "Image",
    "IndexFailure",
    "Kept",
    "Match",
    "PathFailure",
    "Picture",
    "SearchRequest",
]

Wanted = Annotated[int, Meta(ge=1)]
Pixels = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: a path under a folder given by --root, or the bytes of an image file.

    Attributes:
        path: path on the machine of the service.
        data: bytes of a JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or JXL file, base64.
    """

    path: str = ""
    data: bytes | None = None

    def __post_init__(self) -> None:
        if bool(self.path) == (self.data is not None):
            raise ValueError('Expected {"path": …} or {"data": base64}')


Pictures = Annotated[tuple[Picture, ...], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class AddRequest:
    """Pictures for the collection.

    Attributes:
        images: a path may also be a folder; what leads out of the roots from there is a failure.
    """

    images: Pictures


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A picture to search with.

    Attributes:
        image: it need not be in the collection.
        k: hits wanted.
        box: x, y, width, height in pixels: the part of the picture that counts.
    """

    image: Picture
    k: Wanted = 6
    box: tuple[Pixels, Pixels, Pixels, Pixels] | None = None


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Two pictures.

    Attributes:
        first: one picture.
        second: another; the edit is told from the first to this one.
    """

    first: Picture
    second: Picture


@dataclass(frozen=True, slots=True)
class CollapseRequest:
    """A result list.

    Attributes:
        images: the best first.
        k: pictures wanted; without it all.
        keep: which candidate represents a picture: the first, or the best file by the keep rules.
    """

    images: Pictures
    k: Wanted | None = None
    keep: Keep = "rank"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the collection.

    Attributes:
        path: its file; uploads are stored as uploads/SHA256.FORMAT in the collection's folder.
        sha256: hex digest of its bytes.
        width: pixels, upright.
        height: pixels, upright.
        format: container, for example JPEG.
        damage: what is missing or corrupt in the file although it opens; empty where nothing is
            known to be.
    """

    path: str
    sha256: Digest
    width: Extent
    height: Extent
    format: str
    damage: str


@dataclass(frozen=True, slots=True)
class PathFailure:
    """What could not be added.

    Attributes:
        path: as sent, or images[N] for an upload.
        message: why.
    """

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Added:
    """What became of pictures that were sent.

    Attributes:
        images: what is in the collection now, of what was sent.
        described: pictures that were decoded; the others were known by their bytes.
        failures: what could not be added.
        total: image files in the collection.
    """

    images: tuple[Image, ...]
    described: Count
    failures: tuple[PathFailure, ...]
    total: Count


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search.

    Attributes:
        path: of the image.
        sha256: hex digest of its bytes.
        width: pixels, upright.
        height: pixels, upright.
        damage: what is missing or corrupt in the file although it opens; empty where nothing is
            known to be.
        tier: same bytes, same decoded pixels, one picture edited, another shot.
        edit: what makes the hit from the picture, in words.
        distance: of the descriptor that ranked it; lower is closer.
        metric: name of that distance.
        confidence: probability that both show the same picture; null where it is unknown.
    """

    path: str
    sha256: Digest
    width: Extent
    height: Extent
    damage: str
    tier: Tier
    edit: str
    distance: float
    metric: str
    confidence: Share | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a search.

    Attributes:
        searched: images looked among.
        in_set: files of the collection with the very bytes.
        hits: copies first, then by distance.
    """

    searched: Count
    in_set: tuple[str, ...]
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """How two pictures are related.

    Attributes:
        tier: same bytes, same decoded pixels, one picture edited, another shot.
        edit: what makes the second from the first, in words.
        confidence: probability that both show the same picture; null where it is unknown.
    """

    tier: Tier
    edit: str
    confidence: Share | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer of a comparison.

    Attributes:
        match: null: not the same picture.
    """

    match: Match | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that shows what another one shows.

    Attributes:
        index: place in the list, from 0.
        of: place of the candidate it is compared with.
        tier: same bytes, same decoded pixels, one picture edited, another shot.
        edit: what makes it from that one, in words.
        confidence: probability that both show the same picture; null where it is unknown.
    """

    index: Count
    of: Count
    tier: Tier
    edit: str
    confidence: Share | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One picture of a result list.

    Attributes:
        index: place in the list, from 0.
        rank: best place of all that show the picture.
        dropped: the others that show it.
    """

    index: Count
    rank: Count
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class IndexFailure:
    """A candidate that is no picture.

    Attributes:
        index: place in the list, from 0.
        message: why.
    """

    index: Count
    message: str


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A result list without repeats.

    Attributes:
        kept: one of each picture, by best rank.
        failures: candidates that are no pictures.
        looked: candidates looked at, from the first on.
    """

    kept: tuple[Kept, ...]
    failures: tuple[IndexFailure, ...]
    looked: Count


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service runs.

    Attributes:
        status: ok.
        version: of lookalike.
    """

    status: Literal["ok"]
    version: str
