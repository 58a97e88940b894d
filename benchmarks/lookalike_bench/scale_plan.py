"""What every stage of a run over many pictures moves, computes, keeps and costs."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from lookalike.config import FindConfig
from lookalike.model.errors import ConfigError
from lookalike_bench.scale_cluster import cluster_sizes
from lookalike_bench.scale_costs import Costs
from lookalike_bench.scale_distributions import cells_for
from lookalike_bench.scale_fits import Fits, substring_width

__all__ = [
    "DIM",
    "PIECES",
    "PLAN_PROBES",
    "Assumptions",
    "Plan",
    "Stage",
    "Workload",
    "hash_options",
    "plan",
    "workload",
]

PLAN_PROBES = 32
DIM = 256
_ID, _KEY, _SHA, _POSE = 8, 8, 32, 12
_PIECE = 24
PIECES = 256 // _PIECE
_TURNS = 8
_ROUNDS = 20
_BLOCK_EDGES = 4_000_000


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What cannot be measured here; see ``benchmarks/scale/assumptions.toml``."""

    vcpu_hour: float
    tb_month: float
    get_million: float
    put_million: float
    months: float
    node_cores: int
    core_mb_second: float
    core_share: float
    node_hours_to_failure: float
    restart_seconds: float
    slow_nodes: float
    task_noise: float
    task_seconds: float
    object_images: float
    file_bytes: float
    duplicate_share: float
    duplicate_power: float
    duplicate_most: float

    @classmethod
    def read(cls, path: Path) -> Assumptions:
        """From TOML.

        Raises:
            ConfigError: a line is missing or unknown.
        """
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        names = {field.name for field in fields(cls)}
        if held.keys() != names:
            raise ConfigError(
                "assumptions are incomplete or unknown",
                got=", ".join(sorted(held.keys() ^ names)),
                expected="every line of benchmarks/scale/assumptions.toml",
            )
        return cls(**held)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage over all pictures.

    Attributes:
        name: of the stage.
        core_hours: of a core alone, as measured.
        read: bytes read from storage.
        shuffle: bytes between workers.
        kept: bytes stored.
        requests: reads of storage.
        tasks: how many it is cut into.
        task_bytes: memory of one task.
    """

    name: str
    core_hours: float
    read: float = 0.0
    shuffle: float = 0.0
    kept: float = 0.0
    requests: float = 0.0
    tasks: int = 1
    task_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Workload:
    """How much there is to do.

    Attributes:
        images: pictures.
        cells: of embeddings.
        cell_skew: see ``Fits.skew``.
        recall: of true pairs by the probed cells.
        keypoints: of all pictures, upright and mirrored.
        width: bits of a substring.
        dropped: share of keypoints in groups too large to vote.
        hash_meetings: pairs with a piece in common for each picture.
        verified: pairs for each picture.
        edges: accepted pairs of all.
        largest: pictures in the largest cluster.
    """

    images: float
    cells: int
    cell_skew: float
    recall: float
    keypoints: float
    width: int
    dropped: float
    hash_meetings: float
    verified: float
    edges: float
    largest: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All stages.

    Attributes:
        work: how much there is to do.
        stages: in order.
        driver_bytes: what the driver holds at most.
        edge_bytes: of those, what components need.
    """

    work: Workload
    stages: tuple[Stage, ...]
    driver_bytes: float
    edge_bytes: float


def workload(images: float, costs: Costs, fits: Fits, assumed: Assumptions) -> Workload:
    """How much there is to do for so many pictures."""
    cells = cells_for(int(images))
    keypoints = 2 * images * costs.bytes["orb keypoints"]
    width = substring_width(keypoints / 2)
    sizes, counts = cluster_sizes(
        images * assumed.duplicate_share, assumed.duplicate_power, assumed.duplicate_most
    )
    config = FindConfig().local
    # hash, then votes, propose a few neighbours each; a star per cluster remains
    true_pairs = float((counts * sizes * np.minimum(sizes - 1, config.max_neighbours)).sum()) / 2
    strangers = min(fits.vote_candidates, config.max_neighbours)
    expected = counts >= 0.5
    return Workload(
        images=images,
        cells=cells,
        cell_skew=fits.skew,
        recall=fits.recall(PLAN_PROBES, cells),
        keypoints=keypoints,
        width=width,
        dropped=fits.dropped(keypoints, width),
        hash_meetings=_meetings(images, _PIECE, fits),
        verified=strangers + true_pairs / images,
        edges=true_pairs,
        largest=float(sizes[expected].max()) if expected.any() else 2.0,
    )


