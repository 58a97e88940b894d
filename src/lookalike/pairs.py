"""From described images to accepted pairs: exact, pixel, hash, embedding, keypoints.

Each step decides what it can and leaves the rest to the next, dearer one. Contents, not files,
are compared: files with the same bytes share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lookalike.cluster import components, star
from lookalike.config import FindConfig, VerifyConfig
from lookalike.descriptors.hashes import ORIENTATIONS, PDQ_SPEC, THUMB_SPEC
from lookalike.index.flat import CosineIndex
from lookalike.index.hamming import HammingIndex
from lookalike.store import Collection
from lookalike.thumbs import agree, explain_whole_frames
from lookalike.types import DescriptorSpec, ImageRef, IntArray, Match, UInt8Array, Verification

__all__ = ["Pairs", "Verify", "find_pairs"]

Pair = tuple[str, str]


class Verify(Protocol):
    """Keypoint verification of pairs; unreadable ones are refused."""

    def __call__(self, pairs: Sequence[Pair], *, mirrored: bool) -> dict[Pair, Verification | None]:
        """Evidence or None for every pair; ``mirrored`` looks for mirrored copies too."""
        ...


_VERIFY_BATCH = 256
_PIXEL_BITS = 12
_PIXEL_SLACK = 4
_LEAST_ALONE = 0.7


@dataclass(slots=True)
class Pairs:
    """Accepted pairs among contents, by SHA-256, and how many were looked at.

    Attributes:
        images: one image a content, by SHA-256.
        matches: accepted pairs; query and ref are SHA-256 here, the smaller id as query.
        counts: funnel counts.
    """

    images: dict[str, ImageRef]
    matches: dict[Pair, Match] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def order(self, a: str, b: str) -> Pair:
        """The canonical order: the smaller image id is the query."""
        return (a, b) if self.images[a].id < self.images[b].id else (b, a)

    def graph(self) -> dict[str, set[str]]:
        """Accepted neighbours of every content."""
        neighbours: dict[str, set[str]] = {sha: set() for sha in self.images}
        for a, b in self.matches:
            neighbours[a].add(b)
            neighbours[b].add(a)
        return neighbours

    def rank(self, sha: str) -> tuple[float, ...]:
        """Preference as a star's centre: more pixels first, then more bytes."""
        image = self.images[sha]
        return (-image.width * image.height, -image.n_bytes)


def find_pairs(
    images: Sequence[ImageRef],
    collection: Collection,
    config: FindConfig,
    *,
    embedding: DescriptorSpec | None,
    pixel_digests: Callable[[Sequence[str]], dict[str, str]],
    verify: Verify,
) -> Pairs:
    """Every accepted pair among distinct contents.

    Args:
        images: one image a content, sorted by id, none of low information.
        collection: holds their descriptors.
        config: settings.
        embedding: spec of the network's descriptor, where the effort uses one.
        pixel_digests: full-size pixel digests of some contents.
        verify: keypoint verification of pairs.
    """
    pairs = Pairs({image.sha256: image for image in images})
    shas = [image.sha256 for image in images]
    if len(shas) < 2:
        return pairs
    undecided = _by_hash(pairs, shas, collection, config, pixel_digests)
    if embedding is None:
        return pairs
    centres = _one_per_picture(pairs, shas)
    proposed = _by_embedding(pairs, centres, collection, config, embedding)
    _settle(pairs, {**proposed, **undecided}, verify, config.verify)
    if config.cluster.similar:
        _add_similar(pairs, proposed, config.embedding.similar_distance, embedding.name)
    return pairs


