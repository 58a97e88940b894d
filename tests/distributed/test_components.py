"""Components in memory and by tasks over shards are the same, and every task stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import loky
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.clustering.components import label_components
from lookalike.distributed import components
from lookalike.distributed.components import ShardSizes, component_labels, labels_by_stars
from lookalike.model.arrays import IntArray
from lookalike.model.errors import ConfigError

SMALL = ShardSizes(edges=7, nodes=5)


def by_stars(edges: IntArray, nodes: int, sizes: ShardSizes = SMALL) -> tuple[IntArray, int]:
    """Labels and rounds, by shards in a folder that goes away."""
    with TemporaryDirectory() as folder:
        found = labels_by_stars([edges], nodes, Path(folder), sizes=sizes)
        return np.array(found.labels, np.int64), found.rounds


def in_memory(edges: IntArray, nodes: int) -> IntArray:
    """Labels in memory."""
    return component_labels([edges], nodes, Path("unused")).labels.astype(np.int64)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data(), nodes=st.integers(0, 40))
def test_shards_give_what_memory_gives(data: st.DataObject, nodes: int) -> None:
    """Random graphs with loops and repetitions: least nodes, however cut into shards."""
    node = st.integers(0, max(0, nodes - 1))
    rows = data.draw(st.lists(st.tuples(node, node), max_size=80 if nodes else 0))
    edges = np.array(rows, np.int64).reshape(-1, 2)
    sizes = ShardSizes(data.draw(st.integers(1, 90)), data.draw(st.integers(1, 50)))
    expected = label_components(nodes, edges[:, 0], edges[:, 1])
    assert np.array_equal(in_memory(edges, nodes), expected)
    assert np.array_equal(by_stars(edges, nodes, sizes)[0], expected)


@pytest.mark.parametrize("order", ["sorted", "shuffled", "outside in"])
def test_a_path_takes_rounds_like_its_logarithm(order: str) -> None:
    """The longest chain there can be: 20,000 nodes in a row, joined within 2 log2 n rounds."""
    nodes = 20_000
    numbers = np.arange(nodes)
    if order == "shuffled":
        numbers = np.random.default_rng(0).permutation(nodes)
    elif order == "outside in":
        numbers = np.where(numbers % 2 == 0, numbers // 2, nodes - 1 - numbers // 2)
    edges = np.stack([numbers[:-1], numbers[1:]], axis=1)
    labels, rounds = by_stars(edges, nodes, ShardSizes(3000, 4000))
    assert not labels.any()
    assert rounds <= 2 * np.log2(nodes)


def test_small_graphs_by_hand() -> None:
    """No nodes, no edges, one star, two components: hand-computed."""
    none = np.empty((0, 2), np.int64)
    assert by_stars(none, 0)[0].tolist() == []
    assert by_stars(none, 3)[0].tolist() == [0, 1, 2]
    star = np.array([[9, n] for n in range(9)])
    assert by_stars(star, 11)[0].tolist() == [0] * 10 + [10]
    two = np.array([[4, 1], [1, 4], [2, 2], [5, 3], [3, 0]])
    assert by_stars(two, 6)[0].tolist() == [0, 1, 2, 0, 1, 0]


class Watched:
    """Runs jobs one after another and notes how many edges each was given."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def __call__(self, task: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterable[Any]:
        """All of them, in order."""
        for job in jobs:
            if task is components._star:
                self.rows.append(sum(stop - start for _, start, stop in job.pieces))
        return map(task, jobs)


@pytest.mark.parametrize("hub", [0, 500_000, 999_999])
def test_a_hub_fills_many_tasks_and_none_beyond_its_room(hub: int, tmp_path: Path) -> None:
    """A million neighbours of one node: no task holds more than its share, and few rounds do."""
    nodes = 1_000_000
    leaves = np.delete(np.arange(nodes), hub)
    edges = np.stack([np.full(nodes - 1, hub), leaves], axis=1)
    watched = Watched()
    sizes = ShardSizes(edges=100_000, nodes=300_000)
    found = labels_by_stars([edges], nodes, tmp_path / "hub", execute=watched, sizes=sizes)
    assert not np.asarray(found.labels).any()
    assert found.rounds <= 4
    assert max(watched.rows) <= 100_000
    # the work of all rounds is in proportion to the edges
    assert sum(watched.rows) <= 2 * found.rounds * nodes


@pytest.mark.slow
def test_threads_processes_and_tasks_run_twice_change_nothing(tmp_path: Path) -> None:
    """The same code on any executor; a job that a lost worker had done is simply done again."""
    random = np.random.default_rng(3)
    edges = random.integers(0, 3000, (2500, 2))
    expected = in_memory(edges, 3000)

    def twice(task: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterable[Any]:
        list(map(task, jobs))
        return map(task, jobs)

    sizes = ShardSizes(400, 700)
    with ThreadPoolExecutor(3) as threads:
        processes = loky.get_reusable_executor(2)
        for number, execute in enumerate((threads.map, processes.map, twice)):
            folder = tmp_path / str(number)
            found = labels_by_stars([edges], 3000, folder, execute=execute, sizes=sizes)
            assert np.array_equal(found.labels, expected)
            assert [file.name for file in folder.iterdir()] == ["labels.npy"]


@pytest.mark.slow
def test_order_and_blocks_change_nothing(tmp_path: Path) -> None:
    """Labels depend on the set of edges alone; beyond the limit shards take over, silently."""
    random = np.random.default_rng(4)
    edges = random.integers(0, 500, (400, 2))
    expected = in_memory(edges, 500)
    mixed = random.permutation(edges)[:, ::-1]
    blocks = np.array_split(mixed, 9)
    found = component_labels(blocks, 500, tmp_path / "a", most_edges=100, sizes=SMALL)
    assert found.rounds > 0
    assert np.array_equal(found.labels, expected)
    assert component_labels(blocks, 500, tmp_path / "b").rounds == 0
    assert not (tmp_path / "b").exists()


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    """Nodes out of range, wrong shapes, a folder in use and empty shards are errors."""
    edges = np.array([[0, 5]])
    for labels in (component_labels, labels_by_stars):
        with pytest.raises(ConfigError, match="no node"):
            labels([edges], 5, tmp_path / "x")
        with pytest.raises(ConfigError, match="two columns"):
            labels([np.arange(3)], 5, tmp_path / f"y{labels.__name__}")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(ConfigError, match="in use"):
        labels_by_stars([edges], 6, tmp_path / "used")
    with pytest.raises(ConfigError, match="numbered"):
        labels_by_stars([edges], 2**33, tmp_path / "z")
    with pytest.raises(ConfigError, match="hold something"):
        ShardSizes(0, 1)
