"""Read what is asked of a collection: the question and its picture."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from lookalike.config import DecodeConfig, RunConfig
from lookalike.images.decode import decode
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import Picture
from lookalike.retrieval.focus import Focus, focused
from lookalike.retrieval.limits import SEARCH
from lookalike.sources.reading import read_bytes
from lookalike.sources.reading.addresses import local_path

__all__ = ["Query", "Question", "read_query"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a collection.

    Attributes:
        query: path or address of a picture, in the collection or not.
        k: hits wanted.
        metrics: distances to rank by instead of the descriptor's own; several of them vote.
        voting: let metrics vote: those named, or five where none is.
        focus: which part of the query counts.
        inside: also say which images the query lies in, which lie in it, and where.
    """

    query: str | Path
    k: int = 6
    metrics: tuple[str, ...] = ()
    voting: bool = False
    focus: Focus | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was read.

    Attributes:
        path: of the file, or its address.
        data: its bytes.
        sha256: of the bytes where the whole picture counts; empty where only a part does.
        picture: what is searched with, finely decoded.
        is_plain: whether nothing was cut off or filled in.
        config: how to decode it.
    """

    path: str
    data: bytes
    sha256: str
    picture: Picture
    is_plain: bool
    config: DecodeConfig

    def reduced(self, min_side: int) -> Picture:
        """Reduce the picture as those of the collection are decoded for a descriptor."""
        if self.is_plain:
            again = decode(self.path, self.data, replace(self.config, min_side=min_side))
            assert not isinstance(again, Failure)
            return again
        rgb, factor = self.picture.rgb, 1
        while min(rgb.shape[:2]) // (factor * 2) >= min_side:
            factor *= 2
        size = (max(1, rgb.shape[1] // factor), max(1, rgb.shape[0] // factor))
        return replace(self.picture, rgb=cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def read_query(question: Question, config: RunConfig) -> Query:
    """Read and decode the picture of a question, and cut it to what counts.

    Raises:
        ConfigError: it cannot be read, or is no picture.
    """
    path, focus = local_path(os.fspath(question.query)), question.focus
    try:
        data = read_bytes(path, config.read, listed=False)
    except OSError as error:
        raise ConfigError(
            "the query cannot be read", got=f"{path}: {error.strerror or error}"
        ) from error
    finer = replace(config.decode, min_side=max(config.decode.min_side, SEARCH.query_side))
    picture = decode(path, data, finer)
    if isinstance(picture, Failure):
        raise ConfigError("the query is not a picture", got=f"{path}: {picture.message}")
    whole = focus is None or (focus.box is None and focus.mask is None)
    return Query(
        path=path,
        data=data,
        sha256=hashlib.sha256(data).hexdigest() if whole else "",
        picture=focused(picture, focus) if focus else picture,
        is_plain=focus is None,
        config=config.decode,
    )
