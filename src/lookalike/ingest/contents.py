"""Describe one content as a collection remembers it: facts and hashes, over backdrops too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import RunConfig
from lookalike.descriptors.hashes import (
    BACKDROPS,
    PDQ_SPEC,
    THUMB_SPEC,
    describe_backdrops,
    describe_hashes,
)
from lookalike.model.image import DescriptorSpec, ImageRef, Picture
from lookalike.store import Batch, Content

__all__ = [
    "Described",
    "batch_of",
    "describe_content",
    "describe_shades",
    "image_ref",
    "shade_names",
]

#: a content and the rows of its hashes
Described = tuple[Content, dict[DescriptorSpec, NDArray[Any]]]


def describe_content(sha256: str, n_bytes: int, picture: Picture, config: RunConfig) -> Described:
    """Describe one decoded content: what a collection remembers of it, and its hash rows."""
    hashed = describe_hashes(picture)
    content = Content(
        sha256=sha256,
        n_bytes=n_bytes,
        width=picture.width,
        height=picture.height,
        format=picture.format,
        lossless=picture.lossless,
        exif_fields=picture.exif_fields,
        sharpness=_sharpness(picture),
        low_information=hashed.telling < config.hashes.min_telling,
        damage=picture.damage,
        transparent=picture.alpha is not None,
        pixel_digest=picture.pixel_digest,
    )
    return content, {PDQ_SPEC: hashed.pdq, THUMB_SPEC: hashed.thumb}


def describe_shades(content: Content, picture: Picture, config: RunConfig) -> tuple[Described, ...]:
    """Describe a picture with transparent parts over every backdrop, as ``describe_content`` does.

    Each is a content of its own that no file has. One that shows too little has a hash of zeros,
    which is far from that of every picture.
    """
    described = []
    for name, shade in zip(shade_names(content.sha256), describe_backdrops(picture), strict=False):
        is_telling = shade.telling >= config.hashes.min_telling
        own = replace(
            content,
            sha256=name,
            low_information=not is_telling,
            transparent=False,
            pixel_digest=None,
        )
        rows = {PDQ_SPEC: shade.pdq * is_telling, THUMB_SPEC: shade.thumb}
        described.append((own, rows))
    return tuple(described)


def batch_of(described: Sequence[Described]) -> Batch:
    """Put contents and their rows into one step of a collection."""
    shas = tuple(content.sha256 for content, _ in described)
    specs = described[0][1] if described else {}
    return Batch(
        contents=tuple(content for content, _ in described),
        rows={spec: (shas, np.stack([rows[spec] for _, rows in described])) for spec in specs},
    )


def shade_names(sha256: str) -> tuple[str, ...]:
    """Name a content over each backdrop, as a collection remembers it."""
    return tuple(f"{sha256}/{grey}" for grey in BACKDROPS)


def _sharpness(picture: Picture) -> float:
    planes = [cv2.extractChannel(picture.rgb, 1)]
    if picture.alpha is not None:
        # around a picture nothing is transparent: what is so throughout ends in an edge
        planes.append(cv2.copyMakeBorder(picture.alpha, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255))
    edges = [cv2.Laplacian(plane, cv2.CV_16S) for plane in planes]
    return round(sum(cv2.norm(e, cv2.NORM_L2SQR) / e.size - cv2.mean(e)[0] ** 2 for e in edges), 3)


def image_ref(name: str, path: str, content: Content, modified_ns: int = 0) -> ImageRef:
    """Make an image of a run from what is known of its content."""
    return ImageRef(
        id=name,
        path=path,
        sha256=content.sha256,
        n_bytes=content.n_bytes,
        width=content.width,
        height=content.height,
        format=content.format,
        modified_ns=modified_ns,
        lossless=content.lossless,
        exif_fields=content.exif_fields,
        sharpness=content.sharpness,
        low_information=content.low_information,
        damage=content.damage,
        transparent=content.transparent,
    )