def _by_hash(
    pairs: Pairs,
    shas: Sequence[str],
    collection: Collection,
    config: FindConfig,
    pixel_digests: Callable[[Sequence[str]], dict[str, str]],
) -> dict[Pair, float]:
    """Accept whole frames by PDQ and thumbs; return the hash candidates left undecided."""
    hashes = collection.rows(PDQ_SPEC, shas).reshape(len(shas), len(ORIENTATIONS), -1)
    thumbs = collection.rows(THUMB_SPEC, shas)
    query, ref, turn, bits = _hash_candidates(hashes, config)
    pairs.counts["hash_candidates"] = len(query)
    same = _same_pixels(pairs, shas, thumbs, (query, ref, turn, bits), pixel_digests)
    agreement = agree(thumbs, query, ref, turn, threads=config.threads)
    accepted = agreement.accepted(config.verify)
    rows = np.flatnonzero(accepted)
    found = explain_whole_frames(
        [pairs.images[shas[n]] for n in query[rows].tolist()],
        [pairs.images[shas[n]] for n in ref[rows].tolist()],
        turn[rows],
        agreement.take(rows),
    )
    for a, b, distance, seen in zip(
        query[rows].tolist(), ref[rows].tolist(), bits[rows].tolist(), found, strict=True
    ):
        pair = (shas[a], shas[b])
        pairs.matches[pair] = Match(*pair, "copy", float(distance), "pdq", seen)
    for pair in same:
        pairs.matches[pair] = Match(*pair, "pixel", 0.0, "pixels")
    pairs.counts["hash_accepted"] = len(pairs.matches)
    return {
        (shas[a], shas[b]): distance / 256.0
        for a, b, distance in zip(
            query[~accepted].tolist(),
            ref[~accepted].tolist(),
            bits[~accepted].tolist(),
            strict=True,
        )
        if (shas[a], shas[b]) not in same
    }


