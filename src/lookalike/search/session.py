"""One picture against a collection: rank, then say of every hit how it is related."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config.find import FindConfig, RunConfig, SystemConfig, ViewConfig
from lookalike.containment.find import Asked, Inside
from lookalike.containment.inset import INSET_KIND, PAGE_MIN_SIDE
from lookalike.descriptors.hashes import (
    ORIENTATIONS,
    PDQ_SPEC,
    THUMB_SPEC,
    describe_hashes,
    stretches_of,
)
from lookalike.descriptors.keypoints import KINDS
from lookalike.descriptors.registry import base_of
from lookalike.images.decode import luma_of, pixel_digest
from lookalike.index.blocks import block_distances, blocks_of, nearest_rows
from lookalike.index.distances import check_metric
from lookalike.ingest.ingest import remembered_images
from lookalike.matching.settle import counts_alone
from lookalike.matching.verifier import Evidence
from lookalike.model.errors import ConfigError
from lookalike.model.protocols import Descriptor
from lookalike.runtime.progress import Progress
from lookalike.search.query import Query, Question, read_query
from lookalike.sources.reading import read_again
from lookalike.store import Collection, Ranking
from lookalike.systems.space import Space, fit_space, load_views
from lookalike.systems.voting import Voted, vote
from lookalike.types import Answer, Containment, Hit, ImageRef, IntArray, Tier, Verification
from lookalike.verification.confidence import confidence_of
from lookalike.verification.side import Side, describe_side
from lookalike.verification.whole_frame import agree, explain_whole_frames

__all__ = [
    "Question",
    "Searchable",
    "as_system",
    "open_searchable",
    "search_collection",
    "search_in",
]

_VERIFIED = 32
_BALLOT = 5
_VOTERS = ("euclidean", "manhattan", "cosine", "minkowski", "dice")
_RANK: Mapping[Tier, int] = {"exact": 0, "pixel": 1, "copy": 2, "similar": 3}


@dataclass(frozen=True, slots=True)
class _Near:
    """An image that a descriptor ranks among the nearest."""

    sha: str
    distance: float
    metric: str
    votes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Evidence of a copy, and in how many bits the hashes of whole frames differ."""

    seen: Verification
    bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Searchable:
    """A collection that is ready for searches, until something is added to it.

    Attributes:
        collection: open; searches run in its thread.
        config: the cascade or the published system that ranks.
        images: every image file, by path.
        first: one image a content, by SHA-256.
        progress: called with (stage, done, total).
        space: descriptors of all contents.
    """

    collection: Collection
    config: RunConfig
    images: list[ImageRef]
    first: dict[str, ImageRef]
    progress: Progress
    space: Space


def search_collection(
    question: Question, collection: Collection, config: RunConfig, *, progress: Progress
) -> Answer:
    """The ``k`` images of a collection nearest to a picture.

    Args:
        question: what is asked.
        collection: what to search; what it still lacks is described first.
        config: the cascade, which puts verified copies first, or a published system, which
            ranks by its distances alone.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: a query that cannot be read, an empty collection, or wrong settings.
    """
    names = _metrics(config, question)
    query = read_query(question, config)
    return _answer(question, names, query, open_searchable(collection, config, progress=progress))


def open_searchable(collection: Collection, config: RunConfig, *, progress: Progress) -> Searchable:
    """Make a collection ready for any number of searches; what it still lacks is described.

    Raises:
        ConfigError: an empty collection, or wrong settings.
    """
    images = remembered_images(collection)
    first: dict[str, ImageRef] = {}
    for image in images:
        first.setdefault(image.sha256, image)
    evidence = Evidence(first, collection, _cascade(config), progress)
    there = {*evidence.hash_again(list(first))}
    images = [image for image in images if image.sha256 in there]
    first = {sha: image for sha, image in first.items() if sha in there}
    system, descriptors = as_system(config)
    space = fit_space(system, descriptors, list(first), collection, evidence.embed, refit=False)
    return Searchable(collection, config, images, first, progress, space)


def search_in(question: Question, searchable: Searchable) -> Answer:
    """As ``search_collection``, of a collection that is ready.

    Raises:
        ConfigError: a query that cannot be read, or wrong settings.
    """
    names = _metrics(searchable.config, question)
    return _answer(question, names, read_query(question, searchable.config), searchable)


def _answer(
    question: Question, names: Sequence[str], query: Query, searchable: Searchable
) -> Answer:
    config, collection, space = searchable.config, searchable.collection, searchable.space
    first, asking = searchable.first, _cascade(config)
    # a new one each time: it holds on to all that it reads
    evidence = Evidence(first, collection, asking, searchable.progress)
    near = _ranked(space, query, question, names)
    if isinstance(config, FindConfig):
        near = _with_hash_candidates(near, query, collection, asking, space)
    judged = _judged(near, query, evidence, collection, asking)
    hits = [_hit(item, first[item.sha], judged.get(item.sha), query, asking) for item in near]
    if isinstance(config, FindConfig):
        hits.sort(key=lambda hit: _RANK[hit.tier])
    own = hashlib.sha256(query.data).hexdigest()
    return Answer(
        query=query.path,
        searched=len(searchable.images),
        in_set=tuple(image.path for image in searchable.images if image.sha256 == own),
        hits=tuple(_with_twins(hits, searchable.images)[: question.k]),
        containments=_contained(
            query, first, Inside(collection, asking, evidence, searchable.progress)
        )
        if question.inside
        else (),
    )


