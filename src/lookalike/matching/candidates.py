"""Propose candidate pairs: what the cascade asks of whoever holds the descriptors.

The cascade decides; a stage only measures. Whoever answers these questions alike gets the same
clusters: a collection on this machine does, and so does a cluster of machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np

from lookalike.config import LocalConfig
from lookalike.descriptors.hashes import ORIENTATIONS, thumb_planes
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.index.hamming import HammingIndex
from lookalike.index.local import Votes, VoteSettings
from lookalike.matching.limits import CASCADE
from lookalike.matching.match_graph import Pair
from lookalike.model.arrays import BoolArray, FloatArray, IntArray, UInt8Array
from lookalike.model.match import Verification
from lookalike.model.protocols import Descriptor
from lookalike.verification.whole_frame import ThumbAgreement

__all__ = [
    "HashPairs",
    "Stages",
    "closest_turns",
    "hash_pairs",
    "have_equal_thumbs",
    "vote_settings",
]


class HashPairs(NamedTuple):
    """Pairs of near hashes, sorted by query and ref, every pair once.

    Attributes:
        query: ``(k,)`` lower row numbers.
        ref: ``(k,)`` higher row numbers.
        turn: ``(k,)`` the orientation of ``ORIENTATIONS`` in which the query is closest.
        bits: ``(k,)`` differing bits then, 0..256.
    """

    query: IntArray
    ref: IntArray
    turn: IntArray
    bits: IntArray

    def at(self, places: IntArray) -> HashPairs:
        """Renumber rows to their places in a longer list of the same order."""
        return HashPairs(places[self.query], places[self.ref], self.turn, self.bits)

    def rows(self, some: IntArray) -> HashPairs:
        """Take some of the pairs."""
        return HashPairs(*(column[some] for column in self))

    def __or__(self, others: HashPairs) -> HashPairs:
        """Merge these pairs with others, sorted."""
        columns = [np.concatenate(both) for both in zip(self, others, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        return HashPairs(*(column[order] for column in columns))


class Stages(Protocol):
    """Measures contents, named by SHA-256; row numbers are places in the list asked about."""

    @property
    def apart(self) -> Iterable[Pair]:
        """Pairs that a person told apart."""
        ...

    def near_hashes(self, shas: Sequence[str]) -> HashPairs:
        """Find every pair within ``HashConfig.max_distance`` bits in any of 8 orientations."""
        ...

    def hashes_between(self, queries: Sequence[str], refs: Sequence[str]) -> HashPairs:
        """Find near hashes of a query in any orientation and an upright ref; no content is both."""
        ...

    def thumbs(self, shas: Sequence[str]) -> UInt8Array:
        """Read ``(n, 1152)`` rows of ``THUMB_SPEC``, asked for of few contents."""
        ...

    def equal_thumbs(self, shas: Sequence[str], query: IntArray, ref: IntArray) -> BoolArray:
        """Tell which ``(k,)`` pairs of thumbs are equal in all cells."""
        ...

    def thumb_agreement(
        self, shas: Sequence[str], query: IntArray, ref: IntArray, turn: IntArray
    ) -> ThumbAgreement:
        """Compare pairs of thumbs, as ``whole_frame.agree`` does."""
        ...

    def pixel_digests(self, shas: Sequence[str]) -> dict[str, str]:
        """Compute full-size pixel digests; contents that can no longer be read are left out."""
        ...

    def embed(self, network: Descriptor, shas: Sequence[str]) -> list[str]:
        """Make missing rows of a network; return the contents that have one, in the order asked."""
        ...

    def near_embeddings(
        self, network: Descriptor, shas: Sequence[str]
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find pairs within ``EmbeddingConfig.max_distance``, sorted, with cosine distances."""
        ...

    def votes(self, shas: Sequence[str], kind: KeypointKind, min_votes: int) -> tuple[Votes, Votes]:
        """Count keypoints that meet in one pose, as ``index.local.vote_pairs`` does."""
        ...

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Verify pairs: evidence or None for each, looked at mirrored where the value says so."""
        ...

    def components(self, nodes: Iterable[str], pairs: Sequence[Pair]) -> list[list[str]]:
        """Find connected components, as ``clustering.components`` does."""
        ...


def hash_pairs(
    queries: UInt8Array, refs: UInt8Array, max_distance: int, threads: int = 1
) -> HashPairs:
    """Find pairs of a query in any orientation and an upright ref; ``i < j`` within one array.

    Args:
        queries: ``(n, 8, 32)`` uint8 of ``PDQ_SPEC``.
        refs: ``(m, 8, 32)``, or the same array again.
        max_distance: differing bits of 256, inclusive.
        threads: orientations worked on at once.
    """
    index = HammingIndex(np.ascontiguousarray(refs[:, 0]))

    def pairs_in(turn: int) -> IntArray:
        left, right, distance = index.pairs_with(
            np.ascontiguousarray(queries[:, turn]), max_distance, upper_triangle=queries is refs
        )
        return np.stack([left, right, np.full_like(left, turn), distance.astype(int)])

    with ThreadPoolExecutor(threads) as pool:
        columns = list(pool.map(pairs_in, range(len(ORIENTATIONS))))
    return closest_turns(np.concatenate(columns, axis=1))


def closest_turns(columns: IntArray) -> HashPairs:
    """Keep each pair in its closest orientation, sorted.

    Args:
        columns: ``(4, k)`` query, ref, orientation and bits, in any order and several times a pair.
    """
    query, ref, turn, bits = columns
    order = np.lexsort((turn, bits, ref, query))
    query, ref, turn, bits = columns[:, order]
    first = np.ones(len(query), bool)
    first[1:] = (query[1:] != query[:-1]) | (ref[1:] != ref[:-1])
    return HashPairs(query[first], ref[first], turn[first], bits[first])


def have_equal_thumbs(thumbs: UInt8Array, query: IntArray, ref: IntArray) -> BoolArray:
    """Tell which ``(k,)`` pairs of thumbs are equal in all cells.

    Args:
        thumbs: ``(n, 1152)`` uint8 of ``THUMB_SPEC``.
        query: ``(k,)`` rows.
        ref: ``(k,)`` rows.
    """
    # the first row of cells tells nearly all pairs apart
    first = thumb_planes(thumbs)[0][:, 0]
    found = (first[query] == first[ref]).all(axis=1)
    near = np.flatnonzero(found)
    found[near] = (thumbs[query[near]] == thumbs[ref[near]]).all(axis=1)
    return np.asarray(found)


def vote_settings(
    local: LocalConfig, kind: KeypointKind, keypoints: int, min_votes: int, threads: int = 1
) -> VoteSettings:
    """Choose the substrings by which so many keypoints of a kind meet."""
    # a keypoint should meet less than one stranger by chance
    by_chance = keypoints.bit_length() + kind.rare_bits
    return VoteSettings(
        tables=local.tables,
        substring=min(CASCADE.most_bits, max(local.least_substring, by_chance)),
        largest_group=local.largest_group,
        min_votes=min_votes,
        threads=threads,
    )
