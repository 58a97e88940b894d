"""Find connected components: in memory while the edges fit, beyond that by tasks over shards.

The tasks alternate large-star and small-star (Kiveris, Lattanzi, Mirrokni, Rastogi and
Vassilvitskii, *Connected components in MapReduce and beyond*, SoCC 2014). With ``m(x)`` the least
of ``x`` and the neighbours below it, an edge of ``low`` and ``high`` becomes

- in a large-star: ``m(low)`` and ``high``;
- in a small-star: ``m(high)`` and ``low``, unless ``m(high)`` is ``low``.

Each edge becomes one edge between nodes of the same component. The sum of its two numbers never
grows, and falls whenever the edge changes, so this ends. When nothing changes any more, every
component is a star around its least node. The paper proves O(log² n) rounds for a variant and
conjectures O(log n) for this order.

An edge is packed into one number, so sorting a shard groups it by one end and removes repetitions.
A task needs nothing of the others but ``m`` for one range of nodes. The least neighbour is found
shard by shard first, so a node with a million neighbours is one row of each shard, and its edges
may be spread over many tasks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.clustering.components import label_components
from lookalike.model.arrays import IntArray
from lookalike.model.errors import ConfigError

__all__ = ["Components", "Execute", "ShardSizes", "component_labels", "labels_by_stars"]

Execute = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Calls a function with each of many jobs and gives back what it returns, in their order.

The built-in ``map``, ``pool.map``, or tasks of a cluster whose machines all reach the folder. Jobs
and results are small and picklable. A job may run twice: it writes the same file again.
"""
_Packed = NDArray[np.uint64]
_MOST_NODES = 2**32
_HALF = np.uint64(32)
_LOWER = np.uint64(2**32 - 1)


class Components(NamedTuple):
    """The connected component of every node.

    Attributes:
        labels: ``(nodes,)`` uint32, the least node of each node's component; from shards it is a
            map of ``labels.npy`` in their folder.
        rounds: pairs of a large-star and a small-star; 0 in memory.
    """

    labels: NDArray[np.uint32]
    rounds: int


@dataclass(frozen=True, slots=True)
class ShardSizes:
    """Limits the memory of one task: some 40 bytes an edge and 8 a node.

    Attributes:
        edges: in one task at most.
        nodes: numbers in one range.
    """

    edges: int = 4_000_000
    nodes: int = 16_000_000

    def __post_init__(self) -> None:
        if min(self.edges, self.nodes) < 1:
            raise ConfigError(
                "a shard must hold something",
                got=f"{self.edges} edges, {self.nodes} nodes",
                expected="one or more",
            )


def component_labels(
    edges: Iterable[IntArray],
    nodes: int,
    folder: Path,
    *,
    most_edges: int = 100_000_000,
    execute: Execute = map,
    sizes: ShardSizes | None = None,
) -> Components:
    """Label every node with the least node of its component; the same however it is computed.

    Args:
        edges: blocks ``(k, 2)`` of node numbers, in any order; repetitions and loops are allowed.
        nodes: number of nodes; their numbers are below it.
        folder: for shards, used only beyond ``most_edges``; every worker must reach it.
        most_edges: up to so many edges are done in this process, at about 45 bytes an edge.
        execute: runs the tasks.
        sizes: of the tasks.

    Raises:
        ConfigError: a number out of range, or a folder that is in use.
    """
    held: list[IntArray] = []
    count = 0
    blocks = iter(edges)
    for block in blocks:
        held.append(_checked(block, nodes))
        count += len(block)
        if count > most_edges:
            whole = chain(held, blocks)
            return labels_by_stars(whole, nodes, folder, execute=execute, sizes=sizes)
    together = np.concatenate(held) if held else np.empty((0, 2), np.int64)
    labels = label_components(nodes, together[:, 0], together[:, 1])
    return Components(labels.astype(np.uint32), 0)