def _contained(
    query: Query, images: Mapping[str, ImageRef], inside: Inside
) -> tuple[Containment, ...]:
    """Where the query lies in images of the collection, and where they lie in it."""
    small, large = query.reduced(INSET_KIND.min_side), query.reduced(PAGE_MIN_SIDE)
    others = {sha: image for sha, image in images.items() if sha != query.sha256}
    return inside.around(Asked(query.path, small, large), others)


def _cascade(config: RunConfig) -> FindConfig:
    """What judges the hits: the cascade's own settings, or its defaults for another system."""
    return config if isinstance(config, FindConfig) else FindConfig(threads=config.threads)


def _metrics(config: RunConfig, question: Question) -> tuple[str, ...]:
    """Which distances rank: those asked for, the recipe's, or none but the descriptor's own."""
    if question.k < 1:
        raise ConfigError("no hits are wanted", got=f"k = {question.k}", expected="1 or more")
    for name in question.metrics:
        check_metric(name)
    if len(question.metrics) > 1 and not question.voting:
        raise ConfigError(
            "several metrics rank differently",
            got=", ".join(question.metrics),
            remedy="add --vote, or name one",
        )
    if question.metrics:
        return question.metrics
    if isinstance(config, SystemConfig) and config.metrics:
        return config.metrics
    return _VOTERS if question.voting else ()


def as_system(config: RunConfig) -> tuple[SystemConfig, tuple[Descriptor, ...]]:
    """A cascade ranks by its embedding, or by PDQ where it uses none."""
    if isinstance(config, FindConfig):
        if config.effort == "fast":
            view = ViewConfig("pdq", max_distance=config.hashes.max_distance)
        else:
            view = ViewConfig(config.embedding.model, config.embedding.max_distance)
        config = SystemConfig(
            views=(view,),
            turns=8 if config.effort == "fast" else 1,
            decode=config.decode,
            threads=config.threads,
        )
    assert isinstance(config, SystemConfig)
    return config, load_views(config)


def _ranked(space: Space, query: Query, question: Question, metrics: Sequence[str]) -> list[_Near]:
    """The nearest by the space's distance, by one metric, or by the votes of several."""
    count = max(question.k, _VERIFIED)
    rows = [
        view.row_of(
            np.asarray(view.descriptor.describe(query.reduced(view.descriptor.min_side)))[None]
        )
        for view in space.views
    ]
    view = space.views[0]
    if metrics:
        if view.metric == "hamming" or view.turns > 1:
            raise ConfigError("metrics rank one descriptor of numbers", got=view.config.descriptor)
        ballot = max(question.k, _BALLOT) if len(metrics) > 1 else count
        ballots = {
            name: _nearest(space, nearest_rows(rows[0], view.rows, ballot, name, p=view.config.p))
            for name in metrics
        }
        ranked = vote(ballots) if len(metrics) > 1 else _plain(ballots[metrics[0]], metrics[0])
        name = "vote" if len(metrics) > 1 else metrics[0]
        return [_Near(space.shas[v.item], v.distance, name, v.by) for v in ranked[:count]]
    there = _ranked_there(space, rows[0], count)
    if there is None:
        parts = [space.between(rows, block)[0] for block in blocks_of(space.widest)]
        distance = np.concatenate(parts) if parts else np.empty(0, np.float32)
        there = np.arange(len(distance))
    else:
        distance = view.distances(rows[0], view.rows[there])[0]
    order = np.argsort(distance, kind="stable")[:count]
    name = "+".join(f"{v.config.descriptor} {v.metric}" for v in space.views)
    return [_Near(space.shas[there[n]], float(distance[n]), name, {}) for n in order.tolist()]


def _ranked_there(space: Space, row: NDArray[Any], count: int) -> IntArray | None:
    """Numbers of the nearest rows, ascending, if the collection itself can tell.

    It also ranks contents whose files are gone.
    """
    view, collection = space.views[0], space.collection
    is_plain = len(space.views) == 1 and view.turns == 1 and view.reduction is None
    stored = base_of(view.descriptor) is view.descriptor and view.metric == "cosine"
    if not isinstance(collection, Ranking) or not is_plain or not stored:
        return None
    number = {sha: n for n, sha in enumerate(space.shas)}
    asked = count
    while True:
        near = collection.nearest(view.descriptor.spec, row[0], asked)
        if near is None:
            return None
        found = [number[sha] for sha in near if sha in number]
        if len(found) >= count or len(near) < asked:
            return np.array(sorted(found), np.int64)
        asked *= 4


