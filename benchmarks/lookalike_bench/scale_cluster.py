"""Tasks on the machines of a cluster, as they would run: noise, slow machines, lost machines."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Machines", "Timeline", "cluster_sizes", "lognormal_sizes", "run_tasks", "split_tasks"]

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Machines:
    """What tasks run on.

    Attributes:
        cores: of all nodes; one task on each.
        node_cores: of one node.
        hours_to_failure: of a node, on average; then what ran on it runs again elsewhere.
        restart_seconds: until the cores of a lost node are back.
        slow: share of nodes at half speed.
        noise: standard deviation of the logarithm of a task's time.
        seed: of all that is random.
    """

    cores: int
    node_cores: int
    hours_to_failure: float
    restart_seconds: float
    slow: float
    noise: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """How tasks ran.

    Attributes:
        hours: from the first start to the last end.
        ideal: hours of all work spread evenly over the cores, with no noise nor loss.
        median: seconds of a task.
        p99: likewise.
        longest: likewise.
        lost: tasks that ran again, their node having been lost.
        tasks: how many.
    """

    hours: float
    ideal: float
    median: float
    p99: float
    longest: float
    lost: int
    tasks: int


def run_tasks(seconds: Seconds, machines: Machines) -> Timeline:
    """Give each task to the core that is free first, the longest tasks first.

    Args:
        seconds: ``(tasks,)`` of each on a core of usual speed.
        machines: where.
    """
    random = np.random.default_rng(machines.seed)
    actual = seconds * random.lognormal(0, machines.noise, len(seconds))
    nodes = -(-machines.cores // machines.node_cores)
    factor = np.where(random.random(nodes) < machines.slow, 2.0, 1.0)
    failure = random.exponential(machines.hours_to_failure * 3600, nodes)
    free = [(0.0, core) for core in range(machines.cores)]
    waiting = [(-length, number) for number, length in enumerate(seconds.tolist())]
    heapq.heapify(waiting)
    taken = np.zeros(len(seconds))
    end, lost = 0.0, 0
    while waiting:
        priority, number = heapq.heappop(waiting)
        start, core = heapq.heappop(free)
        node = core // machines.node_cores
        if start >= failure[node] + machines.restart_seconds:
            failure[node] = start + random.exponential(machines.hours_to_failure * 3600)
        length = actual[number] * factor[node]
        if start + length > failure[node]:
            # also what was started while the node was away waits for its return
            lost += 1
            heapq.heappush(free, (float(failure[node] + machines.restart_seconds), core))
            heapq.heappush(waiting, (priority, number))
            continue
        taken[number] = length
        end = max(end, start + length)
        heapq.heappush(free, (float(start + length), core))
    median, p99 = np.quantile(taken, [0.5, 0.99]).tolist()
    ideal = float(seconds.sum()) / machines.cores / 3600
    return Timeline(end / 3600, ideal, median, p99, float(taken.max()), lost, len(seconds))


def split_tasks(seconds: Seconds, most: float) -> Seconds:
    """Tasks longer than ``most`` seconds as several equal ones."""
    parts = np.maximum(1, np.ceil(seconds / most)).astype(int)
    return np.repeat(seconds / parts, parts)


def lognormal_sizes(count: int, mean: float, skew: float, seed: int) -> NDArray[np.float64]:
    """``count`` sizes of that mean, whose mean square is ``skew`` times the squared mean."""
    spread = np.sqrt(np.log(skew))
    return np.random.default_rng(seed).lognormal(np.log(mean) - spread**2 / 2, spread, count)


def cluster_sizes(
    images: float, power: float, most: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sizes of clusters of two and more, and how many of each are to be expected.

    Args:
        images: in all clusters together.
        power: clusters of ``s`` or more are in proportion to ``s ** -power``.
        most: pictures in the largest.

    Returns:
        Sizes, at powers of 2^(1/4) where they are large, and expected clusters of about each size.
    """
    edges = np.unique(np.r_[np.arange(2, 64), np.floor(2 ** np.arange(6, np.log2(most), 0.25))])
    edges = np.append(edges[edges < most], most + 1.0)
    share = edges[:-1] ** -power - edges[1:] ** -power
    # sizes between two edges: their mean under the power law
    middle = np.where(np.diff(edges) <= 1, edges[:-1], np.sqrt(edges[:-1] * edges[1:]))
    return middle, images * share / (share * middle).sum()
