"""Answer the cascade's questions from one collection on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lookalike.clustering.components import components
from lookalike.config import FindConfig
from lookalike.descriptors.hashes import PDQ_SPEC, THUMB_SPEC, turns_of
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.index.flat import CosineIndex
from lookalike.index.local import Votes, vote_pairs
from lookalike.ingest.describe import Describer
from lookalike.matching.candidates import (
    HashPairs,
    hash_pairs,
    have_equal_thumbs,
    vote_settings,
)
from lookalike.matching.match_graph import Pair
from lookalike.matching.verifier import Verifier
from lookalike.model.arrays import BoolArray, FloatArray, IntArray, UInt8Array
from lookalike.model.match import Verification
from lookalike.model.protocols import Descriptor
from lookalike.verification.whole_frame import ThumbAgreement, agree

__all__ = ["CollectionStages"]


class CollectionStages:
    """Measures contents of a collection on this machine; implements ``Stages``.

    Args:
        describer: has the contents described.
        config: settings.
    """

    def __init__(self, describer: Describer, config: FindConfig) -> None:
        self._collection = describer.collection
        self._config = config
        self._verifier = Verifier(describer, config)
        self.apart: Iterable[Pair] = describer.collection.choices.apart
        self.pixel_digests = describer.pixel_digests
        self.embed = describer.embed
        self.components = components

    def near_hashes(self, shas: Sequence[str]) -> HashPairs:
        """Find near hashes in any of 8 orientations, exactly."""
        rows = self._hashes(shas)
        return hash_pairs(rows, rows, self._config.hashes.max_distance, self._config.threads)

    def hashes_between(self, queries: Sequence[str], refs: Sequence[str]) -> HashPairs:
        """Find near hashes of queries in any orientation and upright refs, exactly."""
        both = self._hashes(queries), self._hashes(refs)
        return hash_pairs(*both, self._config.hashes.max_distance, self._config.threads)

    def thumbs(self, shas: Sequence[str]) -> UInt8Array:
        """Read rows of ``THUMB_SPEC``."""
        return self._collection.rows(THUMB_SPEC, shas)

    def equal_thumbs(self, shas: Sequence[str], query: IntArray, ref: IntArray) -> BoolArray:
        """Tell which pairs of thumbs are equal in all cells."""
        # few of all contents are that near
        some, places = np.unique(np.concatenate([query, ref]), return_inverse=True)
        thumbs = self._collection.rows(THUMB_SPEC, [shas[row] for row in some])
        left, right = places.reshape(2, -1)
        return have_equal_thumbs(thumbs, left, right)

    def thumb_agreement(
        self, shas: Sequence[str], query: IntArray, ref: IntArray, turn: IntArray
    ) -> ThumbAgreement:
        """Compare pairs of thumbs on several threads."""
        thumbs = self._collection.rows(THUMB_SPEC, shas)
        return agree(thumbs, query, ref, turn, threads=self._config.threads)

    def near_embeddings(
        self, network: Descriptor, shas: Sequence[str]
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find pairs that a network sees near, exactly."""
        rows = self._collection.rows(network.spec, shas)
        index = CosineIndex(rows, threads=self._config.threads)
        return index.pairs_within(self._config.embedding.max_distance)

    def votes(self, shas: Sequence[str], kind: KeypointKind, min_votes: int) -> tuple[Votes, Votes]:
        """Count keypoints that meet in one pose."""
        local = self._config.local
        upright, mirrored = self._verifier.features(shas, kind)
        settings = vote_settings(local, kind, len(upright.image), min_votes, self._config.threads)
        return vote_pairs(upright, settings, mirrored=mirrored if local.mirrored else None)

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Verify pairs, or recall what was found before."""
        return self._verifier.verify(pairs, kind)

    def _hashes(self, shas: Sequence[str]) -> UInt8Array:
        """``(n, 8, 32)`` hashes in every orientation."""
        return turns_of(self._collection.rows(PDQ_SPEC, shas))
