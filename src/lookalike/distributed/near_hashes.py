"""Find near hashes among all contents: by products of blocks, or by buckets of their pieces.

Both give exactly the pairs of ``matching.candidates.hash_pairs``. A product compares everything
with everything, hundreds of millions of pairs a second. Buckets (multi-index hashing, Norouzi,
Punjani and Fleet 2012) compare only hashes with a near piece: of two hashes within d bits, cut into
m pieces, one piece differs in at most ⌊d/m⌋ bits. At 48 bits buckets are faster from some millions
of contents on; at fewer bits, far sooner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from lookalike.descriptors.hashes import ORIENTATIONS, PDQ_SPEC
from lookalike.distributed.layout import Layout
from lookalike.distributed.rows import Span, fixed_rows, runs
from lookalike.distributed.session import Tasks
from lookalike.distributed.work import Work
from lookalike.matching.candidates import HashPairs, closest_turns, hash_pairs
from lookalike.model.arrays import IntArray, UInt8Array

__all__ = ["Pieces", "find_near_hashes", "hashes_between", "plan_pieces"]

_BITS, _KEY_BITS, _MOST_DIFFERENCES = 256, 62, 100_000
_TURNS = len(ORIENTATIONS)
_LOOK_UP = 4.0
_AT_ONCE = 2_000_000
_ROWS = 400_000


@dataclass(frozen=True, slots=True)
class Pieces:
    """How hashes are cut into pieces.

    Attributes:
        distance: differing bits of 256, inclusive.
        count: pieces.
    """

    distance: int
    count: int

    @property
    def radius(self) -> int:
        """Most bits in which the nearest pieces of two near hashes differ."""
        return self.distance // self.count

    def bounds(self, piece: int) -> tuple[int, int]:
        """First bit of a piece, and the bit after its last."""
        return piece * _BITS // self.count, (piece + 1) * _BITS // self.count

    def width(self, piece: int) -> int:
        """Bits of a piece."""
        start, end = self.bounds(piece)
        return end - start

    def keys(self, hashes: UInt8Array, piece: int) -> IntArray:
        """Extract one piece of ``(n, 32)`` hashes as ``(n,)`` numbers."""
        start, end = self.bounds(piece)
        bits = np.unpackbits(hashes, axis=1)[:, start:end].astype(np.int64)
        return bits @ (1 << np.arange(end - start, dtype=np.int64)[::-1])

    def masks(self, piece: int) -> IntArray:
        """List every difference of at most ``radius`` bits of a piece."""
        start, end = self.bounds(piece)
        return np.array(
            [
                sum(1 << bit for bit in bits)
                for some in range(self.radius + 1)
                for bits in combinations(range(end - start), some)
            ],
            np.int64,
        )


def plan_pieces(count: int, distance: int, crossover: float) -> Pieces | None:
    """Choose the cheapest way to cut hashes; None where a product of all with all is cheaper.

    Args:
        count: contents.
        distance: differing bits of 256, inclusive.
        crossover: comparisons in a product that take as long as one in a bucket.
    """
    best, least = None, count * count / 2 if crossover else np.inf
    for pieces in range(1, distance + 2):
        width = -(-_BITS // pieces)
        differences = sum(comb(width, bits) for bits in range(distance // pieces + 1))
        if width > _KEY_BITS or differences > _MOST_DIFFERENCES:
            continue
        met = min(1.0, pieces * differences / 2 ** (width - 1)) * count * count / 2
        cost = (crossover or 1.0) * (met + _LOOK_UP * pieces * differences * count)
        if cost < least:
            best, least = Pieces(distance, pieces), cost
    return best


def find_near_hashes(
    tasks: Tasks, work: Work, spans: Sequence[Span], distance: int, layout: Layout
) -> HashPairs:
    """Find every pair within ``distance`` bits in any of 8 orientations.

    Args:
        tasks: run the work.
        work: holds the hashes.
        spans: places of the hashes, ascending.
        distance: differing bits of 256, inclusive.
        layout: how the work is cut.
    """
    some = list(runs(spans, layout.block))
    held = [pieces[0] for pieces in tasks.scatter(_hashes, [(work, run) for run in some], 1)]
    plan = plan_pieces(sum(len(span.rows) for span in spans), distance, layout.crossover)
    if plan is None:
        corners = [
            (held[a], held[b], distance, a == b)
            for a in range(len(held))
            for b in range(a, len(held))
        ]
        found = tasks.each(_product, corners)
    else:
        found = _by_buckets(tasks, held, plan)
    columns = [np.empty((4, 0), np.int64), *found]
    return closest_turns(np.concatenate(columns, axis=1))


def hashes_between(
    tasks: Tasks, work: Work, asked: Sequence[Sequence[Span]], distance: int, layout: Layout
) -> HashPairs:
    """Find near hashes between queries and refs, block by block.

    Args:
        tasks: run the work.
        work: holds the hashes.
        asked: places of the hashes of the queries, and of the refs.
        distance: differing bits of 256, inclusive.
        layout: how the work is cut.
    """
    queries, refs = (
        [pieces[0] for pieces in tasks.scatter(_hashes, [(work, run) for run in some], 1)]
        for some in (list(runs(spans, layout.block)) for spans in asked)
    )
    found = tasks.each(_product, [(a, b, distance, False) for a in queries for b in refs])
    return closest_turns(np.concatenate([np.empty((4, 0), np.int64), *found], axis=1))


Block = tuple[UInt8Array, IntArray]


def _hashes(work: Work, spans: Sequence[Span]) -> list[Block]:
    """Read hashes ``(n, 8, 32)`` of some contents, and their places."""
    rows, places = fixed_rows(work, spans, "pdq", PDQ_SPEC.row_width)
    return [(rows.reshape(len(rows), _TURNS, -1), places)]


def _product(queries: Block, refs: Block, distance: int, is_same: bool) -> IntArray:
    """Find near pairs of two blocks: ``(4, k)`` query, ref, orientation and bits."""
    near = hash_pairs(queries[0], queries[0] if is_same else refs[0], distance)
    return np.stack([queries[1][near.query], refs[1][near.ref], near.turn, near.bits])


def _by_buckets(tasks: Tasks, held: Sequence[object], plan: Pieces) -> Iterator[IntArray]:
    """Find near pairs piece by piece, each pair only at its first near piece.

    A bucket that very many hashes share is spread over several parts, and so over several tasks.
    """
    known = list(tasks.each(_count, [(block,) for block in held]))
    bits = max(0, (sum(known) // _ROWS).bit_length())
    parts = 1 << bits
    keyed = tasks.scatter(_keyed, [(plan, bits, block) for block in held], 1 + plan.count * parts)
    sizes = list(tasks.each(_itself, [(pieces[0],) for pieces in keyed]))
    for number in range(plan.count * parts):
        rows = [
            (pieces[1 + number], int(size[number]))
            for pieces, size in zip(keyed, sizes, strict=True)
        ]
        refs = [_sorted_refs(tasks, some) for some in _bounded(rows)]
        asked = ((plan, bits, divmod(number, parts), block, ref) for ref in refs for block in held)
        yield from tasks.each(_joined, asked)


def _bounded(rows: Sequence[tuple[object, int]]) -> Iterator[list[object]]:
    """Put pieces together, as long as they hold no more than a task should."""
    some: list[object] = []
    held = 0
    for piece, size in rows:
        if some and held + size > _ROWS:
            yield some
            some, held = [], 0
        some.append(piece)
        held += size
    yield some


def _sorted_refs(tasks: Tasks, pieces: Sequence[object]) -> object:
    return tasks.scatter(_merged, [tuple(pieces)], 1)[0][0]


def _count(block: Block) -> int:
    return len(block[1])


def _itself(value: IntArray) -> IntArray:
    return value


def _keyed(plan: Pieces, bits: int, block: Block) -> list[object]:
    """Sort upright hashes by the first ``bits`` of each piece, with counts first."""
    upright, places = np.ascontiguousarray(block[0][:, 0]), block[1]
    found: list[object] = []
    for piece in range(plan.count):
        keys = plan.keys(upright, piece)
        part = keys >> (plan.width(piece) - bits)
        for number in range(1 << bits):
            here = part == number
            found.append((keys[here], upright[here], places[here]))
    return [np.array([len(refs[2]) for refs in found]), *found]  # type: ignore[index]


Refs = tuple[IntArray, UInt8Array, IntArray]


def _merged(*pieces: Refs) -> list[Refs]:
    keys, hashes, places = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.argsort(keys, kind="stable")
    return [(keys[order], hashes[order], places[order])]


def _joined(
    plan: Pieces, bits: int, bucket: tuple[int, int], queries: Block, refs: Refs
) -> IntArray:
    """Find near pairs ``(4, k)`` of a block, in any orientation, and a part of one piece."""
    piece, part = bucket
    found = [np.empty((4, 0), np.int64)]
    for turn in range(_TURNS):
        hashes = np.ascontiguousarray(queries[0][:, turn])
        keys = plan.keys(hashes, piece)
        prefix = keys >> (plan.width(piece) - bits)
        for mask in plan.masks(piece).tolist():
            # with this difference the key falls into this part
            asking = np.flatnonzero(prefix == (part ^ (mask >> (plan.width(piece) - bits))))
            start = np.searchsorted(refs[0], keys[asking] ^ mask)
            end = np.searchsorted(refs[0], keys[asking] ^ mask, side="right")
            for rows, others in _expanded(asking, start, end):
                above = queries[1][rows] < refs[2][others]
                rows, others = rows[above], others[above]
                near, differing = _near(plan, piece, hashes[rows], refs[1][others])
                pair = queries[1][rows[near]], refs[2][others[near]]
                found.append(np.stack([*pair, np.full(len(near), turn), differing]))
    return np.concatenate(found, axis=1)


def _expanded(
    asking: IntArray, start: IntArray, end: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield every (query, ref) of ranges of refs, a bounded number at a time."""
    asking, start, end = (column[end > start] for column in (asking, start, end))
    while len(asking):
        total = np.cumsum(end - start)
        some = max(1, int(np.searchsorted(total, _AT_ONCE, side="right")))
        sizes = np.minimum(end[:some] - start[:some], _AT_ONCE)
        offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(asking[:some], sizes), np.repeat(start[:some], sizes) + offset
        start = np.concatenate([start[:some] + sizes, start[some:]])
        asking, start, end = (column[end > start] for column in (asking, start, end))


def _near(
    plan: Pieces, piece: int, hashes: UInt8Array, others: UInt8Array
) -> tuple[IntArray, IntArray]:
    """Select pairs that are near and met at no earlier piece, with their differing bits."""
    different = hashes ^ others
    words = np.ascontiguousarray(different).view(np.uint64)
    count = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    near = np.flatnonzero(count <= plan.distance)
    bits = np.unpackbits(different[near], axis=1)
    fresh = np.ones(len(near), bool)
    for earlier in range(piece):
        start, end = plan.bounds(earlier)
        fresh &= bits[:, start:end].sum(axis=1, dtype=np.int64) > plan.radius
    return near[fresh], count[near[fresh]]
