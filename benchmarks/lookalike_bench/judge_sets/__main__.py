"""Command: ``python -m lookalike_bench.judge_sets FOLDER --photos DIR --train DIR …``."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from pathlib import Path

from lookalike_bench.judge_sets.make import Folders, Options, make_judge_sets


def main() -> None:
    """Make the sets and print how many pictures of each kind there are."""
    parser = argparse.ArgumentParser(description="Make labelled pictures for a judge.")
    parser.add_argument("folder", type=Path, help="the sets are written here, with labels.csv")
    for name in ("photos", "train"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("shots", "domains", "fonts"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="1 for about 60 sources a kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--edits-per-picture", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kinds", nargs="*", default=(), help="only these")
    given = parser.parse_args()
    begun = time.perf_counter()
    labels = make_judge_sets(
        given.folder,
        Folders(given.photos, given.train, given.shots, given.domains, given.fonts),
        Options(given.scale, given.seed, given.edits_per_picture, given.workers, (*given.kinds,)),
    )
    sources = Counter(label.kind for label in labels if not label.edit)
    for kind, count in Counter(label.kind for label in labels).items():
        print(f"{kind:20} {sources[kind]:5} sources {count:5} pictures")
    print(f"{len(labels)} pictures in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
