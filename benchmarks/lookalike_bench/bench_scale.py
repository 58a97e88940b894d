"""What the stages cost at size, on made-up rows: time and peak memory, a process for each task.

    python -m lookalike_bench.bench_scale [--only TASK]

Rows are seeded noise around seeded centres, of the published sizes. Writes the result ``scale``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from lookalike.distributed.components import component_labels, labels_by_stars
from lookalike.evaluation.predict import TIMER
from lookalike.index.blocks import nearest_rows
from lookalike.index.cells import CellIndex, fit_cells
from lookalike.index.flat import CosineIndex
from lookalike.index.hamming import HammingIndex
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.store.rows import RowFile, StoredRows
from lookalike.systems.pca import fit_reduction
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["TASKS", "main"]

_HEADLINE = "million"


def _noise(count: int, dim: int, centres: int, seed: int = 0) -> FloatArray:
    random = np.random.default_rng(seed)
    middle = random.standard_normal((centres, dim), np.float32)
    rows = middle[random.integers(centres, size=count)]
    rows += random.standard_normal((count, dim), np.float32) * np.float32(0.7)
    return rows


def _on_disk(folder: Path, count: int, dim: int) -> StoredRows:
    """Half-precision rows in a file, never all in memory."""
    file = RowFile(folder / "rows.bin", "float16", dim)
    at = 0
    for seed in range(-(-count // 1000)):
        at = file.append(np.maximum(_noise(min(1000, count - at), dim, 50, seed), 0), at)
    return file.at(np.arange(count))


def _reduction() -> str:
    """50,000 × 25,088: scaling, PCA to 256, 6 nearest neighbours of every row."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _on_disk(Path(folder), 50_000, 25_088)
        start = time.perf_counter()
        fitted = fit_reduction(rows, components=256, scale="standard", streamed=True)
        after_fit = time.perf_counter()
        moved = fitted.apply_blocks(rows)
        after_apply = time.perf_counter()
        for at in range(0, len(moved), 1000):
            nearest_rows(moved[at : at + 1000], moved, 7, "cosine")
        end = time.perf_counter()
    return (
        f"fit {after_fit - start:.0f} s, apply {after_apply - after_fit:.0f} s, "
        f"neighbours {end - after_apply:.0f} s"
    )


def _five_distances() -> str:
    """92,424 × 4,096: the 6 nearest of 20 queries under each of DeDup's five distances."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        rows = _on_disk(Path(folder), 92_424, 4096)
        query = rows[np.arange(0, 92_424, 4700)].astype(np.float32)
        for metric in ("euclidean", "manhattan", "cosine", "minkowski", "dice"):
            start = time.perf_counter()
            best, _ = nearest_rows(query, rows, 6, metric)
            assert (best[:, 0] == np.arange(0, 92_424, 4700)).all()
            parts.append(f"{metric} {time.perf_counter() - start:.1f} s")
    return ", ".join(parts)


def _all_pairs() -> str:
    """10,000 × 128: every cosine pair within 0.3."""
    rows = _noise(10_000, 128, 2000)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    start = time.perf_counter()
    left, _, _ = CosineIndex(rows, threads=2).pairs_within(0.3)
    return f"{time.perf_counter() - start:.2f} s, {len(left):,} pairs"


def _hashes() -> str:
    """50,000 hashes of 64 bits: every pair within 6 bits."""
    hashes = np.random.default_rng(0).integers(0, 256, (50_000, 8)).astype(np.uint8)
    hashes[25_000:] = hashes[:25_000]
    hashes[25_000:, 0] ^= 1
    start = time.perf_counter()
    left, _, _ = HammingIndex(hashes, threads=2).pairs_within(6)
    return f"{time.perf_counter() - start:.2f} s, {len(left):,} pairs"


def _million() -> str:
    """1,000,000 × 128: 4,000 cells, 8 probed, 6 nearest of every row; recall on 1,000 rows."""
    rows = _noise(1_000_000, 128, 20_000)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    start = time.perf_counter()
    index = CellIndex(fit_cells(rows, 4000), rows)
    after_fit = time.perf_counter()
    best, _ = index.nearest(rows, 7, probes=8)
    end = time.perf_counter()
    sample = np.arange(0, len(rows), 1000)
    exact = np.concatenate(
        [
            nearest_rows(rows[sample[at : at + 100]], rows, 7, "cosine")[0]
            for at in range(0, 1000, 100)
        ]
    )
    hits = [len(set(a) & set(b)) / 7 for a, b in zip(best[sample], exact, strict=True)]
    return (
        f"fit {after_fit - start:.0f} s, search {end - after_fit:.0f} s, "
        f"recall of the exact neighbours {np.mean(hits):.4f}"
    )


def _tied(count: int) -> IntArray:
    """Edges ``(count, 2)`` among as many nodes: a path, a hub and random ones, a third each."""
    random = np.random.default_rng(0)
    third = count // 3
    nodes = random.permutation(count)
    path = np.stack([nodes[: third - 1], nodes[1:third]], axis=1)
    hub = np.stack([np.full(third, nodes[third]), nodes[third : 2 * third]], axis=1)
    pairs = random.integers(2 * third, count, (count - 2 * third, 2))
    return np.concatenate([path, hub, nodes[pairs]])


def _components() -> str:
    """10,000,000 edges of a path, a hub and random ones: components by SciPy."""
    edges = _tied(10_000_000)
    start = time.process_time()
    labels = component_labels([edges], 10_000_000, Path("unused")).labels
    seconds = f"{time.process_time() - start:.1f} s of processor time"
    return f"{seconds}, {len(np.unique(labels)):,} components"


def _components_by_shards() -> str:
    """The same, by tasks over shards on disk, one after another."""
    edges = _tied(10_000_000)
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = labels_by_stars([edges], 10_000_000, Path(folder))
        count = len(np.unique(found.labels))
    seconds = f"{time.process_time() - start:.1f} s of processor time"
    return f"{seconds}, {count:,} components, {found.rounds} rounds"


TASKS: Mapping[str, Callable[[], str]] = {
    "reduction": _reduction,
    "five-distances": _five_distances,
    "all-pairs": _all_pairs,
    "hashes": _hashes,
    "million": _million,
    "components": _components,
    "components-by-shards": _components_by_shards,
}


def main() -> None:
    """Run one task here, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=TASKS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.only:
        print(TASKS[arguments.only]())
        return
    headline = ""
    lines = [
        "Made-up rows.",
        "",
        "| task | time | peak memory MB |",
        "|---|---|---|",
    ]
    for name, task in TASKS.items():
        command = [sys.executable, "-c", TIMER, sys.executable, "-m", __spec__.name, "--only", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        megabytes = int(done.stderr.split()[-1]) / 1024
        about, said = (task.__doc__ or name).rstrip("."), done.stdout.strip()
        lines.append(f"| {about} | {said} | {megabytes:.0f} |")
        print(lines[-1], flush=True)
        if name == _HEADLINE:
            headline = f"{about.partition(':')[0]}: {said}"
    measured_by = this_command(__spec__.name)
    result = Result("scale", "Stages at size", headline, measured_by, lines, ("scipy",))
    print(f"written: {write_result(arguments.out, result)}")


if __name__ == "__main__":
    main()
