"""Seconds of the tasks of a stage: even ones, cells, buckets with popular pictures."""

from __future__ import annotations

import numpy as np

from lookalike_bench.scale_cluster import (
    Machines,
    Seconds,
    cluster_sizes,
    lognormal_sizes,
    split_tasks,
)
from lookalike_bench.scale_costs import Costs
from lookalike_bench.scale_plan import (
    DIM,
    PIECES,
    PLAN_PROBES,
    Assumptions,
    Plan,
    Stage,
)

__all__ = ["bucket_seconds", "cell_seconds", "even_seconds", "machines_of", "split_seconds"]

_LONGEST_SPLIT = 2.0
_POPULAR = 1000.0


def machines_of(cores: int, assumed: Assumptions) -> Machines:
    """So many cores, on nodes as assumed."""
    return Machines(
        cores,
        assumed.node_cores,
        assumed.node_hours_to_failure,
        assumed.restart_seconds,
        assumed.slow_nodes,
        assumed.task_noise,
    )


def even_seconds(stage: Stage, assumed: Assumptions) -> Seconds:
    """Seconds of equal tasks: computing or moving, whichever takes longer."""
    computing = stage.core_hours * 3600 / assumed.core_share
    moving = (stage.read + stage.shuffle + stage.kept) / (assumed.core_mb_second * 1e6)
    return np.full(stage.tasks, max(computing, moving) / stage.tasks)


def split_seconds(seconds: Seconds, assumed: Assumptions) -> Seconds:
    """No task longer than twice the median, or than tasks are cut to."""
    return split_tasks(
        seconds, max(assumed.task_seconds, _LONGEST_SPLIT * float(np.median(seconds)))
    )


def cell_seconds(
    made: Plan, costs: Costs, assumed: Assumptions, *, popular: bool = False
) -> Seconds:
    """Visitors and members of a cell are both in proportion to its size.

    With ``popular`` the copies of popular pictures, which hashes should have joined before, all
    lie in the cell of their picture.
    """
    work = made.work
    sizes = lognormal_sizes(work.cells, work.images / work.cells, work.cell_skew, seed=1)
    if popular:
        copies = _popular(made, assumed)
        place = np.random.default_rng(3).integers(0, len(sizes), len(copies))
        np.add.at(sizes, place, copies)
    return PLAN_PROBES * sizes**2 * DIM * costs.seconds["multiply"].mean / assumed.core_share


def _popular(made: Plan, assumed: Assumptions) -> Seconds:
    """Sizes of the clusters of a thousand and more: only they weigh in a task of a minute."""
    power, images = assumed.duplicate_power, made.work.images * assumed.duplicate_share
    sizes, counts = cluster_sizes(images, power, assumed.duplicate_most)
    count = round(float(counts[sizes >= _POPULAR].sum()))
    drawn = _POPULAR * (1 - np.random.default_rng(2).random(count)) ** (-1 / power)
    return np.minimum(drawn, assumed.duplicate_most)


def bucket_seconds(
    made: Plan, stage: Stage, costs: Costs, assumed: Assumptions, *, stars: bool = False
) -> Seconds:
    """Ranges of keys, evenly loaded but for the copies of popular pictures.

    Copies share the buckets of their pieces. Every pair of a bucket is compared, or with ``stars``
    each copy with the bucket's first one alone.
    """
    seconds = even_seconds(stage, assumed)
    sizes = _popular(made, assumed)
    pairs = sizes if stars else sizes * (sizes - 1) / 2
    longer = pairs * costs.seconds["bits"].mean / assumed.core_share
    random = np.random.default_rng(4)
    for _ in range(PIECES):
        np.add.at(seconds, random.integers(0, len(seconds), len(sizes)), longer)
    return seconds
