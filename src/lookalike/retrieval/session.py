"""Search a collection: rank, then say of every hit how it is related."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookalike.config import RunConfig
from lookalike.containment.find import Asked, Inside
from lookalike.containment.inset import INSET_KIND, PAGE_MIN_SIDE
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import remembered_images
from lookalike.matching.verifier import Verifier
from lookalike.methods import method_of
from lookalike.model.answer import Answer
from lookalike.model.image import ImageRef
from lookalike.model.match import Containment
from lookalike.retrieval.hits import RANK, hit, judged, with_twins
from lookalike.retrieval.query import Query, Question, read_query
from lookalike.retrieval.query_frames import QueryFrames
from lookalike.retrieval.rank import metrics, ranked, with_hash_candidates
from lookalike.runtime.progress import Progress
from lookalike.store import Collection
from lookalike.systems.space import Space, fit_space, load_views

__all__ = ["Searchable", "open_searchable", "search_collection", "search_in"]


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
    """Find the ``k`` images of a collection nearest to a picture.

    Args:
        question: what is asked.
        collection: what to search; what it still lacks is described first.
        config: the cascade, which puts verified copies first, or a published system, which
            ranks by its distances alone.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: a query that cannot be read, an empty collection, or wrong settings.
    """
    names = metrics(method_of(config).ranking, question)
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
    method = method_of(config)
    describer = Describer(first, collection, method.judging, progress)
    there = {*describer.hash_again(list(first))}
    images = [image for image in images if image.sha256 in there]
    first = {sha: image for sha, image in first.items() if sha in there}
    system = method.ranking
    descriptors = load_views(system)
    space = fit_space(system, descriptors, list(first), collection, describer.embed, refit=False)
    return Searchable(collection, config, images, first, progress, space)


def search_in(question: Question, searchable: Searchable) -> Answer:
    """Search a collection that is ready; else as ``search_collection``.

    Raises:
        ConfigError: a query that cannot be read, or wrong settings.
    """
    names = metrics(method_of(searchable.config).ranking, question)
    return _answer(question, names, read_query(question, searchable.config), searchable)


def _answer(
    question: Question, names: Sequence[str], query: Query, searchable: Searchable
) -> Answer:
    config, space = searchable.config, searchable.space
    first, asking = searchable.first, method_of(config).judging
    describer = Describer(first, searchable.collection, asking, searchable.progress)
    verifier = Verifier(describer, asking)
    near = ranked(space, query, question, names)
    frames = QueryFrames(query, describer, asking)
    if config.verifies:
        near = with_hash_candidates(near, frames, space)
    evidence_of = judged(near, query, verifier, frames, asking)
    hits = [hit(item, evidence_of.get(item.sha), query, describer) for item in near]
    if config.verifies:
        hits.sort(key=lambda hit: RANK[hit.tier])
    own = hashlib.sha256(query.data).hexdigest()
    return Answer(
        query=query.path,
        searched=len(searchable.images),
        in_set=tuple(image.path for image in searchable.images if image.sha256 == own),
        hits=tuple(with_twins(hits, searchable.images)[: question.k]),
        containments=_contained(query, first, Inside(describer, asking)) if question.inside else (),
    )


def _contained(
    query: Query, images: Mapping[str, ImageRef], inside: Inside
) -> tuple[Containment, ...]:
    """Find where the query lies in images of the collection, and where they lie in it."""
    small, large = query.reduced(INSET_KIND.min_side), query.reduced(PAGE_MIN_SIDE)
    others = {sha: image for sha, image in images.items() if sha != query.sha256}
    return inside.around(Asked(query.path, small, large), others)
