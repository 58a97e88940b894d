"""Answer what the cascade asks about contents by tasks of a cluster."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.config import FindConfig
from lookalike.descriptors.hashes import THUMB_SPEC
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.distributed.components import component_labels
from lookalike.distributed.embeddings import (
    describe_embeddings,
    find_near_embeddings,
    known_embeddings,
)
from lookalike.distributed.layout import Layout
from lookalike.distributed.near_hashes import find_near_hashes, hashes_between
from lookalike.distributed.rows import Place, fixed_rows, runs, spans_of
from lookalike.distributed.session import Tasks
from lookalike.distributed.shards import describe_sides, pixel_digests
from lookalike.distributed.verifying import Asked, Seat, verify_pairs
from lookalike.distributed.votes import find_votes
from lookalike.distributed.work import Work, digest
from lookalike.index.local import Votes
from lookalike.matching.candidates import (
    HashPairs,
    have_equal_thumbs,
    vote_settings,
)
from lookalike.matching.match_graph import Pair
from lookalike.model.arrays import BoolArray, FloatArray, IntArray, UInt8Array
from lookalike.model.image import ImageRef
from lookalike.model.match import Verification
from lookalike.model.protocols import Descriptor
from lookalike.runtime.progress import Progress
from lookalike.verification.side import PLANE_SPEC
from lookalike.verification.whole_frame import ThumbAgreement, agree

__all__ = ["ClusterStages", "Known"]

_PAIRS, _FILES, _EDGES = 20_000, 64, 1_000_000


@dataclass(slots=True)
class Known:
    """What the driver knows of contents, by SHA-256: a few numbers each, no pixels.

    Attributes:
        images: one image a content.
        hashes: places of hashes and thumbs.
        sides: by kind of keypoints, the place of keypoints and plane, and how many keypoints; None
            for contents that cannot be read.
    """

    images: dict[str, ImageRef]
    hashes: dict[str, Place]
    sides: dict[str, dict[str, tuple[Place, int] | None]] = field(default_factory=dict)


class ClusterStages:
    """Implements ``matching.candidates.Stages`` by tasks of a cluster.

    Args:
        tasks: run the work.
        work: holds what tasks made.
        known: places of descriptors.
        config: settings.
        layout: how the work is cut.
        progress: called with (stage, done, total).
    """

    def __init__(
        self,
        tasks: Tasks,
        work: Work,
        known: Known,
        config: FindConfig,
        *,
        layout: Layout,
        progress: Progress,
    ) -> None:
        self._tasks = tasks
        self._work = work
        self._known = known
        self._config = replace(config, threads=1)
        self._layout = layout
        self._progress = progress
        self._embedded: dict[str, Place] = {}
        self._done = 0
        self._thumbs: tuple[Sequence[str], list[Any], IntArray] | None = None
        self.apart: Iterable[Pair] = ()

    def near_hashes(self, shas: Sequence[str]) -> HashPairs:
        """Find pairs of near hashes among all contents."""
        spans = spans_of(shas, self._known.hashes)
        distance = self._config.hashes.max_distance
        return find_near_hashes(self._tasks, self._work, spans, distance, self._layout)

    def hashes_between(self, queries: Sequence[str], refs: Sequence[str]) -> HashPairs:
        """Find pairs of near hashes between two sets of contents."""
        spans = (spans_of(shas, self._known.hashes) for shas in (queries, refs))
        distance = self._config.hashes.max_distance
        return hashes_between(self._tasks, self._work, (*spans,), distance, self._layout)

    def thumbs(self, shas: Sequence[str]) -> UInt8Array:
        """Read thumbs of some contents, in the driver."""
        spans = spans_of(shas, self._known.hashes)
        rows, places = fixed_rows(self._work, spans, "thumb", THUMB_SPEC.row_width)
        return rows[np.argsort(places)]

    def equal_thumbs(self, shas: Sequence[str], query: IntArray, ref: IntArray) -> BoolArray:
        """Find pairs of equal thumbs."""
        found = np.empty(len(query), np.bool_)
        for rows, made in self._by_thumbs(shas, _equality, query, ref):
            found[rows] = made
        return found

    def thumb_agreement(
        self, shas: Sequence[str], query: IntArray, ref: IntArray, turn: IntArray
    ) -> ThumbAgreement:
        """Compare the thumbs of pairs where they lie."""
        every: list[ThumbAgreement] = []
        order = [np.empty(0, np.int64)]
        for rows, made in self._by_thumbs(shas, _agreement, query, ref, turn):
            order.append(rows)
            every.append(made)
        if not every:
            return agree(np.empty((0, THUMB_SPEC.row_width), np.uint8), query, ref, turn)
        names = ThumbAgreement.__slots__
        columns = (np.concatenate([getattr(one, name) for one in every]) for name in names)
        whole = ThumbAgreement(*columns)
        return whole.take(np.argsort(np.concatenate(order), kind="stable"))

    def _by_thumbs(
        self, shas: Sequence[str], work: Any, query: IntArray, ref: IntArray, *more: IntArray
    ) -> Iterator[tuple[IntArray, Any]]:
        """Yield rows of pairs grouped by blocks of thumbs, with what ``work`` makes of them."""
        if not len(query):
            return
        blocks, ends = self._held_thumbs(shas)
        home = np.searchsorted(ends, query, side="right"), np.searchsorted(ends, ref, side="right")
        order = np.lexsort(home[::-1])
        corner = (home[0] * len(blocks) + home[1])[order]
        starts = np.flatnonzero(np.r_[True, corner[1:] != corner[:-1]])
        every = []
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            every += [order[at : min(at + _PAIRS, end)] for at in range(start, end, _PAIRS)]
        asked = (
            (
                blocks[home[0][rows[0]]],
                blocks[home[1][rows[0]]],
                query[rows],
                ref[rows],
                *(column[rows] for column in more),
            )
            for rows in every
        )
        yield from zip(every, self._tasks.each(work, asked), strict=True)

    def _held_thumbs(self, shas: Sequence[str]) -> tuple[list[Any], IntArray]:
        """Load thumbs in blocks that stay on the cluster, with the place after the last of each."""
        if self._thumbs is None or self._thumbs[0] is not shas:
            some = list(runs(spans_of(shas, self._known.hashes), self._layout.block))
            held = self._tasks.scatter(_thumbs, [(self._work, run) for run in some], 1)
            ends = np.cumsum([sum(len(span.rows) for span in run) for run in some])
            self._thumbs = shas, [pieces[0] for pieces in held], ends
        _, blocks, ends = self._thumbs
        return blocks, ends

    def pixel_digests(self, shas: Sequence[str]) -> dict[str, str]:
        """Digest full-size pixels by tasks; contents that cannot be read are left out."""
        chunks = [list(shas[at : at + _FILES]) for at in range(0, len(shas), _FILES)]
        images = self._known.images
        asked = (([images[sha].path for sha in some], self._config) for some in chunks)
        found: dict[str, str] = {}
        for some, digests in zip(chunks, self._tasks.each(pixel_digests, asked), strict=True):
            found |= {sha: made for sha, made in zip(some, digests, strict=True) if made}
        return found

    def embed(self, network: Descriptor, shas: Sequence[str]) -> list[str]:
        """Have embeddings made by actors that hold the network."""
        embedding = self._config.embedding
        if not self._embedded:
            self._embedded = known_embeddings(self._tasks, self._work, network.spec, embedding)
        missing = [self._known.images[sha] for sha in shas if sha not in self._embedded]
        if missing:
            made = describe_embeddings(
                self._tasks, self._work, missing, network, self._config, layout=self._layout
            )
            for done, (sha, place) in enumerate(made, start=1):
                self._embedded[sha] = place
                self._progress("embed", done, len(missing))
        return [sha for sha in shas if sha in self._embedded]

    def near_embeddings(
        self, network: Descriptor, shas: Sequence[str]
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find pairs of near embeddings, within cells."""
        spans = spans_of(shas, self._embedded)
        most = self._config.embedding.max_distance
        return find_near_embeddings(self._tasks, self._work, spans, most, self._layout)

    def votes(self, shas: Sequence[str], kind: KeypointKind, min_votes: int) -> tuple[Votes, Votes]:
        """Count votes of shared keypoints for pairs."""
        self._have_sides(shas, kind)
        sides = self._known.sides[kind.name]
        where = {sha: side[0] for sha in shas if (side := sides[sha])}
        counts = [side[1] if (side := sides[sha]) else 0 for sha in shas]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        local = self._config.local
        settings = vote_settings(local, kind, int(starts[-1]), min_votes)
        places = [place for place, sha in enumerate(shas) if sha in where]
        spans = [
            span._replace(places=np.array(places, np.int64)[span.places])
            for span in spans_of([shas[place] for place in places], where)
        ]
        return find_votes(self._tasks, self._work, spans, starts, settings, mirrored=local.mirrored)

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Verify pairs by tasks, remembering verdicts in the work folder."""
        self._have_sides(sorted({sha for pair in pairs for sha in pair}), kind)
        sides = self._known.sides[kind.name]
        found: dict[Pair, Verification | None] = dict.fromkeys(pairs)
        there = [(m, pair) for pair, m in pairs.items() if sides[pair[0]] and sides[pair[1]]]
        # pairs whose sides lie near one another go to one task
        there.sort(key=lambda one: (one[0], *(self._seat(sha, kind).place for sha in one[1])))
        chunks: list[tuple[bool, list[Pair]]] = []
        for mirrored, some in groupby(there, key=lambda one: one[0]):
            every = [pair for _, pair in some]
            size = self._chunk(len(every))
            chunks += [(mirrored, every[at : at + size]) for at in range(0, len(every), size)]
        tasks = (
            (self._work, self._asked(some, kind, mirrored=mirrored), self._config.verify, kind)
            for mirrored, some in chunks
        )
        judged = self._tasks.each(verify_pairs, tasks)
        for (_, asked), verdicts in zip(chunks, judged, strict=True):
            found |= zip(asked, verdicts, strict=True)
            self._done += len(asked)
            self._progress("verify", self._done, self._done)
        return found

    def components(self, nodes: Iterable[str], pairs: Sequence[Pair]) -> list[list[str]]:
        """Find components: in memory while the edges fit, beyond that by tasks over shards."""
        ordered = sorted(nodes)
        number = {node: n for n, node in enumerate(ordered)}
        blocks = (
            np.array([(number[a], number[b]) for a, b in pairs[at : at + _EDGES]], np.int64)
            for at in range(0, len(pairs), _EDGES)
        )
        most = self._layout.edges if self._work.is_local else len(pairs)
        folder = Path(self._work.address) / "components" / uuid.uuid4().hex
        labels = component_labels(
            blocks, len(ordered), folder, most_edges=most, execute=self._execute
        ).labels
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1)) if len(order) else order
        parts = np.split(order, starts[1:])
        found = [[ordered[node] for node in part] for part in parts if len(part) > 1]
        if folder.exists():
            shutil.rmtree(folder)
        return found

    def _execute(self, work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        return self._tasks.each(work, ((job,) for job in jobs))

    def _chunk(self, pairs: int) -> int:
        """Choose the number of pairs a task, fewer where some cores would have none."""
        return max(1, min(self._layout.pairs, -(-pairs // self._tasks.cores)))

    def _asked(self, pairs: Sequence[Pair], kind: KeypointKind, *, mirrored: bool) -> Asked:
        shas = sorted({sha for pair in pairs for sha in pair})
        number = {sha: n for n, sha in enumerate(shas)}
        return Asked(
            tuple(self._seat(sha, kind) for sha in shas),
            tuple((number[query], number[ref]) for query, ref in pairs),
            mirrored,
        )

    def _seat(self, sha: str, kind: KeypointKind) -> Seat:
        side, image = self._known.sides[kind.name][sha], self._known.images[sha]
        assert side is not None
        return Seat(sha, side[0], (image.width, image.height))

    def _have_sides(self, shas: Sequence[str], kind: KeypointKind) -> None:
        """Look up keypoints and planes of contents, and have missing ones made."""
        sides = self._known.sides.setdefault(kind.name, {})
        missing = [sha for sha in shas if sha not in sides]
        asked = []
        for span in spans_of(missing, self._known.hashes):
            some = [missing[place] for place in span.places.tolist()]
            images = [self._known.images[sha] for sha in some]
            seats = [(image.path, (image.width, image.height)) for image in images]
            name = digest(kind.spec.key, PLANE_SPEC.key, self._config.decode, some)
            asked.append((some, f"sides/{name}.parquet", seats))
        tasks = ((self._work, name, seats, self._config, kind) for _, name, seats in asked)
        made = self._tasks.each(describe_sides, tasks)
        done = 0
        for (some, name, _), counts in zip(asked, made, strict=True):
            for row, (sha, count) in enumerate(zip(some, counts, strict=True)):
                sides[sha] = None if count is None else (Place(name, row), count)
            done += len(some)
            self._progress("keypoints", done, len(missing))


def _thumbs(work: Work, spans: Any) -> list[tuple[UInt8Array, IntArray]]:
    return [fixed_rows(work, spans, "thumb", THUMB_SPEC.row_width)]


Thumbs = tuple[UInt8Array, IntArray]


def _needed(
    first: Thumbs, second: Thumbs, query: IntArray, ref: IntArray
) -> tuple[UInt8Array, IntArray, IntArray]:
    """Keep only the thumbs of some pairs, and number the pairs by their rows."""
    own, here = np.unique(query, return_inverse=True)
    other, there = np.unique(ref, return_inverse=True)
    parts = [
        thumbs[np.searchsorted(places, some)]
        for (thumbs, places), some in ((first, own), (second, other))
    ]
    return np.concatenate(parts), here, there + len(own)


def _equality(first: Thumbs, second: Thumbs, query: IntArray, ref: IntArray) -> BoolArray:
    thumbs, left, right = _needed(first, second, query, ref)
    return have_equal_thumbs(thumbs, left, right)


def _agreement(
    first: Thumbs, second: Thumbs, query: IntArray, ref: IntArray, turn: IntArray
) -> ThumbAgreement:
    thumbs, left, right = _needed(first, second, query, ref)
    return agree(thumbs, left, right, turn)
