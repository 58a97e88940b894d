"""How work is cut into tasks; only ``probes`` can change the answer."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.model.errors import ConfigError

__all__ = ["Layout"]

_STEPS = ((100_000, 64), (10_000_000, 256))
_LARGEST = 1024


@dataclass(frozen=True, slots=True)
class Layout:
    """How work is cut into tasks.

    Attributes:
        shard: files per shard on average; 0 for 64, more where there are more than 100,000.
        block: contents whose hashes one task compares with as many others.
        pairs: pairs that one task verifies.
        embedded: contents that an actor describes at once.
        cell: contents per cell of the join of embeddings, on average.
        probes: cells into which every content looks; recall of near pairs in clustered and
            unclustered vectors alike is .995 with 8 and 1 with 32.
        actors: processes that hold the network at most; 0 for one a core, or one a GPU.
        edges: accepted pairs up to which one process finds components; beyond, tasks over shards do
            in a work folder of this machine.
        crossover: comparisons of hashes in a product that take as long as one in a bucket; 0 always
            joins by buckets.
    """

    shard: int = 0
    block: int = 8192
    pairs: int = 64
    embedded: int = 64
    cell: int = 512
    probes: int = 8
    actors: int = 0
    edges: int = 100_000_000
    crossover: float = 25.0

    def __post_init__(self) -> None:
        counts = (self.block, self.pairs, self.embedded, self.cell, self.probes, self.edges)
        if min(counts) < 1 or min(self.shard, self.actors, self.crossover) < 0:
            raise ConfigError("a size of tasks is out of range", got=str(self), expected="from 1")

    def shard_of(self, files: int) -> int:
        """Choose files per shard, in few steps: shards stay the same when files are added."""
        if self.shard:
            return self.shard
        return next((size for most, size in _STEPS if files <= most), _LARGEST)
