"""Compare the hashes of a query with those of a collection, over backdrops where needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lookalike.config import FindConfig
from lookalike.descriptors.hashes import (
    ORIENTATIONS,
    PDQ_SPEC,
    THUMB_SPEC,
    describe_backdrops,
    describe_hashes,
    turns_of,
)
from lookalike.index.blocks import block_distances, blocks_of
from lookalike.ingest.contents import shade_names
from lookalike.ingest.describe import Describer
from lookalike.matching.limits import CASCADE
from lookalike.model.arrays import IntArray
from lookalike.retrieval.query import Query
from lookalike.verification.whole_frame import ThumbAgreement, agree

__all__ = ["NearFrames", "QueryFrames"]

# more bits than two hashes differ in
_TURNS, _FAR = len(ORIENTATIONS), 512


class NearFrames(NamedTuple):
    """Contents whose hash is near that of a query, once for every backdrop of either.

    Attributes:
        places: ``(k,)`` of the contents, in the list that was asked about, ascending; of one
            content the closest first.
        bits: ``(k,)`` differing bits, 0..256.
        turn: ``(k,)`` the orientation of ``ORIENTATIONS`` in which the query is that near.
        own: ``(k,)`` which hash of the query: 0 as it is, then over each backdrop.
        names: of the hashes of the contents.
    """

    places: IntArray
    bits: IntArray
    turn: IntArray
    own: IntArray
    names: tuple[str, ...]


class QueryFrames:
    """The hashes of one query.

    Args:
        query: as it was read.
        describer: of the collection's contents.
        config: settings.
    """

    def __init__(
        self,
        query: Query,
        describer: Describer,
        config: FindConfig,
    ) -> None:
        picture = query.reduced(config.decode.min_side)
        least = config.hashes.min_telling
        shades = [row for row in describe_backdrops(picture) if row.telling >= least]
        self._is_clear = picture.alpha is not None
        self._rows = [describe_hashes(picture), *shades]
        self._collection = describer.collection
        self._config = config
        self.images = describer.images

    def near(self, shas: Sequence[str]) -> NearFrames:
        """Find contents within ``HashConfig.max_distance`` bits in any orientation."""
        clear = np.array([self.images[sha].transparent for sha in shas], bool)
        shown = [] if self._is_clear else np.flatnonzero(clear).tolist()
        names = [*shas, *(name for n in shown for name in shade_names(shas[n]))]
        each = len(names[len(shas) :]) // max(1, len(shown))
        owner = np.concatenate([np.arange(len(shas)), np.repeat(np.array(shown, np.int64), each)])
        turns = turns_of(np.stack([row.pdq for row in self._rows])).reshape(
            len(self._rows) * _TURNS, -1
        )
        stored = self._collection.stored(PDQ_SPEC, names)
        found = [np.empty((4, 0), np.int64)]
        for block in blocks_of(stored):
            upright = np.ascontiguousarray(turns_of(stored[block])[:, 0])
            turned = block_distances(turns, upright, "hamming").reshape(-1, _TURNS, len(upright))
            bits, turn = turned.min(axis=1), turned.argmin(axis=1)
            if self._is_clear:
                # two that both show through are compared over white
                bits[1:, clear[owner[block]]] = _FAR
            is_shade = (np.arange(len(bits)) > 0)[:, None] | (np.arange(len(names)) >= len(shas))[
                block
            ]
            most = self._config.hashes.max_distance
            own, near = np.nonzero(bits <= np.where(is_shade, min(CASCADE.shade, most), most))
            made = near + block.start, bits[own, near], turn[own, near], own
            found.append(np.stack(made).astype(np.int64))
        rows, bits, turn, own = np.concatenate(found, axis=1)
        order = np.lexsort((rows, own, bits, owner[rows]))
        rows, bits, turn, own = (column[order] for column in (rows, bits, turn, own))
        return NearFrames(owner[rows], bits, turn, own, tuple(names[n] for n in rows.tolist()))

    def agreement(self, near: NearFrames) -> ThumbAgreement:
        """Compare the thumbs of the query and of near contents."""
        own = np.stack([row.thumb for row in self._rows])
        thumbs = np.concatenate([own, self._collection.rows(THUMB_SPEC, near.names)])
        refs = np.arange(len(near.names)) + len(own)
        return agree(thumbs, near.own, refs, near.turn, threads=self._config.threads)