def _meetings(images: float, width: int, fits: Fits) -> float:
    """Strangers with an equal piece, for each picture, every pair once."""
    return fits.piece_chance(width) * images * _TURNS * (256 // width) / 2


def hash_options(images: float, costs: Costs, fits: Fits) -> list[tuple[int, float, float]]:
    """Bits of a piece, meetings of each picture, core hours to compare them all."""
    found = []
    for width in (16, 24, 32, 64):
        meetings = _meetings(images, width, fits)
        found.append((width, meetings, meetings * images * costs.seconds["bits"].mean / 3600))
    return found


def plan(images: float, costs: Costs, fits: Fits, assumed: Assumptions) -> Plan:
    """Every stage over so many pictures."""
    work = workload(images, costs, fits, assumed)
    stages = [
        *_described(work, costs, assumed),
        *_joined(work, costs, assumed),
        *_decided(work, costs, assumed),
    ]
    # numbers of pictures and what stands for each; edges with distance, and copies for components
    edge_bytes = 60 * work.edges + 8 * images
    driver = images * (_ID + _ID) + work.edges * (2 * _ID + 4)
    return Plan(work, tuple(stages), driver + edge_bytes, edge_bytes)


def _cut(seconds: float, assumed: Assumptions) -> int:
    return max(1, math.ceil(seconds / assumed.task_seconds))


def _stage(name: str, seconds: float, assumed: Assumptions, **more: float) -> Stage:
    """A stage cut into tasks of equal numbers of rows, which hold all that they move."""
    moving = (more.get("read", 0.0) + more.get("shuffle", 0.0)) / (assumed.core_mb_second * 1e6)
    tasks = _cut(max(seconds / assumed.core_share, moving), assumed)
    whole = max(more.get(part, 0.0) for part in ("read", "shuffle", "kept"))
    task_bytes = more.pop("task_bytes", whole / tasks)
    return Stage(name, seconds / 3600, **more, tasks=tasks, task_bytes=task_bytes)


def _described(work: Workload, costs: Costs, assumed: Assumptions) -> list[Stage]:
    """List, then one pass over the pictures in which each is read once."""
    n, seconds, sizes = work.images, costs.seconds, costs.bytes
    file = assumed.file_bytes or sizes["file"]
    objects = n / assumed.object_images
    hashes = n * (sizes["pdq"] + sizes["thumb"])
    local = n * (sizes["orb"] + sizes["plane"])
    memory = 300e6  # a batch of pictures, decoded, and the network
    return [
        _stage("list", n * seconds["sort"].mean, assumed, read=120 * n, requests=objects / 1000),
        _stage(
            "read, decode, hash",
            n * (seconds["read"].mean + seconds["hash"].mean),
            assumed,
            read=n * file,
            kept=hashes,
            requests=objects,
            task_bytes=memory,
        ),
        _stage("keypoints", n * seconds["orb"].mean, assumed, kept=local, task_bytes=memory),
        _stage(
            "embedding",
            n * seconds["embed"].mean,
            assumed,
            kept=n * sizes["embedding"],
            task_bytes=memory,
        ),
    ]


def _joined(work: Workload, costs: Costs, assumed: Assumptions) -> list[Stage]:
    """Who meets whom: bytes, hashes, embeddings, keypoints."""
    n, seconds, sizes = work.images, costs.seconds, costs.bytes
    row = seconds["sort"].mean
    pieces = n * PIECES * (_TURNS + 1)
    compared = n * work.hash_meetings * seconds["bits"].mean
    multiply = seconds["multiply"].mean * DIM
    members = n / work.cells
    visits = n * PLAN_PROBES
    joins = visits * members * work.cell_skew * multiply
    tables = FindConfig().local.tables
    voting = work.keypoints * tables
    return [
        _stage("exact shuffle", n * row, assumed, shuffle=n * (_SHA + _ID)),
        _stage(
            "hash buckets",
            pieces * row + compared,
            assumed,
            read=n * sizes["pdq"],
            shuffle=pieces * (_KEY + _ID + _SHA),
        ),
        _stage(
            "embedding cells",
            n * work.cells * multiply + joins,
            assumed,
            read=n * sizes["embedding"],
            shuffle=(visits + n) * (sizes["embedding"] + _ID),
            task_bytes=members * 5 * (2 * sizes["embedding"] + 4 * 1024),
        ),
        _stage(
            "keypoint votes",
            voting * seconds["vote"].mean,
            assumed,
            read=n * sizes["orb"],
            shuffle=voting * (_KEY + _ID + _POSE),
        ),
    ]


def _decided(work: Workload, costs: Costs, assumed: Assumptions) -> list[Stage]:
    """Verification of what is open, then clusters and the report."""
    n, seconds, sizes = work.images, costs.seconds, costs.bytes
    pairs = n * work.verified
    true = min(pairs, work.edges)
    side = sizes["orb"] + sizes["plane"]
    judged = (
        true * seconds["verify copies"].mean
        + (pairs - true) * seconds["verify strangers"].mean
        + pairs * seconds["thumbs"].mean
    )
    edges = work.edges
    # pairs go to the shard of one side and fetch the other, a hundred rows a request
    return [
        _stage("verification", judged, assumed, read=pairs * side, requests=pairs / 100),
        _stage(
            "components",
            edges * _ROUNDS * seconds["component"].mean,
            assumed,
            shuffle=edges * _ROUNDS * 2 * 16,
            task_bytes=_BLOCK_EDGES * 40 + 8 * 16_000_000,
        ),
        _stage("stars", edges * seconds["star"].mean, assumed, shuffle=edges * 2 * _ID),
        _stage("report", edges * seconds["report"].mean, assumed, kept=edges * sizes["match"]),
    ]