def _nearest(space: Space, found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, float]]:
    best, near = found
    return list(zip(best[0].tolist(), near[0].tolist(), strict=True))


def _plain(ballot: Sequence[tuple[int, float]], name: str) -> list[Voted]:
    """One metric's ranking in the form of a vote."""
    return [
        Voted(item, 1, float(place), distance, {name: place})
        for place, (item, distance) in enumerate(ballot, start=1)
    ]


def _with_hash_candidates(
    near: list[_Near],
    query: Query,
    collection: Collection,
    config: FindConfig,
    space: Space,
) -> list[_Near]:
    """Also what the hash finds in any orientation, which a network may rank far down."""
    known = {item.sha for item in near}
    turns = describe_hashes(query.reduced(config.decode.min_side)).pdq.reshape(
        len(ORIENTATIONS), -1
    )
    stored = collection.stored(PDQ_SPEC, space.shas)
    more = []
    for block in blocks_of(stored):
        upright = np.ascontiguousarray(stored[block][:, :32])
        bits = block_distances(turns, upright, "hamming").min(axis=0)
        for n in np.flatnonzero(bits <= config.hashes.max_distance).tolist():
            sha = space.shas[block.start + n]
            if sha not in known:
                more.append(_Near(sha, float(bits[n]), "pdq hamming", {}))
    return [*near, *sorted(more, key=lambda item: (item.distance, item.sha))[:_VERIFIED]]


def _judged(
    near: Sequence[_Near],
    query: Query,
    evidence: Evidence,
    collection: Collection,
    config: FindConfig,
) -> dict[str, _Judged]:
    """Which of the nearest show the query's pixels: whole frames by thumbs, then keypoints."""
    shas = [item.sha for item in near]
    found = _whole_frames(shas, query, evidence, collection, config)
    kind = KINDS["sift"]
    picture = query.reduced(kind.min_side)
    size = (picture.width, picture.height)
    side = Side.from_rows(*size, *describe_side(luma_of(picture), size, kind))
    seen = evidence.verify_query(side, [sha for sha in shas if sha not in found], kind)
    found |= {sha: _Judged(v) for sha, v in seen.items() if counts_alone(v, config.settle)}
    return found


def _whole_frames(
    shas: Sequence[str],
    query: Query,
    evidence: Evidence,
    collection: Collection,
    config: FindConfig,
) -> dict[str, _Judged]:
    """Whole frames whose hash is near in some orientation and whose thumbs agree."""
    own = describe_hashes(query.reduced(config.decode.min_side))
    thumbs = np.concatenate([own.thumb[None], collection.rows(THUMB_SPEC, shas)])
    upright = np.ascontiguousarray(collection.rows(PDQ_SPEC, shas)[:, :32])
    bits = block_distances(own.pdq.reshape(len(ORIENTATIONS), -1), upright, "hamming")
    near = np.flatnonzero(bits.min(axis=0) <= config.hashes.max_distance)
    turn = bits.argmin(axis=0)[near]
    agreement = agree(thumbs, np.zeros_like(near), near + 1, turn, threads=config.threads)
    picture = query.picture
    asking = ImageRef("", "", "", 0, picture.width, picture.height, picture.format)
    others = [evidence.image(shas[n]) for n in near.tolist()]
    sizes = np.array([(image.width, image.height) for image in others], np.int64).reshape(-1, 2)
    stretches = stretches_of(np.array([[picture.width, picture.height]]), sizes, turn)
    kept = np.flatnonzero(agreement.accepted(config.hashes, stretches))
    refs = [others[n] for n in kept.tolist()]
    seen = explain_whole_frames([asking] * len(refs), refs, turn[kept], agreement.take(kept))
    least = bits.min(axis=0)[near[kept]].tolist()
    return {ref.sha256: _Judged(v, b) for ref, v, b in zip(refs, seen, least, strict=True)}


def _hit(
    item: _Near, image: ImageRef, judged: _Judged | None, query: Query, config: FindConfig
) -> Hit:
    tier: Tier = "copy" if judged else "similar"
    if item.sha == query.sha256:
        tier, judged = "exact", None
    elif query.sha256 and judged and _same_pixels(image, query, config):
        tier, judged = "pixel", None
    seen = judged.seen if judged else None
    confidence = confidence_of(tier, seen, judged.bits if judged else 0.0)
    return Hit(image, tier, round(item.distance, 6), item.metric, seen, item.votes, confidence)


def _same_pixels(image: ImageRef, query: Query, config: FindConfig) -> bool:
    try:
        other = read_again(image.path)
    except OSError:
        return False
    digest = pixel_digest(query.path, query.data, config.decode)
    return isinstance(digest, str) and digest == pixel_digest(image.path, other, config.decode)


def _with_twins(hits: Sequence[Hit], images: Sequence[ImageRef]) -> list[Hit]:
    """Every file of a content in its place."""
    files: dict[str, list[ImageRef]] = {}
    for image in images:
        files.setdefault(image.sha256, []).append(image)
    return [replace(hit, image=image) for hit in hits for image in files[hit.image.sha256]]
