"""fastdup's pairs, with 20 neighbours of every image instead of its 2, and no telemetry."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

# before the import: it would start to report crashes and timings
os.environ["SENTRY_OPT_OUT"] = "1"

import fastdup
from pairs_file import write_pairs

NEIGHBOURS = 20
LEAST = 0.5


def main() -> None:
    folder, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        run = fastdup.create(work_dir=work, input_dir=str(folder))
        run.run(
            overwrite=True,
            num_threads=os.cpu_count() or 1,
            print_summary=False,
            nearest_neighbors_k=NEIGHBOURS,
            threshold=LEAST,
            ccthreshold=LEAST,
        )
        found = run.similarity()
    best: dict[tuple[str, str], float] = {}
    ends = zip(found["filename_from"], found["filename_to"], found["distance"], strict=True)
    for first, second, score in ends:
        names = (Path(path).resolve().relative_to(folder).as_posix() for path in (first, second))
        pair = min_max(*names)
        best[pair] = max(best.get(pair, 0.0), float(score))
    write_pairs(out, ((*pair, round(score, 6)) for pair, score in sorted(best.items())))


def min_max(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)


if __name__ == "__main__":
    main()