def labels_by_stars(
    edges: Iterable[IntArray],
    nodes: int,
    folder: Path,
    *,
    execute: Execute = map,
    sizes: ShardSizes | None = None,
) -> Components:
    """Label components by tasks over shards in a folder.

    Raises:
        ConfigError: a number out of range, or a folder that is in use.
    """
    sizes = sizes or ShardSizes()
    if not 0 <= nodes <= _MOST_NODES:
        raise ConfigError("so many nodes cannot be numbered", got=f"{nodes:,}", expected="0..2^32")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            "this folder is in use", got=str(folder), remedy="name one that does not exist yet"
        )
    folder.mkdir(parents=True, exist_ok=True)
    ranges = np.append(np.arange(0, nodes, sizes.nodes), nodes)
    shards = [
        _write(folder / "0" / f"{number}", packed, ranges, 0)
        for number, packed in enumerate(_packed_blocks(edges, nodes, sizes.edges))
    ]
    step, changed = 0, [1, 1]
    while any(changed):
        shards = _step(folder, step, shards, ranges, (sizes.edges, execute))
        # what a large-star leaves as it is, a small-star may still change, and the reverse
        changed = [changed[-1], sum(shard.changed for shard in shards)]
        step += 1
    labels = _labels(folder, step, shards, ranges, execute)
    return Components(labels, -(-step // 2))


@dataclass(frozen=True, slots=True)
class _Shard:
    """Files of one task: edges by one end, and the least neighbour of each higher end.

    Attributes:
        path: without suffix.
        edges: ``(ranges + 1,)`` first rows of each range of the grouping end.
        least: ``(ranges + 1,)`` first rows in the other file, by the higher end.
        changed: number of edges that changed.
    """

    path: Path
    edges: IntArray
    least: IntArray
    changed: int


_Slice = tuple[Path, int, int]


@dataclass(frozen=True, slots=True)
class _TableJob:
    """Computes ``m`` of the nodes ``start..stop`` from the least neighbours that shards hold."""

    start: int
    stop: int
    pieces: tuple[_Slice, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class _StarJob:
    """Does one star operation on edges whose grouping end is in ``start..stop``."""

    large: bool
    start: int
    pieces: tuple[_Slice, ...]
    table: Path
    out: Path
    ranges: IntArray


def _step(
    folder: Path,
    step: int,
    shards: Sequence[_Shard],
    ranges: IntArray,
    how: tuple[int, Execute],
) -> list[_Shard]:
    """Do one star operation on all edges, and remove the files it read."""
    most, execute = how
    here = folder / str(step + 1)
    here.mkdir()
    tables = _tables(here, shards, ranges, execute)
    jobs: list[_StarJob] = []
    for number, table in enumerate(tables):
        slices = _slices(shards, ".edges.npy", number)
        for pieces in _filled(slices, most):
            out = here / f"{len(jobs)}"
            start = int(ranges[number])
            jobs.append(_StarJob(step % 2 == 0, start, pieces, table, out, ranges))
    done = list(execute(_star, jobs))
    shutil.rmtree(folder / str(step), ignore_errors=True)
    return done


def _star(job: _StarJob) -> _Shard:
    """Do a task's star operation: a large-star by the higher end, a small-star by the lower."""
    packed = np.concatenate([_read(piece) for piece in job.pieces])
    group, other = packed >> _HALF, packed & _LOWER
    table = np.load(job.table, mmap_mode="r")
    least = table[group - np.uint64(job.start)].astype(np.uint64)
    if job.large:
        # grouped by the lower end, which is replaced by its own least neighbour
        changed = int((least != group).sum())
        return _write(job.out, _distinct(other << _HALF | least), job.ranges, changed)
    kept = least == other
    moved = np.where(kept, group, other)
    return _write(job.out, _distinct(least << _HALF | moved), job.ranges, int((~kept).sum()))


def _write(out: Path, packed: _Packed, ranges: IntArray, changed: int) -> _Shard:
    """Save sorted edges, and the least neighbour below each higher end."""
    first, second = packed >> _HALF, packed & _LOWER
    by_higher = packed
    if len(packed) and first[0] < second[0]:
        by_higher = np.sort(second << _HALF | first)
    higher = by_higher >> _HALF
    least = by_higher[np.r_[True, higher[1:] != higher[:-1]]] if len(higher) else by_higher
    out.parent.mkdir(exist_ok=True)
    bounds = []
    for suffix, rows in ((".edges.npy", packed), (".least.npy", least)):
        # a file appears complete or not at all, even if two workers write it
        part = out.with_name(f"{out.name}{suffix}.{np.random.default_rng().integers(2**62)}.part")
        with part.open("wb") as file:
            np.save(file, rows)
        part.replace(out.with_name(out.name + suffix))
        bounds.append(np.searchsorted(rows, ranges.astype(np.uint64) << _HALF))
    # the end of the last range may be 2^32, which does not fit
    for bound, rows in zip(bounds, (packed, least), strict=True):
        bound[-1] = len(rows)
    return _Shard(out, bounds[0], bounds[1], changed)


def _tables(here: Path, shards: Sequence[_Shard], ranges: IntArray, execute: Execute) -> list[Path]:
    jobs = [
        _TableJob(
            int(ranges[number]),
            int(ranges[number + 1]),
            tuple(_slices(shards, ".least.npy", number)),
            here / f"table-{number}.npy",
        )
        for number in range(len(ranges) - 1)
    ]
    return list(execute(_table, jobs))


def _table(job: _TableJob) -> Path:
    """Write one task's table of ``(stop − start,)`` uint32."""
    table = np.arange(job.start, job.stop, dtype=np.uint64).astype(np.uint32)
    for piece in job.pieces:
        packed = _read(piece)
        place = packed >> _HALF
        place -= np.uint64(job.start)
        # every node occurs once in a shard
        table[place] = np.minimum(table[place], (packed & _LOWER).astype(np.uint32))
    part = job.out.with_name(f"{job.out.name}.{np.random.default_rng().integers(2**62)}.part")
    with part.open("wb") as file:
        np.save(file, table)
    part.replace(job.out)
    return job.out


def _labels(
    folder: Path, step: int, shards: Sequence[_Shard], ranges: IntArray, execute: Execute
) -> NDArray[np.uint32]:
    """Read the labels off stars: each node's least neighbour is its centre."""
    tables = _tables(folder / str(step), shards, ranges, execute) if shards else []
    nodes = int(ranges[-1])
    if not tables:
        return np.arange(nodes, dtype=np.uint32)
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint32, (nodes,))
    for number, table in enumerate(tables):
        labels[ranges[number] : ranges[number + 1]] = np.load(table)
    labels.flush()
    shutil.rmtree(folder / str(step))
    return labels


def _slices(shards: Sequence[_Shard], suffix: str, number: int) -> Iterator[_Slice]:
    """Find the rows of one range."""
    for shard in shards:
        bounds = shard.edges if suffix == ".edges.npy" else shard.least
        start, stop = int(bounds[number]), int(bounds[number + 1])
        if stop > start:
            yield shard.path.with_name(shard.path.name + suffix), start, stop


def _filled(slices: Iterable[_Slice], most: int) -> Iterator[tuple[_Slice, ...]]:
    """Cut slices into portions of ``most`` rows; only the last holds fewer."""
    portion: list[_Slice] = []
    room = most
    for path, start, stop in slices:
        while start < stop:
            end = min(stop, start + room)
            portion.append((path, start, end))
            room -= end - start
            start = end
            if room == 0:
                yield tuple(portion)
                portion, room = [], most
    if portion:
        yield tuple(portion)


def _read(piece: _Slice) -> _Packed:
    path, start, stop = piece
    return np.load(path, mmap_mode="r")[start:stop]


def _packed_blocks(edges: Iterable[IntArray], nodes: int, most: int) -> Iterator[_Packed]:
    """Pack edges into sorted numbers, the lower end first, without loops or repetitions."""
    held: list[_Packed] = []
    count = 0
    pack = partial(_packed, nodes=nodes)
    for block in edges:
        for at in range(0, len(block), most):
            held.append(pack(block[at : at + most]))
            count += len(held[-1])
            if count >= most:
                yield _distinct(np.concatenate(held))
                held, count = [], 0
    if count:
        yield _distinct(np.concatenate(held))


def _packed(block: IntArray, nodes: int) -> _Packed:
    ends = _checked(block, nodes).astype(np.uint64)
    low, high = ends.min(axis=1), ends.max(axis=1)
    return (low << _HALF | high)[low != high]


def _distinct(packed: _Packed) -> _Packed:
    packed.sort()
    return packed[np.r_[True, packed[1:] != packed[:-1]]] if len(packed) else packed


def _checked(block: IntArray, nodes: int) -> IntArray:
    if block.ndim != 2 or block.shape[1] != 2:
        raise ConfigError("edges are two columns", got=f"shape {block.shape}", expected="(k, 2)")
    if len(block) and not 0 <= int(block.min()) <= int(block.max()) < nodes:
        raise ConfigError(
            "an edge has an end that is no node",
            got=f"{int(block.min())}..{int(block.max())}",
            expected=f"0..{nodes - 1}",
        )
    return block