def _hash_candidates(
    hashes: UInt8Array, config: FindConfig
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Query, ref, orientation and bits of every pair, each pair in its closest orientation."""
    index = HammingIndex(np.ascontiguousarray(hashes[:, 0]), threads=config.threads)
    columns = []
    for turn in range(len(ORIENTATIONS)):
        left, right, distance = index.pairs_with(
            np.ascontiguousarray(hashes[:, turn]),
            config.hashes.max_distance,
            upper_triangle=True,
        )
        columns.append(np.stack([left, right, np.full_like(left, turn), distance.astype(int)]))
    query, ref, turned, bits = np.concatenate(columns, axis=1)
    order = np.lexsort((turned, bits, ref, query))
    query, ref, turned, bits = (column[order] for column in (query, ref, turned, bits))
    first = np.ones(len(query), bool)
    first[1:] = (query[1:] != query[:-1]) | (ref[1:] != ref[:-1])
    return query[first], ref[first], turned[first], bits[first]


def _same_pixels(
    pairs: Pairs,
    shas: Sequence[str],
    thumbs: UInt8Array,
    candidates: tuple[IntArray, IntArray, IntArray, IntArray],
    pixel_digests: Callable[[Sequence[str]], dict[str, str]],
) -> set[Pair]:
    """Pairs whose full-size pixels are equal; only likely ones are decoded in full.

    Two JPEGs of equal pixels hold equal coefficients, and two lossless files are reduced alike,
    so within a kind their thumbs are equal; between the kinds they differ by rounding.
    """
    query, ref, turn, bits = candidates
    near = np.flatnonzero((turn == 0) & (bits <= _PIXEL_BITS))
    # the first row of cells tells nearly all pairs apart
    first_row = np.abs(thumbs[query[near], :32].astype(np.int16) - thumbs[ref[near], :32])
    near = near[first_row.max(axis=1, initial=0) <= _PIXEL_SLACK]
    slack = np.abs(thumbs[query[near]].astype(np.int16) - thumbs[ref[near]]).max(axis=1, initial=0)
    likely = []
    for a, b, difference in zip(query[near], ref[near], slack, strict=True):
        first, second = pairs.images[shas[a]], pairs.images[shas[b]]
        same_size = (first.width, first.height) == (second.width, second.height)
        same_kind = (first.format == "JPEG") == (second.format == "JPEG")
        if same_size and difference <= (0 if same_kind else _PIXEL_SLACK):
            likely.append((first.sha256, second.sha256))
    digests = pixel_digests(sorted({sha for pair in likely for sha in pair}))
    return {(a, b) for a, b in likely if a in digests and digests.get(a) == digests.get(b)}


def _one_per_picture(pairs: Pairs, shas: Sequence[str]) -> list[str]:
    """Contents that stand for themselves and for those the hash joined to them.

    One of every orientation stays: a network sees a mirrored picture as another one.
    """
    graph = pairs.graph()
    standing = set(shas)
    for group in components(shas, pairs.matches):
        for centre, members in star(group, graph, pairs.rank):
            kept: dict[tuple[bool, float], str] = {(False, 0.0): centre}
            for member in sorted(members, key=lambda sha: (*pairs.rank(sha), sha)):
                if member != centre:
                    kept.setdefault(_orientation(pairs, centre, member), member)
            standing -= set(members) - set(kept.values())
    return [sha for sha in shas if sha in standing]


def _orientation(pairs: Pairs, centre: str, member: str) -> tuple[bool, float]:
    """Whether ``member`` is mirrored against ``centre``, and its angle from there."""
    pair = pairs.order(centre, member)
    seen = pairs.matches[pair].verification
    if seen is None:
        return False, 0.0
    turned_back = pair[0] == member and not seen.mirrored
    return seen.mirrored, -seen.angle % 360 if turned_back else seen.angle % 360


def _by_embedding(
    pairs: Pairs,
    shas: Sequence[str],
    collection: Collection,
    config: FindConfig,
    spec: DescriptorSpec,
) -> dict[Pair, float]:
    """Candidate pairs with their cosine distance: near, and among each other's nearest."""
    if len(shas) < 2:
        return {}
    index = CosineIndex(collection.rows(spec, shas), threads=config.threads)
    query, ref, distance = index.pairs_within(config.embedding.max_distance)
    pairs.counts["embedding_within_range"] = len(query)
    kept = _nearest(query, ref, distance, config.embedding.max_neighbours)
    return {
        (shas[a], shas[b]): float(d)
        for a, b, d in zip(query[kept], ref[kept], distance[kept], strict=True)
    }


def _nearest(query: IntArray, ref: IntArray, distance: np.ndarray, limit: int) -> IntArray:
    """Pairs that are among the ``limit`` nearest of either of their ends."""
    ends = np.concatenate([query, ref])
    pair = np.tile(np.arange(len(query)), 2)
    order = np.lexsort((pair, np.tile(distance, 2), ends))
    ends, pair = ends[order], pair[order]
    starts = np.flatnonzero(np.r_[True, ends[1:] != ends[:-1]]) if len(ends) else ends
    place = np.arange(len(ends)) - np.repeat(starts, np.diff(np.r_[starts, len(ends)]))
    return np.unique(pair[place < limit])


def _settle(
    pairs: Pairs, proposed: dict[Pair, float], verify: Verify, config: VerifyConfig
) -> None:
    """Verify candidates nearest first, leaving out pairs that are joined already."""
    pairs.counts["candidates"] = len(proposed)
    order = sorted(proposed, key=lambda pair: (proposed[pair], pair))
    parent = {sha: sha for sha in pairs.images}

    def root(sha: str) -> str:
        while parent[sha] != sha:
            parent[sha] = parent[parent[sha]]
            sha = parent[sha]
        return sha

    def join(some: Iterable[Pair]) -> None:
        for a, b in some:
            parent[root(a)] = root(b)

    join(pairs.matches)
    weak: dict[Pair, Match] = {}
    for at in range(0, len(order), _VERIFY_BATCH):
        apart = [p for p in order[at : at + _VERIFY_BATCH] if root(p[0]) != root(p[1])]
        near = [pair for pair in apart if proposed[pair] <= config.mirror_distance]
        far = [pair for pair in apart if proposed[pair] > config.mirror_distance]
        found = _verified(pairs, near, verify) | _verified(pairs, far, verify, mirrored=False)
        firm = {pair: m for pair, m in found.items() if _is_strong(m, config)}
        weak |= {pair: m for pair, m in found.items() if pair not in firm}
        pairs.matches |= firm
        join(firm)
    _confirm_stars(pairs, verify, config)
    _attach_leaves(pairs, weak, verify, config)


def _add_similar(
    pairs: Pairs, proposed: dict[Pair, float], max_distance: float, metric: str
) -> None:
    """Near pairs that share no pixels: another shot of the scene, by the descriptor alone."""
    copies = components(pairs.images, list(pairs.matches))
    home = {sha: group[0] for group in copies for sha in group}
    for pair, distance in sorted(proposed.items()):
        apart = home.get(pair[0], pair[0]) != home.get(pair[1], pair[1])
        if apart and distance <= max_distance:
            pairs.matches[pair] = Match(*pair, "similar", round(distance, 4), metric)


def _is_strong(match: Match, config: VerifyConfig) -> bool:
    """Whether a match counts by itself, whatever else its images match."""
    seen = match.verification
    return seen is None or (
        seen.agreement >= config.strong_agreement and seen.inliers >= config.strong_inliers
    )


def _verified(
    pairs: Pairs, some: Iterable[Pair], verify: Verify, *, mirrored: bool = True
) -> dict[Pair, Match]:
    """The pairs that keypoints and pixels confirm, with their matches."""
    asked = sorted({pairs.order(*pair) for pair in some})
    if not asked:
        return {}
    verdicts = verify(asked, mirrored=mirrored)
    pairs.counts["verified"] += len(asked)
    found = {
        pair: Match(*pair, "copy", round(1.0 - seen.agreement, 4), "agreement", seen)
        for pair in asked
        if (seen := verdicts[pair])
    }
    pairs.counts["verified_accepted"] += len(found)
    return found


def _confirm_stars(pairs: Pairs, verify: Verify, config: VerifyConfig) -> None:
    """Compare centres with members that lazy order skipped: those a common match ties to them."""
    graph = pairs.graph()

    def confirm(centre: str, members: Sequence[str]) -> None:
        left = set(members)
        while near := {member for member in left if graph[member] & graph[centre]}:
            left -= near
            found = _verified(pairs, [(centre, member) for member in near], verify)
            for (a, b), match in found.items():
                if _is_strong(match, config):
                    pairs.matches[a, b] = match
                    graph[a].add(b)
                    graph[b].add(a)

    for group in components(pairs.images, list(pairs.matches)):
        star(group, graph, pairs.rank, confirm)


def _attach_leaves(
    pairs: Pairs, weak: dict[Pair, Match], verify: Verify, config: VerifyConfig
) -> None:
    """Weak matches count only for images that have no other, and that point one way.

    Half of two pages may agree because both carry the same frame, sticker or background. An
    image that weakly matches the centres of several clusters says only that they share
    something; one that matches a single centre is taken for its copy.
    """
    graph = pairs.graph()
    home: dict[str, str] = {}
    for group in components(pairs.images, list(pairs.matches)):
        for centre, members in star(group, graph, pairs.rank):
            home.update(dict.fromkeys(members, centre))
    leads: dict[str, set[str]] = defaultdict(set)
    for a, b in weak:
        for leaf, other in ((a, b), (b, a)):
            if leaf not in home:
                leads[leaf].add(home.get(other, other))
    asked = {}
    for leaf in sorted(leads):
        target = _only_lead(leaf, leads, set(home.values()))
        if target is not None:
            asked[leaf] = pairs.order(leaf, target)
    found = _verified(pairs, asked.values(), verify)
    for pair in asked.values():
        seen = found[pair].verification if pair in found else None
        least = 0.0 if pair[0] in home or pair[1] in home else _LEAST_ALONE
        if seen and seen.agreement >= least and seen.inliers >= config.weak_inliers:
            pairs.matches[pair] = found[pair]


def _only_lead(leaf: str, leads: dict[str, set[str]], centres: set[str]) -> str | None:
    """The one cluster, or the one other leaf, that all weak matches of ``leaf`` point to."""
    clusters = leads[leaf] & centres
    others = leads[leaf] - centres
    for other in others:
        clusters |= leads[other] & centres
    if len(clusters) == 1:
        return next(iter(clusters))
    if not clusters and len(others) == 1 and leads[next(iter(others))] == {leaf}:
        return next(iter(others))
    return None
